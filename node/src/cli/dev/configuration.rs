//! The configuration that a node of `dev` follows.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::processes::Process;
use crate::config::{self, FILE_NAME, Loaded, Request};

/// A file, as it was read last.
pub(super) struct Configuration {
    /// None: there is none yet.
    file: Option<PathBuf>,
    /// None: it could not be read.
    text: Option<Vec<u8>>,
    /// How it is read.
    request: Request,
}

impl Configuration {
    /// What was loaded.
    pub(super) fn of(loaded: &Loaded) -> Self {
        let (file, request) = (loaded.file.clone(), loaded.request.clone());
        Self { text: file.as_ref().and_then(|file| fs::read(file).ok()), file, request }
    }

    /// Where it is.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The file, if it is another one than when this was asked last, or the first.
    pub(super) fn other(&mut self) -> Option<PathBuf> {
        let file = self.file.take().or_else(|| self.request.found())?;
        let now = fs::read(&file).ok();
        let is_other = self.text != now;
        (self.text, self.file) = (now, Some(file.clone()));
        is_other.then_some(file)
    }

    /// Those in folders that are not this one.
    pub(super) fn others<'f>(&self, folders: impl Iterator<Item = &'f Path>) -> Vec<PathBuf> {
        let used = self.file.as_ref().and_then(|file| file.canonicalize().ok());
        let own = folders.map(|folder| folder.join(FILE_NAME));
        own.filter(|file| file.is_file() && file.canonicalize().ok() != used).collect()
    }

    /// The names of the processes that another file would have.
    pub(super) fn processes_of(&self, file: &Path) -> Vec<String> {
        let request = Request { file: Some(file.to_owned()), ..self.request.clone() };
        let all = config::load(&request).map(|loaded| Process::all(&loaded.settings)).unwrap_or_default();
        all.into_iter().map(|process| process.name).collect()
    }

    /// The processes that it has now.
    pub(super) fn processes(&self) -> Vec<Process> {
        config::load(&self.request).map_or_else(|_| Vec::new(), |loaded| Process::all(&loaded.settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_made_later_is_another_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(FILE_NAME);
        let default_data_dir = Some(folder.path().join("data"));
        let request = Request { usual: Some(file.clone()), default_data_dir, ..Request::default() };
        let request = Request { directory: "/nowhere".into(), ..request };
        let mut config = Configuration::of(&config::load(&request).expect("a configuration"));
        assert_eq!(config.other(), None);
        fs::write(&file, "version: 1\n").expect("written");
        assert_eq!((config.other(), config.other()), (Some(file.clone()), None));
        fs::write(&file, "version: 1 # the same\n").expect("written");
        assert_eq!(config.other(), Some(file));
        let (mine, bare) = (folder.path().join("mine"), folder.path().join("bare"));
        [&mine, &bare].into_iter().for_each(|folder| fs::create_dir(folder).expect("made"));
        fs::write(mine.join(FILE_NAME), "version: 1\n").expect("written");
        let folders = [folder.path(), &mine, &bare];
        assert_eq!(config.others(folders.into_iter()), [mine.join(FILE_NAME)]);
    }
}
