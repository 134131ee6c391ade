//! What a project is made of outside of its folder, beside what its manifest names: its tools say what they have read, and
//! that is remembered beside the component.
//!
//! Exists because an import may lead anywhere. It must not know which tool says what.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{BuildError, project::Project, tool::place};
use crate::watch::is_skipped;

/// The files that a tool says it has read, each from the project's folder on. Those inside may be among them.
pub type Read = Vec<PathBuf>;

/// The file that it is remembered in, a line each.
const LIST: &str = "elsewhere";

/// What was read elsewhere when the project was built last.
#[must_use]
pub fn remembered(project: &Project) -> Vec<PathBuf> {
    let text = fs::read_to_string(project.workshop().join(LIST)).unwrap_or_default();
    text.lines().map(PathBuf::from).collect()
}

/// Remembers what was read. False: some of that was saved since the build had `begun`, and may be in it or not.
///
/// # Errors
/// When it cannot be written.
pub fn remember(project: &Project, read: Read, begun: SystemTime) -> Result<bool, BuildError> {
    let files = outside(&project.root, read);
    let names: String = files.iter().filter_map(|file| Some(format!("{}\n", file.to_str()?))).collect();
    let list = project.workshop().join(LIST);
    fs::write(&list, names).map_err(|source| place(&list, source))?;
    let saved = |file: &PathBuf| file.metadata().and_then(|found| found.modified());
    Ok(files.iter().all(|file| saved(file).is_ok_and(|saved| saved < begun)))
}

/// Of some files, given from a folder on, those that are outside of it and were not made by a tool.
#[must_use]
pub fn outside(root: &Path, files: Vec<PathBuf>) -> BTreeSet<PathBuf> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let is_made = |file: &Path| file.ancestors().take_while(|above| !root.starts_with(above)).any(is_skipped);
    let files = files.into_iter().filter_map(|file| root.join(file).canonicalize().ok());
    files.filter(|file| file.is_file() && !file.starts_with(&root) && !is_made(file)).collect()
}

/// The files that something is made of, as compilers write them for `make`: `made: of this\ one and that`.
#[must_use]
pub fn of_rules(text: &str) -> Vec<PathBuf> {
    let text = text.replace("\\\n", " ");
    let rules = text.lines().filter_map(|line| line.split_once(": "));
    rules.flat_map(|(_, files)| words(files)).map(PathBuf::from).collect()
}

/// Words between spaces; one that has a `\` before it is part of a word.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.next_if_eq(&' ').is_some() => word.push(' '),
            ' ' => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_make_are_read() {
        let text = "/t/a b.wasm: /x/lib.rs /x/my\\ part.rs\n\na.o: src/a.c \\\n  ../x.h\n/x/lib.rs:\n";
        let want = ["/x/lib.rs", "/x/my part.rs", "src/a.c", "../x.h"].map(PathBuf::from);
        assert_eq!(of_rules(text), want);
    }

    #[test]
    fn what_is_in_the_project_or_made_by_tools_is_not_elsewhere() {
        let folder = tempfile::tempdir().expect("a folder");
        // Where it is all is nobody's choice.
        let top = folder.path().canonicalize().expect("a path").join(".hidden");
        for file in ["a/x.js", "shared/x.js", "node_modules/y/x.js", "shared/.cache/x.js"] {
            let file = top.join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, "").expect("written");
        }
        let files = ["x.js", "../a/x.js", "../shared/x.js", "../node_modules/y/x.js", "../gone.js"];
        let files = files.into_iter().chain(["../shared/.cache/x.js"]).map(PathBuf::from).collect();
        assert_eq!(outside(&top.join("a"), files), [top.join("shared/x.js")].into());
    }
}
