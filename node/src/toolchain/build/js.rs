//! Handlers in JavaScript and TypeScript: esbuild makes one module of them, componentize-qjs a component of that.
//!
//! What it owns: which packages are used, and how they are called. Their errors are shown as they write them, but for advice
//! that does not help here. It must not know other languages.

mod lacking;
mod lent;
mod lines;
mod packages;
mod said;
mod types;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use lines::Lines;
use packages::Wanted;
use serde::{Deserialize, de::IgnoredAny};
use tokio::time::timeout;

use super::{
    BuildError,
    elsewhere::Read,
    project::{Language, Project, manifest, unreadable},
    shop::{Comes, Kit, Shop},
    stamp::short_hash,
    tool::{Tool, in_other_words, place},
    world,
};
use crate::units::duration_text;

/// What a project must depend on to be one.
const SDK: &str = "hive-guest";

/// Where packages are, in a project's folder or above it.
const MODULES: &str = "node_modules";

/// The packages that build, each pinned: what built yesterday builds today.
const PACKAGES: &[(&str, &str)] = &[("componentize-qjs", "0.4.5"), ("esbuild", "0.28.2")];

/// What is bundled, but for the module that is loaded first. The SDK is loaded before it: what is loaded later finds what that
/// adds to the engine.
const ENTRY: &str = "import \"hive-guest\";\nimport {{main}};\nexport { handler, snapshot, startup } from \"hive-guest/component\";\n";
/// What esbuild is told.
const BUNDLED: [&str; 13] = [
    "--bundle",
    "--format=esm",
    "--platform=neutral",
    "--main-fields=browser,module,main",
    "--conditions=hive-component,browser,import",
    "--external:hive:*",
    "--external:wasi:*",
    "--target=es2022",
    // Nobody runs the engine's queue of promises during a call: the SDK has one of its own, which functions find that are made
    // of generators.
    "--supported:async-await=false",
    "--log-level=warning",
    "--color=true",
    "--sourcemap=external",
    "--sources-content=false",
];
/// What componentize-qjs is told. The small interpreter takes a third longer for a call, and a third less to build, at each
/// change.
const COMPONENTIZED: [&str; 2] = ["--sync", "--opt-size"];

/// In the stamp: what is made in another way is built again.
static TOOLS: LazyLock<String> = LazyLock::new(|| {
    let (packages, told) =
        (format!("{PACKAGES:?} {:?}", types::PACKAGES), format!("{BUNDLED:?} {COMPONENTIZED:?}"));
    short_hash(&[&packages, ENTRY, &told, &lacking::json()])
});

/// What the first line of a bundle is before the lines are known.
const BANNER: &str = "// lines";

/// A project that takes longer to be loaded is not coming to an end.
const PATIENCE: Duration = Duration::from_secs(60);

const NODE: Tool = Tool {
    program: "node",
    why: "handlers in JavaScript are built with it",
    hint: "install Node.js 20 or later, from https://nodejs.org or your distribution's `nodejs`",
};
const NPM: Tool = Tool {
    program: "npm",
    why: "packages for JavaScript are installed with it",
    hint: "it comes with Node.js from https://nodejs.org; Debian has it as `npm`",
};
const NODE_LEAST: (u32, u32) = (18, 0);
/// It is called by its path.
const ESBUILD: Tool = Tool {
    program: "esbuild",
    why: "handlers in JavaScript are built with it",
    hint: "delete `tools` in your cache, so that it is installed anew",
};

/// What the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Js {
    /// The module that is loaded first.
    main: PathBuf,
    /// Where the SDK is, when the manifest names a folder.
    sdk: Option<PathBuf>,
    /// The other packages that it uses.
    dependencies: Wanted,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: String,
    version: Option<String>,
    main: Option<PathBuf>,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

