//! Redis's channels: SUBSCRIBE, PSUBSCRIBE, PUBLISH.

use std::collections::HashMap;

use bytes::Bytes;
use hive_proto::{channel::Channel, limits::PAYLOAD_BYTES_MAX};
use redis::{Pipeline, Value};

use super::{Place, link::Link, names, reading::Reading, resp::Said};
use crate::{
    bridge::{Desk, Export, Exporter, Importer, Incoming, Lost, Port, Rules},
    bus::Message,
    status::BridgeDrop,
};

/// Events put into a pipeline at a time.
const BATCH: usize = 256;
/// Names of which it is remembered which rule lets them in.
const NAMES_KEPT: usize = 1_024;
/// Names that are looked at before any is looked up.
const RECENT: usize = 8;

pub(super) async fn carry(place: &Place, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, importer } = port;
    let lost = |error| Lost::new(format!("Redis at {place}: {}", place.words(&error)));
    let mut link = Link::connect(place, desk).await.map_err(lost)?;
    let sources = Sources::new(desk.rules());
    let up = format!("Redis at {place}");
    let reading = match sources.asks() {
        (names, globs) if names.is_empty() && globs.is_empty() => {
            desk.up(up.as_str());
            None
        }
        // What comes in may wait; what is sent and answered must not wait behind it.
        (names, globs) => {
            Some(Reading::open(place, (&names, &globs), PAYLOAD_BYTES_MAX).await.map_err(lost)?)
        }
    };
    let watched = link.clone().watch();
    tokio::select! {
        why = read(reading, sources, importer, (&*desk, &up)) => {
            Err(Lost::new(format!("{up}: {}", place.words(&why))))
        }
        written = write(&mut link, exporter) => written.map_err(lost),
        error = watched => Err(lost(error)),
    }
}

/// What was subscribed for which rules.
struct Sources {
    by_name: HashMap<String, Vec<usize>>,
    by_glob: HashMap<String, Vec<usize>>,
    /// The rules that let a name in first, lately. None: no rule does.
    first: HashMap<String, Option<usize>>,
    recent: Recent,
}

/// What came lately, and whether it was wanted: events come in runs, or of a few names in turn.
#[derive(Default)]
struct Recent {
    all: Vec<Known>,
    /// Which gives way next; its memory is used again.
    next: usize,
}

struct Known {
    /// Empty: it came by its name.
    glob: Vec<u8>,
    name: String,
    wanted: bool,
}

impl Recent {
    fn find(&self, glob: Option<&[u8]>, name: &str) -> Option<bool> {
        let glob = glob.unwrap_or_default();
        let known = self.all.iter().find(|known| known.name == name && known.glob == glob);
        known.map(|known| known.wanted)
    }

    fn remember(&mut self, glob: Option<&[u8]>, name: &str, wanted: bool) {
        let glob = glob.unwrap_or_default();
        if self.all.len() < RECENT {
            self.all.push(Known { glob: glob.to_vec(), name: name.to_owned(), wanted });
            return;
        }
        self.next = (self.next + 1) % RECENT;
        if let Some(known) = self.all.get_mut(self.next) {
            known.glob.clear();
            known.glob.extend_from_slice(glob);
            known.name.clear();
            known.name.push_str(name);
            known.wanted = wanted;
        }
    }
}

impl Sources {
    fn new(rules: &Rules) -> Self {
        let (mut by_name, mut by_glob) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, Vec<usize>>::new());
        for (at, rule) in rules.import.iter().enumerate().filter(|_| !rules.proxy) {
            let names::Wanted { exact, glob } = names::wanted(&rule.pattern);
            exact.into_iter().for_each(|name| by_name.entry(name).or_default().push(at));
            glob.into_iter().for_each(|glob| by_glob.entry(glob).or_default().push(at));
        }
        Self { by_name, by_glob, first: HashMap::new(), recent: Recent::default() }
    }

    /// What is to be asked for: names, and globs.
    fn asks(&self) -> (Vec<String>, Vec<String>) {
        (self.by_name.keys().cloned().collect(), self.by_glob.keys().cloned().collect())
    }

    /// Whether a message came by the rule that lets its name in. Globs match more than their rules, and a name that
    /// several match comes as often.
    fn is_wanted(&mut self, glob: Option<&[u8]>, name: &str, rules: &Rules) -> bool {
        if let Some(wanted) = self.recent.find(glob, name) {
            return wanted;
        }
        let wanted = self.is_let_in(glob, name, rules);
        self.recent.remember(glob, name, wanted);
        wanted
    }

    fn is_let_in(&mut self, glob: Option<&[u8]>, name: &str, rules: &Rules) -> bool {
        let first = match self.first.get(name) {
            Some(known) => *known,
            None => {
                let found = Channel::parse(name)
                    .ok()
                    .and_then(|channel| rules.import.iter().position(|rule| rule.pattern.matches(&channel)));
                if self.first.len() >= NAMES_KEPT {
                    self.first.clear();
                }
                self.first.insert(name.to_owned(), found);
                found
            }
        };
        let Some(first) = first else { return false };
        let came_by = match glob {
            Some(glob) => str::from_utf8(glob).ok().and_then(|glob| self.by_glob.get(glob)),
            None => self.by_name.get(name),
        };
        came_by.is_some_and(|rules| rules.contains(&first))
    }
}

