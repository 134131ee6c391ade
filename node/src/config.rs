//! The configuration: found, read, merged with flags and the environment, checked, and explained.
//!
//! What it owns: the format of its file and of the simulator's scenario files, and every sentence about what is wrong
//! with one. Exists so that a node starts only on what it understood whole, and a person learns all problems at once,
//! each with its place. It must not know how the parts work: it hands them plain [`Settings`].

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

mod bridges;
mod changes;
mod channels;
mod check;
mod exec;
mod expand;
mod find;
mod import;
mod journal;
mod merge;
mod network;
mod openings;
mod plugins;
mod print;
mod problem;
mod scenario;
mod secret;
mod section;
mod settings;
mod source;
mod trial;
mod yaml;

pub use changes::{Changes, changes};
pub use expand::Variables;
pub use find::FILE_NAME;
pub use import::import;
pub use merge::{DEFAULT_NETWORK, Flags};
pub use problem::{Problem, Problems, Severity};
pub use scenario::{Expectation, Figure, ScenarioFile, Unit, read_scenario, scenario_text};
pub use settings::{ListenSettings, NetworkSettings, NodeSettings, PeerAddress, PeerAddressError, Settings};
pub use source::{Origin, Place, Source};
pub use trial::{Ends, Expected, How, Published, Trial, TrialFile, event_of, read_event, read_trials};

use check::Surroundings;
use section::{Line, Report};
use source::Origin as From;
use yaml::Value;

/// What a configuration is made from.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// What the command line said.
    pub flags: Flags,
    /// `--set`, and the environment.
    pub variables: Variables,
    /// The working folder: where relative paths of flags start.
    pub directory: PathBuf,
    /// Where a node keeps its data when nobody says: the same place where its clients look for it.
    pub default_data_dir: Option<PathBuf>,
    /// What a node is called when nobody says, as far as a name can be that; none: as its host.
    pub default_name: Option<String>,
    /// The file when nobody says which: it is used before those of the usual places if it is there when it is looked for.
    pub usual: Option<PathBuf>,
    /// What whoever starts the node makes of what was said.
    pub adjust: Option<fn(&mut Settings)>,
}

impl Request {
    /// A request of this process: its environment and working folder.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn of_process(
        file: Option<PathBuf>,
        flags: Flags,
        set: BTreeMap<String, String>,
        default_data_dir: Option<PathBuf>,
    ) -> std::io::Result<Self> {
        // Variables that are not UTF-8 can stand for nothing here.
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?)));
        let variables = Variables { set, environment: environment.collect() };
        Ok(Self {
            file,
            flags,
            variables,
            directory: std::env::current_dir()?,
            default_data_dir,
            default_name: None,
            usual: None,
            adjust: None,
        })
    }

    /// The file that is read, if there is one.
    #[must_use]
    pub fn found(&self) -> Option<PathBuf> {
        find::find(self).map(|(path, _)| path)
    }
}

/// A configuration that holds.
#[derive(Debug)]
pub struct Loaded {
    /// What it says.
    pub settings: Settings,
    /// The file, if there was one.
    pub file: Option<PathBuf>,
    /// What it was made from: for who reads it again. The same file is read then, wherever it was found.
    pub request: Request,
    /// What is doubtful in it.
    pub warnings: Vec<Problem>,
    lines: Vec<Line>,
}

impl Loaded {
    /// Makes something else of what was said, now and whenever it is read again.
    pub fn adjust(&mut self, adjust: fn(&mut Settings)) {
        adjust(&mut self.settings);
        self.request.adjust = Some(adjust);
    }

    /// All values as YAML, each with who said it; secrets are hidden.
    #[must_use]
    pub fn print(&self) -> String {
        print::print(&self.lines)
    }
}

/// Finds, reads, merges and checks a configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(request: &Request) -> Result<Loaded, Problems> {
    let Some((path, origin)) = find::find(request) else { return check_text(None, request) };
    let source = find::read(&path, &origin, &request.directory).map_err(|problem| Problems(vec![problem]))?;
    check_text(Some(&source), request)
}

/// Reads a file of somebody's configuration.
///
/// # Errors
/// When it cannot be read whole.
pub fn read_file(path: &Path, directory: &Path) -> Result<Arc<Source>, Problems> {
    find::read(path, &From::Default, directory).map_err(|problem| Problems(vec![problem]))
}

/// Merges and checks a configuration whose text is already here.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check_text(source: Option<&Arc<Source>>, request: &Request) -> Result<Loaded, Problems> {
    let mut report = Report::default();
    let mut root = match source {
        Some(source) => {
            yaml::parse(source, &mut report.problems).map_err(|problem| Problems(vec![problem]))?
        }
        None => Value::empty_map(From::Default),
    };
    if source.is_some() && root.is_null() {
        let problem = Problem::new(&root.origin, "the configuration is empty");
        return Err(Problems(vec![problem.hint("begin it with the line `version: 1`")]));
    }
    root = import::ours(root, &request.variables.environment, &mut report);
    let used = expand::expand(&mut root, &request.variables, &mut report.problems);
    report.warnings.extend(expand::unused(&request.variables, &used));
    merge::overlay(&mut root, &request.flags, &request.variables.environment);
    let path = source.map(|source| source.path());
    let around = Surroundings {
        file_folder: folder_of(path, &request.directory),
        directory: &request.directory,
        environment: &request.variables.environment,
        default_data_dir: request.default_data_dir.as_deref(),
        default_name: request.default_name.as_deref(),
    };
    let mut settings = check::settings(&root, &around, &mut report);
    if let (Some(settings), Some(adjust)) = (&mut settings, request.adjust) {
        adjust(settings);
    }
    match settings {
        Some(settings) => Ok(Loaded {
            settings,
            file: path.map(Path::to_owned),
            request: Request { file: path.map(Path::to_owned), ..request.clone() },
            warnings: report.warnings,
            lines: report.lines,
        }),
        None => Err(Problems(report.problems).in_order()),
    }
}

fn folder_of(file: Option<&Path>, directory: &Path) -> PathBuf {
    let folder = file.and_then(Path::parent);
    folder.map_or_else(|| directory.to_owned(), |folder| directory.join(folder))
}

#[cfg(test)]
mod tests;
