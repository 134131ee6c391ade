//! Handlers in Python: each is loaded into an interpreter that componentize-py made a component of.
//!
//! What it owns: a project's folders, and the words for what fails. Their errors are shown as they write them. It must not
//! know other languages.

mod base;
mod door;
mod load;
mod packages;
mod read;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde::Deserialize;

use base::{Base, Parts};
use load::{LoadError, Loading, load};
use packages::{CHOOSING, LIST, Native, Natives, installed, local, native};
pub use packages::{INSIDE, advice, pip};

use super::{
    BuildError,
    elsewhere::Read,
    project::{Language, Project, manifest, unreadable},
    shop::{Comes, Kit, Shop},
    stamp::short_hash,
    tool::{Tool, place, version},
    world,
};

/// What builds, pinned: what built yesterday builds today.
const COMPONENTIZE: &str = "componentize-py==0.25.1";
/// Interfaces that a component imports only where a source has one of these words, which are how the SDK calls what they
/// are for. Somebody may mean something else by them; that brings an interface too many.
const NAMED: [(&str, &[&str]); 1] = [("secrets", &["secret"])];
/// Those that it imports whatever the sources have, as most come to use them: each set takes an interpreter of its own, which is
/// half a minute in the middle of somebody's work.
const USUAL: [&str; 2] = ["state", "timers"];

/// The module that ties the project and the SDK together. Not a name that anybody uses.
const ENTRY: &str = "hive_entry";
/// Its source, but for what the project says.
const ENTRY_SOURCE: &str = include_str!("python/entry.py.in");
/// Where packages are installed.
const SITE: &str = ".hive/site";

/// In the stamp: what is made in another way is built again.
static TOOLS: LazyLock<String> = LazyLock::new(|| {
    let interfaces = format!("{NAMED:?} {USUAL:?} {:?}", world::ALWAYS);
    short_hash(&[COMPONENTIZE, ENTRY_SOURCE, base::SOURCE, door::DOOR, CHOOSING, INSIDE, &interfaces])
});

/// Files of a project's folder that are not its own, as `compileall` takes them.
const NOT_ITS_OWN: &str = r"/(\.[^./]|venv/|node_modules/)";

/// What it says before the name of a native module, and the place that wants it.
const REFUSES: &str = "hive-native ";

const PYTHON: Tool = Tool {
    program: "python3",
    why: "handlers in Python are built with it",
    hint: "install Python 3.10 or later with pip, from https://python.org or as `python3-pip` of your distribution",
};
const PYTHON_LEAST: (u32, u32) = (3, 10);

/// What the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// The module that is loaded first.
    module: String,
    /// Where modules are; the first that is loaded is in the first.
    path: Vec<PathBuf>,
    /// Where the SDK is.
    sdk: PathBuf,
    /// The packages that it uses, as pip takes them.
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    project: About,
    #[serde(default)]
    tool: Tools,
}

#[derive(Default, Deserialize)]
struct About {
    #[serde(default)]
    name: String,
    version: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Tools {
    hive: Option<Hive>,
}

/// `[tool.hive]`: what makes a project a handler.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hive {
    module: Option<String>,
    path: Option<Folders>,
    sdk: Option<PathBuf>,
}

/// A folder, or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`path` is a folder, or a list of folders")]
enum Folders {
    One(PathBuf),
    Several(Vec<PathBuf>),
}

