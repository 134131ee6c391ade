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
use wasmparser::{Parser, Payload};

// Those who show a report name these without knowing how plugins run.
use crate::plugin::{
    self, Config, PluginConfig, diff,
    engine::{Engine, EngineError},
    folder::{self, ReadError},
    grants::line,
    loader::{LoadError, Loaded, Loader},
};
pub use crate::plugin::{Mode, asks::Ask, description::Wishes};

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
    /// The world it was made for, if this node knows it.
    pub world: Option<&'static str>,
    /// Its memories.
    pub memories: Vec<Memory>,
    /// How it fares when it is loaded.
    pub verdict: Verdict,
}

/// A memory of a component's modules, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What it has from the start.
    pub minimum: u64,
    /// What it never grows past; none: only the plugin's limit holds.
    pub maximum: Option<u64>,
}

/// Something beyond events that a component asks for, and what the configuration says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// What.
    pub ask: Ask,
    /// What of it is granted.
    pub granted: Vec<String>,
    /// The line that would grant some of it, where none is.
    pub missing: Option<String>,
}

/// How a component fares when it is loaded.
#[derive(Debug)]
pub enum Verdict {
    /// It would run.
    Fits {
        /// What it wants and gets.
        wishes: Box<Wishes>,
        /// What it asks for beyond events.
        openings: Vec<Opening>,
        /// How long compiling it took, or finding it compiled.
        compile_time: Duration,
        /// Whether it had to be compiled; otherwise that was done before.
        is_compiled: bool,
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

/// Looks at files as loading them would: what several of them share is compiled once.
pub struct Inspector {
    loader: Arc<Loader>,
}

impl Inspector {
    /// `cache` is the data directory of whoever may have compiled them already, or will want them.
    ///
    /// # Errors
    /// When this machine runs no guests.
    pub fn start(cache: Option<&Path>) -> Result<Self, InspectError> {
        let engine = Arc::new(Engine::start()?);
        let cache = cache.and_then(|data_dir| plugin::cache(data_dir, &engine));
        let loader = Loader::new(engine).map_err(InspectError::Broken)?;
        Ok(Self { loader: Arc::new(loader.caching(cache, Arc::default())) })
    }

    /// Looks at a file as loading it with this configuration would.
    ///
    /// # Errors
    /// When the file cannot be read. A file that is wrong is no error but a verdict.
    pub async fn inspect(&self, file: &Path, config: &Config, names: &Names) -> Result<Report, InspectError> {
        let path = file.to_path_buf();
        let reading = tokio::task::spawn_blocking(move || folder::read(&path)).await;
        let read = reading.unwrap_or_else(|error| Err(ReadError::Io(io::Error::other(error))));
        let (bytes, _) = read.map_err(|source| InspectError::Read { file: file.into(), source })?;
        let plugin: Arc<str> = file.file_stem().unwrap_or_default().to_string_lossy().into();
        let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let face = diff::face(&bytes).ok();
        let world = face.as_ref().and_then(diff::Face::world);
        let (imports, exports) = face.map(|face| face.names()).unwrap_or_default();
        let (memories, config) = (memories(&bytes), config.of(&plugin));
        let verdict = match self.loader.load(&plugin, bytes, &config, names).await {
            Ok(Loaded { wishes, compile_time, is_compiled, hash, .. }) => {
                let openings = wishes.asks.iter().map(|ask| opening(*ask, &plugin, &config)).collect();
                Verdict::Fits { wishes: Box::new(wishes), openings, compile_time, is_compiled, hash }
            }
            Err(error) => refused(error),
        };
        let (file, plugin) = (file.into(), plugin.to_string());
        Ok(Report { file, plugin, size_bytes, imports, exports, world, memories, verdict })
    }
}

/// What the configuration says to something that is asked for.
fn opening(ask: Ask, plugin: &str, config: &PluginConfig) -> Opening {
    let openings = &config.openings;
    let (granted, missing): (Vec<String>, _) = match ask {
        Ask::Http => (openings.http.iter().map(ToString::to_string).collect(), Some("http: [HOST]")),
        Ask::Files => (
            openings.folders.iter().map(ToString::to_string).collect(),
            Some("dirs: [{path: FOLDER, as: /data}]"),
        ),
        // Rust's standard library asks for it in every component.
        Ask::Environment => (openings.env.keys().cloned().collect(), None),
        Ask::Secrets => (config.secrets.keys().cloned().collect(), Some("secrets: {NAME: {file: FILE}}")),
        Ask::Sockets | Ask::State | Ask::Timers => (Vec::new(), None),
    };
    let missing = missing.filter(|_| granted.is_empty()).map(|says| line(plugin, says));
    Opening { ask, granted, missing }
}

/// The memories of a component's modules. What cannot be read has none: loading it says why.
fn memories(file: &[u8]) -> Vec<Memory> {
    let mut memories = Vec::new();
    for payload in Parser::new(0).parse_all(file) {
        let Ok(payload) = payload else { break };
        let Payload::MemorySection(section) = payload else { continue };
        for memory in section.into_iter().flatten() {
            let bytes = |pages: u64| pages.saturating_mul(1 << memory.page_size_log2.unwrap_or(16).min(16));
            memories.push(Memory { minimum: bytes(memory.initial), maximum: memory.maximum.map(bytes) });
        }
    }
    memories
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
    use crate::{plugin::openings::HttpHost, trust::hidden::SecretText};

    async fn look(file: &Path, cache: Option<&Path>) -> Result<Report, InspectError> {
        Inspector::start(cache).expect("started").inspect(file, &Config::default(), &Names::default()).await
    }

    #[tokio::test]
    async fn a_file_that_is_wrong_has_a_verdict_and_a_missing_one_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("greet.wasm");
        std::fs::write(&file, b"\0asm\x01\0\0\0").expect("written");
        let report = look(&file, None).await.expect("a report");
        let Verdict::Refused { problems, hint } = report.verdict else { panic!("a core module fits") };
        assert_eq!(problems, ["it is a core WebAssembly module, not a component"]);
        assert!(hint.is_some());
        assert_eq!((report.plugin.as_str(), report.size_bytes), ("greet", 8));
        let missing = look(&folder.path().join("no.wasm"), None).await;
        assert!(missing.expect_err("an error").to_string().contains("cannot be read"));
    }

    #[tokio::test]
    async fn a_sample_fits_and_says_what_it_wants() {
        let file = hive_tests::guests::guest("greeter");
        let report = look(&file, None).await.expect("a report");
        assert!(report.exports.iter().any(|name| name.starts_with("hive:node/handler@")), "{report:?}");
        assert_eq!(report.world, Some("hive:node/plugin@0.1.0"));
        assert!(report.memories.iter().any(|memory| memory.minimum >= 64 << 10), "{report:?}");
        let Verdict::Fits { wishes, .. } = report.verdict else { panic!("{report:?}") };
        assert!(wishes.listens.iter().any(|listen| listen.answers), "{wishes:?}");
    }

    #[tokio::test]
    async fn what_was_compiled_once_is_not_compiled_again() {
        let (file, data_dir) = (hive_tests::guests::guest("greeter"), tempfile::tempdir().expect("a folder"));
        for compiles in [true, false] {
            let report = look(&file, Some(data_dir.path())).await.expect("a report");
            let Verdict::Fits { is_compiled, .. } = report.verdict else { panic!("{report:?}") };
            assert_eq!(is_compiled, compiles);
        }
    }

    #[test]
    fn what_is_asked_for_is_granted_or_its_line_is_missing() {
        let mut config = PluginConfig::default();
        let missing = opening(Ask::Http, "enrich", &config);
        let line = "plugins: {each: {enrich: {http: [HOST]}}}".to_owned();
        assert_eq!(missing, Opening { ask: Ask::Http, granted: Vec::new(), missing: Some(line) });
        config.openings.http.push(HttpHost::parse("api.example.com").expect("a host"));
        let granted = vec!["api.example.com".to_owned()];
        let given = opening(Ask::Http, "enrich", &config);
        assert_eq!(given, Opening { ask: Ask::Http, granted, missing: None });
        assert_eq!(opening(Ask::State, "enrich", &config).missing, None);
        let secrets = opening(Ask::Secrets, "enrich", &config).missing;
        assert_eq!(secrets.as_deref(), Some("plugins: {each: {enrich: {secrets: {NAME: {file: FILE}}}}}"));
        config.secrets.insert("token".into(), SecretText::new("abc".into()));
        assert_eq!(opening(Ask::Secrets, "enrich", &config).granted, ["token"]);
    }
}
