//! Two configurations, and what is said of the second where the first holds.

use std::collections::BTreeMap;

use super::*;
use crate::config::{Request, Source, Variables, check_text};

fn settings(text: &str) -> Settings {
    let folder = std::env::temp_dir();
    let variables = Variables { set: BTreeMap::new(), environment: BTreeMap::new() };
    let default_data_dir = Some("/data".into());
    let request = Request { variables, directory: folder, default_data_dir, ..Request::default() };
    let source = std::sync::Arc::new(Source::new("hive.yaml".into(), format!("version: 1\n{text}")));
    check_text(Some(&source), &request)
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
        .settings
}

fn said(changes: &[Change]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn check((before, after): (&str, &str), journals: &[NetworkIndex], (live, restart): (&str, &str)) {
    let (before, after) = (settings(before), settings(after));
    let found = changes(&before, &after, journals);
    assert_eq!((said(&found.live).as_str(), said(&found.restart).as_str()), (live, restart), "{after:?}");
    // What was taken over is not said again, and what was not is.
    let again = changes(&found.settings, &after, journals);
    assert_eq!((said(&again.live).as_str(), said(&again.restart).as_str()), ("", restart), "{after:?}");
}

const HOME: &[NetworkIndex] = &[NetworkIndex::HOME];

#[test]
fn what_is_the_same_is_not_said_however_it_is_written() {
    check(
        ("log: {level: info}\nnode: {name: a}", "node:\n  name: \"a\" # here\nlog:\n  level: info"),
        &[],
        ("", ""),
    );
}

#[test]
fn channels_plugins_bridges_and_the_log_change_while_the_node_runs() {
    check(("", "log: {level: debug}"), &[], ("log.level: changed", ""));
    check(
        (
            "channels: [{pattern: 'a/**', publish: [local]}]",
            "channels: [{pattern: 'a/**', when-full: latest}]",
        ),
        &[],
        ("channels: changed", ""),
    );
    let before = "plugins: {defaults: {cpu: 1s}, each: {a: {memory: 1MiB}, b: {attempts: 2}, c: {}}}";
    let after = "plugins: {defaults: {cpu: 2s}, each: {a: {memory: 2MiB}, c: {}, d: {exec: [true]}}}";
    let live =
        "plugins.defaults: changed, plugins.each.a: changed, plugins.each.b: removed, plugins.each.d: added";
    check((before, after), &[], (live, ""));
    let bridge = |more: &str| format!("bridges: {{mqtt: [{more}]}}");
    let (one, two) =
        ("{server: 'mqtt://h', export: ['a/*']}", "{server: 'mqtt://h', name: x, export: ['b/*']}");
    check(("", &bridge(one)), &[], ("bridges.mqtt.mqtt: added", ""));
    check((&bridge(one), &bridge(two)), &[], ("bridges.mqtt.mqtt: removed, bridges.mqtt.x: added", ""));
    let other = two.replace("b/*", "c/*");
    check((&bridge(two), &bridge(&other)), &[], ("bridges.mqtt.x: changed", ""));
}

#[test]
fn what_a_node_has_for_all_its_life_needs_a_restart() {
    let after = "node: {name: b, listen: loopback, peers: [h], mdns: false, data-dir: /other}\njournal: {max-size: 1GiB}";
    let keys = ["node.name", "node.data-dir", "node.listen", "node.peers", "node.mdns", "journal"];
    let restart = keys.map(|key| format!("{key}: changed")).join(", ");
    check(("node: {name: a}", after), &[], ("", &restart));
    let two = |first: &str, second: &str| {
        format!("networks: {{{first}: {{open: true}}, {second}: {{open: true}}}}")
    };
    check((&two("a", "b"), &two("a", "c")), &[], ("", "networks.b: removed, networks.c: added"));
    check(
        (&two("a", "b"), "networks: {a: {open: true}, b: {secret: a-long-enough-secret}}"),
        &[],
        ("", "networks.b: changed"),
    );
}

/// Rules say networks by their places: they are not for a node whose networks are in others.
#[test]
fn what_depends_on_the_networks_waits_with_them() {
    let rules = "channels: [{pattern: 'b/x/y', publish: []}]";
    let two = |first: &str, second: &str| {
        format!(
            "{rules}\nnetworks: {{{first}: {{open: true}}, {second}: {{open: true}}}}\nlog: {{level: {first}}}"
        )
    };
    let (before, after) =
        (two("a", "b").replace("level: a", "level: info"), two("b", "a").replace("level: b", "level: warn"));
    check((&before, &after), &[], ("log.level: changed", "networks: changed, channels: changed"));
}

#[test]
fn a_channel_becomes_durable_where_a_journal_is_open() {
    let before = "channels: [{pattern: 'a/*', durable: true}]";
    let after = "channels: [{pattern: 'a/*', durable: true}, {pattern: 'b/*', durable: true}]";
    check((before, after), HOME, ("channels: changed, channels.durable: changed", ""));
    check((after, before), HOME, ("channels: changed, channels.durable: changed", ""));
    check(("", before), &[], ("channels: changed", "channels.durable: changed"));
}

/// The new settings are the file's, but for what whoever started the node has chosen beside it.
#[test]
fn what_no_file_says_stays() {
    let mut before = settings("");
    (before.plugins.approve_all, before.plugins.cache) = (true, Some("/cache".into()));
    let found = changes(&before, &settings("plugins: {defaults: {cpu: 2s}}"), &[]);
    assert!(found.settings.plugins.approve_all && found.settings.plugins.cache.is_some());
    assert_eq!(said(&found.live), "plugins.defaults: changed");
}
