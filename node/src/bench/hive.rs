//! The same measurements between two nodes: publish here, subscribe there, through the public API.

use std::{
    cell::Cell,
    collections::VecDeque,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use tokio::time::timeout;

use super::measure::cpu_time;
use crate::{Event, Message, Node};

/// Longer than any measurement.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the far end may take to listen.
const START_LIMIT: Duration = Duration::from_secs(5);
/// What is sent between two marks: so many bytes of payload or so many events, whichever is less.
const STRETCH_BYTES: usize = 256 << 10;
const STRETCH_EVENTS: u64 = 4_096;
/// Marks that may be under way. What lies between them fits the far queue, so a slow reader slows the
/// sender down and loses nothing.
const MARKS_AHEAD: usize = 15;

/// What the far node does for the near one, until the node ends.
pub(super) async fn serve(node: &Node) -> Result<()> {
    let cpu = async |_: Event| Ok(Message::from(cpu_time().as_nanos().to_string()));
    let cpu = node.respond("bench/cpu", cpu).await?;
    let ended = tokio::try_join!(count(node), echo(node));
    drop(cpu);
    ended.map(|_| ())
}

/// Counts events, and answers each mark with the count so far. Both are one subscription's, which keeps
/// their order.
async fn count(node: &Node) -> Result<()> {
    let mut sink = node.subscribe("bench/sink/*").await?;
    let (mark, counted) = (node.address("bench/sink/mark")?, node.address("bench/counted")?);
    let mut publisher = node.publisher();
    let mut events = 0_u64;
    while let Some(delivery) = sink.next().await {
        if delivery.event.message.payload.is_empty() && delivery.event.channel == mark.channel {
            publisher.publish(&counted, Message::from(events.to_string())).await?;
        } else {
            events += 1;
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
    /// Events the far sink has counted so far.
    counted: Cell<u64>,
}

impl Near {
    pub(super) fn new(node: Node) -> Self {
        Self { node, counted: Cell::default() }
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
        let in_time = timeout(START_LIMIT, listening).await;
        in_time.map_err(|_| anyhow!("the far node does not listen"))?
    }

    /// Publishes so many events and waits until all were counted. Returns the time that took.
    pub(super) async fn throughput(&self, payload: &Bytes, events: u64) -> Result<Duration> {
        let mut counted = self.node.subscribe("bench/counted").await?;
        let mut publisher = self.node.publisher().patient(PATIENCE);
        let (to, mark) = (self.node.address("bench/sink/event")?, self.node.address("bench/sink/mark")?);
        let stretch = STRETCH_EVENTS.min((STRETCH_BYTES / payload.len().max(1)).max(1) as u64);
        let message = Message::new(payload.clone());
        // What was sent before each mark that is under way.
        let mut marks = VecDeque::new();
        let mut sent = 0;
        let before = self.counted.get();
        let started = Instant::now();
        while sent < events || !marks.is_empty() {
            if marks.len() == MARKS_AHEAD || sent == events {
                let expected = before + marks.pop_front().unwrap_or(sent);
                let delivery = timeout(PATIENCE, counted.next()).await?;
                let came = delivery.and_then(|delivery| number(&delivery.event.message));
                ensure!(came == Some(expected), "of {expected} events, {came:?} reached the far node");
                continue;
            }
            let next = events.min(sent + stretch);
            for _ in sent..next {
                let receipt = publisher.publish(&to, message.clone()).await?;
                ensure!(receipt.peers == 1, "the far node was lost");
            }
            publisher.publish(&mark, Message::from("")).await?;
            sent = next;
            marks.push_back(sent);
        }
        let time = started.elapsed();
        self.counted.set(before + sent);
        Ok(time)
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
