//! Accounts on one node: the plugin's state keeps the balances, over new versions, restarts and kills.
//!
//! ```text
//! hive-node publish ledger/deposit/ada 500    five euros more
//! hive-node call ledger/balance '"ada"'       answers 500
//! hive-node call ledger/hold '"ada"'          answers true: nobody else holds the account for ten seconds
//! hive-node call ledger/accounts              answers {"ada":500}
//! hive-node call ledger/total                 answers 500
//! ```
//!
//! Where `ledger/deposit/*` is a durable channel (`channels: [{pattern: "ledger/deposit/*", durable: true}]`), each deposit
//! comes at least once, and is counted exactly once.

#[hive::plugin(publishes = ["ledger/changed/*"])]
mod ledger {
    use std::{collections::BTreeMap, time::Duration};

    use hive::{Context, OrReject, Result};

    /// How long one caller holds an account.
    const HELD: Duration = Duration::from_secs(10);

    /// The key of what all accounts have together.
    const TOTAL: &str = "total";

    #[on("ledger/deposit/*", durable)]
    fn deposit(cents: i64, ctx: &Context) -> Result<()> {
        let account = ctx.segment(2).or_reject("no account")?;
        // An event whose outcome was lost on the way comes again, and is in the balance already.
        if !ctx.once()? {
            return Ok(());
        }
        let balance = ctx.state().increment(&key(account), cents)?;
        ctx.state().increment(TOTAL, cents)?;
        // From here on it is done: a failure would have it counted again.
        if let Err(error) = ctx.publish(&format!("ledger/changed/{account}"), &balance) {
            hive::warn!("nobody hears of the new balance of {account}: {error}");
        }
        Ok(())
    }

    #[on("ledger/balance")]
    fn balance(account: String, ctx: &Context) -> Result<i64> {
        Ok(ctx.state().get(&key(&account))?.unwrap_or(0))
    }

    #[on("ledger/total")]
    fn total(ctx: &Context) -> Result<i64> {
        Ok(ctx.state().get(TOTAL)?.unwrap_or(0))
    }

    #[on("ledger/hold")]
    fn hold(account: String, ctx: &Context) -> Result<bool> {
        Ok(ctx.state().swap_bytes(&format!("held/{account}"), None, Some(b"held"), Some(HELD))?)
    }

    #[on("ledger/accounts")]
    fn accounts(ctx: &Context) -> Result<BTreeMap<String, i64>> {
        let mut balances = BTreeMap::new();
        for key in ctx.state().keys("balance/") {
            let key = key?;
            let balance = ctx.state().get(&key)?.unwrap_or(0);
            balances.insert(key.trim_start_matches("balance/").to_owned(), balance);
        }
        Ok(balances)
    }

    fn key(account: &str) -> String {
        format!("balance/{account}")
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use hive::testing::Host;

    use super::ledger::Plugin;

    #[test]
    fn deposits_add_up_and_are_told() {
        let mut host = Host::new(Plugin).with_state("balance/bob", 7);
        assert_eq!(host.deliver("ledger/deposit/ada", 500).ok().published_on("ledger/changed/ada"), [500]);
        assert_eq!(host.deliver("ledger/deposit/ada", -20).ok().published_on("ledger/changed/ada"), [480]);
        assert_eq!(host.call("ledger/balance", "ada").answer::<i64>(), 480);
        assert_eq!(host.call("ledger/total", ()).answer::<i64>(), 480);
        let all: BTreeMap<String, i64> = host.call("ledger/accounts", ()).answer();
        assert_eq!(all, [("ada".to_owned(), 480), ("bob".to_owned(), 7)].into());
    }

    #[test]
    fn an_account_is_held_by_one_for_a_while() {
        let mut host = Host::new(Plugin);
        assert!(host.call("ledger/hold", "ada").answer::<bool>());
        assert!(!host.call("ledger/hold", "ada").answer::<bool>());
        assert!(host.call("ledger/hold", "bob").answer::<bool>());
        host.pass(Duration::from_secs(10));
        assert!(host.call("ledger/hold", "ada").answer::<bool>());
    }
}