/// Puts what comes in on the bus. Returns why nothing comes any more.
async fn read(
    reading: Option<Reading>,
    mut sources: Sources,
    importer: &mut Importer,
    (desk, up): (&Desk, &str),
) -> String {
    let Some(mut reading) = reading else { return std::future::pending().await };
    loop {
        loop {
            let said = match reading.next() {
                Ok(Some(said)) => said,
                Ok(None) => break,
                Err(why) => return why,
            };
            match said {
                Said::Message { glob, channel, payload } => {
                    let Ok(name) = str::from_utf8(channel) else {
                        desk.dropped(BridgeDrop::Name, 1);
                        continue;
                    };
                    // What is no channel is said aloud by the importer.
                    if sources.is_wanted(glob, name, desk.rules()) || Channel::parse(name).is_err() {
                        let message = Message::new(Bytes::copy_from_slice(payload));
                        importer.import_among(Incoming::new(name, message)).await;
                    }
                }
                Said::TooLarge => desk.dropped(BridgeDrop::TooLarge, 1),
                Said::Subscribed => {
                    if reading.confirmed() {
                        desk.up(up);
                    }
                }
                Said::Refused(_) | Said::Heard => {}
            }
        }
        importer.hand_over().await;
        if let Err(why) = reading.more().await {
            return why;
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

#[cfg(test)]
mod tests {
    use hive_proto::{channel::NetworkIndex, pattern::Pattern};

    use super::*;
    use crate::bridge::Rule;

    fn rules(patterns: &[&str]) -> Rules {
        let rule = |text: &&str| Rule::plain(NetworkIndex::HOME, Pattern::parse(text).expect(text));
        Rules { import: patterns.iter().map(rule).collect(), ..Rules::default() }
    }

    #[test]
    fn each_name_comes_by_the_first_rule_that_lets_it_in() {
        let rules = rules(&["a/1", "a/*", "**"]);
        let mut sources = Sources::new(&rules);
        let asked = sources.asks();
        assert!(asked.0.contains(&"a/1".to_owned()) && asked.1.contains(&"a/*".to_owned()), "{asked:?}");
        for _ in 0..2 {
            assert!(
                sources.is_wanted(None, "a/1", &rules) && !sources.is_wanted(Some(b"a/*"), "a/1", &rules)
            );
            assert!(sources.is_wanted(Some(b"a/*"), "a/2", &rules));
            // The glob has it, and the rule behind it does not.
            assert!(!sources.is_wanted(Some(b"a/*"), "a/2/3", &rules));
        }
    }

    #[test]
    fn names_in_turn_cost_no_memory() {
        let rules = rules(&["a/*"]);
        let mut sources = Sources::new(&rules);
        let name = |number: usize| format!("a/{number:03}");
        (0..RECENT).for_each(|number| assert!(sources.is_wanted(Some(b"a/*"), &name(number), &rules)));
        for number in 0..RECENT {
            assert_eq!(sources.recent.find(Some(b"a/*"), &name(number)), Some(true), "{number}");
        }
        // More names than are looked at: each takes the place and the memory of one before.
        let places = |sources: &Sources| {
            let all = sources.recent.all.iter();
            all.map(|known| (known.glob.as_ptr(), known.name.as_ptr())).collect::<Vec<_>>()
        };
        let before = places(&sources);
        (0..3 * RECENT).for_each(|number| assert!(sources.is_wanted(Some(b"a/*"), &name(number), &rules)));
        assert_eq!(places(&sources), before);
        assert_eq!(sources.recent.find(Some(b"a/*"), &name(3 * RECENT - 1)), Some(true));
    }
}
