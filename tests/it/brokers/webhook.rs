//! Bridges to web servers, and from their clients. The web server of these tests is a few lines of HTTP on a real socket.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use hive_client::types::BridgeState;
use hive_tests::{
    ports::free_port,
    wait::{MOMENT, until, within},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{bridge, bridging, listen, pair, publish, said, state};

/// A request as it came.
#[derive(Debug, Clone, Default)]
struct Asked {
    head: Vec<String>,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        let is_it = |line: &&String| line.to_lowercase().starts_with(&format!("{name}:"));
        self.head.iter().find(is_it)?.split_once(": ").map(|(_, value)| value)
    }
}

/// A web server that says what it is told, in turn, and remembers what it was asked.
struct Server {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    says: Arc<Mutex<Vec<&'static str>>>,
    running: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Server {
    /// The last answer is given for ever.
    async fn start(says: Vec<&'static str>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = listener.local_addr()?;
        let (asked, says) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::new(Mutex::new(says)));
        let (log, answers) = (Arc::clone(&asked), Arc::clone(&says));
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
                tokio::spawn(async move { drop(serve(stream, log, answers).await) });
            }
        });
        Ok(Self { at, asked, says, running })
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn say(&self, says: &'static str) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = vec![says];
    }

    async fn was_asked(&self, times: usize) -> Result<Vec<Asked>> {
        until(&format!("{times} requests"), MOMENT, async || {
            let asked = self.asked();
            (asked.len() >= times).then_some(asked)
        })
        .await
    }
}

async fn serve(
    stream: TcpStream,
    log: Arc<Mutex<Vec<Asked>>>,
    says: Arc<Mutex<Vec<&'static str>>>,
) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut asked = Asked::default();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            match line.trim_end() {
                "" => break,
                line => asked.head.push(line.to_owned()),
            }
        }
        let length = asked.header("content-length").unwrap_or("0").parse()?;
        asked.body = vec![0; length];
        stream.read_exact(&mut asked.body).await?;
        let said = {
            let mut says = says.lock().unwrap_or_else(PoisonError::into_inner);
            if says.len() > 1 { says.remove(0) } else { says[0] }
        };
        log.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        stream.write_all(format!("HTTP/1.1 {said}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
    }
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length").chain_update(body);
    let digits: Vec<String> = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={}", digits.concat())
}

fn posting(server: &Server, more: &str) -> String {
    format!(
        "  webhook:\n    - post: http://{}/hook?key=1\n      secret: hush\n      export: 'alert/*'\n{more}",
        server.at
    )
}

/// Events are posted in their order with what goes with them, signed; what fails for now is tried again, and what the
/// server refuses is a dead letter.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_posted() -> Result<()> {
    let server = Server::start(vec!["503 Not Now", "500 Oh", "200 OK", "204 No Content", "400 Bad"]).await?;
    let (node, _folder) = bridging("posts", &posting(&server, "")).await?;
    state(&node, "webhook", BridgeState::Up).await?;
    let mut dead = listen(&node, "$dead/webhook").await?;
    publish(&node, "alert/attic", "hot").await?;
    let asked = server.was_asked(3).await?;
    for request in &asked {
        ensure!(request.head[0] == "POST /hook?key=1 HTTP/1.1" && request.body == b"hot", "{request:?}");
        ensure!(request.header("hive-channel") == Some("alert/attic"), "{request:?}");
        ensure!(
            request.header("x-hub-signature-256") == Some(signature("hush", b"hot").as_str()),
            "{request:?}"
        );
        ensure!(request.header("hive-bridge").is_some(), "{request:?}");
    }
    publish(&node, "alert/attic", "hotter").await?;
    server.was_asked(4).await?;
    publish(&node, "alert/attic", "refused").await?;
    ensure!(said(&mut dead).await?.1 == "refused");
    let status = bridge(&node, "webhook").await.context("a bridge")?;
    ensure!(status.exported == 2 && status.dropped.get("rejected") == Some(&1), "{status:?}");
    Ok(())
}

/// A server that is away is tried again, and in the end what was for it is a dead letter.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_be_away() -> Result<()> {
    let server = Server::start(vec!["200 OK"]).await?;
    let at = server.at;
    let (node, _folder) =
        bridging("away", &posting(&server, "      attempts: 3\n      timeout: 1s\n")).await?;
    state(&node, "webhook", BridgeState::Up).await?;
    drop(server);
    let mut dead = listen(&node, "$dead/webhook").await?;
    publish(&node, "alert/x", "lost").await?;
    state(&node, "webhook", BridgeState::Waiting).await?;
    ensure!(said(&mut dead).await?.1 == "lost");
    ensure!(TcpStream::connect(at).await.is_err(), "it is away");
    Ok(())
}

