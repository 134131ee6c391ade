//! Nodes by address: a host's name is resolved again and again, since what it means may change.
//!
//! A name that cannot be resolved is said once and tried for ever; whether anybody answers there is not known here.

use std::{net::SocketAddr, time::Duration};

use hive_proto::io::Input;
use tokio::{net::lookup_host, sync::mpsc, time::sleep};

use super::StaticPeer;

/// How often a name that was resolved is resolved again.
const REFRESH: Duration = Duration::from_secs(30);
/// How soon a name that was not is tried again; doubled up to [`REFRESH`].
const RETRY: Duration = Duration::from_millis(500);
/// Addresses taken from one name.
const ADDRS_MAX: usize = 16;

/// Reports the peer's addresses now and whenever they change.
pub(super) async fn run(peer: StaticPeer, found: mpsc::Sender<Input>) {
    let mut known = Vec::new();
    let mut retry = RETRY;
    let mut complained = false;
    loop {
        match resolve(&peer).await {
            Ok(addrs) => {
                complained = false;
                retry = RETRY;
                if addrs != known {
                    known.clone_from(&addrs);
                    let input = Input::Found { network: peer.network, node: None, addrs, persistent: true };
                    if found.send(input).await.is_err() {
                        return;
                    }
                }
                if peer.host.parse::<std::net::IpAddr>().is_ok() {
                    // An address means what it says.
                    return;
                }
                sleep(REFRESH).await;
            }
            Err(why) => {
                if !complained {
                    complained = true;
                    tracing::warn!("cannot find the peer {}: {why}; still trying", peer.host);
                }
                sleep(retry).await;
                retry = retry.saturating_mul(2).min(REFRESH);
            }
        }
    }
}

/// The addresses a peer's host stands for, in a fixed order.
async fn resolve(peer: &StaticPeer) -> Result<Vec<SocketAddr>, String> {
    let found = lookup_host((peer.host.as_str(), peer.port)).await;
    let mut addrs: Vec<_> = found.map_err(|e| e.to_string())?.collect();
    if addrs.is_empty() {
        return Err("its name has no address".into());
    }
    addrs.sort();
    addrs.dedup();
    addrs.truncate(ADDRS_MAX);
    Ok(addrs)
}

#[cfg(test)]
mod tests {
    use hive_proto::channel::NetworkIndex;

    use super::*;

    fn peer(host: &str) -> StaticPeer {
        StaticPeer { network: NetworkIndex(1), host: host.into(), port: 7182 }
    }

    #[tokio::test]
    async fn an_address_is_reported_once_and_is_done() {
        let (sender, mut found) = mpsc::channel(4);
        run(peer("10.0.0.9"), sender).await;
        let want = Input::Found {
            network: NetworkIndex(1),
            node: None,
            addrs: vec!["10.0.0.9:7182".parse().expect("an address")],
            persistent: true,
        };
        assert_eq!(found.recv().await, Some(want));
        assert_eq!(found.recv().await, None);
    }

    #[tokio::test]
    async fn a_name_is_resolved_and_watched() {
        let (sender, mut found) = mpsc::channel(4);
        let task = tokio::spawn(run(peer("localhost"), sender));
        let Some(Input::Found { addrs, persistent: true, .. }) = found.recv().await else {
            panic!("an address")
        };
        assert!(!addrs.is_empty() && addrs.iter().all(|addr| addr.ip().is_loopback()), "{addrs:?}");
        assert!(!task.is_finished(), "it may mean something else later");
        task.abort();
    }

    #[tokio::test]
    async fn a_name_nobody_knows_is_an_error_in_words() {
        let why = resolve(&peer("no-such-host.invalid")).await.expect_err("no address");
        assert!(!why.is_empty());
    }
}
