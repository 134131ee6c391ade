//! What a machine lacks, and a project that is wrong, keep nothing else from being built.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use hive_tests::languages::{command, said};
use tempfile::TempDir;

use crate::PROGRAM;

/// A folder with projects, and one with the programs that there are.
struct Machine {
    folder: TempDir,
    programs: TempDir,
}

impl Machine {
    fn with(programs: &[&str]) -> Result<Self> {
        let machine = Self { folder: TempDir::new()?, programs: TempDir::new()? };
        let path = std::env::var_os("PATH").context("no PATH")?;
        for program in programs {
            let found =
                std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
            symlink(found.context("no such program")?, machine.programs.path().join(program))?;
        }
        Ok(machine)
    }

    /// Writes a file of a project.
    fn file(&self, path: &str, text: &str) -> Result<PathBuf> {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().context("no folder")?)?;
        fs::write(&file, text)?;
        Ok(file)
    }

    /// A project that a command builds.
    fn own(&self, name: &str, build: &str) -> Result<()> {
        let text = format!("[plugin]\nname = \"{name}\"\nbuild = {build}\nsources = [\"hive.toml\"]\n");
        self.file(&format!("{name}/hive.toml"), &text).map(drop)
    }

    /// Builds everything: the code it ends with, and what is said.
    fn build(&self, args: &[&str]) -> Result<(Option<i32>, String)> {
        let mut command = command(Path::new(PROGRAM))?;
        let output =
            command.arg("build").args(args).env("PATH", self.programs.path()).current_dir(&self.folder);
        let output = output.output()?;
        Ok((output.status.code(), said(&output)))
    }
}

/// A script that cannot be run is a mistake in the project, and is said with what mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_cannot_be_run_is_said_with_what_mends_it() -> Result<()> {
    let machine = Machine::with(&[])?;
    machine.own("own", "[\"./build.sh\"]")?;
    let check = |script: &str, mode: u32, wants: &[&str]| -> Result<()> {
        let file = machine.file("own/build.sh", script)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
        let (code, said) = machine.build(&[])?;
        ensure!(
            code == Some(1) && wants.iter().all(|want| said.contains(want)),
            "{wants:?}: {code:?}, {said}"
        );
        Ok(())
    };
    check(
        "#!/bin/sh\n",
        0o644,
        &["cannot run ", "own/build.sh: Permission denied", "hint: make it executable: `chmod +x "],
    )?;
    check("exit 0\n", 0o755, &["cannot run ", "own/build.sh: Exec format error", "hint: ", "`#!/bin/sh`"])?;
    let none = "#!/no/such/interpreter -x\n";
    check(none, 0o755, &["cannot run ", "own/build.sh: ", "`/no/such/interpreter`, which is not there"])?;
    machine.own("own", "[\"./none.sh\"]")?;
    check("", 0o755, &["`./none.sh` is not installed", "correct `build` in hive.toml"])
}
