//! `build`: from sources to components.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use clap::Args;
use hive_client::types::{ApiError, V1};
use serde::Serialize;

use super::{
    Voice,
    exit::{self, Fault},
    output,
};
use crate::{
    config::FILE_NAME,
    toolchain::build::{self, Artifact, BuildError, Built, Heard, Options, shop::Said},
};

/// Build handlers into components.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node build                      the handlers in this folder and below
  hive-node build samples --out plugins
  hive-node run --plugins plugins

The paths of the components are on stdout, what the tools say is on stderr. Built are crates in Rust
with `crate-type = [\"cdylib\"]`, packages in JavaScript or TypeScript and modules in Go that depend
on `hive-guest`, projects in Python with a table [tool.hive], and in C with a file hive.toml:
`hive-node new` makes one to begin with. Any other language is built by a command of its own:
[plugin] in hive.toml (node/docs/languages.md).")]
pub(super) struct Build {
    /// Folders with handlers [default: this one].
    #[arg(value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Put the components into this folder, each under its plugin's name.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    tools: Tools,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What may be done to the languages' tools.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Tools {
    /// Install nothing: neither the WebAssembly target of Rust, nor packages into the project or your
    /// cache.
    #[arg(long)]
    no_install: bool,
}

impl Tools {
    pub(super) fn options(self) -> Options {
        Options { install: !self.no_install, may_be_none: false }
    }
}

/// `build --json`.
#[derive(Serialize)]
struct Components {
    v: V1,
    components: Vec<Component>,
    failures: Vec<Failure>,
}

/// What was not built, and why.
#[derive(Serialize)]
struct Failure {
    /// None: it is not about one folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<PathBuf>,
    error: ApiError,
}

impl Failure {
    fn of(error: &BuildError) -> Option<Self> {
        let sources = match error {
            BuildError::Folder { folder, .. }
            | BuildError::Failed { folder, .. }
            | BuildError::NoHandler { folder, .. } => Some(folder.clone()),
            BuildError::Manifest { file, .. } => file.parent().map(Path::to_owned),
            _ => None,
        };
        Some(Self { sources, error: reported(error).document()? })
    }
}

#[derive(Serialize)]
struct Component {
    name: String,
    file: PathBuf,
    sources: PathBuf,
}

impl Build {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        let dirs = dirs(self.dirs);
        let say = |said: Said<'_>| saying(voice, said);
        let Built { mut artifacts, failures, .. } =
            build::build(&dirs, self.tools.options(), &say, HEARD).await.map_err(fault)?;
        if let Some(out) = &self.out {
            fs::create_dir_all(out).map_err(|error| {
                anyhow::Error::new(error).context(format!("cannot make {}", out.display()))
            })?;
            let placed = build::place(&artifacts, out).map_err(fault)?;
            artifacts.iter_mut().zip(placed).for_each(|(artifact, file)| artifact.file = file);
            if let Some(left) = left_behind(&artifacts, &dirs, out) {
                output::note(voice, &left);
            }
        }
        if self.json {
            let component = |Artifact { name, file, sources }| Component { name, file, sources };
            let components = artifacts.into_iter().map(component).collect();
            let failures = failures.iter().filter_map(Failure::of).collect();
            output::json(&Components { v: V1, components, failures })?;
        } else {
            artifacts.iter().try_for_each(|artifact| output::line(&shown(&artifact.file)))?;
        }
        all_of(&failures)
    }
}

/// Of what is built is heard when all is.
pub(super) const HEARD: Heard<'static> = Heard { built: &|_| Ok(()), failed: &report };

/// Says what is done while handlers are built.
pub(super) fn saying(voice: &Voice, said: Said<'_>) {
    match said {
        Said::Fact(text) => output::note(voice, text),
        Said::Progress(text) => output::progress(voice, text),
    }
}

/// The folders that are meant: this one when none is named.
pub(super) fn dirs(named: Vec<PathBuf>) -> Vec<PathBuf> {
    if named.is_empty() { vec![".".into()] } else { named }
}

/// Says why a folder was not built: what its tool said, and what that comes to.
pub(super) fn report(error: &BuildError) {
    if let BuildError::Failed { said, .. } = error {
        anstream::eprint!("{said}");
    }
    exit::explain(error, error.hint().as_deref());
}

