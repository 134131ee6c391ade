//! Calls without the node around them, for measurements.
//!
//! Exists so that the price of limits, watching and queues can be told from the price of the call itself. It must not be
//! used where a guest is not trusted to return.

use hive_proto::event::Event;
use wasmtime::Store;

use super::{Blueprint, Fault, Instance, Serving, fault};
use crate::plugin::{
    engine::Engine,
    host::Guest,
    limits::{CallLimits, Limits},
};

/// Ticks after which such a call yields: some days, so never within a measurement.
const TICKS_MAX: u64 = 1 << 32;

/// Instantiates a component and drops it again: what a fresh instance costs without anything around it.
///
/// # Errors
/// When it traps, or all slots are taken.
pub async fn come_and_go(engine: &Engine, blueprint: &Blueprint, guest: Guest) -> Result<(), Fault> {
    let mut store = Store::new(engine.wasm(), guest);
    store.set_epoch_deadline(TICKS_MAX);
    let made = blueprint.pre.instantiate_async(&mut store).await;
    made.map(drop).map_err(|error| fault(&mut store, &error))
}

/// An instance whose calls nothing bounds.
pub struct Bare<'i>(&'i mut Instance);

impl Instance {
    /// Frees its calls from every limit until the result is dropped. Host functions see this event as the one in hand.
    pub fn bare(&mut self, event: &Event) -> Bare<'_> {
        let limits = Limits::default();
        let serving = Serving { event: event.clone(), chain: None };
        self.begin(Some(serving), CallLimits::starting_now(limits.deadline, limits.cpu));
        self.store.set_epoch_deadline(TICKS_MAX);
        Bare(self)
    }
}

impl Bare<'_> {
    /// The typed call alone. What the guest says to the event is dropped.
    ///
    /// # Errors
    /// When it traps.
    pub async fn handle(&mut self, event: &Event, subscription: u32) -> Result<(), Fault> {
        let Instance { store, face, .. } = &mut *self.0;
        let done = face.handle(store, event, subscription, false).await;
        done.map(drop).map_err(|error| fault(store, &error))
    }
}

impl Drop for Bare<'_> {
    fn drop(&mut self) {
        self.0.store.data_mut().end(true);
    }
}
