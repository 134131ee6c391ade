//! Channels: the names events travel under, and how far each name reaches.
//!
//! A value of these types is valid by construction. What a name means in a given node (is its first
//! segment a network?) is asked of [`Names`]; who subscribes to it is not known here.

use std::{borrow::Borrow, fmt, sync::Arc};

use crate::{
    limits::{NAME_BYTES_MAX, SEGMENT_BYTES_MAX, SEGMENTS_MAX},
    pattern::{Pattern, PatternError},
};

/// A concrete channel without its network: 1 to 32 segments joined by `/`, 255 bytes at most.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(Arc<str>);

impl Channel {
    /// Checks a name.
    ///
    /// # Errors
    /// Says which rule of the channel grammar it breaks.
    pub fn parse(name: &str) -> Result<Self, ChannelError> {
        check_lengths(name)?;
        for segment in name.split('/') {
            check_segment(segment)?;
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Whether events on it never leave their node: one segment, or a first segment that begins with `$`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.is_reserved() || !self.0.contains('/')
    }

    /// Whether only the node itself publishes here (`$timer/…`, `$dead/…`, `$node/…`).
    #[must_use]
    #[inline]
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with('$')
    }
}

/// Equality, order and hash are those of the text.
impl Borrow<str> for Channel {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({})", self.0)
    }
}

/// Why a text is no channel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// Nothing, or nothing between two slashes.
    #[error("a segment is empty")]
    EmptySegment,
    /// More than 32 segments.
    #[error("more than {SEGMENTS_MAX} segments")]
    TooManySegments,
    /// More than 255 bytes in all.
    #[error("longer than {NAME_BYTES_MAX} bytes")]
    TooLong,
    /// One segment of more than 64 bytes.
    #[error("a segment is longer than {SEGMENT_BYTES_MAX} bytes")]
    SegmentTooLong,
    /// A wildcard, brace, space or control character.
    #[error("the character {0:?} is not allowed")]
    Character(char),
    /// `my-hive/bee_stuff`: a network and one segment.
    #[error(
        "`{0}` is a network, and a channel inside a network needs two segments or more: nothing local can be reached from outside"
    )]
    LocalInNetwork(NetworkName),
}

pub(crate) fn check_lengths(name: &str) -> Result<(), ChannelError> {
    if name.len() > NAME_BYTES_MAX {
        return Err(ChannelError::TooLong);
    }
    if name.split('/').count() > SEGMENTS_MAX {
        return Err(ChannelError::TooManySegments);
    }
    Ok(())
}

pub(crate) fn check_segment(segment: &str) -> Result<(), ChannelError> {
    if segment.is_empty() {
        return Err(ChannelError::EmptySegment);
    }
    if segment.len() > SEGMENT_BYTES_MAX {
        return Err(ChannelError::SegmentTooLong);
    }
    let refused = |c: &char| matches!(c, '*' | '{' | '}') || c.is_whitespace() || c.is_control();
    segment.chars().find(refused).map_or(Ok(()), |c| Err(ChannelError::Character(c)))
}

/// A network's name: one segment that does not begin with `$`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkName(Arc<str>);

impl NetworkName {
    /// Checks a name.
    ///
    /// # Errors
    /// Says which rule of the segment grammar it breaks.
    pub fn parse(name: &str) -> Result<Self, ChannelError> {
        check_segment(name)?;
        match name.chars().find(|c| matches!(c, '/' | '$')) {
            Some(c) => Err(ChannelError::Character(c)),
            None => Ok(Self(name.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkName({})", self.0)
    }
}

/// A network's position in [`Names`]; the home network is [`NetworkIndex::HOME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkIndex(pub u8);

impl NetworkIndex {
    /// The home network, where names without a network go.
    pub const HOME: Self = Self(0);
}

/// Where a name leads: a channel in one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The network; the home network for local channels too.
    pub network: NetworkIndex,
    /// The channel inside it.
    pub channel: Channel,
}

/// What a subscription asks for: a pattern in one network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The network; for the home network, local channels are matched too.
    pub network: NetworkIndex,
    /// The pattern inside it.
    pub pattern: Pattern,
}

/// The networks a node is in, home first: what turns a name a person wrote into an [`Address`].
#[derive(Debug, Clone, Default)]
pub struct Names {
    networks: Vec<NetworkName>,
}

impl Names {
    /// The given networks, the home network first.
    #[must_use]
    pub fn new(networks: Vec<NetworkName>) -> Self {
        Self { networks }
    }

    /// All networks, home first.
    #[must_use]
    pub fn networks(&self) -> &[NetworkName] {
        &self.networks
    }