impl Js {
    /// The project whose `package.json` is in a folder, if that depends on the SDK.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn read(root: &Path) -> Result<Option<Project>, BuildError> {
        let Some(text) = manifest(root, "package.json")? else { return Ok(None) };
        let file = root.join("package.json");
        let mut found: Manifest = serde_json::from_str(&text).map_err(|error| unreadable(&file, &error))?;
        let Some(sdk) = found.dependencies.remove(SDK) else { return Ok(None) };
        let main = found.main.unwrap_or_else(|| {
            let typed = Path::new("src/index.ts");
            if root.join(typed).is_file() { typed.into() } else { "src/index.js".into() }
        });
        let js = Self {
            main,
            sdk: sdk.strip_prefix("file:").map(PathBuf::from),
            dependencies: found.dependencies,
        };
        let version = found.version.unwrap_or_else(|| "0.0.0".into());
        Ok(Some(Project::new(root, &found.name, &version, Language::Js(js))))
    }

    /// The SDK's folder, where it is one.
    #[must_use]
    pub fn sdk(&self, project: &Project) -> Option<PathBuf> {
        self.sdk.as_ref().map(|sdk| project.root.join(sdk))
    }

    /// The paths that the manifest names, and what is installed.
    #[must_use]
    pub fn named(&self, root: &Path) -> Vec<PathBuf> {
        let folders = self.dependencies.values().filter_map(|from| from.strip_prefix("file:"));
        let named = self.main.parent().into_iter().chain(folders.map(Path::new));
        named.map(Path::to_owned).chain(packages::lists(root)).collect()
    }

    /// What it is built with.
    #[must_use]
    pub fn tools(&self) -> &'static str {
        &TOOLS
    }

    /// Sees to what the project depends on.
    ///
    /// # Errors
    /// When its module is not there, or what it depends on cannot be installed.
    pub async fn prepare(&self, project: &Project, shop: &Shop<'_>) -> Result<(), BuildError> {
        let root = &project.root;
        if !root.join(&self.main).is_file() {
            let reason = format!("`main` is {}, which is not there", self.main.display());
            return Err(unreadable(&root.join("package.json"), &reason));
        }
        NODE.at_least(&["--version"], NODE_LEAST, root).await?;
        packages::see_to(&self.dependencies, project, shop).await?;
        let link = root.join(MODULES).join(SDK);
        match &self.sdk {
            // As npm would make it.
            Some(sdk) if !link.exists() => link_sdk(project, sdk, &link),
            _ => Ok(()),
        }
    }

    /// Writes the component to a file. Returns what was read for it.
    ///
    /// # Errors
    /// When a tool is missing or fails, or files cannot be written.
    pub async fn build(&self, project: &Project, shop: &Shop<'_>, to: &Path) -> Result<Read, BuildError> {
        let root = &project.root;
        let main = root.join(&self.main);
        let why = "handlers in JavaScript are built with it";
        let tools = kit(shop, PACKAGES, "what builds JavaScript", why).await?;
        let bundle = project.workshop().join("bundle.js");
        let bundling = self.bundle(project, &tools, &main, &bundle);
        let typed = main.extension().is_some_and(|extension| extension == "ts")
            && root.join("tsconfig.json").is_file();
        let (uses, read) = if typed {
            // Types are no reason to wait for, and nobody asks for those of what cannot be read.
            let (bundled, checked) = tokio::join!(bundling, types::check(root, shop));
            let ((uses, read), (packages, typed)) = (bundled?, checked?);
            lent::to(project, &esbuild(&tools), &packages)?;
            (uses, [read, typed].concat())
        } else {
            bundling.await?
        };
        // What the engine has for random begins in each instance where it was when the component was built.
        let uses = uses.iter().map(String::as_str).chain([world::RANDOM]).collect();
        let wit = world::write(project, &uses)?;
        let mut componentize = NODE.command(root);
        componentize.arg(bin(&tools, "componentize-qjs")).args(COMPONENTIZED);
        componentize.args(["--world", world::WORLD]).arg("--wit").arg(wit);
        componentize.arg("--js").arg(&bundle).arg("--output").arg(to);
        let sdk = self.sdk.as_ref().map(|sdk| sdk.to_string_lossy());
        let done = timeout(PATIENCE, NODE.compile(componentize, "componentize-qjs", root)).await;
        let done = done.map(|done| done.map(drop));
        let done = done.unwrap_or_else(|_| {
            let patience = duration_text(PATIENCE);
            let said = format!(
                "error: it is not loaded after {patience}: is there a loop at the top of a module?\n"
            );
            Err(BuildError::Failed { command: "componentize-qjs".into(), folder: root.clone(), said })
        });
        done.map_err(|error| in_other_words(error, |said| said::bare(said, sdk.as_deref())))?;
        Ok(read)
    }

    /// One module of the project's and the SDK's, which knows what its lines were before. Returns the interfaces that it uses,
    /// and the files that it is made of.
    async fn bundle(
        &self,
        project: &Project,
        tools: &Path,
        main: &Path,
        bundle: &Path,
    ) -> Result<(BTreeSet<String>, Vec<PathBuf>), BuildError> {
        let entry = project.workshop().join("entry.js");
        let imported = serde_json::to_string(&main.to_string_lossy()).unwrap_or_default();
        let text = ENTRY.replace("{{main}}", &imported);
        fs::write(&entry, text).map_err(|source| place(&entry, source))?;
        let define = |name: &str, value: &str| {
            format!("--define:{name}={}", serde_json::to_string(value).unwrap_or_default())
        };
        let mut esbuild = ESBUILD.command_of(&esbuild(tools), &project.root);
        esbuild.arg(&entry).args(BUNDLED);
        esbuild.arg(format!("--banner:js={BANNER}"));
        esbuild.arg(define("__HIVE_NAME__", &project.name));
        esbuild.arg(define("__HIVE_VERSION__", &project.version));
        esbuild.arg(format!("--define:__HIVE_LACKING__={}", lacking::json()));
        esbuild.arg(format!("--outfile={}", bundle.display()));
        let list = bundle.with_added_extension("inputs");
        esbuild.arg(format!("--metafile={}", list.display()));
        let done = ESBUILD.compile(esbuild, "esbuild", &project.root).await;
        done.map_err(|error| in_other_words(error, said::advised))?;
        let read: Inputs = fs::read(&list)
            .map_err(|source| place(&list, source))
            .and_then(|text| serde_json::from_slice(&text).map_err(|error| unreadable(&list, &error)))?;
        Ok((complete(project, bundle)?, read.inputs.into_keys().collect()))
    }
}

