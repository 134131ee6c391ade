//! The made-up network: connections with two ends, frames in order, ends that learn of a break at
//! different times.
//!
//! It says when something arrives; the world makes it happen. What frames mean is not known here.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use super::{chance::Chance, scenario::Way};
use crate::{io::LinkId, time::Now};

/// The dialler's end of a connection.
pub(super) const DIALLER: usize = 0;
/// The listener's end of a connection.
pub(super) const LISTENER: usize = 1;

/// How long an end goes on believing in a connection that is cut: at most.
pub(super) const SILENCE_MS: (u64, u64) = (2_500, 3_500);
/// How long a graceful close waits for the other end.
pub(super) const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Bytes of frames in one packet: QUIC's least datagram, without headers.
const PACKET_BYTES: usize = 1_150;
/// How long a receiver may keep back its acknowledgement (RFC 9000, 18.2), and a sender waits with it.
const ACK_DELAY: Duration = Duration::from_millis(25);

/// A connection between two lives of nodes.
#[derive(Debug)]
pub(super) struct Connection {
    /// The dialler's and the listener's.
    pub(super) ends: [End; 2],
    /// Nothing sent from now on arrives.
    pub(super) cut: bool,
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct End {
    /// Whose it is.
    pub(super) node: usize,
    /// Which life of that node.
    pub(super) life: u64,
    /// Its number there, once it is up.
    pub(super) link: Option<LinkId>,
    /// What is on its way to it, or came before it was up.
    pub(super) stream: Stream,
    /// The same for events.
    pub(super) data: Stream,
    /// Its node closes it; whether gracefully.
    pub(super) closing: Option<bool>,
    /// It is over for this end.
    pub(super) down: bool,
}

/// A reliable stream in order, in one direction.
#[derive(Debug)]
pub(super) struct Stream {
    way: Way,
    /// Frames and when they arrive; never earlier than the one before.
    frames: VecDeque<(Now, Bytes)>,
    /// When the last of all arrives: later ones do not overtake.
    last_arrival: Now,
    /// When the line has sent what it was given.
    free_at: Now,
    /// The packet that is being filled: when it leaves, how full it is and when it arrives.
    packet: (Now, usize, Now),
}

impl Connection {
    /// A connection whose ways go to the dialler and to the listener.
    pub(super) fn new(dialler: (usize, u64), listener: (usize, u64), ways: [Way; 2]) -> Self {
        Self { ends: [End::new(dialler, ways[DIALLER]), End::new(listener, ways[LISTENER])], cut: false }
    }

    /// Whether both nodes still have it and neither closes it.
    pub(super) fn is_open(&self) -> bool {
        !self.cut && self.ends.iter().all(|end| end.link.is_some() && !end.down && end.closing.is_none())
    }

    /// Whether it is over for both ends.
    pub(super) fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.down)
    }
}

impl End {
    fn new((node, life): (usize, u64), way: Way) -> Self {
        let (stream, data) = (Stream::new(way), Stream::new(way));
        Self { node, life, link: None, stream, data, closing: None, down: false }
    }
}

impl Stream {
    fn new(way: Way) -> Self {
        Self {
            way,
            frames: VecDeque::new(),
            last_arrival: Now::default(),
            free_at: Now::default(),
            packet: (Now::default(), PACKET_BYTES, Now::default()),
        }
    }

    /// Sends a frame. When it arrives, if nothing else was on its way at that time.
    pub(super) fn send(&mut self, sent: Now, frame: Bytes, chance: &mut Chance) -> Option<Now> {
        let at = self.arrival(sent, frame.len(), chance);
        let alone = self.frames.back().is_none_or(|(last, _)| *last != at);
        self.frames.push_back((at, frame));
        alone.then_some(at)
    }

    /// When so many bytes arrive that are sent now, behind what was sent before.
    pub(super) fn arrival(&mut self, sent: Now, bytes: usize, chance: &mut Chance) -> Now {
        let leaves = match self.way.bytes_per_second {
            None => sent,
            Some(rate) => {
                let nanos = (bytes as u64).saturating_mul(1_000_000_000) / rate.max(1);
                self.free_at = self.free_at.max(sent).after(Duration::from_nanos(nanos));
                self.free_at
            }
        };
        let (left, mut fill, mut arrives) = self.packet;
        // What is written in one instant shares packets; they are lost one by one.
        let mut begun = left == leaves && fill < PACKET_BYTES;
        fill = if begun { fill.saturating_add(bytes) } else { bytes };
        while !begun || fill > PACKET_BYTES {
            arrives = arrives.max(leaves.after(self.travel(chance)));
            fill = if begun { fill - PACKET_BYTES } else { fill };
            begun = true;
        }
        self.packet = (leaves, fill, arrives);
        self.last_arrival = self.last_arrival.max(arrives);
        self.last_arrival
    }

