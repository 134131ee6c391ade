//! Handlers in Rust: finds crates and workspaces, sees to the target, and has cargo build them.
//!
//! What it owns: how cargo is called. Its errors are shown as cargo writes them. It must not know other languages.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde::Deserialize;
use tokio::process::Command;

use super::{Artifact, BuildError, Options};
use crate::watch::is_skipped;

/// What handlers are built for: a standard library with WASI 0.2, and a linker that emits components.
pub const TARGET: &str = "wasm32-wasip2";

/// Folders below a given one that are searched for a `Cargo.toml`.
const DEPTH_MAX: usize = 4;

/// What cargo builds in one call: a workspace, or a crate that is none's member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The workspace's folder.
    root: PathBuf,
    /// Its packages that are handlers and were asked for, with their folders.
    packages: BTreeMap<String, PathBuf>,
}

/// Finds the projects with handlers in the folders.
///
/// # Errors
/// When a folder cannot be read, has no handler, or cargo cannot read a manifest.
pub async fn find(folders: &[PathBuf]) -> Result<Vec<Project>, BuildError> {
    let mut projects: BTreeMap<PathBuf, BTreeMap<String, PathBuf>> = BTreeMap::new();
    for folder in folders {
        let folder =
            folder.canonicalize().map_err(|source| BuildError::Folder { folder: folder.clone(), source })?;
        let mut found = false;
        for manifest in manifests(&folder) {
            let metadata = metadata(&manifest).await?;
            let packages = metadata.handlers_in(&folder);
            found |= !packages.is_empty();
            projects.entry(metadata.workspace_root).or_default().extend(packages);
        }
        if !found {
            return Err(BuildError::Nothing(folder));
        }
    }
    projects.retain(|_, packages| !packages.is_empty());
    Ok(projects.into_iter().map(|(root, packages)| Project { root, packages }).collect())
}

/// Builds one project's handlers.
///
/// # Errors
/// When the target is missing and cannot be added, or cargo fails.
pub async fn build(
    project: &Project,
    options: Options,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Artifact>, BuildError> {
    see_to_target(&project.root, options, say).await?;
    let mut cargo = tool("cargo", &project.root);
    cargo.args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    for package in project.packages.keys() {
        cargo.args(["--package", package]);
    }
    let output = run(cargo, "cargo build", &project.root).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| artifact(line, &project.packages)).collect())
}

/// Manifests in a folder, the topmost of each branch: a workspace's own manifest speaks for its members.
fn manifests(folder: &Path) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let manifest = folder.join("Cargo.toml");
        if manifest.is_file() {
            found.insert(manifest);
            continue;
        }
        if depth == DEPTH_MAX {
            continue;
        }
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let below = below.map(|entry| entry.path()).filter(|path| !is_skipped(path));
        open.extend(below.map(|path| (path, depth + 1)));
    }
    found.into_iter().collect()
}

/// What `cargo metadata` says, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

impl Metadata {
    /// The packages below a folder that become components.
    fn handlers_in(&self, folder: &Path) -> BTreeMap<String, PathBuf> {
        let is_handler = |package: &&Package| {
            package.manifest_path.starts_with(folder)
                && package.targets.iter().any(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
        };
        let with_folder = |package: &Package| {
            let folder = package.manifest_path.parent().unwrap_or(folder);
            (package.name.clone(), folder.to_path_buf())
        };
        self.packages.iter().filter(is_handler).map(with_folder).collect()
    }
}

async fn metadata(manifest: &Path) -> Result<Metadata, BuildError> {
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let mut cargo = tool("cargo", folder);
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = run(cargo, "cargo metadata", folder).await?;
    serde_json::from_slice(&output.stdout).map_err(|error| BuildError::Unreadable {
        command: "cargo metadata".into(),
        reason: error.to_string(),
    })
}

/// One line of cargo's messages, when it is about an artifact.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

fn artifact(line: &str, packages: &BTreeMap<String, PathBuf>) -> Option<Artifact> {
    let message: Message = serde_json::from_str(line).ok()?;
    if message.reason != "compiler-artifact" {
        return None;
    }
    let manifest = message.manifest_path?;
    let sources = packages.values().find(|folder| manifest.parent() == Some(folder.as_path()))?;
    let file =
        message.filenames.into_iter().find(|file| file.extension().is_some_and(|ext| ext == "wasm"))?;
    let name = file.file_stem()?.to_string_lossy().into_owned();
    Some(Artifact { name, file, sources: sources.clone() })
}

/// The target's standard library is there afterwards.
async fn see_to_target(
    folder: &Path,
    options: Options,
    say: &(dyn Fn(&str) + Sync),
) -> Result<(), BuildError> {
    let mut rustc = tool("rustc", folder);
    rustc.args(["--print", "sysroot"]);
    let output = run(rustc, "rustc --print sysroot", folder).await?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir() {
        return Ok(());
    }
    let add = format!("rustup target add {TARGET}");
    if !options.install {
        let hint = format!("run `{add}`, or leave out `--no-install`");
        return Err(BuildError::NoTarget { why: String::new(), hint });
    }
    say(&format!("Rust's standard library for {TARGET} is missing; running `{add}`"));
    let mut rustup = tool("rustup", folder);
    rustup.args(["target", "add", TARGET]);
    match run(rustup, &add, folder).await {
        Ok(_) => Ok(()),
        Err(BuildError::NoTool { .. }) => Err(BuildError::NoTarget {
            why: ", and there is no `rustup` to add it with".into(),
            hint: format!(
                "install it from where your Rust comes from (its package is often called rust-std-{TARGET}), or install \
                 Rust from https://rustup.rs"
            ),
        }),
        Err(_) => Err(BuildError::NoTarget {
            why: format!(", and `{add}` failed"),
            hint: "it needs a connection to static.rust-lang.org once".into(),
        }),
    }
}

/// A program of the toolchain, without what a cargo that started this program has set for its own build.
fn tool(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    for (name, _) in std::env::vars_os() {
        if is_leak(&name.to_string_lossy()) {
            command.env_remove(&name);
        }
    }
    command
}

/// Whether a variable was set for another build. Where toolchains live, which one is used and where results go stays.
fn is_leak(name: &str) -> bool {
    const KEPT: [&str; 5] =
        ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "CARGO_HTTP_PROXY", "CARGO_TERM_COLOR"];
    let cargos = name == "CARGO" || name.starts_with("CARGO_");
    let compilers = name.starts_with("RUSTC") || name.ends_with("RUSTFLAGS") || name == "RUSTDOC";
    let scripts =
        matches!(name, "TARGET" | "HOST" | "OUT_DIR" | "PROFILE" | "OPT_LEVEL" | "NUM_JOBS" | "DEBUG");
    (cargos && !KEPT.contains(&name)) || compilers || scripts
}

