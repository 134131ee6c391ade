//! `wasi:config`: the plugin's section of the node's configuration, nested keys joined by dots.

use wasmtime::{
    StoreContextMut,
    component::{Linker, LinkerInstance},
};

use super::bindings::wasi::config::store::Error;
use crate::plugin::host::{Guest, bindings::hive::node::config::Host as _};

/// Adds the interface under a name. `store` and the older `runtime` are alike.
pub(super) fn link(linker: &mut Linker<Guest>, name: &str) -> wasmtime::Result<()> {
    let mut interface: LinkerInstance<'_, Guest> = linker.instance(name)?;
    interface.func_wrap("get", |mut store: StoreContextMut<'_, Guest>, (key,): (String,)| {
        Ok((Ok::<_, Error>(store.data_mut().counted().get(key)),))
    })?;
    interface.func_wrap("get-all", |mut store: StoreContextMut<'_, Guest>, (): ()| {
        Ok((Ok::<_, Error>(store.data_mut().counted().all()),))
    })
}
