//! Averages of all rooms: what comes in is summed up in the plugin's state, and a schedule says when it is reported.
//!
//! ```text
//! hive-node publish room/attic/celsius 21
//! hive-node publish room/attic/celsius 22
//! hive-node call averages/now              answers {"attic":21.5}
//! hive-node subscribe averages/report      the same, whenever a minute is full
//! ```
//!
//! Each node that runs it hears every reading, so each could report; `mesh` lets one of them.

#[hive::plugin(publishes = ["averages/report"])]
mod averages {
    use std::collections::BTreeMap;

    use hive::{Context, OrReject, Result};

    /// What a room has shown so far.
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Readings {
        count: u32,
        sum: f64,
    }

    /// What the keys of rooms begin with.
    const ROOMS: &str = "room/";

    #[on("room/*/celsius")]
    fn measured(celsius: f64, ctx: &Context) -> Result<()> {
        let room = ctx.segment(1).or_reject("no room in the channel")?;
        if !(-273.15..1_000.0).contains(&celsius) {
            return Err(hive::reject(format!("no room has {celsius} °C")));
        }
        // Readings of one channel come one by one, unless their keys say that they have no order, as those of several sensors:
        // `update` loses none of these, where `get` and `set` would.
        ctx.state().update(&format!("{ROOMS}{room}"), |before: Option<Readings>| {
            let Readings { count, sum } = before.unwrap_or_default();
            Some(Readings { count: count.saturating_add(1), sum: sum + celsius })
        })?;
        Ok(())
    }

    #[on("averages/now")]
    fn now(ctx: &Context) -> Result<BTreeMap<String, f64>> {
        let mut averages = BTreeMap::new();
        for key in ctx.state().keys(ROOMS) {
            let key = key?;
            if let Some(Readings { count, sum }) = ctx.state().get(&key)? {
                let average = (sum / f64::from(count) * 100.0).round() / 100.0;
                averages.insert(key.trim_start_matches(ROOMS).to_owned(), average);
            }
        }
        Ok(averages)
    }

    /// Five fields of cron, in UTC: every minute. `0 8 * * MON` would be Mondays at eight.
    #[tick("* * * * *", mesh)]
    fn report(ctx: &Context) -> Result<()> {
        let averages = now(ctx)?;
        if !averages.is_empty() {
            ctx.publish("averages/report", &averages)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hive::{Value, json, testing::Host};

    use super::averages::Plugin;

    #[test]
    fn readings_become_averages_which_are_reported() {
        let mut host = Host::new(Plugin);
        assert!(host.tick("report").ok().published.is_empty(), "nothing was measured");
        for (room, celsius) in [("attic", 21.0), ("attic", 22.0), ("cellar", 8.0)] {
            host.deliver(&format!("room/{room}/celsius"), celsius).outcome.unwrap();
        }
        let want = json!({"attic": 21.5, "cellar": 8.0});
        assert_eq!(host.call("averages/now", ()).answer::<Value>(), want);
        assert_eq!(host.tick("report").ok().published_on("averages/report"), [want]);
    }

    #[test]
    fn they_go_on_with_what_is_on_disk() {
        let mut host = Host::new(Plugin).with_state("room/attic", json!({"count": 3, "sum": 60.0}));
        host.deliver("room/attic/celsius", 24.0).outcome.unwrap();
        assert_eq!(host.state("room/attic"), Some(json!({"count": 4, "sum": 84.0})));
        assert_eq!(host.call("averages/now", ()).answer::<Value>(), json!({"attic": 21.0}));
    }

    #[test]
    fn nonsense_is_rejected() {
        for nonsense in [json!(-300), json!("warm"), json!(null)] {
            let failure = Host::new(Plugin).deliver("room/attic/celsius", &nonsense).failure();
            assert!(failure.is_reject(), "{nonsense}: {failure}");
        }
    }
}
