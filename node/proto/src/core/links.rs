//! Links and their lives: up, greeted, dismissed, closing, down. Which of a peer's links is used, and
//! what that means, is the neighbours' file.

use bytes::Bytes;

use super::*;
use crate::frame::control::{Bye, ByeReason, Control, FEATURE_TRACE, Greeting, PROTOCOL_MINOR};

/// One admitted connection.
#[derive(Debug)]
pub(super) struct Link {
    /// The authenticated other end, in the network both proved to be in.
    pub(super) peer: Peer,
    /// The attempt it came from, when this node dialled it.
    pub(super) dialled: Option<Attempt>,
    /// The peer's address.
    pub(super) addr: SocketAddr,
    /// How far it is.
    pub(super) state: State,
}

/// How far a link is. Only ever goes down this list.
#[derive(Debug)]
pub(super) enum State {
    /// This side has greeted, the other not yet.
    Fresh,
    /// Both sides have greeted.
    Greeted(Greeted),
    /// The peer uses another link: this one serves until that one is usable here too.
    Dismissed(Greeted),
    /// This side closes it: what still comes is ignored.
    Closing,
}

/// What the peer's greeting said.
#[derive(Debug, Clone)]
pub(super) struct Greeted {
    pub(super) incarnation: Incarnation,
    pub(super) name: String,
    /// A bit for everything optional it can do.
    pub(super) features: u64,
    /// The dialler's number for the dial, whichever side dialled.
    pub(super) dial: u64,
}

impl Link {
    pub(super) fn new(peer: Peer, dialled: Option<Attempt>, addr: SocketAddr) -> Self {
        Self { peer, dialled, addr, state: State::Fresh }
    }

    /// Whether this side does not close it yet.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closing)
    }

    /// What the peer said, while the link can be used.
    pub(super) fn greeted(&self) -> Option<&Greeted> {
        match &self.state {
            State::Greeted(greeted) | State::Dismissed(greeted) => Some(greeted),
            State::Fresh | State::Closing => None,
        }
    }
}

impl Core {
    pub(super) fn link_up(&mut self, now: Now, id: LinkId, link: Link, out: &mut Outbox) {
        if self.links.contains_key(&id) {
            return out.note(Level::Error, format!("link {} came up twice", id.0));
        }
        let (peer, dialled) = (link.peer, link.dialled);
        let refusal = self.refusal(&link);
        self.links.insert(id, link);
        if let Some(reason) = refusal {
            return self.close(now, id, reason, out);
        }
        self.dialling.linked(peer, dialled, now, out);
        self.greet(now, id, dialled, out);
        out.push(Output::Arm { timer: Timer::Greeting(id), at: now.after(GREETING_LIMIT) });
    }

    fn refusal(&self, link: &Link) -> Option<CloseReason> {
        let protocol = |text: &str| Some(CloseReason::Protocol(text.into()));
        if self.leaving {
            return Some(CloseReason::Leaving);
        }
        if !self.networks.contains_key(&link.peer.0) {
            return protocol("a link of an unknown network");
        }
        if link.peer.1 == self.config.node {
            return protocol("a link of this node to itself");
        }
        if self.links.values().filter(|other| other.peer == link.peer).count() >= LINKS_PER_PEER_MAX {
            return protocol("too many links at once");
        }
        None
    }

    fn greet(&mut self, now: Now, link: LinkId, dialled: Option<Attempt>, out: &mut Outbox) {
        let greeting = Control::Greeting(Greeting {
            minor: PROTOCOL_MINOR,
            features: FEATURE_TRACE,
            incarnation: self.config.incarnation,
            dial: dialled.map_or(0, |attempt| attempt.0),
            unix_ms: self.config.unix_ms.saturating_add(elapsed_ms(now)),
            name: own_name(&self.config.name),
        });
        out.push(Output::Send { link, frame: greeting.encode() });
    }

