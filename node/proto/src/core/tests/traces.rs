//! Traces at one node: where they go on, how they end, what goes back, and who is cut for lying about them.

use super::*;
use crate::{
    channel::Channel,
    frame::{
        control::FEATURE_TRACE,
        trace::{End, Hop, Matches, Onward, Trace, Traced},
    },
    io::{Ending, Question, Sight, Subject},
    limits::HOPS_MAX,
    trace::TraceCounts,
};

/// A node between 50 (over link 1) and 51 (over link 2), who leads to 60. 52 (over link 3) is old and leads to 70.
fn between() -> Rig {
    let mut rig = Rig::new();
    let linked = |to: &[u8]| to.iter().map(|to| Change::Link(node(*to))).collect();
    for (link, peer, features, to) in [
        (1, 50, FEATURE_TRACE, &[100, 40][..]),
        (2, 51, FEATURE_TRACE | 4, &[100, 60]),
        (3, 52, 0, &[100, 70]),
    ] {
        rig.up(link, peer, None);
        let Control::Greeting(greeting) = greeting(1, 1) else { unreachable!("it is one") };
        rig.frame(link, &Control::Greeting(Greeting { features, ..greeting }));
        rig.frame(link, &Voice::new(peer, 1).states(linked(to)));
    }
    for (link, far, near) in [(1, 40, 50), (2, 60, 51), (3, 70, 52)] {
        let statements = Voice::new(far, 1).statements(vec![Change::Link(node(near))]);
        rig.frame(link, &Control::Gossip(Frame::Statements { answer: true, statements }));
    }
    rig.pass(100);
    rig
}

fn channel() -> Channel {
    Channel::parse("a/b").expect("a channel")
}

/// Nodes that gave the trace on, the last one to `to`.
fn way(nodes: &[u8], to: u8) -> Vec<Hop> {
    let next = nodes.iter().skip(1).copied().chain([to]);
    let onward = |to| Onward { to: node(to), addr: addr(1), rtt_us: None, queued_bytes: 0, queued_events: 0 };
    let hop = |(at, to): (&u8, u8)| Hop {
        node: node(*at),
        name: "peer".into(),
        took_us: 0,
        onward: Some(onward(to)),
    };
    nodes.iter().zip(next).map(hop).collect()
}

/// The same, and `at` to whom the last one gave it.
fn way_to(nodes: &[u8], at: u8) -> Vec<Hop> {
    let last = Hop { node: node(at), name: "peer".into(), took_us: 0, onward: None };
    way(nodes, at).into_iter().chain([last]).collect()
}

fn trace(nodes: &[u8], to: u8) -> Control {
    let hops = way(nodes, 100);
    Control::Trace(Trace { number: 7, destination: node(to), channel: channel(), hops })
}

fn traced(hops: Vec<Hop>, end: End) -> Control {
    Control::Traced(Traced { number: 7, hops, end })
}

fn matches(subscribers: u64) -> Matches {
    Matches { subscribers, ..Matches::default() }
}

impl Rig {
    /// What follows when the driver sees this; at most one look is due.
    fn see(&mut self, outputs: Vec<Output>, sight: &Sight) -> Vec<Output> {
        let mut all = Vec::new();
        for output in outputs {
            match output {
                Output::Look { look, .. } => all.extend(self.feed(Input::Saw { look, sight: sight.clone() })),
                other => all.push(other),
            }
        }
        all
    }

    fn ask(&mut self, to: u8) -> Vec<Output> {
        let (network, patience) = (HOME, Duration::from_secs(2));
        let question = Question { ask: 3, network, channel: channel(), destination: node(to), patience };
        let outputs = self.feed(Input::Trace(question));
        self.see(outputs, &LINK)
    }

    /// What one neighbour's trace leads to, in short words.
    fn passes(&mut self, link: u64, trace: &Control, sight: &Sight) -> Vec<String> {
        let outputs = self.frame(link, trace);
        let outputs = self.see(outputs, sight);
        tell(&outputs)
    }
}

const LINK: Sight = Sight::Neighbour { rtt_us: Some(900), queued_bytes: 70, queued_events: 2 };

fn nodes(hops: &[Hop]) -> String {
    let tell = |hop: &Hop| hop.node.0[0].to_string();
    hops.iter().map(tell).collect::<Vec<_>>().join(" ")
}

