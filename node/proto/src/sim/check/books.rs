//! The two equations of accounting, for every life of every node: what went into its relay came out, waits or was
//! dropped and counted; what it wrote was confirmed, is in flight or was taken back.
//!
//! What crossed the wire is counted here, from the frames; what a node says of itself is compared with that.

use std::collections::BTreeMap;

use super::{
    Judge,
    frames::{Read, frames},
};
use crate::{
    id::NodeId,
    io::LinkId,
    plane::{account::DropReason, relay::Balance},
    time::Now,
};

const STREAM: u8 = 0x81;
const SET: u8 = 0x04;
const RELAY: u8 = 0x05;

const ID_BYTES: u64 = 32;
const SIGNATURE_BYTES: u64 = 64;

/// The books of all nodes.
#[derive(Debug)]
pub(super) struct Books {
    ids: Vec<NodeId>,
    books: Vec<Book>,
}

/// What one life of a node was seen to write, get and hand over.
#[derive(Debug, Default)]
struct Book {
    written: BTreeMap<LinkId, Stream>,
    read: BTreeMap<LinkId, Stream>,
    /// Copies that it wrote to its links.
    wrote: u64,
    /// Copies that came for others.
    passing: u64,
    /// Events that came for itself.
    came: u64,
    /// Events that it handed over.
    handed: u64,
    /// Something came that it could not read: how far it came is not known here.
    torn: bool,
}

/// The sets that one stream has declared: how many nodes, and whether the reader is among them.
#[derive(Debug, Default)]
struct Stream(BTreeMap<u64, (u64, bool)>);

/// What frames stand for, in copies of events.
#[derive(Debug, Default, PartialEq, Eq)]
struct Copies {
    for_me: u64,
    all: u64,
}

impl Judge {
    /// A node writes events to one of its links.
    pub(in crate::sim) fn writes(&mut self, node: usize, link: LinkId, frames: &[u8]) {
        self.books.wrote((node, link), frames);
    }

    /// Events reach a node over one of its links.
    pub(in crate::sim) fn reached(&mut self, node: usize, link: LinkId, frames: &[u8]) {
        self.books.reached((node, link), frames);
    }

    /// A node could not read what reached it.
    pub(in crate::sim) fn torn(&mut self, node: usize) {
        self.books.torn(node);
    }

    /// What a node has to account for, and what it has dropped so far.
    pub(in crate::sim) fn accounts(
        &mut self,
        now: Now,
        node: usize,
        (said, drops): (&Balance, &[(DropReason, u64)]),
    ) {
        for wrong in self.books.settle(node, said, drops) {
            self.wrong(now, format!("the accounts of node {node}: {wrong}"));
        }
    }
}

impl Books {
    pub(super) fn new(ids: &[NodeId]) -> Self {
        Self { ids: ids.to_vec(), books: ids.iter().map(|_| Book::default()).collect() }
    }

    /// A life begins.
    pub(super) fn begin(&mut self, node: usize) {
        self.books[node] = Book::default();
    }

    /// A node writes frames to one of its links.
    pub(super) fn wrote(&mut self, (node, link): (usize, LinkId), bytes: &[u8]) {
        let book = &mut self.books[node];
        book.wrote += book.written.entry(link).or_default().read(&self.ids[node], bytes).all;
    }

    /// Frames reach a node over one of its links.
    pub(super) fn reached(&mut self, (node, link): (usize, LinkId), bytes: &[u8]) {
        let book = &mut self.books[node];
        let copies = book.read.entry(link).or_default().read(&self.ids[node], bytes);
        book.came += copies.for_me;
        book.passing += copies.all - copies.for_me;
    }

    /// A node cannot read what came.
    pub(super) fn torn(&mut self, node: usize) {
        self.books[node].torn = true;
    }

    /// A node hands an event over.
    pub(super) fn handed(&mut self, node: usize) {
        self.books[node].handed += 1;
    }

