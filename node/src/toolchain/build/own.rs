//! Handlers in any other language: a command of the project's makes a module or a component.
//!
//! What it owns: what the command is told, and what becomes of what it leaves. It must not know any language.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, de::IgnoredAny};
use tokio::time::timeout;
use wasmparser::{Parser, Payload};

use super::{
    BuildError, core,
    project::{Language, MANIFEST, Project, manifest, unreadable},
    shop::Shop,
    tool::{Tool, place, remove},
};
use crate::units::duration_text;

/// A command that takes longer is not coming to an end. Whatever builds it, such as a library in C++ for the first time, takes
/// minutes.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Names of functions that are shown of a module which lacks those of the world.
const EXPORTS_SHOWN: usize = 5;

/// What the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The program and its arguments.
    command: Vec<String>,
    /// What it is built of, within the project.
    sources: Vec<PathBuf>,
    /// What the command leaves; none: it was told where.
    component: Option<PathBuf>,
    /// All of it: in the stamp.
    tools: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    plugin: Option<Table>,
    c: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    version: Option<String>,
    build: Vec<String>,
    sources: Vec<PathBuf>,
    component: Option<PathBuf>,
}

impl Own {
    /// The project whose `hive.toml` is in a folder, if that has a table `[plugin]`.
    ///
    /// # Errors
    /// When the manifest cannot be read, or names what is not there.
    pub fn read(root: &Path) -> Result<Option<Project>, BuildError> {
        let Some(text) = manifest(root, MANIFEST)? else { return Ok(None) };
        let wrong = |reason: &dyn std::fmt::Display| unreadable(&root.join(MANIFEST), reason);
        let found: Manifest =
            toml_edit::de::from_str(&text).map_err(|error| wrong(&error.to_string().trim_end()))?;
        let Some(table) = found.plugin else {
            let is_c = found.c.is_some();
            return if is_c { Ok(None) } else { Err(wrong(&"it has neither a table `[plugin]` nor `[c]`")) };
        };
        if found.c.is_some() {
            return Err(wrong(&"`[c]` is built by hive-node, `[plugin]` by its own `build`: it has both"));
        }
        if table.build.first().is_none_or(String::is_empty) {
            return Err(wrong(&"`build` names no program: it is a list of a program and its arguments"));
        }
        if table.sources.is_empty() {
            return Err(wrong(&"`sources` is empty: it names what the handler is built of, as in [\"src\"]"));
        }
        if let Some(missing) = table.sources.iter().find(|path| !root.join(path).exists()) {
            return Err(wrong(&format!("`sources` names {}, which is not there", missing.display())));
        }
        let tools = format!("{:?} {:?}, adapter {}", table.build, table.component, core::adapter_hash());
        let (command, sources, component) = (table.build, table.sources, table.component);
        let own = Self { command, sources, component, tools };
        let version = table.version.unwrap_or_else(|| "0.0.0".into());
        Ok(Some(Project::new(root, &table.name, &version, Language::Own(own))))
    }

    /// The files and folders that it is built of.
    #[must_use]
    pub fn sources(&self, project: &Project) -> Vec<PathBuf> {
        self.sources.iter().map(|path| below(&project.root, path)).collect()
    }

    /// What it is built with.
    #[must_use]
    pub fn tools(&self) -> &str {
        &self.tools
    }