/// What esbuild says that it read, by paths from the project's folder on.
#[derive(Deserialize)]
struct Inputs {
    inputs: BTreeMap<PathBuf, IgnoredAny>,
}

/// Puts into the bundle's first line what the others were before, and takes out what it imports of the node's and does not
/// use. Returns the interfaces that are left.
fn complete(project: &Project, bundle: &Path) -> Result<BTreeSet<String>, BuildError> {
    let map = bundle.with_added_extension("map");
    let text = fs::read_to_string(&map).map_err(|source| place(&map, source))?;
    let lines = Lines::read(&text, &project.workshop(), &project.root);
    let lines = lines.map_err(|reason| unreadable(&map, &reason))?.literal();
    let text = fs::read_to_string(bundle).map_err(|source| place(bundle, source))?;
    let (text, uses) = without_unused(&text);
    let text = text.replacen(BANNER, &format!("const __HIVE_LINES__ = {lines};"), 1);
    fs::write(bundle, text).map_err(|source| place(bundle, source))?;
    Ok(uses)
}

/// A bundle, line for line, without the imports of interfaces whose names are not used; and the interfaces that are.
/// esbuild takes no import of a module that it does not see for useless.
fn without_unused(bundle: &str) -> (String, BTreeSet<String>) {
    let (mut text, mut uses) = (String::with_capacity(bundle.len()), BTreeSet::new());
    for line in bundle.lines() {
        let from = line.split_once("from \"hive:node/").and_then(|(_, from)| from.split('@').next());
        let name = line.strip_prefix("import * as ").and_then(|rest| rest.split(' ').next());
        match (from, name) {
            (Some(_), Some(name)) if !is_used(bundle, name) => {}
            (Some(interface), _) => {
                uses.insert(interface.to_owned());
                text.push_str(line);
            }
            (None, _) => text.push_str(line),
        }
        text.push('\n');
    }
    (text, uses)
}

