//! What the macro's settings become, and which function an event reaches.

use hive::{Delivery, Event, Instances, Message, TimerScope, testing::Host};

#[hive::plugin(
    "a/b",
    "c/*",
    single,
    group = "workers",
    answers,
    publishes = "x/**",
    name = "n",
    version = "2.0"
)]
fn everything() {}

#[test]
fn all_settings_arrive() {
    let host = Host::new(Plugin);
    let description = host.description();
    assert_eq!((description.name.as_str(), description.version.as_str()), ("n", "2.0"));
    assert_eq!(description.instances, Instances::Single);
    assert_eq!(description.publishes, ["x/**"]);
    let patterns: Vec<_> = description.subscriptions.iter().map(|held| held.pattern.as_str()).collect();
    assert_eq!(patterns, ["a/b", "c/*"]);
    for subscription in &description.subscriptions {
        assert_eq!(subscription.delivery, Delivery::Group);
        assert_eq!(subscription.group.as_deref(), Some("workers"));
        assert!(subscription.answers);
    }
}

mod reader {
    #[hive::plugin("orders/*", durable)]
    fn reads_on() {}
}

#[test]
fn a_reader_says_that_it_goes_on() {
    let host = Host::new(reader::Plugin);
    let subscription = &host.description().subscriptions[0];
    assert_eq!(subscription.settings, [("durable".to_owned(), "true".to_owned())]);
    assert_eq!((subscription.delivery, subscription.answers), (Delivery::Broadcast, false));
}

/// The whole of what a plugin needs not say.
mod plain {
    #[hive::plugin("a/b")]
    fn plain() {}
}

#[test]
fn defaults() {
    let host = Host::new(plain::Plugin);
    let description = host.description();
    assert_eq!(description.name, "hive-guest");
    assert_eq!(description.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(description.instances, Instances::Pool);
    assert!(
        description.publishes.is_empty() && description.timers.is_empty() && description.settings.is_empty()
    );
    let subscription = &description.subscriptions[0];
    assert_eq!((subscription.delivery, &subscription.group), (Delivery::Broadcast, &None));
    assert!(subscription.settings.is_empty());
}

#[hive::plugin(fresh)]
mod several {
    use std::cell::Cell;

    thread_local!(pub static STARTED: Cell<u32> = const { Cell::new(0) });

    #[hive::start]
    fn begin() {
        STARTED.set(STARTED.get() + 1);
        hive::info!("started");
    }

    #[on("**/light")]
    fn listener() {
        hive::info!("light");
    }

    #[hive::on("room/{room}/light", "room/{room}/heat", group)]
    fn here() -> &'static str {
        "here"
    }

    #[on("room/**")]
    fn anywhere() -> &'static str {
        "anywhere"
    }
}

#[test]
fn the_first_function_that_matches_gets_it_and_a_call_the_first_that_answers() {
    let mut host = Host::new(several::Plugin).config("room", "attic");
    for (channel, expected) in [
        ("room/attic/light", "here"),
        ("room/attic/heat", "here"),
        ("room/attic/door", "anywhere"),
        ("room/hall/light", "anywhere"),
    ] {
        assert_eq!(host.call(channel, ()).answer::<String>(), expected, "{channel}");
    }
    assert_eq!(host.deliver("room/attic/light", ()).ok().logs[0].text, "light");
    assert_eq!(host.description().instances, Instances::Fresh);
}

#[test]
fn start_runs_once_before_the_first_event() {
    let mut host = Host::new(several::Plugin);
    let first = host.deliver("room/x", ()).ok();
    assert_eq!(first.logs[0].text, "started");
    assert!(host.deliver("room/x", ()).ok().logs.is_empty());
    assert_eq!(several::STARTED.get(), 1);
}

/// A plugin that will not start.
mod reluctant {
    #[hive::plugin]
    pub mod plugin {
        #[start]
        fn begin() -> hive::Result<()> {
            Err(hive::reject("no licence"))
        }

        #[on("a/b")]
        fn idle() {}
    }
}

#[test]
fn a_start_may_fail() {
    assert_eq!(Host::new(reluctant::plugin::Plugin).start(), Err("no licence".to_owned()));
}

#[test]
fn an_unknown_subscription_is_rejected() {
    let event = Event {
        channel: "a/b".to_owned(),
        message: Message::default(),
        subscription: 9,
        attempt: 1,
        retained: false,
        wants_reply: false,
    };
    let failure = Host::new(plain::Plugin).deliver_event(event).failure();
    assert_eq!(failure, hive::reject("no function for subscription 9 (a/b)"));
}

/// The trait by hand, without the macro.
mod by_hand {
    use hive::{Description, Event, Message, Plugin};

    #[derive(Debug)]
    pub struct Mine;

    impl Plugin for Mine {
        fn describe() -> Description {
            Description { name: "mine".to_owned(), ..super::plain::Plugin::describe() }
        }

        fn handle(event: Event) -> hive::Result<Option<Message>> {
            Ok(Some(event.message))
        }
    }

    hive::export!(Mine);
}

#[test]
fn plugins_can_be_written_by_hand() {
    let delivered = Host::new(by_hand::Mine).deliver_message("a/b", Message::text("x"));
    assert_eq!(delivered.message(), Message::text("x"));
}

#[hive::plugin(publishes = "x/report")]
mod clocked {
    use hive::{Context, Result};

    #[hive::tick("@every 5s")]
    fn often(ctx: &Context) -> Result<()> {
        ctx.publish("x/report", &"often")?;
        Ok(())
    }

    #[on("a/b")]
    fn event(ctx: &Context) -> Result<()> {
        ctx.publish("x/report", &"event")?;
        Ok(())
    }

    #[tick("0 8 * * MON", mesh)]
    fn weekly(ctx: &Context) -> Result<()> {
        ctx.publish("x/report", &"weekly")?;
        Ok(())
    }
}

#[test]
fn timers_are_declared_and_each_tick_reaches_its_function() {
    let mut host = Host::new(clocked::Plugin);
    let timers: Vec<_> = host.description().timers.iter().map(|t| (t.name.clone(), t.scope)).collect();
    assert_eq!(timers, [("often".to_owned(), TimerScope::Node), ("weekly".to_owned(), TimerScope::Mesh)]);
    assert_eq!(host.tick("weekly").ok().published_on("x/report"), ["weekly"]);
    assert_eq!(host.tick("often").ok().published_on("x/report"), ["often"]);
    assert_eq!(host.deliver("a/b", ()).ok().published_on("x/report"), ["event"]);
}
