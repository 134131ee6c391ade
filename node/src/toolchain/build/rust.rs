//! Handlers in Rust: finds crates and workspaces, sees to the target, and has cargo build them.
//!
//! What it owns: how cargo is called. Its errors are shown as cargo writes them. It must not know other languages.

mod heard;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use heard::{Heard, heard};

use serde::Deserialize;

use super::{
    Artifact, BuildError, Built,
    elsewhere::{of_rules, outside},
    project::{DEPTH_MAX, below},
    shop::{Shop, lock},
    tool::Tool,
};
use crate::toolchain::sdk::{self, Sdk};

/// What handlers are built for: a standard library with WASI 0.2, and a linker that emits components.
pub const TARGET: &str = "wasm32-wasip2";

/// What users set for the code of their machine, such as its linker, is not meant for WebAssembly.
const HOST_FLAGS: [&str; 3] = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS"];

/// Whether cargo writes in colours, which it does not of itself where it is heard.
const COLOUR: &str = "CARGO_TERM_COLOR";

const CARGO: Tool = rust("cargo");
const RUSTC: Tool = rust("rustc");
const RUSTUP: Tool = rust("rustup");

const fn rust(program: &'static str) -> Tool {
    Tool { program, why: "handlers in Rust are built with it", hint: "install Rust from https://rustup.rs" }
}

/// What cargo builds in one call: a workspace, or a crate that is none's member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The workspace's folder.
    root: PathBuf,
    /// Its packages that are handlers and were asked for, with their folders.
    packages: BTreeMap<String, Member>,
}

/// A package that is a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    folder: PathBuf,
    /// What cargo calls it: a name may be that of a dependency, too, as `serde`.
    id: String,
}

impl Project {
    /// Its handlers, with their folders.
    pub fn packages(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.packages.iter().map(|(name, member)| (name.as_str(), member.folder.as_path()))
    }
}

/// Finds the projects with handlers in a folder and adds them to those that are known, by their workspaces. Returns
/// whether there is any. A manifest that cargo cannot read is added to the failures.
pub async fn find(
    folder: &Path,
    known: &mut BTreeMap<PathBuf, Project>,
    failures: &mut Vec<BuildError>,
) -> bool {
    let mut found = false;
    for manifest in manifests(folder).iter().filter(|manifest| may_be_handler(manifest)) {
        let metadata = match metadata(manifest).await {
            Ok(metadata) => metadata,
            Err(error) => {
                let is_cargo_missing = matches!(error, BuildError::NoTool { .. });
                failures.push(error);
                if is_cargo_missing {
                    break;
                }
                continue;
            }
        };
        let packages = metadata.handlers_in(folder);
        if packages.is_empty() {
            continue;
        }
        found = true;
        let root = metadata.workspace_root;
        let project = Project { root: root.clone(), packages: BTreeMap::new() };
        known.entry(root).or_insert(project).packages.extend(packages);
    }
    found
}

/// Whether cargo is asked about a manifest: it says itself that it is a handler's, or of a workspace that may have some.
fn may_be_handler(manifest: &Path) -> bool {
    let text = fs::read_to_string(manifest);
    text.map_or(true, |text| text.contains("cdylib") || text.contains("[workspace"))
}

