//! From folders of sources to components: which language each is, its tools, and what came out.
//!
//! Exists so that `build` and `dev` say the same. It must not know how a language is built: that is a file each.

pub mod c;
mod core;
mod elsewhere;
pub mod go;
pub mod js;
pub mod own;
pub mod project;
pub mod python;
pub mod rust;
pub mod shop;
mod stamp;
pub mod tool;
mod world;

use std::{
    collections::BTreeMap,
    fs, io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
};

use futures_util::{StreamExt as _, stream};

use project::Project;
use shop::{Said, Shop};

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// What the project is called, and so the plugin.
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
    /// Whether a folder may be without a handler: something else of it runs.
    pub may_be_none: bool,
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
    /// A tool is too old.
    #[error("`{tool}` is of version {found}; {least} or later is needed")]
    TooOld {
        /// The program.
        tool: &'static str,
        /// Its version.
        found: String,
        /// What would do.
        least: String,
        /// How to get it.
        hint: &'static str,
    },
    /// Something is not installed, and must not be.
    #[error("{what} is not installed, and {why}")]
    NotInstalled {
        /// What people call it.
        what: String,
        /// What it is needed for.
        why: &'static str,
        /// What to do.
        hint: String,
    },
    /// There is no place for what projects share.
    #[error("there is no place for the languages' tools: neither $XDG_CACHE_HOME nor $HOME is set")]
    NoCache,
    /// A project's manifest cannot be read, or names what is not there.
    #[error("{}: {reason}", .file.display())]
    Manifest {
        /// The manifest.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There are more files than sources have.
    #[error(
        "there are more than {} files in {}, most of them in {}: that is more than sources have",
        stamp::FILES_MAX, .folder.display(), .most.display()
    )]
    TooMany {
        /// Where.
        folder: PathBuf,
        /// Where most of them are.
        most: PathBuf,
    },
    /// A program of the project's cannot be run.
    #[error("cannot run {program}: {reason}")]
    CannotRun {
        /// What was to be run.
        program: String,
        /// Why it was not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// The target's standard library is missing and must not or cannot be added.
    #[error("Rust's standard library for {target} is not installed{why}", target = rust::TARGET)]
    NoTarget {
        /// Why it was not added.
        why: String,
        /// What to do.
        hint: String,
    },
    /// A tool ran and failed.
    #[error("`{command}` failed for {}", .folder.display())]
    Failed {
        /// What was run.
        command: String,
        /// Where.
        folder: PathBuf,
        /// What it said; empty: that is on stderr already.
        said: String,
    },
    /// A package has native code, which nothing in a component can load.
    #[error("{place}: {package} cannot be loaded: it has native code ({file}), which is not WebAssembly")]
    Native {
        /// Where it is wanted: a file, and its line.
        place: String,
        /// The package with its version.
        package: String,
        /// The file in it.
        file: String,
    },
    /// A package is there as sources alone, and what is made of them is not for the Python inside.
    #[error(
        "`{package}` cannot be installed: it has no wheel for Python {}, and what its sources make is for this machine's \
         Python alone, as native code is",
        python::INSIDE
    )]
    NoWheel {
        /// The package, with the versions that would do.
        package: String,
    },
    /// What was built is no handler.
    #[error("what was built in {} is no handler: {reason}", .folder.display())]
    NoHandler {
        /// Where.
        folder: PathBuf,
        /// What it lacks.
        reason: String,
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
            Self::Folder { folder, source } if source.kind() == io::ErrorKind::NotFound => {
                let folder = folder.display();
                Some(format!(
                    "name a folder that is there, or `hive-node new {folder} --lang LANGUAGE` makes it"
                ))
            }
            Self::Folder { source, .. } if source.kind() == io::ErrorKind::NotADirectory => {
                Some("name the project's folder, or one above it".into())
            }
            Self::Nothing(folder) if has_components(folder) => Some(format!(
                "its components are built already: `hive-node run --plugins {0}` runs them, and `hive-node test FILE` tries \
                 one",
                folder.display()
            )),
            Self::Nothing(_) => Some(
                "`hive-node new NAME --lang LANGUAGE` makes one to begin with; any other language is built by a command of its \
                 own: [plugin] in hive.toml (node/docs/languages.md)"
                    .into(),
            ),
            Self::NoTool { hint, .. } | Self::TooOld { hint, .. } => Some((*hint).to_owned()),
            Self::NoTarget { hint, .. } | Self::NotInstalled { hint, .. } | Self::CannotRun { hint, .. } => {
                Some(hint.clone())
            }
            Self::TooMany { .. } => Some(
                "what is no source can be outside of the project, or in a folder whose name begins with a dot".into(),
            ),
            Self::Native { .. } | Self::NoWheel { .. } => Some(
                "packages that are Python alone work; those of the project are the `dependencies` of pyproject.toml. What \
                 needs native code can be a process: `exec` in the plugin's section of the configuration"
                    .into(),
            ),
            Self::Failed { command, said, .. } if command.starts_with("python3 -m pip") => {
                python::advice(said).map(str::to_owned)
            }
            Self::SameName { .. } => Some("give one of the two packages another name".into()),
            _ => None,
        }
    }
}

