//! The SDK in a project's own folder: what this program wrote there, and another version of it that it takes the place of.
//!
//! What it owns: the list beside the SDK of what was written, by which what somebody has changed is told from what nobody has.
//! It must not know projects.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use super::Sdk;

/// The list, in the SDK's folder.
const LIST: &str = "written-by-hive-node.txt";
/// Its first line.
const HEAD: &str =
    "# What `hive-node` wrote here. `hive-node build` brings it up to date, unless one of them was changed.";

/// What became of an SDK in a project's folder.
#[derive(Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// Nothing: it is this program's.
    Same,
    /// It was not there, and is.
    Written,
    /// It was another version's, and is this one's.
    Renewed,
    /// It is another version's, and stays it, as this file of it was changed.
    Changed(PathBuf),
    /// The same of one without a list: nobody knows what was changed.
    Unknown,
}

impl Sdk {
    /// Writes it into a folder, with the list.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(self, folder: &Path) -> io::Result<()> {
        let files = self.files();
        for (path, content) in &files {
            let file = folder.join(path);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(file, content)?;
        }
        fs::write(folder.join(LIST), list(&files))
    }

    /// Whether the one in a folder is this program's, by its list. One without is not.
    #[must_use]
    pub fn is_in(self, folder: &Path) -> bool {
        fs::read_to_string(folder.join(LIST)).is_ok_and(|found| found == list(&self.files()))
    }

    /// Sees to it that the one in a folder is this program's, unless somebody has changed it.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn refresh(self, folder: &Path) -> io::Result<Refreshed> {
        if !folder.exists() {
            self.write(folder)?;
            return Ok(Refreshed::Written);
        }
        let files = self.files();
        let found = match fs::read_to_string(folder.join(LIST)) {
            Ok(found) if found == list(&files) => return Ok(Refreshed::Same),
            Ok(found) => listed(&found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_ours = |(path, content): (&PathBuf, &Vec<u8>)| {
                    fs::read(folder.join(path)).is_ok_and(|found| found == *content)
                };
                if !files.iter().all(is_ours) {
                    return Ok(Refreshed::Unknown);
                }
                fs::write(folder.join(LIST), list(&files))?;
                return Ok(Refreshed::Same);
            }
            Err(error) => return Err(error),
        };
        for (path, hash) in &found {
            let is_changed = fs::read(folder.join(path)).map_or(true, |content| hash_of(&content) != *hash);
            if is_changed {
                return Ok(Refreshed::Changed(path.clone()));
            }
        }
        for path in found.keys().filter(|path| !files.contains_key(*path)) {
            fs::remove_file(folder.join(path))?;
        }
        self.write(folder)?;
        Ok(Refreshed::Renewed)
    }
}

fn list(files: &BTreeMap<PathBuf, Vec<u8>>) -> String {
    let mut text = format!("{HEAD}\n");
    for (path, content) in files {
        // A text cannot fail to be written.
        let _ = writeln!(text, "{} {}", hash_of(content), path.display());
    }
    text
}

/// What a list has. A path that leads out of the folder is none of ours.
fn listed(text: &str) -> BTreeMap<PathBuf, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    let pairs = pairs.filter(|(_, path)| !path.starts_with('/') && !path.split('/').any(|part| part == ".."));
    pairs.map(|(hash, path)| (path.into(), hash.to_owned())).collect()
}

fn hash_of(content: &[u8]) -> String {
    blake3::hash(content).to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_renewed_and_a_changed_one_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let sdk = folder.path().join("sdk");
        let refresh = || Sdk::Go.refresh(&sdk).expect("read and written");
        assert_eq!((refresh(), refresh()), (Refreshed::Written, Refreshed::Same));
        assert!(Sdk::Go.is_in(&sdk) && !Sdk::Js.is_in(&sdk));
        // As another version would have written it: one file is other, another is not there any more.
        let (own, gone) = (sdk.join("hive.go"), sdk.join("gone.go"));
        let older = |own: &str| {
            fs::write(sdk.join("hive.go"), own).expect("written");
            fs::write(sdk.join("gone.go"), "gone").expect("written");
            let mut files = Sdk::Go.files();
            files.insert("hive.go".into(), b"older".to_vec());
            files.insert("gone.go".into(), b"gone".to_vec());
            fs::write(sdk.join(LIST), list(&files)).expect("written");
        };
        older("older");
        assert_eq!((refresh(), refresh()), (Refreshed::Renewed, Refreshed::Same));
        assert!(!gone.exists() && fs::read(&own).expect("read") == Sdk::Go.files()[Path::new("hive.go")]);
        older("mine");
        assert_eq!(refresh(), Refreshed::Changed("hive.go".into()));
        assert_eq!(fs::read(&own).expect("read"), b"mine");
        fs::remove_file(sdk.join(LIST)).expect("removed");
        assert_eq!(refresh(), Refreshed::Unknown);
        fs::write(&own, &Sdk::Go.files()[Path::new("hive.go")]).expect("written");
        assert_eq!(refresh(), Refreshed::Same);
        assert!(Sdk::Go.is_in(&sdk));
    }

    #[test]
    fn a_list_leads_nowhere_else() {
        let found = listed("# head\n12 a/b\n34 ../x\n56 /etc/passwd\n78\n");
        assert_eq!(found, [("a/b".into(), "12".to_owned())].into());
    }
}