    /// Writes the component to a file.
    ///
    /// # Errors
    /// When the command is missing or fails, or what it leaves is no handler.
    pub async fn build(&self, project: &Project, shop: &Shop<'_>, to: &Path) -> Result<(), BuildError> {
        let (root, wit) = (&project.root, shop.wit()?);
        let told = project.workshop().join("out.wasm");
        // What is there afterwards was made now.
        remove(&told)?;
        let [program, arguments @ ..] = self.command.as_slice() else { return Ok(()) };
        // One of the project's own is meant where its name is a path.
        let place_of = if program.contains('/') { below(root, program) } else { program.into() };
        let mut command = TOOL.command_of(&place_of, root);
        command.args(arguments).env("HIVE_OUT", &told).env("HIVE_WIT", &wit);
        command.env("HIVE_NAME", &project.name).env("HIVE_VERSION", &project.version);
        let called = self.command.join(" ");
        let done = within(PATIENCE, &called, root, TOOL.compile_aloud(command, &called, root)).await;
        done.map_err(|error| missing(error, program))?;
        let made = self.component.as_ref().map_or(told, |path| root.join(path));
        let bytes = fs::read(&made).map_err(|error| {
            let reason = format!(
                "`{called}` leaves no {}: {error}; it writes to $HIVE_OUT, or `component` says where",
                made.display()
            );
            BuildError::NoHandler { folder: root.clone(), reason }
        })?;
        let component = component(bytes, &wit);
        let component = component.map_err(|reason| BuildError::NoHandler { folder: root.clone(), reason })?;
        fs::write(to, component).map_err(|source| place(to, source))
    }
}

/// Whatever it is, it is the project's.
const TOOL: Tool = Tool { program: "", why: "", hint: "" };

fn missing(error: BuildError, program: &str) -> BuildError {
    let BuildError::NoTool { .. } = error else { return error };
    BuildError::CannotRun {
        program: "what the project is built with".into(),
        reason: format!("`{program}` is not installed"),
        hint: format!("install it, or correct `build` in {MANIFEST}"),
    }
}

/// A path of a project's, without what does not lead anywhere, as in `./build.sh`.
fn below(root: &Path, path: impl AsRef<Path>) -> PathBuf {
    root.join(path).components().collect()
}

/// Waits for a command, but not for ever.
async fn within(
    patience: Duration,
    called: &str,
    root: &Path,
    command: impl Future<Output = Result<String, BuildError>>,
) -> Result<String, BuildError> {
    timeout(patience, command).await.unwrap_or_else(|_| {
        let patience = duration_text(patience);
        let said =
            format!("error: it has not ended after {patience}, and was ended: does it wait for somebody?\n");
        Err(BuildError::Failed { command: called.to_owned(), folder: root.into(), said })
    })
}

/// What was left as a component: a module becomes one.
fn component(bytes: Vec<u8>, wit: &Path) -> Result<Vec<u8>, String> {
    if Parser::is_component(&bytes) {
        return Ok(bytes);
    }
    if !Parser::is_core_wasm(&bytes) {
        return Err("it is no WebAssembly".into());
    }
    let (world, advice) = (world(&bytes)?, advice(&bytes));
    core::component(bytes, wit, world).map_err(|reason| reason + &advice)
}

/// What to look at where a module lacks the functions of the world; empty: it has them.
fn advice(module: &[u8]) -> String {
    let parts = Parser::new(0).parse_all(module).filter_map(Result::ok);
    let exports = parts.filter_map(|part| match part {
        Payload::ExportSection(exports) => Some(exports.into_iter().filter_map(Result::ok)),
        _ => None,
    });
    let names: Vec<&str> = exports.flatten().map(|export| export.name).collect();
    if names.iter().any(|name| name.starts_with("hive:node/handler@")) {
        return String::new();
    }
    let shown: Vec<String> = names.iter().take(EXPORTS_SHOWN).map(|name| format!("`{name}`")).collect();
    let exports = match names.len().saturating_sub(EXPORTS_SHOWN) {
        _ if names.is_empty() => "nothing".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    };
    format!(
        "; the module exports {exports}: are the bindings linked into it, as a reactor that has no `main`?"
    )
}

