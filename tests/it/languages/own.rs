//! A project that says itself how it is built: what no toolchain of this program's knows is a handler, too.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use hive_tests::{
    guests::guest,
    languages::{command, is_here, said},
    nodes::Node,
    wait::{MOMENT, until},
};
use tempfile::TempDir;

use crate::{PROGRAM, node, write};

/// Runs the program in a folder: whether it was well, and what it says.
fn run_in(folder: &Path, args: &[&str]) -> Result<(bool, String)> {
    let output = command(Path::new(PROGRAM))?.args(args).current_dir(folder).output()?;
    Ok((output.status.success(), said(&output)))
}

/// The manifest of a project with this command, and with what is to stand beside it.
fn manifest(folder: &Path, build: &str, rest: &str) -> Result<()> {
    let text = format!("[plugin]\nname = \"own\"\nversion = \"2.0\"\nbuild = {build}\n{rest}\n");
    Ok(fs::write(folder.join("hive.toml"), text)?)
}

/// What hive-node would build in its own way is built as it says: here by Go's compiler, which leaves a module.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_says_itself_how_it_is_built() -> Result<()> {
    const GO: &str = r#"["env", "GOOS=wasip1", "GOARCH=wasm", "go", "build", "-buildmode=c-shared", "-o", "bin/x.wasm", "."]"#;
    if !is_here("go", "a language of its own") {
        return Ok(());
    }
    let parent = TempDir::new()?;
    let (done, said) = run_in(parent.path(), &["new", "own", "--lang", "go"])?;
    ensure!(done, "{said}");
    let folder = parent.path().join("own");
    let rest = "sources = [\"main.go\", \"go.mod\", \".hive/sdk\"]\ncomponent = \"bin/x.wasm\"";
    manifest(&folder, GO, rest)?;
    let (done, said) = run_in(&folder, &["build"])?;
    ensure!(done && said.contains("built `own` in") && folder.join("bin/x.wasm").is_file(), "{said}");
    // What the command left is no source: nothing is built again, until a source is another.
    let (done, said) = run_in(&folder, &["build", "-v"])?;
    ensure!(done && !said.contains("building"), "{said}");
    let (done, said) = run_in(&folder, &["test"])?;
    ensure!(done && said.contains(" passed, 0 failed"), "{said}");
    let text = fs::read_to_string(folder.join("main.go"))?;
    fs::write(folder.join("main.go"), text.replace("\"Hello\"", "\"Hi\""))?;
    let event = r#"{"call": "own/hello", "data": "Ada"}"#;
    let (done, said) = run_in(&folder, &["test", "--event", event, "--expect", "\"Hi, Ada!\""])?;
    ensure!(done && said.contains("built `own` in"), "{said}");
    // A component is taken as it is, from where it is told to be.
    let made = folder.join(".hive/build/own.wasm");
    let copied = folder.join("made.wasm");
    fs::copy(made, &copied)?;
    manifest(&folder, r#"["sh", "-c", "cp made.wasm $HIVE_OUT"]"#, "sources = [\"made.wasm\"]")?;
    let (done, said) = run_in(&folder, &["build"])?;
    ensure!(done && fs::read(folder.join(".hive/build/own.wasm"))? == fs::read(copied)?, "{said}");
    Ok(())
}

