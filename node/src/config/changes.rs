//! What differs between the configuration that holds and the one that is in the file now: what a running node can take
//! over, and what it cannot before it is started again.
//!
//! What it owns: which keys are which. Pure: two checked configurations in, names of keys out. It must not know how anything
//! is taken over.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use hive_proto::channel::NetworkIndex;

use super::settings::{NetworkSettings, Settings};
use crate::{
    bridge,
    control::{Change, Turn},
    plugin,
};

/// What has to be done so that another configuration holds.
#[derive(Debug, Clone)]
pub struct Changes {
    /// What holds when it is done: the new configuration, but for what needs a restart.
    pub settings: Settings,
    /// What is other in that.
    pub live: Vec<Change>,
    /// What is other in the new configuration alone.
    pub restart: Vec<Change>,
}

/// What has to be done so that `new` holds where `holding` does. `journals` are the networks whose journal is open: without
/// one no channel can be made durable.
#[must_use]
pub fn changes(holding: &Settings, new: &Settings, journals: &[NetworkIndex]) -> Changes {
    let settings = while_running(holding, new, journals);
    Changes { live: differences(holding, &settings), restart: differences(&settings, new), settings }
}

/// The new configuration, but for what a node has for all its life.
fn while_running(holding: &Settings, new: &Settings, journals: &[NetworkIndex]) -> Settings {
    let held = holding.clone();
    let mut next = Settings {
        node: held.node,
        networks: held.networks,
        engine: held.engine,
        journal: held.journal,
        ..new.clone()
    };
    // What no file says, but whoever started the node.
    let plugin::Config { approve_all, starts_newest, processes, ref cache, .. } = holding.plugins;
    let cache = cache.clone();
    next.plugins = plugin::Config { approve_all, starts_newest, processes, cache, ..next.plugins };
    let names = |settings: &Settings| settings.networks.iter().map(|of| of.name.clone()).collect::<Vec<_>>();
    if names(holding) == names(new) {
        next.durable.retain(|scope| journals.contains(&scope.network));
    } else {
        // Channels and bridges say networks by their places, which are others for the node that runs.
        (next.channels, next.durable, next.when_full) = (held.channels, held.durable, held.when_full);
        next.bridges = held.bridges;
    }
    next
}

/// The keys under which two configurations differ, in the order of a file.
fn differences(old: &Settings, new: &Settings) -> Vec<Change> {
    let mut found = Found::default();
    let (node, other) = (&old.node, &new.node);
    found.if_other("node.name", &node.name, &other.name);
    found.if_other("node.data-dir", &node.data_dir, &other.data_dir);
    found.if_other("node.listen", &node.listen, &other.listen);
    found.if_other("node.peers", &node.peers, &other.peers);
    found.if_other("node.mdns", &node.mdns, &other.mdns);
    networks(&mut found, &old.networks, &new.networks);
    let rules = |settings: &Settings| (settings.channels.clone(), settings.when_full.clone());
    found.if_other("channels", &rules(old), &rules(new));
    found.if_other("channels.durable", &old.durable, &new.durable);
    found.if_other("journal", &(&old.engine, &old.journal), &(&new.engine, &new.journal));
    found.if_other("plugins.folders", &old.plugins.folders, &new.plugins.folders);
    found.if_other("plugins.defaults", &old.plugins.defaults, &new.plugins.defaults);
    found.each("plugins.each", &old.plugins.each, &new.plugins.each);
    found.each("bridges", &by_key(&old.bridges.bridges), &by_key(&new.bridges.bridges));
    found.if_other("log.level", &old.log, &new.log);
    found.0
}

fn networks(found: &mut Found, old: &[NetworkSettings], new: &[NetworkSettings]) {
    // What a file of secrets says is followed while the node runs.
    let settled = |network: &NetworkSettings| {
        let secret = network.secret.clone().filter(|_| network.secret_file.is_none());
        (network.name.to_string(), NetworkSettings { secret, ..network.clone() })
    };
    let by_name = |all: &[NetworkSettings]| all.iter().map(settled).collect::<BTreeMap<_, _>>();
    found.each("networks", &by_name(old), &by_name(new));
    let order = |all: &[NetworkSettings]| all.iter().map(|network| network.name.clone()).collect::<Vec<_>>();
    let (before, after) = (order(old), order(new));
    if before != after && before.len() == after.len() && before.iter().all(|name| after.contains(name)) {
        found.add("networks", Turn::Changed);
    }
}

fn by_key(bridges: &[bridge::Settings]) -> BTreeMap<String, &bridge::Settings> {
    bridges.iter().map(|each| (format!("{}.{}", each.kind.name(), each.name), each)).collect()
}

/// Keys that were found.
#[derive(Default)]
struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, key: impl Into<String>, turn: Turn) {
        self.0.push(Change { key: key.into(), turn });
    }

    fn if_other<T: PartialEq>(&mut self, key: &str, old: &T, new: &T) {
        if old != new {
            self.add(key, Turn::Changed);
        }
    }

    /// The same for each entry of a mapping.
    fn each<T: PartialEq>(&mut self, key: &str, old: &BTreeMap<String, T>, new: &BTreeMap<String, T>) {
        let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let turn = match (old.get(name), new.get(name)) {
                (Some(before), Some(after)) if before == after => continue,
                (Some(_), Some(_)) => Turn::Changed,
                (Some(_), None) => Turn::Removed,
                (None, _) => Turn::Added,
            };
            self.add(format!("{key}.{name}"), turn);
        }
    }
}
