//! The way to the servers: one connection that is made again whenever it is lost, and the streams behind it.
//!
//! What it owns: who logs in how, and which refusals pass by waiting and which do not. It must not know what is sent.

use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use hive_proto::plane::{cursor::CursorChange, log::Body};
use tokio::sync::watch;

use super::{
    Config,
    api::{self, Api, Fault, Info},
    names::Names,
    record,
};
use crate::journal::{
    OpenError, Settings,
    cursors::{CURSORS_MAX, Tracked},
};

/// Between two attempts to connect, at most.
const RETRY: Duration = Duration::from_millis(500);
/// How long a server has for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// For so long a server knows an event that was sent twice, whatever was stored between.
const DUPLICATES: Duration = Duration::from_secs(120);
/// The oldest server that gives messages in batches and says which one went before (NATS ADR-31).
const OLDEST: (u64, u64) = (2, 11);

/// Why the servers cannot be used, and whether they may be later.
#[derive(Debug)]
pub(super) enum Refused {
    /// Later, perhaps. In words.
    ForNow(String),
    /// Not before somebody changes something.
    ForGood(OpenError),
}

/// What is known of the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Link {
    /// How often it was lost.
    pub(super) lost: u64,
    /// What the server said last, if that was a complaint.
    pub(super) complaint: Option<String>,
}

/// A connection that mends itself, and what becomes of it.
pub(super) async fn connect(config: &Config, name: &str) -> Result<(Api, watch::Receiver<Link>), Refused> {
    let told = watch::Sender::new(Link::default());
    let link = told.subscribe();
    let mut options = ConnectOptions::new()
        .name(name)
        .connection_timeout(CONNECT)
        .request_timeout(Some(api::ANSWER))
        .max_reconnects(None)
        .reconnect_delay_callback(|attempts| match attempts {
            0 | 1 => Duration::ZERO,
            _ => RETRY,
        })
        .event_callback(move |event| {
            note(&told, &event);
            std::future::ready(())
        });
    if let Some(path) = &config.credentials_file {
        let refused = |source| Refused::ForGood(OpenError::Io { path: path.clone(), source });
        options = options.credentials_file(path).await.map_err(refused)?;
    }
    if let Some(path) = &config.ca_file {
        options = options.add_root_certificates(path.clone());
    }
    // Of others a server speaks before it has shown a certificate: whoever is on the way may name them, as plain ones.
    if config.servers.iter().any(|server| server.0.tls_required()) {
        options = options.ignore_discovered_servers();
    }
    let servers: Vec<ServerAddr> = config.servers.iter().map(|server| server.0.clone()).collect();
    let client = options.connect(servers).await.map_err(|error| match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            Refused::ForGood(refusal(config, "they let nobody in with these credentials", HINT_LOGIN))
        }
        _ => Refused::ForNow(words(&error)),
    })?;
    check_version(config, &client)?;
    Ok((Api { client }, link))
}

fn note(told: &watch::Sender<Link>, event: &Event) {
    told.send_modify(|link| match event {
        Event::Disconnected | Event::Closed => link.lost = link.lost.wrapping_add(1),
        Event::Connected => link.complaint = None,
        Event::ServerError(error) => link.complaint = Some(error.to_string()),
        Event::ClientError(error) => link.complaint = Some(error.to_string()),
        Event::LameDuckMode | Event::Draining | Event::SlowConsumer(_) => {}
    });
}

/// An error with what led to it, on a line.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.ends_with(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}

fn check_version(config: &Config, client: &Client) -> Result<(), Refused> {
    let version = client.server_info().version;
    let mut numbers = version.split(['.', '-']).map(str::parse::<u64>);
    if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next())
        && (major, minor) >= OLDEST
    {
        return Ok(());
    }
    let version: String = version.chars().filter(|c| !c.is_control()).take(20).collect();
    let why = format!("version {version} cannot give a journal in batches");
    Err(Refused::ForGood(refusal(config, &why, "use nats-server 2.11 or later")))
}

const HINT_LOGIN: &str = "look at `credentials-file` in `journal`";
const HINT_JETSTREAM: &str = "start nats-server with `-js`, or allow JetStream for this account";
const HINT_REPLICAS: &str = "start as many servers in one cluster, or ask for fewer `replicas`";
const HINT_STORAGE: &str = "give JetStream more room there, or the journal a smaller `max-size`";
const HINT_ACCOUNT: &str =
    "the account needs `$JS.API.>`, `_INBOX.>` and `hive.>`, and streams named `hive-*` of its own";

fn refusal(config: &Config, why: &str, hint: &'static str) -> OpenError {
    OpenError::Servers { servers: config.named(), why: why.into(), hint }
}

/// What a fault of a request for streams means.
fn meant(config: &Config, api: &Api, fault: &Fault) -> Refused {
    let for_good = |why: &str, hint| Refused::ForGood(refusal(config, why, hint));
    let replicas = config.replicas;
    match fault {
        _ if fault.is_no_jetstream() => for_good("they have no JetStream", HINT_JETSTREAM),
        Fault::Nobody if !api.client.server_info().jetstream => {
            for_good("they have no JetStream", HINT_JETSTREAM)
        }
        _ if fault.is_no_cluster() => for_good(
            &format!("{replicas} replicas were asked for, and it is one server without a cluster"),
            HINT_REPLICAS,
        ),
        // Others may come: a cluster that begins has few servers at first.
        _ if fault.is_too_few_servers() => Refused::ForNow(format!(
            "{replicas} replicas were asked for, and fewer servers of the cluster are there now: {fault}"
        )),
        _ if fault.is_no_storage() => for_good(&fault.to_string(), HINT_STORAGE),
        Fault::Refused { code, .. } if (10_049..=10_053).contains(code) || *code == 10_065 => {
            for_good(&fault.to_string(), HINT_ACCOUNT)
        }
        _ => Refused::ForNow(fault.to_string()),
    }
}

