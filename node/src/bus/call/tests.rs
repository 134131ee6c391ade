//! Calls to everybody, over a link and through another bus, and callers that go.

use std::time::Duration;

use hive_proto::{
    channel::NetworkIndex,
    interest::{InterestOp, Wanted as RemoteWanted},
    pattern::Pattern,
};

use super::*;
use crate::bus::{Holder, Subscription, Wanted, relay::tests::Lines};

const HOME: NetworkIndex = NetworkIndex::HOME;
const SOON: Duration = Duration::from_secs(5);

/// 0, 1 and 2 in a line, where 0 knows that these answer.
async fn line(answering: &[usize]) -> Lines {
    let mut lines = Lines::new(3);
    lines.link(0, 1).await;
    lines.link(1, 2).await;
    for (at, to, next) in [(0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 2, 2), (2, 1, 1), (2, 0, 1)] {
        lines.way(at, to, next, &[]);
    }
    for at in answering {
        let pattern = Pattern::parse("sum/*").expect("a pattern");
        let op = InterestOp::Add(RemoteWanted::new(pattern, true));
        lines.buses[0].peer_interest(HOME, lines.id(*at), false, &[op]);
    }
    lines
}

async fn responder(bus: &Bus) -> Subscription {
    let wanted = Wanted { scope: bus.names().scope("sum/*").expect("a pattern"), answers: true, group: None };
    bus.subscribe(Holder::Client("test".into()), [wanted]).await.expect("a subscription")
}

/// Answers one request with a text, or with trouble.
async fn answer(responder: &mut Subscription, text: Result<&str, &str>) {
    let delivery = responder.next().await.expect("a request");
    let request = delivery.request.expect("somebody waits");
    request.answer(text.map(Message::from).map_err(|text| Failure::Failed(text.into())));
}

fn cause(within: Duration) -> CallCause<'static> {
    CallCause::within(within)
}

fn texts(gathered: &Gathered) -> Vec<String> {
    let text = |part: &Part| match &part.outcome {
        Ok(message) => String::from_utf8_lossy(&message.payload).into_owned(),
        Err(error) => format!("{}: {error}", error.code()),
    };
    let mut texts: Vec<_> = gathered.answers.iter().map(text).collect();
    texts.sort_unstable();
    texts
}

#[tokio::test]
async fn all_answer_here_on_a_link_and_beyond() {
    let mut lines = line(&[1, 2]).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("sum/up"));
    let mut here = responder(&bus).await;
    let mut there = [responder(&lines.buses[1]).await, responder(&lines.buses[1]).await];
    let mut beyond = responder(&lines.buses[2]).await;
    let asking = async {
        let [one, other] = &mut there;
        let answers = async {
            tokio::join!(
                answer(&mut here, Ok("here")),
                answer(one, Ok("one")),
                answer(other, Err("broken")),
                answer(&mut beyond, Ok("beyond")),
            )
        };
        tokio::join!(bus.call_all(&to, "?".into(), cause(SOON)), answers).0
    };
    let gathered = lines.until("all answers", asking).await.expect("answers");
    assert_eq!(texts(&gathered), ["beyond", "failed: broken", "here", "one"]);
    assert_eq!(gathered.missing, []);
    let (one, two) = (lines.id(1), lines.id(2));
    let of = |node| gathered.answers.iter().filter(|part| part.node == node).count();
    assert_eq!((of(None), of(Some(one)), of(Some(two))), (1, 2, 1));
}

#[tokio::test]
async fn enough_good_answers_end_the_asking() {
    let mut lines = line(&[1, 2]).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("sum/up"));
    let mut bad = responder(&lines.buses[1]).await;
    let (mut good, mut slow) = (responder(&lines.buses[2]).await, responder(&bus).await);
    let asking = async {
        let answers = async {
            answer(&mut bad, Err("broken")).await;
            answer(&mut good, Ok("yes")).await;
        };
        tokio::join!(bus.call_some(&to, "?".into(), cause(SOON), 1), answers).0
    };
    let gathered = lines.until("a good answer", asking).await.expect("answers");
    assert_eq!(texts(&gathered), ["failed: broken", "yes"]);
    assert_eq!(gathered.missing, []);
    let asked = slow.next().await.expect("it was asked, too").request.expect("for an answer");
    assert!(asked.is_withdrawn(), "nobody waits for it any more");
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_named() {
    let mut lines = line(&[1, 2]).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("sum/up"));
    let (_silent, mut there) = (responder(&lines.buses[2]).await, responder(&lines.buses[1]).await);
    let asking = async {
        let within = cause(Duration::from_millis(300));
        tokio::join!(bus.call_all(&to, "?".into(), within), answer(&mut there, Ok("yes"))).0
    };
    let gathered = lines.until("time to run out", asking).await.expect("answers");
    assert_eq!(texts(&gathered), ["yes"]);
    assert_eq!(gathered.missing, [(Some(lines.id(2)), "peer".to_owned())]);
    let nobody = bus.call_all(&lines.address("no/body"), "?".into(), cause(SOON)).await;
    assert_eq!(nobody, Err(CallError::NoResponder));
}

