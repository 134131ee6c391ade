//! Whether anything changed since a project was built: a hash over everything that goes into it.
//!
//! Exists so that a build without changes reads some files and runs no tool. It must not know languages.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::BuildError;
use crate::{toolchain::sdk, watch::is_skipped};

/// Files of one project at most; a folder with more holds something else than sources.
pub const FILES_MAX: usize = 20_000;

/// A hash of the files below some folders, or of files, that something is built of, and of what they are built with. At the top
/// of a project, and of its SDK, is what nothing is built of. What cannot be read is not read by a compiler either.
///
/// # Errors
/// When there are too many files.
pub fn of(parts: &[PathBuf], tops: &[PathBuf], with: &[&str]) -> Result<String, BuildError> {
    let mut hasher = blake3::Hasher::new();
    for part in with.iter().copied().chain([env!("CARGO_PKG_VERSION"), sdk::wit_hash()]) {
        hasher.update(part.as_bytes());
        hasher.update(b"\0");
    }
    let mut files = BTreeSet::new();
    for part in parts {
        match part.is_file() {
            true => drop(files.insert(part.clone())),
            false => collect(part, tops, &mut files)?,
        }
    }
    for file in files {
        hasher.update(file.as_os_str().as_encoded_bytes());
        match hash_of(&file) {
            Ok(hash) => hasher.update(hash.as_bytes()),
            Err(_) => hasher.update(b"?"),
        };
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

/// The hash of a file, of which a part is in memory at a time.
fn hash_of(file: &Path) -> io::Result<blake3::Hash> {
    Ok(blake3::Hasher::new().update_reader(File::open(file)?)?.finalize())
}

fn collect(folder: &Path, tops: &[PathBuf], files: &mut BTreeSet<PathBuf>) -> Result<(), BuildError> {
    let (root, mut open) = (folder, vec![folder.to_path_buf()]);
    while let Some(folder) = open.pop() {
        let is_top = tops.contains(&folder);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if is_beside(&path, is_top) {
                continue;
            }
            // A link to a folder, such as an SDK's, is followed where it is named, and nowhere else.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !is_skipped(&path) {
                    open.push(path);
                }
            } else if path.is_file() {
                files.insert(path);
            }
            if files.len() > FILES_MAX {
                return Err(BuildError::TooMany { folder: root.into(), most: fullest(root, files) });
            }
        }
    }
    Ok(())
}

/// Where in a folder most of the files are.
fn fullest(root: &Path, files: &BTreeSet<PathBuf>) -> PathBuf {
    let mut counts = BTreeMap::new();
    let below = files.iter().filter_map(|file| file.strip_prefix(root).ok()?.components().next());
    below.for_each(|part| *counts.entry(part).or_insert(0_usize) += 1);
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or_else(|| root.into(), |(part, _)| root.join(part))
}

/// What people read, what is tested with, what a node is told and what it says: nothing is built of it, though it may be saved often.
fn is_beside(path: &Path, is_at_top: bool) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_cases = name.starts_with("cases") && name.ends_with(".yaml");
    let is_named = matches!(name, "README.md" | "hive.yaml" | "test" | "tests") || is_cases;
    name.ends_with("_test.go") || name.ends_with(".log") || (is_at_top && is_named)
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
        let parts = std::slice::from_ref(&root);
        let stamp = |with: &[&str]| of(parts, parts, with).expect("a stamp");
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

    /// A file that is there and cannot be read, whoever runs this.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_read_keeps_nothing_from_being_built() {
        let folder = tempfile::tempdir().expect("a folder");
        let parts = [folder.path().to_path_buf(), folder.path().join("gone")];
        let stamp = || of(&parts, &[], &[]).expect("a stamp");
        let first = stamp();
        std::os::unix::fs::symlink("/proc/self/mem", folder.path().join("a.c")).expect("linked");
        assert!(fs::read(folder.path().join("a.c")).is_err());
        assert_ne!(stamp(), first);
    }
}
