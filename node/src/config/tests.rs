//! Configurations and what is said of each: the cases are files, so that their whole text can be read.

mod page;

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;

use super::*;
use crate::trust::hidden::SecretText;

/// A folder with what the cases refer to, and a request that reads nothing of this machine.
fn surroundings() -> (tempfile::TempDir, Request) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("plugins")).expect("a folder in it");
    fs::write(folder.path().join("my.secret"), "from a file\n").expect("a file in it");
    let environment = [("HOME", "/home/someone")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let variables = Variables { set: BTreeMap::new(), environment };
    let directory = folder.path().to_owned();
    let default_data_dir = Some("/home/someone/data".into());
    let request = Request { variables, directory, default_data_dir, ..Request::default() };
    (folder, request)
}

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("hive.yaml".into(), text.to_owned()))
}

/// What a person is shown: the merged configuration or everything that is wrong.
fn said(text: &str, request: &Request) -> String {
    let said = match check_text(Some(&source(text)), request) {
        Ok(loaded) => loaded.print(),
        Err(problems) => problems.render(false) + "\n",
    };
    // The folder's name is another in each run, and the host's on each machine.
    said.replace(&request.directory.display().to_string(), "[folder]")
}

/// Every file of `cases/` is a configuration, a line `=====` and what is said of it.
/// `HIVE_WRITE_CASES=1` writes what is said now; read the difference before keeping it.
#[test]
fn each_case_says_what_its_file_says() {
    let (_folder, request) = surroundings();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/cases");
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in fs::read_dir(&cases).expect("the cases") {
        let path = case.expect("a case").path();
        let whole = fs::read_to_string(&path).expect("a readable case");
        let (text, want) = whole.split_once("=====\n").unwrap_or((&whole, ""));
        let got = said(text, &request);
        if std::env::var_os("HIVE_WRITE_CASES").is_some() {
            fs::write(&path, format!("{text}=====\n{got}")).expect("a writable case");
        } else if got != want {
            wrong.push(format!("{}\n--- is said:\n{got}--- was expected:\n{want}", path.display()));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(count >= 20, "only {count} cases found");
}

#[test]
fn a_node_is_called_as_whoever_starts_it_is_used_to_where_nobody_says() {
    let (_folder, request) = surroundings();
    let name = |default_name: &str, text: &str| {
        let request = Request { default_name: Some(default_name.to_owned()), ..request.clone() };
        check_text(Some(&source(text)), &request).expect("a good configuration").settings.node.name
    };
    let check = |folder: &str, want: &str| assert_eq!(name(folder, "version: 1\n"), want, "{folder}");
    check("greeter", "greeter");
    check("Über uns", "Über-uns");
    check(" a\tb:c/d\u{1b}\n", "a-b-c-d");
    check("-v", "v");
    check(&"é".repeat(40), &"é".repeat(32));
    let host = check_text(Some(&source("version: 1\n")), &request).expect("a good one").settings.node.name;
    check("", &host);
    check(" / ", &host);
    assert_eq!(name("greeter", "version: 1\nnode: { name: other }\n"), "other");
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_defaults() {
    let (_folder, mut request) = surroundings();
    let text = source("version: 1\nnode: { name: file, listen: 10.0.0.1:1, data-dir: f, mdns: true }\n");
    request.flags.name = Some("flag".into());
    request.flags.no_mdns = true;
    request.flags.peers = vec!["10.0.0.9".into()];
    let mut environment = |name: &str, value: &str| {
        request.variables.environment.insert(name.to_owned(), value.to_owned());
    };
    environment("HIVE_NAME", "environment");
    environment("HIVE_LISTEN", "loopback");
    let loaded = check_text(Some(&text), &request).expect("a good configuration");
    let node = &loaded.settings.node;
    assert_eq!((node.name.as_str(), node.listen, node.mdns), ("flag", ListenSettings::Loopback, false));
    assert_eq!(node.data_dir, request.directory.join("f"));
    assert_eq!(node.peers, ["10.0.0.9:7182".parse().expect("a peer")]);
    let printed = loaded.print();
    for line in [
        "name: flag ",
        "# --name",
        "# $HIVE_LISTEN",
        "# hive.yaml:2:51",
        "# --no-mdns",
        "# --peer",
        "# default",
    ] {
        assert!(printed.contains(line), "{line} is not in\n{printed}");
    }
}

#[test]
fn the_network_flag_makes_its_network_home() {
    let check = |text: &str, network: Option<&str>, secret: bool, want: &[(&str, Option<&str>)]| {
        let (_folder, mut request) = surroundings();
        request.flags.network = network.map(str::to_owned);
        request.flags.secret_file = secret.then(|| "my.secret".into());
        let loaded = check_text(Some(&source(&format!("version: 1\n{text}"))), &request);
        let networks = loaded.expect("a good configuration").settings.networks;
        let got: Vec<_> =
            networks.iter().map(|n| (n.name.as_str(), n.secret.as_ref().map(SecretText::reveal))).collect();
        assert_eq!(got, want, "{text}");
    };
    let two = "networks: { a: { open: true, home: true }, b: { secret: s } }";
    check("", None, false, &[("hive", None)]);
    check("", None, true, &[("hive", Some("from a file"))]);
    check("", Some("x"), false, &[("x", None)]);
    check("", Some("x"), true, &[("x", Some("from a file"))]);
    check(two, None, false, &[("a", None), ("b", Some("s"))]);
    check(two, Some("b"), false, &[("b", Some("s")), ("a", None)]);
    check(two, None, true, &[("a", Some("from a file")), ("b", Some("s"))]);
    check(two, Some("c"), true, &[("c", Some("from a file")), ("a", None), ("b", Some("s"))]);
}

#[test]
fn a_network_may_list_its_nodes() {
    let (_folder, request) = surroundings();
    let id = "0a".repeat(32);
    let check = |allow: &str| {
        let text = format!("version: 1\nnetworks:\n  farm: {{ open: true, allow: [{allow}] }}\n");
        check_text(Some(&source(&text)), &request)
    };
    let loaded = check(&id).expect("a good configuration");
    assert_eq!(loaded.settings.networks[0].allow.as_deref(), Some(&[id.parse().expect("an id")][..]));
    assert!(loaded.print().contains(&id), "{}", loaded.print());
    let said = check(&format!("{id}, kitchen")).expect_err("no id").to_string();
    assert!(said.contains("a node id is 64 hexadecimal digits") && said.contains("hive-node id"), "{said}");
}

#[test]
fn a_wrong_flag_is_named() {
    let (_folder, mut request) = surroundings();
    request.flags.listen = Some("nowhere".into());
    let said = check_text(None, &request).expect_err("a wrong flag").to_string();
    assert_eq!(
        said,
        "error: --listen: `nowhere` is no address to listen on\n\
         hint: write an address and a UDP port, as in `0.0.0.0:7182`, or `loopback`"
    );
}

#[test]
fn files_that_cannot_be_read_are_one_clear_error() {
    let (folder, mut request) = surroundings();
    let mut check = |name: &str, bytes: Option<&[u8]>, want: &str| {
        if let Some(bytes) = bytes {
            fs::write(folder.path().join(name), bytes).expect("a file");
        }
        request.file = Some(name.into());
        let said = load(&request).expect_err(name).to_string();
        assert_eq!(said, want, "{name}");
    };
    check(
        "none.yaml",
        None,
        "error: cannot read the configuration `none.yaml`: there is no such file\n\
         hint: give the path of an existing file",
    );
    check(
        "plugins",
        None,
        "error: cannot read the configuration `plugins`: it is a folder\n\
         hint: give a file, such as `plugins/hive.yaml`",
    );
    check(
        "huge.yaml",
        Some(&[b'#'; (1 << 20) + 1]),
        "error: cannot read the configuration `huge.yaml`: it is larger than 1MiB",
    );
    check(
        "latin.yaml",
        Some(b"version: 1\nnode: { name: K\xfcche }\n"),
        "error: here is a byte that is not UTF-8
 --> latin.yaml:2:16
  |
2 | node: { name: K\u{fffd}che }
  |                ^
hint: save the file as plain UTF-8 text",
    );
    check(
        "control.yaml",
        Some(b"version: 1\0\n"),
        "error: here is a control character, which YAML does not allow
 --> control.yaml:1:11
  |
1 | version: 1\u{2400}
  |           ^
hint: save the file as plain UTF-8 text",
    );
}

#[test]
fn the_first_file_found_is_used() {
    let (folder, mut request) = surroundings();
    let write = |path: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "version: 1\n").expect("a file");
    };
    let personal = folder.path().join("personal").display().to_string();
    request.variables.environment.insert("XDG_CONFIG_HOME".into(), personal);
    write("personal/hive-node/hive.yaml");
    let file = |request: &Request| load(request).expect("a good configuration").file.expect("a file");
    assert_eq!(file(&request), folder.path().join("personal/hive-node/hive.yaml"));
    write("hive.yaml");
    assert_eq!(file(&request), Path::new("hive.yaml"));
    write("by-variable.yaml");
    request.variables.environment.insert("HIVE_CONFIG".into(), "by-variable.yaml".into());
    assert_eq!(file(&request), Path::new("by-variable.yaml"));
    write("by-flag.yaml");
    request.file = Some("by-flag.yaml".into());
    assert_eq!(file(&request), Path::new("by-flag.yaml"));
}

#[test]
fn a_set_that_nothing_uses_is_a_warning() {
    let (_folder, mut request) = surroundings();
    request.variables.set.insert("NAEM".into(), "x".into());
    let text = source("version: 1\nnode: { name: \"${NAME:-y}\" }");
    let warnings = check_text(Some(&text), &request).expect("a good configuration").warnings;
    let said: Vec<String> = warnings.iter().map(|w| w.render(Severity::Warning, false)).collect();
    assert_eq!(
        said,
        ["warning: --set NAEM: nothing in the configuration uses `${NAEM}`\nhint: did you mean `NAME`?"]
    );
}

#[test]
fn a_secret_that_others_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, mut request) = surroundings();
    request.flags.secret_file = Some("my.secret".into());
    let warnings = |mode| {
        let open = fs::Permissions::from_mode(mode);
        fs::set_permissions(folder.path().join("my.secret"), open).expect("a file of ours");
        let warnings = check_text(None, &request).expect("a good configuration").warnings;
        warnings.iter().map(|w| w.render(Severity::Warning, false)).collect::<Vec<_>>()
    };
    assert_eq!(warnings(0o600), [""; 0]);
    assert_eq!(
        warnings(0o644),
        ["warning: --secret-file: other users of this machine can read the secret's file\n\
          hint: take their rights away: `chmod 600` on it"]
    );
}

