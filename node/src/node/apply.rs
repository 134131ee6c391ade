//! Another configuration while the node runs: read, checked as at a start, and taken over as far as that can be.
//!
//! What it owns: the configuration that holds, and the order in which the parts get another. Exists so that a file that is
//! wrong changes nothing, and nothing that it says is silently without effect. It must not know how a part does it.

use std::{sync::Arc, time::SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Builder, start::blocking};
use crate::{
    bridge::Bridges,
    bus::Bus,
    config::{self, Loaded, Request, Settings, Severity},
    control::{Configured, ControlError, Reloaded},
    plugin::Plugins,
    status::{Boards, ConfigurationCard},
    telemetry,
};

/// Who waits for the configuration to be read again; past it nobody is taken. They are people and signals.
pub(super) const ASKS_MAX: usize = 4;

/// Somebody wants the configuration to be read again.
pub(super) struct Ask {
    /// Only to say what would be changed.
    pub(super) check: bool,
    /// What came of it.
    pub(super) reply: oneshot::Sender<Result<Configured, ControlError>>,
}

/// What a configuration can change while they run.
pub(super) struct Parts {
    pub(super) bus: Bus,
    pub(super) plugins: Plugins,
    pub(super) bridges: Bridges,
    pub(super) boards: Arc<Boards>,
}

/// Reads the configuration again whenever it is asked for, until told to stop.
pub(super) async fn run(
    (request, holding): (Request, Settings),
    parts: Parts,
    mut asks: mpsc::Receiver<Ask>,
    stop: CancellationToken,
) {
    let mut applier = Applier { request, holding, parts };
    applier.loaded(Vec::new());
    while let Some(Some(Ask { check, reply })) = stop.run_until_cancelled(asks.recv()).await {
        // Whoever asked may have gone.
        let _ = reply.send(applier.configure(check).await);
    }
}

/// The one that knows what holds.
struct Applier {
    /// How it is read.
    request: Request,
    /// What holds now: what the file said when it was read last, but for what needs a restart.
    holding: Settings,
    parts: Parts,
}

impl Applier {
    async fn configure(&mut self, check: bool) -> Result<Configured, ControlError> {
        let loaded = match self.read().await {
            Ok(loaded) => loaded,
            Err(why) => return Err(self.refuse(why, check)),
        };
        let journals: Vec<_> = self.parts.bus.journals().into_iter().map(|(network, _)| network).collect();
        let changes = config::changes(&self.holding, &loaded.settings, &journals);
        let warnings = loaded.warnings.iter().map(|warning| warning.render(Severity::Warning, false));
        let mut done = Configured {
            file: loaded.file,
            applied: changes.live,
            restart: changes.restart,
            plugins: Vec::new(),
            warnings: warnings.collect(),
        };
        if check {
            return Ok(done);
        }
        done.plugins = match self.take_over(changes.settings).await {
            Ok(touched) => touched,
            Err(ControlError::Configuration(why)) => return Err(self.refuse(why, check)),
            Err(error) => return Err(error),
        };
        self.request = loaded.request;
        self.loaded(done.restart.iter().map(|change| change.key.clone()).collect());
        say(&done);
        Ok(done)
    }

    /// Reads and checks it as a start does.
    async fn read(&self) -> Result<Loaded, String> {
        let request = self.request.clone();
        blocking(move || {
            let loaded = config::load(&request).map_err(|problems| problems.render(false))?;
            match Builder::of(&loaded.settings) {
                Ok(_) => Ok(loaded),
                Err(error) => Err(format!("error: {}", Causes(&error))),
            }
        })
        .await
    }

    /// Has everything that can be as these settings say. What may fail is done before anything is changed.
    async fn take_over(&mut self, next: Settings) -> Result<Vec<Reloaded>, ControlError> {
        let (before, Parts { bus, plugins, bridges, .. }) = (&self.holding, &mut self.parts);
        let folders = match next.plugins.folders == before.plugins.folders {
            true => None,
            false => {
                let ready = plugins.ready_to_follow(next.plugins.folders.clone()).await;
                Some(ready.map_err(|error| ControlError::Configuration(format!("error: {error}")))?)
            }
        };
        let is_ruled = next.channels != before.channels;
        if is_ruled {
            bus.rule(next.channels.clone());
        }
        if next.when_full != before.when_full {
            bus.policies(next.when_full.clone());
        }
        if next.durable != before.durable {
            bus.durable(&next.durable);
        }
        let mut touched = Vec::new();
        if is_ruled || next.plugins != before.plugins {
            touched = plugins.configure(next.plugins.clone(), folders, is_ruled).await?;
        }
        if next.bridges.bridges != before.bridges.bridges {
            bridges.configure(next.bridges.bridges.clone()).await;
        }
        if next.log != before.log
            && let Err(error) = telemetry::change(Some(next.log.clone().unwrap_or_else(|| "info".into())))
        {
            tracing::warn!("{error}");
        }
        self.holding = next;
        Ok(touched)
    }

    /// What is in the file holds, but for what needs a restart.
    fn loaded(&self, restart: Vec<String>) {
        let (file, loaded) = (self.request.file.clone(), SystemTime::now());
        self.parts.boards.configuration.set(Some(ConfigurationCard { file, loaded, restart, failed: None }));
    }

    /// Nothing was changed.
    fn refuse(&self, why: String, check: bool) -> ControlError {
        if !check {
            tracing::error!("the configuration cannot be used, and nothing was changed:\n{why}");
            let failed = Some((SystemTime::now(), why.clone()));
            self.parts.boards.configuration.change(|card| {
                card.iter_mut().for_each(|card| card.failed.clone_from(&failed));
            });
        }
        ControlError::Configuration(why)
    }
}

/// A line each for what was changed, and for what was not.
fn say(done: &Configured) {
    for warning in &done.warnings {
        tracing::warn!("the configuration is doubtful:\n{warning}");
    }
    for change in &done.applied {
        tracing::info!("the configuration holds: {change}");
    }
    for change in &done.restart {
        tracing::warn!("the configuration needs a restart to hold: {change}");
    }
    if done.applied.is_empty() && done.restart.is_empty() {
        tracing::info!("the configuration says what holds already");
    }
}

/// An error with what caused it.
struct Causes<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let causes = std::iter::successors(self.0.source(), |error| error.source());
        causes.into_iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}
