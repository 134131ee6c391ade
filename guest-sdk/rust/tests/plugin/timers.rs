//! One-shot timers.

use std::time::Duration;

use hive::{Message, testing::Host};

#[hive::plugin]
mod later {
    use std::time::Duration;

    use hive::{Context, Result};

    #[on("later/set")]
    fn set(name: String, ctx: &Context) -> Result<()> {
        ctx.after(&name, Duration::from_secs(90), &(name.len(), true))?;
        Ok(())
    }

    #[on("later/text")]
    fn text(text: String, ctx: &Context) -> Result<()> {
        ctx.after("text", Duration::MAX, &text)?;
        Ok(())
    }

    #[on("later/stop")]
    fn stop(ctx: &Context) -> Result<bool> {
        Ok(ctx.cancel("own")?)
    }

    #[on("$timer/own")]
    fn own((length, is_true): (usize, bool)) {
        hive::info!("{length} {is_true}");
    }

    #[on("$timer/text")]
    fn is_due(text: String) {
        hive::info!("{text}");
    }

    #[tick("@every 1m")]
    fn declared() {}
}

fn host() -> Host {
    Host::new(later::Plugin)
}

#[test]
fn what_is_set_comes_back_with_its_value() {
    let mut host = host();
    host.deliver("later/set", "own").outcome.unwrap();
    assert_eq!(host.timer("own"), Some(Duration::from_secs(90)));
    assert_eq!(host.fire("own").ok().logs[0].text, "3 true");
    assert_eq!(host.timer("own"), None);
    // Text is text again, whatever is in it.
    for text in ["Ada", "\"quoted\"", "7", ""] {
        host.deliver("later/text", text).outcome.unwrap();
        assert_eq!(host.fire("text").ok().logs[0].text, text);
    }
}

#[test]
fn what_is_cancelled_was_set() {
    let mut host = host();
    assert!(!host.call("later/stop", ()).answer::<bool>());
    host.deliver("later/set", "own").outcome.unwrap();
    assert!(host.call("later/stop", ()).answer::<bool>());
}

#[test]
fn a_timer_that_could_not_fire_is_not_set() {
    for (name, why) in [
        ("a/b", "a timer's name is like one segment of a channel"),
        ("declared", "`declared` is a timer that the plugin declares"),
        ("other", "no subscription of the plugin matches `$timer/other`"),
    ] {
        let failure = host().deliver("later/set", name).failure();
        assert!(failure.is_reject() && failure.reason().contains(why), "{name}: {failure}");
    }
    assert!(host().deliver_message("later/set", Message::default()).failure().is_reject());
}

#[test]
#[should_panic = "the plugin has no timer `declaerd`; it has declared"]
fn what_ticks_is_named() {
    let _ = host().tick("declaerd");
}
