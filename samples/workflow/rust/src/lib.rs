//! Orders that are placed, paid and shipped, or called off when nobody pays in time: a workflow that goes on where it was,
//! whatever is killed meanwhile.
//!
//! ```text
//! hive-node dev samples/workflow --config samples/workflow/hive.yaml
//! hive-node subscribe 'orders/step/*'
//! hive-node publish orders/placed/7 '{"item": "tea", "pay_within": 60}'
//! hive-node publish orders/paid/7                within those seconds
//! hive-node call orders/status '"7"'             answers {"item":"tea","invoice":1,"step":"shipped"}
//! ```
//!
//! - Each step is an event on a durable channel (hive.yaml): it comes until it was handled.
//! - Where an order stands is in the state, which gets to disk as a whole when a step is done. A step that comes again finds
//!   that it is done, and an order gets one invoice number: `once`.
//! - The next step is published before this one is on disk: it is never forgotten, and may come twice.
//! - Others are told afterwards: what they hear is true, and who missed it asks `orders/status`.
//! - What is to happen later is a timer, which survives as the rest does.

#[hive::plugin(single, publishes = ["orders/ship/*", "orders/step/*"])]
mod workflow {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use hive::{Context, OrReject, Result};

    #[derive(serde::Deserialize)]
    struct Placed {
        item: String,
        /// Seconds.
        #[serde(default = "a_minute")]
        pay_within: f64,
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Order {
        item: String,
        invoice: i64,
        step: Step,
        /// When it is called off, in milliseconds since the Unix epoch.
        #[serde(rename = "due")]
        due_ms: u64,
    }

    #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Step {
        Placed,
        Paid,
        Shipped,
        CalledOff,
    }

    #[derive(serde::Serialize)]
    struct Status {
        item: String,
        invoice: i64,
        step: Step,
    }