    /// How long one packet takes, with its losses. What is lost is sent again after QUIC's probe timeout
    /// (RFC 9002, 6.2: the round trip, four times its variation, and the delay an acknowledgement may have),
    /// doubled each time: control streams are too quiet for later packets to reveal the gap sooner.
    fn travel(&self, chance: &mut Chance) -> Duration {
        let mut takes = chance.between(self.way.latency.0, self.way.latency.1);
        let mut wait = takes.saturating_mul(4).saturating_add(ACK_DELAY);
        while chance.ppm(self.way.loss_ppm.min(900_000)) {
            takes = takes.saturating_add(wait);
            wait = wait.saturating_mul(2);
        }
        takes
    }

    /// Takes the next frame that has arrived by now.
    pub(super) fn take(&mut self, now: Now) -> Option<Bytes> {
        if self.frames.front()?.0 > now {
            return None;
        }
        self.frames.pop_front().map(|(_, frame)| frame)
    }
}

/// How long one of the ends takes to notice silence.
pub(super) fn silence(chance: &mut Chance) -> Duration {
    chance.millis(SILENCE_MS.0, SILENCE_MS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn stream(way: Way) -> Stream {
        End::new((0, 1), way).stream
    }

    #[test]
    fn what_is_sent_in_one_instant_travels_together() {
        let mut chance = Chance::new(1);
        let mut stream = stream(Way::of_ms(1, 1));
        let frame = Bytes::from_static(&[0; 100]);
        assert_eq!(stream.send(Now::default(), frame.clone(), &mut chance), Some(Now(MS)));
        assert_eq!(stream.send(Now::default(), frame.clone(), &mut chance), None);
        assert_eq!(stream.send(Now(MS), frame, &mut chance), Some(Now(2 * MS)));
        assert!(stream.take(Now(MS / 2)).is_none());
        assert_eq!(std::iter::from_fn(|| stream.take(Now(MS))).count(), 2);
    }

    #[test]
    fn loss_delays_what_is_behind_and_nothing_overtakes() {
        let mut chance = Chance::new(1);
        let lossy = Way { loss_ppm: 100_000, ..Way::of_ms(1, 1) };
        let mut stream = stream(lossy);
        let mut last = Now::default();
        let mut late = 0;
        for at in 0..10_000_u32 {
            let sent = Now(MS * 100 * at);
            let arrives = stream.arrival(sent, 100, &mut chance);
            assert!(arrives >= last);
            late += u32::from(arrives.0 - sent.0 > MS);
            last = arrives;
        }
        assert!((800..1_300).contains(&late), "{late} of 10,000 packets were late at a loss of one in ten");
    }

    #[test]
    fn large_frames_are_many_packets_and_each_may_be_lost() {
        let lossy = Way { loss_ppm: 10_000, ..Way::of_ms(1, 1) };
        let late = |bytes| {
            let mut chance = Chance::new(1);
            let mut late = 0;
            for at in 0..10_000_u32 {
                let sent = Now(MS * 1000 * at);
                late += u32::from(stream(lossy).arrival(sent, bytes, &mut chance).0 - sent.0 > MS);
            }
            late
        };
        let (small, large) = (late(100), late(10 * PACKET_BYTES));
        assert!((60..140).contains(&small), "{small}");
        assert!((800..1_100).contains(&large), "{large}");
    }

    #[test]
    fn a_slow_line_takes_its_time() {
        let slow = Way { bytes_per_second: Some(10_000), ..Way::of_ms(1, 1) };
        let (mut stream, mut chance) = (stream(slow), Chance::new(1));
        assert_eq!(stream.arrival(Now::default(), 1_000, &mut chance), Now(101 * MS));
        assert_eq!(stream.arrival(Now::default(), 1_000, &mut chance), Now(201 * MS));
    }
}
