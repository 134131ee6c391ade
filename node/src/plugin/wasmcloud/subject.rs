//! Subjects, as wasmCloud and NATS write them, and the channels they are: `orders.created` is `orders/created`, `*` is one
//! segment, `>` at the end is `**`.
//!
//! A dot inside a segment of a channel cannot be written as a subject: it reads as another level there.

use hive_proto::pattern::{Pattern, PatternError};

/// What a component listens to: the configuration says it, as its file cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The same as a pattern of channels.
    pub pattern: String,
    /// The group it listens in; none: every node's component gets each event.
    pub group: Option<String>,
    /// Whether requests may be sent here.
    pub answers: bool,
}

/// Why a text is no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// `>` in another place than the end.
    #[error("`>` stands alone at the end")]
    Tail,
    /// A slash.
    #[error("its levels are parted by dots, not by `/`")]
    Slash,
    /// No pattern either.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl Subject {
    /// Reads a subject. Requests may be sent there: whoever publishes to the `reply-to` of one answers it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        let mut levels: Vec<&str> = text.split('.').collect();
        if let Some(last) = levels.last_mut().filter(|last| **last == ">") {
            *last = "**";
        }
        if levels.iter().any(|level| level.contains('>')) {
            return Err(SubjectError::Tail);
        }
        if text.contains('/') {
            return Err(SubjectError::Slash);
        }
        let pattern = levels.join("/");
        // A value of the configuration is put in later.
        if !pattern.contains('{') {
            Pattern::parse(&pattern)?;
        }
        Ok(Self { pattern, group: None, answers: true })
    }
}

/// A channel as a subject.
pub(super) fn of(channel: &str) -> String {
    channel.replace('/', ".")
}

/// A subject as a channel.
pub(super) fn channel(subject: &str) -> String {
    subject.replace('.', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_patterns() {
        let check = |subject: &str, want: Result<&str, &str>| {
            let parsed = Subject::parse(subject).map(|subject| subject.pattern);
            let want = want.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(parsed.map_err(|error| error.to_string()), want, "{subject}");
        };
        check("orders.created", Ok("orders/created"));
        check("orders.*.done", Ok("orders/*/done"));
        check("orders.>", Ok("orders/**"));
        check("tasks.{kind}", Ok("tasks/{kind}"));
        check(">", Ok("**"));
        check("orders.>.done", Err("`>` stands alone at the end"));
        check("orders/created", Err("its levels are parted by dots, not by `/`"));
        assert!(Subject::parse("orders..done").is_err());
        assert!(Subject::parse("ord*").is_err());
    }

    #[test]
    fn channels_and_subjects_name_each_other() {
        for (channel_name, subject) in [("orders/created", "orders.created"), ("lamp", "lamp")] {
            assert_eq!((of(channel_name).as_str(), channel(subject).as_str()), (subject, channel_name));
        }
    }
}
