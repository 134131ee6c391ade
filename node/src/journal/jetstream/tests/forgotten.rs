//! Cursors that are forgotten stay so, whatever becomes of the servers.

use super::*;

#[tokio::test]
async fn one_that_is_forgotten_does_not_come_back_with_a_killed_server() -> Result<()> {
    let (mut servers, _dir) = alone().await?;
    let mut journal = open(config(&servers)?).await?;
    for round in 0..5_u64 {
        let group = name(&format!("group {round}"));
        publish(&journal, round * 10 + 1..round * 10 + 11, &mut Acknowledged::new()).await?;
        journal.register(group.clone(), Start::Beginning).await?;
        journal.acknowledge(&group, 1..=5)?.await?;
        journal.forget(&group)?.await?;
        if round % 2 == 0 {
            // What was forgotten in an earlier life is not forgotten less.
            journal.close().await;
            journal = open(config(&servers)?).await?;
        }
        servers.kill(0)?;
        servers.restart(0).await?;
        journal.close().await;
        journal = open(config(&servers)?).await?;
        // It was read, and is not only away.
        ensure!(journal.status().last == (round + 1) * 10, "the stream is not open in round {round}");
        ensure!(journal.cursor(&group).is_none(), "the cursor is back in round {round}");
    }
    Ok(())
}
