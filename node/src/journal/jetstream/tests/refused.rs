//! What waiting does not help: said when the journal is opened, with what to do about it.

use std::process::{Child, Command, Stdio};

use super::*;

async fn refused(config: Config) -> Result<(String, String)> {
    let error = StreamJournal::open(config, &network(), ORIGIN, Settings::default()).await;
    let error = error.err().context("it was opened")?;
    Ok((error.to_string(), error.hint()))
}

/// A server with other arguments, ended when dropped.
struct Plain(Child, u16);

impl Plain {
    fn start(arguments: &[&str]) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(hive_tests::nats::nats_server());
        command.args(["--addr", "127.0.0.1", "--port"]).arg(port.to_string()).args(arguments);
        Ok(Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?, port))
    }

    fn config(&self) -> Result<Config> {
        Ok(Config::of(vec![format!("nats://127.0.0.1:{}", self.1).parse()?]))
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // Gone already: nothing is left to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn each_has_its_own_words_and_a_way_out() -> Result<()> {
    let (servers, dir) = alone().await?;
    let one = config(&servers)?;
    let (words, hint) = refused(Config { replicas: 3, ..one.clone() }).await?;
    ensure!(words.contains("3 replicas were asked for, and it is one server"), "{words}");
    ensure!(hint.contains("fewer `replicas`"), "{hint}");

    let plain = Plain::start(&[])?;
    let (words, hint) = refused(plain.config()?).await?;
    ensure!(words.contains("they have no JetStream") && words.contains("127.0.0.1"), "{words}");
    ensure!(hint.contains("-js"), "{hint}");

    let store = dir.path().join("closed").display().to_string();
    let closed = Plain::start(&["--user", "somebody", "--pass", "else", "-js", "--store_dir", &store])?;
    let (words, hint) = refused(closed.config()?).await?;
    ensure!(words.contains("they let nobody in with these credentials"), "{words}");
    ensure!(hint.contains("credentials-file"), "{hint}");

    let nowhere = dir.path().join("no.creds");
    let (words, _) = refused(Config { credentials_file: Some(nowhere), ..one.clone() }).await?;
    ensure!(words.contains("no.creds"), "{words}");

    let huge = Settings { max_bytes: 1 << 60, ..Settings::default() };
    let error = StreamJournal::open(one.clone(), &network(), ORIGIN, huge).await.err().context("refused")?;
    ensure!(error.to_string().contains("insufficient storage"), "{error}");
    ensure!(error.hint().contains("max-size"), "{}", error.hint());
    Ok(())
}

/// A stream of the same name that is another node's, or nobody's.
#[tokio::test]
async fn streams_of_others_are_not_touched() -> Result<()> {
    let (servers, _dir) = alone().await?;
    let config = config(&servers)?;
    let (api, _link) = connect::connect(&config, "other").await.ok().context("a link")?;
    let names = Names::new(&network(), ORIGIN);
    let stream = serde_json::json!({ "name": names.events, "subjects": ["x"], "storage": "file" });
    let subject = format!("$JS.API.STREAM.CREATE.{}", names.events);
    api.client.request(subject, stream.to_string().into()).await?;
    let (words, hint) = refused(config).await?;
    ensure!(words.contains(&format!("the stream {} is not this node's", names.events)), "{words}");
    ensure!(hint.contains("remove the stream"), "{hint}");
    Ok(())
}

#[tokio::test]
async fn an_event_that_servers_would_not_take_is_refused_alone() -> Result<()> {
    let (servers, _dir) = alone().await?;
    let journal = open(config(&servers)?).await?;
    let large = journal.append(&event(1, "a/b", vec![0; 2 << 20]))?;
    let small = journal.append(&event(2, "a/b", "x"))?;
    let refused = large.await.expect_err("too large");
    ensure!(refused.to_string().contains("max_payload"), "{refused}");
    assert_eq!(small.await?, 1);
    Ok(())
}

/// A stream that is removed under a running node takes nothing any more, and says so.
#[tokio::test]
async fn a_stream_that_is_gone_is_not_begun_anew() -> Result<()> {
    let (servers, _dir) = alone().await?;
    let config = Config { patience: MOMENT, ..config(&servers)? };
    let journal = open(config.clone()).await?;
    put(&journal, &event(1, "a/b", "x")).await?;
    let (api, _link) = connect::connect(&config, "other").await.ok().context("a link")?;
    let names = Names::new(&network(), ORIGIN);
    api.client.request(format!("$JS.API.STREAM.DELETE.{}", names.events), "".into()).await?;
    let refused = put(&journal, &event(2, "a/b", "x")).await.expect_err("it is gone");
    ensure!(refused.to_string().contains(&format!("the stream {} is gone", names.events)), "{refused}");
    let refused = journal.append(&event(3, "a/b", "x")).expect_err("it stays gone");
    ensure!(matches!(refused, AppendError::Refused { .. }), "{refused}");
    Ok(())
}

#[test]
fn addresses_are_plain_and_hold_no_secrets() {
    let read = |text: &str| text.parse::<Server>().map(|server| server.to_string());
    assert_eq!(read("nats://a.example:4223"), Ok("a.example:4223".into()));
    assert_eq!(read("10.0.0.2"), Ok("10.0.0.2:4222".into()));
    assert_eq!(read("tls://[fe80::1]:1"), Ok("[fe80::1]:1".into()));
    for bad in ["", "http://a", "nats://", "nats://a/b", "nats://a?b", "ws://a:80", "nats://a:99999", "a b"] {
        assert_eq!(read(bad), Err(ServerError::Address), "{bad}");
    }
    assert_eq!(read("nats://user:password@a:1"), Err(ServerError::Login));
    assert_eq!(read("nats://:password@a:1"), Err(ServerError::Login));
}
