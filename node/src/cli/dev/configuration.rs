//! The configuration that a node of `dev` follows.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::processes::Process;
use crate::config::{self, Loaded, Request};

/// A file, as it was read last.
pub(super) struct Configuration {
    file: PathBuf,
    /// None: it could not be read.
    text: Option<Vec<u8>>,
    /// How it is read.
    request: Request,
}

impl Configuration {
    /// None where there is no file.
    pub(super) fn of(loaded: &Loaded) -> Option<Self> {
        let file = loaded.file.clone()?;
        Some(Self { text: fs::read(&file).ok(), file, request: loaded.request.clone() })
    }

    /// Where it is.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether it is another one than when this was asked last.
    pub(super) fn is_other(&mut self) -> bool {
        let now = fs::read(&self.file).ok();
        let is_other = self.text != now;
        self.text = now;
        is_other
    }

    /// The processes that it has now.
    pub(super) fn processes(&self) -> Vec<Process> {
        config::load(&self.request).map_or_else(|_| Vec::new(), |loaded| Process::all(&loaded.settings))
    }
}
