//! The bridges of a running node: which there are, and how one becomes another.
//!
//! What it owns: a part for each, and what waits for the other side while one is begun anew. It must not know what a bridge
//! carries.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use hive_proto::channel::NetworkIndex;

use super::{
    Config, Desk, Kind, Seals, Settings,
    desk::Setup,
    event_engine, eventhive,
    export::Waiting,
    hein, hive, mqtt, nats, redis, spoke,
    supervise::{self, Handover},
    webhook,
};
use crate::{
    bus::Bus,
    shutdown::Part,
    status::{Boards, BridgeCard, BridgeState},
};

/// How long one that ends gets to write out what it has; a little more than it gives itself.
const ENDING: Duration = Duration::from_secs(3);

/// The bridges of a node.
#[derive(Debug)]
pub struct Bridges {
    bus: Bus,
    boards: Arc<Boards>,
    part: Part,
    /// What seals in the networks with a secret.
    seals: BTreeMap<NetworkIndex, Arc<Seals>>,
    running: BTreeMap<String, Running>,
}

/// One bridge.
#[derive(Debug)]
struct Running {
    settings: Settings,
    /// Its tasks.
    part: Part,
    /// Where it leaves what waits for the other side when it ends.
    handover: Arc<Handover>,
}

impl Bridges {
    /// Starts all bridges on a part. What is wrong with one is on its card.
    pub async fn start(config: Config, bus: Bus, boards: Arc<Boards>, part: Part) -> Self {
        let Config { bridges, seals } = config;
        let mut none = Self { bus, boards, part, seals, running: BTreeMap::new() };
        none.configure(bridges).await;
        none
    }

    /// Has the bridges be those of a configuration: others end, and new ones begin. One of which something is another is
    /// begun anew: what waits for the other side goes with it. The rest is not touched.
    pub async fn configure(&mut self, wanted: Vec<Settings>) {
        let is_same = |name: &String, running: &Running| {
            wanted.iter().any(|settings| settings.name == *name && *settings == running.settings)
        };
        let ended: BTreeMap<String, Running> =
            self.running.extract_if(.., |name, running| !is_same(name, running)).collect();
        for settings in &wanted {
            ended.get(&settings.name).inspect(|before| before.handover.want());
        }
        join_all(ended.values().map(|running| async {
            if let Err(late) = running.part.finish(ENDING).await {
                tracing::warn!(bridge = running.settings.name, "{late}");
            }
        }))
        .await;
        self.boards.bridges.change(|cards| cards.retain(|name, _| !ended.contains_key(name)));
        for settings in wanted {
            if !self.running.contains_key(&settings.name) {
                let before = match ended.get(&settings.name).and_then(|before| before.left_for(&settings)) {
                    Some(waiting) => waiting.under(&settings.rules).await,
                    None => None,
                };
                self.begin(settings, before);
            }
        }
    }

    fn begin(&mut self, settings: Settings, before: Option<Waiting>) {
        let Settings { name, rules, limits, seal, kind } = settings.clone();
        let card = BridgeCard {
            kind: kind.name(),
            state: BridgeState::Connecting,
            with: String::new(),
            since: None,
            problem: None,
            traffic: Arc::default(),
        };
        self.boards.bridges.change(|bridges: &mut BTreeMap<String, BridgeCard>| {
            bridges.insert(name.clone(), card.clone());
        });
        let (part, handover) = (self.part.part("bridge"), Handover::of(before));
        let seals = seal.map(|network| self.seals.get(&network).map(Arc::clone));
        let setup =
            Setup { name: name.clone(), kind: kind.name(), rules, limits, seals, traffic: card.traffic };
        let desk = Desk::new(setup, (&self.bus, &self.boards, &part));
        run(kind, desk, Arc::clone(&handover), &part);
        self.running.insert(name, Running { settings, part, handover });
    }
}

impl Running {
    /// What waits for the other side, for one that has this one's name; none where its queue is to have another size.
    fn left_for(&self, settings: &Settings) -> Option<Waiting> {
        let waiting = self.handover.take()?;
        let is_other_side = self.settings.kind != settings.kind;
        let has_room = self.settings.limits.queue() == settings.limits.queue();
        has_room.then(|| if is_other_side { waiting.for_another_side() } else { waiting })
    }
}

/// Runs a bridge of some kind.
fn run(kind: Kind, desk: Desk, handover: Arc<Handover>, part: &Part) {
    match kind {
        Kind::Hive(config) => {
            part.spawn("bridge", supervise::run(hive::Crossing::new(config), desk, handover));
        }
        Kind::Spoke(spoke::Config::Listen(addr)) => {
            part.spawn("bridge", supervise::run(spoke::Listener::new(addr), desk, handover));
        }
        Kind::Spoke(spoke::Config::Connect(host, port)) => {
            part.spawn("bridge", supervise::run(spoke::Connector::new(host, port), desk, handover));
        }
        Kind::Eventhive(config) => {
            part.spawn("bridge", supervise::run(eventhive::Eventhive::new(config), desk, handover));
        }
        Kind::EventEngine(config) => {
            part.spawn("bridge", supervise::run(event_engine::EventEngine::new(config), desk, handover));
        }
        Kind::Hein(config) => part.spawn("bridge", supervise::run(hein::Hein::new(config), desk, handover)),
        Kind::Redis(config) => {
            part.spawn("bridge", supervise::run(redis::Redis::new(config), desk, handover));
        }
        Kind::Mqtt(config) => part.spawn("bridge", supervise::run(mqtt::Mqtt::new(config), desk, handover)),
        Kind::Nats(config) => part.spawn("bridge", supervise::run(nats::Nats::new(config), desk, handover)),
        Kind::Webhook(config) => {
            part.spawn("bridge", supervise::run(webhook::Webhook::new(config), desk, handover));
        }
    }
}
