//! What the channel numbers of one data stream mean, and who wants each on this node: resolved once a
//! generation of the route table.

use std::sync::Arc;

use hive_proto::{
    channel::Channel,
    group::GroupName,
    plane::table::{HolderId, Members, Side},
};
use imbl::Vector;

use crate::{
    bus::{InboundError, PeerRef, Shared, queue::Queue, queued::Source, routes::Target},
    trust::may::{Action, Principal},
};

/// One stream's channels, by the numbers the peer gave them.
#[derive(Debug)]
pub(super) struct LinkChannels {
    list: Vec<LinkChannel>,
    /// Their names once more, for events that are read later, elsewhere.
    source: Arc<Source>,
}

/// A channel and where its events go.
#[derive(Debug)]
pub(super) struct LinkChannel {
    pub(super) channel: Channel,
    /// The generation `fate` was resolved under; 0 for never.
    generation: u64,
    pub(super) fate: Fate,
    /// The groups that want it here.
    groups: Vec<Members<Target>>,
}

/// Where events of a channel go.
#[derive(Debug)]
pub(super) enum Fate {
    /// Nowhere: a local channel has no business on a link.
    Local,
    /// Nowhere: it comes behind later events of the channel.
    Late,
    /// Nowhere: who publishes it may not.
    Denied,
    /// To these consumers, if there are any.
    Wanted(Vec<Arc<Queue>>),
}

impl LinkChannels {
    pub(super) fn new(peer: PeerRef) -> Self {
        Self { list: Vec::new(), source: Arc::new(Source { peer, names: Vector::new() }) }
    }

    /// The peer gives these names the numbers from `first` on.
    pub(super) fn define(&mut self, first: u32, names: Vec<Channel>) -> Result<(), InboundError> {
        if usize::try_from(first) != Ok(self.list.len()) {
            return Err(InboundError::Gap(first, self.list.len()));
        }
        Arc::make_mut(&mut self.source).names.extend(names.iter().cloned());
        self.list.extend(names.into_iter().map(LinkChannel::unresolved));
        Ok(())
    }

    /// A relayed batch names a channel, which gives it the next number. Returns that.
    pub(super) fn named_next(&mut self, name: Channel, late: bool) -> u32 {
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        Arc::make_mut(&mut self.source).names.push_back(name.clone());
        let mut channel = LinkChannel::unresolved(name);
        if late && !channel.channel.is_local() {
            channel.fate = Fate::Late;
        }
        self.list.push(channel);
        number
    }

    /// What every event that arrives from now on has in common.
    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// A numbered channel, resolved under this generation or a later one.
    pub(super) fn resolved(
        &mut self,
        shared: &Shared,
        number: u32,
        generation: u64,
    ) -> Result<&LinkChannel, InboundError> {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let entry = self.list.get_mut(at).ok_or(InboundError::Number(number))?;
        entry.refresh(shared, &self.source.peer, generation);
        Ok(entry)
    }

    /// Whether two channels have the same fate, and both are known.
    pub(super) fn together(&mut self, shared: &Shared, pair: (u32, u32), generation: u64) -> bool {
        for number in [pair.0, pair.1] {
            if self.resolved(shared, number, generation).is_err() {
                return false;
            }
        }
        let fate = |number| Some(&self.list.get(usize::try_from(number).ok()?)?.fate);
        fate(pair.0).zip(fate(pair.1)).is_some_and(|(one, other)| one.is_same(other))
    }
}

impl LinkChannel {
    /// A channel that was named instead of numbered.
    pub(super) fn named(shared: &Shared, from: &PeerRef, channel: Channel, generation: u64) -> Self {
        let mut entry = Self::unresolved(channel);
        entry.refresh(shared, from, generation);
        entry
    }

    fn unresolved(channel: Channel) -> Self {
        Self { channel, generation: 0, fate: Fate::Local, groups: Vec::new() }
    }

    fn refresh(&mut self, shared: &Shared, from: &PeerRef, generation: u64) {
        let PeerRef { network, node: origin, .. } = *from;
        if self.generation == generation {
            return;
        }
        self.generation = generation;
        if self.channel.is_local() || matches!(self.fate, Fate::Late) {
            return;
        }
        if !shared.rules.load().may(Principal::Node(origin), Action::Publish, network, &self.channel) {
            self.fate = Fate::Denied;
            return;
        }
        let table = shared.routes.table();
        let queues = table.wanting(Side::Local, network, &self.channel).filter_map(|target| match target {
            Target::Local(queue) => Some(Arc::clone(queue)),
            Target::Peer(_) | Target::Remote(_) | Target::Audience(_) => None,
        });
        let may = |queue: &Arc<Queue>| shared.may_have(queue, Action::Subscribe, network, &self.channel);
        self.fate = Fate::Wanted(queues.filter(may).collect());
        self.groups = table.groups(Side::Local, network, &self.channel);
        for Members { group, members } in &mut self.groups {
            let may = |queue: &Queue| shared.may_join_here(queue, group, network, &self.channel);
            members.retain(|(_, target)| matches!(target, Target::Local(queue) if may(queue)));
        }
    }

    /// The members of a group here.
    pub(super) fn members(&self, group: &GroupName) -> Vec<(HolderId, Arc<Queue>)> {
        let members = self.groups.iter().filter(|members| members.group == *group);
        let queue = |(holder, target): &(HolderId, Target)| match target {
            Target::Local(queue) => Some((*holder, Arc::clone(queue))),
            Target::Peer(_) | Target::Remote(_) | Target::Audience(_) => None,
        };
        members.flat_map(|members| members.members.iter().filter_map(queue)).collect()
    }
}

impl Fate {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local, Self::Local) | (Self::Denied, Self::Denied) => true,
            (Self::Wanted(ours), Self::Wanted(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| Arc::ptr_eq(a, b))
            }
            _ => false,
        }
    }
}
