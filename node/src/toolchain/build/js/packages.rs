//! The packages that a project depends on: whether those are installed that its manifest wants, and npm when they are not.
//!
//! Exists because npm leaves what it was told the last time, and what it had done when it was ended. It must not know how
//! packages are built in.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{MODULES, NPM};
use crate::toolchain::build::{BuildError, project::Project, shop::Shop, tool::place};

/// What npm writes when it is done, of what there is then.
const LIST: &str = ".package-lock.json";

/// The packages that a project wants, each with its version or where it comes from.
pub type Wanted = BTreeMap<String, String>;

/// For what packages were installed, beside the component.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// What the manifest wanted; none: npm was begun and has not come to its end.
    wanted: Option<Wanted>,
    /// What npm had written then.
    lists: Vec<String>,
}

/// What npm has written of the packages of a project: in its own folder, or above it in that of a workspace.
pub fn lists(root: &Path) -> Vec<PathBuf> {
    let files = root.ancestors().map(|folder| folder.join(MODULES).join(LIST));
    files.filter(|file| file.is_file()).collect()
}

/// Has npm install what a project wants, unless that is there.
///
/// # Errors
/// When it must not or cannot be installed.
pub async fn see_to(wanted: &Wanted, project: &Project, shop: &Shop<'_>) -> Result<(), BuildError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let file = project.workshop().join("packages.json");
    if let Some(package) = lacking(wanted, project, &file) {
        if !shop.installs() {
            return Err(BuildError::NotInstalled {
                what: format!("the package `{package}`"),
                why: "the project depends on it",
                hint: format!("run `npm install` in {}", project.root.display()),
            });
        }
        shop.say(&format!("`{}` needs packages; running `npm install`", project.name));
        write(&file, &Record { wanted: None, lists: hashes(&project.root) })?;
        let mut npm = NPM.command(&project.root);
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        let npm = NPM.run(npm, "npm install", &project.root);
        shop.installing("packages", &project.root.join(MODULES), npm).await?;
    }
    write(&file, &Record { wanted: Some(wanted.clone()), lists: hashes(&project.root) })
}

/// A package that is not there as it is wanted, if there is one.
fn lacking<'w>(wanted: &'w Wanted, project: &Project, file: &Path) -> Option<&'w String> {
    let is_there = |name: &&String| {
        project.root.ancestors().any(|folder| folder.join(MODULES).join(name.as_str()).exists())
    };
    if let Some(missing) = wanted.keys().find(|name| !is_there(name)) {
        return Some(missing);
    }
    let record: Record = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    if record.lists != hashes(&project.root) {
        // Somebody has run npm since.
        return None;
    }
    let installed = record.wanted.unwrap_or_default();
    wanted.iter().find(|(name, version)| installed.get(*name) != Some(version)).map(|(name, _)| name)
}

/// Of what npm has written, which is nobody's but npm's to read.
fn hashes(root: &Path) -> Vec<String> {
    let read = lists(root).into_iter().filter_map(|file| fs::read(file).ok());
    read.map(|text| blake3::hash(&text).to_hex().to_string()).collect()
}

fn write(file: &Path, record: &Record) -> Result<(), BuildError> {
    let text = serde_json::to_string(record).unwrap_or_default();
    fs::write(file, text).map_err(|source| place(file, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain::build::project;

    #[test]
    fn what_is_lacking_is_told_from_what_somebody_has_installed() {
        let parent = tempfile::tempdir().expect("a folder");
        let root = parent.path().join("a");
        fs::create_dir_all(root.join(MODULES).join("one")).expect("made");
        fs::write(root.join("package.json"), r#"{"dependencies": {"hive-guest": "*"}}"#).expect("written");
        let projects = project::find(&root, &mut Vec::new());
        let file = root.join("record");
        let wanted = |version: &str| Wanted::from([("one".to_owned(), version.to_owned())]);
        let lacks = |wanted: &Wanted| lacking(wanted, &projects[0], &file).is_some();
        let record = |wanted: Option<Wanted>| {
            write(&file, &Record { wanted, lists: hashes(&root) }).expect("written");
        };
        assert!(!lacks(&wanted("1")), "installed by hand");
        record(Some(wanted("1")));
        assert!(!lacks(&wanted("1")) && lacks(&wanted("2")));
        fs::write(root.join(MODULES).join(LIST), "another").expect("written");
        assert!(!lacks(&wanted("2")), "installed by hand since");
        record(None);
        assert!(lacks(&wanted("2")), "npm was ended");
        record(Some(wanted("2")));
        let both = Wanted::from([("one".to_owned(), "2".to_owned()), ("two".to_owned(), "1".to_owned())]);
        assert!(lacks(&both));
        fs::create_dir_all(parent.path().join(MODULES).join("two")).expect("made");
        fs::write(parent.path().join(MODULES).join(LIST), "above").expect("written");
        assert!(!lacks(&both), "it is above, as in a workspace");
    }
}
