//! Webhooks: events posted to a web server, one by one in their order or several in a list; or posted to here.
//!
//! What goes out is tried again while that may help, and is a dead letter when it does not. What comes in has to be signed
//! with a secret, or to say one. HTTP has headers, which say where an event has been.

mod body;
pub mod post;
mod serve;
pub mod sign;

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName};

use self::post::{Attempt, Post, Target, pause};
pub use self::serve::Listen;
use super::{Bridge, Desk, Export, Exporter, Lost, Port};
use crate::{
    status::{BridgeDrop, BridgeState},
    trust::random_bytes,
};

/// A header's name; none where a text is none.
#[must_use]
pub fn header(name: &str) -> Option<HeaderName> {
    HeaderName::try_from(name).ok()
}

/// Which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// Events are posted there, at most so many in one request.
    Post(Target, usize),
    /// They are posted here.
    Listen(Listen),
}

/// A bridge to a web server, or from its clients.
#[derive(Debug)]
pub(super) struct Webhook(Config);

impl Webhook {
    pub(super) fn new(config: Config) -> Self {
        Self(config)
    }
}

impl Bridge for Webhook {
    fn medium(&self) -> String {
        match &self.0 {
            Config::Post(target, _) => format!("webhook {}", target.url),
            Config::Listen(listen) => format!("webhook at {}", listen.address),
        }
    }

    /// Each node that posts would post everything; those that listen are asked one at a time.
    fn is_exclusive(&self) -> bool {
        matches!(self.0, Config::Post(..))
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        match &self.0 {
            Config::Listen(listen) => serve::carry(listen, &port.desk).await,
            Config::Post(target, batch) => {
                let post = Post::new(target.clone());
                let post = post.map_err(|why| Lost::at(&target.named(), &why))?;
                port.desk.up(target.named());
                write(&post, *batch, &port.desk, &mut port.exporter).await;
                Ok(())
            }
        }
    }
}

/// Posts what goes out until there is no more.
async fn write(post: &Post, most: usize, desk: &Desk, exporter: &mut Exporter) {
    let mut batch: Vec<Export> = Vec::with_capacity(most);
    while let Some(export) = exporter.next().await {
        batch.push(export);
        let mut bytes = 0_usize;
        while batch.len() < most
            && bytes < body::BYTES_TARGET
            && let Some(export) = exporter.more().await
        {
            bytes = bytes.saturating_add(export.event.message.weight());
            batch.push(export);
        }
        let said = if most > 1 { Ok(body::list(&batch, desk)) } else { body::single(&batch, desk) };
        let posted = match said {
            Ok(said) => deliver(post, said, desk).await,
            Err(why) => Some(Err((BridgeDrop::Content, why))),
        };
        match posted {
            Some(Ok(())) => {}
            Some(Err((reason, why))) => {
                for export in &batch {
                    exporter.cannot(export, reason, &why).await;
                }
            }
            // The bridge ends: what is in hand may be lost.
            None => return,
        }
        batch.clear();
        exporter.sent();
    }
}

/// Posts one body until it is taken or will not be. None when the bridge ends before.
async fn deliver(
    post: &Post,
    (headers, body): (HeaderMap, Bytes),
    desk: &Desk,
) -> Option<Result<(), (BridgeDrop, String)>> {
    let mut attempt = 0_u32;
    loop {
        attempt = attempt.saturating_add(1);
        let once = post.once(headers.clone(), body.clone());
        let (why, asked) = match desk.stop().run_until_cancelled(once).await? {
            Attempt::Taken => {
                if attempt > 1 {
                    desk.up(post.named());
                }
                return Some(Ok(()));
            }
            Attempt::Refused(why) => {
                return Some(Err((BridgeDrop::Rejected, format!("{} refuses it: {why}", post.named()))));
            }
            Attempt::Later(why, asked) => (why, asked),
        };
        if attempt >= post.attempts() {
            let why = format!("{} did not take it in {attempt} attempts, last: {why}", post.named());
            return Some(Err((BridgeDrop::Rejected, why)));
        }
        desk.traffic().retries.one();
        desk.problem(BridgeState::Waiting, &format!("{}: {why}", post.named()));
        let chance = f64::from(u16::from_be_bytes(random_bytes())) / f64::from(u16::MAX);
        let wait: Duration = pause(attempt, asked, chance);
        desk.stop().run_until_cancelled(tokio::time::sleep(wait)).await?;
    }
}
