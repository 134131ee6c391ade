//! A counter that remembers: `single` keeps one instance a node, one call at a time, so that ordinary memory lives from
//! event to event. A new version takes the total over from the one before (`#[save]`, `#[restore]`); it begins at 0 again
//! when the node does.
//!
//! ```text
//! hive-node publish counter/add      one more
//! hive-node publish counter/add 5    five more
//! hive-node call counter/total       answers 6
//! hive-node subscribe counter/changed counter/report
//! ```
//!
//! Every ten seconds it says what it has counted, whether that changed or not.

#[hive::plugin(single, publishes = ["counter/changed", "counter/report"])]
mod counter {
    use std::cell::Cell;

    use hive::{Context, OrReject, Result};

    thread_local!(static TOTAL: Cell<i64> = const { Cell::new(0) });

    #[on("counter/add")]
    fn add(amount: Option<i64>, ctx: &Context) -> Result<()> {
        let total =
            TOTAL.get().checked_add(amount.unwrap_or(1)).or_reject("that is more than can be counted")?;
        TOTAL.set(total);
        ctx.publish("counter/changed", &total)?;
        Ok(())
    }

    #[on("counter/total")]
    fn total() -> i64 {
        TOTAL.get()
    }

    #[save]
    fn save() -> i64 {
        TOTAL.get()
    }

    #[restore]
    fn restore(total: i64) {
        TOTAL.set(total);
    }

    #[tick("@every 10s")]
    fn report(ctx: &Context) -> Result<()> {
        ctx.publish("counter/report", &total())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hive::{Message, testing::Host};

    use super::counter::Plugin;

    #[test]
    fn adds_up_from_event_to_event() {
        let mut host = Host::new(Plugin);
        assert_eq!(
            host.deliver_message("counter/add", Message::default()).ok().published_on("counter/changed"),
            [1]
        );
        assert_eq!(host.deliver("counter/add", 5).ok().published_on("counter/changed"), [6]);
        assert_eq!(host.call("counter/total", ()).answer::<i64>(), 6);
    }

    #[test]
    fn reports_when_its_timer_says_so() {
        let mut host = Host::new(Plugin);
        host.deliver("counter/add", 2).outcome.unwrap();
        assert_eq!(host.tick("report").ok().published_on("counter/report"), [2]);
    }

    #[test]
    fn the_next_version_takes_the_total_over() {
        let mut host = Host::new(Plugin);
        host.deliver("counter/add", 5).outcome.unwrap();
        let saved = host.save().unwrap();
        host.deliver("counter/add", 5).outcome.unwrap();
        host.restore("0.1.0", saved).unwrap();
        assert_eq!(host.call("counter/total", ()).answer::<i64>(), 5);
        let refusal = host.restore("0.0.9", b"much".to_vec()).unwrap_err();
        assert!(refusal.starts_with("what version 0.0.9 saved: "), "{refusal}");
    }

    #[test]
    fn what_it_cannot_count_is_rejected() {
        let mut host = Host::new(Plugin);
        assert!(host.deliver("counter/add", "five").failure().is_reject());
        host.deliver("counter/add", i64::MAX).outcome.unwrap();
        assert!(host.deliver("counter/add", 1).failure().is_reject());
        assert_eq!(host.call("counter/total", ()).answer::<i64>(), i64::MAX);
    }
}