impl Python {
    /// The project whose `pyproject.toml` is in a folder, if that has a table `[tool.hive]`.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn read(root: &Path) -> Result<Option<Project>, BuildError> {
        let Some(text) = manifest(root, "pyproject.toml")? else { return Ok(None) };
        let file = root.join("pyproject.toml");
        let found: Manifest = toml_edit::de::from_str(&text)
            .map_err(|error| unreadable(&file, &error.to_string().trim_end()))?;
        let Some(hive) = found.tool.hive else { return Ok(None) };
        let path = match hive.path {
            Some(Folders::Several(folders)) if folders.is_empty() => {
                return Err(unreadable(&file, &"`path` of [tool.hive] names no folder"));
            }
            Some(Folders::Several(folders)) => folders,
            Some(Folders::One(folder)) => vec![folder],
            None if root.join("src").is_dir() => vec!["src".into()],
            None => vec![".".into()],
        };
        let is_sdk = |text: &String| !text.starts_with("hive-guest");
        let python = Self {
            module: hive.module.unwrap_or_else(|| "app".into()),
            path,
            sdk: hive.sdk.unwrap_or_else(|| ".hive/sdk".into()),
            dependencies: found.project.dependencies.into_iter().filter(is_sdk).collect(),
        };
        let version = found.project.version.unwrap_or_else(|| "0.0.0".into());
        Ok(Some(Project::new(root, &found.project.name, &version, Language::Python(python))))
    }

    /// The SDK's folder.
    #[must_use]
    pub fn sdk(&self, project: &Project) -> Option<PathBuf> {
        Some(project.root.join(&self.sdk))
    }

    /// The paths that the manifest names, and what says which packages are installed: those that are gone come again.
    #[must_use]
    pub fn named(&self, root: &Path) -> Vec<PathBuf> {
        let packages = self.dependencies.iter().filter_map(|dependency| local(root, dependency));
        let list = (!self.dependencies.is_empty()).then(|| root.join(SITE).join(LIST));
        self.path.iter().cloned().chain(packages).chain(list).collect()
    }

    /// What it is built with.
    #[must_use]
    pub fn tools(&self) -> &'static str {
        &TOOLS
    }

    /// Installs its packages.
    ///
    /// # Errors
    /// When a tool is missing or fails, or they must not be installed.
    pub async fn prepare(&self, project: &Project, shop: &Shop<'_>) -> Result<(), BuildError> {
        self.check(project)?;
        installed(project, &self.dependencies, shop).await.map(drop)
    }

    /// Writes the component to a file. Returns what was read for it.
    ///
    /// # Errors
    /// When a tool is missing or fails, or files cannot be written.
    pub async fn build(&self, project: &Project, shop: &Shop<'_>, to: &Path) -> Result<Read, BuildError> {
        let root = &project.root;
        let host = PYTHON.at_least(&["--version"], PYTHON_LEAST, root).await?;
        // An older one does not know all that the Python inside takes.
        if host >= version(INSIDE) {
            self.check_syntax(project).await?;
        }
        let packages = installed(project, &self.dependencies, shop).await?;
        let native = packages.as_deref().map(native).unwrap_or_default();
        let (entry, sdk) = (project.workshop().join("python"), root.join(&self.sdk));
        self.write_entry(project, &native, &entry)?;
        let uses = self.uses(project, packages.as_deref());
        let wit = world::write(project, &uses)?;
        let base = Base::with(&Parts { sdk: &sdk, wit: &wit, uses: &uses }, shop).await?;
        let packages = packages.unwrap_or_else(|| base.nothing());
        let [first, others @ ..] = &self.path[..] else { return Ok(Vec::new()) };
        let places = [entry, root.join(first), sdk, packages].into_iter();
        let places = places.chain(others.iter().map(|folder| root.join(folder))).enumerate();
        let folders = base.folders().chain(places.map(|(place, folder)| (folder, place.to_string())));
        let loading = Loading {
            interpreter: base.component(),
            cache: shop.folder("python")?,
            folders: folders.collect(),
            to: to.into(),
        };
        match load(loading).await {
            Ok(said) => {
                let (said, read) = read::of(said);
                anstream::eprint!("{said}");
                Ok(read)
            }
            Err(LoadError::Place { file, source }) => Err(place(&file, source)),
            Err(LoadError::Refused(said)) => {
                let command = format!("import {}", self.module);
                let error = BuildError::Failed { command, folder: root.clone(), said };
                Err(self.refused(project, &native, error))
            }
        }
    }

    /// An import that fails for native code is said without Python's many words.
    fn refused(&self, project: &Project, native: &Natives, error: BuildError) -> BuildError {
        let BuildError::Failed { said, .. } = &error else { return error };
        let words = said.rsplit_once(REFUSES).map(|(_, rest)| rest.split_whitespace());
        let Some((Some(module), place)) = words.map(|mut words| (words.next(), words.next())) else {
            return error;
        };
        let Some(Native { package, file }) = native.get(module).cloned() else { return error };
        let source = project.root.join(place.unwrap_or_default());
        BuildError::Native { place: source.display().to_string(), package, file }
    }

    /// The interfaces of the node that its sources may use, and those of packages that know the SDK.
    fn uses(&self, project: &Project, site: Option<&Path>) -> BTreeSet<&'static str> {
        let read = |folder: &Path| -> Vec<String> {
            let files = world::files(folder, "py");
            // What cannot be read is not loaded either, and that is said then.
            files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
        };
        let mut sources: Vec<_> =
            self.path.iter().flat_map(|folder| read(&project.root.join(folder))).collect();
        let packages = site.map(read).unwrap_or_default();
        sources.extend(packages.into_iter().filter(|text| world::mentions(text, &["hive"])));
        // An older SDK of a project's own imports all of them.
        let sdk = fs::read_to_string(project.root.join(&self.sdk).join("hive/component.py"));
        let is_older = !sdk.is_ok_and(|text| world::mentions(&text, &["ImportError"]));
        let is_named = |words: &[&str]| is_older || sources.iter().any(|text| world::mentions(text, words));
        let named = NAMED.into_iter().filter(|(_, words)| is_named(words));
        world::ALWAYS.into_iter().chain(USUAL).chain(named.map(|(interface, _)| interface)).collect()
    }

    /// What is named is there.
    fn check(&self, project: &Project) -> Result<(), BuildError> {
        let manifest = project.root.join("pyproject.toml");
        if let Some(none) = self.path.iter().find(|folder| !project.root.join(folder).is_dir()) {
            let reason = format!("`path` of [tool.hive] has {}, which is no folder", none.display());
            return Err(unreadable(&manifest, &reason));
        }
        let path = project.root.join(self.path.first().map_or(Path::new("."), PathBuf::as_path));
        let file = path.join(self.module.replace('.', "/"));
        if !file.with_added_extension("py").is_file() && !file.join("__init__.py").is_file() {
            let reason =
                format!("[tool.hive] has `module = \"{}\"`, which is not in {}", self.module, path.display());
            return Err(unreadable(&manifest, &reason));
        }
        if !project.root.join(&self.sdk).join("hive/__init__.py").is_file() {
            let reason = format!("the SDK is to be in {}, where it is not", self.sdk.display());
            return Err(unreadable(&manifest, &reason));
        }
        Ok(())
    }

    /// Python's own word on a typo, before the interpreter is started in a component, which takes seconds.
    async fn check_syntax(&self, project: &Project) -> Result<(), BuildError> {
        let mut python = PYTHON.command(&project.root);
        let cache = project.workshop().join("pycache");
        python.env("PYTHONPYCACHEPREFIX", cache);
        python.args(["-m", "compileall", "-q", "-x", NOT_ITS_OWN]).args(&self.path);
        PYTHON.compile_aloud(python, "python3 -m compileall", &project.root).await.map(drop)
    }

    fn write_entry(&self, project: &Project, native: &Natives, folder: &Path) -> Result<(), BuildError> {
        let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let shown = |path: &PathBuf| match path.to_string_lossy() {
            path if path == "." => String::new(),
            path => format!("{}/", path.trim_end_matches('/')),
        };
        let sources: Vec<String> = self.path.iter().map(shown).collect();
        let source = ENTRY_SOURCE
            .replace("{{module}}", &self.module)
            .replace("{{name}}", &text(&project.name))
            .replace("{{version}}", &text(&project.version))
            .replace("{{sources}}", &serde_json::to_string(&sources).unwrap_or_default())
            .replace(
                "{{native}}",
                &serde_json::to_string(&native.keys().collect::<Vec<_>>()).unwrap_or_default(),
            );
        fs::create_dir_all(folder).map_err(|source| place(folder, source))?;
        let file = folder.join(ENTRY).with_added_extension("py");
        fs::write(&file, source).map_err(|source| place(&file, source))
    }
}

