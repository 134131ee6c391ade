//! The connections of a run by their numbers, which are given out in order: found at once, because every frame is.

use super::network::Connection;

/// The connections that at least one end still has.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// By number less one; none for those that are over.
    all: Vec<Option<Box<Connection>>>,
}

impl Connections {
    /// Adds a connection. Returns its number, the next one.
    pub(super) fn add(&mut self, connection: Connection) -> u64 {
        self.all.push(Some(Box::new(connection)));
        self.all.len() as u64
    }

    pub(super) fn get(&self, number: u64) -> Option<&Connection> {
        self.all.get(place(number)?)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Connection> {
        self.all.get_mut(place(number)?)?.as_deref_mut()
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Connection> {
        self.all.get_mut(place(number)?)?.take().map(|connection| *connection)
    }

    /// All of them in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Connection)> {
        (1..).zip(&self.all).filter_map(|(number, connection)| Some((number, connection.as_deref()?)))
    }
}

fn place(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}
