//! Rules that name plugins: who of this node publishes, asks, keeps, listens and joins.

use hive_proto::group::GroupName;

use super::*;

/// A bus of node 2 with rules in the order given: a pattern, an action, and whom it is allowed.
fn ruled(rules: &[(&str, Action, &[&str])]) -> Bus {
    let rule = |(pattern, action, allowed): &(&str, Action, &[&str])| Rule {
        scope: Scope { network: HOME, pattern: Pattern::parse(pattern).expect("a pattern") },
        allows: vec![(*action, allowed.iter().map(|text| text.parse().expect("somebody")).collect())],
    };
    let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
    let rules = Rules::new(rules.iter().map(rule).collect(), Vec::new());
    let bus = Bus::ruled(NodeId([2; 32]), Incarnation(1), names, rules);
    bus.confirmed(u64::MAX);
    bus
}

fn plugin(name: &str) -> Actor {
    Actor::Plugin(name.into())
}

async fn plugin_wants(bus: &Bus, name: &str, wanted: Wanted) -> Subscription {
    bus.subscribe(Holder::Plugin(name.into()), [wanted]).await.expect("a subscription")
}

/// The channels of what a subscription has; probes are answered.
fn channels(subscription: &Subscription) -> Vec<String> {
    let mut got = Vec::new();
    subscription.take(usize::MAX, &mut got);
    got.iter().map(|delivery| delivery.event.channel.to_string()).collect()
}

