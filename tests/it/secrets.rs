//! Networks with a secret: who does not know it stays outside, and both sides say so.

use anyhow::{Result, ensure};
use hive_client::{Message, Terms};
use hive_tests::{nodes::Setup, wait::MOMENT};

use crate::{next, node, write};

pub(crate) const SECRET: &str =
    "hive-secret-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const WRONG: &str = "hive-secret-ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_the_secret_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (right, wrong) =
        (write(folder.path(), "right.secret", SECRET)?, write(folder.path(), "wrong.secret", WRONG)?);
    let in_network = |name: &str, secret: Option<&str>| {
        let setup: Setup = node(name).arg("--network").arg("vault");
        match secret {
            Some(file) => setup.arg("--secret-file").arg(file),
            None => setup,
        }
    };
    let mut inside = in_network("inside", Some(&right)).start().await?;
    let mut events = inside.client().subscribe(["door/*"], Terms::default()).await?;
    for (name, secret) in [("stranger", Some(wrong.as_str())), ("passer-by", None)] {
        let mut outside = in_network(name, secret).peer(&inside).start().await?;
        outside.says("refused").await?;
        outside.client().publish("door/open", &Message::from(name)).await?;
        ensure!(outside.status().await?.peers.is_empty(), "{}", outside.printed());
        ensure!(!outside.printed().contains("ffffffff"), "a secret was printed: {}", outside.printed());
    }
    inside.says("refused").await?;

    let friend = in_network("friend", Some(&right)).peer(&inside).start().await?;
    friend.has_peers(1, MOMENT).await?;
    let receipt = friend.client().publish("door/open", &Message::from("friend")).await?;
    ensure!(receipt.peers == 1, "nobody was sent it: {receipt:?}");
    let event = next(&mut events, "the friend's event").await?;
    ensure!(event.message.text() == Some("friend"), "came before the friend's: {event:?}");
    ensure!(!inside.printed().contains("00112233"), "a secret was printed: {}", inside.printed());
    Ok(())
}
