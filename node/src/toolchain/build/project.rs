//! Projects of the languages whose tools do not look after themselves: found by their marks, built when something changed.
//!
//! What it owns: the walk through folders, a project's name, and where its component is. What is done to make one is a
//! file a language.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

use super::{
    Artifact, BuildError,
    c::C,
    elsewhere,
    go::Go,
    js::Js,
    own::Own,
    python::Python,
    shop::{Shop, lock},
    stamp,
    tool::{place, remove},
};
use crate::{
    toolchain::sdk::{self, Sdk},
    watch::is_skipped,
};

/// Folders below a given one that are searched for projects.
pub const DEPTH_MAX: usize = 4;

/// The manifest of projects in languages that have none of their own.
pub const MANIFEST: &str = "hive.toml";

/// Where a project keeps what is made for it.
const OWN_FOLDER: &str = ".hive";

/// A folder that becomes one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder.
    pub root: PathBuf,
    /// What the plugin will be called.
    pub name: String,
    /// What it says its version is.
    pub version: String,
    /// What it is written in.
    pub language: Language,
}

/// What a project is written in, and what its manifest says beside its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Language {
    /// JavaScript or TypeScript.
    Js(Js),
    /// Python.
    Python(Python),
    /// C.
    C(C),
    /// Go.
    Go(Go),
    /// Whatever its own command takes.
    Own(Own),
}

/// The projects in a folder and below, but below a `Cargo.toml`: what lies there is cargo's, and the rest is meant only
/// where it is named. A manifest that is wrong is added to the failures.
pub fn find(folder: &Path, failures: &mut Vec<BuildError>) -> Vec<Project> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        match read(&folder) {
            Ok(None) => {}
            Ok(Some(project)) => {
                found.push(project);
                continue;
            }
            Err(error) => {
                failures.push(error);
                continue;
            }
        }
        if depth == DEPTH_MAX || folder.join("Cargo.toml").is_file() {
            continue;
        }
        open.extend(below(&folder).map(|path| (path, depth + 1)));
    }
    found.sort_by(|a, b| a.root.cmp(&b.root));
    found
}

/// A folder, and those below in which projects are looked for, as far as they have a file.
#[must_use]
pub fn folders_with(dir: &Path, file: &str) -> Vec<PathBuf> {
    let Ok(dir) = dir.canonicalize() else { return Vec::new() };
    let (mut found, mut open) = (Vec::new(), vec![(dir, 0)]);
    while let Some((folder, depth)) = open.pop() {
        if depth < DEPTH_MAX {
            open.extend(below(&folder).map(|path| (path, depth + 1)));
        }
        if folder.join(file).is_file() {
            found.push(folder);
        }
    }
    found.sort();
    found
}

/// Folders of a folder that may hold sources.
pub fn below(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).filter(|path| !is_skipped(path))
}

/// The project whose manifest is in a folder, if there is one.
fn read(root: &Path) -> Result<Option<Project>, BuildError> {
    // What says itself how it is built is not built in another way.
    for read in [Own::read, Js::read, Python::read, C::read, Go::read] {
        if let Some(project) = read(root)? {
            return Ok(Some(project));
        }
    }
    Ok(None)
}

/// The text of a manifest; none: there is no such file.
pub fn manifest(root: &Path, name: &str) -> Result<Option<String>, BuildError> {
    let file = root.join(name);
    match fs::read_to_string(&file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&file, &error)),
    }
}

/// What is wrong with a manifest.
pub fn unreadable(file: &Path, reason: &dyn std::fmt::Display) -> BuildError {
    BuildError::Manifest { file: file.into(), reason: reason.to_string() }
}

impl Project {
    /// A project whose manifest says this name and version.
    #[must_use]
    pub fn new(root: &Path, name: &str, version: &str, language: Language) -> Self {
        Self { root: root.into(), name: plugin_name(name), version: version.into(), language }
    }

    /// Where what is made on the way is, and the component.
    #[must_use]
    pub fn workshop(&self) -> PathBuf {
        self.root.join(OWN_FOLDER).join("build")
    }

    /// Where a compiler leaves the module that becomes the component. No project's name begins with a dot, so that none has
    /// its component there.
    #[must_use]
    pub fn module(&self) -> PathBuf {
        self.workshop().join(".core.wasm")
    }