fn line(refused: Result<Receipt, PublishError>) -> String {
    match refused.expect_err("refused") {
        PublishError::Denied(denial) => format!("{denial}; {}", denial.line),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_plugin_publishes_keeps_and_asks_what_the_rules_allow_it_and_no_more() {
    let bus = ruled(&[
        ("orders/*", Action::Publish, &["billing", "*"][..1]),
        ("orders/*", Action::Retain, &["stock"]),
        ("orders/*", Action::Call, &["billing"]),
        ("$dead/*", Action::Publish, &[]),
    ]);
    let to = address(&bus, "orders/new");
    let (mut billing, mut other) = (bus.publisher_of(plugin("billing")), bus.publisher_of(plugin("other")));
    assert!(billing.publish(&to, "x".into()).await.is_ok());
    let denied = "the rules for `orders/new` do not allow the plugin `other` to publish; \
                  channels: [{pattern: \"orders/*\", publish: [billing, other]}]";
    assert_eq!(line(other.publish(&to, "x".into()).await), denied);
    assert_eq!(line(other.keep(&to, None, 0)), denied);
    let kept = line(billing.keep(&to, Some("x".into()), 0));
    assert!(kept.ends_with(r#"channels: [{pattern: "orders/*", retain: [stock, billing]}]"#), "{kept}");
    let local = line(bus.publisher().publish(&to, "x".into()).await);
    assert!(local.starts_with("the rules for `orders/new` do not allow this node to publish"), "{local}");
    assert!(other.publish(&address(&bus, "elsewhere/x"), "x".into()).await.is_ok());

    let mut responder = subscribe(&bus, &["orders/*"], true).await;
    let ask = async |who: &Actor| {
        let cause = CallCause { who: who.principal(), ..CallCause::within(SOON) };
        bus.call_from(&to, "?".into(), cause).await
    };
    let refused = ask(&plugin("other")).await;
    assert!(matches!(refused, Err(CallError::Publish(PublishError::Denied(_)))), "{refused:?}");
    // What billing published comes first: it is let go.
    let answering = async {
        loop {
            if let Some(request) = next(&mut responder).await.request {
                return request.answer(Ok("yes".into()));
            }
        }
    };
    let billing = plugin("billing");
    let (answer, ()) = tokio::join!(ask(&billing), answering);
    assert_eq!(answer, Ok("yes".into()));
    let stranger = plugin("x");
    let cause = CallCause { who: stranger.principal(), ..CallCause::within(SOON) };
    let all = bus.call_all(&to, "?".into(), cause);
    assert!(matches!(all.await, Err(CallError::Publish(PublishError::Denied(_)))));
    // What the node itself says no rule is about.
    let mut dead = subscribe(&bus, &["$dead/*"], false).await;
    bus.bury("other", Letter::now(next_event(&bus), None, "broken", ""), None).await;
    assert_eq!(next(&mut dead).await.event.channel.as_str(), "$dead/other");
}

fn next_event(bus: &Bus) -> Event {
    bus.own_event(Channel::parse("orders/new").expect("a channel"), Message::default())
}

#[tokio::test]
async fn a_plugin_gets_live_kept_and_asked_what_the_rules_let_it_have() {
    let bus = ruled(&[("secret/*", Action::Subscribe, &["billing"])]);
    bus.publisher().keep(&address(&bus, "secret/kept"), Some("x".into()), 0).expect("kept");
    bus.publisher().keep(&address(&bus, "open/kept"), Some("x".into()), 0).expect("kept");
    let everything = || wanted(&bus, "**", true);
    let (billing, other) =
        (plugin_wants(&bus, "billing", everything()).await, plugin_wants(&bus, "other", everything()).await);
    assert_eq!(channels(&billing), ["open/kept", "secret/kept"]);
    assert_eq!(channels(&other), ["open/kept"], "also of what was kept before");
    for name in ["secret/live", "open/live"] {
        bus.publish(&address(&bus, name), "x".into()).await.expect("published");
    }
    bus.publisher().keep(&address(&bus, "secret/new"), Some("x".into()), 0).expect("kept");
    let there = bus_of_another(&bus).await;
    carry_all(&there, &bus, &["secret/far", "open/far"]).await;
    assert_eq!(channels(&billing), ["secret/live", "open/live", "secret/new", "secret/far", "open/far"]);
    assert_eq!(channels(&other), ["open/live", "open/far"]);
    let page = |who| {
        let scope = bus.names().scope("**").expect("a pattern");
        let values = bus.kept_values(&plugin(who), &scope, None, Page::ALL);
        values.iter().map(|event| event.channel.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page("billing"), ["open/kept", "secret/kept", "secret/new"]);
    assert_eq!(page("other"), ["open/kept"]);
    let client = [wanted(&bus, "secret/*", false)];
    let refused =
        bus.subscribe(Holder::Client("test".into()), client).await.expect_err("nothing is left of it");
    let line = r#"channels: [{pattern: "secret/*", subscribe: [billing, local]}]"#;
    assert!(refused.to_string().ends_with(line), "{refused}");
    drop(billing);
    let nobody = bus.call(&address(&bus, "secret/ask"), "?".into(), SOON).await;
    assert_eq!(nobody, Err(CallError::NoResponder), "who may not have it is not asked");
    let gathered = bus.call_all(&address(&bus, "secret/ask"), "?".into(), CallCause::within(SOON)).await;
    assert_eq!(gathered, Err(CallError::NoResponder));
}

#[tokio::test]
async fn a_plugin_is_a_member_where_the_rules_let_it_join() {
    let bus = ruled(&[("jobs/*", Action::Group, &["billing"])]);
    let member = |pattern| {
        let group = Some(GroupName::parse("workers").expect("a group"));
        Wanted { group, ..wanted(&bus, pattern, false) }
    };
    let other = plugin_wants(&bus, "other", member("**")).await;
    let receipt = bus.publish(&address(&bus, "jobs/1"), "x".into()).await.expect("published");
    assert_eq!((receipt.local, receipt.peers), (0, 0), "no member may have it");
    let billing = plugin_wants(&bus, "billing", member("jobs/*")).await;
    for _ in 0..4 {
        bus.publish(&address(&bus, "jobs/2"), "x".into()).await.expect("published");
    }
    bus.publish(&address(&bus, "else/1"), "x".into()).await.expect("published");
    assert_eq!(channels(&billing), ["jobs/2"; 4]);
    assert_eq!(channels(&other), ["else/1"]);
}

/// Another bus, that knows that this one wants everything.
async fn bus_of_another(bus: &Bus) -> (Bus, Arc<Outbox>) {
    let there = super::bus(1);
    let outbox = join(&there, bus, &[("**", false)]);
    (there, outbox)
}

async fn carry_all((there, outbox): &(Bus, Arc<Outbox>), to: &Bus, names: &[&str]) {
    for name in names {
        there.publish(&address(there, name), "x".into()).await.expect("published");
    }
    let mut inbound = inbound(to, there, Arc::new(Outbox::new()));
    carry(outbox, &mut inbound).await.expect("carried");
}

/// Rules are others from one event to the next, for publishers that remember their routes, for what arrives, and for who
/// listens.
#[tokio::test]
async fn other_rules_hold_with_the_next_event() {
    let bus = ruled(&[]);
    let (to, there) = (address(&bus, "orders/new"), super::bus(1));
    let mut publisher = bus.publisher();
    let outbox = join(&there, &bus, &[("**", false)]);
    let mut inbound = inbound(&bus, &there, Arc::new(Outbox::new()));
    let subscription = subscribe(&bus, &["orders/*"], false).await;
    let mut from_both = async || {
        let published = publisher.publish(&to, "x".into()).await;
        there.publish(&address(&there, "orders/new"), "y".into()).await.expect("published");
        carry(&outbox, &mut inbound).await.expect("carried");
        (published.is_ok(), channels(&subscription).len())
    };
    assert_eq!(from_both().await, (true, 2));
    let rule = |action, allowed: &[Allowed]| Rule {
        scope: Scope { network: HOME, pattern: Pattern::parse("orders/*").expect("a pattern") },
        allows: vec![(action, allowed.to_vec())],
    };
    bus.rule(vec![rule(Action::Publish, &[])]);
    assert_eq!(from_both().await, (false, 0));
    bus.rule(vec![rule(Action::Publish, &[Allowed::Local])]);
    assert_eq!(from_both().await, (true, 1));
    bus.rule(vec![rule(Action::Subscribe, &[])]);
    assert_eq!(from_both().await, (true, 0));
    bus.rule(Vec::new());
    assert_eq!(from_both().await, (true, 2));
}
