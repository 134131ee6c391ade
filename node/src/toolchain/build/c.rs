//! Handlers in C: zig's compiler, which brings its own library for WebAssembly, makes a module, which becomes a component
//! here.
//!
//! What it owns: which compiler is used, and how it is called. Its errors are shown as it writes them. It must not know
//! other languages.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tokio::process::Command;

use super::{
    BuildError, core,
    elsewhere::{Read, of_rules},
    project::{Language, MANIFEST, Project, manifest, unreadable},
    python::pip,
    shop::{Comes, Kit, Shop},
    stamp::short_hash,
    tool::{Tool, in_other_words, place},
};

/// What builds, pinned: what built yesterday builds today.
const ZIG: &str = "ziglang==0.17.1";

/// The world that handlers in C are.
const WORLD: &str = "plugin-with-startup-and-snapshot";

/// What a handler is: it has no `main`.
const MODEL: &str = "-mexec-model=reactor";

/// What the compiler is told before the project's own flags, which may take it back.
const FLAGS: [&str; 11] = [
    "-Os",
    // An `assert` is there to be true, and a trap names the function and the line.
    "-UNDEBUG",
    "-g",
    // In WebAssembly address 0 can be written to: that is a trap, as it is elsewhere.
    "-fsanitize=null",
    "-fsanitize-trap=null",
    // zig's own is 16 MiB, which every instance would have from its beginning.
    "-Wl,-z,stack-size=1048576",
    "-Wall",
    // What cannot be meant.
    "-Werror=return-type",
    "-Werror=format",
    "-Werror=implicit-function-declaration",
    "-fdiagnostics-color=always",
];

/// What the linker says when a project does not say what it wants.
const LACKING: &str = "undefined symbol: hive_plugin";

/// The SDK's own sources.
const SDK_SOURCES: [&str; 4] = ["hive.c", "json.c", "state.c", "bindings/handler.c"];

/// What the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct C {
    /// The files that are compiled; none: those of `src`.
    sources: Vec<PathBuf>,
    /// What the compiler is told besides.
    flags: Vec<String>,
    /// Where the SDK is.
    sdk: PathBuf,
    /// What it is built with: in the stamp.
    tools: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    c: Option<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    version: Option<String>,
    #[serde(default)]
    sources: Vec<PathBuf>,
    #[serde(default)]
    flags: Vec<String>,
    sdk: Option<PathBuf>,
}

