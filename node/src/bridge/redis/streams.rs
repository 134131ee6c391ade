//! Redis's streams: XADD, and XREADGROUP with an acknowledgement when the node has taken an entry.
//!
//! The fields of an entry are the payload and what goes with it. An entry without a field `payload` is somebody else's: its
//! fields become a JSON object. What another reader of the group took and did not acknowledge is claimed after a while.

use std::time::Duration;

use bytes::Bytes;
use redis::{
    Cmd, Pipeline, RedisError, Value,
    streams::{StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamReadReply},
};
use tokio::time::Instant;

use super::{Place, link::Link, names};
use crate::{
    bridge::{Desk, Export, Exporter, Imported, Importer, Incoming, Lost, Port, carried, names::NameError},
    bus::{Message, Trail},
    status::BridgeDrop,
};

/// Entries read, and events written, at a time.
const BATCH: usize = 256;
/// How long a read waits for entries. Less than an answer may take.
const WAIT: Duration = Duration::from_secs(1);
/// What nobody acknowledged for so long is claimed, and how often it is looked for.
const ABANDONED: Duration = Duration::from_secs(30);
const CLAIM_EVERY: Duration = Duration::from_secs(10);
/// After a node did not take an entry, before it is asked again.
const AGAIN: Duration = Duration::from_millis(250);
/// The field with the payload.
const PAYLOAD: &str = "payload";

/// How streams are read and written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streams {
    /// Of the readers of this group one gets each entry; the server remembers how far it is.
    pub group: String,
    /// Whether a new group begins with everything that is there.
    pub from_begin: bool,
    /// About how many entries a stream keeps that is written; none: all.
    pub max_length: Option<u64>,
    /// One node alone is to be active, as what goes out would go out from each.
    pub alone: bool,
}

/// The streams that are read.
///
/// # Errors
/// When a pattern is not one name: a stream is read by its key.
pub fn keys(patterns: impl Iterator<Item = impl AsRef<str>>) -> Result<Vec<String>, NameError> {
    let mut keys = Vec::new();
    for pattern in patterns {
        let key = pattern.as_ref();
        names::channel(key)
            .map_err(|_| NameError::new(key, "a stream is read by its name, without wildcards"))?;
        if !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
    }
    Ok(keys)
}

pub(super) async fn carry(place: &Place, streams: &Streams, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, importer } = port;
    let named = format!("Redis at {place}");
    let lost = |error: RedisError| Lost::new(format!("{named}: {}", place.words(&error)));
    let rules = desk.rules();
    let patterns = rules.import.iter().filter(|_| !rules.proxy).map(|rule| rule.pattern.as_str());
    let keys = keys(patterns).map_err(|error| Lost::for_good(error.to_string()))?;
    let mut link = Link::connect(place, desk).await.map_err(lost)?;
    // A read waits, and nothing else may wait behind it.
    let mut waiting = Link::connect(place, desk).await.map_err(lost)?;
    let mut reader = Reader {
        consumer: format!("{}-{}", desk.bus().node().short(), desk.name()),
        streams,
        keys,
        importer,
        desk,
    };
    reader.make(&mut link).await.map_err(lost)?;
    desk.up(format!("{named}, streams"));
    let (mut writing, watched) = (link.clone(), link.watch());
    tokio::select! {
        error = reader.run(&mut waiting) => Err(lost(error)),
        written = write(&mut writing, streams, exporter, desk) => written.map_err(lost),
        error = watched => Err(lost(error)),
    }
}

/// Reads streams as a consumer of a group.
struct Reader<'c> {
    consumer: String,
    streams: &'c Streams,
    keys: Vec<String>,
    importer: &'c mut Importer,
    desk: &'c Desk,
}