/// Several events that wait are one list.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_posted_as_lists() -> Result<()> {
    let server = Server::start(vec!["503 Not Now"]).await?;
    let (node, _folder) =
        bridging("lists", &posting(&server, "      batch: 100\n      attempts: 50\n")).await?;
    state(&node, "webhook", BridgeState::Up).await?;
    publish(&node, "alert/x", "first").await?;
    server.was_asked(1).await?;
    for number in 0..50 {
        publish(&node, "alert/x", &number.to_string()).await?;
    }
    server.say("200 OK");
    until("all to be posted", MOMENT * 2, async || {
        (bridge(&node, "webhook").await?.exported == 51).then_some(())
    })
    .await?;
    let lists: Vec<serde_json::Value> =
        server.asked().iter().map(|asked| serde_json::from_slice(&asked.body)).collect::<Result<_, _>>()?;
    let last = lists.last().context("a list")?;
    ensure!(last[49]["payload"] == "49" && last[49]["channel"] == "alert/x", "{last}");
    Ok(())
}

async fn post(at: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(at).await?;
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    within("an answer", MOMENT, stream.read_to_string(&mut answer)).await??;
    let status = answer.split(' ').nth(1).context("a status")?.parse()?;
    Ok((status, answer))
}

/// Who knows the secret posts events; others, and what is no event, are told why not.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_taken() -> Result<()> {
    let free = format!("127.0.0.1:{}", free_port()?);
    let bridges = format!(
        "  webhook:\n    - listen: {free}\n      secret: hush\n      import: ['github/*', 'a/**']\n      headers: x-github-event\n      id-header: x-github-delivery\n      max-size: 1KiB\n"
    );
    let (node, _folder) = bridging("takes", &bridges).await?;
    let with = state(&node, "webhook", BridgeState::Up).await?.with;
    let at = with.strip_prefix("listens on http://").context("an address")?;
    let mut events = listen(&node, "webhook/**").await?;
    let (body, bearer) = (r#"{"ref":"main"}"#, ("authorization", "Bearer hush"));
    let signed = signature("hush", body.as_bytes());
    let signed = ("x-hub-signature-256", signed.as_str());
    let (event, id) = (("x-github-event", "push"), ("x-github-delivery", "1f2e"));
    let (status, answer) = post(
        at,
        "/github/push",
        &[signed, event, id, ("x-other", "no"), ("content-type", "application/json")],
        body,
    )
    .await?;
    ensure!(status == 202 && answer.contains("\"local\":1"), "{answer}");
    let came = super::next(&mut events).await?;
    ensure!(came.channel == "webhook/github/push" && came.message.text() == Some(body), "{came:?}");
    ensure!(came.message.content_type.as_deref() == Some("application/json"), "{came:?}");
    let own: Vec<_> = came.message.headers.iter().filter(|(name, _)| !name.starts_with("hive-")).collect();
    ensure!(own == [&("x-github-event".to_owned(), "push".to_owned())], "{own:?}");
    ensure!(post(at, "/github/push", &[signed, id], body).await?.0 == 200, "it came before");
    ensure!(post(at, "/a/b", &[bearer], "plain").await?.0 == 202);
    ensure!(said(&mut events).await? == pair("webhook/a/b", "plain"));

    let check = async |path: &str, headers: &[(&str, &str)], body: &str, want: u16| {
        let (status, answer) = post(at, path, headers, body).await?;
        ensure!(status == want && answer.contains("\"error\":"), "{path}: {answer}");
        Ok(())
    };
    check("/a/b", &[], "x", 401).await?;
    check("/a/b", &[("authorization", "Bearer wrong")], "x", 401).await?;
    check("/a/b", &[signed], "altered", 401).await?;
    check("/other/b", &[bearer], "x", 404).await?;
    check("/a//b", &[bearer], "x", 400).await?;
    check("/a/b", &[bearer], &"x".repeat(2_000), 413).await?;
    check("/a/b", &[bearer, ("hive-bridge", "nonsense")], "x", 400).await?;
    Ok(())
}