async fn run(mut command: Command, said: &str, folder: &Path) -> Result<Output, BuildError> {
    // What the tool says belongs to the person who watches; tokio's `output` alone would keep it.
    let child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
    let output = match child {
        Ok(child) => child.wait_with_output().await,
        Err(error) => Err(error),
    };
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing(said)),
        Err(source) => return Err(BuildError::Folder { folder: folder.into(), source }),
    };
    if output.status.success() {
        return Ok(output);
    }
    Err(BuildError::Failed { command: said.to_owned(), folder: folder.into() })
}

fn missing(command: &str) -> BuildError {
    let tool = match command.split_whitespace().next() {
        Some("rustc") => "rustc",
        Some("rustup") => "rustup",
        _ => "cargo",
    };
    BuildError::NoTool {
        tool,
        why: "handlers in Rust are built with it",
        hint: "install Rust from https://rustup.rs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(folder: &Path, name: &str, crate_type: &str) {
        let folder = folder.join(name);
        fs::create_dir_all(folder.join("src")).expect("made");
        fs::write(folder.join("src/lib.rs"), "").expect("written");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [lib]\ncrate-type = [\"{crate_type}\"]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).expect("written");
    }

    #[tokio::test]
    async fn handlers_are_found_in_workspaces_and_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a path");
        let team = root.join("team");
        project(&team, "greet", "cdylib");
        project(&team, "shared", "rlib");
        fs::write(
            team.join("Cargo.toml"),
            "[workspace]\nresolver = \"3\"\nmembers = [\"greet\", \"shared\"]\n",
        )
        .expect("written");
        project(&root, "alone", "cdylib");
        project(&root.join("target"), "built", "cdylib");
        let found = find(std::slice::from_ref(&root)).await.expect("projects");
        let names: Vec<_> = found
            .iter()
            .map(|project| (project.root.clone(), project.packages.keys().cloned().collect::<Vec<_>>()))
            .collect();
        let alone = (root.join("alone"), vec!["alone".to_owned()]);
        assert_eq!(names, [alone, (team.clone(), vec!["greet".to_owned()])]);
        let one = find(&[team.join("greet")]).await.expect("a project");
        assert_eq!((one.len(), &one[0].root), (1, &team));
        let none = find(&[team.join("shared")]).await.expect_err("no handler");
        assert!(matches!(none, BuildError::Nothing(_)), "{none}");
    }

    #[test]
    fn what_belongs_to_the_outer_build_is_not_handed_on() {
        for name in
            ["CARGO", "CARGO_MANIFEST_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "TARGET"]
        {
            assert!(is_leak(name), "{name}");
        }
        for name in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "PATH", "HOME", "CARGOES"] {
            assert!(!is_leak(name), "{name}");
        }
    }

    #[test]
    fn an_artifact_is_a_component_of_a_package_that_was_asked_for() {
        let packages = [("greet-me".to_owned(), PathBuf::from("/w/greet"))].into();
        let line = |manifest: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","filenames":["/t/x.rlib","{file}"]}}"#
            )
        };
        let found =
            artifact(&line("/w/greet/Cargo.toml", "/t/greet_me.wasm"), &packages).expect("an artifact");
        assert_eq!((found.name.as_str(), found.sources), ("greet_me", PathBuf::from("/w/greet")));
        assert_eq!(artifact(&line("/w/other/Cargo.toml", "/t/other.wasm"), &packages), None);
        assert_eq!(artifact(&line("/w/greet/Cargo.toml", "/t/greet.so"), &packages), None);
        assert_eq!(artifact("Compiling", &packages), None);
    }
}
