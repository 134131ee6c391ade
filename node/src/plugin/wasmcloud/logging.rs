//! `wasi:logging/logging`: lines in the node's log under the plugin's name.

use wasmtime::{
    StoreContextMut,
    component::{Linker, LinkerInstance},
};

use super::bindings::wasi::logging::logging::Level;
use crate::plugin::host::{
    Guest,
    bindings::hive::node::log::{Host as _, Level as Own},
};

/// Adds the interface under a name.
pub(super) fn link(linker: &mut Linker<Guest>, name: &str) -> wasmtime::Result<()> {
    let mut interface: LinkerInstance<'_, Guest> = linker.instance(name)?;
    interface.func_wrap(
        "log",
        |mut store: StoreContextMut<'_, Guest>, (level, context, message): (Level, String, String)| {
            let level = match level {
                Level::Trace => Own::Trace,
                Level::Debug => Own::Debug,
                Level::Info => Own::Info,
                Level::Warn => Own::Warn,
                Level::Error | Level::Critical => Own::Error,
            };
            let line = if context.is_empty() { message } else { format!("{context}: {message}") };
            store.data_mut().counted().log(level, line, Vec::new());
            Ok(())
        },
    )
}
