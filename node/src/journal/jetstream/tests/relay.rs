//! Answers that are lost on the way: what they were about is stored, and must not be stored again.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::*;

/// Stands between the journal and its server, and swallows what the server says when it is told to.
struct Relay {
    port: u16,
    mute: Arc<AtomicBool>,
    /// Cancelled and replaced to cut all connections.
    cut: Arc<std::sync::Mutex<CancellationToken>>,
    _task: AbortOnDropHandle<()>,
}

impl Relay {
    async fn to(address: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (mute, cut) =
            (Arc::new(AtomicBool::new(false)), Arc::<std::sync::Mutex<CancellationToken>>::default());
        let (muted, cutting) = (Arc::clone(&mute), Arc::clone(&cut));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&address).await else { continue };
                let cut = cutting.lock().expect("not poisoned").clone();
                let muted = Arc::clone(&muted);
                tokio::spawn(async move { cut.run_until_cancelled(pass(client, server, muted)).await });
            }
        });
        Ok(Self { port, mute, cut, _task: AbortOnDropHandle::new(task) })
    }

    fn mute(&self, mute: bool) {
        self.mute.store(mute, Ordering::SeqCst);
    }

    fn cut(&self) {
        let cut = std::mem::take(&mut *self.cut.lock().expect("not poisoned"));
        cut.cancel();
    }
}

async fn pass(client: TcpStream, server: TcpStream, muted: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = tokio::io::copy(&mut from_client, &mut to_server);
    let back = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            if !muted.load(Ordering::SeqCst) && to_client.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = there => {}
        () = back => {}
    }
}

#[tokio::test]
async fn an_acknowledgement_that_is_lost_is_no_second_event() -> Result<()> {
    let (servers, _dir) = alone().await?;
    let address = servers.addresses().remove(0).replace("nats://", "");
    let relay = Relay::to(address).await?;
    let direct = config(&servers)?;
    let through = Config { servers: vec![format!("127.0.0.1:{}", relay.port).parse()?], ..direct.clone() };
    let journal = open(through).await?;
    let group = name("group");
    journal.register(group.clone(), Start::Beginning).await?;
    let (names, (api, _link)) =
        (Names::new(&network(), ORIGIN), connect::connect(&direct, "other").await.ok().context("a link")?);
    let mut acknowledged = Acknowledged::new();
    publish(&journal, 1..50, &mut acknowledged).await?;
    for round in 1..=5 {
        relay.mute(true);
        let from = round * 1_000;
        let waiting: Vec<_> = (from..from + 40)
            .map(|sequence| Ok((sequence, journal.append(&event(sequence, "a/b", "x"))?)))
            .collect::<Result<_>>()?;
        let floor = journal.acknowledge(&group, 1..=round)?;
        let stored = 49 + round * 40;
        wait::until("the server to have what it cannot say", MOMENT, async || {
            (api.info(&names.events).await.ok()?.state.last_seq == stored).then_some(())
        })
        .await?;
        // In every other round the connection stays, and it is the silence that is noticed.
        if round % 2 == 1 {
            relay.cut();
        }
        relay.mute(false);
        for (sequence, appending) in waiting {
            note(&mut acknowledged, sequence, appending.await?)?;
        }
        floor.await?;
        check(&journal, &acknowledged).await?;
        assert_eq!(journal.status().last, stored, "round {round}");
    }
    journal.close().await;
    let journal = open(direct).await?;
    check(&journal, &acknowledged).await?;
    assert_eq!(journal.cursor(&group), Some(Cursor::at(5)));
    Ok(())
}