#[test]
fn a_program_that_is_not_there_is_a_warning() {
    let (folder, mut request) = surroundings();
    request.variables.environment.insert("PATH".into(), folder.path().display().to_string());
    let root = folder.path().canonicalize().expect("a folder");
    fs::write(root.join("text"), "").expect("written");
    fs::write(root.join("program"), "").expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(root.join("program"), mode).expect("a file of ours");
    let check = |exec: &str, want: Option<&str>| {
        let text = format!("version: 1\nplugins: {{ each: {{ worker: {exec} }} }}");
        let warnings = check_text(Some(&source(&text)), &request).expect("a good configuration").warnings;
        let said: Vec<String> = warnings.iter().map(|w| w.render(Severity::Warning, false)).collect();
        match want {
            None => assert_eq!(said, [""; 0], "{exec}"),
            Some(want) => assert!(said.len() == 1 && said[0].contains(want), "{exec}: {said:?}"),
        }
    };
    let at = format!("{}/", root.display());
    check("{ exec: [program] }", None);
    check(&format!("{{ exec: [{at}program] }}"), None);
    check("{ exec: [prog] }", Some("there is no program `prog` in $PATH"));
    check("{ exec: [prog], env: { PATH: /other } }", None);
    check(&format!("{{ exec: [{at}prog] }}"), Some("there is no program /"));
    check(&format!("{{ exec: [{at}text] }}"), Some("text is not executable"));
    check(&format!("{{ exec: {{ command: [program], folder: {at}no }} }}"), Some("no folder /"));
}

