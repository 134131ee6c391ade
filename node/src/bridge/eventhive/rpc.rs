//! The JSON-RPC of fastapi_websocket_pubsub, which EventHive speaks over WebSockets.
//!
//! What it owns: reading and writing single messages. Both sides ask and answer over one connection. It must not know
//! who subscribes to what.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The topic that stands for all of them.
const ALL_TOPICS: &str = "__EventNotifier_ALL_TOPICS__";
/// Topics in one subscription or publication.
pub const TOPICS_MAX: usize = 10_000;
/// What a ping is answered with.
const PONG: &str = "pong";

/// What one side asks of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `_ping_` and `ping`.
    Ping,
    /// `_get_channel_id_`.
    ChannelId,
    /// `subscribe`.
    Subscribe(Topics),
    /// `publish`.
    Publish {
        /// To whom.
        topics: Vec<String>,
        /// The text, or other JSON as it was written.
        data: String,
        /// The subscriber that it is not brought to; none: whoever publishes it.
        not_to: Option<String>,
    },
    /// `notify`: a publication for who subscribed.
    Notify {
        /// What was published to.
        topic: String,
        /// As in `Publish`.
        data: String,
    },
    /// A method that is not known.
    Unknown(String),
}

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topics {
    /// Every topic, now and later.
    All,
    /// These, exactly.
    Some(Vec<String>),
}

/// A message: a request, a response, both or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is asked, and the name of the call.
    pub request: Option<(Request, Option<String>)>,
    /// Which call is answered, and whether with anything but `false`.
    pub response: Option<(Option<String>, bool)>,
}

/// Why a text is no message.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// Not the JSON that was expected.
    #[error("it is no message of this protocol: {0}")]
    Json(#[from] serde_json::Error),
    /// A subscription or publication without end.
    #[error("it names {0} topics; {TOPICS_MAX} is the most")]
    Topics(usize),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    request: Option<Asked<'a>>,
    #[serde(borrow, default)]
    response: Option<Answered<'a>>,
}

#[derive(Deserialize)]
struct Asked<'a> {
    method: String,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(default)]
    call_id: Option<String>,
}

#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    call_id: Option<String>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(default)]
    topics: Names,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    subscription: Option<Subscribed>,
    #[serde(default)]
    notifier_id: Option<String>,
}

#[derive(Deserialize)]
struct Subscribed {
    topic: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Message {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none, or names too many topics.
    pub fn decode(text: &str) -> Result<Self, RpcError> {
        let Envelope { request, response } = serde_json::from_str(text)?;
        let request = match request {
            Some(asked) => Some((decode_request(&asked)?, asked.call_id)),
            None => None,
        };
        let response =
            response.map(|answered| (answered.call_id, answered.result.is_none_or(|r| r.get() != "false")));
        Ok(Self { request, response })
    }
}

fn decode_request(asked: &Asked<'_>) -> Result<Request, RpcError> {
    let arguments = || -> Result<Arguments<'_>, RpcError> {
        Ok(serde_json::from_str(asked.arguments.map_or("{}", RawValue::get))?)
    };
    Ok(match asked.method.as_str() {
        "_ping_" | "ping" => Request::Ping,
        "_get_channel_id_" => Request::ChannelId,
        "subscribe" => Request::Subscribe(match names(arguments()?.topics)? {
            topics if topics.iter().any(|topic| topic == ALL_TOPICS) => Topics::All,
            topics => Topics::Some(topics),
        }),
        "publish" => {
            let arguments = arguments()?;
            let (topics, not_to) = (names(arguments.topics)?, arguments.notifier_id);
            Request::Publish { topics, data: data(arguments.data), not_to }
        }
        "notify" => {
            let arguments = arguments()?;
            let topic = arguments.subscription.map(|subscribed| subscribed.topic).unwrap_or_default();
            Request::Notify { topic, data: data(arguments.data) }
        }
        other => Request::Unknown(other.to_owned()),
    })
}

