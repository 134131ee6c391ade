//! Redis's channels: SUBSCRIBE, PSUBSCRIBE, PUBLISH.

use std::collections::HashMap;

use hive_proto::channel::Channel;
use redis::{Pipeline, Value};

use super::{
    Place,
    gate::{Inbox, Pushed},
    link::Link,
    names,
};
use crate::{
    bridge::{Desk, Export, Exporter, Importer, Incoming, Lost, Port, Rules},
    bus::Message,
    status::BridgeDrop,
};

/// Events put into a pipeline at a time.
const BATCH: usize = 256;
/// Names of which it is remembered which rule lets them in.
const NAMES_KEPT: usize = 1_024;

pub(super) async fn carry(place: &Place, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, importer } = port;
    let lost = |error| Lost::at(&format!("Redis at {place}"), &error);
    let (mut link, _) = Link::connect(place, desk).await.map_err(lost)?;
    // What comes in may wait; what is sent and answered must not wait behind it.
    let (mut reading, inbox) = Link::connect(place, desk).await.map_err(lost)?;
    let sources = Sources::new(desk.rules());
    let names: Vec<String> = sources.by_name.keys().cloned().collect();
    let globs: Vec<String> = sources.by_glob.keys().cloned().collect();
    reading.subscribe(&names, &globs).await.map_err(lost)?;
    desk.up(format!("Redis at {place}"));
    let watched = link.clone().watch();
    tokio::select! {
        () = read(inbox, sources, importer, desk) => Err(Lost::new(format!("Redis at {place} closed the connection"))),
        written = write(&mut link, exporter) => written.map_err(lost),
        error = watched => Err(lost(error)),
    }
}

/// What was subscribed for which rules.
struct Sources {
    by_name: HashMap<String, Vec<usize>>,
    by_glob: HashMap<String, Vec<usize>>,
    /// The rules that let a name in first, lately. None: no rule does.
    first: HashMap<Vec<u8>, Option<usize>>,
}

impl Sources {
    fn new(rules: &Rules) -> Self {
        let (mut by_name, mut by_glob) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, Vec<usize>>::new());
        for (at, rule) in rules.import.iter().enumerate().filter(|_| !rules.proxy) {
            let names::Wanted { exact, glob } = names::wanted(&rule.pattern);
            exact.into_iter().for_each(|name| by_name.entry(name).or_default().push(at));
            glob.into_iter().for_each(|glob| by_glob.entry(glob).or_default().push(at));
        }
        Self { by_name, by_glob, first: HashMap::new() }
    }

    /// Whether a message came by the rule that lets its name in. Globs match more than their rules, and a name that
    /// several match comes as often.
    fn is_wanted(&mut self, pushed: &Pushed, name: &str, rules: &Rules) -> bool {
        let first = match self.first.get(&pushed.channel) {
            Some(known) => *known,
            None => {
                let found = Channel::parse(name)
                    .ok()
                    .and_then(|channel| rules.import.iter().position(|rule| rule.pattern.matches(&channel)));
                if self.first.len() >= NAMES_KEPT {
                    self.first.clear();
                }
                self.first.insert(pushed.channel.clone(), found);
                found
            }
        };
        let Some(first) = first else { return false };
        let came_by = match &pushed.glob {
            Some(glob) => str::from_utf8(glob).ok().and_then(|glob| self.by_glob.get(glob)),
            None => self.by_name.get(name),
        };
        came_by.is_some_and(|rules| rules.contains(&first))
    }
}

/// Puts what comes in on the bus until the connection is lost.
async fn read(mut inbox: Inbox, mut sources: Sources, importer: &mut Importer, desk: &Desk) {
    let mut batch = Vec::new();
    while inbox.take(&mut batch).await > 0 {
        for pushed in batch.drain(..) {
            let Ok(name) = str::from_utf8(&pushed.channel) else {
                desk.dropped(BridgeDrop::Name, 1);
                continue;
            };
            // What is no channel is said aloud by the importer.
            if sources.is_wanted(&pushed, name, desk.rules()) || Channel::parse(name).is_err() {
                importer.import(Incoming::new(name, Message::new(pushed.payload))).await;
            }
        }
    }
}

/// Publishes what goes out until there is no more.
async fn write(link: &mut Link, exporter: &mut Exporter) -> Result<(), redis::RedisError> {
    let mut batch: Vec<Export> = Vec::with_capacity(BATCH);
    while let Some(export) = exporter.next().await {
        batch.push(export);
        while batch.len() < BATCH
            && let Some(export) = exporter.more().await
        {
            batch.push(export);
        }
        let mut commands = Pipeline::with_capacity(batch.len());
        commands.ignore_errors();
        for export in &batch {
            commands.cmd("PUBLISH").arg(&*export.name).arg(export.payload().as_ref());
        }
        let answers = link.send(&commands).await?;
        for (export, answer) in batch.drain(..).zip(answers) {
            if let Value::ServerError(error) = answer {
                exporter.cannot(&export, BridgeDrop::Rejected, &format!("Redis refuses it: {error}")).await;
            }
        }
        exporter.sent();
    }
    Ok(())
}
