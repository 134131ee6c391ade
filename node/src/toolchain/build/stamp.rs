//! Whether anything changed since a project was built: a hash over everything that goes into it.
//!
//! Exists so that a build without changes reads some files and runs no tool. It must not know languages.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{toolchain::sdk, watch::is_skipped};

/// Files of one project at most; a folder with more holds something else than sources.
const FILES_MAX: usize = 20_000;

/// A hash of the files below some folders, or of files, that something is built of, and of what they are built with.
///
/// # Errors
/// When a file cannot be read.
pub fn of(folders: &[PathBuf], with: &[&str]) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    for part in with.iter().copied().chain([env!("CARGO_PKG_VERSION"), sdk::wit_hash()]) {
        hasher.update(part.as_bytes());
        hasher.update(b"\0");
    }
    let mut files = BTreeSet::new();
    for folder in folders {
        match folder.is_file() {
            true => drop(files.insert(folder.clone())),
            false => collect(folder, &mut files)?,
        }
    }
    for file in files {
        hasher.update(file.as_os_str().as_encoded_bytes());
        hasher.update(blake3::hash(&fs::read(&file)?).as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// A hash of the texts that a build is made of, for [`of`]: whoever changes one need not think of a number.
#[must_use]
pub fn short_hash(texts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update(b"\0");
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let (root, mut open) = (folder, vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            // A link to a folder, such as an SDK's, is followed where it is named, and nowhere else.
            let kind = fs::symlink_metadata(&path)?.file_type();
            if is_beside(root, &path) {
                continue;
            }
            if kind.is_dir() {
                if !is_skipped(&path) {
                    open.push(path);
                }
            } else if kind.is_file() {
                files.insert(path);
            }
            if files.len() > FILES_MAX {
                return Err(io::Error::other(format!("there are more than {FILES_MAX} files in it")));
            }
        }
    }
    Ok(())
}

/// What people read, what is tested with, what a node is told and what it says: nothing is built of it, though it may be saved often.
fn is_beside(root: &Path, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_cases = name.starts_with("cases") && name.ends_with(".yaml");
    let is_at_root = matches!(name, "README.md" | "hive.yaml" | "test" | "tests") || is_cases;
    name.ends_with("_test.go") || name.ends_with(".log") || (path.parent() == Some(root) && is_at_root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_with_sources_and_tools_and_with_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, src) = (folder.path().to_path_buf(), folder.path().join("src"));
        fs::create_dir_all(&src).expect("made");
        fs::create_dir_all(root.join(".hive/build")).expect("made");
        fs::write(src.join("a.js"), b"1").expect("written");
        let stamp = |with: &[&str]| of(std::slice::from_ref(&root), with).expect("a stamp");
        let first = stamp(&["tool 1"]);
        for made in [".hive/build/out", "dev.log", "hive.yaml"] {
            fs::write(root.join(made), b"made").expect("written");
        }
        assert_eq!(stamp(&["tool 1"]), first);
        assert_ne!(stamp(&["tool 2"]), first);
        fs::write(src.join("a.js"), b"2").expect("written");
        assert_ne!(stamp(&["tool 1"]), first);
    }

    #[test]
    fn a_build_is_known_by_each_text_that_it_is_made_of() {
        let first = short_hash(&["tool 1", "--flag"]);
        assert_eq!(first.len(), 16);
        for other in [&["tool 1", "--flag "][..], &["tool 1--flag"], &["tool 1"], &["--flag", "tool 1"]] {
            assert_ne!(short_hash(other), first, "{other:?}");
        }
    }
}
