//! A component for wasmCloud, made from its interfaces alone: it knows nothing of hive-node. What it does with a message
//! depends on the last part of the subject.

mod bindings {
    wit_bindgen::generate!({ world: "tasks", generate_all });
}

use bindings::{
    exports::wasmcloud::messaging::handler::Guest,
    wasi::{
        config::store,
        keyvalue::{atomics, batch, store as keyvalue},
        logging::logging,
    },
    wasmcloud::messaging::{consumer, types::BrokerMessage},
};

struct Tasks;

impl Guest for Tasks {
    fn handle_message(message: BrokerMessage) -> Result<(), String> {
        logging::log(logging::Level::Info, "tasks", &format!("a message on {}", message.subject));
        match message.subject.rsplit('.').next() {
            // The example of wasmCloud's template: the text backwards, as an answer.
            Some("reverse") => {
                let text = String::from_utf8(message.body.clone()).map_err(|error| error.to_string())?;
                let prefix = store::get("reverse.prefix").ok().flatten().unwrap_or_default();
                answer(&message, format!("{prefix}{}", text.chars().rev().collect::<String>()))
            }
            // Keeps what it is told, and says how much and what it has kept.
            Some("keep") => keep(&message).map_err(|error| format!("{error:?}")),
            // Asks another and answers with what came back.
            Some("ask") => {
                let reply = consumer::request("greet.hello", &message.body, 5_000)?;
                answer(&message, reply.body)
            }
            // Tells another where it wants the answer.
            Some("order") => publish("depot.orders", &message.body, Some("tasks.confirmed")),
            Some("confirmed") => publish("tasks.done", &message.body, None),
            Some("forbidden") => publish("elsewhere.secret", &message.body, None),
            Some("twice") => {
                answer(&message, "first")?;
                let again = answer(&message, "second").expect_err("one answer is enough");
                publish("tasks.done", again.as_bytes(), None)
            }
            Some("fails") => Err("not today".into()),
            _ => Ok(()),
        }
    }
}

fn keep(message: &BrokerMessage) -> Result<(), keyvalue::Error> {
    let bucket = keyvalue::open("kept")?;
    let text = String::from_utf8_lossy(&message.body).into_owned();
    let count = atomics::increment(&keyvalue::open("counts")?, "all", 1)?;
    bucket.set(&text, &message.body)?;
    batch::set_many(&bucket, &[("last".to_owned(), message.body.clone())])?;
    let keys = bucket.list_keys(None)?;
    let last = batch::get_many(&bucket, &["last".to_owned(), "never".to_owned()])?;
    let never = last[1].is_none() && !bucket.exists("never")? && bucket.get("never")?.is_none();
    bucket.delete("last")?;
    let said = format!("{count}: {} {never} {:?}", keys.keys.join(" "), keys.cursor);
    answer(message, said).map_err(keyvalue::Error::Other)
}

fn answer(message: &BrokerMessage, body: impl Into<Vec<u8>>) -> Result<(), String> {
    let subject = message.reply_to.clone().ok_or("nobody waits for an answer")?;
    consumer::publish(&BrokerMessage { subject, body: body.into(), reply_to: None })
}

fn publish(subject: &str, body: &[u8], reply_to: Option<&str>) -> Result<(), String> {
    let (subject, reply_to) = (subject.to_owned(), reply_to.map(str::to_owned));
    consumer::publish(&BrokerMessage { subject, body: body.to_vec(), reply_to })
}

bindings::export!(Tasks with_types_in bindings);
