//! Where handlers are built, and processes started anew: at once when something of theirs is saved, whatever goes on beside.
//!
//! What it owns: what was said of builds, and what is in the node's folder of plugins. It must not know how anything is built.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use tokio::sync::Notify;

use super::{
    configuration::Configuration, examples::Example, processes::Process, suggestions::say_absent,
    unused::Unused,
};
use crate::{
    cli::{
        Voice,
        build::{self, Tools},
        exit::Fault,
        output,
    },
    control::ControlError,
    node::Node,
    toolchain::{
        build::{Artifact, BuildError, Built, Heard, Options, build as build_all, place, shop::Said},
        sources::Sources,
    },
};

/// Saves that are followed at a time. A project that is being built is built again after that; the others need not wait for
/// it. What is saved while there are so many is followed when one is done.
const FOLLOWED_MAX: usize = 3;

/// Where handlers are built.
pub(super) struct Workshop<'a> {
    /// The folders of the sources.
    dirs: Vec<PathBuf>,
    /// The plugins' folder of the node.
    folder: PathBuf,
    tools: Tools,
    config: RefCell<Configuration>,
    /// The plugins that are not built, but started.
    processes: RefCell<Vec<Process>>,
    /// Configurations of projects of which it was said that they are not used. None: somebody said which one is.
    unused: RefCell<Option<Unused>>,
    /// The folders of what was built.
    projects: RefCell<BTreeSet<PathBuf>>,
    /// What they are made of outside of these.
    elsewhere: RefCell<BTreeSet<PathBuf>>,
    /// How many builds were begun.
    builds: Cell<u64>,
    /// Whether the last one that ended had failures.
    fails: Cell<bool>,
    /// Told when something is in the folder.
    served: Notify,
    /// What failed the last time, as it was shown: it is not shown again when something else is saved.
    said: RefCell<BTreeSet<String>>,
    voice: &'a Voice,
}

/// What came of building everything.
struct Outcome {
    /// What failed, which was reported.
    failures: Vec<BuildError>,
    /// Whether anything is another than what ran.
    is_new: bool,
}

impl<'a> Workshop<'a> {
    /// One with nothing in it.
    pub(super) fn new(
        (dirs, folder): (Vec<PathBuf>, PathBuf),
        tools: Tools,
        config: Configuration,
        processes: Vec<Process>,
        unused: Option<Unused>,
        voice: &'a Voice,
    ) -> Self {
        let (config, processes, unused) =
            (RefCell::new(config), RefCell::new(processes), RefCell::new(unused));
        let (projects, elsewhere) = (RefCell::default(), RefCell::default());
        let (builds, fails) = (Cell::new(0), Cell::new(false));
        let (served, said) = (Notify::new(), RefCell::default());
        Self {
            dirs,
            folder,
            tools,
            config,
            processes,
            unused,
            projects,
            elsewhere,
            builds,
            fails,
            served,
            said,
            voice,
        }
    }

    /// Waits until something is there to run.
    pub(super) async fn something_to_run(&self) {
        self.served.notified().await;
    }

    /// Builds until something is there to run: whoever starts with a typo mends it and saves.
    pub(super) async fn first_build(&self, mut sources: Sources) -> Result<Sources, Fault> {
        // What was built the last time may be of other folders.
        self.remove_all_but(&[]);
        if let Some(unused) = self.unused.borrow_mut().as_mut() {
            unused.say_processes(&self.dirs, &self.config.borrow(), self.voice);
        }
        loop {
            let failures = self.build().await.map_err(build::fault)?.failures;
            self.watch(&mut sources);
            if failures.is_empty() {
                return Ok(sources);
            }
            if !self.served().is_empty() {
                output::note(
                    self.voice,
                    "what is built runs; the rest is built again when something is saved",
                );
                return Ok(sources);
            }
            if let Some(failure) = failures.iter().find(|failure| !is_mended_by_saving(failure)) {
                return Err(build::reported(failure));
            }
            output::note(self.voice, "waiting until something is saved");
            sources.changed().await;
        }
    }

    /// Builds whenever something is saved, for ever, and starts processes anew. A configuration that was saved holds, too.
    pub(super) async fn rebuild(&self, sources: &mut Sources, node: &Node) {
        // It may have been saved while the first build waited.
        self.configure(node).await;
        let mut followed = FuturesUnordered::new();
        loop {
            tokio::select! {
                saved = sources.changed(), if followed.len() < FOLLOWED_MAX => {
                    followed.push(self.follow(node, saved));
                }
                Some(()) = followed.next() => self.watch(sources),
            }
        }
    }

    /// What is elsewhere is as good as what is in the folders.
    fn watch(&self, sources: &mut Sources) {
        if let Err(error) = sources.also(self.elsewhere.borrow().iter().cloned()) {
            tracing::warn!("{error}, which is outside of the projects' folders");
        }
    }

    async fn follow(&self, node: &Node, saved: Vec<PathBuf>) {
        self.configure(node).await;
        let had_failed = self.fails.get();
        let restarted = self.restart(node, &saved);
        let (built, ()) = tokio::join!(self.build(), restarted);
        match built {
            Ok(Outcome { failures, is_new }) if failures.is_empty() => {
                if had_failed && !is_new {
                    output::note(self.voice, "all of it builds again, as what runs");
                }
                return;
            }
            Ok(_) => {}
            Err(error) => build::report(&error),
        }
        if !self.served().is_empty() {
            output::note(self.voice, "what ran before goes on");
        }
    }