/// Pieces that configurations are made of, right and wrong, so that the generator gets past the first line.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "(version|node|networks|plugins|api|log|name|listen|peers|hive|secret|open|folders|each|é): ?",
        4 => "(\n|\n  |\n    |\n- |, |\\{|\\}|\\[|\\]|\"|'|\\||>|#|\t|---\n|&a |\\*a|<<: |\\? |!!str |%|@|`)",
        2 => "(1|true|null|5s|64KiB|loopback|10.0.0.1:1|\\$\\{A\\}|\\$\\{A:-b\\}|\\$\\{|~|é|\u{1F41D}|\u{2028})",
        1 => ".",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_accepted_or_refused_with_a_place(text in prop_oneof![pieces(), ".{0,80}"]) {
        let request = Request { directory: "/nowhere".into(), ..Request::default() };
        if let Err(problems) = check_text(Some(&source(&text)), &request) {
            prop_assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                prop_assert!(!problem.message.is_empty());
                let rendered = problem.render(Severity::Error, true);
                prop_assert!(rendered.contains("error"));
                let Some(place) = problem.place() else {
                    // Only what no text can be blamed for has no place: there is no home here.
                    prop_assert!(problem.message.starts_with("no place for the node's data"));
                    continue;
                };
                prop_assert!(text.get(place.span.clone()).is_some(), "{:?} in {text:?}", place.span);
                let (line, column) = place.position();
                prop_assert!(line >= 1 && line <= text.split('\n').count() && column >= 1);
            }
        }
    }
}

/// A file of EventHive's own.
const EVENTHIVE: &str = "\
eventhive:
  metadata_key: _meta
  remove_metadata: no
servers:
  net: { pubsub_type: fastapi, create: needed, broadcast: true, init: { host: 0.0.0.0, port: 8085, endpoint: pubsub } }
  other: { pubsub_type: fastapi, create: never, broadcast: false, init: {} }
connectors:
  net: { pubsub_type: fastapi, input_channel: worker, from_broadcast: true, secret: s3cret }
  redis-net:
    pubsub_type: redis
    input_channel: ''
    secret: ''
    init: { host: localhost, port: 6380, db: 1, password: p, socket_timeout: 5 }
  ws: { pubsub_type: fastapi, input_channel: a, from_broadcast: false, init: {} }
channels: { old: true }
";

/// The equivalent that is written down says what the file itself says.
#[test]
fn an_imported_configuration_is_the_same() {
    let (_folder, mut request) = surroundings();
    let text = EVENTHIVE;
    let secrets = ("EVENTHIVE_SECRET".to_owned(), "ws:one nobody:two".to_owned());
    request.variables.environment.extend([secrets]);
    let (written, warnings) = import(&source(text), &request.variables.environment).expect("an equivalent");
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    let bridges = |text: &str| check_text(Some(&source(text)), &request).expect(text).settings.bridges;
    assert_eq!(format!("{:?}", bridges(&written)), format!("{:?}", bridges(text)), "{written}");
    assert!(import(&source("version: 1\n"), &request.variables.environment).is_err());
}
