//! What came back from a member, or waits for one: it is offered again when it is due, until nobody wants it any more.

use std::{pin::pin, time::Duration};

use hive_proto::{
    channel::Address,
    frame::handout::Settled,
    plane::{
        account::DropReason,
        handouts::{Again, Due},
    },
};
use tokio_util::sync::CancellationToken;

use super::{Groups, Ticket};
use crate::bus::{Bus, Letter, Shared};

/// How long the task that offers again sleeps at most.
const LOOK: Duration = Duration::from_secs(1);

impl Groups {
    /// Nobody wants an event any more.
    fn expired(&self, shared: &Shared, ticket: u64) {
        self.book().expired(ticket);
        shared.durable.settled(ticket, Settled::Done);
        self.space.notify_waiters();
    }
}

impl Bus {
    /// Offers to other members what came back from one, until told to stop. Until this runs it waits.
    pub async fn deal(&self, stop: CancellationToken) {
        let groups = &self.0.groups;
        loop {
            let mut told = pin!(groups.due.notified());
            told.as_mut().enable();
            self.offer_due().await;
            let next = groups.book().next_time();
            let wait = next.map(|next| next.0.saturating_sub(self.0.clock.now().0));
            tokio::select! {
                () = stop.cancelled() => return groups.letters.let_go(),
                () = told => {}
                () = tokio::time::sleep(wait.unwrap_or(LOOK).min(LOOK)) => {}
            }
        }
    }

    async fn offer_due(&self) {
        loop {
            let due = self.0.groups.book().next_due(self.0.clock.now());
            match due {
                None => return,
                Some(Due::Offer(again)) => self.offer_again(again),
                Some(Due::Dead(again)) => {
                    let Again { event, handout, .. } = again;
                    let reason = format!("{} members had it and went", event.attempt.saturating_sub(1));
                    let letter = Letter::now(event, Some(handout.group.clone()), &reason, "");
                    // It may be one that was given again.
                    let before = self.0.groups.letters.take(handout.ticket);
                    let durable = &self.0.durable;
                    // The group's cursor passes an event only once its letter is on disk.
                    let (group, sure) = (handout.group.as_str(), durable.has(handout.ticket));
                    match self.bury_surely(group, letter, before.as_ref(), sure).await {
                        true => durable.settled(handout.ticket, Settled::Dead),
                        false => drop(durable.gave_up(handout.ticket)),
                    }
                    before.into_iter().for_each(Ticket::dead);
                }
            }
            // What is due may be much, and others share the thread.
            tokio::task::yield_now().await;
        }
    }

    fn offer_again(&self, Again { event, handout, avoid }: Again) {
        let shared = &*self.0;
        if shared.drop_expired(&event) {
            return shared.groups.expired(shared, handout.ticket);
        }
        let to = Address { network: event.network, channel: event.channel.clone() };
        let route = shared.group_routes(&to).into_iter().find(|route| route.group == handout.group);
        let mut book = shared.groups.book();
        let place = route.as_ref().and_then(|route| route.choose(&book, &event, avoid));
        let now = shared.clock.now();
        let Some(place) = place else {
            if !book.nobody(now, handout.ticket) {
                drop(book);
                let is_letter = shared.groups.letters.take(handout.ticket).is_some();
                if !shared.durable.gave_up(handout.ticket) && !is_letter {
                    shared.account.dropped(DropReason::NoMember, 1);
                }
                shared.groups.space.notify_waiters();
            }
            return;
        };
        if book.given(now, handout.ticket, place.node) {
            drop(book);
            self.give(place, event, &handout);
        }
    }
}
