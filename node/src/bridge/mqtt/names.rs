//! Names as MQTT writes them: `a/*/b` is `a/+/b` there, and `a/**` is `a/#`.
//!
//! What it owns: which channels and patterns can be said as topics and filters, and which topics as channels. It must not
//! know rules or prefixes.

use hive_proto::{
    channel::Channel,
    pattern::{Pattern, Segment},
};

use crate::bridge::names::NameError;

/// A channel as a topic. They are written alike; some channels are none.
///
/// # Errors
/// When it has MQTT's wildcards in it, or is the broker's own.
pub fn topic(channel: &str) -> Result<&str, NameError> {
    if channel.starts_with('$') {
        return Err(NameError::new(channel, "MQTT keeps topics that begin with `$` for the broker"));
    }
    if channel.contains(['+', '#']) {
        return Err(NameError::new(channel, "`+` and `#` are wildcards in MQTT"));
    }
    Ok(channel)
}

/// A topic as a channel.
///
/// # Errors
/// When the grammar of channels does not have it: empty levels, spaces, too many of them.
pub fn channel(topic: &str) -> Result<Channel, NameError> {
    Channel::parse(topic).map_err(|error| NameError::new(topic, format!("it is no channel: {error}")))
}

/// The one filter that matches what a pattern matches.
///
/// # Errors
/// When there is none: MQTT has `#` at the end alone.
pub fn filter(pattern: &Pattern) -> Result<String, NameError> {
    // Hive's wildcards mean nothing in a topic: what is wrong is wrong of the literal segments.
    topic(pattern.as_str())?;
    let mut levels = Vec::new();
    let mut is_open = false;
    for segment in pattern.segments() {
        if is_open {
            let why = "MQTT's `#` can stand at the end alone, and so `**` can, too";
            return Err(NameError::new(pattern.as_str(), why));
        }
        levels.push(match segment {
            Segment::Literal(name) => name,
            Segment::One => "+",
            Segment::Many => {
                is_open = true;
                "#"
            }
        });
    }
    Ok(levels.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bridge::names::cases::{channels, patterns};

    /// As MQTT 5.0, 4.7 says.
    fn matches(filter: &str, topic: &str) -> bool {
        let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
        loop {
            match (filter.next(), topic.next()) {
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(one), Some(other)) if one == other => {}
                // `a/#` is `a`, too.
                (Some(_) | None, _) => return false,
            }
        }
    }

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn what_can_be_said_is_said_so() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(filter(&pattern(text)).ok().as_deref(), want, "{text}");
        };
        check("a/b", Some("a/b"));
        check("a/*/b", Some("a/+/b"));
        check("a/**", Some("a/#"));
        check("**", Some("#"));
        check("*/**", Some("+/#"));
        check("a/**/b", None);
        check("**/b", None);
        check("a/b+", None);
        check("a/#b", None);
        let refused = |topic: &str| channel(topic).expect_err("no channel").to_string();
        assert_eq!(refused("/a"), "the name `/a` cannot be translated: it is no channel: a segment is empty");
        assert!(refused("a/b c").contains("' '"));
        assert!(topic("$SYS/broker").is_err());
    }

    proptest! {
        #[test]
        fn a_topic_is_the_channel_it_was(name in channels()) {
            if let Ok(topic) = topic(&name) {
                prop_assert_eq!(channel(topic).map(|channel| channel.to_string()), Ok(name.clone()));
            }
        }

        #[test]
        fn a_filter_matches_what_the_pattern_matches(text in patterns(), name in channels()) {
            let (pattern, at) = (pattern(&text), Channel::parse(&name).expect("a channel"));
            if let (Ok(filter), Ok(topic)) = (filter(&pattern), topic(&name)) {
                prop_assert_eq!(matches(&filter, topic), pattern.matches(&at), "{} {}", filter, topic);
            }
        }

        #[test]
        fn no_topic_is_too_strange(topic in ".{0,300}") {
            if let Ok(channel) = channel(&topic) {
                prop_assert_eq!(channel.as_str(), topic);
            }
        }
    }
}
