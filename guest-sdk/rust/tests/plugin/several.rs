//! Kept values, and asking several at once.

use hive::{Error, Message, Value, json, testing::Host};

#[hive::plugin(name = "several", publishes = ["room/*", "ask/*"])]
mod many {
    use hive::{Context, Error, Message, Result, Value, json};

    #[on("room/*")]
    fn room() {}

    #[on("several/keep")]
    fn keep(room: u8, ctx: &Context) -> Result<()> {
        ctx.retain(&format!("room/{room}"), &room)?;
        ctx.clear("room/0")?;
        Ok(())
    }

    #[on("several/rooms")]
    fn rooms(ctx: &Context) -> Result<Value> {
        let mut rooms = Vec::new();
        for kept in ctx.kept_values("room/*") {
            let kept = kept?;
            rooms.push(json!([kept.channel, kept.parse::<Value>().map_err(hive::reject)?]));
        }
        let (one, none) = (ctx.kept::<Value>("room/1")?, ctx.kept::<Value>("room/none")?);
        Ok(json!({"all": rooms, "one": one, "none": none}))
    }

    #[on("several/denied")]
    fn denied(ctx: &Context) -> Result<()> {
        ctx.kept::<Value>("attic/1")?;
        Ok(())
    }

    #[on("several/all")]
    fn all(ctx: &Context) -> Result<Value> {
        let answers = ctx.gather::<u8>("ask/all", &())?;
        let good: Vec<_> = answers.good().map(|(origin, value)| json!([origin, value])).collect();
        let first: u8 = ctx.call_first("ask/all", &())?;
        let many = ctx.gather_message(std::time::Duration::MAX, "ask/all", &Message::default(), 2)?;
        Ok(json!({"all": answers.answers.len(), "good": good, "first": first, "some": many.answers.len()}))
    }

    #[on("several/each")]
    fn each(ctx: &Context) -> Result<Value> {
        let answers = ctx.call_each::<u8>([("ask/all", 1), ("ask/nobody", 2), ("elsewhere/x", 3)])?;
        let many = ctx.call_each::<u8>((0..65).map(|n| ("ask/all", n)));
        let said = |error: &hive::CallError| error.to_string();
        Ok(json!({
            "first": answers[0].as_ref().map_err(said).unwrap_or(&0),
            "nobody": answers[1].as_ref().map_err(said).unwrap_err(),
            "denied": answers[2].as_ref().map_err(said).unwrap_err(),
            "many": many.map_err(|error: Error| error.to_string()).unwrap_err(),
        }))
    }
}

fn host() -> Host {
    Host::new(many::Plugin)
}

#[test]
fn values_are_kept_cleared_and_read_in_order() {
    let mut host = host().keep("room/0", "gone").keep("attic/1", "not its own");
    for room in [5, 3, 1, 4, 2] {
        let kept = host.deliver("several/keep", room).ok();
        assert_eq!(
            kept.retained.iter().map(|sent| &*sent.channel).collect::<Vec<_>>(),
            [format!("room/{room}")]
        );
        assert_eq!(kept.cleared, ["room/0"]);
    }
    assert_eq!((host.kept("room/5"), host.kept("room/0")), (Some(json!(5)), None));
    let rooms: Value = host.call("several/rooms", ()).answer();
    let all = json!([["room/1", 1], ["room/2", 2], ["room/3", 3], ["room/4", 4], ["room/5", 5]]);
    assert_eq!(rooms, json!({"all": all, "one": 1, "none": null}));
}

#[test]
fn kept_values_outside_its_subscriptions_are_denied() {
    let failure = host().deliver("several/denied", ()).failure();
    let line = r#"plugins: {each: {several: {subscribes: ["attic/1"]}}}"#;
    assert!(failure.is_reject() && failure.reason().ends_with(line), "{failure}");
}

#[test]
fn everybody_is_asked_and_the_first_good_answer_wins() {
    let mut host = host()
        .answer_with("ask/*", |_| Err(Error::Failed("broken".to_owned())))
        .answer_with("ask/all", |_| Message::json(&7))
        .answer("ask/**", 8)
        .answer("ask/all", "no number");
    let asked = host.call("several/all", ());
    assert_eq!(asked.called.len(), 3);
    let said: Value = asked.answer();
    let good = json!([["test-node-id-1", 7], ["test-node-id-2", 8]]);
    assert_eq!(said, json!({"all": 4, "good": good, "first": 7, "some": 3}));
}

#[test]
fn each_of_several_has_its_own_outcome() {
    let said: Value = host().answer("ask/all", 7).call("several/each", ()).answer();
    assert_eq!(
        (&said["first"], &said["nobody"]),
        (&json!(7), &json!("`ask/nobody`: nobody answers on that channel"))
    );
    assert!(said["denied"].as_str().is_some_and(|text| text.starts_with("`elsewhere/x`: denied")), "{said}");
    assert_eq!(said["many"], "too large: the limit is 64");
}
