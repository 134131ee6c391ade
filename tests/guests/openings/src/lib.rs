//! Uses whatever is opened to it outside the node, and says what came of it. Its `describe` tries too, and panics when it
//! sees anything.

use std::{env, fs, io};

use hive::{Description, Event, Instances, Message, Plugin, Result, Subscription, Value, json};

mod http;

struct Openings;

impl Plugin for Openings {
    fn describe() -> Description {
        assert_eq!(env::vars().count(), 0, "describe sees the environment");
        assert!(fs::read_dir("/").is_err() && fs::read_dir("/data").is_err(), "describe sees a folder");
        let asked = http::ask("GET", "http://localhost/", 0);
        assert!(asked.is_err_and(|why| why.contains("`describe` is pure")), "describe asks over HTTP");
        let subscription = Subscription {
            pattern: "open/*".into(),
            delivery: hive::Delivery::Broadcast,
            group: None,
            answers: true,
            settings: Vec::new(),
        };
        Description {
            name: "openings".into(),
            version: "1.0".into(),
            instances: Instances::Pool,
            subscriptions: vec![subscription],
            timers: Vec::new(),
            publishes: Vec::new(),
            settings: Vec::new(),
        }
    }

    fn handle(mut event: Event) -> Result<Option<Message>> {
        #[derive(serde::Deserialize)]
        struct Order {
            #[serde(default)]
            method: Option<String>,
            #[serde(default)]
            url: String,
            #[serde(default)]
            path: String,
            #[serde(default)]
            text: String,
            #[serde(default)]
            name: String,
            /// Milliseconds that the guest itself would wait.
            #[serde(default)]
            patience_ms: u64,
        }
        let order: Order = hive::FromEvent::from_event(&mut event)?;
        let said = match event.channel.as_str() {
            "open/http" => {
                match http::ask(order.method.as_deref().unwrap_or("GET"), &order.url, order.patience_ms) {
                    Ok(answer) => {
                        json!({"status": answer.status, "bytes": answer.body.len(), "text": answer.start()})
                    }
                    Err(why) => json!({"error": why}),
                }
            }
            "open/read" => told(fs::read_to_string(order.path)),
            "open/list" => told(list(&order.path)),
            "open/write" => told(fs::write(order.path, order.text)),
            "open/env" => json!({"ok": env::var(order.name).ok()}),
            "open/socket" => told(std::net::TcpStream::connect(order.name).map(drop)),
            other => return Err(hive::reject(format!("nothing is known of {other}"))),
        };
        hive::IntoAnswer::into_answer(said)
    }
}

fn list(path: &str) -> io::Result<Vec<String>> {
    let name =
        |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
    fs::read_dir(path)?.map(name).collect()
}

fn told<T: serde::Serialize>(result: io::Result<T>) -> Value {
    match result {
        Ok(value) => json!({"ok": value}),
        Err(error) => json!({"error": error.to_string()}),
    }
}

hive::export!(Openings);