/// Traces and reports by the link they are sent on, and answers.
fn tell(outputs: &[Output]) -> Vec<String> {
    let mut told = story(outputs);
    for link in 1..4 {
        for control in sent(outputs, link) {
            match control {
                Control::Trace(trace) => told.push(format!("trace on {link}: {}", nodes(&trace.hops))),
                Control::Traced(traced) => {
                    told.push(format!("back on {link}: {} {:?}", nodes(&traced.hops), traced.end));
                }
                _ => {}
            }
        }
    }
    for output in outputs {
        if let Output::Traced { ask, trail } = output {
            let hops: Vec<Hop> = trail.steps.iter().map(|step| step.hop.clone()).collect();
            told.push(format!("answer to {ask}: {} {:?}", nodes(&hops), trail.end));
        }
    }
    told
}

#[test]
fn a_trace_of_this_node_is_answered_by_the_last_on_the_way() {
    let mut rig = between();
    let out = rig.ask(60);
    assert_eq!(tell(&out), ["trace on 2: 100"]);
    let Some(Control::Trace(sent)) = sent(&out, 2).pop() else { panic!("a trace: {out:?}") };
    let onward = sent.hops[0].onward.as_ref().expect("it went on");
    assert_eq!((onward.to, onward.rtt_us, onward.queued_bytes), (node(51), Some(900), 70));
    assert_eq!(sent.hops[0].name, "rig");
    rig.now = rig.now.after(Duration::from_millis(30));
    let number = sent.number;
    let said = |hops, end| Control::Traced(Traced { number, hops, end });
    assert_eq!(tell(&rig.frame(2, &said(way(&[100, 51], 60), End::Passed))), [""; 0]);
    let end = End::Delivered(matches(2));
    let out = rig.frame(2, &said(way_to(&[100, 51], 60), end.clone()));
    let [Output::Traced { ask: 3, trail }] = out.as_slice() else { panic!("the answer: {out:?}") };
    assert_eq!(trail.end, Ending::At(end));
    let heard: Vec<u128> = trail.steps.iter().map(|step| step.heard.as_millis()).collect();
    assert_eq!(heard, [0, 30, 30]);
    assert_eq!(rig.feed(Input::Timer(Timer::Trace(number))), [], "nothing is waited for any more");
    let counts = TraceCounts { asked: 1, passed: 1, ..TraceCounts::default() };
    assert_eq!(rig.core.trace_counts(), counts);
}

#[test]
fn silence_ends_with_the_last_node_that_was_heard_of() {
    let mut rig = between();
    let out = rig.ask(60);
    let Some(Control::Trace(Trace { number, .. })) = sent(&out, 2).pop() else { panic!("a trace: {out:?}") };
    let passed = Traced { number, hops: way(&[100, 51], 60), end: End::Passed };
    rig.frame(2, &Control::Traced(passed));
    let out = rig.feed(Input::Timer(Timer::Trace(number)));
    assert_eq!(tell(&out), ["answer to 3: 100 51 Silent"]);
}

#[test]
fn a_way_that_ends_here_is_answered_at_once() {
    let check = |to, want: &str| assert_eq!(tell(&between().ask(to)), [want], "{to}");
    check(99, "answer to 3: 100 At(NoRoute)");
    check(52, &format!("answer to 3: 100 At(OldNode({:?}))", node(52)));
    check(70, &format!("answer to 3: 100 At(OldNode({:?}))", node(52)));
}

#[test]
fn a_trace_goes_on_and_the_way_back_is_told() {
    let mut rig = between();
    let out = rig.passes(1, &trace(&[40, 50], 60), &LINK);
    assert_eq!(out, ["back on 1: 40 50 100 Passed", "trace on 2: 40 50 100"]);
    let end = End::Delivered(matches(1));
    let out = tell(&rig.frame(2, &traced(way_to(&[40, 50, 100, 51], 60), end)));
    let want = format!("back on 1: 40 50 100 51 60 Delivered({:?})", matches(1));
    assert_eq!(out, [want]);
    let counts = TraceCounts { passed: 1, reports: 2, ..TraceCounts::default() };
    assert_eq!(rig.core.trace_counts(), counts);
}

