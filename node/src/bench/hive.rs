//! The same measurements between two nodes: publish here, subscribe there, through the public API.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use tokio::sync::watch;

use super::measure::cpu_time;
use crate::{Event, Message, Node, bus::Failure};

/// Longer than any measurement.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the far end may take to listen.
const START_LIMIT: Duration = Duration::from_secs(5);
/// Events between two looks at the count, so that counting costs next to nothing.
const COUNTED_EVERY: u64 = 64;

/// What the far node does for the near one, until the node ends.
pub(super) async fn serve(node: &Node) -> Result<()> {
    let counted = watch::Sender::new(0_u64);
    let waiting = counted.subscribe();
    let responder = node.respond("bench/wait", move |request: Event| {
        let mut waiting = waiting.clone();
        async move {
            let events = number(&request.message).ok_or(Failure::Rejected("no number".into()))?;
            let counted = waiting.wait_for(|counted| *counted >= events);
            let came = tokio::time::timeout(PATIENCE, counted).await.is_ok();
            let counted = *waiting.borrow();
            if !came {
                return Err(Failure::Failed(format!("only {counted} of {events} events came")));
            }
            Ok(Message::from(counted.to_string()))
        }
    });
    let responder = responder.await?;
    let cpu = async |_: Event| Ok(Message::from(cpu_time().as_nanos().to_string()));
    let cpu = node.respond("bench/cpu", cpu).await?;
    let count = count(node, &counted);
    let echo = echo(node);
    let ended = tokio::try_join!(count, echo);
    drop((responder, cpu));
    ended.map(|_| ())
}

async fn count(node: &Node, counted: &watch::Sender<u64>) -> Result<()> {
    let mut sink = node.subscribe("bench/sink").await?;
    let mut events = 0;
    while sink.next().await.is_some() {
        events += 1;
        if events % COUNTED_EVERY == 0 {
            counted.send_replace(events);
        }
    }
    Ok(())
}

async fn echo(node: &Node) -> Result<()> {
    let mut echo = node.subscribe("bench/echo").await?;
    let mut publisher = node.publisher();
    let to = node.address("bench/reply")?;
    while let Some(delivery) = echo.next().await {
        publisher.publish(&to, delivery.event.message).await?;
    }
    Ok(())
}

fn number(message: &Message) -> Option<u64> {
    str::from_utf8(&message.payload).ok()?.parse().ok()
}

/// The near end: a node connected to the far one.
pub(super) struct Near {
    node: Node,
    /// Events sent to the far sink so far.
    sent: Arc<AtomicU64>,
}

impl Near {
    pub(super) fn new(node: Node) -> Self {
        Self { node, sent: Arc::default() }
    }

    /// Waits until the far end listens to everything: the last it listens to is what it echoes.
    pub(super) async fn ready(&self) -> Result<()> {
        let (mut publisher, to) = (self.node.publisher(), self.node.address("bench/echo")?);
        let listening = async {
            while publisher.publish(&to, Message::from("")).await?.peers == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            anyhow::Ok(())
        };
        let in_time = tokio::time::timeout(START_LIMIT, listening).await;
        in_time.map_err(|_| anyhow!("the far node does not listen"))?
    }

    /// Publishes so many events and waits until all were counted. Returns the time that took.
    pub(super) async fn throughput(&self, payload: &Bytes, events: u64) -> Result<Duration> {
        let events = events.next_multiple_of(COUNTED_EVERY);
        let total = self.sent.fetch_add(events, Ordering::Relaxed) + events;
        let mut publisher = self.node.publisher().patient(PATIENCE);
        let to = self.node.address("bench/sink")?;
        let message = Message::new(payload.clone());
        let started = Instant::now();
        for _ in 0..events {
            let receipt = publisher.publish(&to, message.clone()).await?;
            ensure!(receipt.peers == 1, "the far node was lost");
        }
        let wait = self.node.call("bench/wait", total.to_string(), PATIENCE).await;
        wait.map_err(|error| anyhow!("the far node: {error}"))?;
        Ok(started.elapsed())
    }

    /// So many round trips of one event, in microseconds.
    pub(super) async fn round_trips(&self, payload: &Bytes, trips: u64) -> Result<Vec<f64>> {
        let mut back = self.node.subscribe("bench/reply").await?;
        let mut publisher = self.node.publisher();
        let to = self.node.address("bench/echo")?;
        let message = Message::new(payload.clone());
        let mut times = Vec::new();
        for _ in 0..trips {
            let started = Instant::now();
            publisher.publish(&to, message.clone()).await?;
            let delivery = back.next().await.ok_or_else(|| anyhow!("the node ended"))?;
            ensure!(delivery.event.message.payload.len() == payload.len(), "another event came back");
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
        Ok(times)
    }

    /// CPU time of both processes so far.
    pub(super) async fn cpu_time(&self) -> Result<Duration> {
        let far = self.node.call("bench/cpu", "", PATIENCE).await?;
        let far = number(&far).ok_or_else(|| anyhow!("the far node answered nonsense"))?;
        Ok(cpu_time() + Duration::from_nanos(far))
    }

    pub(super) async fn end(self) {
        self.node.shutdown().await;
    }
}
