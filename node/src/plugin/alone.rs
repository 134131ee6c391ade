//! A version without a node around it: for whoever measures one, or tries one.
//!
//! Exists so that what an instance needs beside its component is put together in one more place than a plugin's life, and
//! no other. It must not know what is measured or tried.

use std::sync::Arc;

use super::{
    allowance::Allowance,
    asked::Asked,
    engine::Engine,
    host::{Place, Web},
    instances::Mode,
    loader::Loaded,
    settings::PluginConfig,
    state::{self, State},
    timer::once::OneShots,
    worker::Version,
};
use crate::{
    bus::{Actor, Bus},
    status::Boards,
};

/// The first version of a plugin that nobody else knows: nothing it keeps outlives it.
#[must_use]
pub fn alone(
    plugin: &str,
    loaded: Loaded,
    config: &PluginConfig,
    engine: &Arc<Engine>,
    bus: &Bus,
    boards: &Arc<Boards>,
) -> Version {
    let Loaded { blueprint, wishes, .. } = loaded;
    let limits = config.limits();
    let allowance = Allowance::new(plugin.into(), &limits, Arc::default(), Arc::default());
    let place = Place {
        allowance: Arc::new(allowance),
        plugin: plugin.into(),
        generation: 1,
        node_id: bus.node().to_string(),
        boards: Arc::clone(boards),
        config: Asked::of(&config.config, &wishes.reads),
        doubts: Arc::default(),
        secrets: config.secrets.clone(),
        state: State::load(plugin.into(), None, state::QUOTA, Arc::default()),
        actor: Actor::Plugin(plugin.into()),
        takes_one: wishes.mode == Mode::Single,
        crew: Arc::default(),
        shots: Arc::new(OneShots::load(plugin.into(), None)),
        declared: wishes.timers.iter().map(|timer| timer.channel.clone()).collect(),
        hears: wishes.own_timers(),
        grants: wishes.grants.clone(),
        openings: config.openings.clone(),
        web: Web::default(),
        bus: bus.clone(),
    };
    Version::new(Arc::clone(engine), blueprint, wishes, Arc::new(place), limits, Arc::default())
}
