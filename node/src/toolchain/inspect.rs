//! A look into a component without a node: what it imports and exports, what it says it wants, and what is wrong with it.
//!
//! Exists so that `check FILE` says what loading would say. It must not print anything.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hive_proto::channel::Names;

// Those who show a report name these without knowing how plugins run.
use crate::plugin::{
    Config, diff,
    engine::{Engine, EngineError},
    folder::{self, ReadError},
    loader::{LoadError, Loaded, Loader},
};
pub use crate::plugin::{Mode, description::Wishes};

/// What a component file is.
#[derive(Debug)]
pub struct Report {
    /// The file.
    pub file: PathBuf,
    /// What the plugin is called when this file is loaded.
    pub plugin: String,
    /// The file's size.
    pub size_bytes: u64,
    /// What it imports, by name.
    pub imports: Vec<String>,
    /// What it exports, by name.
    pub exports: Vec<String>,
    /// How it fares when it is loaded.
    pub verdict: Verdict,
}

/// How a component fares when it is loaded.
#[derive(Debug)]
pub enum Verdict {
    /// It would run.
    Fits {
        /// What it wants and gets.
        wishes: Box<Wishes>,
        /// How long compiling it took.
        compile_time: Duration,
        /// The content's hash in hex.
        hash: String,
    },
    /// It would be refused.
    Refused {
        /// Each thing that is wrong.
        problems: Vec<String>,
        /// What to do.
        hint: Option<&'static str>,
    },
}

/// Why a file could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error("cannot inspect {}: {source}", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: ReadError,
    },
    /// This machine runs no guests.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The program does not fit its own WIT.
    #[error("this build of the program is broken: {0}")]
    Broken(String),
}

/// Looks at a file as loading it with this configuration would.
///
/// # Errors
/// When the file cannot be read, or this machine runs no guests. A file that is wrong is no error but a verdict.
pub async fn inspect(file: &Path, config: &Config, names: &Names) -> Result<Report, InspectError> {
    let path = file.to_path_buf();
    let reading = tokio::task::spawn_blocking(move || folder::read(&path)).await;
    let read = reading.unwrap_or_else(|error| Err(ReadError::Io(io::Error::other(error))));
    let (bytes, _) = read.map_err(|source| InspectError::Read { file: file.into(), source })?;
    let engine = Arc::new(Engine::start()?);
    let loader = Arc::new(Loader::new(engine).map_err(InspectError::Broken)?);
    let plugin: Arc<str> = file.file_stem().unwrap_or_default().to_string_lossy().into();
    let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let (imports, exports) = diff::face(&bytes).map(|face| face.names()).unwrap_or_default();
    let verdict = match loader.load(&plugin, bytes, &config.of(&plugin), names).await {
        Ok(Loaded { wishes, compile_time, hash, .. }) => {
            Verdict::Fits { wishes: Box::new(wishes), compile_time, hash }
        }
        Err(error) => refused(error),
    };
    Ok(Report { file: file.into(), plugin: plugin.to_string(), size_bytes, imports, exports, verdict })
}

fn refused(error: LoadError) -> Verdict {
    let hint = error.hint();
    let problems = match error {
        LoadError::World(differences) => differences,
        LoadError::Description(problems) => problems.0,
        other => vec![other.to_string()],
    };
    Verdict::Refused { problems, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_wrong_has_a_verdict_and_a_missing_one_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("greet.wasm");
        std::fs::write(&file, b"\0asm\x01\0\0\0").expect("written");
        let report = inspect(&file, &Config::default(), &Names::default()).await.expect("a report");
        let Verdict::Refused { problems, hint } = report.verdict else { panic!("a core module fits") };
        assert_eq!(problems, ["it is a core WebAssembly module, not a component"]);
        assert!(hint.is_some());
        assert_eq!((report.plugin.as_str(), report.size_bytes), ("greet", 8));
        let missing = inspect(&folder.path().join("no.wasm"), &Config::default(), &Names::default()).await;
        assert!(missing.expect_err("an error").to_string().contains("cannot be read"));
    }

    #[tokio::test]
    async fn a_sample_fits_and_says_what_it_wants() {
        let file = hive_tests::guests::guest("greeter");
        let report = inspect(&file, &Config::default(), &Names::default()).await.expect("a report");
        assert!(report.exports.iter().any(|name| name.starts_with("hive:node/handler@")), "{report:?}");
        let Verdict::Fits { wishes, .. } = report.verdict else { panic!("{report:?}") };
        assert!(wishes.listens.iter().any(|listen| listen.answers), "{wishes:?}");
    }
}
