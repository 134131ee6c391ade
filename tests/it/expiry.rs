//! What is of use for a while only, through the program.

use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use hive_client::{Message, Terms};
use hive_tests::wait::{self, MOMENT};

use crate::{next, node, run, stderr, write};

/// A group without members misses nothing but what nobody wants any more; that is counted.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_does_not_come_from_the_journal_either() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let rules = "version: 1\nchannels:\n  - { pattern: 'orders/**', durable: true, group: ['*'] }\n";
    let config = write(folder.path(), "hive.yaml", rules)?;
    let keeper =
        node("keeper").arg("--config").arg(config).data_dir(folder.path().join("data")).start().await?;
    let audit = || Terms { group: Some("audit".into()), ..Terms::default() };
    // From here on the group is known.
    let mut member = keeper.client().subscribe(["orders/*"], audit()).await?;
    keeper.client().publish("orders/first", &Message::from("x")).await?;
    let first = next(&mut member, "the first order").await?;
    ensure!(first.message.expires_ms.is_none(), "{first:?}");
    member.close().await;

    let brief = run(Some(&keeper), &["publish", "orders/brief", "x", "--expires", "50ms"]).await?;
    ensure!(brief.status.success(), "{}", stderr(&brief));
    let published = SystemTime::now();
    let lasting = Message::from("y").expiring(Duration::from_secs(3600));
    keeper.client().publish("orders/lasting", &lasting).await?;
    wait::until("the brief one to be over", MOMENT, async || {
        published.elapsed().is_ok_and(|since| since > Duration::from_millis(60)).then_some(())
    })
    .await?;
    let mut member = keeper.client().subscribe(["orders/*"], audit()).await?;
    loop {
        let event = next(&mut member, "the lasting order").await?;
        // What the closed member had in hand may come again.
        if event.channel != "orders/first" {
            ensure!(event.channel == "orders/lasting", "{event:?}");
            ensure!(event.message.expires_ms == Some(3_600_000), "{event:?}");
            break;
        }
    }
    let dropped = keeper.status().await?.events.dropped;
    ensure!(dropped.get("expired") == Some(&1), "{dropped:?}");
    let at_once = run(Some(&keeper), &["publish", "orders/none", "x", "--expires", "0s"]).await?;
    ensure!(
        !at_once.status.success() && stderr(&at_once).contains("1 ms at the earliest"),
        "{}",
        stderr(&at_once)
    );
    Ok(())
}
