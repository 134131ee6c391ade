//! What lies outside the node and is opened to a plugin by its configuration: hosts to ask over HTTP, folders, and values
//! of the environment. Without a line there nothing is.
//!
//! What it owns: the rules of who may be asked, and the line that would open what is closed. It must not know how a
//! request is sent or a folder read.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::grants::line;

pub use host::{HostError, HttpHost, Method};

mod host;

/// What is opened to one plugin.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Openings {
    /// Hosts it may ask over HTTP.
    pub http: Vec<HttpHost>,
    /// Folders it sees.
    pub folders: Vec<Folder>,
    /// Its environment; the values may be secrets.
    pub env: BTreeMap<String, String>,
}

/// A folder of this host that a plugin sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// What the plugin calls it.
    pub seen_as: String,
    /// Whether the plugin may change what is in it.
    pub write: bool,
}

/// A request that a plugin wants to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Over TLS.
    pub tls: bool,
    /// The host's name or address, lower case, an IPv6 address in brackets.
    pub host: &'a str,
    /// The port, also when it was not written.
    pub port: u16,
    /// The method, upper case.
    pub method: &'a str,
}

impl Openings {
    /// Both.
    #[must_use]
    pub fn and(&self, more: &Self) -> Self {
        let mut all = self.clone();
        all.http.extend(more.http.iter().cloned());
        all.folders.retain(|folder| more.folders.iter().all(|other| other.seen_as != folder.seen_as));
        all.folders.extend(more.folders.iter().cloned());
        all.env.extend(more.env.clone());
        all
    }

    /// Whether a request may be made.
    ///
    /// # Errors
    /// The configuration line that would allow it to `plugin`.
    pub fn check_http(&self, plugin: &str, wanted: &Wanted<'_>) -> Result<(), String> {
        if self.http.iter().any(|host| host.allows(wanted)) {
            return Ok(());
        }
        let usual = if wanted.tls { 443 } else { 80 };
        let host = match wanted.port == usual {
            true => wanted.host.to_owned(),
            false => format!("{}:{}", wanted.host, wanted.port),
        };
        if self.http.iter().any(|host| host.allows_but_for_its_method(wanted)) {
            let method = wanted.method;
            return Err(line(plugin, &format!("http: [{{host: \"{host}\", methods: [{method}]}}]")));
        }
        Err(line(plugin, &format!("http: [\"{host}\"]")))
    }
}

impl fmt::Debug for Openings {
    /// The names of the environment alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.keys().collect();
        let mut shown = f.debug_struct("Openings");
        shown.field("http", &self.http).field("folders", &self.folders).field("env", &names).finish()
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.write { "to read and write" } else { "to read" };
        write!(f, "{} {how}, as {}", self.path.display(), self.seen_as)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<'a>(host: &'a str, port: u16, method: &'a str) -> Wanted<'a> {
        Wanted { tls: port == 443, host, port, method }
    }

    #[test]
    fn what_is_closed_says_the_line_that_opens_it() {
        let read = HttpHost::parse("api.example.com").expect("a host");
        let read = read.only(Method::parse("get"));
        let openings = Openings { http: vec![read], ..Openings::default() };
        let check = |host, port, method, want: Result<(), &str>| {
            let checked = openings.check_http("enrich", &wanted(host, port, method));
            assert_eq!(checked, want.map_err(str::to_owned), "{method} {host}:{port}");
        };
        check("api.example.com", 443, "GET", Ok(()));
        check("api.example.com", 80, "GET", Ok(()));
        let post = r#"plugins: {each: {enrich: {http: [{host: "api.example.com", methods: [POST]}]}}}"#;
        check("api.example.com", 443, "POST", Err(post));
        check("evil.org", 80, "GET", Err(r#"plugins: {each: {enrich: {http: ["evil.org"]}}}"#));
        check("evil.org", 8080, "GET", Err(r#"plugins: {each: {enrich: {http: ["evil.org:8080"]}}}"#));
    }

    #[test]
    fn a_plugins_own_folder_hides_the_one_of_all() {
        let folder =
            |path: &str, seen_as: &str| Folder { path: path.into(), seen_as: seen_as.into(), write: false };
        let env = |value: &str| [("LEVEL".to_owned(), value.to_owned())].into();
        let all = Openings {
            folders: vec![folder("/a", "/data"), folder("/b", "/b")],
            env: env("1"),
            http: vec![],
        };
        let own = Openings { folders: vec![folder("/c", "/data")], env: env("2"), http: vec![] };
        let both = all.and(&own);
        assert_eq!(both.folders, [folder("/b", "/b"), folder("/c", "/data")]);
        assert_eq!(both.env, env("2"));
        assert!(!format!("{both:?}").contains('2'), "{both:?}");
    }
}
