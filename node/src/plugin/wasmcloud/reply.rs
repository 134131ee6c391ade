//! Where the answer of a request goes: a subject that is good once, for the component that handles the request.

use crate::bus::{Event, Message};

/// What begins the subjects that answers are published to.
const PREFIX: &str = "$reply.";

/// An answer to come.
#[derive(Debug)]
pub struct Reply {
    subject: String,
    answer: Option<Message>,
}

/// Why an answer is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The request was answered, or is another's.
    #[error("nobody waits for an answer on `{0}`: it is good for the request being handled alone")]
    Over(String),
    /// There is an answer.
    #[error("the request was answered already")]
    Again,
}

impl Reply {
    /// For the request that this event is.
    #[must_use]
    pub fn to(event: &Event) -> Self {
        Self { subject: format!("{PREFIX}{}", event.id), answer: None }
    }

    /// Where the answer is to be published.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The answer, if there is one.
    #[must_use]
    pub fn answer(self) -> Option<Message> {
        self.answer
    }

    /// Takes what is published as the answer, if it is one. None: it is an ordinary event, given back.
    ///
    /// # Errors
    /// When it is an answer that nobody waits for.
    pub fn take(
        expected: Option<&mut Self>,
        subject: &str,
        message: Message,
    ) -> Result<Option<Message>, ReplyError> {
        if !subject.starts_with(PREFIX) {
            return Ok(Some(message));
        }
        let expected = expected.filter(|reply| reply.subject == subject);
        let reply = expected.ok_or_else(|| ReplyError::Over(subject.chars().take(100).collect()))?;
        if reply.answer.is_some() {
            return Err(ReplyError::Again);
        }
        reply.answer = Some(message);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_once_by_the_request_in_hand() {
        let mut reply = Reply { subject: "$reply.7".into(), answer: None };
        let mut take = |subject: &str| Reply::take(Some(&mut reply), subject, Message::from(subject));
        assert_eq!(take("orders.done"), Ok(Some(Message::from("orders.done"))));
        assert_eq!(take("$reply.8"), Err(ReplyError::Over("$reply.8".into())));
        assert_eq!(take("$reply.7"), Ok(None));
        assert_eq!(take("$reply.7"), Err(ReplyError::Again));
        assert_eq!(reply.answer(), Some(Message::from("$reply.7")));
        assert_eq!(
            Reply::take(None, "$reply.7", Message::default()),
            Err(ReplyError::Over("$reply.7".into()))
        );
    }
}
