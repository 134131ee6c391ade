//! From folders of sources to components: which language each is, its tools, and what came out.
//!
//! Exists so that `build` and `dev` say the same. It must not know how a language is built: that is a file each.

pub mod rust;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The file's name without `.wasm`: what the plugin will be called.
    pub name: String,
    /// The component.
    pub file: PathBuf,
    /// The folder of its sources.
    pub sources: PathBuf,
}

/// How to build.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether what is missing of a toolchain may be added.
    pub install: bool,
}

/// Why nothing, or not all, was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A folder is not there or cannot be read.
    #[error("cannot read {}: {source}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing to build in it.
    #[error("there is no handler to build in {}", .0.display())]
    Nothing(PathBuf),
    /// Two components want one file.
    #[error("two handlers are called `{name}`: {} and {}", .one.display(), .other.display())]
    SameName {
        /// The name.
        name: String,
        /// The sources of one.
        one: PathBuf,
        /// The sources of the other.
        other: PathBuf,
    },
    /// A tool is not installed.
    #[error("`{tool}` is not installed, and {why}")]
    NoTool {
        /// The program.
        tool: &'static str,
        /// What it is needed for.
        why: &'static str,
        /// How to get it.
        hint: &'static str,
    },
    /// The target's standard library is missing and must not or cannot be added.
    #[error("Rust's standard library for {target} is not installed{why}", target = rust::TARGET)]
    NoTarget {
        /// Why it was not added.
        why: String,
        /// What to do.
        hint: String,
    },
    /// A tool ran and failed; what it said is on stderr already.
    #[error("`{command}` failed for {}", .folder.display())]
    Failed {
        /// What was run.
        command: String,
        /// Where.
        folder: PathBuf,
    },
    /// A tool ran and said what cannot be read.
    #[error("cannot read what `{command}` said: {reason}")]
    Unreadable {
        /// What was run.
        command: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A component cannot be put where it belongs.
    #[error("cannot write {}: {source}", .file.display())]
    Place {
        /// Where it belongs.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl BuildError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Nothing(_) => Some(
                "a handler in Rust is a crate with `crate-type = [\"cdylib\"]` that depends on `hive-guest`"
                    .into(),
            ),
            Self::NoTool { hint, .. } => Some((*hint).to_owned()),
            Self::NoTarget { hint, .. } => Some(hint.clone()),
            Self::SameName { .. } => Some("give one of the two packages another name".into()),
            _ => None,
        }
    }
}

/// Builds every handler in the folders, each project once. The tools write to stderr as they like; `say` is told what
/// is done beside building.
///
/// # Errors
/// At the first tool that fails or is missing, or when there is nothing to build in a folder.
pub async fn build(
    folders: &[PathBuf],
    options: Options,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Artifact>, BuildError> {
    let mut artifacts = Vec::new();
    for project in rust::find(folders).await? {
        artifacts.extend(rust::build(&project, options, say).await?);
    }
    unique(artifacts)
}

/// Copies components into a folder under their names, each at once: a watcher never sees a half of one.
///
/// # Errors
/// When a file cannot be read or written.
pub fn place(artifacts: &[Artifact], folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut placed = Vec::new();
    for artifact in artifacts {
        let file = folder.join(&artifact.name).with_added_extension("wasm");
        let beside = folder.join(format!(".{}.wasm.new", artifact.name));
        let copied = fs::copy(&artifact.file, &beside).and_then(|_| fs::rename(&beside, &file));
        copied.map_err(|source| BuildError::Place { file: file.clone(), source })?;
        placed.push(file);
    }
    Ok(placed)
}

/// Sorted by name; one component that was found by two folders is one.
fn unique(artifacts: Vec<Artifact>) -> Result<Vec<Artifact>, BuildError> {
    let mut by_name: BTreeMap<String, Artifact> = BTreeMap::new();
    for artifact in artifacts {
        match by_name.get(&artifact.name) {
            Some(other) if other.file != artifact.file => {
                let (one, other) = (other.sources.clone(), artifact.sources);
                return Err(BuildError::SameName { name: artifact.name, one, other });
            }
            Some(_) => {}
            None => drop(by_name.insert(artifact.name.clone(), artifact)),
        }
    }
    Ok(by_name.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(name: &str, file: &str) -> Artifact {
        Artifact { name: name.into(), file: file.into(), sources: Path::new("src").join(file) }
    }

    #[test]
    fn two_components_of_one_name_are_refused() {
        let (one, other) = (artifact("greet", "one.wasm"), artifact("greet", "other.wasm"));
        assert_eq!(
            unique(vec![one.clone(), one.clone()]).expect("one component"),
            std::slice::from_ref(&one)
        );
        let error = unique(vec![one, other]).expect_err("two components");
        assert_eq!(error.to_string(), "two handlers are called `greet`: src/one.wasm and src/other.wasm");
    }

    #[test]
    fn a_component_is_placed_under_its_name_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let (built, plugins) = (folder.path().join("a.v2.out"), folder.path().join("plugins"));
        fs::write(&built, b"x").expect("written");
        fs::create_dir(&plugins).expect("made");
        let artifact = Artifact { name: "a.v2".into(), file: built, sources: "src".into() };
        let placed = place(&[artifact], &plugins).expect("placed");
        assert_eq!(placed, [plugins.join("a.v2.wasm")]);
        assert_eq!(fs::read_dir(&plugins).expect("a folder").count(), 1);
    }
}
