//! What a client says: subscriptions, messages, calls, and the results of what it was asked.

use std::{future::Future, io, pin::Pin, task::Poll};

use bytes::Bytes;
use hive_proto::time::Hlc;
use tokio::{io::AsyncReadExt, net::tcp::OwnedReadHalf, sync::mpsc};

use super::{Client, UNHEARD_MAX};
use crate::{
    bridge::{
        Imported, Importer, Incoming,
        spoke::{
            HEAD_BYTES_MAX,
            calls::{Others, ask},
            frame::{Frame, Frames},
            json::text,
            name::{Rpc, SUBSCRIBE, UNSUBSCRIBE, canonical, rpc},
            say::{self, Said},
        },
    },
    bus::{CallError, Failure, Message},
    status::BridgeDrop,
};

/// Bytes made room for at a time.
const READ_BYTES: usize = 64 << 10;

/// A call on its way: the channel of its result, and what came of it.
pub(super) type Asked = Pin<Box<dyn Future<Output = (String, Option<Result<Message, CallError>>)> + Send>>;

impl Client {
    /// Does what it says, until it goes.
    pub(super) async fn read(&self, mut read: OwnedReadHalf, ask: mpsc::Sender<Asked>) -> io::Result<()> {
        let most = self.desk.limits().payload_bytes.saturating_add(HEAD_BYTES_MAX);
        let (mut frames, mut importer) = (Frames::new(most), self.desk.importer());
        loop {
            while let Some(frame) = frames.next() {
                match frame.and_then(|bytes| Frame::read(&bytes)) {
                    Ok(frame) => self.heard(frame, &mut importer, &ask).await,
                    Err(error) => {
                        tracing::debug!(bridge = self.desk.name(), "a frame is passed over: {error}");
                        self.desk.dropped(BridgeDrop::Garbage, 1);
                    }
                }
            }
            frames.buffer().reserve(READ_BYTES);
            if read.read_buf(frames.buffer()).await? == 0 {
                return Ok(());
            }
        }
    }

    async fn heard(&self, mut frame: Frame, importer: &mut Importer, ask: &mpsc::Sender<Asked>) {
        frame.channel = canonical(&frame.channel);
        match frame.channel.as_str() {
            SUBSCRIBE => self.subscribe(&frame.body, true),
            UNSUBSCRIBE => self.subscribe(&frame.body, false),
            channel => match rpc(channel) {
                Some(Rpc::Call { base, stem }) => {
                    let (base, result) = (base.to_owned(), format!("{stem}/result"));
                    if self.called(&base, result, &frame, importer, ask).await {
                        return;
                    }
                }
                // What answers a request is nobody else's business, but those who listen to everything hear of it.
                Some(Rpc::Result) => self.answered(&frame),
                None => {}
            },
        }
        self.publish(&frame, importer).await;
    }

    fn subscribe(&self, body: &Bytes, wants: bool) {
        let Some(pattern) = text(body).map(|pattern| canonical(&pattern)) else {
            return self.desk.dropped(BridgeDrop::Garbage, 1);
        };
        let wanted = {
            let mut all = self.wants();
            let changed = match wants {
                true => {
                    if !all.add(&pattern) {
                        tracing::debug!(bridge = self.desk.name(), "`{pattern}` cannot be subscribed to");
                        return self.desk.dropped(BridgeDrop::Name, 1);
                    }
                    !all.is_result(&pattern)
                }
                false => {
                    self.calls.end(&pattern);
                    all.remove(&pattern)
                }
            };
            changed.then(|| all.wanted(self.desk.rules()))
        };
        // There is no acknowledgement, and so nobody to wait for the neighbours.
        if let Some(Err(error)) = wanted.map(|wanted| self.subscription.want(wanted)) {
            tracing::warn!(
                bridge = self.desk.name(),
                "a client's subscription to `{pattern}` is refused: {error}"
            );
            self.wants().remove(&pattern);
            self.desk.dropped(BridgeDrop::Denied, 1);
        }
        // The writer knows names by what is wanted.
        self.wake.notify_one();
    }

    /// Whoever answers here is asked. False when nobody does: then the call is a message like others, and who listens
    /// beyond may answer it.
    async fn called(
        &self,
        base: &str,
        result: String,
        frame: &Frame,
        importer: &mut Importer,
        ask_later: &mpsc::Sender<Asked>,
    ) -> bool {
        let Ok(Some(to)) = importer.channel(base) else { return false };
        if self.desk.rules().proxy {
            return false;
        }
        let Some(waiting) = self.calls.begin(&result) else {
            let why = "too many calls are not answered yet";
            let mut out = Vec::new();
            say::put_own(&mut out, &result, &say::result(Err(why)));
            self.say(out);
            return true;
        };
        let asking = ask(self.desk.clone(), to, Said::of(frame).message, (waiting, Others::Clients));
        let mut asked: Asked = Box::pin(async move { (result, asking.await) });
        let asked = match std::future::poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx))).await {
            Poll::Ready((result, Some(Err(CallError::NoResponder)))) => {
                self.calls.end(&result);
                self.open_result(&result).await;
                return false;
            }
            Poll::Ready(done) => Box::pin(std::future::ready(done)),
            Poll::Pending => asked,
        };
        // There are no more than fit.
        if ask_later.try_send(asked).is_err() {
            self.desk.dropped(BridgeDrop::Slow, 1);
        }
        // Whoever listens to everything hears calls, too.
        self.publish(frame, importer).await;
        true
    }

    /// The result of a call that nobody answers here comes as a message: it must be wanted before it can.
    async fn open_result(&self, result: &str) {
        let wanted = {
            let mut wants = self.wants();
            wants.open_result(result);
            wants.wanted(self.desk.rules())
        };
        if let Err(error) = self.subscription.set(wanted).await {
            tracing::debug!(bridge = self.desk.name(), "`{result}` cannot be waited for: {error}");
        }
    }

    fn answered(&self, frame: &Frame) {
        let Some(request) = self.requests().remove(&frame.channel) else { return };
        request.answer(say::answer(&frame.body).map_err(Failure::Failed));
    }

    async fn publish(&self, frame: &Frame, importer: &mut Importer) {
        let Said { message, bounce, persist, time, trail } = Said::of(frame);
        let kept = persist.then(|| time.unwrap_or(Hlc(u64::MAX)));
        let incoming = Incoming { name: &frame.channel, message, trail, depth: 0, kept };
        if bounce {
            importer.import(incoming).await;
            return;
        }
        let mut unheard = self.unheard.lock().await;
        if let Imported::Published(receipt) = importer.import(incoming).await {
            if unheard.len() >= UNHEARD_MAX {
                unheard.pop_front();
            }
            unheard.push_back(receipt.id.sequence);
        }
    }
}
