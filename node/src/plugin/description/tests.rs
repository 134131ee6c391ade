//! What components may say of themselves, and what is said to them about the rest.

use hive_proto::channel::NetworkName;

use super::Declared as Timer;
use super::*;

fn subscription(pattern: &str) -> Subscription {
    Subscription {
        pattern: pattern.into(),
        delivery: Delivery::Broadcast,
        group: None,
        answers: false,
        settings: Vec::new(),
    }
}

fn description(subscriptions: Vec<Subscription>) -> Description {
    Description {
        name: "greet".into(),
        version: "1.0".into(),
        instances: Instances::Pool,
        subscriptions,
        timers: Vec::new(),
        publishes: Vec::new(),
        settings: Vec::new(),
    }
}

fn checked(description: Description, config: &PluginConfig) -> Result<Wishes, Problems> {
    let network = |name| NetworkName::parse(name).expect("a network");
    check(description, "greet", config, &Names::new(vec![network("home"), network("far")]))
}

#[test]
fn all_problems_are_said_at_once() {
    let mut bad = description(vec![
        subscription("a*"),
        subscription("orders/{region}"),
        Subscription { group: Some("g".into()), ..subscription("a/b") },
    ]);
    bad.timers.push(Timer {
        name: "tick".into(),
        schedule: "often".into(),
        scope: TimerScope::Node,
        settings: Vec::new(),
    });
    bad.timers.push(Timer { name: "a/b".into(), ..bad.timers[0].clone() });
    bad.publishes.push("a//b".into());
    let problems = checked(bad, &PluginConfig::default()).expect_err("problems").0;
    let starts = [
        "`a*` is no pattern",
        "`orders/{region}` needs the configuration's value `region`",
        "it names the group `g` for `a/b`, but wants every event",
        "the timer `tick` cannot tick at `often`: it is neither",
        "`a/b` is no name for a timer",
        "`a//b` is no pattern",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}");
    }
    let many = description((0..300).map(|n| subscription(&format!("a/{n}"))).collect());
    let problems = checked(many, &PluginConfig::default()).expect_err("too many").0;
    assert_eq!(problems, ["it declares 300 subscriptions; 256 is the most"]);
}

#[test]
fn the_configuration_fills_patterns_and_decides_the_mode() {
    let config = PluginConfig {
        instances: Some(Mode::Single),
        config: [("region".to_owned(), "north".to_owned())].into(),
        ..PluginConfig::default()
    };
    let wishes = checked(description(vec![subscription("orders/{region}/*")]), &config).expect("wishes");
    assert_eq!(wishes.listens[0].pattern, "orders/north/*");
    assert_eq!(wishes.reads, ["region".to_owned()].into());
    assert_eq!(wishes.mode, Mode::Single);
}

#[test]
fn what_needs_a_grant_is_left_out_with_the_line_to_add() {
    let wants = || description(vec![subscription("**"), subscription("a/b"), subscription("far/a/b")]);
    let wishes = checked(wants(), &PluginConfig::default()).expect("wishes");
    let got: Vec<(u32, &str)> =
        wishes.listens.iter().map(|listen| (listen.index, listen.pattern.as_str())).collect();
    assert_eq!(got, [(1, "a/b")]);
    let line = r#"plugins: {each: {greet: {subscribes: ["**"]}}}"#;
    assert!(wishes.warnings[0].ends_with(line), "{:?}", wishes.warnings);
    let config = PluginConfig { subscribes: vec!["**".into(), "far/a/b".into()], ..PluginConfig::default() };
    assert_eq!(checked(wants(), &config).expect("wishes").listens.len(), 3);
}

#[test]
fn a_durable_subscription_goes_on_on_its_node() {
    let durable = |value: &str| Subscription {
        settings: vec![("durable".into(), value.into())],
        ..subscription("orders/*")
    };
    let wants = vec![durable("true"), durable("false"), subscription("a/b")];
    let mut wishes = checked(description(wants), &PluginConfig::default()).expect("wishes");
    assert_eq!(wishes.warnings, [""; 0]);
    wishes.read_on("greet", NodeId([0xab; 32]));
    let groups: Vec<_> =
        wishes.listens.iter().map(|listen| listen.group.as_ref().map(GroupName::as_str)).collect();
    assert_eq!(groups, [Some("greet@abababababababab"), None, None]);

    let shared = Subscription { delivery: Delivery::Group, ..durable("true") };
    let problems = checked(description(vec![durable("yes"), shared]), &PluginConfig::default());
    let problems = problems.expect_err("problems").0;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("`yes`, neither `true` nor `false`"), "{problems:?}");
    assert!(problems[1].contains("a group goes on where it left off anyway"), "{problems:?}");
}

#[test]
fn who_has_no_use_for_its_snapshot_says_so() {
    let saying = |settings: &[(&str, &str)]| {
        let settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        checked(Description { settings, ..description(Vec::new()) }, &PluginConfig::default())
    };
    for (settings, want) in
        [(&[][..], true), (&[("snapshot", "true")], true), (&[("snapshot", "false")], false)]
    {
        let wishes = saying(settings).expect("wishes");
        assert_eq!((wishes.hands_over, wishes.warnings.len()), (want, 0), "{settings:?}");
    }
    let problems = saying(&[("snapshot", "no")]).expect_err("a problem").0;
    assert_eq!(problems, ["the setting `snapshot` is `no`, neither `true` nor `false`"]);
    assert_eq!(saying(&[("speed", "high")]).expect("wishes").warnings.len(), 1);
}
