//! Folders of components: which files are plugins, what they are called, and which changed since the last look.
//!
//! Exists so that names, doubles and half-written files are judged in one place. It must not know what is done with a
//! plugin.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use hive_proto::channel::Channel;

/// Bytes of one component file. The largest known, an interpreter with its library, has a quarter of it.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// How often a file that changes while it is read is read again before somebody else's turn comes.
const READS_MAX: u32 = 5;

/// What tells two contents of one path apart without reading them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

/// What a look at the folders finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Plugins by name, each with its file.
    pub plugins: BTreeMap<String, (PathBuf, Stamp)>,
    /// Files that are no plugins although they look like it: why not, for people.
    pub refused: BTreeMap<PathBuf, String>,
}

/// Looks into the folders, in their order: the first file that has a name keeps it.
#[must_use]
pub fn look(folders: &[PathBuf]) -> Look {
    let mut look = Look::default();
    for folder in folders {
        for file in files(folder) {
            let Some((name, stamp)) = candidate(&file) else { continue };
            if let Some((other, _)) = look.plugins.get(&name) {
                let why = format!("the plugin `{name}` is already {}", other.display());
                look.refused.insert(file, why);
            } else if let Err(why) = check_name(&name) {
                look.refused.insert(file, why);
            } else {
                look.plugins.insert(name, (file, stamp));
            }
        }
    }
    look
}

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system's reasons.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Nobody's component is so large.
    #[error("it has {0} bytes; {FILE_BYTES_MAX} is the most")]
    TooLarge(u64),
    /// Somebody is still writing it.
    #[error("it is still being written")]
    Unsettled,
}

/// Reads a file that nobody writes to meanwhile.
///
/// # Errors
/// When it cannot be read, is too large, or does not settle.
pub fn read(file: &Path) -> Result<(Bytes, Stamp), ReadError> {
    for _ in 0..READS_MAX {
        let before = stamp(&fs::metadata(file)?);
        if before.size > FILE_BYTES_MAX {
            return Err(ReadError::TooLarge(before.size));
        }
        let bytes = fs::read(file)?;
        let after = stamp(&fs::metadata(file)?);
        if before == after && u64::try_from(bytes.len()).is_ok_and(|read| read == after.size) {
            return Ok((bytes.into(), after));
        }
    }
    Err(ReadError::Unsettled)
}

/// The present stamp of a file, if it is there.
#[must_use]
pub fn stamp_of(file: &Path) -> Option<Stamp> {
    fs::metadata(file).ok().map(|metadata| stamp(&metadata))
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp { inode: metadata.ino(), size: metadata.len(), modified: metadata.modified().ok() }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!("cannot read the plugin folder {}: {error}", folder.display());
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// The plugin's name a file gives it; none for what is no component's file.
fn candidate(file: &Path) -> Option<(String, Stamp)> {
    let name = file.file_name()?.to_string_lossy().into_owned();
    let name = name.strip_suffix(".wasm").filter(|name| !name.starts_with('.'))?;
    let metadata = fs::metadata(file).ok().filter(Metadata::is_file)?;
    Some((name.to_owned(), stamp(&metadata)))
}

/// The name is a segment of `$dead/<plugin>`, so it follows the grammar of channels.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    match Channel::parse(name) {
        Ok(channel) if channel.is_reserved() => Err("its name begins with `$`, which is the node's".into()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("its name cannot be a plugin's: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_of_a_name_is_the_plugin() {
        let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let write = |folder: &Path, name: &str| {
            let path = folder.join(name);
            fs::write(&path, b"x").expect("written");
            path
        };
        let greet = write(one.path(), "greet.wasm");
        let double = write(two.path(), "greet.wasm");
        let odd = write(two.path(), "two words.wasm");
        write(two.path(), ".hidden.wasm");
        write(two.path(), "notes.txt");
        fs::create_dir(two.path().join("folder.wasm")).expect("made");
        let look = look(&[one.path().into(), two.path().into()]);
        let names: Vec<_> = look.plugins.iter().map(|(name, (path, _))| (name.as_str(), path)).collect();
        assert_eq!(names, [("greet", &greet)]);
        assert_eq!(look.refused.into_iter().collect::<Vec<_>>(), {
            let mut refused = vec![
                (double, format!("the plugin `greet` is already {}", greet.display())),
                (odd, "its name cannot be a plugin's: the character ' ' is not allowed".to_owned()),
            ];
            refused.sort();
            refused
        });
    }

    #[test]
    fn a_replaced_file_has_another_stamp_though_its_size_is_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, beside) = (folder.path().join("a.wasm"), folder.path().join(".new"));
        fs::write(&file, b"one").expect("written");
        fs::write(&beside, b"two").expect("written");
        let (bytes, before) = read(&file).expect("read");
        assert_eq!(&bytes[..], b"one");
        fs::rename(&beside, &file).expect("renamed");
        assert_ne!(stamp_of(&file), Some(before));
    }
}
