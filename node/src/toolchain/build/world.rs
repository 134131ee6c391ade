//! The world of one project: of what a node offers, what the project uses, and nothing else.
//!
//! Exists because an interpreter imports whatever its world has: `check`, and the approval of a version that wants more than
//! the one before, would speak of secrets and timers that nobody uses. It must not know how a language shows what it uses.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{BuildError, project::Project, tool::place};
use crate::toolchain::sdk;

/// What the world is called.
pub const WORLD: &str = "project";

/// The interfaces that every handler may use and not every handler is asked about.
pub const ALWAYS: [&str; 5] = ["bus", "config", "current", "log", "node"];

/// What a world may import beside: random bytes, which every node has.
pub const RANDOM: &str = "wasi:random/random@0.2.0";
const RANDOM_WIT: &str =
    "package wasi:random@0.2.0;\n\ninterface random {\n  get-random-bytes: func(len: u64) -> list<u8>;\n}\n";

/// Writes the interfaces between handler and node with a world that imports these. Returns their folder.
///
/// # Errors
/// When they cannot be written.
pub fn write(project: &Project, uses: &BTreeSet<&str>) -> Result<PathBuf, BuildError> {
    let folder = project.workshop().join("wit");
    if folder.exists() {
        // Another hive-node's may have had more.
        fs::remove_dir_all(&folder).map_err(|source| place(&folder, source))?;
    }
    sdk::write(&sdk::WIT, &folder).map_err(|source| place(&folder, source))?;
    if uses.contains(RANDOM) {
        let file = folder.join("deps/random.wit");
        fs::create_dir_all(folder.join("deps"))
            .and_then(|()| fs::write(&file, RANDOM_WIT))
            .map_err(|source| place(&file, source))?;
    }
    let imports: String = uses.iter().map(|name| format!("  import {name};\n")).collect();
    let exports = "  export handler;\n  export startup;\n  export snapshot;\n";
    let file = folder.join("project.wit");
    fs::write(&file, format!("world {WORLD} {{\n{imports}{exports}}}\n"))
        .map_err(|source| place(&file, source))?;
    Ok(folder)
}

/// Whether one of these words stands anywhere in a text.
#[must_use]
pub fn mentions(text: &str, words: &[&str]) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| words.contains(&word))
}

/// The files below a folder that end so, those aside that were made from others.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        found.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.extension().is_some_and(|is| is == extension)),
        );
        open.extend(super::project::below(&folder));
    }
    found
}

#[cfg(test)]
mod tests {
    use wit_parser::Resolve;

    use super::*;
    use crate::toolchain::build::project;

    #[test]
    fn the_world_imports_what_is_used_and_fits_the_interfaces() {
        let root = tempfile::tempdir().expect("a folder");
        let manifest = r#"{"name": "x", "dependencies": {"hive-guest": "file:.hive/sdk"}}"#;
        fs::write(root.path().join("package.json"), manifest).expect("written");
        let found = project::find(root.path(), &mut Vec::new());
        let old = found[0].workshop().join("wit/old.wit");
        fs::create_dir_all(old.parent().expect("a folder")).expect("made");
        fs::write(&old, "interface handler {}\n").expect("written");
        let folder = write(&found[0], &["bus", "timers", RANDOM].into()).expect("written");
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(&folder).expect("interfaces");
        let world = resolve.select_world(&[package], Some(WORLD)).expect("the world");
        let names = |key| resolve.name_world_key(key);
        let imports: Vec<String> = resolve.worlds[world].imports.keys().map(names).collect();
        let has = |name: &str| imports.iter().any(|import| import.starts_with(&format!("hive:node/{name}@")));
        assert!(has("bus") && has("timers") && !has("secrets") && !has("state"), "{imports:?}");
        assert!(imports.iter().any(|import| import == RANDOM), "{imports:?}");
    }

    #[test]
    fn a_word_is_found_as_a_word() {
        assert!(mentions("x = hive.secret('a')", &["secret"]));
        assert!(mentions("from hive import after", &["cancel", "after"]));
        assert!(!mentions("secrets = afternoon", &["secret", "after"]));
    }
}
