//! The house's rules, as tests: what a reviewer would otherwise have to look for in every change.
//!
//! What it owns: walking the tree and saying all that breaks a rule at once. The rules on one file's text are in
//! `text`, those on who may import whom in `arrows`, those on dependencies in `manifests`.

mod arrows;
mod manifests;
mod text;
mod units;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use hive_tests::{cargo::cargo, workspace};

/// A file of the repository: its path from the top with `/`, and its text.
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) text: String,
}

#[test]
fn every_file_keeps_the_rules() {
    let files = files();
    assert!(files.len() > 50, "the walk found only {} files", files.len());
    let problems: Vec<String> = files.iter().flat_map(text::problems).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn exceptions_are_few_and_needed() {
    let problems = text::exceptions(&files());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn modules_import_only_what_is_below_them() {
    let problems: Vec<String> = files().iter().flat_map(arrows::problems).collect();
    assert!(
        problems.is_empty(),
        "{} arrows that are not in the table of tests/tidy/arrows.rs (a new one is the gravest kind of change, and \
         belongs into node/ARCHITECTURE.md in the same commit):\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn dependencies_have_their_features_in_one_place() {
    let problems: Vec<String> = files().iter().flat_map(manifests::problems).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_papers_are_there_and_name_every_module() {
    let files = files();
    let text = |path: &str| {
        let file = files.iter().find(|file| file.path == path);
        file.map(|file| file.text.as_str()).unwrap_or_else(|| panic!("{path} is missing"))
    };
    for path in ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "node/CHANGELOG.md", ".deny.toml"] {
        assert!(!text(path).trim().is_empty(), "{path} is empty");
    }
    let map = text("node/ARCHITECTURE.md");
    let missing: Vec<&str> = files
        .iter()
        .filter_map(|file| {
            ["node/src/", "node/proto/src/"].iter().find_map(|root| file.path.strip_prefix(root))
        })
        .filter_map(|path| path.strip_suffix(".rs").filter(|module| !module.contains('/')))
        .filter(|module| !matches!(*module, "lib" | "main") && !map.contains(&format!("`{module}`")))
        .collect();
    assert!(missing.is_empty(), "node/ARCHITECTURE.md does not name these modules: {missing:?}");
}

#[test]
fn building_the_tests_builds_no_dependency_again() {
    let again = units::built_again();
    assert!(
        again.is_empty(),
        "`cargo test --workspace` builds these otherwise than `cargo build` does, and wasmtime with them (see the end of \
         node/Cargo.toml): {again:?}"
    );
}

#[test]
fn nothing_else_lies_at_the_top() {
    let known = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "guest-sdk",
        "node",
        "samples",
        "target",
        "tests",
        "wit",
    ];
    let entries = fs::read_dir(workspace()).expect("the workspace is there").filter_map(Result::ok);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let strange: Vec<String> =
        names.filter(|name| !name.starts_with('.') && !known.contains(&name.as_str())).collect();
    assert!(strange.is_empty(), "these belong somewhere else: {strange:?}");
}

#[test]
fn the_code_is_formatted() {
    let everything = workspace();
    for folder in [everything.clone(), everything.join("samples")] {
        check(cargo(&folder).args(["fmt", "--all", "--check"]), "run `cargo fmt --all`");
    }
}

fn check(command: &mut Command, cure: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{cure}:\n{stdout}{stderr}");
}

/// Every text file of the repository but what builds leave behind.
fn files() -> Vec<Text> {
    let mut files = Vec::new();
    let top = workspace();
    walk(&top, &top, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn walk(top: &Path, folder: &Path, files: &mut Vec<Text>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path: PathBuf = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if matches!(name.as_str(), ".git" | ".hive" | "target" | "node_modules" | "Cargo.lock")
            || name.ends_with(".wasm")
        {
            continue;
        }
        if path.is_dir() {
            walk(top, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(top).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(Text { path, text });
        }
    }
}
