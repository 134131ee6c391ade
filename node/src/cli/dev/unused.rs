//! Configurations of projects that do not hold, as another one does: each is said once.
//!
//! Exists because whoever runs several projects at once expects of each what it does alone. It must not know what a
//! configuration means.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::configuration::Configuration;
use crate::{
    cli::{Voice, build, output},
    config::FILE_NAME,
    toolchain::build::{Artifact, project::folders_with},
};

/// Those of which it was said.
#[derive(Default)]
pub(super) struct Unused(BTreeSet<PathBuf>);

impl Unused {
    /// Says of those in folders, and as far below as projects are looked for, that have processes: those do not run.
    pub(super) fn say_processes(&mut self, dirs: &[PathBuf], config: &Configuration, voice: &Voice) {
        let folders: Vec<PathBuf> = dirs.iter().flat_map(|dir| folders_with(dir, FILE_NAME)).collect();
        for file in config.others(folders.iter().map(PathBuf::as_path)) {
            let processes = config.processes_of(&file);
            if !processes.is_empty() && self.0.insert(file.clone()) {
                output::note(voice, &idle(&file, &processes));
            }
        }
    }

    /// Says of those beside what was built that they are not the one that holds, if they say anything.
    pub(super) fn say(&mut self, artifacts: &[Artifact], config: &Configuration, voice: &Voice) {
        let files = config.others(artifacts.iter().map(|artifact| artifact.sources.as_path()));
        let lost =
            files.into_iter().filter(|file| build::says_something(file) && self.0.insert(file.clone()));
        if let Some(text) = lost_all(&lost.collect::<Vec<_>>()) {
            output::note(voice, &text);
        }
    }
}

/// One line for all of them.
fn lost_all(files: &[PathBuf]) -> Option<String> {
    match files {
        [] => None,
        [file] => Some(format!("{} is not used; {}", file.display(), holding(file))),
        several => {
            let names = several.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
            Some(format!("{names} are not used, as one holds for all; --config FILE says which"))
        }
    }
}

fn idle(file: &Path, processes: &[String]) -> String {
    let names = processes.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let (what, does) = if processes.len() == 1 { ("process", "does") } else { ("processes", "do") };
    let folder = file.parent().unwrap_or(Path::new("."));
    let program = output::program();
    format!(
        "{} is not used, so its {what} {names} {does} not run: `{program} dev {}` runs that alone, and {}",
        file.display(),
        output::quoted(&folder.to_string_lossy()),
        holding(file),
    )
}

/// What has it be the one.
fn holding(file: &Path) -> String {
    format!("--config {} has it hold for all", output::quoted(&file.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{self, Request};

    #[test]
    fn processes_of_a_configuration_that_does_not_hold_are_named_once() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().canonicalize().expect("a path");
        let write = |name: &str, text: &str| {
            fs::create_dir_all(folder.join(name)).expect("made");
            fs::write(folder.join(name).join(FILE_NAME), text).expect("written");
        };
        let process =
            |name: &str| format!("version: 1\nplugins: {{ each: {{ {name}: {{ exec: [sleep, 9] }} }} }}\n");
        write("", "version: 1\n");
        write("my work/deep", &process("worker"));
        write("handler", "# of a new project\nversion: 1\n# plugins: {}\n");
        write("other", "version: 1\nplugins: { each: { a: { config: { greeting: Good day } } } }\n");
        write("wrong", "version: 1\nplugins: [\n");
        write("node_modules/x", &process("other"));
        let request = Request {
            file: Some(folder.join(FILE_NAME)),
            directory: folder.clone(),
            default_data_dir: Some(folder.join("data")),
            ..Request::default()
        };
        let config = Configuration::of(&config::load(&request).expect("a configuration"));
        let (mut unused, voice) = (Unused::default(), Voice { quiet: true, ..Voice::default() });
        unused.say_processes(std::slice::from_ref(&folder), &config, &voice);
        let file = folder.join("my work/deep").join(FILE_NAME);
        assert_eq!(unused.0.iter().collect::<Vec<_>>(), [&file]);
        assert_eq!(config.processes_of(&file), ["worker"]);
        let lost = ["handler", "my work/deep", "other", "wrong"].map(|name| Artifact {
            name: name.into(),
            file: "built.wasm".into(),
            sources: folder.join(name),
        });
        unused.say(&lost, &config, &voice);
        // The first has nothing to lose, of the second it was said.
        let new = ["other", "wrong"].map(|name| folder.join(name).join(FILE_NAME));
        assert_eq!(unused.0.iter().skip(1).collect::<Vec<_>>(), new.iter().collect::<Vec<_>>());
        let said = lost_all(&new).expect("a line");
        assert!(
            said.ends_with("wrong/hive.yaml are not used, as one holds for all; --config FILE says which")
        );
        assert_eq!((lost_all(&[]), said.lines().count()), (None, 1));
        let said = idle(&file, &["worker".to_owned()]);
        assert!(said.contains("is not used, so its process `worker` does not run: `"), "{said}");
        let (at, its) = (folder.join("my work/deep"), file.display());
        let want =
            format!(" dev '{}'` runs that alone, and --config '{its}' has it hold for all", at.display());
        assert!(said.contains(&want), "{said}");
    }
}
