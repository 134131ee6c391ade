//! The workflow over kills: every order that was taken comes to its end, once.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Client, Message};
use hive_tests::{
    nodes::Node,
    wait::{self, MOMENT},
};
use serde_json::{Value, json};

use super::{ask, sample};
use crate::{node, plugins};

/// How often the node is killed.
const ROUNDS: u64 = 12;
/// Who places orders at the same time.
const CUSTOMERS: u32 = 3;

/// What customers were told.
#[derive(Default)]
struct Books {
    /// The number of the next order.
    next: AtomicU32,
    /// Orders that were acknowledged, and not to be paid.
    unpaid: Mutex<BTreeSet<u32>>,
    /// Orders whose payment was acknowledged.
    paid: Mutex<BTreeSet<u32>>,
}

async fn start(data: &Path, plugins: &Path) -> Result<Node> {
    let config = sample("workflow/hive.yaml");
    let shop = node("shop").plugins(plugins).data_dir(data).arg("--config").arg(config).start().await?;
    shop.runs_plugin("workflow", 1).await?;
    Ok(shop)
}

/// Places orders and pays every other one, until the node is gone.
async fn buy(client: Client, books: Arc<Books>) {
    let durable = async |channel: String, data: Value| {
        let Ok(message) = Message::json(&data) else { return false };
        client.publish(&channel, &message).await.is_ok_and(|receipt| receipt.durable)
    };
    loop {
        let number = books.next.fetch_add(1, SeqCst);
        let is_paid = number.is_multiple_of(2);
        let pay_within = if is_paid { 3_600.0 } else { 0.1 };
        let placed = json!({"item": "tea", "pay_within": pay_within});
        if !durable(format!("orders/placed/{number}"), placed).await {
            return;
        }
        let told = if is_paid { &books.paid } else { &books.unpaid };
        if is_paid && !durable(format!("orders/paid/{number}"), Value::Null).await {
            return;
        }
        told.lock().expect("not poisoned").insert(number);
    }
}

/// How far an order is, and its invoice.
async fn order(shop: &Node, number: u32) -> Result<Option<(String, i64)>> {
    let status = ask(shop, "orders/status", &number.to_string()).await?;
    let step = status["step"].as_str().map(str::to_owned);
    Ok(step.zip(status["invoice"].as_i64()))
}

/// Killed at any moment: what was paid is shipped, what was not is called off, nothing is shipped twice, and the numbers of
/// the invoices have no gap.
#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_comes_to_its_end_whatever_is_killed_meanwhile() -> Result<()> {
    let (data, plugins) = (tempfile::tempdir()?, plugins(&["workflow"])?);
    let books = Arc::new(Books::default());
    for round in 0..ROUNDS {
        let mut shop = start(data.path(), plugins.path()).await?;
        let buying: Vec<_> =
            (0..CUSTOMERS).map(|_| tokio::spawn(buy(shop.client().clone(), Arc::clone(&books)))).collect();
        // Another moment in each round.
        let moment = Duration::from_millis(20 + round * 37 % 250);
        tokio::time::timeout(moment, std::future::pending::<()>()).await.ok();
        shop.crash().await?;
        for customer in buying {
            customer.await?;
        }
    }
    let shop = start(data.path(), plugins.path()).await?;
    let (paid, unpaid) = (
        books.paid.lock().expect("not poisoned").clone(),
        books.unpaid.lock().expect("not poisoned").clone(),
    );
    for (numbers, end) in [(&paid, "shipped"), (&unpaid, "called-off")] {
        for number in numbers {
            let mut last = None;
            let ends = wait::until("an order to come to its end", 3 * MOMENT, async || {
                last = order(&shop, *number).await.ok()?;
                last.as_ref().is_some_and(|(step, _)| step == end).then_some(())
            });
            let ends = ends.await;
            ends.with_context(|| format!("order {number} is {last:?} and not {end}\n{}", shop.printed()))?;
        }
    }
    // Orders that were not acknowledged may be there or not, and on their way.
    let invoices = wait::until("a parcel for each order that is shipped", MOMENT, async || {
        let (mut invoices, mut shipped) = (Vec::new(), 0);
        for number in 0..books.next.load(SeqCst) {
            if let Some((step, invoice)) = order(&shop, number).await.ok()? {
                invoices.push(invoice);
                shipped += i64::from(step == "shipped");
            }
        }
        (ask(&shop, "orders/parcels", &()).await.ok()? == shipped).then_some(invoices)
    });
    let mut invoices = invoices.await.with_context(|| shop.printed())?;
    invoices.sort_unstable();
    let all = invoices.len();
    println!("{ROUNDS} kills, {all} orders: {} paid and shipped, {} called off", paid.len(), unpaid.len());
    let count = i64::try_from(invoices.len())?;
    ensure!(invoices == (1..=count).collect::<Vec<_>>(), "an invoice is missing, or twice: {invoices:?}");
    ensure!(paid.len() > 20 && unpaid.len() > 20, "only {} and {}", paid.len(), unpaid.len());
    Ok(())
}