    /// Has the node read its configuration again, if that is what was saved.
    async fn configure(&self, node: &Node) {
        let Some(file) = self.config.borrow_mut().other() else { return };
        // What came of it is in the log; of a wrong file, all that is wrong.
        match node.configure(false).await {
            Ok(_) => {
                *self.processes.borrow_mut() = self.config.borrow().processes();
                say_absent(node, self.voice);
            }
            Err(error @ ControlError::Unavailable(_)) => {
                tracing::error!("{}: {error}", file.display());
            }
            Err(_) => {}
        }
    }

    /// Has those processes start anew of which a file was saved. What comes of it is in the log.
    fn restart<'n>(&self, node: &'n Node, saved: &[PathBuf]) -> impl Future<Output = ()> + use<'n> {
        let config = self.config.borrow().file().and_then(|file| file.canonicalize().ok());
        // Those whom the configuration concerns were started anew by the node.
        let saved = saved.iter().filter(|path| Some(*path) != config.as_ref()).collect::<Vec<_>>();
        let processes = self.processes.borrow();
        let concerned = processes.iter().filter_map(|process| {
            let file = saved.iter().find_map(|path| process.source(path))?;
            output::note(self.voice, &format!("`{}` is started anew: {file} was saved", process.name));
            Some(node.reload(Some(process.name.clone())))
        });
        let restarts = join_all(concerned);
        async move {
            for error in restarts.await.into_iter().filter_map(Result::err) {
                tracing::error!("{error}");
            }
        }
    }

    /// Builds everything (what did not change takes no time) and puts what is new into the plugins' folder, each project as
    /// soon as it is built.
    async fn build(&self) -> Result<Outcome, BuildError> {
        let voice = self.voice;
        let say = |said: Said<'_>| build::saying(voice, said);
        let (before, fails) = (self.said.borrow().clone(), Mutex::new(BTreeSet::new()));
        let report = |error: &BuildError| {
            let text = build::text(error);
            match text.as_ref().is_some_and(|text| before.contains(text)) {
                true => output::note(voice, &format!("{error}, as before")),
                false => build::report(error),
            }
            fails.lock().unwrap_or_else(PoisonError::into_inner).extend(text);
        };
        let may_be_none = !self.processes.borrow().is_empty();
        let options = Options { may_be_none, ..self.tools.options() };
        let (folder, served, is_new) = (&self.folder, &self.served, AtomicBool::new(false));
        let serve = |artifacts: &[Artifact]| {
            let is_other = |artifact: &&Artifact| {
                fs::read(&artifact.file).ok() != fs::read(placed(folder, &artifact.name)).ok()
            };
            let new: Vec<Artifact> = artifacts.iter().filter(is_other).cloned().collect();
            place(&new, folder)?;
            is_new.fetch_or(!new.is_empty(), Relaxed);
            served.notify_one();
            Ok(())
        };
        let heard = Heard { built: &serve, failed: &report };
        let number = self.builds.get() + 1;
        self.builds.set(number);
        let built = build_all(&self.dirs, options, &say, heard).await;
        *self.said.borrow_mut() = fails.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Built { artifacts, failures, elsewhere } = built?;
        self.fails.set(!failures.is_empty());
        self.elsewhere.borrow_mut().extend(elsewhere);
        self.projects.borrow_mut().extend(artifacts.iter().map(|artifact| artifact.sources.clone()));
        if let Some(unused) = self.unused.borrow_mut().as_mut() {
            unused.say(&artifacts, &self.config.borrow(), voice);
        }
        // One that was begun later may have built what was not there yet when this one looked.
        if failures.is_empty() && self.builds.get() == number {
            self.remove_all_but(&artifacts);
        }
        Ok(Outcome { failures, is_new: is_new.into_inner() })
    }

    /// The handlers that are there to run.
    pub(super) fn served(&self) -> Vec<String> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let names = files.filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()));
        names.filter(|name| !name.starts_with('.')).collect()
    }

    /// What their authors test them with.
    pub(super) fn examples(&self) -> Vec<Example> {
        self.projects.borrow().iter().flat_map(|project| Example::all(project)).collect()
    }

    /// A handler whose sources are gone goes too.
    fn remove_all_but(&self, artifacts: &[Artifact]) {
        let wanted =
            |path: &Path| artifacts.iter().any(|artifact| placed(&self.folder, &artifact.name) == path);
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for file in files.filter(|file| !wanted(file)) {
            if let Err(error) = fs::remove_file(&file) {
                tracing::warn!("{} is no longer built and cannot be removed: {error}", file.display());
            }
        }
    }
}

/// Where a handler is in the plugins' folder.
fn placed(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_added_extension("wasm")
}

/// Whether whoever made a mistake mends it and saves; what is missing has to be installed, and then it is begun anew.
fn is_mended_by_saving(failure: &BuildError) -> bool {
    matches!(
        failure,
        BuildError::Failed { .. }
            | BuildError::Manifest { .. }
            | BuildError::Native { .. }
            | BuildError::NoWheel { .. }
            | BuildError::NoHandler { .. }
            | BuildError::CannotRun { .. }
            | BuildError::TooMany { .. }
    )
}
