//! How statements spread: pushed along a tree that each origin's statements grow by themselves, announced beside
//! it, pulled by who missed them, and compared every few seconds.
//!
//! The tree is Plumtree's (Leitão, Pereira, Rodrigues: Epidemic Broadcast Trees, 2007), one for each origin: who gets
//! a statement twice asks the second sender not to push that origin's any more, and who hears of one it did not get
//! asks for it and for what follows. What statements mean is membership's business; which link leads to whom is core's.

mod compare;
mod contact;
mod pulls;
mod snapshot;
mod spread;

use std::{collections::BTreeMap, time::Duration};

use crate::{
    channel::NetworkIndex,
    frame::{gossip::Gossip as Frame, wire::WireError},
    id::{Incarnation, NodeId},
    io::{LinkId, Outbox},
    membership::{MemberIx, Membership, News, Taken, prefix_of},
    record::{FactError, Head, Keys, Statement, StatementError},
    time::Now,
};

use contact::Contact;
use pulls::Pulls;

/// Statements wait so long for others to the same neighbour, unless it heard nothing for as long.
pub const PUSH_PAUSE: Duration = Duration::from_millis(20);
/// Notices wait for others to the same neighbour at most so long.
pub const NOTICE_DELAY: Duration = Duration::from_millis(100);

/// The spreading of statements in one network.
#[derive(Debug)]
pub struct Gossip {
    network: NetworkIndex,
    /// The neighbours.
    contacts: BTreeMap<NodeId, Contact>,
    /// What is known to exist and was not got yet.
    pulls: Pulls,
    /// Statements that were known already when they came.
    duplicates: u64,
}

/// What a frame brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A member states something new.
    News(MemberIx, News),
    /// A member stated more than anybody may; nothing of it counts any more.
    Banned(MemberIx, FactError),
    /// Somebody else signs with this node's key.
    Twice(Head),
    /// The sender knows this node's statements up to this version.
    Acked(u64),
    /// The network is full.
    NoRoom,
}

/// How a neighbour's gossip breaks the rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GossipError {
    /// A malformed frame.
    #[error("malformed gossip: {0}")]
    Wire(#[from] WireError),
    /// It passes on what is no statement, or a forged one.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// It serves facts that are none.
    #[error(transparent)]
    Fact(#[from] FactError),
    /// It serves facts that are not those the node signed.
    #[error("the facts of node {} are not those it signed", .0.short())]
    Root(NodeId),
    /// A part of a node's facts without the first.
    #[error("a part of a node's facts without its statement")]
    NoStatement,
}

/// What handling a frame needs beside the gossip itself.
pub struct Around<'a> {
    /// The present.
    pub now: Now,
    /// The members it is about.
    pub members: &'a mut Membership,
    /// Who signs and checks.
    pub keys: &'a dyn Keys,
}

impl Gossip {
    /// Nobody is met yet.
    #[must_use]
    pub fn new(network: NetworkIndex) -> Self {
        Self { network, contacts: BTreeMap::new(), pulls: Pulls::default(), duplicates: 0 }
    }

    /// A neighbour can be talked to over this link from now on.
    pub fn meet(&mut self, around: &mut Around<'_>, peer: NodeId, life: Incarnation, link: LinkId) {
        let places = around.members.places();
        let contact = self.contacts.entry(peer).or_insert_with(|| Contact::new(life, link, places));
        contact.moved(life, link);
        contact.compare = true;
        // Its neighbours hear of this node from itself.
        contact.set_lazy(around.members.me(), false);
        if let Some(me) = around.members.member(around.members.me()) {
            contact.introduce(me);
        }
        // It may be known already, from others.
        if let Some(head) = around.members.of(peer).map(|member| member.head) {
            contact.owe_ack(head);
        }
    }

    /// A neighbour is gone.
    pub fn part(&mut self, peer: NodeId) {
        self.contacts.remove(&peer);
        self.pulls.part(peer);
    }

    /// This node said something.
    pub fn say(&mut self, members: &Membership, statement: &Statement, now: Now) {
        self.spread(members.me(), Some(statement), None, now);
    }

    /// Whether a neighbour's members have been compared with this node's, and what was missing here has come.
    #[must_use]
    pub fn is_synced(&self, peer: NodeId) -> bool {
        self.contacts.get(&peer).is_some_and(|contact| contact.synced)
    }