impl Reader<'_> {
    /// Makes the group where there is none, and the stream with it.
    async fn make(&self, link: &mut Link) -> Result<(), RedisError> {
        for key in &self.keys {
            let from = if self.streams.from_begin { "0" } else { "$" };
            let mut make = redis::cmd("XGROUP");
            make.arg("CREATE").arg(key).arg(&self.streams.group).arg(from).arg("MKSTREAM");
            match link.ask(&make).await {
                Err(error) if error.code() != Some("BUSYGROUP") => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Until the connection is lost, or the server refuses; for ever where nothing is read.
    async fn run(&mut self, link: &mut Link) -> RedisError {
        if self.keys.is_empty() {
            return std::future::pending().await;
        }
        match self.read(link).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn read(&mut self, link: &mut Link) -> Result<std::convert::Infallible, RedisError> {
        // What this node took before, and did not acknowledge, comes first.
        self.own(link).await?;
        let mut claim_at = Instant::now();
        loop {
            if Instant::now() >= claim_at {
                self.claim(link).await?;
                claim_at = Instant::now() + CLAIM_EVERY;
            }
            let read = self.command(">", true);
            let answer = link.ask(&read).await;
            match answer {
                Ok(answer) => {
                    if !self.take(link, answer).await? {
                        self.own(link).await?;
                    }
                }
                // Somebody emptied the server: the groups are made again.
                Err(error) if error.code() == Some("NOGROUP") => self.make(link).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// What is pending for this consumer, until the node has taken all of it.
    async fn own(&mut self, link: &mut Link) -> Result<(), RedisError> {
        loop {
            let answer = link.ask(&self.command("0", false)).await?;
            let reply: StreamReadReply = redis::from_redis_value(answer.clone())?;
            if reply.keys.iter().all(|key| key.ids.is_empty()) {
                return Ok(());
            }
            if !self.take(link, answer).await? {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    fn command(&self, from: &str, waits: bool) -> Cmd {
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg(&self.streams.group).arg(&self.consumer).arg("COUNT").arg(BATCH);
        if waits {
            read.arg("BLOCK").arg(u64::try_from(WAIT.as_millis()).unwrap_or(1_000));
        }
        read.arg("STREAMS").arg(&self.keys);
        for _ in &self.keys {
            read.arg(from);
        }
        read
    }

    /// Puts what came on the bus, and acknowledges what the node took. Whether it took all.
    async fn take(&mut self, link: &mut Link, answer: Value) -> Result<bool, RedisError> {
        let reply: Option<StreamReadReply> = redis::from_redis_value(answer)?;
        let mut took_all = true;
        for key in reply.into_iter().flat_map(|reply| reply.keys) {
            took_all &= self.import(link, &key.key, key.ids).await?;
        }
        Ok(took_all)
    }

    async fn import(
        &mut self,
        link: &mut Link,
        key: &str,
        entries: Vec<StreamId>,
    ) -> Result<bool, RedisError> {
        let (mut taken, mut took_all) = (Vec::with_capacity(entries.len()), true);
        for entry in entries {
            if !took_all {
                // Those behind wait, so that they keep their order.
                break;
            }
            let id = entry.id.clone();
            // What was taken out of the stream meanwhile has no fields.
            if entry.map.is_empty() {
                taken.push(id);
                continue;
            }
            match read(key, entry) {
                Ok((message, trail)) => {
                    let incoming = Incoming { trail, ..Incoming::new(key, message) };
                    took_all = !matches!(self.importer.import(incoming).await, Imported::NotNow(_));
                }
                Err(error) => {
                    tracing::debug!(bridge = self.desk.name(), key, "not an event: {error}");
                    self.desk.dropped(BridgeDrop::Garbage, 1);
                }
            }
            taken.extend(took_all.then_some(id));
        }
        if !taken.is_empty() {
            let mut acknowledge = redis::cmd("XACK");
            acknowledge.arg(key).arg(&self.streams.group).arg(&taken);
            link.ask(&acknowledge).await?;
        }
        Ok(took_all)
    }

    /// Takes over what others left.
    async fn claim(&mut self, link: &mut Link) -> Result<(), RedisError> {
        for key in self.keys.clone() {
            let options = StreamAutoClaimOptions::default().count(BATCH);
            let idle = u64::try_from(ABANDONED.as_millis()).unwrap_or(30_000);
            let claim =
                Cmd::xautoclaim_options(&key, &self.streams.group, &self.consumer, idle, "0-0", options);
            let answer = match link.ask(&claim).await {
                Err(error) if error.code() == Some("NOGROUP") => {
                    self.make(link).await?;
                    continue;
                }
                answer => answer?,
            };
            let reply: StreamAutoClaimReply = redis::from_redis_value(answer)?;
            if !self.import(link, &key, reply.claimed).await? {
                self.own(link).await?;
            }
        }
        Ok(())
    }
}

/// An entry as an event. It is known by its stream and id where it does not say where it began.
fn read(key: &str, entry: StreamId) -> Result<(Message, Trail), carried::CarriedError> {
    let StreamId { id, mut map, .. } = entry;
    let own = || Trail::begun(Some(&format!("{key}-{id}"))).unwrap_or_default();
    let Some(payload) = map.remove(PAYLOAD).and_then(bytes) else {
        let fields: serde_json::Map<_, _> =
            map.into_iter().filter_map(|(name, value)| Some((name, text(value)?.into()))).collect();
        let payload = serde_json::Value::Object(fields).to_string();
        return Ok((Message::new(payload).with_content_type("application/json"), own()));
    };
    let fields: Vec<(String, String)> =
        map.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect();
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let (message, trail) = carried::read(fields, payload)?;
    let trail = if trail.id.is_none() { own() } else { trail };
    Ok((message, trail))
}

fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(bytes.into()),
        Value::SimpleString(text) => Some(text.into()),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    Some(String::from_utf8_lossy(&bytes(value)?).into_owned())
}

/// Adds what goes out until there is no more.
async fn write(
    link: &mut Link,
    streams: &Streams,
    exporter: &mut Exporter,
    desk: &Desk,
) -> Result<(), RedisError> {
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
            add(&mut commands, export, streams, desk);
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

fn add(commands: &mut Pipeline, export: &Export, streams: &Streams, desk: &Desk) {
    let command = commands.cmd("XADD").arg(&*export.name);
    if let Some(length) = streams.max_length {
        command.arg("MAXLEN").arg("~").arg(length);
    }
    command.arg("*").arg(PAYLOAD).arg(export.payload().as_ref());
    // A field of this name is the payload, whatever a header is called.
    for (name, value) in carried::of(export, desk).filter(|(name, _)| *name != PAYLOAD) {
        command.arg(name).arg(value.as_ref());
    }
}
