//! What is of use for a while only: it is given to nobody afterwards, wherever it waited, and counted.

use hive_proto::group::GroupName;

use super::*;

/// Long enough for a publish, short enough to be waited for.
const WHILE_MS: u64 = 20;

/// Waits until what was published before has expired.
async fn it_is_over() {
    let at = clock::unix_ms() + WHILE_MS;
    while clock::unix_ms() <= at {
        tokio::task::yield_now().await;
    }
}

fn brief(text: &str) -> Message {
    Message::from(text).with_expiry(WHILE_MS)
}

fn texts(got: &[Delivery]) -> Vec<String> {
    got.iter().map(|one| String::from_utf8_lossy(&one.event.message.payload).into_owned()).collect()
}

#[tokio::test]
async fn what_waits_in_a_queue_for_too_long_is_dropped_and_counted() {
    let bus = bus(1);
    let (to, mut slow) = (address(&bus, "a/b"), subscribe(&bus, &["a/*"], false).await);
    let other = subscribe(&bus, &["a/*"], false).await;
    for message in [brief("1"), Message::from("2"), Message::from("3").with_expiry(u64::MAX), brief("4")] {
        bus.publish(&to, message).await.expect("published");
    }
    let mut got = Vec::new();
    other.take(usize::MAX, &mut got);
    assert_eq!(texts(&got), ["1", "2", "3", "4"], "in time it is there");
    it_is_over().await;
    let late = [next(&mut slow).await, next(&mut slow).await];
    assert_eq!(texts(&late), ["2", "3"]);
    bus.publish(&to, "5".into()).await.expect("published");
    assert_eq!(texts(&[next(&mut slow).await]), ["5"]);
    assert_eq!(dropped(&bus, DropReason::Expired), 2);
    let at_once = bus.publish(&to, Message::from("0").with_expiry(0)).await.expect_err("refused");
    assert_eq!((at_once.code(), dropped(&bus, DropReason::Expired)), ("invalid", 2));
}

#[tokio::test]
async fn what_was_on_its_way_for_too_long_is_dropped_where_it_arrives() {
    let (here, there) = (bus(1), bus(2));
    let outbox = join(&here, &there, &[("a/*", false)]);
    let mut subscription = subscribe(&there, &["a/*"], false).await;
    let to = address(&here, "a/b");
    here.publish(&to, brief("late")).await.expect("published");
    here.publish(&to, Message::from("x").with_expiry(60_000)).await.expect("published");
    it_is_over().await;
    let mut inbound = inbound(&there, &here, Arc::new(Outbox::new()));
    carry(&outbox, &mut inbound).await.expect("carried");
    let came = next(&mut subscription).await;
    assert_eq!(texts(std::slice::from_ref(&came)), ["x"]);
    assert_eq!(came.event.message.expires_ms(), Some(60_000), "it is known over there, too");
    assert_empty(&subscription);
    assert_eq!(dropped(&there, DropReason::Expired), 1);
}

#[tokio::test]
async fn what_a_member_had_for_too_long_goes_to_nobody_else() {
    let bus = bus(1);
    let group = Some(GroupName::parse("workers").expect("a group"));
    let member = || Wanted { group: group.clone(), ..wanted(&bus, "jobs/*", false) };
    let first = bus.subscribe(Holder::Client("first".into()), [member()]).await.expect("a subscription");
    let to = address(&bus, "jobs/1");
    for text in ["1", "2"] {
        bus.publish(&to, brief(text)).await.expect("published");
    }
    assert_eq!(bus.handed_out(), 2);
    it_is_over().await;
    let mut got = Vec::new();
    first.take(1, &mut got);
    assert!(got.is_empty(), "{}", texts(&got).join(" "));
    assert_eq!(bus.handed_out(), 1, "the origin knows that nothing comes of it");
    // The other one comes back, and is not offered again.
    drop(first);
    let second = bus.subscribe(Holder::Client("second".into()), [member()]).await.expect("a subscription");
    let (dealing, stop) = (bus.clone(), tokio_util::sync::CancellationToken::new());
    let dealer = tokio::spawn({
        let stop = stop.clone();
        async move { dealing.deal(stop).await }
    });
    let struck = async {
        while bus.handed_out() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, struck).await.expect("struck from the book");
    assert_empty(&second);
    assert_eq!(dropped(&bus, DropReason::Expired), 2);
    stop.cancel();
    dealer.await.expect("it ends");
}

#[tokio::test]
async fn a_kept_value_that_has_expired_is_given_to_nobody() {
    let bus = bus(1);
    bus.publisher().keep(&address(&bus, "room/1"), Some(brief("21")), 0).expect("kept");
    bus.publisher().keep(&address(&bus, "room/2"), Some("22".into()), 0).expect("kept");
    it_is_over().await;
    let late = subscribe(&bus, &["room/*"], false).await;
    let mut got = Vec::new();
    late.take(usize::MAX, &mut got);
    assert_eq!(texts(&got), ["22"]);
}
