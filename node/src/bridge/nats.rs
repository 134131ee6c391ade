//! NATS: core subjects, with queue groups and requests both ways, or what a JetStream stream keeps.
//!
//! Messages have headers, which say where an event has been. One node is active for the same rules, unless the servers
//! share out what comes in: to a queue group, or to the readers of one consumer. A name here is a subject there, with `.`
//! for `/`.

mod asking;
mod jetstream;
mod link;
pub mod names;
mod reading;

use std::{collections::BTreeMap, str::FromStr as _, sync::Arc, time::Duration};

use async_nats::{Client, HeaderMap, HeaderName, HeaderValue, Message as Came, Subject};
use hive_proto::{channel::Channel, pattern::Pattern};
use tokio::sync::watch;

pub use self::link::{Login, Place, server};
use self::{
    asking::Asking,
    link::Health,
    reading::{Reader, subscribe},
};
use super::{Bridge, Desk, Export, Exporter, Lost, Port, Rules, carried, names::NameError};
use crate::{bus::Message, status::BridgeDrop};

/// Events put on the connection before it is made sure that they are written.
const FLUSH_EVERY: usize = 1_024;
/// How long the servers may take for the subscriptions before they are believed to have them.
const SETTLE: Duration = Duration::from_secs(1);
/// Names of which it is remembered which rule lets them in.
const NAMES_KEPT: usize = 1_024;
/// What others call the id of a message; JetStream drops a second one of the same.
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// Which servers, and how they are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where they are.
    pub place: Place,
    /// Of the members of this queue group one gets each message.
    pub queue: Option<String>,
    /// Messages are read from a stream, and are to be in one when they go out.
    pub jetstream: Option<JetStream>,
    /// One node alone is to be active, as what goes out would go out from each.
    pub alone: bool,
    /// How long somebody there waits for an answer from here.
    pub timeout: Duration,
}

/// A stream that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JetStream {
    /// Its name.
    pub stream: String,
    /// What its consumers are called; the servers remember how far they are.
    pub consumer: String,
    /// Whether a new consumer begins with everything that is there.
    pub from_begin: bool,
}

/// The subjects for what comes in, each with the position of its rule.
///
/// # Errors
/// When a pattern cannot be said.
pub fn subjects(rules: &Rules) -> Result<Vec<(usize, String)>, NameError> {
    let mut all = Vec::new();
    for (at, rule) in rules.import.iter().enumerate() {
        all.extend(names::subjects(&rule.pattern)?.into_iter().map(|subject| (at, subject)));
    }
    Ok(all)
}

/// A bridge to some servers.
#[derive(Debug)]
pub(super) struct Nats(Config);

impl Nats {
    pub(super) fn new(config: Config) -> Self {
        Self(config)
    }
}

impl Bridge for Nats {
    fn medium(&self) -> String {
        let mut servers: Vec<String> = self.0.place.servers.iter().map(link::named).collect();
        servers.sort();
        format!("nats {}", servers.join(" "))
    }

    fn is_exclusive(&self) -> bool {
        self.0.alone
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        let place = &self.0.place;
        let named = format!("NATS at {}", place.named());
        let lost = |error: String| Lost::at(&named, &error);
        let wanted = match port.desk.rules().proxy {
            true => Vec::new(),
            false => subjects(port.desk.rules()).map_err(|error| Lost::for_good(error.to_string()))?,
        };
        let (client, health) = link::connect(place, &client_name(&port.desk)).await.map_err(lost)?;
        let desk = port.desk.clone();
        let ended = over(health, &desk);
        if let Some(stream) = &self.0.jetstream {
            return tokio::select! {
                ended = jetstream::carry(&client, stream, &wanted, &named, port) => ended.map_err(lost),
                why = ended => Err(lost(why)),
            };
        }
        let subscribers = subscribe(&client, self.0.queue.as_deref(), wanted).await.map_err(lost)?;
        settle(&client).await;
        let Port { desk, exporter, importer } = port;
        desk.up(named.clone());
        let asking = Asking::new(&client, desk, self.0.timeout);
        let mut reader = Reader::new(importer, desk, &asking);
        tokio::select! {
            () = reader.run(subscribers) => Err(lost("the servers ended the subscriptions".to_owned())),
            written = write(&client, exporter, desk, &asking) => written.map_err(lost),
            why = ended => Err(lost(why)),
        }
    }
}

fn client_name(desk: &Desk) -> String {
    format!("hive-node {} {}", desk.bus().node().short(), desk.name())
}

/// Waits until the servers have taken the subscriptions: they answer in order, also that nobody answers.
async fn settle(client: &Client) {
    let asked = client.request("hive-bridge.settled", bytes::Bytes::new());
    // Where it may not be asked there is nothing to wait for.
    let _ = tokio::time::timeout(SETTLE, asked).await;
}

/// Waits until the connection is over. What the library drops meanwhile is counted; it does not say how many there were.
async fn over(mut health: watch::Receiver<Health>, desk: &Desk) -> String {
    let mut slow = 0;
    loop {
        let now = health.borrow_and_update().clone();
        desk.dropped(BridgeDrop::Slow, now.slow.saturating_sub(slow));
        slow = now.slow;
        if let Some(lost) = now.lost {
            return now.complaint.unwrap_or(lost);
        }
        if health.changed().await.is_err() {
            return "the connection was lost".to_owned();
        }
    }
}