    /// How long an order that has come to its end is known.
    const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3_600);

    /// When it is worth looking again for what should be there in a moment.
    const A_MOMENT: Duration = Duration::from_millis(500);

    #[on("orders/placed/*", durable)]
    fn placed(Placed { item, pay_within }: Placed, ctx: &Context) -> Result<()> {
        let id = id(ctx)?;
        let pay_within =
            Duration::try_from_secs_f64(pay_within).or_reject("`pay_within` is no time from now")?;
        if !ctx.once()? {
            return Ok(());
        }
        // What may fail comes before what is written.
        if order(ctx, id)?.is_some() {
            return Err(hive::reject(format!("there is an order {id} already")));
        }
        let due_ms = now_ms().saturating_add(u64::try_from(pay_within.as_millis()).unwrap_or(u64::MAX));
        let due = due_key(due_ms, id);
        // A plugin has 64 timers, and more orders: one timer is for all, set to the first that is due.
        if ctx.state().keys("due/").next().transpose()?.is_none_or(|first| due < first) {
            ctx.after("unpaid", pay_within, &())?;
        }
        let invoice = ctx.state().increment("invoices", 1)?;
        ctx.state().set(&due, &())?;
        advance(ctx, id, Order { item, invoice, step: Step::Placed, due_ms }, Step::Placed)
    }

    #[on("orders/paid/*", durable)]
    fn paid(ctx: &Context) -> Result<()> {
        let id = id(ctx)?;
        // It may have overtaken the order.
        let no_order = || hive::retry_after(A_MOMENT, format!("there is no order {id}"));
        let order = order(ctx, id)?.ok_or_else(no_order)?;
        match order.step {
            Step::Placed => {
                ctx.publish(&format!("orders/ship/{id}"), &order.item)?;
                ctx.state().delete(&due_key(order.due_ms, id))?;
                advance(ctx, id, order, Step::Paid)
            }
            Step::Paid | Step::Shipped => Ok(()),
            Step::CalledOff => Err(hive::reject(format!("order {id} was called off: give the money back"))),
        }
    }

    #[on("orders/ship/*", durable)]
    fn ship(ctx: &Context) -> Result<()> {
        let id = id(ctx)?;
        let order = order(ctx, id)?.or_reject(format!("there is no order {id}"))?;
        match order.step {
            // The node was killed before the payment was on disk: that comes again.
            Step::Placed => Err(hive::retry_after(A_MOMENT, format!("order {id} is not paid yet"))),
            Step::Paid => {
                ctx.state().increment("parcels", 1)?;
                advance(ctx, id, order, Step::Shipped)
            }
            Step::Shipped | Step::CalledOff => Ok(()),
        }
    }

    #[on("$timer/unpaid")]
    fn unpaid(ctx: &Context) -> Result<()> {
        for due in ctx.state().keys("due/") {
            let due = due?;
            let (due_ms, id) = due_order(&due).or_reject(format!("`{due}` is no key of ours"))?;
            if let Some(left @ 1..) = due_ms.checked_sub(now_ms()) {
                ctx.after("unpaid", Duration::from_millis(left), &())?;
                return Ok(());
            }
            ctx.state().delete(&due)?;
            if let Some(order) = order(ctx, id)? {
                advance(ctx, id, order, Step::CalledOff)?;
            }
        }
        Ok(())
    }

    #[on("orders/status")]
    fn status(id: String, ctx: &Context) -> Result<Option<Status>> {
        let status = |Order { item, invoice, step, .. }| Status { item, invoice, step };
        Ok(order(ctx, &id)?.map(status))
    }

    #[on("orders/parcels")]
    fn parcels(ctx: &Context) -> Result<i64> {
        Ok(ctx.state().get("parcels")?.unwrap_or(0))
    }

    /// The order has come to a step: on disk, then told.
    fn advance(ctx: &Context, id: &str, order: Order, step: Step) -> Result<()> {
        let order = Order { step, ..order };
        match step {
            Step::Placed | Step::Paid => ctx.state().set(&key(id), &order)?,
            Step::Shipped | Step::CalledOff => ctx.state().set_for(REMEMBERED, &key(id), &order)?,
        }
        ctx.state().flush()?;
        if let Err(error) = ctx.publish(&format!("orders/step/{id}"), &step) {
            hive::warn!("nobody hears that order {id} is {step:?}: {error}");
        }
        Ok(())
    }

    fn id<'c>(ctx: &Context<'c>) -> Result<&'c str> {
        ctx.segment(2).or_reject("no order in the channel")
    }

    fn order(ctx: &Context, id: &str) -> Result<Option<Order>> {
        Ok(ctx.state().get(&key(id))?)
    }

    fn key(id: &str) -> String {
        format!("order/{id}")
    }

    /// Keys are in order, and with as many digits each so are the times in them.
    fn due_key(due_ms: u64, id: &str) -> String {
        format!("due/{due_ms:020}/{id}")
    }

    fn due_order(key: &str) -> Option<(u64, &str)> {
        let (due_ms, id) = key.strip_prefix("due/")?.split_once('/')?;
        Some((due_ms.parse().ok()?, id))
    }

    fn now_ms() -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
    }

    fn a_minute() -> f64 {
        60.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hive::{Value, json, testing::Host};

    use super::workflow::Plugin;

    fn place(host: &mut Host, id: &str, pay_within: f64) {
        let placed = json!({"item": "tea", "pay_within": pay_within});
        let told = host.deliver(&format!("orders/placed/{id}"), placed).ok();
        assert_eq!(told.published_on(&format!("orders/step/{id}")), ["placed"]);
    }

    fn status(host: &mut Host, id: &str) -> Value {
        host.call("orders/status", id).answer()
    }

    #[test]
    fn an_order_is_placed_paid_and_shipped_and_each_step_is_taken_once() {
        let mut host = Host::new(Plugin);
        place(&mut host, "7", 60.0);
        let paid = host.deliver("orders/paid/7", ()).ok();
        assert_eq!(paid.published_on("orders/ship/7"), ["tea"]);
        assert_eq!(host.deliver("orders/ship/7", "tea").ok().published_on("orders/step/7"), ["shipped"]);
        for again in ["orders/paid/7", "orders/ship/7"] {
            assert!(host.deliver(again, "tea").ok().published.is_empty(), "{again}");
        }
        assert_eq!(status(&mut host, "7"), json!({"item": "tea", "invoice": 1, "step": "shipped"}));
        assert_eq!(host.call("orders/parcels", ()).answer::<i64>(), 1);
        assert!(host.deliver("orders/placed/7", json!({"item": "milk"})).failure().is_reject());
    }

    #[test]
    fn what_nobody_pays_in_time_is_called_off() {
        let mut host = Host::new(Plugin);
        place(&mut host, "late", 3_600.0);
        place(&mut host, "now", 0.0);
        assert_eq!(host.timer("unpaid"), Some(Duration::ZERO), "the one that is due first");
        assert_eq!(host.fire("unpaid").ok().published_on("orders/step/now"), ["called-off"]);
        assert_eq!(
            (status(&mut host, "now")["step"].as_str(), status(&mut host, "late")["step"].as_str()),
            (Some("called-off"), Some("placed"))
        );
        assert!(
            host.timer("unpaid").is_some_and(|left| left > Duration::from_secs(3_500)),
            "for the other one"
        );
        assert!(host.deliver("orders/paid/now", ()).failure().is_reject());
        assert!(host.deliver("orders/ship/now", ()).ok().published.is_empty());
    }

    #[test]
    fn what_overtakes_another_is_tried_again() {
        let mut host = Host::new(Plugin);
        assert!(!host.deliver("orders/paid/7", ()).failure().is_reject());
        place(&mut host, "7", 60.0);
        assert!(!host.deliver("orders/ship/7", "tea").failure().is_reject());
    }
}
