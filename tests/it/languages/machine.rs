//! What a machine lacks, and a project that is wrong, keep nothing else from being built.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use hive_tests::languages::{command, is_here, said};
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

    /// A program that is a script.
    fn program(&self, name: &str, script: &str) -> Result<()> {
        let file = self.programs.path().join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n"))?;
        Ok(fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?)
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

/// A component, as far as a build looks.
const GOOD: &str = r#"["sh", "-c", "printf '\\0asm\\15\\0\\1\\0' > $HIVE_OUT"]"#;

/// A library that becomes a component.
const CRATE: &str = "version = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n";

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

/// A manifest that cannot be read keeps no other project from being built.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_manifest_keeps_nothing_else_from_being_built() -> Result<()> {
    let machine = Machine::with(&["sh", "cargo", "rustc"])?;
    machine.own("good", GOOD)?;
    machine.file("broken/package.json", "{")?;
    machine.file("crate/Cargo.toml", "[package\ncrate-type = [\"cdylib\"]\n")?;
    // This is nothing that is built here.
    machine.file("tests/bad/Cargo.toml", "[package\n")?;
    let (code, said) = machine.build(&[])?;
    ensure!(code.is_some_and(|code| code > 0) && said.contains("built `good`"), "{code:?}: {said}");
    let wants = ["broken/package.json: EOF", "`cargo metadata` failed for "];
    ensure!(wants.iter().all(|want| said.matches(want).count() == 1), "{said}");
    ensure!(!said.contains("tests/bad"), "{said}");
    Ok(())
}

/// Who has no Rust is not asked for it because of a crate that is no handler; because of one that is, the others are built.
#[tokio::test(flavor = "multi_thread")]
async fn without_rust_everything_else_is_built() -> Result<()> {
    let machine = Machine::with(&["sh"])?;
    machine.own("good", GOOD)?;
    machine.file("tool/Cargo.toml", "[package]\nname = \"tool\"\n")?;
    let (code, said) = machine.build(&[])?;
    ensure!(code == Some(0) && said.contains("built `good`"), "{code:?}: {said}");
    machine.own("other", GOOD)?;
    machine.file("handler/Cargo.toml", &format!("[package]\nname = \"handler\"\n{CRATE}"))?;
    let (code, said) = machine.build(&[])?;
    ensure!(
        code == Some(1) && said.contains("built `other`") && said.contains("`cargo` is not installed"),
        "{said}"
    );
    Ok(())
}

/// One crate of a workspace that does not compile keeps no other from being built.
#[tokio::test(flavor = "multi_thread")]
async fn a_crate_that_does_not_compile_keeps_no_other_from_being_built() -> Result<()> {
    let machine = Machine { folder: TempDir::new()?, programs: TempDir::new()? };
    machine.file("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"bad\", \"good\"]\n")?;
    for (name, source) in [("bad", "fn f() -> u8 {}\n"), ("good", "\n")] {
        machine.file(&format!("{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n{CRATE}"))?;
        machine.file(&format!("{name}/src/lib.rs"), source)?;
    }
    let output =
        command(Path::new(PROGRAM))?.args(["build", "--out", "out"]).current_dir(&machine.folder).output()?;
    let said = said(&output);
    ensure!(output.status.code() == Some(1) && said.contains("error[E0308]"), "{said}");
    ensure!(said.contains("`cargo build` failed for "), "{said}");
    // Cargo's own words of the handlers are those of every language, and its end is no news.
    let told = ["building `bad`", "building `good`", "built `good` in "];
    ensure!(told.iter().all(|part| said.contains(part)) && !said.contains("built `bad`"), "{said}");
    ensure!(!said.contains("Compiling good") && !said.contains("Finished "), "{said}");
    ensure!(machine.folder.path().join("out/good.wasm").is_file(), "{said}");
    Ok(())
}

/// The target is added once, however many projects lack it, and why it cannot be is said as rustup says it.
#[tokio::test(flavor = "multi_thread")]
async fn the_target_is_added_once() -> Result<()> {
    let machine = Machine::with(&["sh", "mkdir", "wc", "cat"])?;
    let sysroot = machine.folder.path().join("sysroot");
    let target = sysroot.join("lib/rustlib/wasm32-wasip2");
    let counted = machine.folder.path().join("added");
    let looked = machine.folder.path().join("looked");
    machine.program("rustc", &format!("echo >> {}\necho {}", looked.display(), sysroot.display()))?;
    // Whoever runs beside another fails, as rustup does; it goes on when both have seen that the target is missing.
    let adding = machine.folder.path().join("adding");
    let (add, count) = (adding.display(), counted.display());
    // On one core they come one after the other.
    let look = "[ $n = 3000 ]; do n=$((n+1)); done";
    let both = format!("n=0; until [ $(wc -l < {}) -ge 2 ] || {look}", looked.display());
    let add = format!("mkdir {add} || exit 1\necho >> {count}\n{both}\nmkdir -p {}/lib", target.display());
    machine.program("rustup", &add)?;
    let metadata = "{\\\"workspace_root\\\": \\\"$PWD\\\", \\\"packages\\\": [{\\\"name\\\": \\\"${PWD##*/}\\\", \
                    \\\"id\\\": \\\"x\\\", \\\"manifest_path\\\": \\\"$PWD/Cargo.toml\\\", \
                    \\\"targets\\\": [{\\\"crate_types\\\": [\\\"cdylib\\\"]}]}]}";
    machine.program("cargo", &format!("[ $1 = metadata ] && echo \"{metadata}\"\nexit 0"))?;
    for name in ["one", "two"] {
        machine.file(&format!("{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n{CRATE}"))?;
    }
    let (code, said) = machine.build(&["one", "two"])?;
    let added = fs::read_to_string(&counted)?.lines().count();
    ensure!(code == Some(0) && added == 1, "{added} times, {code:?}: {said}");
    fs::remove_dir_all(&target)?;
    machine.program("rustup", "echo 'error: no toolchain of yours' >&2\nexit 1")?;
    let (code, said) = machine.build(&["one"])?;
    ensure!(
        code == Some(1) && said.contains("is not installed, and `rustup target add wasm32-wasip2` failed"),
        "{said}"
    );
    ensure!(
        said.matches("error: no toolchain of yours").count() == 1 && !said.contains("it needs a connection"),
        "{said}"
    );
    Ok(())
}

/// What tests are compiled with comes with the first build.
#[test]
fn the_unit_tests_of_a_new_project_in_typescript_say_that_it_is_to_be_built_once() -> Result<()> {
    if !is_here("npm", "ts") {
        return Ok(());
    }
    let folder = TempDir::new()?;
    let made =
        command(Path::new(PROGRAM))?.args(["new", "typed", "--lang", "ts"]).current_dir(&folder).output()?;
    ensure!(made.status.success(), "{}", said(&made));
    let output = command(Path::new("npm"))?.arg("test").current_dir(folder.path().join("typed")).output()?;
    let said = said(&output);
    ensure!(!output.status.success() && said.contains("\nrun `hive-node build` once: "), "{said}");
    ensure!(!said.contains("not found"), "{said}");
    Ok(())
}