    /// Makes the component, unless it is there and nothing changed.
    ///
    /// # Errors
    /// When a tool is missing or fails, or files cannot be read or written.
    pub async fn build(&self, shop: &Shop<'_>) -> Result<Artifact, BuildError> {
        let workshop = self.workshop();
        let (component, stamp_file) =
            (workshop.join(&self.name).with_added_extension("wasm"), workshop.join("stamp"));
        let artifact =
            Artifact { name: self.name.clone(), file: component.clone(), sources: self.root.clone() };
        let is_built = |stamp: &str| {
            component.is_file() && fs::read_to_string(&stamp_file).is_ok_and(|last| last == stamp)
        };
        self.see_to_sdk(shop).await?;
        let stamp = self.stamp()?;
        if is_built(&stamp) {
            return Ok(artifact);
        }
        // Another program may be at it, as `dev` is when something was saved: its component is this one's, too.
        let waiting = format!("waiting for another build of `{}`", self.name);
        let _lock = shop.making(&waiting, lock(&workshop.join("project"))).await?;
        if is_built(&stamp) {
            return Ok(artifact);
        }
        fs::create_dir_all(&workshop).map_err(|source| place(&workshop, source))?;
        // What that brings is in the stamp.
        match &self.language {
            Language::Js(js) => js.prepare(self, shop).await?,
            Language::Python(python) => python.prepare(self, shop).await?,
            _ => {}
        }
        let stamp = self.stamp()?;
        if is_built(&stamp) {
            return Ok(artifact);
        }
        shop.say(&format!("building `{}`", self.name));
        let (begun, at) = (Instant::now(), SystemTime::now());
        let fresh = workshop.join(&self.name).with_added_extension("wasm.new");
        let making = async {
            match &self.language {
                Language::Js(js) => js.build(self, shop, &fresh).await,
                Language::Python(python) => python.build(self, shop, &fresh).await,
                Language::C(c) => c.build(self, shop, &fresh).await,
                Language::Go(go) => go.build(self, shop, &fresh).await,
                Language::Own(own) => own.build(self, shop, &fresh).await.map(|()| Vec::new()),
            }
        };
        let read = shop.making(&format!("building `{}`", self.name), making).await?;
        // Whoever is ended from here on leaves a component that is built again.
        remove(&stamp_file)?;
        fs::rename(&fresh, &component).map_err(|source| place(&component, source))?;
        // What was saved meanwhile may be in it or not.
        let is_same = self.stamp()? == stamp;
        if elsewhere::remember(self, read, at)? && is_same {
            fs::write(&stamp_file, self.stamp()?).map_err(|source| place(&stamp_file, source))?;
        }
        shop.say(&format!("built `{}` in {:.1} s", self.name, begun.elapsed().as_secs_f64()));
        Ok(artifact)
    }

    /// The SDK in the project's own folder is this program's afterwards, where nobody has changed it.
    async fn see_to_sdk(&self, shop: &Shop<'_>) -> Result<(), BuildError> {
        let (sdk, folder) = match &self.language {
            Language::Js(js) => (Sdk::Js, js.sdk(self)),
            Language::Python(python) => (Sdk::Python, python.sdk(self)),
            Language::C(c) => (Sdk::C, c.sdk(self)),
            Language::Go(go) => (Sdk::Go, go.sdk(self)),
            Language::Own(_) => return Ok(()),
        };
        // Another folder is somebody's own.
        let is_own = |folder: &Path| folder.components().eq(self.root.join(sdk::FOLDER).components());
        match folder.filter(|folder| is_own(folder)) {
            Some(folder) => shop.see_to_sdk(&self.name, sdk, &folder).await,
            None => Ok(()),
        }
    }

    /// What it is made of outside of its folder, as far as its manifest says so, or its tools did.
    #[must_use]
    pub fn elsewhere(&self) -> Vec<PathBuf> {
        let parts = self.parts().into_iter().filter_map(|part| part.canonicalize().ok());
        parts.filter(|part| !part.starts_with(&self.root)).collect()
    }

    fn stamp(&self) -> Result<String, BuildError> {
        let (sdk, tools) = match &self.language {
            Language::Js(js) => (js.sdk(self), js.tools()),
            Language::Python(python) => (python.sdk(self), python.tools()),
            Language::C(c) => (c.sdk(self), c.tools()),
            Language::Go(go) => (go.sdk(self), go.tools()),
            Language::Own(own) => (None, own.tools()),
        };
        let sdk = sdk.filter(|sdk| sdk.is_dir());
        let (mut parts, mut tops) = (self.parts(), vec![self.root.clone()]);
        parts.extend(sdk.clone());
        tops.extend(sdk);
        stamp::of(&parts, &tops, &[self.name.as_str(), self.version.as_str(), tools])
    }

    /// The files and folders that it is built of, but its SDK.
    fn parts(&self) -> Vec<PathBuf> {
        let named = match &self.language {
            Language::Own(own) => return own.sources(self),
            Language::Js(js) => js.named(&self.root),
            Language::Python(python) => python.named(&self.root),
            Language::C(c) => c.named(),
            Language::Go(go) => go.named(),
        };
        let mut parts = vec![self.root.clone()];
        // What is not there is said by whoever looks for it.
        for path in named.into_iter().filter_map(|path| self.root.join(path).canonicalize().ok()) {
            match self.root.starts_with(&path) {
                false => parts.push(path),
                true if path == self.root => {}
                // Folders beside the project are others'.
                true => parts.extend(files_in(&path)),
            }
        }
        parts.extend(elsewhere::remembered(self));
        parts
    }
}

fn files_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_file())
}