    /// The name of one network.
    #[must_use]
    pub fn network(&self, index: NetworkIndex) -> Option<&NetworkName> {
        self.networks.get(usize::from(index.0))
    }

    /// Reads a name as a person writes it: local, home, or `network/…`.
    ///
    /// # Errors
    /// When it is no channel, or names a local channel of a network.
    pub fn address(&self, name: &str) -> Result<Address, ChannelError> {
        let (network, rest) = self.split(name);
        let channel = Channel::parse(rest)?;
        if let Some(network) = network
            && channel.is_local()
        {
            return Err(ChannelError::LocalInNetwork(self.networks[usize::from(network.0)].clone()));
        }
        Ok(Address { network: network.unwrap_or(NetworkIndex::HOME), channel })
    }

    /// Reads a pattern as a person writes it: home, or `network/…`. A wildcard never stands for a network.
    ///
    /// # Errors
    /// When it is no pattern, or matches nothing but local channels of a network, of which there are none.
    pub fn scope(&self, pattern: &str) -> Result<Scope, PatternError> {
        let (network, rest) = self.split(pattern);
        let pattern = Pattern::parse(rest)?;
        let first = rest.split('/').next().unwrap_or_default();
        if let Some(network) = network
            && (first.starts_with('$') || (!rest.contains('/') && first != "**"))
        {
            let network = self.networks[usize::from(network.0)].clone();
            return Err(ChannelError::LocalInNetwork(network).into());
        }
        Ok(Scope { network: network.unwrap_or(NetworkIndex::HOME), pattern })
    }

    fn split<'a>(&self, name: &'a str) -> (Option<NetworkIndex>, &'a str) {
        let Some((first, rest)) = name.split_once('/') else { return (None, name) };
        let found = self.networks.iter().position(|network| network.as_str() == first);
        match found.and_then(|at| u8::try_from(at).ok()) {
            Some(at) => (Some(NetworkIndex(at)), rest),
            None => (None, name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        let check = |name: &str, want: Result<(), ChannelError>| {
            assert_eq!(Channel::parse(name).map(|_| ()), want, "{name}");
        };
        check("bee_stuff", Ok(()));
        check("wörker/action", Ok(()));
        check("$dead/greeter", Ok(()));
        check(&["s"; 32].join("/"), Ok(()));
        check(&["s"; 33].join("/"), Err(ChannelError::TooManySegments));
        check("", Err(ChannelError::EmptySegment));
        check("a//b", Err(ChannelError::EmptySegment));
        check("a/", Err(ChannelError::EmptySegment));
        check("a/*", Err(ChannelError::Character('*')));
        check("a b", Err(ChannelError::Character(' ')));
        check("a/\u{7}", Err(ChannelError::Character('\u{7}')));
        check(&"s".repeat(64), Ok(()));
        check(&"s".repeat(65), Err(ChannelError::SegmentTooLong));
        check(&["s".repeat(60), "s".repeat(60)].join("/").repeat(3), Err(ChannelError::TooLong));
    }

    #[test]
    fn reach_follows_from_the_name() {
        let parse = |name| Channel::parse(name).expect("a channel");
        assert!(parse("bee_stuff").is_local());
        assert!(parse("$timer/x/y").is_local());
        assert!(!parse("worker/action").is_local());
    }

    #[test]
    fn a_network_name_wins_over_a_home_channel() {
        let network = |name| NetworkName::parse(name).expect("a network");
        let names = Names::new(vec![network("hive"), network("my-hive")]);
        let address = |name| names.address(name).map(|a| (a.network.0, a.channel.to_string()));
        assert_eq!(address("worker/action"), Ok((0, "worker/action".into())));
        assert_eq!(address("my-hive/worker/action"), Ok((1, "worker/action".into())));
        assert_eq!(address("my-hive"), Ok((0, "my-hive".into())));
        assert_eq!(address("my-hive/bee"), Err(ChannelError::LocalInNetwork(network("my-hive"))));
        assert_eq!(address("my-hive/$dead/x"), Err(ChannelError::LocalInNetwork(network("my-hive"))));
        for pattern in ["my-hive/bee", "my-hive/*", "my-hive/$dead/*"] {
            let local = ChannelError::LocalInNetwork(network("my-hive"));
            assert_eq!(names.scope(pattern), Err(PatternError::Channel(local)), "{pattern}");
        }
        assert!(["my-hive/**", "my-hive/*/x", "bee", "*"].iter().all(|pattern| names.scope(pattern).is_ok()));
        let scope = |pattern| names.scope(pattern).map(|s| (s.network.0, s.pattern.to_string()));
        assert_eq!(scope("my-hive/worker/*"), Ok((1, "worker/*".into())));
        assert_eq!(scope("*/worker"), Ok((0, "*/worker".into())));
    }
}
