//! What handlers are written and built with, inside this program: the SDKs, and the interfaces between handler and node.
//!
//! Exists so that a project builds outside the clone and before anything is published. It must not know what is built.

mod written;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use include_dir::{Dir, DirEntry, include_dir};

pub use written::Refreshed;

/// The interfaces between handler and node.
pub static WIT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../wit");
static JS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/js");
static RUST: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/rust");
/// The manifest that those of the SDK for Rust take versions from.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");
static C: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/c");
static GO: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/go");
static PYTHON: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/python");

/// Where a project has its SDK.
pub const FOLDER: &str = ".hive/sdk";

/// What handlers in a language are written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdk {
    /// Rust, its macros among it.
    Rust,
    /// JavaScript and TypeScript.
    Js,
    /// Python.
    Python,
    /// C.
    C,
    /// Go.
    Go,
}

impl Sdk {
    /// Its files as a project has them, by their paths in its folder.
    fn files(self) -> BTreeMap<PathBuf, Vec<u8>> {
        let dir = match self {
            Self::Rust => return rust(),
            Self::Js => &JS,
            Self::Python => &PYTHON,
            Self::C => &C,
            Self::Go => &GO,
        };
        files(dir).into_iter().map(|(path, content)| (path, content.to_vec())).collect()
    }
}

/// A hash of the interfaces: what is built against others is built again.
#[must_use]
pub fn wit_hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let mut hasher = blake3::Hasher::new();
        for (path, text) in files(&WIT) {
            hasher.update(path.as_os_str().as_encoded_bytes());
            hasher.update(blake3::hash(text).as_bytes());
        }
        hasher.finalize().to_hex().chars().take(16).collect()
    });
    &HASH
}

/// The SDK for Rust as a workspace of its own: its manifests take their versions from one above.
fn rust() -> BTreeMap<PathBuf, Vec<u8>> {
    let below = files(&RUST).into_iter().map(|(path, content)| {
        let is_manifest = path.file_name().is_some_and(|name| name == "Cargo.toml");
        let content = match std::str::from_utf8(content) {
            Ok(manifest) if is_manifest => without_tests(manifest).into_bytes(),
            _ => content.to_vec(),
        };
        (Path::new("rust").join(path), content)
    });
    below.chain([("Cargo.toml".into(), rust_workspace().into_bytes())]).collect()
}

/// A manifest without what only tests depend on: they are not handed on.
fn without_tests(manifest: &str) -> String {
    let mut text = String::new();
    let mut wanted = true;
    for line in manifest.lines() {
        if line.starts_with('[') {
            wanted = line != "[dev-dependencies]";
        }
        if wanted {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The parts of this repository's manifest that the SDK's need, with its own folders.
fn rust_workspace() -> String {
    let mut text = String::from("[workspace]\nresolver = \"3\"\nmembers = [\"rust\", \"rust/macros\"]\n");
    let mut wanted = false;
    for line in WORKSPACE.lines() {
        if line.starts_with('[') {
            wanted = ["[workspace.package]", "[workspace.dependencies]"].contains(&line)
                || line.starts_with("[workspace.lints");
            text.push('\n');
        }
        let elsewhere = line.contains("path = \"node") || line.contains("path = \"tests");
        if wanted && !elsewhere && !line.is_empty() {
            text.push_str(&line.replace("path = \"guest-sdk/", "path = \""));
            text.push('\n');
        }
    }
    text
}

/// Writes everything that is inside into a folder, but tests and what was made beside the sources.
///
/// # Errors
/// When a file cannot be written.
pub fn write(dir: &Dir<'_>, folder: &Path) -> io::Result<()> {
    for (path, content) in files(dir) {
        let file = folder.join(&path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, content)?;
    }
    Ok(())
}

/// Every file inside that is handed on, by its path from there.
fn files<'d>(dir: &'d Dir<'_>) -> Vec<(PathBuf, &'d [u8])> {
    let root = dir.path();
    let below = |path: PathBuf| path.strip_prefix(root).map(Path::to_owned).unwrap_or(path);
    walk(dir, is_beside).into_iter().map(|(path, content)| (below(path), content)).collect()
}

/// Every file inside, by its path.
pub fn everything<'d>(dir: &'d Dir<'_>) -> Vec<(PathBuf, &'d [u8])> {
    walk(dir, |_| false)
}

fn walk<'d>(dir: &'d Dir<'_>, is_left_out: impl Fn(&Path) -> bool) -> Vec<(PathBuf, &'d [u8])> {
    let mut found = Vec::new();
    let mut open = vec![dir];
    while let Some(dir) = open.pop() {
        for entry in dir.entries() {
            match entry {
                DirEntry::Dir(below) if !is_left_out(below.path()) => open.push(below),
                DirEntry::Dir(_) => {}
                DirEntry::File(file) if is_left_out(file.path()) => {}
                DirEntry::File(file) => found.push((file.path().to_owned(), file.contents())),
            }
        }
    }
    found.sort();
    found
}

/// What is no part of an SDK as it is handed on.
fn is_beside(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(name, "test" | "tests" | "node_modules" | "__pycache__" | "target") || name.ends_with("_test.go")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sdk_is_written_without_its_tests() {
        let folder = tempfile::tempdir().expect("a folder");
        Sdk::Js.write(folder.path()).expect("written");
        assert!(folder.path().join("src/index.js").is_file() && folder.path().join("index.d.ts").is_file());
        assert!(!folder.path().join("test").exists());
        Sdk::Go.write(folder.path()).expect("written");
        assert!(folder.path().join("host.go").is_file() && !folder.path().join("host_test.go").exists());
        assert_eq!(wit_hash().len(), 16);
    }

    #[test]
    fn the_sdk_for_rust_has_a_workspace_with_its_own_folders() {
        let text = rust_workspace();
        assert!(text.contains("hive-guest-macros = { path = \"rust/macros\" }"), "{text}");
        assert!(!text.contains("path = \"node") && !text.contains("[profile"), "{text}");
        let manifest = "[package]\n[dev-dependencies]\nx = 1\n[lints]\nworkspace = true\n";
        assert_eq!(without_tests(manifest), "[package]\n[lints]\nworkspace = true\n");
    }
}
