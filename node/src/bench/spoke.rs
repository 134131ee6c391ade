//! `hive-node bench spoke`: messages through a node's spoke listener beside the same messages through a spoke-server, by
//! the same bare client in the same run.
//!
//! The client writes and reads frames and does nothing else, so that the servers are what is measured: one publisher, one
//! subscriber, each on a connection of its own.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::measure::{median, percentile};

/// What a reader waits for at most.
const PATIENCE: Duration = Duration::from_secs(30);
/// Messages that are written at a time in a burst.
const CHUNK: u64 = 64;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The address of a node's listener.
    pub node: String,
    /// That of a spoke-server.
    pub server: String,
    /// Messages in a burst.
    pub burst: u64,
    /// Messages a second where latencies are measured.
    pub rate: u32,
    /// For how long they are.
    pub duration: Duration,
    /// How often everything is measured, in turns.
    pub rounds: u32,
}

/// What was measured: medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this document.
    pub v: u32,
    /// How often each was measured.
    pub rounds: u32,
    /// The node's listener.
    pub hive: Figures,
    /// The spoke-server.
    pub spoke: Figures,
    /// The node's messages a second through the server's.
    pub burst_ratio: f64,
    /// The node's 99th percentile at a steady rate through the server's.
    pub p99_ratio: f64,
    /// The node's median round trip of a call through the server's.
    pub call_ratio: f64,
}

/// One side's figures.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Figures {
    /// Messages a second from one publisher to one subscriber, as fast as they go.
    pub messages_per_s: f64,
    /// Half of all messages at a steady rate took at most this, one way.
    pub p50_us: f64,
    /// 99 of 100 did.
    pub p99_us: f64,
    /// Half of all calls took at most this, one after the other.
    pub call_p50_us: f64,
}

/// Measures both, in turns.
///
/// # Errors
/// When one of them cannot be reached, or a message does not arrive.
pub async fn run(plan: &Plan, mut say: impl FnMut(String)) -> Result<Report> {
    let (mut hive, mut spoke) = (Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        for (name, addr, all) in [("node", &plan.node, &mut hive), ("spoke-server", &plan.server, &mut spoke)]
        {
            say(format!("round {round} of {}: the {name} at {addr}", plan.rounds));
            all.push(one(plan, addr).await.with_context(|| format!("measuring the {name} at {addr}"))?);
        }
    }
    let ratio = |of: fn(&Figures) -> f64| {
        median(hive.iter().zip(&spoke).map(|(hive, spoke)| of(hive) / of(spoke)).collect())
    };
    Ok(Report {
        v: 1,
        rounds: plan.rounds,
        burst_ratio: ratio(|figures| figures.messages_per_s),
        p99_ratio: ratio(|figures| figures.p99_us),
        call_ratio: ratio(|figures| figures.call_p50_us),
        hive: medians(&hive),
        spoke: medians(&spoke),
    })
}

fn medians(all: &[Figures]) -> Figures {
    let of = |value: fn(&Figures) -> f64| median(all.iter().map(value).collect());
    Figures {
        messages_per_s: of(|figures| figures.messages_per_s),
        p50_us: of(|figures| figures.p50_us),
        p99_us: of(|figures| figures.p99_us),
        call_p50_us: of(|figures| figures.call_p50_us),
    }
}

async fn one(plan: &Plan, addr: &str) -> Result<Figures> {
    let messages_per_s = burst(addr, plan.burst).await.context("a burst")?;
    let mut latencies = paced(addr, plan.rate, plan.duration).await.context("at a steady rate")?;
    let mut calls = calls(addr, plan.duration).await.context("calls")?;
    Ok(Figures {
        messages_per_s,
        p50_us: percentile(&mut latencies, 0.5),
        p99_us: percentile(&mut latencies, 0.99),
        call_p50_us: percentile(&mut calls, 0.5),
    })
}

/// A bare connection.
struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What of the buffer was looked at.
    at: usize,
}

impl Peer {
    async fn connect(addr: &str) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), at: 0 })
    }

    async fn subscribe(&mut self, pattern: &str) -> Result<()> {
        self.stream.write_all(&frame("-control/subscribe", &format!("\"{pattern}\""))).await?;
        // There is no acknowledgement: what this peer hears of itself is behind the subscription.
        self.stream.write_all(&frame("-control/subscribe", "\"bench/ready\"")).await?;
        let heard = b"{\"head\": {\"channel\": \"bench/ready\"}, \"body\": 0}\0";
        self.stream.write_all(heard).await?;
        let frame = self.next().await?;
        ensure!(contains(&frame, b"bench/ready"), "the subscription is not confirmed");
        let unsubscribe = self::frame("-control/unsubscribe", "\"bench/ready\"");
        Ok(self.stream.write_all(&unsubscribe).await?)
    }

    /// The next frame, without its end.
    async fn next(&mut self) -> Result<Vec<u8>> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(length) = rest.iter().position(|byte| *byte == 0) {
                let frame = rest.get(..length).unwrap_or_default().to_vec();
                self.at += length + 1;
                return Ok(frame);
            }
            self.buffer.drain(..self.at);
            self.at = 0;
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
            ensure!(read.context("nothing came for 30 s")?? > 0, "the connection was closed");
        }
    }
}