/// Whether a name that is imported stands anywhere else, and not as that of a property.
fn is_used(bundle: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_$".contains(c);
    bundle.match_indices(name).any(|(at, _)| {
        let (before, after) =
            (bundle.get(..at).unwrap_or_default(), bundle.get(at + name.len()..).unwrap_or_default());
        let is_other = before.ends_with(|c: char| is_part(c) || c == '.')
            || after.starts_with(|c: char| is_part(c) || c == ':')
            || before.ends_with("import * as ")
            || before.ends_with("hive:node/");
        !is_other
    })
}

/// esbuild itself, in the package of this machine. npm has put a script before it that prints a stack of its own behind
/// every typo.
fn esbuild(tools: &Path) -> PathBuf {
    let packages = fs::read_dir(tools.join(MODULES).join("@esbuild")).into_iter().flatten().flatten();
    let mut programs = packages.map(|package| package.path().join("bin/esbuild"));
    programs.find(|program| program.is_file()).unwrap_or_else(|| bin(tools, "esbuild"))
}

fn link_sdk(project: &Project, sdk: &Path, link: &Path) -> Result<(), BuildError> {
    if !project.root.join(sdk).join("package.json").is_file() {
        let reason = format!("`{SDK}` is to be in {}, where it is not", sdk.display());
        return Err(unreadable(&project.root.join("package.json"), &reason));
    }
    link_to(sdk, link).map_err(|source| place(link, source))
}

/// Links a folder of a project, given from the project's folder, into its `node_modules`.
///
/// # Errors
/// When it cannot be written.
pub fn link_to(sdk: &Path, link: &Path) -> io::Result<()> {
    if let Some(modules) = link.parent() {
        fs::create_dir_all(modules)?;
    }
    if fs::symlink_metadata(link).is_ok() {
        // It leads nowhere.
        fs::remove_file(link)?;
    }
    std::os::unix::fs::symlink(Path::new("..").join(sdk), link)
}

/// Packages of npm in the cache.
async fn kit(
    shop: &Shop<'_>,
    packages: &[(&str, &str)],
    called: &str,
    why: &'static str,
) -> Result<PathBuf, BuildError> {
    let name: Vec<String> = packages.iter().map(|(name, version)| format!("{name}-{version}")).collect();
    let name = name.join("+").replace(['@', '/'], "");
    let kit = Kit { name, called: called.into(), why, comes: Comes::Installed };
    shop.kit(&kit, async |folder: &Path| {
        let pins: BTreeMap<&str, &str> = packages.iter().copied().collect();
        let manifest = serde_json::json!({ "private": true, "dependencies": pins });
        let file = folder.join("package.json");
        fs::write(&file, manifest.to_string()).map_err(|source| place(&file, source))?;
        let mut npm = NPM.command(folder);
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
        NPM.run(npm, "npm install", folder).await.map(drop)
    })
    .await
}

fn bin(kit: &Path, name: &str) -> PathBuf {
    kit.join(MODULES).join(".bin").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_that_is_not_used_leaves_an_empty_line() {
        let import =
            |name: &str, interface: &str| format!("import * as {name} from \"hive:node/{interface}@0.1.0\";");
        let (bus, timers, own) = (
            import("bus", "bus"),
            import("timers", "timers"),
            "import { get } from \"hive:node/secrets@0.1.0\";",
        );
        let rest = "var f = () => bus.publish({ timers: timers2.map((at) => at.timers.one) });";
        let (text, uses) = without_unused(&format!("// lines\n{bus}\n{timers}\n{own}\n{rest}\n"));
        assert_eq!(uses, ["bus", "secrets"].map(str::to_owned).into());
        assert_eq!(text, format!("// lines\n{bus}\n\n{own}\n{rest}\n"));
    }
}
