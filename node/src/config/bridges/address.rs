//! Addresses of what a bridge connects to or listens at, as people write them.

use std::net::{IpAddr, SocketAddr};

use crate::config::{problem::Problem, section::text, yaml::Value};

/// `scheme://host:port/path` in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) scheme: String,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// With the slash that it begins with; empty: none.
    pub(super) path: String,
}

/// Reads an address; `example` is one that would do.
///
/// # Errors
/// When it is none, or has a login in it, which would be shown.
pub(super) fn address(value: &Value, example: &str) -> Result<Address, Problem> {
    let given = text(value)?;
    if given.contains('@') {
        // Its line is not shown: there is a password in it.
        let problem = Problem::nowhere("an address of a bridge has a user or a password in it");
        return Err(
            problem.hint("leave it out, and write `username` and `password: { file: PATH }` beside it")
        );
    }
    split(given).ok_or_else(|| {
        let shown: String = given.chars().take(60).collect();
        let problem = Problem::new(&value.origin, format!("`{shown}` is no address to connect to"));
        problem.hint(format!("write it as in `{example}`"))
    })
}

fn split(text: &str) -> Option<Address> {
    let (scheme, rest) = text.split_once("://")?;
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(inside) => {
            let (host, after) = inside.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some(""))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let port = if port.is_empty() { None } else { Some(port.parse().ok().filter(|port| *port > 0)?) };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    let is_whole = !host.is_empty() && host.len() <= 253 && host.chars().all(fits);
    let path_fits = path.len() <= 256 && path.chars().all(|c| c.is_ascii_graphic());
    (is_whole && path_fits).then(|| Address {
        scheme: scheme.to_ascii_lowercase(),
        host: host.to_owned(),
        port,
        path: path.to_owned(),
    })
}

/// Reads where to listen: an address of this machine, with a port or the usual one.
///
/// # Errors
/// When it is none.
pub(super) fn listen(value: &Value, port: Option<u16>) -> Result<SocketAddr, Problem> {
    let given = text(value)?;
    let bare = || Some(SocketAddr::new(given.parse::<IpAddr>().ok()?, port?));
    given.parse().ok().or_else(bare).ok_or_else(|| {
        let shown: String = given.chars().take(60).collect();
        let port = port.unwrap_or(6000);
        Problem::new(&value.origin, format!("`{shown}` is no address to listen on"))
            .hint(format!("write an address and a TCP port, as in `127.0.0.1:{port}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split() {
        let check = |text: &str, want: Option<(&str, &str, Option<u16>, &str)>| {
            let split = split(text);
            let got = split.as_ref().map(|a| (a.scheme.as_str(), a.host.as_str(), a.port, a.path.as_str()));
            assert_eq!(got, want, "{text}");
        };
        check("ws://10.0.0.2:8085/pubsub", Some(("ws", "10.0.0.2", Some(8085), "/pubsub")));
        check("WS://host/a", Some(("ws", "host", None, "/a")));
        check("redis://[::1]:6379", Some(("redis", "::1", Some(6379), "")));
        check("redis://[::1]", Some(("redis", "::1", None, "")));
        for bad in [
            "",
            "host",
            "ws://",
            "ws://a b/",
            "ws://h:0/",
            "ws://h:x",
            "ws://[x]",
            "ws://[::1]x",
            "ws://h/\u{e9}",
        ] {
            check(bad, None);
        }
    }
}