/// As pyspoke writes them.
fn frame(channel: &str, body: &str) -> Vec<u8> {
    format!("{{\"head\": {{\"bounce\": false, \"channel\": \"{channel}\"}}, \"body\": {body}}}\0")
        .into_bytes()
}

fn contains(frame: &[u8], text: &[u8]) -> bool {
    frame.windows(text.len()).any(|window| window == text)
}

async fn burst(addr: &str, count: u64) -> Result<f64> {
    let (mut subscriber, mut publisher) = (Peer::connect(addr).await?, Peer::connect(addr).await?);
    subscriber.subscribe("bench/burst").await?;
    let writing = async {
        let mut sent = 0;
        while sent < count {
            let until = (sent + CHUNK).min(count);
            let mut out = Vec::new();
            for number in sent..until {
                let body = format!("{{\"n\": {number}, \"t\": 1795239726.598, \"s\": \"hello\"}}");
                out.extend_from_slice(&frame("bench/burst", &body));
            }
            publisher.stream.write_all(&out).await?;
            sent = until;
        }
        anyhow::Ok(())
    };
    let reading = async {
        subscriber.next().await?;
        let first = Instant::now();
        for _ in 1..count {
            subscriber.next().await?;
        }
        anyhow::Ok((count.saturating_sub(1)) as f64 / first.elapsed().as_secs_f64())
    };
    let (written, rate) = tokio::join!(writing, reading);
    written?;
    rate
}

async fn paced(addr: &str, rate: u32, duration: Duration) -> Result<Vec<f64>> {
    let (mut subscriber, mut publisher) = (Peer::connect(addr).await?, Peer::connect(addr).await?);
    subscriber.subscribe("bench/paced").await?;
    let count = u64::from(rate).saturating_mul(duration.as_millis() as u64) / 1_000;
    let writing = async {
        let mut beat = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
        for _ in 0..count {
            beat.tick().await;
            publisher.stream.write_all(&frame("bench/paced", &now_us().to_string())).await?;
        }
        anyhow::Ok(())
    };
    let reading = async {
        let mut took = Vec::new();
        for _ in 0..count {
            let frame = subscriber.next().await?;
            let now = now_us();
            let text = String::from_utf8_lossy(&frame);
            let sent = text
                .rsplit_once("\"body\": ")
                .and_then(|(_, body)| body.trim_end_matches('}').parse::<u64>().ok());
            took.push(now.saturating_sub(sent.context("a message without its time")?) as f64);
        }
        anyhow::Ok(took)
    };
    let (written, took) = tokio::join!(writing, reading);
    written?;
    took
}

/// Calls one after the other, as pyspoke makes them: for each a subscription, the call, the result, and an end.
async fn calls(addr: &str, duration: Duration) -> Result<Vec<f64>> {
    let (mut provider, mut caller) = (Peer::connect(addr).await?, Peer::connect(addr).await?);
    provider.subscribe("bench/call/-rpc/**/call").await?;
    let providing = async {
        let none: Result<Vec<f64>> = loop {
            let frame = match provider.next().await {
                Ok(frame) => frame,
                Err(error) => break Err(error),
            };
            let text = String::from_utf8_lossy(&frame).into_owned();
            let channel = text.split("\"channel\": \"").nth(1).and_then(|rest| rest.split('"').next());
            let stem = channel.and_then(|channel| channel.strip_suffix("/call"));
            let result = format!("{}/result", stem.context("a call without a channel")?);
            provider.stream.write_all(&self::frame(&result, "{\"okay\": 1}")).await?;
        };
        none
    };
    let calling = async {
        let (mut took, began) = (Vec::new(), Instant::now());
        let mut number = 0_u64;
        while began.elapsed() < duration {
            number += 1;
            let stem = format!("bench/call/-rpc/c-{}/{number:x}", now_us());
            let result = format!("\"{stem}/result\"");
            let mut out = frame("-control/subscribe", &result);
            out.extend_from_slice(&frame(&format!("{stem}/call"), "5"));
            let asked = Instant::now();
            caller.stream.write_all(&out).await?;
            let answer = caller.next().await?;
            took.push(asked.elapsed().as_secs_f64() * 1e6);
            ensure!(contains(&answer, b"okay"), "{}", String::from_utf8_lossy(&answer));
            caller.stream.write_all(&frame("-control/unsubscribe", &result)).await?;
        }
        Ok(took)
    };
    tokio::select! {
        ended = providing => ended,
        took = calling => took,
    }
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

impl Report {
    /// The report as a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<13} {:>11} {:>9} {:>9} {:>12}\n",
            "", "messages/s", "p50 µs", "p99 µs", "call p50 µs"
        );
        for (name, figures) in [("spoke-server", &self.spoke), ("hive-node", &self.hive)] {
            text += &format!(
                "{name:<13} {:>11.0} {:>9.0} {:>9.0} {:>12.0}\n",
                figures.messages_per_s, figures.p50_us, figures.p99_us, figures.call_p50_us
            );
        }
        text += &format!(
            "{:<13} {:>10.2}x {:>19.2}x {:>11.2}x\n",
            "ratio", self.burst_ratio, self.p99_ratio, self.call_ratio
        );
        text
    }
}
