//! Events: published, carried over data streams, handed over.

use bytes::Bytes;

use super::*;
use crate::{
    channel::Channel,
    io::LinkId,
    sim::{
        bus::{Bus, Delivery},
        liar,
    },
};

/// How often a node confirms what it has taken over.
const CONFIRM_EVERY: Duration = Duration::from_millis(250);

impl World {
    pub(super) fn bus(&mut self, number: usize, life: u64) -> Option<&mut Bus> {
        self.nodes[number].living(life)?.bus.as_deref_mut()
    }

    pub(super) fn start_bus(&mut self, number: usize, life: u64) {
        if self.bus(number, life).is_some() {
            let first = self.chance.between(Duration::ZERO, CONFIRM_EVERY);
            self.queue.push(self.now.after(first), Happening::Confirm(number, life));
        }
    }

    pub(super) fn publish(&mut self, number: usize, channel: &Channel) {
        let (now, life, here) = (self.now, self.nodes[number].life, self.here(number));
        if self.nodes[number].alive.as_ref().is_none_or(|alive| alive.leaving) {
            return;
        }
        self.last_event += 1;
        let event = self.last_event;
        self.judge.published(now, number, channel, event);
        if let Some(bus) = self.bus(number, life) {
            bus.publish(here, channel, event);
        }
        self.flush_bus(number, life);
    }

    /// Sends what the data plane has for others, and has it called when it is time.
    pub(super) fn flush_bus(&mut self, number: usize, life: u64) {
        let (now, here) = (self.now, self.here(number));
        let Some(bus) = self.bus(number, life) else { return };
        let (out, due) = (bus.outgoing(here), bus.next_due());
        let due = due.map(|due| self.nodes[number].clock.when(due));
        out.into_iter().for_each(|(link, frames)| self.send_data(number, link, frames));
        let Some(due) = due.map(|due| due.max(now.after(Duration::from_millis(1)))) else { return };
        let Some(alive) = self.nodes[number].living(life) else { return };
        if alive.bus_called.is_none_or(|called| called > due) {
            alive.bus_called = Some(due);
            self.queue.push(due, Happening::Tick(number, life));
        }
    }

    pub(super) fn tick(&mut self, number: usize, life: u64) {
        let (now, here) = (self.now, self.here(number));
        let Some(alive) = self.nodes[number].living(life).filter(|alive| alive.bus_called == Some(now))
        else {
            return;
        };
        alive.bus_called = None;
        let Some(came) = alive.bus.as_mut().map(|bus| bus.tick(here)) else { return };
        self.handed_over(number, came);
        self.flush_bus(number, life);
    }

    pub(super) fn confirm(&mut self, number: usize, life: u64) {
        let Some(bus) = self.bus(number, life) else { return };
        let out = bus.confirmations();
        out.into_iter().for_each(|(link, frames)| self.send_data(number, link, frames));
        self.queue.push(self.now.after(CONFIRM_EVERY), Happening::Confirm(number, life));
    }

    fn send_data(&mut self, number: usize, link: LinkId, frames: Bytes) {
        let Some((connection, end)) = self.end_of(number, link) else { return };
        self.judge.writes(number, link, &frames);
        let frames = if self.nodes[number].lies { self.lie(number, frames) } else { frames };
        let Some(known) = self.connections.get_mut(connection).filter(|known| !known.cut) else { return };
        let arrives = known.ends[1 - end].data.send(self.now, frames, &mut self.chance);
        if let Some(at) = arrives {
            self.queue.push(at, Happening::Data(connection, 1 - end));
        }
    }

    fn lie(&mut self, number: usize, frames: Bytes) -> Bytes {
        let (frames, told) =
            liar::tell(self.nodes[number].id, frames, &self.scenario.oddities.lies, &mut self.chance);
        told.into_iter().for_each(|(lie, events)| self.judge.lied(lie, events));
        frames
    }

    /// What a node calls this moment.
    pub(super) fn here(&self, number: usize) -> Now {
        self.nodes[number].clock.here(self.now)
    }

    /// Hands over the events that have reached an end by now.
    pub(super) fn data_arrives(&mut self, connection: u64, end: usize) {
        while let Some(known) = self.connections.get_mut(connection) {
            let there = &mut known.ends[end];
            let Some(link) = there.link.filter(|_| !there.down) else { return };
            let (number, life, now) = (there.node, there.life, self.now);
            let Some(frames) = there.data.take(now) else { return };
            let from = known.ends[1 - end].node;
            let here = self.here(number);
            let Some(alive) = self.nodes[number].living(life) else { return };
            let Some(bus) = &mut alive.bus else { return };
            self.trace.note(now, number, '<', &frames);
            self.judge.reached(number, link, &frames);
            let came = bus.arrived(here, link, frames);
            if came.is_err() {
                self.judge.torn(number);
            }
            if came.is_err() && (self.nodes[from].lies || self.nodes[number].lies) {
                // What is wrong about it is found out: a node closes such a link.
                self.sever(connection, Duration::ZERO, LinkEnd::Failed("it lies".into()));
                return;
            }
            self.handed_over(number, came);
            self.flush_bus(number, life);
        }
    }

    fn handed_over(&mut self, number: usize, came: Result<Vec<Delivery>, String>) {
        match came {
            Ok(all) => {
                all.iter().for_each(|delivery| self.judge.delivered(self.now, number, delivery.number));
            }
            Err(error) => self.judge.wrong(self.now, format!("node {number} cannot read events: {error}")),
        }
    }

    /// The judge looks into the books of all who live.
    pub(super) fn audit(&mut self) {
        for (number, node) in self.nodes.iter().enumerate() {
            if let Some(bus) = node.alive.as_ref().and_then(|alive| alive.bus.as_ref()) {
                self.judge.accounts(self.now, number, (&bus.balance(), &bus.dropped()));
            }
        }
    }

    /// The run is over: what the living have dropped counts too.
    pub(super) fn count_drops(&mut self) {
        self.audit();
        for node in &self.nodes {
            if let Some(bus) = node.alive.as_ref().and_then(|alive| alive.bus.as_ref()) {
                self.judge.dropped(&bus.dropped());
            }
        }
    }
}
