//! Reminders: one-shot timers, which come when they are due, also when the handler was replaced or the node was down
//! meanwhile. What is due is kept, so that it waits for whoever looks later.
//!
//! ```text
//! hive-node call remind/me '{"of": "tea", "text": "The tea is ready", "seconds": 180}'
//! hive-node subscribe 'remind/due/*'          three minutes later: remind/due/tea "The tea is ready"
//! hive-node call remind/cancel '"tea"'        true: it was set, and does not come
//! hive-node publish remind/done '"tea"'       what was due is not kept any longer
//! ```

#[hive::plugin(publishes = ["remind/due/*"])]
mod reminder {
    use std::time::Duration;

    use hive::{Context, OrReject, Result};

    #[derive(serde::Deserialize)]
    struct Reminder {
        of: String,
        text: String,
        seconds: f64,
    }

    /// Sets a reminder; the same once more sets it anew.
    #[on("remind/me")]
    fn remind(Reminder { of, text, seconds }: Reminder, ctx: &Context) -> Result<String> {
        let delay = Duration::try_from_secs_f64(seconds).or_reject("`seconds` is no time from now")?;
        ctx.after(&of, delay, &text)?;
        Ok(format!("in {seconds} s: {text}"))
    }

    #[on("remind/cancel")]
    fn cancel(of: String, ctx: &Context) -> Result<bool> {
        Ok(ctx.cancel(&of)?)
    }

    /// The plugin's own timers, which nobody else sees.
    #[on("$timer/*")]
    fn due(text: String, ctx: &Context) -> Result<()> {
        let of = ctx.segment(1).or_reject("a timer has a name")?;
        ctx.retain(&format!("remind/due/{of}"), &text)?;
        Ok(())
    }

    #[on("remind/done")]
    fn done(of: String, ctx: &Context) -> Result<()> {
        ctx.clear(&format!("remind/due/{of}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hive::{json, testing::Host};

    use super::reminder::Plugin;

    fn tea(seconds: f64) -> hive::Value {
        json!({"of": "tea", "text": "The tea is ready", "seconds": seconds})
    }

    #[test]
    fn what_is_due_is_kept_until_it_is_done() {
        let mut host = Host::new(Plugin);
        assert_eq!(host.call("remind/me", tea(1.5)).answer::<String>(), "in 1.5 s: The tea is ready");
        assert_eq!(host.timer("tea"), Some(Duration::from_millis(1500)));
        host.fire("tea").outcome.unwrap();
        assert_eq!((host.kept("remind/due/tea"), host.timer("tea")), (Some(json!("The tea is ready")), None));
        host.deliver("remind/done", "tea").outcome.unwrap();
        assert_eq!(host.kept("remind/due/tea"), None);
    }

    #[test]
    fn what_is_cancelled_does_not_come() {
        let mut host = Host::new(Plugin);
        host.call("remind/me", tea(1.0)).outcome.unwrap();
        assert!(host.call("remind/cancel", "tea").answer::<bool>());
        assert!(!host.call("remind/cancel", "tea").answer::<bool>());
        assert_eq!(host.timer("tea"), None);
    }

    #[test]
    fn nonsense_is_rejected() {
        for (of, seconds) in [("tea", -1.0), ("a/b", 1.0), ("", 1.0)] {
            let reminder = json!({"of": of, "text": "x", "seconds": seconds});
            assert!(Host::new(Plugin).call("remind/me", reminder).failure().is_reject(), "{of} {seconds}");
        }
    }
}
