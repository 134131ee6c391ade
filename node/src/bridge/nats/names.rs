//! Names as NATS writes them: `a/*/b` is `a.*.b` there, and `a/**` is `a` and `a.>`.
//!
//! What it owns: which channels and patterns can be said as subjects, and which subjects as channels. It must not know
//! rules or prefixes.

use hive_proto::{
    channel::Channel,
    pattern::{Pattern, Segment},
};

use crate::bridge::names::NameError;

/// A channel as a subject.
///
/// # Errors
/// When a segment of it has what means something else there.
pub fn subject(channel: &str) -> Result<String, NameError> {
    if channel.starts_with('$') {
        return Err(NameError::new(channel, "NATS keeps subjects that begin with `$` for its servers"));
    }
    if channel.contains(['.', '>']) {
        return Err(NameError::new(channel, "`.` and `>` mean something else in NATS"));
    }
    Ok(channel.replace('/', "."))
}

/// A subject as a channel.
///
/// # Errors
/// When a token has a `/` in it, or the grammar of channels does not have it.
pub fn channel(subject: &str) -> Result<Channel, NameError> {
    if subject.contains('/') {
        return Err(NameError::new(subject, "a `/` would separate what NATS does not"));
    }
    let name = subject.replace('.', "/");
    Channel::parse(&name).map_err(|error| NameError::new(subject, format!("it is no channel: {error}")))
}

/// The subjects, one or two, that match together what a pattern matches. None is matched by both.
///
/// # Errors
/// When there are none: NATS has `>` at the end alone.
pub fn subjects(pattern: &Pattern) -> Result<Vec<String>, NameError> {
    // Hive's wildcards mean nothing else in a subject: what is wrong is wrong of the literal segments.
    subject(pattern.as_str())?;
    let mut tokens = Vec::new();
    let mut is_open = false;
    for segment in pattern.segments() {
        if is_open {
            let why = "NATS has `>` at the end alone, and so `**` can stand there alone, too";
            return Err(NameError::new(pattern.as_str(), why));
        }
        match segment {
            Segment::Literal(name) => tokens.push(name),
            Segment::One => tokens.push("*"),
            Segment::Many => is_open = true,
        }
    }
    let closed = tokens.join(".");
    Ok(match (is_open, closed.is_empty()) {
        (false, _) => vec![closed],
        (true, true) => vec![">".to_owned()],
        (true, false) => vec![format!("{closed}.>"), closed],
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bridge::names::cases::{channels, patterns};

    /// As the documentation of NATS says.
    fn matches(wanted: &str, subject: &str) -> bool {
        let (mut wanted, mut tokens) = (wanted.split('.'), subject.split('.'));
        loop {
            match (wanted.next(), tokens.next()) {
                (Some(">"), Some(_)) | (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(one), Some(other)) if one == other => {}
                (Some(_) | None, _) => return false,
            }
        }
    }

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    #[test]
    fn what_can_be_said_is_said_so() {
        let check = |text: &str, want: &[&str]| {
            assert_eq!(subjects(&pattern(text)).unwrap_or_default(), want, "{text}");
        };
        check("a/b", &["a.b"]);
        check("a/*/b", &["a.*.b"]);
        check("a/**", &["a.>", "a"]);
        check("**", &[">"]);
        check("*/**", &["*.>", "*"]);
        check("a/**/b", &[]);
        check("a/b.c", &[]);
        assert_eq!(
            subject("a/1.5").expect_err("two meanings").to_string(),
            "the name `a/1.5` cannot be translated: `.` and `>` mean something else in NATS"
        );
        assert!(channel("a/b.c").is_err());
        assert!(channel("a..b").is_err());
    }

    proptest! {
        #[test]
        fn a_subject_is_the_channel_it_was(name in channels()) {
            if let Ok(subject) = subject(&name) {
                prop_assert_eq!(channel(&subject).map(|channel| channel.to_string()), Ok(name.clone()));
            }
        }

        #[test]
        fn one_subject_at_most_matches_what_the_pattern_matches(text in patterns(), name in channels()) {
            let (pattern, at) = (pattern(&text), Channel::parse(&name).expect("a channel"));
            if let (Ok(subjects), Ok(subject)) = (subjects(&pattern), subject(&name)) {
                let matching = subjects.iter().filter(|wanted| matches(wanted, &subject)).count();
                prop_assert_eq!(matching, usize::from(pattern.matches(&at)), "{:?} {}", subjects, subject);
            }
        }

        #[test]
        fn no_subject_is_too_strange(strange in ".{0,300}") {
            if let Ok(channel) = channel(&strange) {
                prop_assert_eq!(channel.as_str().replace('/', "."), strange);
            }
        }
    }
}