/// A manifest's name as a file's: `@team/greeter` is `greeter`.
fn plugin_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let letter = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let text: String = last.chars().map(letter).collect();
    let text = text.trim_matches(|c| c == '.' || c == '-').to_owned();
    if text.is_empty() { "handler".into() } else { text }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::toolchain::build::{Options, shop::Said};

    #[test]
    fn projects_are_found_by_their_marks_and_others_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let file = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        file(
            "a/package.json",
            r#"{"name": "@team/greet", "dependencies": {"hive-guest": "file:.hive/sdk"}}"#,
        );
        file("a/node_modules/x/package.json", r#"{"dependencies": {"hive-guest": "*"}}"#);
        file("web/package.json", r#"{"name": "web", "dependencies": {}}"#);
        file("deep/b/pyproject.toml", "[project]\nname = \"sums\"\nversion = \"2.0\"\n[tool.hive]\n");
        file("crates/Cargo.toml", "[workspace]\n");
        file("crates/x/package.json", r#"{"name": "x", "dependencies": {"hive-guest": "*"}}"#);
        file("other/pyproject.toml", "[project]\nname = \"other\"\n");
        let (mut failures, mut wrong) = (Vec::new(), Vec::new());
        let found = find(root, &mut failures);
        let names: Vec<_> = found.iter().map(|found| (found.name.as_str(), found.version.as_str())).collect();
        assert_eq!(names, [("greet", "0.0.0"), ("sums", "2.0")]);
        file("a/package.json", "{");
        let left = find(root, &mut wrong);
        assert!(failures.is_empty() && left.len() == 1 && left[0].name == "sums", "{left:?}");
        let [broken] = &wrong[..] else { panic!("{wrong:?}") };
        assert!(broken.to_string().contains("package.json: EOF"), "{broken}");
    }

    #[test]
    fn names_are_fit_for_files() {
        for (name, want) in [("@team/greet", "greet"), ("a b", "a-b"), ("../..", "handler"), ("v1.2", "v1.2")]
        {
            assert_eq!(plugin_name(name), want);
        }
    }

    /// A project whose component is made of nothing.
    fn own(root: &Path) -> Project {
        let build = r#"["sh", "-c", "printf '\\0asm\\15\\0\\1\\0' > $HIVE_OUT"]"#;
        let text = format!("[plugin]\nname = \"own\"\nbuild = {build}\nsources = [\"hive.toml\"]\n");
        fs::write(root.join(MANIFEST), text).expect("written");
        find(root, &mut Vec::new()).pop().expect("a project")
    }

    #[tokio::test]
    async fn who_waits_for_another_build_says_so() {
        const PATIENCE: Duration = Duration::from_secs(30);
        let root = tempfile::tempdir().expect("a folder");
        let project = own(root.path());
        let (told, mut heard) = tokio::sync::mpsc::channel(16);
        let say = |said: Said<'_>| {
            let (Said::Fact(text) | Said::Progress(text)) = said;
            let _ = told.try_send(text.to_owned());
        };
        let shop = Shop::open(Options { install: false, may_be_none: false }, &say).expect("a place");
        let lock = lock(&project.workshop().join("project")).await.expect("a lock");
        let waits = async {
            let said = tokio::time::timeout(PATIENCE, heard.recv()).await.expect("a word").expect("a text");
            assert!(said.starts_with("waiting for another build of `own`: "), "{said}");
            drop(lock);
        };
        let (built, ()) = tokio::join!(project.build(&shop), waits);
        built.expect("built");
    }

    #[test]
    fn what_the_manifest_names_elsewhere_is_among_the_parts() {
        let parent = tempfile::tempdir().expect("a folder");
        let parent = parent.path().canonicalize().expect("a path");
        let (root, lib) = (parent.join("a"), parent.join("lib"));
        for folder in [&root, &lib] {
            fs::create_dir(folder).expect("made");
        }
        fs::write(parent.join("x.c"), "").expect("written");
        let check = |name: &str, text: &str, want: &[&Path]| {
            fs::write(root.join(name), text).expect("written");
            let project = find(&root, &mut Vec::new()).pop().expect("a project");
            let mut parts = project.parts();
            parts.retain(|part| *part != root);
            assert_eq!(parts, want, "{text}");
            fs::remove_file(root.join(name)).expect("removed");
        };
        check("hive.toml", "[c]\nname = 'a'\nsources = ['../x.c']\n", &[&parent.join("x.c")]);
        check("hive.toml", "[c]\nname = 'a'\nflags = ['-I../lib', '-Wall']\n", &[&lib]);
        check("hive.toml", "[c]\nname = 'a'\nflags = ['-I', '..']\n", &[&parent.join("x.c")]);
        check("pyproject.toml", "[tool.hive]\npath = ['.', '../lib']\n", &[&lib]);
        check("pyproject.toml", "[project]\ndependencies = ['../lib']\n[tool.hive]\npath = '.'\n", &[&lib]);
        let package = |rest: &str| format!(r#"{{"dependencies": {{"hive-guest": "*" {rest}"#);
        check("package.json", &package(r#"}, "main": "../lib/index.js"}"#), &[&lib]);
        check("package.json", &package(r#", "x": "file:../lib", "y": "^1"}, "main": "x.js"}"#), &[&lib]);
        check("go.mod", "module a\nrequire hive-guest v0.0.0\nreplace b => ../lib\n", &[&lib]);
    }
}