/// Publishes what goes out until there is no more.
async fn write(client: &Client, exporter: &mut Exporter, desk: &Desk, asking: &Asking) -> Result<(), String> {
    let mut names = Subjects::default();
    while let Some(export) = exporter.next().await {
        let mut next = Some(export);
        let mut written = 0;
        while let Some(mut export) = next {
            if let Some(request) = export.request.take() {
                asking.ask(&export, request);
            } else if let Some((subject, headers)) =
                outgoing(&mut names, &export, (client, desk), exporter).await
            {
                let sent = client.publish_with_headers(subject, headers, export.payload().clone());
                sent.await.map_err(|error| error.to_string())?;
                written += 1;
            }
            next = if written < FLUSH_EVERY { exporter.more().await } else { None };
        }
        client.flush().await.map_err(|error| error.to_string())?;
        exporter.sent();
    }
    Ok(())
}

/// Where an event goes, and what goes with it. None where it cannot be said there, which is counted.
async fn outgoing(
    names: &mut Subjects,
    export: &Export,
    (client, desk): (&Client, &Desk),
    exporter: &mut Exporter,
) -> Option<(Subject, HeaderMap)> {
    let bytes = export.payload().len().saturating_add(export.event.message.weight());
    let (bytes, most) = (bytes.saturating_sub(export.event.message.payload.len()), client.max_payload());
    if bytes > most {
        let why = format!("it has {bytes} bytes with its headers, and the servers take at most {most}");
        exporter.cannot(export, BridgeDrop::TooLarge, &why).await;
        return None;
    }
    let subject = match names.of(&export.name) {
        Ok(subject) => subject,
        Err(error) => {
            exporter.cannot(export, BridgeDrop::Name, &error.to_string()).await;
            return None;
        }
    };
    match headers(export, desk) {
        Ok(headers) => Some((subject, headers)),
        Err(why) => {
            exporter.cannot(export, BridgeDrop::Content, &why).await;
            None
        }
    }
}

/// What goes with an event.
///
/// # Errors
/// When one of its headers cannot be one there.
fn headers(export: &Export, desk: &Desk) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in carried::of(export, desk) {
        let refused =
            |why: &dyn std::fmt::Display| format!("its header `{name}` cannot be one of NATS: {why}");
        let field = HeaderName::from_str(name).map_err(|error| refused(&error))?;
        let value = HeaderValue::from_str(&value).map_err(|error| refused(&error))?;
        headers.append(field, value);
    }
    Ok(headers)
}

/// Subjects by names, the last one.
#[derive(Default)]
struct Subjects {
    last: Option<(Arc<str>, Subject)>,
}

impl Subjects {
    fn of(&mut self, name: &Arc<str>) -> Result<Subject, NameError> {
        if let Some((last, subject)) = &self.last
            && last == name
        {
            return Ok(subject.clone());
        }
        let subject: Subject = names::subject(name)?.into();
        self.last = Some((Arc::clone(name), subject.clone()));
        Ok(subject)
    }
}

/// Names by subjects, and which rule lets each in first.
struct Names {
    /// Some rules match the same names: it matters which one.
    overlap: bool,
    known: BTreeMap<Subject, (Option<usize>, Translated)>,
}

/// A name here, or why a subject is none.
type Translated = Result<Arc<str>, NameError>;

/// What a subject is here.
enum Named<'n> {
    /// A channel beyond.
    Is(&'n str),
    /// None that there could be.
    Not(&'n NameError),
    /// Another rule lets it in.
    Copy,
}

impl Names {
    fn new(rules: &Rules) -> Self {
        let patterns: Vec<&Pattern> = rules.import.iter().map(|rule| &rule.pattern).collect();
        let mut pairs = patterns
            .iter()
            .enumerate()
            .flat_map(|(at, one)| patterns.iter().skip(at.saturating_add(1)).map(move |other| (one, other)));
        Self { overlap: pairs.any(|(one, other)| one.overlaps(other)), known: BTreeMap::new() }
    }

    /// What came by this rule. Several rules that match bring as many copies.
    fn of(&mut self, at: usize, subject: &Subject, rules: &Rules) -> Named<'_> {
        // Looked at before it is looked up: an entry would want a subject of its own each time.
        if !self.known.contains_key(subject) {
            self.learn(subject, rules);
        }
        match self.known.get(subject) {
            Some((Some(first), _)) if *first != at => Named::Copy,
            Some((_, Ok(name))) => Named::Is(name),
            Some((_, Err(error))) => Named::Not(error),
            None => Named::Copy,
        }
    }

    fn learn(&mut self, subject: &Subject, rules: &Rules) {
        if self.known.len() >= NAMES_KEPT {
            self.known.clear();
        }
        let channel = names::channel(subject);
        let matches = |channel: &Channel| rules.import.iter().position(|rule| rule.pattern.matches(channel));
        let first = channel.as_ref().ok().filter(|_| self.overlap).and_then(matches);
        let name = channel.map(|channel| channel.as_str().into());
        self.known.insert(subject.as_str().into(), (first, name));
    }
}

impl NameError {
    /// What came under this name is a dead letter.
    async fn bury(&self, desk: &Desk, came: Came) {
        let message = Message::new(came.payload);
        desk.cannot_here(&came.subject, message, BridgeDrop::Name, &self.to_string()).await;
    }
}
