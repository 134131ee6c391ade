//! Ends and flags, and what they stand for.

use super::*;

fn read(line: &str) -> Result<Bridge, clap::Error> {
    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        bridge: Bridge,
    }
    use clap::Parser as _;
    Alone::try_parse_from(line.split(' ')).map(|alone| alone.bridge)
}

#[test]
fn ends_are_networks_and_where_they_are() {
    let check = |text: &str, want: Option<(&str, Option<&str>)>| {
        let end = text.parse::<End>().ok();
        let end = end.map(|end| (end.network.to_string(), end.at.map(|at| at.to_string())));
        let want = want.map(|(name, at)| (name.to_owned(), at.map(str::to_owned)));
        assert_eq!(end, want, "{text}");
    };
    check("farm", Some(("farm", None)));
    check("farm@10.0.0.2", Some(("farm", Some("10.0.0.2:7182"))));
    check("farm@[::1]:9", Some(("farm", Some("[::1]:9"))));
    check("farm@kitchen.lan:7183", Some(("farm", Some("kitchen.lan:7183"))));
    check("@10.0.0.2", None);
    check("farm@", None);
    check("a/b", None);
    check("farm@10.0.0.2:0", None);
}

#[test]
fn flags_are_the_configurations_words() {
    let rules = |line: &str| {
        let loaded = read(&format!("bridge farm city {line}")).expect(line).settings().expect(line);
        let bridge = loaded.settings.bridges.bridges.first().expect("a bridge").clone();
        let names: Vec<String> = loaded.settings.networks.iter().map(|net| net.name.to_string()).collect();
        assert_eq!(names, ["farm", "city"]);
        let texts = |rules: &[crate::bridge::Rule]| {
            let text =
                |rule: &crate::bridge::Rule| format!("{}-{}+{}", rule.pattern, rule.strip, rule.prefix);
            rules.iter().map(text).collect::<Vec<_>>().join(" ")
        };
        let rules = &bridge.rules;
        (texts(&rules.export), texts(&rules.import), texts(&rules.calls), rules.proxy)
    };
    let all = |export: &str, import: &str, calls: &str, proxy| {
        (export.to_owned(), import.to_owned(), calls.to_owned(), proxy)
    };
    assert_eq!(rules("--no-mdns"), all("**-0+", "**-0+", "", false));
    assert_eq!(rules("--proxy"), all("**-0+", "", "", true));
    assert_eq!(rules("--prefix there"), all("there/**-1+", "**-0+there", "", false));
    assert_eq!(rules("--export a/* --export b/**"), all("a/*-0+ b/**-0+", "", "", false));
    assert_eq!(rules("--import a/* --calls ask/*"), all("", "a/*-0+", "ask/*-0+", false));
}

#[test]
fn two_networks_of_one_name_have_two_names_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "correct horse battery staple").expect("a file");
    let line = format!("bridge farm@10.0.0.2 farm --to-secret-file {}", secret.display());
    let bridge = read(&line).expect("flags");
    let networks = bridge.settings().expect("a configuration").settings.networks;
    let names: Vec<_> = networks.iter().map(|net| (net.name.to_string(), net.called.to_string())).collect();
    assert_eq!(names, [("farm".into(), "farm".into()), (OTHER.to_owned(), "farm".into())]);
    assert!(networks[0].secret.is_none() && networks[1].secret.is_some());
    assert_eq!([&bridge.from, &bridge.to].map(|end| bridge.said(end)), ["farm@10.0.0.2:7182", "farm"]);
    // With one secret they are one network.
    let both = format!("{line} --from-secret-file {}", secret.display());
    assert!(read(&both).expect("flags").settings().is_err());
}

#[test]
fn what_cannot_be_joined_is_said() {
    let wrong = |line: &str| match read(line) {
        Ok(bridge) => bridge.check().is_err(),
        Err(_) => true,
    };
    for line in [
        "bridge farm farm",
        "bridge farm@10.0.0.2 farm@10.0.0.3",
        "bridge farm city@10.0.0.3 --no-mdns",
        "bridge farm",
        "bridge farm city --export a*",
        "bridge farm city --proxy --import a/*",
    ] {
        assert!(wrong(line), "{line}");
    }
    assert!(!wrong("bridge farm@10.0.0.2 farm@10.0.0.3 --to-secret-file s"));
    assert!(!wrong("bridge farm@10.0.0.2 city@10.0.0.3 --no-mdns"));
}