/// The same as one text, to be told from others. None: the tool said the most of it itself.
pub(super) fn text(error: &BuildError) -> Option<String> {
    match error {
        BuildError::Failed { said, .. } if said.is_empty() => None,
        BuildError::Failed { said, .. } => Some(format!("{said}{error}")),
        error => Some(error.to_string()),
    }
}

/// What failed builds, which were reported, come to: the last one ends the verb.
pub(super) fn all_of(failures: &[BuildError]) -> Result<(), Fault> {
    failures.last().map_or(Ok(()), |last| Err(reported(last)))
}

/// What a failed build comes to that was reported.
pub(super) fn reported(error: &BuildError) -> Fault {
    let code = if is_configuration(error) { exit::USAGE } else { exit::NO };
    Fault::said(code, error.to_string()).maybe_hint(error.hint())
}

/// What a failed build comes to.
pub(super) fn fault(error: BuildError) -> Fault {
    let hint = error.hint();
    let fault = if is_configuration(&error) { Fault::configuration(error) } else { Fault::failed(error) };
    fault.maybe_hint(hint)
}

fn is_configuration(error: &BuildError) -> bool {
    matches!(error, BuildError::Nothing(_) | BuildError::Folder { .. } | BuildError::Manifest { .. })
}

/// What is to be said of the configurations beside the sources: a component that is put elsewhere is without them.
fn left_behind(artifacts: &[Artifact], dirs: &[PathBuf], out: &Path) -> Option<String> {
    let roots: Vec<PathBuf> = dirs.iter().filter_map(|dir| dir.canonicalize().ok()).collect();
    let nearest = |artifact: &Artifact| {
        let below = |folder: &&Path| roots.iter().any(|root| folder.starts_with(root));
        let folders = artifact.sources.ancestors().take_while(below);
        folders.map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())
    };
    let files: BTreeSet<PathBuf> =
        artifacts.iter().filter_map(nearest).filter(|file| says_something(file)).collect();
    let files: Vec<String> = files.iter().map(|file| output::quoted(&shown(file)).into_owned()).collect();
    let (program, out) = (output::program(), out.display().to_string());
    let run = format!("{program} run --plugins {}", output::quoted(&out));
    match &files[..] {
        [] => None,
        [file] => Some(format!("what configures it stays in {file}; try\n  {run} --config {file}")),
        several => Some(format!(
            "what configures them stays in {}, and a node reads one file: `{run} --config FILE`",
            several.join(", ")
        )),
    }
}

/// Whether a configuration has more in it than the version of its format. One that cannot be read may have.
pub(super) fn says_something(file: &Path) -> bool {
    let is_said = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("version:")
    };
    fs::read_to_string(file).map_or(true, |text| text.lines().any(is_said))
}

/// A path as a person would write it here.
pub(super) fn shown(path: &Path) -> String {
    let here = env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.unwrap_or_else(|| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_beside_the_sources_are_said_to_stay_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a folder");
        let artifact = |name: &str| {
            let sources = root.join(name).join("src");
            fs::create_dir_all(&sources).expect("made");
            Artifact { name: name.into(), file: "x.wasm".into(), sources }
        };
        let artifacts = [artifact("one"), artifact("two"), artifact("three")];
        let said = || left_behind(&artifacts, std::slice::from_ref(&root), Path::new("plugins"));
        fs::write(root.join("two").join(FILE_NAME), "# plugins: {}\nversion: 1\n").expect("written");
        assert_eq!(said(), None);
        let one = root.join("one").join(FILE_NAME);
        fs::write(&one, "version: 1\nplugins: {}\n").expect("written");
        let text = said().expect("a note");
        let (stays, run) = text.split_once("; try\n").expect("two lines");
        assert_eq!(stays, format!("what configures it stays in {}", one.display()));
        assert!(run.ends_with(&format!(" run --plugins plugins --config {}", one.display())), "{run}");
        fs::write(root.join(FILE_NAME), "version: 1\nlog: info\n").expect("written");
        let text = said().expect("a note");
        assert!(text.contains(&format!("{}, {}", root.join(FILE_NAME).display(), one.display())), "{text}");
    }
}
