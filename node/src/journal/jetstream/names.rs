//! What a journal is called on the servers: two streams and their subjects for each network and node.
//!
//! It must not know what is in them. Names are letters, digits and `-`, whatever the network is called, as servers make
//! folders of them.

use std::sync::Arc;

use hive_proto::{channel::NetworkName, id::NodeId, plane::cursor::CursorName};

use super::record::Seals;

/// Digits of the node's id in names. The whole id stands in the streams' metadata.
const ID_DIGITS: usize = 32;

/// The names of one journal, and what its records are sealed with.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) network: NetworkName,
    pub(super) origin: NodeId,
    /// The stream of events, whose sequence numbers are the positions.
    pub(super) events: String,
    /// The stream of cursors: the last message of each subject counts.
    pub(super) cursors: String,
    /// Where events are published.
    pub(super) subject: String,
    /// What stands before a cursor's name.
    cursor_prefix: String,
    /// None: they can be read there.
    pub(super) seals: Option<Arc<Seals>>,
}

impl Names {
    pub(super) fn new(network: &NetworkName, origin: NodeId) -> Self {
        let id: String = origin.to_string().chars().take(ID_DIGITS).collect();
        let name = escaped(network);
        Self {
            network: network.clone(),
            origin,
            events: format!("hive-{name}-{id}"),
            cursors: format!("hive-{name}-{id}-cursors"),
            subject: format!("hive.{name}.{id}.events"),
            cursor_prefix: format!("hive.{name}.{id}.cursor."),
            seals: None,
        }
    }

    pub(super) fn sealed(self, seals: Option<Arc<Seals>>) -> Self {
        Self { seals, ..self }
    }

    /// The subjects of all cursors.
    pub(super) fn all_cursors(&self) -> String {
        format!("{}*", self.cursor_prefix)
    }

    /// Where a cursor is written: its name in hexadecimal, which may hold anything.
    pub(super) fn cursor(&self, name: &CursorName) -> String {
        let digits = name.as_str().bytes().map(|byte| format!("{byte:02x}"));
        digits.fold(self.cursor_prefix.clone(), |subject, digits| subject + &digits)
    }
}

/// A network's name, with `_` and its number in place of each byte that means something to servers.
fn escaped(network: &NetworkName) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    network.as_str().bytes().fold(String::new(), |mut name, byte| {
        match plain(byte) {
            true => name.push(char::from(byte)),
            false => name.push_str(&format!("_{byte:02X}")),
        }
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(network: &str) -> Names {
        Names::new(&NetworkName::parse(network).expect("a name"), NodeId([0xab; 32]))
    }

    #[test]
    fn every_network_and_cursor_has_names_of_its_own_that_servers_take() {
        let id = "ab".repeat(16);
        assert_eq!(names("my-hive").events, format!("hive-my-hive-{id}"));
        assert_eq!(names("a.b>").events, format!("hive-a_2Eb_3E-{id}"));
        assert_ne!(names("a_2E").events, names("a.").events);
        assert!(names(&"ä".repeat(32)).cursors.len() < 255);
        let cursor = names("hive").cursor(&CursorName::parse("a.b > *").expect("a name"));
        assert_eq!(cursor, format!("hive.hive.{id}.cursor.612e62203e202a"));
    }
}
