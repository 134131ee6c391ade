//! Bridges to a web server, `post`, or from its clients, `listen`.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use super::{
    Around, Shape,
    servers::{secret, trusted},
};
use crate::{
    bridge::{
        Kind,
        webhook::{
            Config, Listen, header,
            post::{Target, url},
            sign::{self, Secret},
        },
    },
    config::{
        problem::Problem,
        section::{Report, Section, duration, parsed, text, whole},
        yaml::Value,
    },
};

/// Reads them.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let problems = report.problems.len();
    let (posts, listens) = (keys.value("post").is_some(), keys.value("listen").is_some());
    let signature_header = keys.read("signature-header", report, name);
    let signature_header = signature_header.or_else(|| header(sign::HEADER));
    let secret = secret(keys, "secret", around, report).map(Secret::new);
    let config = match (posts, listens) {
        (true, false) => target(keys, secret, around, report),
        (false, true) => listen(keys, secret, around, report),
        _ => {
            let problem = Problem::new(around.origin, "a webhook bridge posts events, or listens for them");
            report
                .problems
                .push(problem.hint("say `post: https://example.org/hook`, or `listen: 127.0.0.1:8080`"));
            None
        }
    };
    let config = match config? {
        Config::Post(target, batch) => {
            Config::Post(Target { signature_header: signature_header?, ..target }, batch)
        }
        Config::Listen(listen) => Config::Listen(Listen { signature_header: signature_header?, ..listen }),
    };
    (report.problems.len() == problems).then_some(Shape {
        kind: Kind::Webhook(config),
        network: None,
        prefix: "webhook",
        is_wordless: false,
        is_listener: false,
    })
}

fn target(
    keys: &mut Section<'_>,
    secret_: Option<Secret>,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Config> {
    let to = keys.read("post", report, |value| {
        url(text(value)?)
            .map_err(|why| Problem::new(&value.origin, format!("it is no address to post to: {why}")))
    });
    let token = secret(keys, "token", around, report);
    let tls = trusted(keys, around, report);
    let (least, most) = (Duration::from_millis(100), Duration::from_secs(300));
    let timeout = keys.read("timeout", report, |value| duration(value, least, most));
    let attempts = keys.read("attempts", report, |value| whole(value, 1..=100)).unwrap_or(5);
    let batch = keys.read("batch", report, |value| whole(value, 1..=1_000)).unwrap_or(1);
    if let Some(import) = keys.value("import") {
        let problem = Problem::new(&import.origin, "nothing comes in where events are posted to");
        report.problems.push(problem.hint("make a second bridge that listens"));
    }
    let target = Target {
        url: to?,
        secret: secret_,
        signature_header: header(sign::HEADER)?,
        token,
        timeout: timeout.unwrap_or(Duration::from_secs(10)),
        attempts: u32::try_from(attempts).unwrap_or(5),
        tls,
    };
    Some(Config::Post(target, usize::try_from(batch).unwrap_or(1)))
}

fn listen(
    keys: &mut Section<'_>,
    secret: Option<Secret>,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Config> {
    let address = keys.read("listen", report, |value| {
        let read: Result<SocketAddr, Problem> = parsed(value);
        read.map_err(|_| {
            let problem = Problem::new(&value.origin, "it is no address to listen on");
            problem.hint("write an address and a TCP port, as in `127.0.0.1:8080`")
        })
    });
    if secret.is_none() && keys.value("secret").is_none() {
        let problem = Problem::new(around.origin, "anybody could post to a webhook without a `secret`");
        report.problems.push(problem.hint(
            "add `secret: { file: PATH }`: bodies are signed with it, or say it in `authorization: Bearer`",
        ));
    }
    let id_header = keys.read("id-header", report, name).or_else(|| header("idempotency-key"));
    let headers = keys.list("headers", report, |value, _| name(value)).unwrap_or_default();
    if let Some(export) = keys.value("export") {
        let problem = Problem::new(&export.origin, "nothing goes out where events are posted to here");
        report.problems.push(problem.hint("make a second bridge that posts"));
    }
    let signature_header = header(sign::HEADER)?;
    Some(Config::Listen(Listen {
        address: address?,
        secret: secret?,
        signature_header,
        id_header: id_header?,
        headers,
    }))
}

fn name<N: FromStr>(value: &Value) -> Result<N, Problem> {
    let given = text(value)?;
    given.to_lowercase().parse().map_err(|_| Problem::new(&value.origin, "it is no header's name"))
}
