//! `wasmcloud:messaging/consumer`: events and requests out of a component, answers to the request in hand among them.

use hive_proto::event::Extra;

use super::{
    Reply,
    bindings::wasmcloud::messaging::{
        consumer,
        types::{self, BrokerMessageResult},
    },
    subject,
};
use crate::{
    bus::{Event, Message},
    plugin::host::{
        Guest,
        bindings::hive::node::types::{Error, MessageResult},
    },
};

/// The header that carries where an answer is wanted, as a channel, from one component to another.
const REPLY_TO: &str = "reply-to";

impl types::Host for Guest {}

impl consumer::Host for Guest {
    async fn request(
        &mut self,
        to: String,
        body: Vec<u8>,
        timeout_ms: u32,
    ) -> Result<BrokerMessageResult, String> {
        let message = MessageResult { payload: body, content_type: None, key: None, headers: Vec::new() };
        let answer = self.ask(subject::channel(&to), message, timeout_ms).await.map_err(text)?;
        Ok(BrokerMessageResult { subject: to, body: answer.payload, reply_to: None })
    }

    async fn publish(&mut self, message: BrokerMessageResult) -> Result<(), String> {
        let BrokerMessageResult { subject: to, body, reply_to } = message;
        self.check_payload(body.len()).map_err(text)?;
        let headers = reply_to.map(|reply_to| (REPLY_TO.to_owned(), subject::channel(&reply_to)));
        let extra = Extra { headers: headers.into_iter().collect(), ..Extra::default() };
        let message = Message::from_parts(body.into(), extra);
        match Reply::take(self.reply(), &to, message).map_err(|error| error.to_string())? {
            None => Ok(()),
            Some(message) => self.send(subject::channel(&to), message).await.map(drop).map_err(text),
        }
    }
}

/// Where the publisher of an event wants answers to be published.
pub(super) fn reply_to(event: &Event) -> Option<String> {
    let (_, channel) = event.message.headers().iter().find(|(name, _)| name == REPLY_TO)?;
    Some(subject::of(channel))
}

/// An error as these interfaces know it: a text.
pub(super) fn text(error: Error) -> String {
    match error {
        Error::Denied(why) => format!("not granted: {why}"),
        Error::Invalid(why) | Error::Failed(why) | Error::Rejected(why) | Error::Unavailable(why) => why,
        Error::TooLarge(most) => format!("it is too large: {most} is the most"),
        Error::Overloaded(after_ms) => format!("the node is overloaded; try again after {after_ms} ms"),
        Error::NoResponder => "nobody answers there".into(),
        Error::Timeout => "no answer came in time".into(),
        Error::Deadlock => "whoever would have to answer waits for this request".into(),
        Error::Other((code, why)) => format!("{code}: {why}"),
    }
}