/// componentize-py in the cache.
async fn componentize(shop: &Shop<'_>) -> Result<PathBuf, BuildError> {
    let kit = Kit {
        name: COMPONENTIZE.replace("==", "-"),
        called: "componentize-py".into(),
        why: "handlers in Python are built with it",
        comes: Comes::Installed,
    };
    shop.kit(&kit, async |folder: &Path| pip(folder, &[COMPONENTIZE.into()], folder).await).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain::build::project;

    #[tokio::test]
    async fn the_syntax_of_what_is_the_projects_own_is_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("pyproject.toml", "[project]\nname = \"x\"\n[tool.hive]\n");
        write("app.py", "import hive\n");
        for elsewhere in [".hive/site/newer.py", ".venv/lib/newer.py", "venv/newer.py", "node_modules/x/x.py"]
        {
            write(elsewhere, "type = = int\n");
        }
        let found = project::find(folder.path(), &mut Vec::new());
        let Language::Python(python) = &found[0].language else { panic!("it is one in Python") };
        if PYTHON.at_least(&["--version"], PYTHON_LEAST, folder.path()).await.is_err() {
            return;
        }
        python.check_syntax(&found[0]).await.expect("the project's own is well");
        write("part/one.py", "x = (\n");
        let error = python.check_syntax(&found[0]).await.expect_err("it is not");
        let BuildError::Failed { said, .. } = error else { panic!("{error}") };
        assert!(said.contains("part/one.py") && !said.contains("newer.py"), "{said}");
    }
}
