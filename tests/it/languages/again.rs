//! What is built again and what is not: a component is that of the sources that are there.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Result, ensure};
use hive_tests::languages::{command, is_here, said};
use tempfile::TempDir;

use crate::PROGRAM;

/// What a component begins with; whatever comes after is nobody's business before it runs.
const HEAD: &str = "printf '\\0asm\\15\\0\\1\\0'";

/// Builds a folder: whether it was well, and what is said.
fn build(folder: &Path, args: &[&str]) -> Result<(bool, String)> {
    let output = command(Path::new(PROGRAM))?.arg("build").args(args).current_dir(folder).output()?;
    Ok((output.status.success(), said(&output)))
}

/// A project whose component is what its sources have, one after another.
fn project(folder: &Path, sources: &str, before: &str) -> Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    let script = format!("{before}\n{{ {HEAD}; find -L src -type f | sort | xargs cat; }} > $HIVE_OUT\n");
    fs::write(folder.join("build.sh"), script)?;
    let manifest = format!("[plugin]\nname = \"own\"\nbuild = [\"sh\", \"build.sh\"]\nsources = {sources}\n");
    Ok(fs::write(folder.join("hive.toml"), manifest)?)
}

/// What stands in a component behind its head.
fn made(folder: &Path) -> Result<String> {
    let bytes = fs::read(folder.join(".hive/build/own.wasm"))?;
    Ok(String::from_utf8_lossy(bytes.get(8..).unwrap_or_default()).into_owned())
}

/// Links to files, folders with names that others have for what is made, and what is outside are sources as others are.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_named_as_a_source_is_one() -> Result<()> {
    let parent = TempDir::new()?;
    let folder = parent.path().join("own");
    project(&folder, "[\"src\", \"../beside\"]", "")?;
    let files = ["own/src/a", "own/src/tests/b", "own/src/deep/target/c", "elsewhere", "beside/d"];
    for file in files {
        let file = parent.path().join(file);
        fs::create_dir_all(file.parent().unwrap_or(&folder))?;
        fs::write(file, "1")?;
    }
    symlink(parent.path().join("elsewhere"), folder.join("src/link"))?;
    let (done, said) = build(&folder, &[])?;
    ensure!(done && said.contains("built `own`") && made(&folder)? == "1111", "{said}");
    let (done, said) = build(&folder, &[])?;
    ensure!(done && !said.contains("building"), "{said}");
    for file in files {
        fs::write(parent.path().join(file), "2")?;
        let (done, said) = build(&folder, &[])?;
        ensure!(done && said.contains("built `own`"), "{file}: {said}");
    }
    ensure!(made(&folder)? == "2222", "{}", made(&folder)?);
    Ok(())
}

/// A branch that is switched while a build is on its way leaves no component of the one under the name of the other.
#[tokio::test(flavor = "multi_thread")]
async fn sources_that_change_during_a_build_are_built_again() -> Result<()> {
    let parent = TempDir::new()?;
    let folder = parent.path().join("own");
    project(&folder, "[\"src\"]", "if [ -e ../other ]; then mv ../other src/a; fi")?;
    fs::write(folder.join("src/a"), "one branch")?;
    fs::write(parent.path().join("other"), "the other")?;
    let (done, said) = build(&folder, &[])?;
    ensure!(done && made(&folder)? == "the other", "{said}");
    fs::write(folder.join("src/a"), "one branch")?;
    let (done, said) = build(&folder, &[])?;
    ensure!(done && made(&folder)? == "one branch", "{said}");
    Ok(())
}

/// A virtual environment is nobody's source; too many files are said with where most of them are.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_to_be_sources_is_said_with_a_cure() -> Result<()> {
    const TOO_MANY: usize = 20_001;
    let parent = TempDir::new()?;
    let folder = parent.path().join("own");
    project(&folder, "[\".\"]", "")?;
    fs::write(folder.join("src/a"), "1")?;
    let venv = folder.join("venv");
    fs::create_dir(&venv)?;
    for number in 0..TOO_MANY {
        fs::write(venv.join(number.to_string()), "")?;
    }
    let (done, said) = build(&folder, &[])?;
    let most = format!("most of them in {}", venv.canonicalize()?.display());
    ensure!(!done && said.contains("more than 20000 files") && said.contains(&most), "{said}");
    ensure!(said.contains("hint: ") && said.contains("begins with a dot"), "{said}");
    fs::write(venv.join("pyvenv.cfg"), "")?;
    let (done, said) = build(&folder, &[])?;
    ensure!(done && said.contains("built `own`"), "{said}");
    Ok(())
}

