//! What handlers are written and built with, inside this program: the SDKs, and the interfaces between handler and node.
//!
//! Exists so that a project builds outside the clone and before anything is published. It must not know what is built.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use include_dir::{Dir, DirEntry, include_dir};

/// The interfaces between handler and node.
pub static WIT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../wit");
/// The SDK for JavaScript and TypeScript.
pub static JS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/js");
/// The SDK for Rust, its macros among it.
static RUST: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/rust");
/// The manifest that those of the SDK for Rust take versions from.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");
/// The SDK for C.
pub static C: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/c");
/// The SDK for Go.
pub static GO: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/go");
/// The SDK for Python.
pub static PYTHON: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../guest-sdk/python");

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

/// Writes the SDK for Rust as a workspace of its own: its manifests take their versions from one above.
///
/// # Errors
/// When a file cannot be written.
pub fn write_rust(folder: &Path) -> io::Result<()> {
    write(&RUST, &folder.join("rust"))?;
    for manifest in ["rust/Cargo.toml", "rust/macros/Cargo.toml"] {
        let file = folder.join(manifest);
        fs::write(&file, without_tests(&fs::read_to_string(&file)?))?;
    }
    fs::write(folder.join("Cargo.toml"), rust_workspace())
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
        let path = path.strip_prefix(dir.path()).unwrap_or(&path).to_owned();
        let file = folder.join(&path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, content)?;
    }
    Ok(())
}

/// Every file inside that is handed on, by its path.
pub fn files<'d>(dir: &'d Dir<'_>) -> Vec<(PathBuf, &'d [u8])> {
    walk(dir, is_beside)
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
        write(&JS, folder.path()).expect("written");
        assert!(folder.path().join("src/index.js").is_file() && folder.path().join("index.d.ts").is_file());
        assert!(!folder.path().join("test").exists());
        write(&GO, folder.path()).expect("written");
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
