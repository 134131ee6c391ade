//! What is found in folders, and where components are placed.

use super::*;

#[tokio::test]
async fn two_projects_of_one_name_are_refused_before_they_are_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("a path");
    let options = Options { install: false, may_be_none: false };
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    let all = async |folders: &[PathBuf]| distinct(&find(folders, options).await.expect("projects").0);
    write("one/pyproject.toml", "[project]\nname = \"greet\"\nversion = \"1.0\"\n[tool.hive]\n");
    write("other/package.json", r#"{"name": "hello", "dependencies": {"hive-guest": "*"}}"#);
    let (one, other) = (root.join("one"), root.join("other"));
    // What is found twice is one.
    assert!(all(&[root.clone(), one.clone(), other.clone()]).await.is_ok());
    write("other/package.json", r#"{"name": "@team/greet", "dependencies": {"hive-guest": "*"}}"#);
    let error = all(std::slice::from_ref(&root)).await.expect_err("two of one name");
    let want = format!("two handlers are called `greet`: {} and {}", one.display(), other.display());
    assert_eq!(error.to_string(), want);
    // Cargo's, too, and none of them is built: there is nothing to build it from.
    fs::remove_file(root.join("other/package.json")).expect("removed");
    write("crate/src/lib.rs", "no Rust");
    write(
        "crate/Cargo.toml",
        "[package]\nname = \"greet\"\nversion = \"0.1.0\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n",
    );
    let heard = Heard { built: &|_| panic!("one is built"), failed: &|_| panic!("one is tried") };
    let error =
        build(std::slice::from_ref(&root), options, &|_| {}, heard).await.expect_err("two of one name");
    assert!(matches!(error, BuildError::SameName { name, .. } if name == "greet"));
}

#[test]
fn a_component_is_placed_under_its_name_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (built, plugins) = (folder.path().join("a.v2.out"), folder.path().join("plugins"));
    fs::write(&built, b"x").expect("written");
    fs::create_dir(&plugins).expect("made");
    let artifact = Artifact { name: "a.v2".into(), file: built, sources: "src".into() };
    let placed = place(&[artifact], &plugins).expect("placed");
    assert_eq!(placed, [plugins.join("a.v2.wasm")]);
    assert_eq!(fs::read_dir(&plugins).expect("a folder").count(), 1);
}
