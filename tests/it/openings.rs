//! What is opened to a handler outside its node: hosts, folders and variables; and that nothing else is.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::symlink,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Body, http::StatusCode, response::IntoResponse, routing::get};
use bytes::Bytes;
use futures_util::stream;
use hive_client::Message;
use hive_tests::{
    guests::test_guest,
    nodes::{Node, clean},
    wait::{self, MOMENT},
};
use serde_json::{Value, json};

use crate::{PROGRAM, node, write};

/// What a server saw.
#[derive(Default)]
struct Seen {
    /// Requests for `/hello`.
    hello: AtomicUsize,
    /// Requests for `/slow` that are being waited for, and that were given up.
    slow: AtomicUsize,
    given_up: AtomicUsize,
}

/// Counts a request that its client gives up.
struct Slow(Arc<Seen>);

impl Drop for Slow {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(1, SeqCst);
    }
}

/// A server on the loopback with answers of each kind.
async fn server() -> Result<(SocketAddr, Arc<Seen>)> {
    let seen = Arc::new(Seen::default());
    let (hello, slow) = (Arc::clone(&seen), Arc::clone(&seen));
    let hello = move || {
        hello.hello.fetch_add(1, SeqCst);
        async { "hello" }
    };
    let slow = move || {
        slow.slow.fetch_add(1, SeqCst);
        let held = Slow(Arc::clone(&slow));
        async move {
            std::future::pending::<()>().await;
            drop(held);
        }
    };
    let huge = || async {
        let piece = Bytes::from(vec![b'x'; 256 << 10]);
        Body::from_stream(stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone())))
    };
    let said_huge = || async {
        let headers = [("content-length", (1_u64 << 40).to_string())];
        (headers, Body::from_stream(stream::pending::<std::io::Result<Bytes>>()))
    };
    let moved = || async { (StatusCode::FOUND, [("location", "/hello")], "over there").into_response() };
    let routes = Router::new()
        .route("/hello", get(hello).post(|| async { "posted" }))
        .route("/slow", get(slow))
        .route("/huge", get(huge))
        .route("/said-huge", get(said_huge))
        .route("/moved", get(moved));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok((at, seen))
}

async fn ask(node: &Node, what: &str, order: Value) -> Result<Value> {
    let answer = node.client().call(&format!("open/{what}"), &Message::json(&order)?, MOMENT).await?;
    Ok(serde_json::from_slice(&answer.payload)?)
}

