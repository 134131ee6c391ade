//! Bridges to NATS servers.

use std::time::Duration;

use super::{
    Around, Shape,
    servers::{file, from_begin, login, secret, word},
};
use crate::{
    bridge::{
        Kind,
        nats::{Config, JetStream, Login, Place, server},
    },
    config::{
        problem::Problem,
        section::{Report, Section, duration, text, wrong_shape},
        yaml::{Entry, Kind as Is},
    },
};

/// How long somebody there waits for an answer from here, when nobody says.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reads them.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let problems = report.problems.len();
    let servers = keys.list("servers", report, |value, _| {
        let given = text(value)?;
        server(given).map_err(|why| {
            let problem = Problem::new(&value.origin, format!("it is no server: {why}"));
            if given.contains('@') { Problem::nowhere(format!("one of `servers`: {why}")) } else { problem }
        })
    });
    if servers.as_ref().is_none_or(Vec::is_empty) && report.problems.len() == problems {
        let problem = Problem::new(around.origin, "this bridge does not say with which servers");
        report.problems.push(problem.hint("name some of them: `servers: [nats://10.0.0.5:4222]`"));
    }
    let login = how(keys, around, report);
    let ca_file = keys.read("ca-file", report, |value| file(value, around));
    let queue = keys.read("queue-group", report, word);
    let timeout = keys.read("timeout", report, |value| {
        duration(value, Duration::from_millis(1), Duration::from_secs(3_600))
    });
    let jetstream = jetstream(keys, report);
    if let (Some(_), Some(value)) = (&jetstream, keys.value("queue-group")) {
        let problem =
            Problem::new(&value.origin, "the readers of a consumer share what comes in by themselves");
        report.problems.push(problem.hint("leave `queue-group` out"));
    }
    if let (Some(value), Some(_)) = (keys.value("queue-group"), keys.value("export")) {
        let message = "what comes in is shared among nodes, and what goes out would go out from each of them";
        report.problems.push(Problem::new(&value.origin, message).hint("make two bridges of it"));
    }
    let alone = (queue.is_none() && jetstream.is_none()) || keys.value("export").is_some();
    let place = Place { servers: servers.unwrap_or_default(), login, ca_file };
    let timeout = timeout.unwrap_or(TIMEOUT);
    (report.problems.len() == problems).then_some(Shape {
        kind: Kind::Nats(Config { place, queue, jetstream, alone, timeout }),
        network: None,
        prefix: "nats",
        is_wordless: false,
        is_listener: false,
    })
}

/// How the bridge logs in: one way of three, or none.
fn how(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Login {
    let (user, password) = login(keys, around, report);
    let token = secret(keys, "token", around, report);
    let credentials = keys.read("credentials", report, |value| match &value.kind {
        Is::Map(entries) => match entries.as_slice() {
            [Entry { key, value, .. }] if key == "file" => file(value, around),
            _ => Err(Problem::new(&value.origin, "credentials are `{ file: PATH }`")),
        },
        _ => Err(wrong_shape("credentials", "`{ file: PATH }`, as `nsc` writes it", value)),
    });
    let ways = [user.is_some(), token.is_some(), credentials.is_some()];
    if ways.into_iter().filter(|way| *way).count() > 1 {
        let message = "`user`, `token` and `credentials` are three ways to log in; keep one";
        report.problems.push(Problem::new(around.origin, message));
    }
    match (user, token, credentials) {
        (_, _, Some(path)) => Login::Credentials(path),
        (_, Some(token), _) => Login::Token(token),
        (Some(user), ..) => Login::User(user, password.unwrap_or_default()),
        _ => Login::Nobody,
    }
}

fn jetstream(keys: &mut Section<'_>, report: &mut Report) -> Option<JetStream> {
    let given = keys.value("jetstream")?.origin.clone();
    let mut below = keys.section("jetstream", report);
    if below.value("stream").is_none() {
        let problem = Problem::new(&given, "it does not say of which `stream`");
        report.problems.push(problem.hint("name one that is there: `jetstream: { stream: ORDERS }`"));
    }
    let stream = below.read("stream", report, word);
    let consumer = below.read("consumer", report, word).unwrap_or_else(|| "hive".to_owned());
    let from_begin = from_begin(&mut below, report);
    below.finish(report);
    Some(JetStream { stream: stream?, consumer, from_begin })
}
