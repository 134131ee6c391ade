//! What a component means to use beyond events, as its imports say: what a person wants to know before it runs.
//!
//! Imports say what may be asked for at most: Rust's standard library, for one, brings files wherever it might need them.
//! It must not know what is granted.

use std::{collections::BTreeSet, fmt};

/// Something beyond events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// Variables of the environment.
    Environment,
    /// Folders.
    Files,
    /// Requests to hosts over HTTP.
    Http,
    /// Values that the configuration keeps secret.
    Secrets,
    /// Sockets, which no plugin gets.
    Sockets,
    /// Values that are kept on disk.
    State,
    /// Timers that are set on the way.
    Timers,
}

impl Ask {
    /// What an import asks for, if it is beyond events.
    #[must_use]
    pub fn of(import: &str) -> Option<Self> {
        let interface = import.split('@').next().unwrap_or_default();
        Some(match interface {
            "hive:node/secrets" => Self::Secrets,
            "hive:node/state" => Self::State,
            "hive:node/timers" => Self::Timers,
            "wasi:cli/environment" => Self::Environment,
            "wasi:filesystem/preopens" => Self::Files,
            "wasi:http/outgoing-handler" => Self::Http,
            _ if interface.starts_with("wasi:keyvalue/") => Self::State,
            _ if interface.starts_with("wasi:sockets/") => Self::Sockets,
            _ => return None,
        })
    }

    /// What all these imports ask for.
    pub fn all_of<'i>(imports: impl IntoIterator<Item = &'i str>) -> BTreeSet<Self> {
        imports.into_iter().filter_map(Self::of).collect()
    }

    /// What it is called, for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Files => "files",
            Self::Http => "http",
            Self::Secrets => "secrets",
            Self::Sockets => "sockets",
            Self::State => "state",
            Self::Timers => "timers",
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_say_what_is_asked_for() {
        let check = |imports: &[&str], want: &[Ask]| {
            let asks: Vec<_> = Ask::all_of(imports.iter().copied()).into_iter().collect();
            assert_eq!(asks, want, "{imports:?}");
        };
        check(&["hive:node/bus@0.1.0", "wasi:io/streams@0.2.6", "wasi:http/types@0.2.6"], &[]);
        check(&["wasi:http/outgoing-handler@0.2.0", "hive:node/state@0.1.0"], &[Ask::Http, Ask::State]);
        check(&["wasi:keyvalue/batch@0.2.0-draft", "wasi:keyvalue/store@0.2.0-draft"], &[Ask::State]);
        check(&["wasi:sockets/tcp@0.2.0", "wasi:cli/environment@0.2.0"], &[Ask::Environment, Ask::Sockets]);
    }
}
