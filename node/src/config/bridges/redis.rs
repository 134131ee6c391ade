//! Bridges to a Redis: its channels, or its streams.

use super::{
    Around, Shape,
    servers::{Scheme, from_begin, login, server, trusted, word},
};
use crate::{
    bridge::{
        Kind,
        redis::{Config, Medium, Place, Streams},
    },
    config::section::{Report, Section, whole},
};

const SCHEMES: [Scheme; 2] = [("redis", 6_379, false), ("rediss", 6_379, true)];

/// Reads them.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let problems = report.problems.len();
    let server = server(keys, &SCHEMES, around, report);
    let (user, password) = login(keys, around, report);
    let trusted = trusted(keys, around, report);
    let database = keys.read("database", report, |value| whole(value, 0..=65_535));
    let streams = keys.value("streams").is_some();
    let mut below = keys.section("streams", report);
    let group = below.read("group", report, word);
    let from_begin = from_begin(&mut below, report);
    let max_length = below.read("max-length", report, |value| whole(value, 1..=1 << 40));
    below.finish(report);
    let alone = keys.value("export").is_some();
    let medium = match streams {
        false => Medium::Channels,
        true => Medium::Streams(Streams {
            group: group.unwrap_or_else(|| "hive".to_owned()),
            from_begin,
            max_length,
            alone,
        }),
    };
    let (server, is_wordless) = (server?, medium == Medium::Channels);
    let database = database.and_then(|number| i64::try_from(number).ok()).unwrap_or(0);
    let tls = server.tls.then_some(trusted);
    let place = Place { host: server.host, port: server.port, database, user, password, tls };
    (report.problems.len() == problems).then_some(Shape {
        kind: Kind::Redis(Config { place, medium }),
        network: None,
        prefix: "redis",
        is_wordless,
        is_listener: false,
    })
}
