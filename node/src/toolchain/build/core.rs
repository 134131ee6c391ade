//! From a core module to a component, for languages whose own tools end at the module.
//!
//! What it owns: the adapter that stands between WASI 0.1, which such modules import, and what a node has. It must not know
//! which language a module was written in.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::stamp::short_hash;

/// The adapter, and what it asks of a node.
const ADAPTER: (&str, &str) = (include_str!("wasi/wasi.wat"), include_str!("wasi/wasi.wit"));

/// What a module calls the interface that the adapter answers.
const ADAPTED: &str = "wasi_snapshot_preview1";

/// In the stamp: another adapter builds again.
#[must_use]
pub fn adapter_hash() -> String {
    short_hash(&[ADAPTER.0, ADAPTER.1])
}

/// Makes a component of a module that has the functions of a world; none: it has its world with it. `wit` is the folder of
/// the interfaces.
///
/// # Errors
/// What the module lacks, or has too much.
pub fn component(mut module: Vec<u8>, wit: &Path, world: Option<&str>) -> Result<Vec<u8>, String> {
    if world.is_some() {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(wit).map_err(said)?;
        let world = resolve.select_world(&[package], world).map_err(said)?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(said)?;
    }
    let adapter = adapter()?;
    let encoder = ComponentEncoder::default().validate(true).module(&module).map_err(said)?;
    encoder.adapter(ADAPTED, &adapter).map_err(said)?.encode().map_err(said)
}

fn adapter() -> Result<Vec<u8>, String> {
    let (code, interfaces) = ADAPTER;
    let mut module = wat::parse_str(code).map_err(|error| error.to_string())?;
    let mut resolve = Resolve::default();
    let package = resolve.push_str("wasi.wit", interfaces).map_err(said)?;
    let world = resolve.select_world(&[package], None).map_err(said)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(said)?;
    Ok(module)
}

/// An error with what caused it.
fn said(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain::sdk;

    #[test]
    fn a_module_without_the_functions_of_the_world_is_refused_by_name() {
        let wit = tempfile::tempdir().expect("a folder");
        sdk::write(&sdk::WIT, wit.path()).expect("written");
        let module = wat::parse_str("(module (memory (export \"memory\") 1))").expect("a module");
        let said = component(module, wit.path(), Some("plugin")).expect_err("it has no `handle`");
        assert!(said.contains("interface `hive:node/handler@0.1.0` function `describe`"), "{said}");
        assert_eq!(adapter_hash().len(), 16);
    }
}
