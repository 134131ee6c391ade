//! A dictionary that every node has: an entry is a kept value, which the mesh brings to every node, also to those that come
//! later. Where two nodes set the same key at once, all agree on the later one.
//!
//! ```text
//! hive-node call dictionary/set '{"key": "tea", "value": "hot"}'   answers null: what the key had before
//! hive-node call dictionary/get '"tea"'                            on any node: "hot"
//! hive-node call dictionary/all                                    answers {"tea":"hot"}
//! hive-node call dictionary/remove '"tea"'                         answers "hot"
//! hive-node subscribe 'dictionary/entry/*'                         first what is there, then every change
//! ```

#[hive::plugin(publishes = ["dictionary/entry/*"])]
mod dictionary {
    use std::collections::BTreeMap;

    use hive::{Context, Result, Value};

    #[derive(serde::Deserialize)]
    struct Entry {
        key: String,
        value: Value,
    }

    #[on("dictionary/get")]
    fn get(key: String, ctx: &Context) -> Result<Option<Value>> {
        Ok(ctx.kept(&channel(&key)?)?)
    }

    #[on("dictionary/set")]
    fn set(Entry { key, value }: Entry, ctx: &Context) -> Result<Option<Value>> {
        let channel = channel(&key)?;
        let before = ctx.kept(&channel)?;
        ctx.retain(&channel, &value)?;
        Ok(before)
    }

    #[on("dictionary/remove")]
    fn remove(key: String, ctx: &Context) -> Result<Option<Value>> {
        let channel = channel(&key)?;
        let before = ctx.kept(&channel)?;
        if before.is_some() {
            ctx.clear(&channel)?;
        }
        Ok(before)
    }

    #[on("dictionary/all")]
    fn all(ctx: &Context) -> Result<BTreeMap<String, Value>> {
        let mut all = BTreeMap::new();
        for kept in ctx.kept_values("dictionary/entry/*") {
            let kept = kept?;
            let key = kept.channel.rsplit('/').next().unwrap_or_default();
            all.insert(key.to_owned(), kept.parse().map_err(hive::reject)?);
        }
        Ok(all)
    }

    /// Subscribed to, so that the kept values may be read; hears what any node sets and removes.
    #[on("dictionary/entry/*")]
    fn changed(value: Option<Value>, ctx: &Context) {
        let key = ctx.segment(2).unwrap_or_default();
        match value {
            Some(value) => hive::info!("{key} is {value}"),
            None => hive::info!("{key} is gone"),
        }
    }

    /// Where a key's value is. What else a segment of a channel must not be, the node says.
    fn channel(key: &str) -> Result<String> {
        if key.contains(['/', '*']) {
            return Err(hive::reject(format!("`{key}` is no key: it has a `/` or a `*`")));
        }
        Ok(format!("dictionary/entry/{key}"))
    }
}

#[cfg(test)]
mod tests {
    use hive::{Message, Value, json, testing::Host};

    use super::dictionary::Plugin;

    #[test]
    fn it_is_a_dictionary() {
        let mut host = Host::new(Plugin).keep("dictionary/entry/milk", "cold");
        let tea = |value: Value| json!({"key": "tea", "value": value});
        assert_eq!(host.call("dictionary/set", tea(json!("hot"))).answer::<Value>(), json!(null));
        assert_eq!(host.call("dictionary/set", tea(json!({"celsius": 90}))).answer::<Value>(), json!("hot"));
        assert_eq!(host.call("dictionary/get", "tea").answer::<Value>(), json!({"celsius": 90}));
        let all = host.call("dictionary/all", ()).answer::<Value>();
        assert_eq!(all, json!({"milk": "cold", "tea": {"celsius": 90}}));
        assert_eq!(host.call("dictionary/remove", "milk").ok().cleared, ["dictionary/entry/milk"]);
        assert_eq!(host.call("dictionary/remove", "milk").answer::<Value>(), json!(null));
        assert_eq!(host.call("dictionary/get", "milk").answer::<Value>(), json!(null));
    }

    #[test]
    fn what_is_no_key_is_rejected() {
        for key in ["", "a/b", "*", "a b"] {
            let entry = json!({"key": key, "value": 1});
            assert!(Host::new(Plugin).call("dictionary/set", entry).failure().is_reject(), "`{key}`");
        }
    }

    #[test]
    fn what_changes_is_said() {
        let mut host = Host::new(Plugin);
        let set = host.deliver("dictionary/entry/tea", "hot").ok();
        let gone = host.deliver_message("dictionary/entry/tea", Message::default()).ok();
        let lines: Vec<_> = set.logs.iter().chain(&gone.logs).map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["tea is \"hot\"", "tea is gone"]);
    }
}
