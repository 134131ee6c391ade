//! What arrives for one holder here, or for each that answers: requests, and events that were given to a member of a group.

use std::sync::Arc;

use hive_proto::{
    event::Event,
    frame::{batch::Call, data::PARTS_MAX, handout::Handout},
    plane::{
        account::DropReason,
        table::{HolderId, Side},
    },
};

use super::{Inbound, PeerRef};
use crate::{
    bus::{
        CallError, Delivery,
        call::{Caller, Request},
        group::{Ticket, holder},
        queue::Queue,
        routes::Target,
    },
    trust::may::{Action, Principal},
};

impl Inbound {
    /// An event that was given to one member here; there may be none any more.
    pub(super) fn stage_for_member(
        &mut self,
        members: &[(HolderId, Arc<Queue>)],
        mut event: Event,
        handout: Handout,
    ) {
        let ticket = self.ticket(&handout);
        (event.attempt, event.id.incarnation) = (handout.attempt, handout.incarnation);
        match holder(members, &event) {
            Some(queue) => {
                let delivery = Delivery { event, request: None, ticket: Some(ticket) };
                self.staged.put(queue, delivery.into());
            }
            None => ticket.refuse(),
        }
    }

    /// The duty to tell the peer what became of an event that was given to one member here.
    pub(super) fn ticket(&self, Handout { group, ticket, .. }: &Handout) -> Ticket {
        let PeerRef { network, node, .. } = self.peer;
        Ticket::remote(&self.bus, (network, node, self.outbox.clone()), (*ticket, group.clone()))
    }

    /// A request goes to one local responder, or to all; to none if there is none any more.
    pub(super) fn request(&mut self, event: Event, caller: Caller, call: Call) {
        let Self { bus, staged, .. } = self;
        if !bus.0.rules.load().may(Principal::Node(caller.node), Action::Call, event.network, &event.channel)
        {
            bus.0.account.dropped(DropReason::Denied, 1);
            let error = CallError::Rejected("its rules do not let this node call there".into());
            return Request::remote(bus, caller, call, 1).decline(error);
        }
        let table = bus.0.routes.table();
        let responders = table.answering(Side::Local, event.network, &event.channel);
        let queues = responders.filter_map(|target| match target {
            Target::Local(queue) => Some(queue),
            Target::Peer(_) | Target::Remote(_) | Target::Audience(_) => None,
        });
        let may =
            |queue: &&Arc<Queue>| bus.0.may_have(queue, Action::Subscribe, event.network, &event.channel);
        let most = if call.all { PARTS_MAX as usize } else { 1 };
        let queues: Vec<_> = queues.filter(may).take(most).collect();
        let Some((last, others)) = queues.split_last() else {
            return Request::remote(bus, caller, call, 1).decline(CallError::NoResponder);
        };
        for queue in others {
            let request = Request::remote(bus, caller.clone(), call, queues.len());
            let delivery = Delivery { event: event.clone(), request: Some(request), ticket: None };
            staged.put(queue, delivery.into());
        }
        let request = Request::remote(bus, caller, call, queues.len());
        staged.put(last, Delivery { event, request: Some(request), ticket: None }.into());
    }
}
