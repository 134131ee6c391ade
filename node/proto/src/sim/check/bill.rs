//! What one change of interest costs: the bytes of the statement that says it, of what is said about that statement, and
//! its share of what is compared beyond the ordinary.
//!
//! Reads frames by itself, as far as it has to: whose statement, and which.

use std::collections::BTreeMap;

use super::frames::{Read, frames};
use crate::id::NodeId;

/// A node's statement: whose, of which life, and its version.
type Said = (usize, u64, u64);

const STATEMENTS: u8 = 0x20;
const HAVE: u8 = 0x21;
const PULL: u8 = 0x22;
const PRUNE: u8 = 0x23;
const DIGEST: u8 = 0x24;
const BUCKETS: u8 = 0x25;
const HEADS: u8 = 0x26;
const SNAPSHOT: u8 = 0x27;
const ACK: u8 = 0x28;

/// The costs of one phase.
#[derive(Debug)]
pub(super) struct Bill {
    /// Nodes by the first four bytes of their ids.
    nodes: BTreeMap<u32, usize>,
    /// The last statement of each node that it has sent itself.
    last: Vec<Option<Said>>,
    /// Whether costs are written down at all.
    open: bool,
    /// Nodes that changed and have not stated it, and how many of their changes.
    changed: BTreeMap<usize, u64>,
    /// Statements that say such changes: how many, and what they cost.
    items: BTreeMap<Said, (u64, u64)>,
    /// All statements there were.
    statements: u64,
    /// Bytes of comparing that finds a difference.
    differences: u64,
    /// Bytes of roots.
    roots: u64,
    /// Bytes of roots in a second when nothing happens.
    roots_per_second: u64,
}

impl Bill {
    pub(super) fn new(ids: &[NodeId]) -> Self {
        let prefix = |id: &NodeId| u32::from_be_bytes([id.0[0], id.0[1], id.0[2], id.0[3]]);
        Self {
            nodes: ids.iter().map(prefix).zip(0..).collect(),
            last: vec![None; ids.len()],
            open: false,
            changed: BTreeMap::new(),
            items: BTreeMap::new(),
            statements: 0,
            differences: 0,
            roots: 0,
            roots_per_second: 0,
        }
    }

    /// A phase begins in which costs are of interest, or not.
    pub(super) fn begin(&mut self, open: bool) {
        self.open = open;
        self.items.clear();
        (self.statements, self.differences, self.roots) = (0, 0, 0);
    }

    /// The next statement of this node says a change that is followed.
    pub(super) fn changes(&mut self, node: usize) {
        *self.changed.entry(node).or_default() += 1;
    }

    /// A phase of so many seconds ends, in which nothing was done or something. What one change cost all nodes together.
    pub(super) fn end(&mut self, seconds: u64, quiet: bool) -> Option<u64> {
        if quiet {
            self.roots_per_second = self.roots / seconds.max(1);
        }
        let ordinary = self.roots_per_second.saturating_mul(seconds);
        let compared = self.differences.saturating_add(self.roots.saturating_sub(ordinary));
        let share = compared.checked_div(self.statements).unwrap_or(0);
        let (changes, bytes) =
            self.items.values().fold((0, 0), |(n, sum), (changes, bytes)| (n + changes, sum + bytes));
        let all = bytes.saturating_add(share.saturating_mul(self.items.len() as u64));
        all.checked_div(changes)
    }

    /// A node sends frames to another.
    pub(super) fn sent(&mut self, (from, to): (usize, usize), bytes: &[u8]) {
        for (kind, length, body) in frames(bytes) {
            match kind {
                DIGEST => self.roots += length as u64,
                STATEMENTS => self.sent_statements(from, length, body),
                _ if !self.open => {}
                HAVE => self.sent_heads(length, body),
                PULL => self.sent_questions(length, body),
                PRUNE => self.sent_prunes(length, body),
                ACK => self.add(self.last[to], length),
                BUCKETS | HEADS | SNAPSHOT => self.differences += length as u64,
                _ => {}
            }
        }
    }

    fn add(&mut self, said: Option<Said>, bytes: usize) {
        if let Some((_, sum)) = said.and_then(|said| self.items.get_mut(&said)) {
            *sum += bytes as u64;
        }
    }

    /// What a frame has around its items is the first one's.
    fn sent_statements(&mut self, from: usize, length: usize, body: &[u8]) {
        let mut read = Read(body);
        let mut around = length;
        let mut all = Vec::new();
        read.skip(1);
        while let Some(size) = read.varint() {
            let mut statement = Read(read.take(size));
            let prefix = statement.prefix();
            statement.skip(28);
            let head = statement.varint().zip(statement.varint());
            let said = self.said(prefix, head);
            if said.is_some_and(|(node, ..)| node == from) {
                self.states(from, said);
            }
            let whole = varint_bytes(size) + size as usize;
            around = around.saturating_sub(whole);
            all.push((said, whole));
        }
        for (said, bytes) in all {
            self.add(said, bytes + std::mem::take(&mut around));
        }
    }