/// The world that a module has the functions of; none: it says so itself, as bindings do that a compiler links.
fn world(module: &[u8]) -> Result<Option<&'static str>, String> {
    let (mut starts, mut saves) = (false, false);
    for part in Parser::new(0).parse_all(module) {
        match part.map_err(|error| error.to_string())? {
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                return Ok(None);
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let name = export.map_err(|error| error.to_string())?.name;
                    starts |= name.starts_with("hive:node/startup@");
                    saves |= name.starts_with("hive:node/snapshot@");
                }
            }
            _ => {}
        }
    }
    Ok(Some(match (starts, saves) {
        (false, false) => "plugin",
        (true, false) => "plugin-with-startup",
        (false, true) => "plugin-with-snapshot",
        (true, true) => "plugin-with-startup-and-snapshot",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_manifest_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let check = |text: &str, want: &str| {
            fs::write(root.join(MANIFEST), text).expect("written");
            let said = Own::read(root).expect_err(text).to_string();
            assert!(said.contains(want), "{text}: {said}");
        };
        let table = |rest: &str| format!("[plugin]\nname = \"x\"\n{rest}");
        check("", "neither a table `[plugin]` nor `[c]`");
        check("[plugn]\n", "unknown field `plugn`");
        check(&table(""), "missing field `build`");
        check(&table("build = \"make\"\nsources = ['src']"), "expected a sequence");
        check(&table("build = []\nsources = ['src']"), "`build` names no program");
        check(&table("build = ['make']\nsources = []"), "`sources` is empty");
        check(&table("build = ['make']\nsources = ['src']"), "`sources` names src, which is not there");
        check(&(table("build = ['make']\nsources = ['src']") + "\n[c]\n"), "it has both");
        fs::create_dir(root.join("src")).expect("made");
        fs::write(root.join(MANIFEST), table("build = ['make']\nsources = ['src']")).expect("written");
        let project = Own::read(root).expect("a project").expect("one");
        assert_eq!((project.name.as_str(), project.version.as_str()), ("x", "0.0.0"));
        fs::write(root.join(MANIFEST), "[c]\nname = 'x'\n").expect("written");
        assert!(Own::read(root).expect("another's").is_none());
    }

    #[test]
    fn a_module_has_the_world_of_its_functions() {
        let check = |exports: &[&str], want: Option<&str>| {
            let exports: String =
                exports.iter().map(|name| format!("(export \"hive:node/{name}\" (func 0))")).collect();
            let module = wat::parse_str(format!("(module (func) {exports})")).expect("a module");
            assert_eq!(world(&module).expect("a world"), want);
        };
        check(&["handler@0.1.0#handle"], Some("plugin"));
        check(&["startup@0.1.0#start"], Some("plugin-with-startup"));
        check(&["snapshot@0.1.0#save"], Some("plugin-with-snapshot"));
        check(&["snapshot@0.1.0#save", "startup@0.1.0#start"], Some("plugin-with-startup-and-snapshot"));
        let bound = wat::parse_str("(module (@custom \"component-type:x\" \"\"))").expect("a module");
        assert_eq!(world(&bound).expect("its own"), None);
        let command = wat::parse_str("(module (func) (export \"_start\" (func 0)))").expect("a module");
        let asks = "; the module exports `_start`: are the bindings linked into it, as a reactor that has no `main`?";
        assert_eq!(advice(&command), asks);
        let handler = "(module (func) (export \"hive:node/handler@0.1.0#handle\" (func 0)))";
        assert_eq!(advice(&wat::parse_str(handler).expect("a module")), "");
        let said = component(b"#!/bin/sh".to_vec(), Path::new(".")).expect_err("no module");
        assert_eq!(said, "it is no WebAssembly");
    }

    #[tokio::test]
    async fn a_command_that_never_ends_is_ended() {
        let never = within(Duration::from_millis(1), "make", Path::new("."), std::future::pending()).await;
        let Err(BuildError::Failed { said, .. }) = never else { panic!("{never:?}") };
        assert_eq!(said, "error: it has not ended after 1ms, and was ended: does it wait for somebody?\n");
    }
}