    pub(super) fn frame(&mut self, now: Now, link: LinkId, frame: (u8, &Bytes), out: &mut Outbox) {
        let Some(known) = self.links.get(&link) else {
            let reason = CloseReason::Protocol("a frame on an unknown link".into());
            return out.push(Output::Close { link, reason });
        };
        if !known.is_open() {
            return;
        }
        let greeted = known.greeted().is_some();
        match Control::decode(frame.0, frame.1) {
            Err(error) => self.fail(now, link, error.to_string(), out),
            Ok(None) => {}
            Ok(Some(Control::Bye(bye))) => self.bye(now, link, bye, out),
            Ok(Some(Control::Greeting(greeting))) if !greeted => self.greeted(now, link, greeting, out),
            Ok(Some(_)) if !greeted => self.fail(now, link, "the first frame is no greeting".into(), out),
            Ok(Some(Control::Greeting(_))) => self.fail(now, link, "a second greeting".into(), out),
            Ok(Some(Control::Gossip(gossip))) => self.hear(now, link, gossip, out),
            Ok(Some(Control::Trace(trace))) => self.hear_trace(now, link, trace, out),
            Ok(Some(Control::Traced(traced))) => self.hear_traced(now, link, traced, out),
        }
    }

    /// Closes a link whose other end did what it must not.
    pub(super) fn fail(&mut self, now: Now, link: LinkId, what: String, out: &mut Outbox) {
        self.cut(now, link, CloseReason::Protocol(what), out);
    }

    /// Closes a link, and says so.
    pub(super) fn cut(&mut self, now: Now, link: LinkId, reason: CloseReason, out: &mut Outbox) {
        let Some(known) = self.links.get(&link).filter(|known| known.is_open()) else { return };
        let (peer, addr) = (known.peer.1.short(), known.addr);
        out.note(Level::Warn, format!("the link to node {peer} at {addr} is closed: {reason}"));
        self.close(now, link, reason, out);
    }

    /// Says goodbye and closes. The neighbour moves to another link or is gone.
    pub(super) fn close(&mut self, now: Now, link: LinkId, reason: CloseReason, out: &mut Outbox) {
        let code = match &reason {
            CloseReason::Leaving => ByeReason::Leaving,
            CloseReason::Duplicate => ByeReason::Duplicate,
            CloseReason::Superseded => ByeReason::Superseded,
            CloseReason::Surplus => ByeReason::Surplus,
            CloseReason::Expelled(_) => ByeReason::Expelled,
            CloseReason::Protocol(_) => ByeReason::Protocol,
        };
        let bye = Control::Bye(Bye { reason: code, text: reason.to_string() });
        out.push(Output::Send { link, frame: bye.encode() });
        self.close_silently(now, link, reason, out);
    }

    fn close_silently(&mut self, now: Now, link: LinkId, reason: CloseReason, out: &mut Outbox) {
        let Some(known) = self.links.get_mut(&link) else { return };
        known.state = State::Closing;
        let (peer, why) = (known.peer, reason.to_string());
        out.push(Output::Close { link, reason });
        self.settle(now, peer, &why, out);
    }

    /// The other end closes the link.
    fn bye(&mut self, now: Now, link: LinkId, bye: Bye, out: &mut Outbox) {
        let Some(known) = self.links.get_mut(&link) else { return };
        let (peer, addr) = (known.peer, known.addr);
        match bye.reason {
            ByeReason::Duplicate => {
                let Some(greeted) = known.greeted().cloned() else {
                    return self.close_silently(now, link, CloseReason::Duplicate, out);
                };
                known.state = State::Dismissed(greeted);
                self.settle(now, peer, "dismissed", out);
            }
            ByeReason::Leaving => {
                self.withdrawn(now, peer, link, out);
                self.dialling.left(peer, out);
                self.close_silently(now, link, CloseReason::Leaving, out);
            }
            ByeReason::Surplus => {
                self.dialling.unwanted(peer);
                self.close_silently(now, link, CloseReason::Surplus, out);
            }
            ByeReason::Superseded => {
                let text = format!(
                    "identity used twice: node {} at {addr} is connected to a later life of this node's key",
                    peer.1.short()
                );
                out.note(Level::Error, text);
                self.dialling.unwanted(peer);
                self.close_silently(now, link, CloseReason::Superseded, out);
            }
            ByeReason::Protocol | ByeReason::Expelled | ByeReason::Other(_) => {
                let text = format!("node {} at {addr} closes the link: {}", peer.1.short(), bye.text);
                out.note(Level::Warn, text);
                self.close_silently(now, link, CloseReason::Protocol(bye.text), out);
            }
        }
    }

    pub(super) fn link_down(&mut self, now: Now, link: LinkId, end: &LinkEnd, out: &mut Outbox) {
        let Some(known) = self.links.remove(&link) else { return };
        self.settle(now, known.peer, &end.to_string(), out);
        self.check_ready(known.peer.0, out);
    }
}