/// What goes wrong is said with what was run, what it said, and what helps.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_with_a_command_is_said() -> Result<()> {
    let folder = TempDir::new()?;
    let check = |build: &str, wants: &[&str]| {
        manifest(folder.path(), build, "sources = [\"hive.toml\"]")?;
        let (done, said) = run_in(folder.path(), &["build"])?;
        ensure!(!done && wants.iter().all(|want| said.contains(want)), "{build}: {wants:?}\n{said}");
        Ok(())
    };
    check("[\"no-such-program\"]", &["`no-such-program` is not installed", "correct `build` in hive.toml"])?;
    let fails = r#"["sh", "-c", "echo $HIVE_NAME $HIVE_VERSION: one; ls $HIVE_WIT >&2; exit 3"]"#;
    check(fails, &["own 2.0: one", "handler.wit", "`sh -c echo", "failed for "])?;
    check("[\"false\"]", &["it said nothing, and ended with exit status: 1", "`false` failed for "])?;
    check("[\"true\"]", &["`true` leaves no ", "it writes to $HIVE_OUT, or `component` says where"])?;
    check(r#"["sh", "-c", "echo text > $HIVE_OUT"]"#, &["is no handler: it is no WebAssembly"])?;
    let empty = r#"["sh", "-c", "printf '\\0asm\\1\\0\\0\\0' > $HIVE_OUT"]"#;
    let asked = "; the module exports nothing: are the bindings linked into it, as a reactor";
    check(empty, &["is no handler: ", "hive:node/handler@0.1.0", asked])?;
    // What was run is shown to whoever asks for more, without what the crates below have to say.
    let (_, said) = run_in(folder.path(), &["build", "-v"])?;
    let place = format!("in {}: HIVE_NAME=own ", folder.path().canonicalize()?.display());
    let run = r"sh -c 'printf '\''\0asm";
    ensure!(said.contains(&place) && said.contains(run) && !said.contains("wit_parser"), "{said}");
    Ok(())
}

/// What is built meanwhile stays where it is, when a build ends that was begun before it was there. What is switched off is
/// not waited for, and a configuration is followed wherever it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_dev_builds_beside_a_slow_build_stays() -> Result<()> {
    const COPY: &str = "cp made.wasm $HIVE_OUT";
    let (parent, elsewhere) = (TempDir::new()?, TempDir::new()?);
    let config = |enabled: bool| {
        let each = format!("{{ off: {{ enabled: {enabled} }} }}");
        write(elsewhere.path(), "hive.yaml", &format!("version: 1\nplugins: {{ each: {each} }}\n"))
    };
    let file_of_config = config(false)?;
    let project = |name: &str, component: &str, build: &str| {
        let folder = parent.path().join(name);
        fs::create_dir(&folder)?;
        fs::copy(guest(component), folder.join("made.wasm"))?;
        fs::write(folder.join("note"), "")?;
        let text = format!("[plugin]\nname = \"{name}\"\nbuild = [\"sh\", \"-c\", \"{build}\"]\n");
        fs::write(folder.join("hive.toml"), text + "sources = [\"made.wasm\", \"note\"]\n")?;
        anyhow::Ok(folder)
    };
    let go = parent.path().join("go");
    fs::write(&go, "")?;
    let slow = format!("until [ -e ../go ]; do sleep 0.05; done; {COPY}");
    let slow = project("slow", "filter", &slow)?;
    project("off", "reminder", COPY)?;
    let setup = node("dev").verb("dev").arg(parent.path()).arg("--config").arg(&file_of_config);
    let mut node = setup.start().await?;
    node.runs_plugin("slow", 1).await?;
    let says = async |node: &Node, what: &str, times: usize| {
        until(what, MOMENT, async || (node.stderr().matches(what).count() == times).then_some(()))
            .await
            .with_context(|| node.printed())
    };
    fs::remove_file(&go)?;
    fs::write(slow.join("note"), "another")?;
    says(&node, "building `slow`", 2).await?;
    let added = project("added", "greeter", COPY)?;
    node.runs_plugin("added", 1).await?;
    let file = |node: &Node| fs::metadata(node.data_dir().join("dev/added.wasm"));
    let before = file(&node)?.ino();
    fs::write(&go, "")?;
    says(&node, "built `slow`", 2).await?;
    fs::write(added.join("note"), "another")?;
    says(&node, "built `added`", 2).await?;
    ensure!(file(&node)?.ino() == before, "it was taken away: {}", node.printed());
    config(true)?;
    node.runs_plugin("off", 1).await?;
    ensure!(!node.stderr().contains("are not loaded yet"), "{}", node.printed());
    node.stop().await?;
    Ok(())
}

/// A mistake that is mended without another manifest does not end `dev` as it starts.
#[tokio::test(flavor = "multi_thread")]
async fn dev_waits_for_a_command_that_cannot_be_run() -> Result<()> {
    let folder = TempDir::new()?;
    fs::copy(guest("greeter"), folder.path().join("made.wasm"))?;
    let script = folder.path().join("build.sh");
    fs::write(&script, "#!/bin/sh\ncp made.wasm $HIVE_OUT\n")?;
    manifest(folder.path(), "[\"./build.sh\"]", "sources = [\"made.wasm\"]")?;
    let mut node = node("dev").verb("dev").arg(folder.path()).spawn()?;
    node.says("waiting until something is saved").await?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    node.says("built `own`").await?;
    node.runs_plugin("own", 1).await?;
    node.stop().await?;
    Ok(())
}

