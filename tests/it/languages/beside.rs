//! Modules and packages in Python that lie beside their project: they are found, and followed as its own are.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use hive_client::Message;
use hive_tests::{
    languages::{is_here, with_tools},
    nodes::Node,
    wait::{self, MOMENT},
};
use serde_json::Value;
use tempfile::TempDir;

use super::{LOADING, runs, wrong::run_in};
use crate::node;

/// A project that pays with what lies beside it.
const APP: &str = "import hive\nimport money\n\n@hive.answer(\"pay/price\")\ndef price() -> int:\n    return money.price()\n";
const MANIFEST: &str = "[project]\nname = \"pay\"\ndependencies = []\n[tool.hive]\nmodule = \"app\"\n";

/// A project `pay`, whose manifest goes on so, and a module in a folder beside it.
fn pay(folder: &TempDir, manifest: &str) -> Result<()> {
    let (code, said) = run_in(folder, &["new", "pay", "--lang", "python"])?;
    ensure!(code == Some(0), "{said}");
    let root = folder.path().join("pay");
    fs::write(root.join("src/app.py"), APP)?;
    fs::write(root.join("pyproject.toml"), format!("{MANIFEST}{manifest}"))?;
    fs::create_dir(folder.path().join("shared"))?;
    costs(folder, 1)
}

fn costs(folder: &TempDir, price: u32) -> Result<()> {
    let module = folder.path().join("shared/money.py");
    Ok(fs::write(module, format!("def price() -> int:\n    return {price}\n"))?)
}

/// What the component says that it costs.
fn answers(folder: &TempDir, price: u32) -> Result<()> {
    let cases = format!("cases:\n  - {{ call: pay/price, answer: {price} }}\n");
    fs::write(folder.path().join("pay/cases.yaml"), cases)?;
    let (code, said) = run_in(folder, &["test", "pay"])?;
    ensure!(code == Some(0), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_beside_a_project_in_python_are_part_of_it() -> Result<()> {
    if !is_here("python3", "python") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let build = || run_in(&folder, &["build", "pay"]);
    pay(&folder, "")?;
    let (code, said) = build()?;
    let cure = "or it lies in a folder beside: `path = [\"src\", \"../shared\"]`";
    ensure!(code == Some(1) && said.contains(cure), "{said}");
    let manifest = folder.path().join("pay/pyproject.toml");
    // Whole folders are named, or one above the project, of which only what is read is part of it.
    for (at, path, import) in [
        (1, "[\"src\", \"../shared\"]", "import money\n"),
        (10, "[\"src\", \"..\"]", "from shared import money\n"),
    ] {
        fs::write(&manifest, format!("{MANIFEST}path = {path}\n"))?;
        fs::write(folder.path().join("pay/src/app.py"), APP.replace("import money\n", import))?;
        costs(&folder, at)?;
        answers(&folder, at)?;
        let (code, said) = build()?;
        ensure!(code == Some(0) && !said.contains("building"), "{path}: {said}");
        costs(&folder, at + 1)?;
        answers(&folder, at + 1)?;
    }
    fs::write(&manifest, format!("{MANIFEST}path = [\"src\", \"../none\"]\n"))?;
    let (code, said) = build()?;
    ensure!(code != Some(0) && said.contains("[tool.hive] has ../none, which is no folder"), "{said}");
    fs::write(&manifest, format!("{MANIFEST}path = []\n"))?;
    let (code, said) = build()?;
    ensure!(code != Some(0) && said.contains("`path` of [tool.hive] names no folder"), "{said}");
    Ok(())
}

/// A link is followed where the folder that it is in has what it leads to, and is told where it leads out of that.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_python_does_not_follow_is_told_as_such() -> Result<()> {
    if !is_here("python3", "python") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    pay(&folder, "")?;
    let (link, build) = (folder.path().join("pay/src/money.py"), || run_in(&folder, &["build", "pay"]));
    std::os::unix::fs::symlink("../../shared/money.py", &link)?;
    let (code, said) = build()?;
    let want = "error: src/money.py is a link that leads out of its folder";
    ensure!(code == Some(1) && said.contains(want) && said.contains("path = [\"src\", "), "{said}");
    fs::remove_file(&link)?;
    std::os::unix::fs::symlink("coins.py", &link)?;
    fs::rename(folder.path().join("shared/money.py"), link.with_file_name("coins.py"))?;
    let (code, said) = build()?;
    ensure!(code == Some(0), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_follows_a_module_beside_a_project_in_python() -> Result<()> {
    if !is_here("python3", "python") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    pay(&folder, "path = [\"src\", \"../shared\"]\n")?;
    let setup = node("beside").verb("dev").arg(folder.path().join("pay"));
    let mut node = with_tools(setup)?.start_within(LOADING).await?;
    runs(&node, "pay", 1).await?;
    ensure!(price(&node).await == Some(1.into()), "{}", node.printed());
    costs(&folder, 2)?;
    wait::until("the other price", LOADING, async || (price(&node).await? == 2).then_some(()))
        .await
        .with_context(|| node.printed())?;
    node.stop().await?;
    Ok(())
}

async fn price(node: &Node) -> Option<Value> {
    let said = node.client().call("pay/price", &Message::default(), MOMENT).await.ok()?;
    serde_json::from_slice(&said.payload).ok()
}

/// A package whose sources are beside the project is installed again when they change, and packages that are gone are, too.
#[tokio::test(flavor = "multi_thread")]
async fn packages_of_paths_are_installed_again_when_they_change() -> Result<()> {
    if !is_here("python3", "python") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    pay(&folder, "")?;
    let package = folder.path().join("shared");
    fs::write(
        package.join("pyproject.toml"),
        "[project]\nname = \"money\"\nversion = \"1\"\n[tool.setuptools]\npy-modules = [\"money\"]\n",
    )?;
    let manifest = folder.path().join("pay/pyproject.toml");
    let build = || run_in(&folder, &["build", "pay"]);
    for dependency in [format!("money @ file://{}", package.display()), "../shared".into()] {
        let depends = format!("dependencies = [\"{dependency}\"]");
        fs::write(&manifest, MANIFEST.replace("dependencies = []", &depends))?;
        for price in [1, 2] {
            costs(&folder, price)?;
            answers(&folder, price)?;
            let (code, said) = build()?;
            ensure!(code == Some(0) && !said.contains("building"), "{dependency}: {said}");
        }
    }
    fs::remove_dir_all(folder.path().join("pay/.hive/site"))?;
    let (code, said) = build()?;
    ensure!(code == Some(0) && said.contains("running `pip install`"), "{said}");
    Ok(())
}