/// What came of building some folders.
#[derive(Debug, Default)]
pub struct Built {
    /// The components, by name.
    pub artifacts: Vec<Artifact>,
    /// Why there are not more.
    pub failures: Vec<BuildError>,
    /// Files and folders outside of the projects' own that these are made of, whether they were built or not.
    pub elsewhere: Vec<PathBuf>,
}

/// What is built in one go: what a toolchain of its own looks after, or a project of ours.
enum Task {
    Rust(rust::Project),
    Ours(Box<Project>),
}

/// Who hears of each project, while others are still being built.
#[derive(Clone, Copy)]
pub struct Heard<'h> {
    /// It is built.
    pub built: &'h (dyn Fn(&[Artifact]) -> Result<(), BuildError> + Sync),
    /// It is not: that does not keep the others from being built.
    pub failed: &'h (dyn Fn(&BuildError) + Sync),
}

/// Builds every handler in the folders, each project once, several at a time. `say` is told what is done beside building.
/// What cannot be built keeps nothing else from it.
///
/// # Errors
/// When a folder cannot be read or has nothing to build, two components have one name, or who heard of one has an error.
pub async fn build(
    folders: &[PathBuf],
    options: Options,
    say: &(dyn Fn(Said<'_>) + Sync),
    heard: Heard<'_>,
) -> Result<Built, BuildError> {
    let shop = Shop::open(options, say)?;
    let (tasks, mut failures) = find(folders, options).await?;
    distinct(&tasks)?;
    failures.iter().for_each(heard.failed);
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut done = stream::iter(tasks).map(|task| task.run(&shop)).buffer_unordered(cores);
    let (mut artifacts, mut elsewhere) = (Vec::new(), Vec::new());
    while let Some(built) = done.next().await {
        if !built.artifacts.is_empty() {
            (heard.built)(&built.artifacts)?;
        }
        built.failures.iter().for_each(heard.failed);
        artifacts.extend(built.artifacts);
        failures.extend(built.failures);
        elsewhere.extend(built.elsewhere);
    }
    artifacts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Built { artifacts, failures, elsewhere })
}

impl Task {
    /// What its components will be called, each with its sources.
    fn names(&self) -> Vec<(&str, &Path)> {
        match self {
            Self::Rust(project) => project.packages().collect(),
            Self::Ours(project) => vec![(&project.name, &project.root)],
        }
    }

    async fn run(self, shop: &Shop<'_>) -> Built {
        match self {
            Self::Rust(project) => rust::build(&project, shop)
                .await
                .unwrap_or_else(|error| Built { failures: vec![error], ..Built::default() }),
            Self::Ours(project) => {
                let (artifacts, failures) = match project.build(shop).await {
                    Ok(artifact) => (vec![artifact], Vec::new()),
                    Err(error) => (Vec::new(), vec![error]),
                };
                Built { artifacts, failures, elsewhere: project.elsewhere() }
            }
        }
    }
}

/// What there is to build in the folders, and what is wrong there.
async fn find(folders: &[PathBuf], options: Options) -> Result<(Vec<Task>, Vec<BuildError>), BuildError> {
    let (mut crates, mut projects, mut failures) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for folder in folders {
        let unreadable = |source| BuildError::Folder { folder: folder.clone(), source };
        fs::read_dir(folder).map_err(unreadable)?;
        let folder = folder.canonicalize().map_err(unreadable)?;
        let known = failures.len();
        let ours = project::find(&folder, &mut failures);
        let has_crates = rust::find(&folder, &mut crates, &mut failures).await;
        let is_none = !has_crates && ours.is_empty() && failures.len() == known;
        if is_none && !options.may_be_none {
            return Err(BuildError::Nothing(folder));
        }
        projects.extend(ours.into_iter().map(|project| (project.root.clone(), project)));
    }
    let crates = crates.into_values().map(Task::Rust);
    let tasks = crates.chain(projects.into_values().map(|project| Task::Ours(Box::new(project))));
    Ok((tasks.collect(), failures))
}

/// The handlers in a folder and below, by name, each with the folder of its sources. What cannot be read is none.
pub async fn handlers(folder: &Path) -> Vec<(String, PathBuf)> {
    let options = Options { install: false, may_be_none: true };
    let (tasks, _) = find(&[folder.to_owned()], options).await.unwrap_or_default();
    let named = tasks.iter().flat_map(Task::names);
    named.map(|(name, sources)| (name.to_owned(), sources.to_owned())).collect()
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

fn has_components(folder: &Path) -> bool {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|file| file.path()).any(|file| file.extension().is_some_and(|end| end == "wasm"))
}

/// Two of one name would be one plugin: that is said before either is built.
fn distinct(tasks: &[Task]) -> Result<(), BuildError> {
    let mut known = BTreeMap::new();
    for (name, sources) in tasks.iter().flat_map(Task::names) {
        if let Some(one) = known.insert(name, sources) {
            let (one, other) = (one.to_owned(), sources.to_owned());
            return Err(BuildError::SameName { name: name.to_owned(), one, other });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