    /// Statements that were known already when they came.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Takes in a neighbour's frame.
    ///
    /// # Errors
    /// When it breaks the rules: what it sends cannot be trusted any more.
    pub fn hear(
        &mut self,
        around: &mut Around<'_>,
        peer: NodeId,
        frame: Frame,
    ) -> Result<Vec<Heard>, GossipError> {
        let mut heard = Vec::new();
        match frame {
            Frame::Statements { answer, statements } => {
                for bytes in statements {
                    let (node, head) = Statement::peek(&bytes)?;
                    if self.is_news(around, (peer, answer), node, head) {
                        let statement = Statement::read(around.keys, self.network, &bytes)?;
                        heard.extend(self.take(around, peer, &statement));
                    }
                }
            }
            Frame::Have(heads) => self.told(around, peer, &heads),
            Frame::Pull { graft, known } => self.serve(around, peer, graft, &known),
            Frame::Prune(prefixes) => self.pruned(around, peer, &prefixes),
            Frame::Digest(root) => self.compare_roots(around, peer, root),
            Frame::Buckets(hashes) => self.compare_buckets(around, peer, &hashes),
            Frame::Heads { buckets, answer, heads } => {
                self.compare_heads(around, peer, (buckets, answer), &heads);
            }
            Frame::Snapshot { statement, last, facts } => {
                heard.extend(self.assemble(around, peer, statement, (last, facts))?);
            }
            Frame::Ack { version } => heard.push(Heard::Acked(version)),
        }
        Ok(heard)
    }

    /// Whether a statement has to be read at all. Who sends a known one is asked to stop that.
    fn is_news(
        &mut self,
        around: &Around<'_>,
        (peer, answer): (NodeId, bool),
        node: NodeId,
        head: Head,
    ) -> bool {
        let Some(ix) = around.members.find(node) else { return true };
        let known = around.members.member(ix).map(|member| member.head).unwrap_or_default();
        if head > known {
            return true;
        }
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.has(ix, head, known);
            // A neighbour's own statements come over its own link, whoever was faster.
            if !answer && node != peer {
                self.duplicates = self.duplicates.saturating_add(1);
                contact.prune(ix, prefix_of(node));
            }
        }
        false
    }

    fn take(&mut self, around: &mut Around<'_>, peer: NodeId, statement: &Statement) -> Option<Heard> {
        let Around { now, members, .. } = around;
        if members.find(statement.node) == Some(members.me()) {
            return Some(Heard::Twice(statement.head));
        }
        let taken = members.take(statement, *now);
        let ix = members.find(statement.node)?;
        match taken {
            Ok(Taken::New(news)) => {
                self.spread(ix, Some(statement), Some(peer), *now);
                self.settle(members, ix);
                Some(Heard::News(ix, news))
            }
            Ok(Taken::Known) => None,
            Ok(Taken::Gap) => {
                self.pulls.want(prefix_of(statement.node), statement.head, peer, *now);
                None
            }
            Ok(Taken::NoRoom) => Some(Heard::NoRoom),
            Err(error) => Some(Heard::Banned(ix, error)),
        }
    }

    /// What was waited for of a member may have come.
    fn settle(&mut self, members: &Membership, ix: MemberIx) {
        let Some(member) = members.member(ix) else { return };
        if self.pulls.got(prefix_of(member.node), member.head) {
            for contact in self.contacts.values_mut() {
                contact.got(prefix_of(member.node));
            }
        }
        if let Some(contact) = self.contacts.get_mut(&member.node) {
            contact.owe_ack(member.head);
        }
    }

    /// Puts something new where it goes: to be pushed, or to be mentioned. Without a statement it is mentioned to all.
    fn spread(&mut self, ix: MemberIx, statement: Option<&Statement>, from: Option<NodeId>, now: Now) {
        for (peer, contact) in &mut self.contacts {
            if Some(*peer) == from {
                continue;
            }
            match statement {
                Some(statement) if !contact.is_lazy(ix) => contact.push(ix, statement),
                _ => contact.mention(ix, now),
            }
        }
    }

    /// Sends what it is time for, and says when it is time for the rest.
    pub fn flush(&mut self, around: &mut Around<'_>, out: &mut Outbox) -> Option<Now> {
        self.ask(around);
        let mut next = self.pulls.next();
        for contact in self.contacts.values_mut() {
            let due = contact.flush(around, out);
            next = [next, due].into_iter().flatten().min();
        }
        next
    }
}
