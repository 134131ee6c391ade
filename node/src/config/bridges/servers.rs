//! What bridges to servers share: where a server is, who comes, and whom to believe.
//!
//! A password's text goes into its bridge and into no message.

use std::path::PathBuf;

use super::Around;
use crate::{
    bridge::tls::Trusted,
    config::{
        problem::Problem,
        secret::{self, Hints},
        section::{Report, Section, text},
        settings::PeerAddress,
        yaml::Value,
    },
};

/// What is said where a password, a token or a secret is missing.
const HINTS: Hints<'_> = Hints {
    empty: "leave the key out where there is none",
    unreadable: "write it into that file, for this user alone",
};

/// A server's address.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    /// Nothing may be plain.
    pub(super) tls: bool,
}

/// A scheme, the port that is meant without another, and whether nothing may be plain.
pub(super) type Scheme = (&'static str, u16, bool);

/// Reads the key `server`, which must be there.
pub(super) fn server(
    keys: &mut Section<'_>,
    schemes: &[Scheme],
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Server> {
    if keys.value("server").is_none() {
        let problem = Problem::new(around.origin, "this bridge does not say with which server");
        let (scheme, port, _) = schemes.first().copied().unwrap_or(("", 0, false));
        report.problems.push(problem.hint(format!("add it: `server: {scheme}://10.0.0.5:{port}`")));
    }
    keys.read("server", report, |value| address(value, schemes))
}

fn address(value: &Value, schemes: &[Scheme]) -> Result<Server, Problem> {
    let given = text(value)?;
    let known: Vec<String> = schemes.iter().map(|(scheme, ..)| format!("`{scheme}://HOST:PORT`")).collect();
    let expected = format!("expected {}", known.join(" or "));
    let found = schemes.iter().find_map(|(scheme, port, tls)| {
        Some((given.strip_prefix(scheme)?.strip_prefix("://")?.trim_end_matches('/'), *port, *tls))
    });
    let shown: String = given.chars().take(60).collect();
    let Some((rest, port, tls)) = found else {
        return Err(Problem::new(&value.origin, format!("`{shown}` is no such server; {expected}")));
    };
    if rest.contains('@') {
        // Its line is not shown: there is a password in it.
        let problem = Problem::nowhere("the `server` of a bridge has a user or a password in it");
        return Err(problem.hint("leave it out, and add `user` and `password: { file: PATH }`"));
    }
    let has_port = rest.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let parsed: Result<PeerAddress, _> = rest.parse();
    let mut server = parsed.map_err(|error| {
        Problem::new(&value.origin, format!("`{shown}` is no server: {error}; {expected}"))
    })?;
    if !has_port {
        server.port = port;
    }
    Ok(Server { host: server.host, port: server.port, tls })
}

/// Reads `user` and `password`, which belong together.
pub(super) fn login(
    keys: &mut Section<'_>,
    around: &Around<'_>,
    report: &mut Report,
) -> (Option<String>, Option<String>) {
    let user = keys.read("user", report, |value| text(value).map(str::to_owned));
    (user, secret(keys, "password", around, report))
}

/// Reads a text that nobody is shown: itself, or `{ file: PATH }`.
pub(super) fn secret(
    keys: &mut Section<'_>,
    key: &'static str,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<String> {
    let mut too_open = None;
    let said = keys.read(key, report, |value| {
        let given = secret::read(value, around.files, &HINTS)?;
        too_open = given.warning;
        Ok(given.text.reveal().to_owned())
    });
    report.warnings.extend(too_open);
    said
}

/// Reads `ca-file`.
pub(super) fn trusted(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Trusted {
    Trusted(keys.read("ca-file", report, |value| file(value, around)))
}

/// A file that is there.
pub(super) fn file(value: &Value, around: &Around<'_>) -> Result<PathBuf, Problem> {
    let path = around.files.path(value)?;
    match path.metadata() {
        Ok(found) if found.is_file() => Ok(path),
        Ok(_) => Err(Problem::new(&value.origin, "it is no file")),
        Err(error) => Err(Problem::new(&value.origin, format!("the file cannot be read: {error}"))),
    }
}

/// Whether a reader begins with what is there, or with what comes: `from: all` or `from: new`.
pub(super) fn from_begin(keys: &mut Section<'_>, report: &mut Report) -> bool {
    keys.read("from", report, |value| match text(value)? {
        "all" => Ok(true),
        "new" => Ok(false),
        _ => Err(Problem::new(
            &value.origin,
            "a new reader begins with `all` that is there, or with what is `new`",
        )),
    })
    .unwrap_or(false)
}

/// One word that names something on a server.
pub(super) fn word(value: &Value) -> Result<String, Problem> {
    let given = text(value)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !given.is_empty() && given.len() <= 64 && given.chars().all(fits) {
        true => Ok(given.to_owned()),
        false => {
            Err(Problem::new(&value.origin, "it is one word of at most 64 letters, digits, `-` and `_`"))
        }
    }
}
