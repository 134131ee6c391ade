//! Plugins that are processes, under `dev`: whom of them concerns what was saved.
//!
//! Exists so that a process is started anew when one of its files is saved, as a component is built anew. It must not know
//! how a process is started.

use std::path::{Display, Path, PathBuf};

use crate::config::Settings;

/// What says which packages a program has, whatever language it is in: who installs what was missing changes it.
const MANIFESTS: &[&str] = &[
    "Cargo.lock",
    "Gemfile.lock",
    "composer.lock",
    "go.mod",
    "package-lock.json",
    "package.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pyproject.toml",
    "requirements.txt",
    "uv.lock",
    "yarn.lock",
];

/// What sources end with. A process whose command names none may write anything else into its folder.
const SOURCES: &[&str] = &[
    "c", "cc", "cjs", "clj", "cpp", "cs", "erl", "ex", "exs", "fs", "go", "h", "hpp", "hs", "java", "jl",
    "js", "jsx", "kt", "lua", "mjs", "ml", "mts", "php", "pl", "ps1", "py", "r", "rb", "rs", "scala", "sh",
    "swift", "ts", "tsx", "zig",
];

/// A plugin that the node starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// The plugin's name.
    pub(super) name: String,
    /// Where it is started.
    folder: PathBuf,
    /// The files in there that its command names: those of their kind are its sources. None: those of any usual kind are.
    named: Vec<PathBuf>,
}

impl Process {
    /// All that a configuration has.
    pub(super) fn all(settings: &Settings) -> Vec<Self> {
        let each = settings.plugins.each.iter().filter(|(_, config)| config.enabled != Some(false));
        each.filter_map(|(name, config)| {
            let exec = config.exec.as_ref()?;
            Some(Self::new(name, &exec.folder, &exec.command))
        })
        .collect()
    }

    fn new(name: &str, folder: &Path, command: &[String]) -> Self {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let files = command.iter().filter_map(|word| folder.join(word).canonicalize().ok());
        let named = files.filter(|file| file.is_file() && file.starts_with(&folder)).collect();
        Self { name: name.to_owned(), folder, named }
    }

    /// What a file is called, if it is one of its sources. A folder stands for all that is in it: more was saved than is told.
    pub(super) fn source<'p>(&self, saved: &'p Path) -> Option<Display<'p>> {
        if self.folder.starts_with(saved) {
            return Some(saved.display());
        }
        let inside = saved.strip_prefix(&self.folder).ok()?;
        let is_named = |named: &PathBuf| named.extension() == saved.extension();
        let is_usual = || saved.extension().is_some_and(|end| SOURCES.iter().any(|usual| end == *usual));
        let is_manifest = || MANIFESTS.iter().any(|manifest| saved.ends_with(manifest));
        let is_of_its_kind = if self.named.is_empty() { is_usual() } else { self.named.iter().any(is_named) };
        let concerns = is_of_its_kind || is_manifest();
        concerns.then(|| inside.display())
    }
}

/// The folders to watch: those of what is built, and of processes.
pub(super) fn folders(dirs: &[PathBuf], processes: &[Process]) -> Vec<PathBuf> {
    let started = processes.iter().map(|process| &process.folder).filter(|folder| folder.is_dir());
    dirs.iter().chain(started).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_process_is_concerned_by_files_of_the_kind_that_its_command_names() {
        let root = tempfile::tempdir().expect("a folder");
        let parent = root.path().canonicalize().expect("a folder");
        let folder = parent.join("thumbs");
        fs::create_dir_all(folder.join("lib")).expect("made");
        fs::write(folder.join("thumbs.py"), b"x").expect("written");
        let process = |words: [&str; 3]| Process::new("thumbs", &folder, &words.map(str::to_owned));
        let (python, any) = (process(["sh", "thumbs.py", "--fast"]), process(["sh", "-m", "thumbs"]));
        for (saved, is_of_python, is_of_any) in [
            ("thumbs/thumbs.py", Some("thumbs.py"), Some("thumbs.py")),
            ("thumbs/lib/more.py", Some("lib/more.py"), Some("lib/more.py")),
            ("thumbs/thumbs.db", None, None),
            ("thumbs/serve.rb", None, Some("serve.rb")),
            ("thumbs/package.json", Some("package.json"), Some("package.json")),
            ("other/thumbs.py", None, None),
        ] {
            let path = parent.join(saved);
            let found = |process: &Process| process.source(&path).map(|source| source.to_string());
            assert_eq!(
                (found(&python), found(&any)),
                (is_of_python.map(Into::into), is_of_any.map(Into::into))
            );
        }
        assert!(python.source(&parent).is_some() && python.source(&folder).is_some(), "more was saved");
    }
}