impl C {
    /// The project whose `hive.toml` is in a folder, if that has a table `[c]`.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn read(root: &Path) -> Result<Option<Project>, BuildError> {
        let Some(text) = manifest(root, MANIFEST)? else { return Ok(None) };
        let file = root.join(MANIFEST);
        let found: Manifest = toml_edit::de::from_str(&text)
            .map_err(|error| unreadable(&file, &error.to_string().trim_end()))?;
        let Some(table) = found.c else { return Ok(None) };
        let c = Self {
            sources: table.sources,
            flags: table.flags,
            sdk: table.sdk.unwrap_or_else(|| ".hive/sdk".into()),
            tools: tools(),
        };
        let version = table.version.unwrap_or_else(|| "0.0.0".into());
        Ok(Some(Project::new(root, &table.name, &version, Language::C(c))))
    }

    /// The SDK's folder.
    #[must_use]
    pub fn sdk(&self, project: &Project) -> Option<PathBuf> {
        Some(project.root.join(&self.sdk))
    }

    /// The paths that the manifest names, and those that its flags may mean.
    #[must_use]
    pub fn named(&self) -> Vec<PathBuf> {
        let sources = if self.sources.is_empty() { vec!["src".into()] } else { self.sources.clone() };
        let flags = self.flags.iter().flat_map(|flag| [Some(flag.as_str()), flag.strip_prefix("-I")]);
        sources.into_iter().chain(flags.flatten().map(PathBuf::from)).collect()
    }

    /// What it is built with.
    #[must_use]
    pub fn tools(&self) -> &str {
        &self.tools
    }

    /// Writes the component to a file. Returns what was read for it.
    ///
    /// # Errors
    /// When the compiler is missing or fails, or what it makes is no handler.
    pub async fn build(&self, project: &Project, shop: &Shop<'_>, to: &Path) -> Result<Read, BuildError> {
        let root = &project.root;
        let (sources, sdk) = (self.sources(project)?, root.join(&self.sdk));
        let module = project.module();
        let define = |name: &str, value: &str| format!("-D{name}=\"{}\"", value.replace(['"', '\\'], ""));
        let told = async |model: &[&str]| {
            let mut zig = compiler(shop, root).await?;
            zig.args(["cc", "-target", "wasm32-wasi"]).args(model).args(FLAGS);
            // Messages of `assert` name files as they are called in the project.
            zig.arg(format!("-fmacro-prefix-map={}/=", root.display()));
            // Traps tell the SDK's functions from the handler's by this, wherever the SDK is.
            zig.arg(format!("-fdebug-prefix-map={}=/sdk", sdk.display()));
            zig.args(&self.flags);
            zig.arg(define("HIVE_NAME", &project.name)).arg(define("HIVE_VERSION", &project.version));
            zig.arg("-I").arg(&sdk).args(&sources);
            Ok::<_, BuildError>(zig)
        };
        let mut zig = told(&[MODEL]).await?;
        zig.args(SDK_SOURCES.map(|source| sdk.join(source))).arg("-o").arg(&module);
        let done = ZIG_TOOL.compile(zig, "zig cc", root).await;
        done.map_err(|error| in_other_words(error, advised))?;
        let mut list = told(&[]).await?;
        // zig gives its own library to nobody who only asks: what is not found stands in the list by its name.
        list.args(["-MM", "-MG", "-w"]);
        let read = of_rules(&ZIG_TOOL.asked(list, root).await);
        let bytes = fs::read(&module).map_err(|source| place(&module, source))?;
        let component = core::component(bytes, &shop.wit()?, Some(WORLD));
        let component = component.map_err(|reason| BuildError::NoHandler { folder: root.clone(), reason })?;
        fs::write(to, component).map_err(|source| place(to, source))?;
        Ok(read)
    }

    fn sources(&self, project: &Project) -> Result<Vec<PathBuf>, BuildError> {
        let manifest = project.root.join(MANIFEST);
        if !project.root.join(&self.sdk).join("hive.h").is_file() {
            let reason = format!("the SDK is to be in {}, where it is not", self.sdk.display());
            return Err(unreadable(&manifest, &reason));
        }
        if !self.sources.is_empty() {
            return Ok(self.sources.clone());
        }
        let entries = fs::read_dir(project.root.join("src")).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path());
        let mut found: Vec<PathBuf> =
            files.filter(|file| file.extension().is_some_and(|end| end == "c")).collect();
        found.sort();
        if found.is_empty() {
            return Err(unreadable(&manifest, &"there is no file `*.c` in src, and no `sources` are named"));
        }
        Ok(found)
    }
}

/// What zig says, and where a project does not say what it wants, how to.
fn advised(said: &str) -> String {
    if !said.contains(LACKING) {
        return said.to_owned();
    }
    let rest = said.split_inclusive('\n').filter(|line| !line.contains(LACKING));
    let cure = "error: no source has `void hive_plugin(void)`, which says what the plugin wants: define it, with \
                `hive_answer(\"channel\", handler);` and its like in it\n";
    rest.chain([cure]).collect()
}

/// In the stamp: what is made in another way is built again.
fn tools() -> String {
    let (flags, sources) = (FLAGS.join(" "), SDK_SOURCES.join(" "));
    short_hash(&[ZIG, WORLD, MODEL, &flags, &sources, &core::adapter_hash()])
}

/// zig, which is installed here, or in the cache. What it has compiled of its own library it keeps in the cache, too.
async fn compiler(shop: &Shop<'_>, root: &Path) -> Result<Command, BuildError> {
    let kit = Kit {
        name: ZIG.replace("==", "-"),
        called: "zig".into(),
        why: "handlers in C are built with its compiler",
        comes: Comes::Installed,
    };
    let site = shop.kit(&kit, async |folder: &Path| pip(folder, &[ZIG.into()], folder).await).await?;
    let mut zig = ZIG_TOOL.command_of(&site.join("ziglang/zig"), root);
    let objects = shop.folder("zig")?;
    zig.env("ZIG_GLOBAL_CACHE_DIR", &objects).env("ZIG_LOCAL_CACHE_DIR", &objects);
    Ok(zig)
}

/// It is called by its path.
const ZIG_TOOL: Tool = Tool {
    program: "zig",
    why: "handlers in C are built with it",
    hint: "delete `tools` in your cache, so that it is installed anew",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_project_lacks_is_said_once_and_with_a_cure() {
        let said = advised(&"wasm-ld: error: hive.o: undefined symbol: hive_plugin\n".repeat(5));
        assert!(said.starts_with("error: no source has `void hive_plugin(void)`"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let other = "wasm-ld: error: handler.o: undefined symbol: lost\n";
        assert_eq!(advised(other), other);
    }
}