#[tokio::test]
async fn a_responder_that_is_lost_is_an_answer_that_says_so() {
    let mut lines = line(&[2]).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("sum/up"));
    let silent = responder(&lines.buses[2]).await;
    let mut asking = Box::pin(async { bus.call_all(&to, "?".into(), cause(SOON)).await });
    lines
        .until("the request", async {
            tokio::select! {
                _ = &mut asking => panic!("nobody has answered"),
                open = silent.readable() => assert!(open),
            }
        })
        .await;
    bus.peer_down(HOME, lines.id(2));
    let gathered = lines.until("the end", asking).await.expect("an end");
    assert_eq!(texts(&gathered), ["unavailable: the link to peer was lost"]);
}

#[tokio::test]
async fn the_first_good_answer_is_taken_and_the_others_are_withdrawn() {
    let mut lines = line(&[1, 2]).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("sum/up"));
    let (mut there, mut beyond) = (responder(&lines.buses[1]).await, responder(&lines.buses[2]).await);
    let mut here = responder(&bus).await;
    let asking = async {
        let answers = async {
            answer(&mut there, Err("no")).await;
            let waiting = beyond.next().await.expect("a request").request.expect("somebody waits");
            answer(&mut here, Ok("quick")).await;
            waiting
        };
        tokio::join!(bus.call_first(&to, "?".into(), cause(SOON)), answers)
    };
    let (answered, mut waiting) = lines.until("an answer", asking).await;
    assert_eq!(answered, Ok(Message::from("quick")));
    assert!(!waiting.is_withdrawn(), "it was not told yet");
    lines.until("the withdrawal", waiting.withdrawn()).await;
    assert!(waiting.is_withdrawn());
    waiting.answer(Ok("late".into()));
    lines.settle().await;
    assert_eq!(lines.dropped(0, DropReason::LateAnswer), 1);
}

#[tokio::test]
async fn a_caller_that_goes_withdraws_its_request_here_and_there() {
    let mut lines = line(&[1]).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("sum/up"));
    let mut there = responder(&lines.buses[1]).await;
    for local in [false, true] {
        let mut here = if local { Some(responder(&bus).await) } else { None };
        let (calling, to) = (bus.clone(), to.clone());
        let call = tokio::spawn(async move { calling.call_from(&to, "?".into(), cause(SOON)).await });
        let asked = here.as_mut().unwrap_or(&mut there);
        let delivery = lines.until("the request", asked.next()).await.expect("a request");
        let mut request = delivery.request.expect("somebody waits");
        assert!(!request.is_withdrawn());
        call.abort();
        lines.until("the withdrawal", request.withdrawn()).await;
        assert!(request.is_withdrawn());
    }
}

async fn bridge(bus: &Bus, name: &str) -> Subscription {
    let wanted = Wanted { scope: bus.names().scope("sum/*").expect("a pattern"), answers: true, group: None };
    bus.subscribe(Holder::Bridge(name.into()), [wanted]).await.expect("a subscription")
}

#[tokio::test]
async fn a_bridge_is_asked_after_everybody_and_never_by_itself() {
    let mut lines = line(&[]).await;
    let (bus, to) = (lines.buses[0].clone(), lines.address("sum/up"));
    let mut out = bridge(&bus, "out").await;
    let name = Actor::Bridge("bridge:out".into());
    let over = || CallCause::over(&name, Instant::now() + SOON, 0);
    assert_eq!(bus.call_from(&to, "?".into(), over()).await, Err(CallError::NoResponder));
    assert_eq!(bus.call_all(&to, "?".into(), over()).await, Err(CallError::NoResponder));
    let other = Actor::Bridge("bridge:other".into());
    let asking = bus.call_from(&to, "?".into(), CallCause::over(&other, Instant::now() + SOON, 0));
    let (answered, ()) = tokio::join!(asking, answer(&mut out, Ok("beyond")));
    assert_eq!(answered, Ok(Message::from("beyond")), "of another bridge it is asked");
    // Whom a call goes to is drawn by its number: of two who are equal each has its turn.
    let mut there = responder(&lines.buses[1]).await;
    let op = InterestOp::Add(RemoteWanted::new(Pattern::parse("sum/*").expect("a pattern"), true));
    bus.peer_interest(HOME, lines.id(1), true, &[op]);
    for _ in 0..4 {
        let asking = async {
            tokio::join!(bus.call_from(&to, "?".into(), cause(SOON)), answer(&mut there, Ok("near"))).0
        };
        assert_eq!(lines.until("an answer", asking).await, Ok(Message::from("near")));
    }
    let mut here = responder(&bus).await;
    for cause in [cause(SOON), cause(SOON), over(), over()] {
        let (answered, ()) =
            tokio::join!(bus.call_from(&to, "?".into(), cause), answer(&mut here, Ok("here")));
        assert_eq!(answered, Ok(Message::from("here")));
    }
}