    /// A node sends a statement of its own, perhaps for the first time.
    fn states(&mut self, node: usize, said: Option<Said>) {
        if said <= self.last[node] {
            return;
        }
        self.last[node] = said;
        if let Some(said) = said.filter(|_| self.open) {
            self.statements += 1;
            if let Some(changes) = self.changed.remove(&node) {
                self.items.insert(said, (changes, 0));
            }
        }
    }

    fn sent_heads(&mut self, length: usize, body: &[u8]) {
        let (mut read, mut around) = (Read(body), length - body.len());
        while !read.0.is_empty() {
            let before = read.0.len();
            let (prefix, head) = (read.prefix(), read.varint().zip(read.varint()));
            let bytes = before - read.0.len() + std::mem::take(&mut around);
            self.add(self.said(prefix, head), bytes);
        }
    }

    /// Who asks wants the last there is.
    fn sent_questions(&mut self, length: usize, body: &[u8]) {
        let (mut read, mut around) = (Read(body), 1 + length - body.len());
        read.skip(1);
        while !read.0.is_empty() {
            let before = read.0.len();
            let prefix = read.prefix();
            let _ = read.varint().zip(read.varint());
            let bytes = before - read.0.len() + std::mem::take(&mut around);
            let said = self.nodes.get(&prefix).and_then(|node| self.last[*node]);
            self.add(said, bytes);
        }
    }

    fn sent_prunes(&mut self, length: usize, body: &[u8]) {
        let (mut read, mut around) = (Read(body), length - body.len());
        while !read.0.is_empty() {
            let prefix = read.prefix();
            let said = self.nodes.get(&prefix).and_then(|node| self.last[*node]);
            self.add(said, 4 + std::mem::take(&mut around));
        }
    }

    fn said(&self, prefix: u32, head: Option<(u64, u64)>) -> Option<Said> {
        let (life, version) = head?;
        Some((*self.nodes.get(&prefix)?, life, version))
    }
}

fn varint_bytes(value: u64) -> usize {
    (1..10).find(|bytes| value >> (7 * bytes) == 0).unwrap_or(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(node: u8, version: u8) -> Vec<u8> {
        vec![node, node, node, node, 9, version]
    }

    fn statement(node: u8, version: u8, more: usize) -> Vec<u8> {
        let mut statement = vec![node; 32];
        statement.extend([9, version]);
        statement.extend(vec![0; more]);
        statement.insert(0, u8::try_from(statement.len()).expect("a short one"));
        statement
    }

    fn frame(kind: u8, body: &[Vec<u8>]) -> Vec<u8> {
        let body = body.concat();
        let mut frame = vec![kind, u8::try_from(body.len()).expect("a short one")];
        frame.extend(body);
        frame
    }

    #[test]
    fn a_change_costs_its_statement_and_what_is_said_of_it() {
        let ids = [NodeId([1; 32]), NodeId([2; 32]), NodeId([3; 32])];
        let mut bill = Bill::new(&ids);
        bill.sent((0, 1), &frame(DIGEST, &[vec![0; 32]]));
        assert_eq!(bill.end(1, true), None);
        bill.begin(true);
        bill.sent((0, 1), &frame(STATEMENTS, &[vec![0], statement(1, 4, 5)]));
        bill.changes(0);
        let both = [vec![0], statement(2, 7, 6), statement(1, 5, 4)];
        bill.sent((0, 1), &frame(STATEMENTS, &both));
        // 39 bytes of it; what is around it and the other statement is not its.
        assert_eq!(bill.end(1, false), Some(39));
        bill.sent((1, 2), &frame(HAVE, &[head(3, 1), head(1, 5), head(1, 4)]));
        bill.sent((2, 1), &frame(PULL, &[vec![1], head(1, 4)]));
        bill.sent((1, 0), &frame(ACK, &[vec![5]]));
        bill.sent((1, 0), &frame(PRUNE, &[vec![1; 4]]));
        assert_eq!(bill.end(1, false), Some(39 + 6 + 9 + 3 + 6));
        // Two statements were made, and one of them says the change.
        bill.sent((2, 1), &frame(BUCKETS, &[vec![0; 98]]));
        assert_eq!(bill.end(1, false), Some(39 + 24 + 50));
        // As many roots as when nothing happens cost nothing, others do.
        bill.sent((0, 1), &frame(DIGEST, &[vec![0; 32]]));
        assert_eq!(bill.end(1, false), Some(39 + 24 + 50));
        bill.sent((0, 1), &frame(DIGEST, &[vec![0; 32]]));
        assert_eq!(bill.end(1, false), Some(39 + 24 + 50 + 17));
    }
}
