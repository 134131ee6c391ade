//! Cargo and its toolchain run by a test, as if by a person: not as a part of the build that the test is in.

use std::{path::Path, process::Command};

/// `cargo` in a folder.
#[must_use]
pub fn cargo(folder: &Path) -> Command {
    let mut cargo = clean("cargo");
    cargo.current_dir(folder);
    cargo
}

/// A program of the toolchain without what the cargo that runs the tests has set for its own build. Where toolchains
/// live stays, and which one is used.
#[must_use]
pub fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let inherited = text.starts_with("CARGO") && text != "CARGO_HOME" && text != "CARGO_TARGET_DIR";
        if inherited || text.starts_with("RUSTC") || text.ends_with("RUSTFLAGS") || text == "TARGET" {
            command.env_remove(&name);
        }
    }
    command
}
