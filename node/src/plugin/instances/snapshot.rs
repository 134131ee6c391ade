//! Handing memory over: `save` and `restore` of a component that exports them.
//!
//! What it owns: these two calls and the limit of what is handed over. It must not know which version is which.

use wasmtime::component::{Component, ComponentExportIndex, ComponentType, Lower};

use super::{Fault, Instance, fault};
use crate::plugin::{
    diff::SNAPSHOT,
    limits::{CallLimits, Limits, watched},
};

/// Bytes of what one version hands to the next; larger things are kept in the plugin's state or in files.
pub const SAVED_BYTES_MAX: usize = 16 << 20;

/// Where a component has the two functions.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotExports {
    save: ComponentExportIndex,
    restore: ComponentExportIndex,
}

/// Why memory was not handed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The call broke the instance, which is gone then.
    #[error("it {0}")]
    Broken(#[from] Fault),
    /// The handler says no.
    #[error("{0}")]
    Refused(String),
    /// More is saved than is handed over.
    #[error("it is {0} bytes; {SAVED_BYTES_MAX} is the most")]
    TooLarge(usize),
}

/// What another version has saved, as the guest is given it.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Saved<'s> {
    version: &'s str,
    state: &'s [u8],
}

impl SnapshotExports {
    /// Finds them, if the component has both.
    #[must_use]
    pub fn of(component: &Component) -> Option<Self> {
        let interface = component.get_export_index(None, SNAPSHOT)?;
        let function = |name| component.get_export_index(Some(&interface), name);
        Some(Self { save: function("save")?, restore: function("restore")? })
    }
}

impl Instance {
    /// A copy of its memory. It stays usable, unless the call breaks it.
    ///
    /// # Errors
    /// When it traps, breaks a limit, says no, or saves too much.
    pub async fn save(&mut self, limits: &Limits) -> Result<Vec<u8>, SnapshotError> {
        let Some((instance, exports)) = self.snapshot else { return Ok(Vec::new()) };
        let save = instance.get_typed_func::<(), (Result<Vec<u8>, String>,)>(&mut self.store, exports.save);
        let save = save.map_err(|error| fault(&mut self.store, &error))?;
        let limits = CallLimits::starting_now(limits.deadline, limits.cpu);
        self.begin(None, limits);
        let call = save.call_async(&mut self.store, ());
        let done = watched(self.engine.pulse(), &self.meter, limits, call).await;
        let (saved,) = self.settle(done)?;
        let saved = saved.map_err(SnapshotError::Refused)?;
        if saved.len() > SAVED_BYTES_MAX {
            return Err(SnapshotError::TooLarge(saved.len()));
        }
        Ok(saved)
    }

    /// Takes over what another version has saved. Called before its first event.
    ///
    /// # Errors
    /// When it traps, breaks a limit or says no.
    pub async fn restore(
        &mut self,
        version: &str,
        state: &[u8],
        limits: &Limits,
    ) -> Result<(), SnapshotError> {
        let Some((instance, exports)) = self.snapshot else { return Ok(()) };
        let restore =
            instance.get_typed_func::<(Saved<'_>,), (Result<(), String>,)>(&mut self.store, exports.restore);
        let restore = restore.map_err(|error| fault(&mut self.store, &error))?;
        let limits = CallLimits::starting_now(limits.deadline, limits.cpu);
        self.begin(None, limits);
        let call = restore.call_async(&mut self.store, (Saved { version, state },));
        let done = watched(self.engine.pulse(), &self.meter, limits, call).await;
        let (restored,) = self.settle(done)?;
        restored.map_err(SnapshotError::Refused)
    }
}