/// Builds one project's handlers. One that does not compile keeps no other from it.
///
/// # Errors
/// When the target is missing and cannot be added, or there is no cargo.
pub async fn build(project: &Project, shop: &Shop<'_>) -> Result<Built, BuildError> {
    for (package, folder) in project.packages() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        if manifest.contains(sdk::FOLDER) {
            shop.see_to_sdk(package, Sdk::Rust, &folder.join(sdk::FOLDER)).await?;
        }
    }
    see_to_target(&project.root, shop).await?;
    let mut cargo = CARGO.command(&project.root);
    cargo.args(["build", "--release", "--keep-going", "--target", TARGET]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    for flags in HOST_FLAGS {
        cargo.env_remove(flags);
    }
    if env::var_os(COLOUR).is_none() {
        // What it says is heard before it is shown, and loses its colours there where they are not wanted.
        cargo.env(COLOUR, "always");
    }
    for member in project.packages.values() {
        cargo.args(["--package", &member.id]);
    }
    let begun = Instant::now();
    let hear = |text: &str| anstream::eprint!("{}", shown(text, project, shop));
    let building = CARGO.run_heard(cargo, "cargo build", &project.root, hear);
    let (output, failure) =
        shop.making(&format!("building {}", names(project.packages.keys())), building).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let built: Vec<_> = text.lines().filter_map(|line| artifact(line, &project.packages)).collect();
    let new: Vec<_> =
        built.iter().filter(|(_, is_fresh)| !is_fresh).map(|(artifact, _)| &artifact.name).collect();
    if !new.is_empty() {
        shop.say(&format!("built {} in {:.1} s", names(new), begun.elapsed().as_secs_f64()));
    }
    let artifacts: Vec<Artifact> = built.into_iter().map(|(artifact, _)| artifact).collect();
    let elsewhere = artifacts.iter().flat_map(read_elsewhere).collect();
    Ok(Built { artifacts, failures: failure.into_iter().collect(), elsewhere })
}

/// What of cargo's lines is shown as cargo writes it. What it says of the handlers is said.
fn shown(text: &str, project: &Project, shop: &Shop<'_>) -> String {
    let is_shown = |line: &&str| match heard(line, project.packages()) {
        Heard::Building(name) => {
            shop.say(&format!("building `{name}`"));
            false
        }
        Heard::Done => false,
        Heard::Other => true,
    };
    text.split_inclusive('\n').filter(is_shown).collect()
}

fn names<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
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
        open.extend(below(&folder).map(|path| (path, depth + 1)));
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
    id: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

impl Target {
    fn is_handler(&self) -> bool {
        self.crate_types.iter().any(|kind| kind == "cdylib")
    }
}

impl Metadata {
    /// The packages below a folder that become components.
    fn handlers_in(&self, folder: &Path) -> BTreeMap<String, Member> {
        let is_handler = |package: &&Package| {
            package.manifest_path.starts_with(folder) && package.targets.iter().any(Target::is_handler)
        };
        let member = |package: &Package| {
            let folder = package.manifest_path.parent().unwrap_or(folder).to_path_buf();
            (package.name.clone(), Member { folder, id: package.id.clone() })
        };
        self.packages.iter().filter(is_handler).map(member).collect()
    }
}

async fn metadata(manifest: &Path) -> Result<Metadata, BuildError> {
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let mut cargo = CARGO.command(folder);
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = CARGO.compile(cargo, "cargo metadata", folder).await?;
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
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    /// Whether it was there already.
    #[serde(default)]
    fresh: bool,
}

/// The component of a package that was asked for, and whether it was there already. It is called as the package is: cargo's
/// own file has `_` for `-`.
fn artifact(line: &str, packages: &BTreeMap<String, Member>) -> Option<(Artifact, bool)> {
    let message: Message = serde_json::from_str(line).ok()?;
    if message.reason != "compiler-artifact" || !message.target?.is_handler() {
        return None;
    }
    let manifest = message.manifest_path?;
    let (name, Member { folder, .. }) =
        packages.iter().find(|(_, member)| manifest.parent() == Some(member.folder.as_path()))?;
    let file =
        message.filenames.into_iter().find(|file| file.extension().is_some_and(|ext| ext == "wasm"))?;
    Some((Artifact { name: name.clone(), file, sources: folder.clone() }, message.fresh))
}

/// What cargo says beside a component that it was made of.
fn read_elsewhere(artifact: &Artifact) -> BTreeSet<PathBuf> {
    let rules = fs::read_to_string(artifact.file.with_extension("d")).unwrap_or_default();
    outside(&artifact.sources, of_rules(&rules))
}

