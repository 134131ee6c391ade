//! How statements spread: pushed along a tree that each origin's statements grow by themselves, announced beside
//! it, pulled by who missed them, and compared every few seconds.
//!
//! The tree is Plumtree's (Leitão, Pereira, Rodrigues: Epidemic Broadcast Trees, 2007), one for each origin and grown
//! from its leaves: nobody but the origin pushes unasked, who hears of a statement asks whoever said so for it and for
//! what follows, and who gets one twice asks the second sender to stop. What statements mean is membership's business;
//! which link leads to whom is core's.

mod circle;
mod compare;
mod contact;
mod pulls;
mod snapshot;
mod spread;

use std::{hint, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    channel::NetworkIndex,
    frame::{gossip::Gossip as Frame, wire::WireError},
    id::{Incarnation, NodeId},
    io::{LinkId, Outbox},
    membership::{MemberIx, Membership, News, Prefix, Taken, prefix_of},
    record::{Archive, FactError, Head, Keys, Statement, StatementError},
    time::Now,
};

use circle::{Circle, places};
use contact::Contact;
use pulls::Pulls;

/// Statements wait so long for others to the same neighbour, unless it heard nothing for as long.
pub const PUSH_PAUSE: Duration = Duration::from_millis(20);
/// Notices wait for others to the same neighbour at most so long.
pub const NOTICE_DELAY: Duration = Duration::from_millis(100);
/// Neighbours that are told of a statement they are not pushed: enough for somebody whom the tree fails to hear of it
/// from others, and few enough to cost little. Comparing finds the rest.
const NOTICES: u32 = 6;

/// The spreading of statements in one network.
#[derive(Debug)]
pub struct Gossip {
    network: NetworkIndex,
    /// The neighbours.
    circle: Circle,
    /// When they are told of what is mentioned.
    mention_by: Option<Now>,
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
    /// What was read already, where nodes have that in common.
    pub archive: Option<&'a Archive>,
}

impl Around<'_> {
    fn read(&self, network: NetworkIndex, statement: &Bytes) -> Result<Arc<Statement>, StatementError> {
        match self.archive {
            Some(archive) => archive.read(self.keys, network, statement),
            None => Statement::read(self.keys, network, statement).map(Arc::new),
        }
    }
}

impl Gossip {
    /// Nobody is met yet.
    #[must_use]
    pub fn new(network: NetworkIndex) -> Self {
        Self { network, circle: Circle::default(), mention_by: None, pulls: Pulls::default(), duplicates: 0 }
    }

    /// A neighbour can be talked to over this link from now on.
    pub fn meet(&mut self, around: &mut Around<'_>, peer: NodeId, life: Incarnation, link: LinkId) {
        let at = self.circle.enter(peer, || Contact::new(life, link));
        // Its neighbours hear of this node from itself.
        self.circle.set_eager(at, around.members.me(), true);
        let Some(contact) = self.circle.wake(at) else { return };
        contact.moved(life, link);
        contact.compare = true;
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
        if let Some(at) = self.circle.leave(peer) {
            self.pulls.part(at);
        }
    }

    /// This node said something.
    pub fn say(&mut self, members: &Membership, statement: &Statement, now: Now) {
        self.spread(members.me(), Some(statement), None, now);
        for at in self.circle.beyond().collect::<Vec<_>>() {
            self.circle.wake(at).into_iter().for_each(|contact| contact.push(members.me(), statement));
        }
    }

    /// Whether a neighbour's members have been compared with this node's, and what was missing here has come.
    #[must_use]
    pub fn is_synced(&self, peer: NodeId) -> bool {
        self.circle.of(peer).is_some_and(|contact| contact.synced)
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
        let Some(at) = self.circle.find(peer) else { return Ok(heard) };
        match frame {
            Frame::Statements { answer, statements } => {
                let heads = statements.iter().filter_map(|bytes| Statement::peek(bytes).ok());
                let nodes = heads.map(|(node, _)| node);
                around.members.warm_stated(nodes.clone());
                self.warm(around.members, nodes.map(prefix_of));
                for bytes in statements {
                    let (node, head) = Statement::peek(&bytes)?;
                    // A neighbour's own statements come over its own link, whoever was faster.
                    let unasked = !answer && node != peer;
                    if self.is_news(around, (at, unasked), node, head) {
                        let statement = around.read(self.network, &bytes)?;
                        heard.extend(self.take(around, at, &statement));
                        if !answer && let Some(ix) = around.members.find(node) {
                            self.circle.set_source(ix, at);
                        }
                    }
                }
            }
            Frame::Have(heads) => self.told(around, at, &heads),
            Frame::Pull { graft, known } => self.serve(around, at, graft, &known),
            Frame::Prune(prefixes) => self.pruned(around, at, &prefixes),
            Frame::Digest(root) => self.compare_roots(around, at, root),
            Frame::Buckets(hashes) => self.compare_buckets(around, at, &hashes),
            Frame::Heads { buckets, answer, heads } => {
                self.compare_heads(around, at, (buckets, answer), &heads);
            }
            Frame::Snapshot { statement, last, facts } => {
                heard.extend(self.assemble(around, at, statement, (last, facts))?);
            }
            Frame::Ack { version } => heard.push(Heard::Acked(version)),
        }
        Ok(heard)
    }

