//! What is built again and what is not: a component is that of the sources that are there.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Result, ensure};
use hive_tests::languages::{command, said};
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