    /// Compares with what a node says of itself. Returns the equations that do not hold.
    pub(super) fn settle(&self, node: usize, said: &Balance, drops: &[(DropReason, u64)]) -> Vec<String> {
        let (book, line) = (&self.books[node], &said.line);
        let dropped = |reasons: &[DropReason]| -> u64 {
            drops.iter().filter(|(reason, _)| reasons.contains(reason)).map(|(_, copies)| copies).sum()
        };
        let outward = dropped(&[DropReason::SlowConsumer, DropReason::NoRoute, DropReason::LostLink]);
        let inward =
            dropped(&[DropReason::Forged, DropReason::Duplicate, DropReason::Late, DropReason::NoMatch]);
        let mut equations = vec![
            (
                "own + others + again = sent + unsent + parked + dropped",
                said.own + said.others + line.again,
                line.sent + said.unsent + said.parked + outward,
            ),
            (
                "sent = confirmed + in flight + taken back",
                line.sent,
                line.confirmed + line.in_flight + line.taken_back,
            ),
            ("written = sent", book.wrote, line.sent),
        ];
        if !book.torn {
            equations.extend([
                (
                    "came for others = taken over + past the hop limit",
                    book.passing,
                    said.others + dropped(&[DropReason::HopLimit]),
                ),
                ("came here = handed over + waiting + dropped", book.came, book.handed + said.held + inward),
            ]);
        }
        let wrong = equations.into_iter().filter(|(_, left, right)| left != right);
        wrong.map(|(what, left, right)| format!("{what}: {left} is not {right}")).collect()
    }
}

impl Stream {
    fn read(&mut self, me: &NodeId, bytes: &[u8]) -> Copies {
        let mut sum = Copies::default();
        for (kind, _, body) in frames(bytes) {
            let mut read = Read(body);
            match kind {
                STREAM => self.0.clear(),
                SET => {
                    let Some(number) = read.varint() else { continue };
                    let nodes: Vec<&[u8]> = read.0.chunks(ID_BYTES as usize).collect();
                    self.0.insert(number, (nodes.len() as u64, nodes.contains(&&me.0[..])));
                }
                RELAY => {
                    let known = read.varint().and_then(|number| self.0.get(&number));
                    let (nodes, mine) = known.copied().unwrap_or_default();
                    read.skip(1);
                    let events = events(&mut read);
                    sum.all += events * nodes;
                    sum.for_me += if mine { events } else { 0 };
                }
                _ => {}
            }
        }
        sum
    }
}

/// The events of a sealed frame: behind its signature, origin, life, number and predecessors.
fn events(read: &mut Read<'_>) -> u64 {
    read.skip(SIGNATURE_BYTES + ID_BYTES);
    let numbers = [(); 4].map(|()| read.varint().unwrap_or(0));
    for _ in 0..numbers[3] {
        read.skip(ID_BYTES);
        let _ = read.varint();
    }
    read.varint().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::relay::LineCounts;

    fn varint(mut value: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).expect("the rest"));
        bytes
    }

    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &varint(body.len()), body].concat()
    }

    #[test]
    fn what_crosses_the_wire_is_counted_from_its_bytes() {
        let ids = [NodeId([1; 32]), NodeId([2; 32]), NodeId([3; 32])];
        let mut books = Books::new(&ids);
        let link = LinkId(1);
        let set = frame(SET, &[&[0][..], &[2; 32], &[3; 32]].concat());
        // Set 0, seven links left; life 9, frame 1, no predecessor, one exception; five events.
        let sealed = [&[0, 7][..], &[0; 64], &[1; 32], &[9, 1, 0, 1], &[3; 32], &[4], &[5, 0]].concat();
        let frames = [frame(STREAM, &[1]), set, frame(RELAY, &sealed)].concat();
        books.wrote((0, link), &frames);
        books.reached((1, link), &frames);
        (0..5).for_each(|_| books.handed(1));
        let line = LineCounts { sent: 10, in_flight: 10, ..LineCounts::default() };
        let sender = Balance { own: 10, line, ..Balance::default() };
        assert!(books.settle(0, &sender, &[]).is_empty());
        let line = LineCounts { sent: 10, confirmed: 4, taken_back: 5, ..LineCounts::default() };
        let forgetful = Balance { own: 11, line, ..Balance::default() };
        assert_eq!(books.settle(0, &forgetful, &[(DropReason::NoRoute, 1)]).len(), 1);
        let relay = Balance { others: 5, parked: 5, ..Balance::default() };
        assert!(books.settle(1, &relay, &[]).is_empty());
        let keeps_quiet = Balance { others: 4, ..Balance::default() };
        assert_eq!(books.settle(1, &keeps_quiet, &[(DropReason::Late, 1)]).len(), 3);
    }
}