/// The target's standard library is there afterwards.
async fn see_to_target(folder: &Path, shop: &Shop<'_>) -> Result<(), BuildError> {
    let mut rustc = RUSTC.command(folder);
    rustc.args(["--print", "sysroot"]);
    let output = RUSTC.run(rustc, "rustc --print sysroot", folder).await?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let is_there = || sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir();
    if is_there() {
        return Ok(());
    }
    let add = format!("rustup target add {TARGET}");
    if !shop.installs() {
        let hint = format!("run `{add}`, or leave out `--no-install`");
        return Err(BuildError::NoTarget { why: String::new(), hint });
    }
    // It does not work twice at a time.
    let _lock = lock(&shop.folder("rust")?.join("target")).await?;
    if is_there() {
        return Ok(());
    }
    shop.say(&format!("Rust's standard library for {TARGET} is missing; running `{add}`"));
    let mut rustup = RUSTUP.command(folder);
    rustup.args(["target", "add", TARGET]);
    match shop.making(&format!("running `{add}`"), RUSTUP.compile(rustup, &add, folder)).await {
        Ok(_) => Ok(()),
        Err(BuildError::NoTool { .. }) => Err(BuildError::NoTarget {
            why: ", and there is no `rustup` to add it with".into(),
            hint: format!(
                "install it from where your Rust comes from (its package is often called rust-std-{TARGET}), or install \
                 Rust from https://rustup.rs"
            ),
        }),
        Err(BuildError::Failed { said, .. }) => Err(BuildError::NoTarget {
            why: format!(", and `{add}` failed"),
            hint: format!("it is to be added once; rustup said\n{}", said.trim_end()),
        }),
        Err(error) => Err(error),
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
        fs::write(root.join("target/CACHEDIR.TAG"), "").expect("written");
        let mut found = BTreeMap::new();
        let mut failures = Vec::new();
        assert!(find(&root, &mut found, &mut failures).await);
        let names: Vec<_> = found
            .values()
            .map(|project| (project.root.clone(), project.packages.keys().cloned().collect::<Vec<_>>()))
            .collect();
        let alone = (root.join("alone"), vec!["alone".to_owned()]);
        assert_eq!(names, [alone, (team.clone(), vec!["greet".to_owned()])]);
        // Asked for again, it is the same project.
        assert!(find(&team.join("greet"), &mut found, &mut failures).await);
        assert!(!find(&team.join("shared"), &mut found, &mut failures).await);
        assert!(found.len() == 2 && failures.is_empty(), "{failures:?}");
    }

    #[test]
    fn an_artifact_is_a_component_of_a_package_that_was_asked_for() {
        let member = Member { folder: "/w/greet".into(), id: "path+file:///w/greet#greet-me@0.1.0".into() };
        let packages = [("greet-me".to_owned(), member)].into();
        let kind = |kind: &str, manifest: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","target":{{"crate_types":["{kind}"]}},"filenames":["/t/x.rlib","{file}"]}}"#
            )
        };
        let line = |manifest: &str, file: &str| kind("cdylib", manifest, file);
        let built = line("/w/greet/Cargo.toml", "/t/greet_me.wasm");
        let (found, is_fresh) = artifact(&built, &packages).expect("an artifact");
        assert_eq!((found.name.as_str(), found.sources), ("greet-me", PathBuf::from("/w/greet")));
        assert!(!is_fresh);
        let fresh = built.replacen('{', r#"{"fresh":true,"#, 1);
        assert!(artifact(&fresh, &packages).is_some_and(|(_, is_fresh)| is_fresh));
        assert_eq!(artifact(&kind("bin", "/w/greet/Cargo.toml", "/t/tool.wasm"), &packages), None);
        assert_eq!(artifact(&line("/w/other/Cargo.toml", "/t/other.wasm"), &packages), None);
        assert_eq!(artifact(&line("/w/greet/Cargo.toml", "/t/greet.so"), &packages), None);
        assert_eq!(artifact("Compiling", &packages), None);
    }
}