/// A package that is another one is installed and built in, and one of a workspace is found above.
#[tokio::test(flavor = "multi_thread")]
async fn packages_of_javascript_are_those_that_the_manifest_wants() -> Result<()> {
    if !is_here("npm", "js") {
        return Ok(());
    }
    let parent = TempDir::new()?;
    let output =
        command(Path::new(PROGRAM))?.args(["new", "own", "--lang", "js"]).current_dir(&parent).output()?;
    ensure!(output.status.success(), "{}", said(&output));
    let folder = parent.path().join("own");
    for name in ["one", "two"] {
        let package = parent.path().join(name);
        fs::create_dir(&package)?;
        fs::write(package.join("package.json"), r#"{"name": "word", "version": "1.0.0"}"#)?;
        fs::write(package.join("index.js"), format!("export const word = \"the word is {name}\";\n"))?;
    }
    let source = "import { answer } from \"hive-guest\";\nimport { word } from \"word\";\nanswer(\"a/b\", () => word);\n";
    fs::write(folder.join("src/index.js"), source)?;
    let manifest = |from: &str| {
        let wants = format!("{{\"hive-guest\": \"file:.hive/sdk\", \"word\": \"{from}\"}}");
        fs::write(
            folder.join("package.json"),
            format!("{{\"name\": \"own\", \"type\": \"module\", \"dependencies\": {wants}}}"),
        )
    };
    let has = |word: &str| -> Result<()> {
        let bundle = fs::read_to_string(folder.join(".hive/build/bundle.js"))?;
        ensure!(bundle.contains(word), "{word} is not in it");
        Ok(())
    };
    manifest("file:../one")?;
    let (done, said) = build(&folder, &[])?;
    ensure!(done && said.contains("running `npm install`"), "{said}");
    has("the word is one")?;
    // What npm wrote is no reason to build again.
    let (done, said) = build(&folder, &[])?;
    ensure!(done && !said.contains("building"), "{said}");
    // A folder that is a package is among the sources.
    fs::write(parent.path().join("one/index.js"), "export const word = \"another word\";\n")?;
    let (done, said) = build(&folder, &["--no-install"])?;
    ensure!(done, "{said}");
    has("another word")?;
    manifest("file:../two")?;
    let (done, said) = build(&folder, &["--no-install"])?;
    ensure!(!done && said.contains("hint: run `npm install`"), "{said}");
    let (done, said) = build(&folder, &[])?;
    ensure!(done && said.contains("running `npm install`"), "{said}");
    has("the word is two")?;
    // In a workspace it is above.
    fs::remove_dir_all(folder.join("node_modules"))?;
    fs::remove_dir_all(folder.join(".hive/build"))?;
    fs::create_dir(parent.path().join("node_modules"))?;
    symlink("../one", parent.path().join("node_modules/word"))?;
    let (done, said) = build(&folder, &["--no-install"])?;
    ensure!(done, "{said}");
    has("another word")
}

/// A project whose tool reads what no manifest names.
struct Imports {
    tool: &'static str,
    language: &'static str,
    /// What is written before the first build, from the folder above the project on.
    files: &'static [(&'static str, &'static str)],
    /// Which of it is then another.
    changed: &'static [&'static str],
}

const IMPORTS: [Imports; 4] = [
    Imports {
        tool: "npm",
        language: "js",
        files: &[
            (
                "own/src/index.js",
                "import { word } from \"../../shared/x.js\";\nimport { answer } from \"hive-guest\";\nanswer(\"a/b\", () => word);\n",
            ),
            ("shared/x.js", "export const word = 1;\n"),
        ],
        changed: &["shared/x.js"],
    },
    Imports {
        tool: "npm",
        language: "ts",
        files: &[
            (
                "own/src/index.ts",
                "import type { Word } from \"../../shared/t.js\";\nimport { answer } from \"hive-guest\";\nanswer(\"a/b\", (): Word => 1);\n",
            ),
            ("shared/t.ts", "export type Word = number;\n"),
        ],
        changed: &["shared/t.ts"],
    },
    Imports {
        tool: "python3",
        language: "c",
        files: &[
            ("own/src/more.c", "#include \"../../shared/x.h\"\nint more(void) { return WORD; }\n"),
            ("shared/x.h", "#define WORD 1\n"),
        ],
        changed: &["shared/x.h"],
    },
    Imports {
        tool: "go",
        language: "go",
        files: &[
            ("own/more.go", "package main\n\nimport _ \"shared\"\n"),
            ("shared/x.go", "package shared\n"),
            ("shared/go.mod", "module shared\n\ngo 1.24\n"),
            ("go.work", "go 1.24\n\nuse (\n\t./own\n\t./shared\n)\n"),
        ],
        changed: &["shared/x.go", "go.work"],
    },
];

/// What a language's tool reads outside of the project is among the sources, though no manifest names it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_imported_from_outside_is_a_source() -> Result<()> {
    for Imports { tool, language, files, changed } in IMPORTS {
        if !is_here(tool, language) {
            continue;
        }
        let parent = TempDir::new()?;
        let new = ["new", "own", "--lang", language];
        let output = command(Path::new(PROGRAM))?.args(new).current_dir(&parent).output()?;
        ensure!(output.status.success(), "{}", said(&output));
        fs::create_dir(parent.path().join("shared"))?;
        for (file, text) in files {
            fs::write(parent.path().join(file), text)?;
        }
        let folder = parent.path().join("own");
        let (done, said) = build(&folder, &[])?;
        ensure!(done && said.contains("built `own`"), "{language}: {said}");
        let (done, said) = build(&folder, &[])?;
        ensure!(done && !said.contains("building"), "{language}: {said}");
        for file in changed {
            let file = parent.path().join(file);
            fs::write(&file, fs::read_to_string(&file)? + "\n")?;
            let (done, said) = build(&folder, &[])?;
            ensure!(done && said.contains("built `own`"), "{language}, {}: {said}", file.display());
        }
    }
    Ok(())
}