    /// Asks for the memory of all these members at once: see [`Membership::warm`].
    fn warm(&self, members: &Membership, prefixes: impl Iterator<Item = Prefix> + Clone) {
        members.warm(prefixes.clone());
        let known = prefixes.flat_map(|prefix| members.with_prefix(prefix));
        let known = known.map(|ix| (members.head(ix).version, self.circle.has_source(ix)));
        hint::black_box(known.fold(0, |all, (version, source)| all ^ version ^ u64::from(source)));
    }

    /// Whether a statement has to be read at all. Who pushes a known one is asked to stop that.
    fn is_news(
        &mut self,
        around: &Around<'_>,
        (from, unasked): (usize, bool),
        node: NodeId,
        head: Head,
    ) -> bool {
        let Some(ix) = around.members.find(node) else { return true };
        let known = around.members.head(ix);
        if head > known {
            return true;
        }
        self.has(from, ix, head, known);
        if unasked {
            self.duplicates = self.duplicates.saturating_add(1);
            self.circle.wake(from).into_iter().for_each(|contact| contact.prune(prefix_of(node)));
        }
        false
    }

    /// A neighbour has a member's statements up to a head: what it has need not be sent.
    fn has(&mut self, at: usize, ix: MemberIx, head: Head, known: Head) {
        if let Some(contact) = self.circle.contact(at) {
            contact.has(ix, head);
        }
        if head >= known {
            self.circle.knows(at, ix);
        }
    }

    fn take(&mut self, around: &mut Around<'_>, from: usize, statement: &Statement) -> Option<Heard> {
        let Around { now, members, .. } = around;
        if members.member(members.me()).is_some_and(|me| me.node == statement.node) {
            return Some(Heard::Twice(statement.head));
        }
        let taken = members.take(statement, *now);
        let ix = members.find(statement.node)?;
        match taken {
            Ok(Taken::New(news)) => {
                self.spread(ix, Some(statement), Some(from), *now);
                self.settle(members, ix);
                Some(Heard::News(ix, news))
            }
            Ok(Taken::Known) => None,
            Ok(Taken::Gap) => {
                self.pulls.want(prefix_of(statement.node), statement.head, from, *now);
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
            self.circle.each().for_each(|contact| contact.got(prefix_of(member.node)));
        }
        if let Some(at) = self.circle.find(member.node)
            && let Some(contact) = self.circle.wake(at)
        {
            contact.owe_ack(member.head);
        }
    }

    /// Puts something new where it goes: to be pushed, or to be mentioned. Without a statement it is mentioned to all.
    fn spread(&mut self, ix: MemberIx, statement: Option<&Statement>, from: Option<usize>, now: Now) {
        let others = self.circle.all_but(from);
        let eager = self.circle.eager(ix) & others;
        let pushed = if statement.is_some() { eager } else { 0 };
        for at in places(pushed) {
            if let (Some(contact), Some(statement)) = (self.circle.wake(at), statement) {
                contact.push(ix, statement);
            }
        }
        // Others each time, so that nobody is left out for long; of somebody new, everybody.
        let mentioned = match statement.filter(|statement| statement.head.version > 1) {
            Some(later) => {
                circle::pick(others & !pushed, NOTICES, ix.0.wrapping_add(later.head.version as u32))
            }
            None => others & !pushed,
        };
        self.circle.mention(ix, mentioned);
        if self.circle.has_mentions() {
            self.mention_by.get_or_insert_with(|| now.after(NOTICE_DELAY));
        }
    }

    /// Sends what it is time for, and says when it is time for the rest.
    pub fn flush(&mut self, around: &mut Around<'_>, out: &mut Outbox) -> Option<Now> {
        self.ask(around);
        if self.mention_by.is_some_and(|by| by <= around.now) {
            self.mention_by = None;
            // All are looked up before anything is done with one, so that they are waited for together.
            let mentions = self.circle.take_mentions().into_iter().filter_map(|(ix, to)| {
                let member = around.members.member(ix)?;
                Some((contact::head_ref(member.node, member.head), to))
            });
            for (head, to) in mentions.collect::<Vec<_>>() {
                places(to).for_each(|at| {
                    self.circle.wake(at).into_iter().for_each(|contact| contact.mentions.push(head));
                });
            }
        }
        for at in self.circle.take_awake(around.now).iter() {
            if let Some(due) = self.circle.contact(at).and_then(|contact| contact.flush(around, out)) {
                self.circle.wait(at, due);
            }
        }
        [self.pulls.next(), self.mention_by, self.circle.wait_until()].into_iter().flatten().min()
    }
}
