//! A roll call: which nodes run this handler now, and which did before and are missing. It asks everybody, and keeps
//! whom it has seen on every node, so that any node can take the next roll.
//!
//! ```text
//! hive-node call roll-call/take                    {"here":["attic","cellar"],"absent":[]}
//! hive-node call roll-call/take                    later, without the cellar: {"here":["attic"],"absent":["cellar"]}
//! hive-node publish roll-call/forget '"cellar"'    it is not expected any more
//! ```

#[hive::plugin(publishes = ["roll-call/here", "roll-call/seen/*"])]
mod roll_call {
    use std::{collections::BTreeMap, time::Duration};

    use hive::{Context, Result, node};

    /// How long the slowest node is waited for.
    const WAIT: Duration = Duration::from_secs(2);

    #[derive(serde::Serialize)]
    struct Roll {
        here: Vec<String>,
        absent: Vec<String>,
    }

    /// Every node answers with its name.
    #[on("roll-call/here")]
    fn here() -> String {
        node::name()
    }

    /// Asks all nodes; those that were never seen before are kept by their ids, which nobody else has.
    #[on("roll-call/take")]
    fn take(ctx: &Context) -> Result<Roll> {
        let answers = ctx.gather_within::<String>(WAIT, "roll-call/here", &())?;
        let here: BTreeMap<&str, &String> = answers.good().collect();
        let mut absent = Vec::new();
        let mut new = here.clone();
        for seen in ctx.kept_values("roll-call/seen/*") {
            let seen = seen?;
            let id = seen.channel.rsplit('/').next().unwrap_or_default();
            if new.remove(id).is_none() {
                absent.push(seen.parse().map_err(hive::reject)?);
            }
        }
        for (id, name) in new {
            ctx.retain(&format!("roll-call/seen/{id}"), name)?;
        }
        Ok(Roll { here: here.into_values().cloned().collect(), absent })
    }

    /// Subscribed to, so that the kept values may be read; says who came and went.
    #[on("roll-call/seen/*")]
    fn seen(name: Option<String>, ctx: &Context) {
        match name {
            Some(name) if !ctx.retained() => hive::info!("{name} answered a roll call for the first time"),
            Some(_) => {}
            None => hive::info!("{} is not expected any more", ctx.segment(2).unwrap_or_default()),
        }
    }

    #[on("roll-call/forget")]
    fn forget(name: String, ctx: &Context) -> Result<()> {
        for seen in ctx.kept_values("roll-call/seen/*") {
            let seen = seen?;
            if seen.parse::<String>().is_ok_and(|seen| seen == name) {
                ctx.clear(&seen.channel)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hive::{Message, Value, json, testing::Host};

    use super::roll_call::Plugin;

    /// Nodes of these names; the fake node calls them `test-node-id-0`, `test-node-id-1`, …
    fn host(names: &'static [&'static str]) -> Host {
        let host = Host::new(Plugin);
        names.iter().fold(host, |host, name| host.answer("roll-call/here", name))
    }

    #[test]
    fn who_answers_is_here_and_who_was_seen_before_is_absent() {
        let mut host = host(&["attic", "cellar"])
            .keep("roll-call/seen/test-node-id-1", "cellar")
            .keep("roll-call/seen/gone", "shed");
        let taken = host.call("roll-call/take", ());
        let kept: Vec<&str> = taken.retained.iter().map(|sent| sent.channel.as_str()).collect();
        assert_eq!(kept, ["roll-call/seen/test-node-id-0"], "only who is new");
        assert_eq!(taken.answer::<Value>(), json!({"here": ["attic", "cellar"], "absent": ["shed"]}));
        assert_eq!(host.kept("roll-call/seen/test-node-id-0"), Some(json!("attic")));
    }

    #[test]
    fn who_is_forgotten_is_not_expected() {
        let mut host = host(&["attic"]).keep("roll-call/seen/gone", "shed");
        assert_eq!(host.deliver("roll-call/forget", "shed").ok().cleared, ["roll-call/seen/gone"]);
        assert_eq!(
            host.call("roll-call/take", ()).answer::<Value>(),
            json!({"here": ["attic"], "absent": []})
        );
    }

    #[test]
    fn comings_and_goings_are_said() {
        let mut host = host(&[]);
        let come = host.deliver("roll-call/seen/1", "attic").ok();
        let gone = host.deliver_message("roll-call/seen/1", Message::default()).ok();
        let lines: Vec<_> = come.logs.iter().chain(&gone.logs).map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["attic answered a roll call for the first time", "1 is not expected any more"]);
    }
}
