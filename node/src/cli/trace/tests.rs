//! What people read of a trace, and what scripts get for it.

use hive_client::types::{
    V1,
    trace::{At, Onward},
};

use super::*;

fn hop(name: &str, heard_us: u64, queued: Option<(u64, u64)>) -> Hop {
    let onward = queued.map(|(queued_events, queued_bytes)| Onward {
        node: "bb".into(),
        addr: "10.77.0.3:7182".into(),
        rtt_us: Some(310).filter(|_| queued_bytes > 0),
        queued_bytes,
        queued_events,
    });
    Hop { node: format!("{name}-id"), name: name.into(), heard_us, took_us: 12, onward }
}

fn way(end: WayEnd, at: Option<&str>) -> Way {
    let there = Matches { subscribers: 1, patterns: vec!["orders/*".into()], more_patterns: 2 };
    Way {
        node: "cccccccc1".into(),
        name: "cellar".into(),
        patterns: vec!["orders/*".into(), "**".into()],
        groups: vec![],
        all: true,
        denied: vec![],
        end,
        at: at.map(|name| At { node: "dd".into(), name: name.into() }),
        there: Some(there).filter(|_| end == WayEnd::Delivered),
        hops: vec![
            hop("attic", 0, Some((0, 0))),
            hop("sta\nirs", 1_250, Some((12, 3_400))),
            hop("cellar", 23_456, None),
        ],
    }
}

fn trace(subscribers: u64, ways: Vec<Way>) -> trace::Trace {
    let local = Matches { subscribers, ..Matches::default() };
    let (channel, network) = ("orders/new".into(), "hive".into());
    trace::Trace {
        v: V1,
        channel,
        network,
        strictly_local: false,
        local,
        plugins: Vec::new(),
        ways,
        untraced: 0,
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_way_is_a_block_of_its_nodes() {
    let text = text(&trace(2, vec![way(WayEnd::Delivered, None)]), SECOND);
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "to cellar (cccccccc), which wants orders/*, **",
            "  NODE      HEARD   TOOK  LINK TO         RTT    QUEUED",
            "  attic     0us     12us  10.77.0.3:7182  -      nothing",
            "  sta\\nirs  1250us  12us  10.77.0.3:7182  310us  12 events, 3400 B",
            "  cellar    23.4ms  12us",
            "  reached; there: 1 subscriber, by orders/* and 2 more",
            "",
            "local: 2 subscribers",
            "elsewhere: 1 node reached",
        ]
    );
}

#[test]
fn a_member_of_a_group_gets_its_share() {
    let check = |all, groups: &[&str], want: &str| {
        let groups = groups.iter().map(ToString::to_string).collect();
        let way = Way { all, groups, ..way(WayEnd::Delivered, None) };
        let text = block(&way, SECOND);
        assert_eq!(text.lines().next(), Some(want));
    };
    let head = "to cellar (cccccccc), which wants orders/*, **";
    check(true, &[], head);
    check(false, &["mail"], &format!("{head}, its share in group mail"));
    check(false, &["mail", "bill"], &format!("{head}, its share in groups mail, bill"));
    check(true, &["mail"], head);
}

#[test]
fn every_end_is_said_in_words() {
    let check = |end_: WayEnd, at: Option<&str>, want: &str| {
        let said = end(&way(end_, at), SECOND);
        assert!(said.starts_with(want), "{end_:?}: {said}");
    };
    check(WayEnd::NoMatch, None, "reached, and nobody there wants it");
    check(WayEnd::NoRoute, Some("stairs"), "lost at stairs: no way leads on");
    check(WayEnd::Back, Some("stairs"), "lost at stairs: only the way it came");
    check(WayEnd::Circle, Some("stairs"), "lost in a circle: it came to stairs again");
    check(WayEnd::HopLimit, Some("stairs"), "lost at stairs: nothing crosses more links");
    check(WayEnd::OldNode, Some("stairs"), "unknown: stairs does not answer a trace");
    check(WayEnd::Silent, Some("stairs"), "unknown: nothing came from stairs within 1s");
    check(WayEnd::Busy, None, "unknown: this node waits");
    check(WayEnd::Unknown, Some("stairs"), "lost at stairs, for a reason");
}

#[test]
fn the_last_lines_sum_up_and_the_exit_code_says_the_same() {
    let check = |trace: &trace::Trace, good: bool, want: &str| {
        let said = summary(trace);
        assert!(said.contains(want), "{want}: {said}");
        assert_eq!(is_good(trace), good, "{said}");
    };
    let (there, lost) = (way(WayEnd::Delivered, None), way(WayEnd::Silent, Some("stairs")));
    check(&trace(0, vec![there.clone()]), true, "local: 0 subscribers\nelsewhere: 1 node reached\n");
    check(&trace(1, vec![]), true, "elsewhere: no node of network hive wants it\n");
    check(&trace(0, vec![]), false, "local: 0 subscribers\nelsewhere: no node");
    let denied = |denied: &[&str]| {
        let denied = denied.iter().map(|action| (*action).to_owned()).collect();
        Way { all: false, groups: vec!["mail".into()], denied, ..there.clone() }
    };
    check(&trace(0, vec![denied(&[])]), true, "elsewhere: 1 node reached\n");
    check(&trace(0, vec![denied(&["group"])]), false, "elsewhere: 0 of 1 node reached\n");
    let whole = Way { all: true, ..denied(&["group"]) };
    check(&trace(0, vec![whole.clone()]), true, "elsewhere: 1 node reached\n");
    let said = block(&whole, SECOND);
    assert!(
        said.lines().last().is_some_and(|line| line.starts_with("  its groups are given nothing: ")),
        "{said}"
    );
    check(&trace(1, vec![there.clone(), lost.clone()]), false, "elsewhere: 1 of 2 nodes reached\n");
    let plugins = |names: &[&str]| trace::Trace {
        plugins: names.iter().map(|name| (*name).to_owned()).collect(),
        ..trace(1, vec![])
    };
    check(&plugins(&["scale"]), true, "local: 1 subscriber; plugin scale\n");
    check(&plugins(&["log", "scale"]), true, "local: 1 subscriber; plugins log, scale\n");
    let local = trace::Trace { strictly_local: true, channel: "bee".into(), ..trace(1, vec![]) };
    check(&local, true, "elsewhere: nobody, because `bee` never leaves this node\n");
    check(&trace::Trace { local: Matches::default(), ..local }, false, "local: 0 subscribers\n");
    let many = trace::Trace { untraced: 6, ..trace(0, vec![there]) };
    check(&many, true, "not traced: 6 more nodes; at most 1 way at a time\n");
}
