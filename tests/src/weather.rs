//! Bad weather between two nodes: a UDP relay that loses, delays and reorders.
//!
//! What it owns: what happens to each packet, from a seed. It must not know what is in them.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{net::UdpSocket, task::JoinSet};

/// What the weather does to a packet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Of a thousand packets so many are lost.
    pub lost_per_mille: u64,
    /// Each packet is this late.
    pub delay: Duration,
    /// And up to this much later, which reorders.
    pub jitter: Duration,
    /// The same seed, the same fate for the n-th packet.
    pub seed: u64,
}

/// A relay: what is sent to its address reaches `target`, and the answers come back through it.
pub struct Relay {
    addr: SocketAddr,
    sky: Arc<Sky>,
    /// Ends with the relay.
    _tasks: JoinSet<()>,
}

struct Sky {
    /// Behind a mutex, as a test changes it while packets fly.
    weather: Mutex<Weather>,
    packets: AtomicU64,
    lost: AtomicU64,
}

impl Relay {
    /// Starts relaying to a node on this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(target: SocketAddr, weather: Weather) -> Result<Self> {
        let outside = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let addr = outside.local_addr()?;
        let sky = Arc::new(Sky { weather: Mutex::new(weather), packets: 0.into(), lost: 0.into() });
        let mut tasks = JoinSet::new();
        tasks.spawn(relay(outside, target, Arc::clone(&sky)));
        Ok(Self { addr, sky, _tasks: tasks })
    }

    /// Where to send instead of to the target.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Another weather from now on.
    pub fn change(&self, weather: Weather) {
        *self.sky.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }

    /// How many packets came, and how many of them were lost.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.sky.packets.load(Ordering::Relaxed), self.sky.lost.load(Ordering::Relaxed))
    }
}

impl Sky {
    /// None: it is lost. Else how late it is.
    fn fate(&self) -> Option<Duration> {
        let weather = *self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.packets.fetch_add(1, Ordering::Relaxed);
        let (luck, late) = (mixed(weather.seed ^ number), mixed(weather.seed ^ number ^ (1 << 63)));
        if luck % 1000 < weather.lost_per_mille {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let jitter = u64::try_from(weather.jitter.as_micros()).unwrap_or(u64::MAX);
        Some(weather.delay + Duration::from_micros(late % jitter.saturating_add(1)))
    }
}

/// Scatters a number's bits (the finalizer of splitmix64).
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

async fn relay(outside: Arc<UdpSocket>, target: SocketAddr, sky: Arc<Sky>) {
    let mut tasks = JoinSet::new();
    // One socket towards the target for each sender, so that answers find their way back.
    let mut inside: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
    let mut buffer = vec![0; 65_536];
    while let Ok((length, from)) = outside.recv_from(&mut buffer).await {
        let socket = match inside.get(&from) {
            Some(socket) => Arc::clone(socket),
            None => {
                let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await else { continue };
                let socket = Arc::new(socket);
                tasks.spawn(back(Arc::clone(&socket), Arc::clone(&outside), from, Arc::clone(&sky)));
                inside.insert(from, Arc::clone(&socket));
                socket
            }
        };
        fly(&mut tasks, &sky, socket, target, &buffer[..length]);
        while tasks.try_join_next().is_some() {}
    }
}

async fn back(inside: Arc<UdpSocket>, outside: Arc<UdpSocket>, to: SocketAddr, sky: Arc<Sky>) {
    let mut tasks = JoinSet::new();
    let mut buffer = vec![0; 65_536];
    while let Ok((length, _)) = inside.recv_from(&mut buffer).await {
        fly(&mut tasks, &sky, Arc::clone(&outside), to, &buffer[..length]);
        while tasks.try_join_next().is_some() {}
    }
}

fn fly(tasks: &mut JoinSet<()>, sky: &Sky, socket: Arc<UdpSocket>, to: SocketAddr, packet: &[u8]) {
    let Some(late) = sky.fate() else { return };
    if late.is_zero() {
        // A full buffer loses the packet, as any network does.
        let _ = socket.try_send_to(packet, to);
        return;
    }
    let packet = packet.to_vec();
    tasks.spawn(async move {
        tokio::time::sleep(late).await;
        let _ = socket.send_to(&packet, to).await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::{MOMENT, within};

    #[tokio::test]
    async fn packets_go_there_and_answers_come_back() -> Result<()> {
        let target = UdpSocket::bind("127.0.0.1:0").await?;
        let jitter = Duration::from_millis(3);
        let relay = Relay::start(target.local_addr()?, Weather { jitter, ..Weather::default() }).await?;
        let sender = UdpSocket::bind("127.0.0.1:0").await?;
        sender.send_to(b"ping", relay.addr()).await?;
        let mut buffer = [0; 16];
        let (_, from) = within("the packet", MOMENT, target.recv_from(&mut buffer)).await??;
        target.send_to(b"pong", from).await?;
        let (length, from) = within("the answer", MOMENT, sender.recv_from(&mut buffer)).await??;
        assert_eq!((&buffer[..length], from), (&b"pong"[..], relay.addr()));
        Ok(())
    }

    #[test]
    fn a_tenth_lost_is_a_tenth() {
        let weather = Weather { lost_per_mille: 100, seed: 7, ..Weather::default() };
        let sky = Sky { weather: Mutex::new(weather), packets: 0.into(), lost: 0.into() };
        let lost = (0..10_000).filter(|_| sky.fate().is_none()).count();
        assert!((900..1_100).contains(&lost), "{lost}");
    }
}