/// What the manifest names outside of the project is followed as well, be it a folder or a file.
#[tokio::test(flavor = "multi_thread")]
async fn dev_follows_sources_outside_of_its_folder() -> Result<()> {
    let parent = TempDir::new()?;
    let (folder, beside) = (parent.path().join("own"), parent.path().join("beside"));
    fs::create_dir_all(beside.join("deep"))?;
    fs::create_dir(&folder)?;
    let made = beside.join("deep/made.wasm");
    fs::copy(guest("greeter"), &made)?;
    let note = parent.path().join("note");
    fs::write(&note, "one")?;
    let build = r#"["sh", "-c", "cp ../beside/deep/made.wasm $HIVE_OUT"]"#;
    manifest(&folder, build, "sources = [\"../beside\", \"../note\"]")?;
    let mut node = node("dev").verb("dev").arg(&folder).start().await?;
    node.runs_plugin("own", 1).await?;
    fs::copy(guest("filter"), &made)?;
    node.runs_plugin("own", 2).await?;
    let builds = node.stderr().matches("building `own`").count();
    fs::write(&note, "another")?;
    until("another build", MOMENT, async || {
        (node.stderr().matches("building `own`").count() > builds).then_some(())
    })
    .await
    .with_context(|| node.printed())?;
    node.stop().await?;
    Ok(())
}

/// Who builds does not go on for a `dev` that is gone, however it went.
#[tokio::test(flavor = "multi_thread")]
async fn what_builds_ends_with_dev() -> Result<()> {
    for is_killed in [true, false] {
        let folder = TempDir::new()?;
        manifest(
            folder.path(),
            r#"["sh", "-c", "echo $$ > pid; exec sleep 1000"]"#,
            "sources = [\"hive.toml\"]",
        )?;
        let mut node = node("dev").verb("dev").arg(folder.path()).spawn()?;
        let pid = until("the command", MOMENT, async || {
            let text = fs::read_to_string(folder.path().join("pid")).ok()?;
            text.ends_with('\n').then(|| text.trim_end().to_owned())
        });
        let stat = format!("/proc/{}/stat", pid.await?);
        ensure!(fs::exists(&stat)?, "it is at it");
        if is_killed {
            node.crash().await?;
        } else {
            node.stop().await?;
        }
        // Whoever inherits it may take a while to see that it has ended.
        until("its end", MOMENT, async || {
            let is_over = fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
            is_over.then_some(())
        })
        .await?;
    }
    Ok(())
}

/// Where a folder has no cases, those of all projects below are run, whatever becomes of one.
#[tokio::test(flavor = "multi_thread")]
async fn cases_of_all_projects_in_a_folder_are_run() -> Result<()> {
    let parent = TempDir::new()?;
    for (name, answer) in [("one", "Hello, Ada!"), ("two", "Hello, Grace!")] {
        let folder = parent.path().join(name);
        fs::create_dir(&folder)?;
        fs::copy(guest("greeter"), folder.join("made.wasm"))?;
        let build =
            "[plugin]\nbuild = [\"sh\", \"-c\", \"cp made.wasm $HIVE_OUT\"]\nsources = [\"made.wasm\"]\n";
        fs::write(folder.join("hive.toml"), format!("{build}name = \"{name}\"\n"))?;
        let case = format!("cases: [{{ call: greet/hello, data: Ada, answer: \"{answer}\" }}]\n");
        fs::write(folder.join("cases.yaml"), case)?;
    }
    let (done, said) = run_in(parent.path(), &["test"])?;
    let each = ["one:\n", "two:\n", "1 passed, 0 failed", "0 passed, 1 failed"];
    ensure!(!done && each.iter().all(|part| said.contains(part)), "{said}");
    fs::remove_dir_all(parent.path().join("two"))?;
    let (done, said) = run_in(parent.path(), &["test"])?;
    ensure!(done && said.contains("1 passed, 0 failed"), "{said}");
    Ok(())
}
