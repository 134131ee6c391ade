//! A filter that transforms: it listens to every sensor and lets only what is too high through, as an alert.
//!
//! ```text
//! hive-node subscribe 'alert/*'
//! hive-node publish sensor/attic/reading '{"celsius": 21}'   nothing happens
//! hive-node publish sensor/attic/reading '{"celsius": 41}'   an alert on alert/attic
//! hive-node publish sensor/attic/reading '{"celsius": -500}' a dead letter: no thermometer shows that
//! ```
//!
//! What is too high is the plugin's configuration value `limit`; 30 if there is none.

use hive::{Context, OrReject, Result};

#[derive(serde::Deserialize)]
struct Reading {
    celsius: f64,
}

#[derive(serde::Serialize)]
struct Alert<'s> {
    sensor: &'s str,
    celsius: f64,
    limit: f64,
}

const ABSOLUTE_ZERO: f64 = -273.15;

#[hive::plugin("sensor/*/reading", publishes = ["alert/*"])]
fn check(Reading { celsius }: Reading, ctx: &Context) -> Result<()> {
    if celsius < ABSOLUTE_ZERO {
        return Err(hive::reject(format!("{celsius} °C is colder than anything can be")));
    }
    let limit = ctx.config_or("limit", 30.0)?;
    if celsius <= limit {
        return Ok(());
    }
    let sensor = ctx.segment(1).or_reject("no sensor in the channel")?;
    hive::info!(sensor = sensor, "{celsius} °C is above {limit} °C");
    ctx.publish(&format!("alert/{sensor}"), &Alert { sensor, celsius, limit })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use hive::{json, testing::Host};

    use super::Plugin;

    #[test]
    fn lets_only_high_readings_through() {
        let mut host = Host::new(Plugin);
        assert!(host.deliver("sensor/attic/reading", json!({"celsius": 21})).ok().published.is_empty());
        let hot = host.deliver("sensor/attic/reading", json!({"celsius": 41})).ok();
        assert_eq!(
            hot.published_on("alert/attic"),
            [json!({"sensor": "attic", "celsius": 41.0, "limit": 30.0})]
        );
    }

    #[test]
    fn the_limit_is_configured() {
        let mut host = Host::new(Plugin).config("limit", 20);
        assert_eq!(host.deliver("sensor/attic/reading", json!({"celsius": 21})).ok().published.len(), 1);
    }

    #[test]
    fn nonsense_is_rejected() {
        let mut host = Host::new(Plugin);
        for reading in [json!({"celsius": -500}), json!({"celsius": "warm"}), json!({})] {
            let failure = host.deliver("sensor/attic/reading", &reading).failure();
            assert!(failure.is_reject(), "{reading}: {failure}");
        }
    }
}
