//! What is left when a handler goes.

use std::time::Instant;

use hive_proto::{channel::Channel, group::GroupName};

use super::*;

#[tokio::test]
async fn what_is_left_goes_where_it_came_from_or_is_buried_and_nobody_waits_for_an_answer() {
    let (bus, handler, stop) = (bus(), Handler::new(1), CancellationToken::new());
    let hour = Duration::from_secs(3600);
    let policy = Policy { backoff: hour, backoff_max: hour, ..Policy::default() };
    let lanes = lanes_with(&bus, policy).await;
    let scope = |pattern: &str| bus.names().scope(pattern).expect("a pattern");
    let group = Some(GroupName::parse("mail").expect("a group"));
    let wanted = [
        Wanted { scope: scope("a/*"), answers: true, group: None },
        Wanted { scope: scope("g/*"), answers: false, group },
    ];
    lanes.subscription().set(wanted).await.expect("a subscription");
    let publish = async |channel: &str, payload: &str| {
        bus.publish(&address(&bus, channel), payload.into()).await.expect("published").local
    };
    let workers = handler.work(&lanes, 1, &stop);
    publish("a/b", "retry").await;
    until(&lanes, |tally| tally.retried == 1).await;
    stop.cancel();
    for worker in workers {
        worker.await.expect("ended");
    }
    // Nothing comes to it before its next try.
    let (soon, later) = (Instant::now() + SOON, Instant::now() + 2 * hour);
    assert_eq!((lanes.is_awaited_until(soon), lanes.is_awaited_until(later)), (false, true));
    assert_eq!((publish("a/b", "waits").await, publish("g/1", "a member's").await), (1, 1));
    assert!(lanes.is_awaited_until(soon));
    let to = address(&bus, "a/b");
    let mut call = pin!(bus.call(&to, "x".into(), SOON));
    assert!(poll!(&mut call).is_pending());

    // A timer ticks again.
    let tick = Channel::parse("$timer/hourly").expect("a channel");
    lanes.tick(bus.own_event(tick, Message::from("")));

    // What the group has is still there. This node keeps no letters.
    assert_eq!((lanes.leave_rest(), lanes.tally().dead), (Left { letters: 0, lost: 2 }, 2));
    let why = "the handler was unloaded before it came to this";
    assert_eq!(call.await, Err(CallError::Failed(why.into())));
    assert_eq!(lanes.leave_rest(), Left::default());
}
