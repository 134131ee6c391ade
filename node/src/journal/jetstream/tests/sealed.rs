//! Sealed records on a real server: who keeps it reads nothing, and who lacks the secret is given nothing.

use super::*;
use crate::trust::{
    identity::Identity,
    network::NetworkKey,
    seal::{Opener, Sealer},
    secret::Secret,
};

fn sealed(config: &Config, identity: &Identity, digit: &str) -> Result<Config> {
    let secret = Secret::parse(&format!("hive-secret-{}", digit.repeat(64)))?;
    let key = NetworkKey::from_secret(&network(), &secret);
    let sealer = Sealer::new(&key, identity).context("a secret")?;
    let seals = Some(Arc::new(Seals::new(identity.node_id(), sealer, Opener::new(&key))));
    Ok(Config { seals, ..config.clone() })
}

#[tokio::test]
async fn what_is_sealed_is_read_with_the_secret_alone() -> Result<()> {
    let (servers, _dir) = alone().await?;
    let (plain, identity) = (config(&servers)?, Identity::ephemeral());
    let origin = identity.node_id();
    let open = async |config: Config| {
        anyhow::Ok(StreamJournal::open(config, &network(), origin, Settings::default()).await?)
    };
    let journal = open(sealed(&plain, &identity, "1")?).await?;
    let group = name("group");
    journal.register(group.clone(), Start::Beginning).await?;
    for sequence in 1..=3 {
        assert_eq!(put(&journal, &event(sequence, "a/b", "a confidential text")).await?, sequence);
    }
    journal.acknowledge(&group, 1..=2)?.await?;
    journal.close().await;

    let names = Names::new(&network(), origin);
    let (api, _link) = connect::connect(&plain, "keeper").await.ok().context("a link")?;
    for (stream, subject) in [(&names.events, names.subject.clone()), (&names.cursors, names.all_cursors())] {
        let stored = api.next(stream, 1, &subject).await?.with_context(|| format!("{stream} is empty"))?;
        let text = String::from_utf8_lossy(&stored.body);
        ensure!(!text.contains("confidential") && !text.contains("group"), "{stream}: {text}");
    }
    let journal = open(sealed(&plain, &identity, "1")?).await?;
    assert_eq!(all(&journal, 1, &[]).await?.len(), 3);
    assert_eq!(journal.cursor(&group).map(|cursor| cursor.floor()), Some(2));
    journal.close().await;
    for config in [plain.clone(), sealed(&plain, &identity, "2")?] {
        let journal = open(config).await?;
        assert_eq!(all(&journal, 1, &[]).await?.len(), 0, "what cannot be opened is passed over");
        assert_eq!(journal.status().cursors.len(), 0);
        journal.close().await;
    }
    Ok(())
}
