//! Worlds that differ, written as WIT and compared without a component around them.

use super::*;

fn face_from(wit: &str) -> Face {
    let mut sources = SourceMap::new();
    sources.push_str("test.wit", wit);
    let group = sources.parse().map_err(|(_, error)| error.to_string()).expect("WIT that parses");
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).expect("WIT that resolves");
    let world = resolve.select_world(&[package], Some("under-test")).expect("a world");
    face_of(&resolve, world)
}

/// This node's own WIT, changed, with a world that uses what is under test.
fn changed(from: &str, to: &str, world: &str) -> Face {
    let mut text = format!("package hive:node@{VERSION};\n");
    for (_, source) in SOURCES {
        let source = source.replace("package hive:node@0.1.0;", "");
        text.push_str(&source);
    }
    assert!(from.is_empty() || text.contains(from), "`{from}` is in the WIT");
    text = text.replacen(from, to, 1);
    text.push_str(&format!("world under-test {{ {world} }}"));
    face_from(&text)
}

fn differences(face: &Face) -> Vec<String> {
    Contract::read().expect("our own WIT").judge(face).differences
}

#[test]
fn every_file_of_the_folder_is_compared() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, SOURCES.map(|(name, _)| name.to_owned()));
}

/// What handlers were built against before runs here, too: of what they import nothing has changed or gone, and they are asked
/// for no function that they do not export.
#[test]
fn what_was_built_before_runs_here() {
    const FIRST: &str = include_str!("../../../../tests/wit/0.1.0.wit");
    let judged = |change: &dyn Fn(&str) -> String, world: &str| {
        let face = face_from(&format!("{}\nworld under-test {{ include {world}; }}", change(FIRST)));
        let verdict = Contract::read().expect("our own WIT").judge(&face);
        verdict.differences.len() + verdict.unknown.len()
    };
    for world in ["plugin", "plugin-with-startup"] {
        assert_eq!(judged(&str::to_owned, world), 0);
        let check = |from: &str, to: &str| {
            assert!(FIRST.contains(from), "`{from}` was there");
            assert!(judged(&|text| text.replacen(from, to, 1), world) > 0, "`{to}` instead of `{from}`");
        };
        check("attempt: u32,", "attempt: u64,");
        check("interface bus {", "interface bus { gone: func();");
        check("  describe: func() -> description;", "");
    }
}

#[test]
fn our_own_world_fits() {
    for world in ["plugin", "plugin-with-startup", "plugin-with-snapshot", "plugin-with-startup-and-snapshot"]
    {
        let world = &format!("include {world};");
        assert_eq!(differences(&changed("", "", world)), Vec::<String>::new());
    }
}

#[test]
fn a_difference_says_where_and_what_is_wanted() {
    let check = |from: &str, to: &str, world: &str, want: &str| {
        assert_eq!(differences(&changed(from, to, world)), [want], "{to}");
    };
    check(
        "subscription: u32,",
        "subscription: u64,",
        "include plugin;",
        "it exports `hive:node/handler@0.1.0`, whose `handle` differs: `event.subscription` is u64, wanted is u32",
    );
    check(
        "describe: func() -> description;",
        "describe: func(x: u8) -> description;",
        "include plugin;",
        "it exports `hive:node/handler@0.1.0`, whose `describe` differs: it takes (x), wanted is ()",
    );
    check(
        "reject(string),",
        "reject(string), shrug,",
        "include plugin;",
        "it exports `hive:node/handler@0.1.0`, whose `handle` differs: `its result (error)` has the cases \
         retry, reject, shrug; wanted are retry, reject",
    );
    check(
        "get: func(key: string) -> option<string>;",
        "get: func(key: string) -> string;",
        "include plugin;",
        "it imports `hive:node/config@0.1.0`, whose `get` differs: `its result` is string, wanted is option<string>",
    );
}

#[test]
fn a_newer_handler_may_import_functions_we_do_not_have() {
    let face = changed("interface bus {", "interface bus { later: func();", "include plugin;");
    let verdict = Contract::read().expect("our own WIT").judge(&face);
    assert_eq!(verdict.differences, Vec::<String>::new());
    let unknown = Unknown { interface: "hive:node/bus@0.1.0".into(), function: "later".into() };
    assert_eq!(verdict.unknown, [unknown]);
}

#[test]
fn other_worlds_are_named() {
    let check = |wit: &str, want: &[&str]| assert_eq!(differences(&face_from(wit)), want, "{wit}");
    check(
        "package a:b@1.0.0; interface c { d: func(); } world under-test { import c; export c; }",
        &[
            "it imports `a:b/c@1.0.0`, which this node does not offer",
            "it does not export `hive:node/handler@0.1.0`; it exports `a:b/c@1.0.0`",
        ],
    );
    check(
        "package hive:node@0.2.0; interface bus { d: func(); } world under-test { import bus; }",
        &[
            "it imports `hive:node/bus@0.2.0`, but this node speaks `hive:node@0.1.0`",
            "it does not export `hive:node/handler@0.1.0`; it exports nothing",
        ],
    );
}

/// The interfaces of wasmCloud, changed, with a world that uses them.
fn messaging(from: &str, to: &str, world: &str) -> Face {
    let text = include_str!("../wasmcloud/wit/deps/messaging.wit");
    assert!(from.is_empty() || text.contains(from), "`{from}` is in the WIT");
    face_from(&format!("{}\nworld under-test {{ {world} }}", text.replacen(from, to, 1)))
}

#[test]
fn components_of_wasmcloud_fit_as_they_are() {
    let world = "import consumer; export handler;";
    assert_eq!(differences(&messaging("", "", world)), Vec::<String>::new());
    let other = messaging("timeout-ms: u32", "timeout-ms: u64", world);
    assert_eq!(
        differences(&other),
        [
            "it imports `wasmcloud:messaging/consumer@0.2.0`, whose `request` differs: `timeout-ms` is u64, wanted is u32"
        ]
    );
    let later = messaging("wasmcloud:messaging@0.2.0", "wasmcloud:messaging@0.3.0", world);
    let said = differences(&later);
    assert!(
        said.contains(
            &"it imports `wasmcloud:messaging/consumer@0.3.0`, but this node speaks \
        `wasmcloud:messaging@0.2.0`"
                .to_owned()
        ),
        "{said:?}"
    );
    let draft = "package wasi:logging@0.1.0-draft; interface logging { f: func(); } world under-test { import logging; }";
    assert_eq!(
        differences(&face_from(draft)),
        ["it does not export `hive:node/handler@0.1.0`; it exports nothing"]
    );
}
