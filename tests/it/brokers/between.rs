//! Bridges with somebody on the way to their servers.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use hive_client::types::BridgeState;
use hive_tests::{
    between::Between,
    brokers::{Broker, Kind, certificate},
    wait::{until, within},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{BACK, bridging, state};

/// Who is on the way can say what he likes before TLS is spoken, and no client that speaks TLS goes where he says.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_on_the_way_to_nats_leads_elsewhere() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (certificate, key) = certificate(folder.path())?;
    let [shown, key] = [&certificate, &key].map(|path| path.display().to_string());
    let args = ["--tls", "--tlscert", &shown, "--tlskey", &key, "--user", "hive", "--pass", "open-sesame"];
    let broker = Broker::start(Kind::Nats(args.into_iter().map(str::to_owned).collect())).await?;
    let thief = TcpListener::bind(("127.0.0.1", 0)).await?;
    let named = format!("{{\"connect_urls\":[\"{}\"],", thief.local_addr()?);
    let way = Between::editing(broker.port(), move |said| said.replacen('{', &named, 1)).await?;
    let stolen = Arc::new(Mutex::new(Vec::new()));
    let stealing = tokio::spawn(steal(thief, Arc::clone(&stolen)));
    let bridges = format!(
        "  nats:\n    - servers: tls://127.0.0.1:{}\n      ca-file: {shown}\n      user: hive\n      password: open-sesame\n      import: 'a/*'\n",
        way.port()
    );
    let (node, _folder) = bridging("watched", &bridges).await?;
    state(&node, "nats", BridgeState::Up).await?;
    way.close(true);
    // The client library looks for all that it knows of, one after the other.
    until("the server to be looked for", BACK, async || (way.refused() >= 6).then_some(())).await?;
    way.close(false);
    within("the bridge to be up", BACK, state(&node, "nats", BridgeState::Up)).await??;
    stealing.abort();
    let stolen = stolen.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(stolen.is_empty(), "{stolen:?}");
    Ok(())
}

/// Is a server without TLS for whoever comes, and writes down what they say.
async fn steal(thief: TcpListener, stolen: Arc<Mutex<Vec<String>>>) {
    while let Ok((mut socket, _)) = thief.accept().await {
        let mut said = Vec::with_capacity(4_096);
        let asked = socket.write_all(b"INFO {\"max_payload\":1024}\r\n").await;
        // Whoever says nothing came as well.
        let _ = (asked, socket.read_buf(&mut said).await);
        let said = String::from_utf8_lossy(&said).into_owned();
        stolen.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }
}