/// Makes the two streams, or makes them what they are to be, and checks whose they are.
pub(super) async fn make_streams(
    api: &Api,
    config: &Config,
    settings: &Settings,
    names: &Names,
) -> Result<Info, Refused> {
    let mut infos = Vec::new();
    for stream in [events(config, settings, names), cursors(config, names)] {
        match api.info(&stream.name).await {
            Ok(info) => check_owner(&info, config, &stream)?,
            Err(fault) if fault.is_no_stream() => {}
            Err(fault) => return Err(meant(config, api, &fault)),
        }
        infos.push(api.make(&stream).await.map_err(|fault| meant(config, api, &fault))?);
    }
    infos.into_iter().next().ok_or_else(|| Refused::ForNow(Fault::Strange.to_string()))
}

fn check_owner(info: &Info, config: &Config, wanted: &api::Config) -> Result<(), Refused> {
    let same = wanted.metadata.iter().all(|(key, value)| info.config.metadata.get(*key) == Some(value));
    if same {
        return Ok(());
    }
    let why = format!("the stream {} is not this node's", wanted.name);
    Err(Refused::ForGood(refusal(config, &why, "remove the stream, or use servers that do not have it")))
}

fn owner(names: &Names) -> std::collections::BTreeMap<&'static str, String> {
    [("hive-network", names.network.to_string()), ("hive-node", names.origin.to_string())].into()
}

/// The stream of events.
fn events(config: &Config, settings: &Settings, names: &Names) -> api::Config {
    api::Config {
        name: names.events.clone(),
        subjects: vec![names.subject.clone()],
        retention: "limits",
        storage: "file",
        // What is needed stays; when nothing may go, publishers hear it.
        discard: "new",
        num_replicas: config.replicas,
        max_bytes: i64::try_from(settings.max_bytes).unwrap_or(i64::MAX),
        max_msgs_per_subject: -1,
        max_age: nanos(settings.max_age.unwrap_or_default()),
        duplicate_window: nanos(settings.max_age.map_or(DUPLICATES, |age| age.min(DUPLICATES))),
        allow_direct: true,
        metadata: owner(names),
    }
}

/// The stream of cursors: the last of each.
fn cursors(config: &Config, names: &Names) -> api::Config {
    api::Config {
        name: names.cursors.clone(),
        subjects: vec![names.all_cursors()],
        retention: "limits",
        storage: "file",
        discard: "old",
        num_replicas: config.replicas,
        max_bytes: -1,
        max_msgs_per_subject: 1,
        max_age: 0,
        duplicate_window: nanos(DUPLICATES),
        allow_direct: false,
        metadata: owner(names),
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A cursor that was read: its name, what it says, and the number of its message.
pub(super) type ReadCursor = (CursorChange, u64);

/// Reads all cursors from the stream's leader. What is no cursor is left out and named.
pub(super) async fn read_cursors(api: &Api, names: &Names) -> Result<Vec<ReadCursor>, Fault> {
    let (mut read, mut from, mut live) = (Vec::<ReadCursor>::new(), 1, 0_usize);
    while let Some(stored) = api.next(&names.cursors, from, &names.all_cursors()).await? {
        from = stored.sequence.saturating_add(1);
        match record::read(names.seals.as_deref(), &stored.body, 0) {
            Some(Body::Cursors(changes)) if changes.len() == 1 => {
                read.extend(changes.into_iter().map(|change| (change, stored.sequence)));
            }
            _ => tracing::error!(
                "message {} of the stream {} is no cursor of this node, and left out",
                stored.sequence,
                names.cursors
            ),
        }
        // The journal never writes more; forgotten ones are beside them.
        let last = read.last().filter(|(_, sequence)| *sequence == stored.sequence);
        live += usize::from(matches!(last, Some((CursorChange::Set { .. }, _))));
        if live > CURSORS_MAX {
            return Err(Fault::Strange);
        }
    }
    Ok(read)
}

/// A cursor as it was read; none when it was forgotten.
pub(super) fn tracked(change: &CursorChange) -> Option<Tracked> {
    match change {
        CursorChange::Set { cursor, since_ms, lost, .. } => {
            Some(Tracked::read(cursor.clone(), *since_ms, *lost))
        }
        CursorChange::Forgotten { .. } => None,
    }
}

/// Fewer copies of a stream that was there before are up to date than were asked for.
pub(super) fn weakness(info: &Info, config: &Config) -> Option<String> {
    if info.state.last_seq == 0 {
        return None;
    }
    let copies = info.cluster.as_ref().and_then(|cluster| cluster.replicas.as_ref());
    let current = copies.map_or(0, |copies| copies.iter().filter(|copy| copy.current).count());
    let have = current.saturating_add(1);
    (have < usize::from(config.replicas)).then(|| {
        format!("{have} of {} copies of the journal at {} are up to date", config.replicas, config.named())
    })
}