fn names(names: Names) -> Result<Vec<String>, RpcError> {
    match names {
        Names::One(name) => Ok(vec![name]),
        Names::Many(names) if names.len() <= TOPICS_MAX => Ok(names),
        Names::Many(names) => Err(RpcError::Topics(names.len())),
    }
}

/// EventHive sends texts; the library would carry any JSON, and EventHive reads nothing as an empty object.
fn data(raw: Option<&RawValue>) -> String {
    let raw = raw.map_or("{}", RawValue::get);
    serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned())
}

#[derive(Serialize)]
struct Ask<'a, A> {
    request: Call<'a, A>,
}

#[derive(Serialize)]
struct Call<'a, A> {
    method: &'a str,
    arguments: A,
    call_id: &'a str,
}

#[derive(Serialize)]
struct Answer<'a, R> {
    response: Outcome<'a, R>,
}

#[derive(Serialize)]
struct Outcome<'a, R> {
    result: R,
    result_type: &'a str,
    call_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Publish<'a> {
    topics: [&'a str; 1],
    data: &'a str,
    sync: bool,
    notifier_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Notify<'a> {
    subscription: Subscription<'a>,
    data: &'a str,
}

#[derive(Serialize)]
struct Subscription<'a> {
    id: &'a str,
    subscriber_id: &'a str,
    topic: &'a str,
    notifier_id: Option<&'a str>,
}

fn write(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("texts and truth have a form in JSON")
}

fn ask(method: &str, arguments: impl Serialize, call_id: &str) -> String {
    write(&Ask { request: Call { method, arguments, call_id } })
}

fn answer(result: impl Serialize, result_type: &str, call_id: Option<&str>) -> String {
    write(&Answer { response: Outcome { result, result_type, call_id } })
}

/// Asks whether the other side is there.
#[must_use]
pub fn ping(call_id: &str) -> String {
    ask("_ping_", Nothing {}, call_id)
}

/// Asks what the other side calls this connection.
#[must_use]
pub fn ask_channel_id(call_id: &str) -> String {
    ask("_get_channel_id_", Nothing {}, call_id)
}

/// The text that something was answered with; of other answers their JSON.
///
/// # Errors
/// When it is no answer.
pub fn answered_text(text: &str) -> Result<String, RpcError> {
    let Envelope { response, .. } = serde_json::from_str(text)?;
    Ok(data(response.and_then(|answered| answered.result)))
}

/// Subscribes.
#[must_use]
pub fn subscribe(topics: &[String], call_id: &str) -> String {
    #[derive(Serialize)]
    struct Subscribe<'a> {
        topics: &'a [String],
    }
    ask("subscribe", Subscribe { topics }, call_id)
}

/// Subscribes to every topic.
#[must_use]
pub fn subscribe_all(call_id: &str) -> String {
    subscribe(&[ALL_TOPICS.to_owned()], call_id)
}

/// Publishes; what is published is not brought to a subscriber of the given id.
#[must_use]
pub fn publish((topic, data): (&str, &str), not_to: Option<&str>, call_id: &str) -> String {
    ask("publish", Publish { topics: [topic], data, sync: true, notifier_id: not_to }, call_id)
}

/// Brings a publication to a subscriber.
#[must_use]
pub fn notify((topic, data): (&str, &str), subscriber_id: &str, call_id: &str) -> String {
    let subscription = Subscription { id: call_id, subscriber_id, topic, notifier_id: None };
    ask("notify", Notify { subscription, data }, call_id)
}

/// Answers a ping.
#[must_use]
pub fn pong(call_id: Option<&str>) -> String {
    answer(PONG, "str", call_id)
}

/// Answers who is asked for its id.
#[must_use]
pub fn channel_id(id: &str, call_id: Option<&str>) -> String {
    answer(id, "str", call_id)
}

/// Answers a subscription or publication.
#[must_use]
pub fn done(call_id: Option<&str>) -> String {
    answer(true, "bool", call_id)
}

/// Answers a notification, as the library does for what returns nothing.
#[must_use]
pub fn noticed(call_id: Option<&str>) -> String {
    answer("None", "str", call_id)
}

#[cfg(test)]
mod tests;
