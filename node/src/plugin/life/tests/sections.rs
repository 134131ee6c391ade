//! Sections of the configuration for plugins that are not there: shown until they come, with who may be meant.

use std::collections::BTreeMap;

use super::*;
use crate::plugin::Exec;

#[tokio::test]
async fn a_section_without_a_plugin_is_shown_until_it_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let greet = || Sketch::new().answers("greet/*").handle(ECHO).build();
    for name in ["greet-all.wasm", "other.wasm"] {
        fs::write(folder.path().join(name), greet()).expect("written");
    }
    let section = |name: &str| (name.to_owned(), PluginConfig::default());
    let process = PluginConfig { exec: Some(Exec::default()), ..PluginConfig::default() };
    let mut each = BTreeMap::from(["greet_all", "others", "other", "far"].map(section));
    each.insert("worker".into(), process);
    let home = Home::open(folder, None, Config { each, approve_all: true, ..Config::default() }).await;
    let absent = || home.boards.absent.read();
    let want = |wanted: &[(&str, Option<&str>)]| -> BTreeMap<String, Option<String>> {
        wanted.iter().map(|(name, meant)| ((*name).to_owned(), meant.map(str::to_owned))).collect()
    };
    // `other` has a section of its own, so that it is not who `others` means; a process of the configuration comes.
    assert_eq!(*absent(), want(&[("far", None), ("greet_all", Some("greet-all")), ("others", None)]));
    home.place("others.wasm", &greet());
    home.until("it to come", "others", |card| card.is_some()).await;
    assert_eq!(*absent(), want(&[("far", None), ("greet_all", Some("greet-all"))]));
    // It was here: nothing is wrong with its section when its file goes.
    fs::remove_file(home.path("others.wasm")).expect("removed");
    home.until("it to go", "others", |card| card.is_none()).await;
    assert_eq!(absent().len(), 2);
    home.stop().await;
}