/// A node with the handler and this said of it; the folder lives as long as the result.
async fn opened(says: &str) -> Result<(tempfile::TempDir, Node)> {
    let folder = tempfile::tempdir()?;
    fs::create_dir_all(folder.path().join("plugins"))?;
    fs::copy(test_guest("openings"), folder.path().join("plugins/openings.wasm"))?;
    for name in ["data", "box"] {
        fs::create_dir(folder.path().join(name))?;
    }
    let config = format!("version: 1\nplugins:\n  folders: plugins\n  each:\n    openings: {says}\n");
    let config = write(folder.path(), "hive.yaml", &config)?;
    let node = node("open").arg("--config").arg(config).env("OPENED_LEVEL", "debug").start().await?;
    node.runs_plugin("openings", 1).await?;
    Ok((folder, node))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_asks_the_hosts_that_its_configuration_names_and_no_others() -> Result<()> {
    let (at, seen) = server().await?;
    let (other, others) = server().await?;
    let says = format!("{{ deadline: 3s, http: [{{ host: \"{at}\", methods: [GET] }}] }}");
    let (_folder, mut node) = opened(&says).await?;
    let url = |at: SocketAddr, path: &str| json!({"url": format!("http://{at}{path}")});
    let hello = ask(&node, "http", url(at, "/hello")).await?;
    ensure!(hello == json!({"status": 200, "bytes": 5, "text": "hello"}), "{hello}");
    // Another port is another host; the guest and the log are told what to add.
    let refused = ask(&node, "http", url(other, "/hello")).await?;
    let line = format!("plugins: {{each: {{openings: {{http: [\"{other}\"]}}}}}}");
    ensure!(refused["error"].as_str().is_some_and(|why| why.ends_with(&line)), "{refused}");
    node.says(&format!("a request over HTTP was refused; to allow it: {line}")).await?;
    ensure!(others.hello.load(SeqCst) == 0, "a server was asked that nobody opened");
    let mut post = url(at, "/hello");
    post["method"] = "POST".into();
    let refused = ask(&node, "http", post).await?;
    let line = format!("openings: {{http: [{{host: \"{at}\", methods: [POST]}}]}}");
    ensure!(refused["error"].as_str().is_some_and(|why| why.contains(&line)), "{refused}");
    // A redirect is an answer: nobody follows it.
    let moved = ask(&node, "http", url(at, "/moved")).await?;
    ensure!((moved["status"].as_u64(), seen.hello.load(SeqCst)) == (Some(302), 1), "{moved}");
    // TLS with a server that has none.
    let plain = ask(&node, "http", json!({"url": format!("https://{at}/hello")})).await?;
    ensure!(plain["error"].as_str().is_some_and(|why| why.contains("Tls")), "{plain}");
    Ok(())
}

/// Whether a body was cut at its bound; while it is read the guest hears it in words.
fn is_too_large(said: &Value) -> bool {
    let why = said["error"].as_str().unwrap_or_default();
    why.contains("HttpResponseBodySize") || why.contains("response body size exceeds")
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_slow_or_never_end_cost_a_handler_its_own_time_alone() -> Result<()> {
    let (at, seen) = server().await?;
    let says = format!("{{ deadline: 6s, pool-size: 1, http: [\"{at}\"] }}");
    let (_folder, node) = opened(&says).await?;
    let url = |path: &str| format!("http://{at}{path}");
    // As long as the guest likes, and the node is let go.
    let order = json!({"url": url("/slow"), "patience_ms": 100});
    let impatient = ask(&node, "http", order).await?;
    ensure!(impatient["error"].as_str().is_some_and(|why| why.contains("Timeout")), "{impatient}");
    // As long as its call lasts; others are served meanwhile.
    let waiting = ask(&node, "http", json!({"url": url("/slow")}));
    let others = async {
        let what = "the slow server to be asked again";
        wait::until(what, MOMENT, async || (seen.slow.load(SeqCst) == 2).then_some(())).await?;
        ask(&node, "http", json!({"url": url("/hello")})).await
    };
    let (cut, served) = tokio::join!(waiting, others);
    // The request ends with the call: the guest may just have time to say so.
    let why = cut.map_or_else(|error| error.to_string(), |said| said["error"].to_string());
    ensure!(why.contains("was cut at its deadline") || why.contains("Timeout"), "{why}");
    ensure!(served?["text"] == "hello");
    let gone = async || (seen.given_up.load(SeqCst) == 2).then_some(());
    wait::until("the connections to be let go", MOMENT, gone).await?;
    let huge = ask(&node, "http", json!({"url": url("/huge")})).await?;
    ensure!(is_too_large(&huge), "{huge}");
    let huge = ask(&node, "http", json!({"url": url("/said-huge")})).await?;
    ensure!(is_too_large(&huge), "{huge}");
    ensure!(ask(&node, "http", json!({"url": url("/hello")})).await?["text"] == "hello");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_sees_the_folders_and_variables_that_are_opened_to_it() -> Result<()> {
    let says = "{ dirs: [data, { path: box, as: /things, write: true }], env: [OPENED_LEVEL] }";
    let (folder, node) = opened(says).await?;
    let host = folder.path();
    fs::write(host.join("data/inside.txt"), "inside")?;
    fs::write(host.join("outside.txt"), "outside")?;
    symlink(host.join("outside.txt"), host.join("data/absolute"))?;
    symlink("../outside.txt", host.join("things-link"))?;
    symlink("../outside.txt", host.join("box/relative"))?;
    let path = |path: &str| json!({"path": path, "text": "written"});
    ensure!(ask(&node, "read", path("/data/inside.txt")).await? == json!({"ok": "inside"}));
    for (what, out) in [
        ("write", "/data/new.txt"),
        ("write", "/data/inside.txt"),
        ("read", "/data/../outside.txt"),
        ("read", "/data/absolute"),
        ("read", "/things/relative"),
        ("write", "/things/relative"),
        ("write", "/things/../outside.txt"),
        ("read", "/etc/passwd"),
        ("list", "/"),
    ] {
        let said = ask(&node, what, path(out)).await?;
        ensure!(said["error"].is_string(), "{what} {out}: {said}");
    }
    ensure!(ask(&node, "write", path("/things/new.txt")).await? == json!({"ok": null}));
    ensure!(fs::read_to_string(host.join("box/new.txt"))? == "written");
    ensure!(fs::read_to_string(host.join("outside.txt"))? == "outside");
    ensure!(ask(&node, "env", json!({"name": "OPENED_LEVEL"})).await? == json!({"ok": "debug"}));
    ensure!(ask(&node, "env", json!({"name": "HOME"})).await? == json!({"ok": null}));
    let own = node.addr().port();
    let socket = ask(&node, "socket", json!({"name": format!("127.0.0.1:{own}")})).await?;
    ensure!(socket["error"].is_string(), "{socket}");
    Ok(())
}

/// What `check` prints of the handler in a folder with this configuration.
fn checked(folder: &tempfile::TempDir, says: &str) -> Result<Value> {
    fs::copy(test_guest("openings"), folder.path().join("openings.wasm"))?;
    let config = format!("version: 1\nplugins: {{ each: {{ openings: {says} }} }}\n");
    write(folder.path(), "hive.yaml", &config)?;
    let mut command = Command::new(PROGRAM);
    command.args(["check", "openings.wasm", "--json"]).current_dir(folder.path());
    clean(&mut command, folder.path());
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn check_says_what_a_component_asks_for_and_which_lines_are_missing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let report = checked(&folder, "{ http: [api.example.com], env: {TOKEN: abc} }")?;
    ensure!(report["world"] == "hive:node/plugin@0.1.0", "{report}");
    ensure!(report["memories"][0]["minimum_bytes"].as_u64() >= Some(64 << 10), "{report}");
    let asks = report["wants"]["asks"].as_array().context("what it asks for")?;
    let asked = |name: &str| asks.iter().find(|ask| ask["name"] == name).unwrap_or(&Value::Null);
    ensure!(asked("http") == &json!({"name": "http", "granted": ["api.example.com"]}), "{report}");
    ensure!(asked("environment")["granted"] == json!(["TOKEN"]), "{report}");
    let missing = "plugins: {each: {openings: {dirs: [{path: FOLDER, as: /data}]}}}";
    ensure!(asked("files") == &json!({"name": "files", "granted": [], "missing": missing}), "{report}");
    ensure!(!report.to_string().contains("abc"), "a value of the environment is shown: {report}");
    Ok(())
}
