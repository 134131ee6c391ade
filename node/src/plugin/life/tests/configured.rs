//! Another section of the configuration while a plugin runs.

use std::collections::BTreeMap;

use super::*;
use crate::{
    trust::may::{Action, Allowed, Rule},
    units::ByteSize,
};

fn deadline(seconds: u64) -> PluginConfig {
    PluginConfig { deadline: Some(Duration::from_secs(seconds)), ..PluginConfig::default() }
}

fn each(of: &[(&str, PluginConfig)]) -> BTreeMap<String, PluginConfig> {
    of.iter().map(|(name, section)| ((*name).to_owned(), section.clone())).collect()
}

impl Home {
    fn config(&self, of: &[(&str, PluginConfig)]) -> Config {
        Config { folders: vec![self.folder.path().into()], each: each(of), ..Config::default() }
    }

    async fn configure(&self, of: &[(&str, PluginConfig)]) -> Vec<(String, u64, Option<String>)> {
        let done = self.plugins.configure(self.config(of), None, false).await.expect("it runs plugins");
        done.into_iter().map(|one| (one.plugin, one.generation, one.problem)).collect()
    }
}

#[tokio::test]
async fn a_plugin_whose_section_is_another_takes_over_from_itself_and_others_are_not_touched() {
    let other = Sketch::new().answers("other/*").handle(ECHO);
    let home = Home::start(&[("greet.wasm", &echo()), ("other.wasm", &other)]).await;
    let limits = |plugin: &str| home.card(plugin).and_then(|card| card.limits).expect("limits");
    for (generation, seconds) in [(2, 3), (3, 7)] {
        let done = home.configure(&[("greet", deadline(seconds))]).await;
        assert_eq!(done, [("greet".to_owned(), generation, None)]);
        assert_eq!(limits("greet").deadline, Duration::from_secs(seconds));
        assert!(home.call("greet/me", "hi").await.is_ok());
    }
    assert_eq!(home.configure(&[("greet", deadline(7))]).await, []);
    assert_eq!(home.card("other").map(|card| card.generation), Some(1));
    // Without its section it is as it was at first.
    assert_eq!(home.configure(&[]).await, [("greet".to_owned(), 4, None)]);
    assert_eq!(limits("greet").deadline, limits("other").deadline);
    home.stop().await;
}

#[tokio::test]
async fn a_section_under_which_a_plugin_does_not_start_leaves_it_as_it_was() {
    let home = Home::start(&[("greet.wasm", &echo())]).await;
    let narrow = PluginConfig { memory: Some(ByteSize(1)), ..PluginConfig::default() };
    let done = home.configure(&[("greet", narrow)]).await;
    assert!(done.len() == 1 && done[0].1 == 1 && done[0].2.is_some(), "{done:?}");
    assert!(home.call("greet/me", "hi").await.is_ok());
    assert_eq!(home.configure(&[]).await, [("greet".to_owned(), 2, None)]);
    assert_eq!(home.card("greet").and_then(|card| card.problem), None);
    home.stop().await;
}

#[tokio::test]
async fn a_plugin_is_switched_off_and_on_and_folders_come_and_go() {
    let home = Home::start(&[("greet.wasm", &echo())]).await;
    let off = PluginConfig { enabled: Some(false), ..PluginConfig::default() };
    home.configure(&[("greet", off)]).await;
    assert_eq!(home.call("greet/me", "hi").await, Err(CallError::NoResponder));
    assert!(home.card("greet").is_none());
    home.configure(&[]).await;
    assert!(home.call("greet/me", "hi").await.is_ok());
    let more = tempfile::tempdir().expect("a folder");
    fs::write(more.path().join("more.wasm"), Sketch::new().answers("more/*").handle(ECHO).build())
        .expect("written");
    let with = async |folders: Vec<PathBuf>| {
        let ready = home.plugins.ready_to_follow(folders.clone()).await.expect("folders");
        let config = Config { folders, ..Config::default() };
        home.plugins.configure(config, Some(ready), false).await.expect("configured")
    };
    let done = with(vec![home.folder.path().into(), more.path().into()]).await;
    assert_eq!(done.iter().map(|one| one.plugin.as_str()).collect::<Vec<_>>(), ["more"]);
    assert!(home.call("more/1", "hi").await.is_ok());
    // The new folder is followed.
    fs::remove_file(more.path().join("more.wasm")).expect("removed");
    home.until("it is gone", "more", |card| card.is_none()).await;
    with(vec![more.path().into()]).await;
    home.until("it is gone", "greet", |card| card.is_none()).await;
    assert!(home.plugins.ready_to_follow(vec!["/nowhere/at/all".into()]).await.is_err());
    home.stop().await;
}

/// What the rules left out is listened to as soon as they allow it, and no sooner.
#[tokio::test]
async fn a_plugin_listens_to_more_when_the_rules_let_it() {
    let home = Home::start(&[("greet.wasm", &echo())]).await;
    let rule = |allowed| Rule {
        scope: home.bus.names().scope("greet/*").expect("a pattern"),
        allows: vec![(Action::Subscribe, allowed)],
    };
    home.bus.rule(vec![rule(vec![Allowed::Local])]);
    let done = home.plugins.reload(Some("greet".into())).await.expect("reloaded");
    assert_eq!(done[0].generation, 2);
    home.bus.rule(vec![rule(vec![Allowed::Plugin("other".into())])]);
    home.plugins.reload(Some("greet".into())).await.expect("reloaded");
    assert_eq!(home.call("greet/me", "hi").await, Err(CallError::NoResponder));
    let ruled = async || home.plugins.configure(home.config(&[]), None, true).await.expect("configured");
    assert_eq!(ruled().await, [], "what the rules leave as it was is not touched");
    home.bus.rule(vec![rule(vec![Allowed::Plugin("greet".into())])]);
    assert_eq!(ruled().await[0].generation, 4);
    assert!(home.call("greet/me", "hi").await.is_ok());
    home.stop().await;
}
