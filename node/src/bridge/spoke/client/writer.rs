//! What a client hears: events it wants, requests it is to answer, results of its calls.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, PoisonError},
};

use hive_proto::channel::{Channel, NetworkIndex};
use tokio::{io::AsyncWriteExt, net::tcp::OwnedWriteHalf};

use super::{Client, REQUESTS_MAX, Shared};
use crate::{
    bridge::spoke::{
        name::{Rpc, rpc},
        say,
    },
    bus::{Delivery, Event, Failure, Request, Trail},
    status::BridgeDrop,
};

/// Events taken from the queue at a time.
const TAKE_MAX: usize = 256;
/// Bytes written at a time, about.
const WRITE_BYTES: usize = 64 << 10;
/// Channels of which it is remembered what they are called there.
const NAMES_KEPT: usize = 1_024;

/// What a channel is called there, and whether the client wants it; until what it wants changes.
#[derive(Default)]
struct Names {
    version: u64,
    known: HashMap<(NetworkIndex, Channel), Option<Arc<str>>>,
}

impl Client {
    /// Writes what it is to hear, until it goes.
    pub(super) async fn write(&self, mut write: OwnedWriteHalf, shared: &Shared) -> io::Result<()> {
        let (mut out, mut taken) = (Vec::with_capacity(WRITE_BYTES), Vec::with_capacity(TAKE_MAX));
        let mut names = Names::default();
        loop {
            let missed = {
                let mut unheard = self.unheard.lock().await;
                let missed = self.subscription.take(TAKE_MAX, &mut taken);
                if !unheard.is_empty() {
                    taken.retain(|delivery| !self.is_own(&delivery.event, &mut unheard));
                }
                missed
            };
            self.desk.dropped(BridgeDrop::Slow, missed);
            let version = self.wants().version();
            if names.version != version {
                (names.version, names.known) = (version, HashMap::new());
            }
            let mut events = 0_u64;
            for delivery in taken.drain(..) {
                events += u64::from(self.put(&mut out, delivery, &mut names, shared).await);
                if out.len() >= WRITE_BYTES {
                    write.write_all(&out).await?;
                    out.clear();
                }
            }
            self.put_direct(&mut out);
            if !out.is_empty() {
                write.write_all(&out).await?;
                out.clear();
                self.desk.traffic().exported.add(events);
                continue;
            }
            tokio::select! {
                open = self.subscription.readable() => if !open { return Ok(()) },
                () = self.wake.notified() => {}
            }
        }
    }

    /// Whether an event is one of its own that it is not to hear.
    fn is_own(&self, event: &Event, unheard: &mut VecDeque<u64>) -> bool {
        if event.id.origin != self.desk.bus().node() {
            return false;
        }
        // They are in the order in which they were published.
        let found = unheard.binary_search(&event.id.sequence);
        found.is_ok_and(|at| unheard.remove(at).is_some())
    }

    /// Puts what was taken into a frame. False when nothing comes of it.
    async fn put(&self, out: &mut Vec<u8>, delivery: Delivery, names: &mut Names, shared: &Shared) -> bool {
        let Delivery { event, request, .. } = delivery;
        if let Some(request) = request {
            self.ask(out, &event, request, shared);
            return false;
        }
        let Some(name) = self.name(&event, names) else {
            self.desk.dropped(BridgeDrop::NoRule, 1);
            return false;
        };
        let (bytes, most) = (event.message.payload.len(), self.desk.limits().payload_bytes);
        if bytes > most {
            let why = format!("it has {bytes} bytes; this bridge carries at most {most}");
            self.desk.cannot(&event, BridgeDrop::TooLarge, &why).await;
            return false;
        }
        let trail = Trail::of(&event).from(self.desk.bus().mark(event.network)).ok();
        let before = out.len();
        if let Err(why) = say::put_event(out, &name, &event, (true, trail.as_ref())) {
            out.truncate(before);
            self.desk.cannot(&event, BridgeDrop::Content, why).await;
            return false;
        }
        true
    }

    /// Puts a request to it as a call of this node's own.
    fn ask(&self, out: &mut Vec<u8>, event: &Event, request: Request, shared: &Shared) {
        let body = say::body(&event.message);
        let base = self.desk.rules().outward(event.network, &event.channel);
        let (Ok(body), Some(base)) = (body, base) else {
            let why = "the request's content or channel cannot be said to a spoke client";
            return request.answer(Err(Failure::Rejected(why.into())));
        };
        let stem = shared.stem(&base);
        let mut requests = self.requests();
        if requests.len() >= REQUESTS_MAX {
            requests.retain(|_, request| !request.is_withdrawn());
        }
        if requests.len() >= REQUESTS_MAX {
            let why = format!("{REQUESTS_MAX} requests are not answered by this spoke client yet");
            return request.answer(Err(Failure::Failed(why)));
        }
        requests.insert(format!("{stem}/result"), request);
        drop(requests);
        say::put_own(out, &format!("{stem}/call"), &body);
    }

    fn name(&self, event: &Event, names: &mut Names) -> Option<Arc<str>> {
        let result = |name: &String| rpc(name) == Some(Rpc::Result);
        let outward = || self.desk.rules().outward(event.network, &event.channel);
        if event.channel.as_str().ends_with("/result")
            && let Some(name) = outward().filter(result)
        {
            let hears = Channel::parse(&name).is_ok_and(|channel| self.wants().hears_result(&channel));
            return hears.then(|| name.into());
        }
        let key = (event.network, event.channel.clone());
        if let Some(known) = names.known.get(&key) {
            return known.clone();
        }
        let hears = |name: &String| Channel::parse(name).is_ok_and(|channel| self.wants().hears(&channel));
        let name: Option<Arc<str>> = outward().filter(hears).map(Into::into);
        if names.known.len() >= NAMES_KEPT {
            names.known.clear();
        }
        names.known.insert(key, name.clone());
        name
    }

    fn put_direct(&self, out: &mut Vec<u8>) {
        let mut direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        direct.bytes = 0;
        direct.frames.drain(..).for_each(|frame| out.extend_from_slice(&frame));
    }
}
