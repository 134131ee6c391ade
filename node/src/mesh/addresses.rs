//! Where this host can be reached: looked at every few seconds, since cables, networks and leases come and go while
//! the node runs.

use std::time::Duration;

use hive_proto::io::Input;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::transport::Endpoint;

/// How often.
const EVERY: Duration = Duration::from_secs(2);

/// Tells the state machine of new addresses, until the part stops.
pub(super) async fn watch(endpoint: Endpoint, inputs: mpsc::Sender<Input>, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = endpoint.reachable_addrs();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let addrs = endpoint.reachable_addrs();
        if addrs == known {
            continue;
        }
        tracing::info!("this host can be reached at {addrs:?}");
        known.clone_from(&addrs);
        // The actor ends only when the node does.
        let _ = inputs.send(Input::Addresses(addrs)).await;
    }
}