#[test]
fn how_a_trace_ends_here_is_said_where_it_came_from() {
    let check = |trace: &Control, sight: &Sight, want: &str| {
        assert_eq!(between().passes(1, trace, sight), [want]);
    };
    let here = |subscribers| Sight::Subscribers(matches(subscribers));
    check(&trace(&[40, 50], 100), &here(0), "back on 1: 40 50 100 NoMatch");
    let want = format!("back on 1: 40 50 100 Delivered({:?})", matches(3));
    check(&trace(&[40, 50], 100), &here(3), &want);
    check(&trace(&[50], 99), &LINK, "back on 1: 50 100 NoRoute");
    check(&trace(&[30, 50], 40), &LINK, "back on 1: 30 50 100 Back");
    let old = format!("back on 1: 50 100 OldNode({:?})", node(52));
    check(&trace(&[50], 70), &LINK, &old);
    let far: Vec<u8> = (1..HOPS_MAX).chain([50]).collect();
    check(&trace(&far, 60), &LINK, "back on 1: 1 2 3 4 5 6 7 50 100 HopLimit");
    check(&trace(&far, 100), &here(0), "back on 1: 1 2 3 4 5 6 7 50 100 NoMatch");
    let mut circle = way(&[100, 50], 100);
    circle[0].onward.as_mut().expect("it goes on").to = node(50);
    let circle = Trace { number: 7, destination: node(60), channel: channel(), hops: circle };
    check(&Control::Trace(circle), &LINK, "back on 1: 100 50 Circle");
}

/// The driver is asked about the link that events would take, and about the channel where it ends.
#[test]
fn the_driver_is_asked_what_an_event_would_find() {
    let mut rig = between();
    let subject = |outputs: Vec<Output>| match outputs.as_slice() {
        [Output::Look { subject, .. }] => subject.clone(),
        other => panic!("a look: {other:?}"),
    };
    let towards = Subject::Neighbour { peer: node(51), link: LinkId(2) };
    assert_eq!(subject(rig.frame(1, &trace(&[50], 60))), towards);
    assert_eq!(subject(rig.frame(1, &trace(&[50], 100))), Subject::Subscribers(channel()));
    // The way is lost before the driver has looked.
    let mut out = rig.frame(1, &trace(&[50], 60));
    rig.down(2);
    let Some(Output::Look { look, .. }) = out.pop() else { panic!("a look") };
    let out = rig.feed(Input::Saw { look, sight: LINK });
    assert_eq!(tell(&out), ["back on 1: 50 100 NoRoute"]);
    assert_eq!(rig.feed(Input::Saw { look, sight: LINK }), [], "it is done");
}

#[test]
fn who_lies_about_the_way_is_cut() {
    let check = |link, lie: &Control, want: &str| {
        let out = story(&between().frame(link, lie));
        let close = format!("close {link}: {want}");
        assert!(out.contains(&close), "{close}: {out:?}");
    };
    let unsent = "a trace that it did not send here by its own words";
    check(1, &trace(&[40, 51], 60), unsent);
    let hops = way(&[40, 50], 51);
    check(1, &Control::Trace(Trace { number: 7, destination: node(60), channel: channel(), hops }), unsent);
    let unasked = "a report on a trace that it did not get from here";
    check(2, &traced(way_to(&[40, 50], 51), End::NoMatch), unasked);
    check(2, &traced(way_to(&[40, 100], 50), End::NoMatch), unasked);
    check(2, &traced(way_to(&[40], 100), End::NoMatch), unasked);
}

#[test]
fn what_nobody_waits_for_goes_nowhere() {
    let mut rig = between();
    assert_eq!(tell(&rig.frame(2, &traced(way_to(&[100], 51), End::NoMatch))), [""; 0]);
    // It came by a neighbour that is none any more.
    assert_eq!(tell(&rig.frame(2, &traced(way_to(&[40, 99, 100], 51), End::NoMatch))), [""; 0]);
    assert_eq!(rig.core.trace_counts(), TraceCounts { stray: 2, ..TraceCounts::default() });
}

#[test]
fn a_neighbour_that_sends_too_many_is_not_listened_to_for_a_while() {
    let mut rig = between();
    for _ in 0..300 {
        rig.passes(1, &trace(&[50], 99), &LINK);
    }
    let counts = rig.core.trace_counts();
    assert_eq!((counts.ended, counts.over_rate), (256, 44));
    assert_eq!(rig.passes(2, &trace(&[51], 99), &LINK).len(), 1, "others are");
    rig.wait(1);
    assert_eq!(rig.passes(1, &trace(&[50], 99), &LINK).len(), 1);
}
