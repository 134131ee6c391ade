//! Where an event has been, as a text that goes with it.
//!
//! It must not know the bus: whoever tries this reader alone need not link the rest.

use std::{fmt, str::FromStr, sync::Arc};

use hive_proto::event::{Event, Message};

/// The header that says where an event has been.
pub const TRAIL_HEADER: &str = "hive-bridge";
/// Marks of one event. Who crosses more bridges goes in circles.
pub const MARKS_MAX: usize = 16;
/// Bytes of an event's id where it began.
pub const FOREIGN_ID_BYTES_MAX: usize = 160;

/// One place that an event has been in: a network, or what a bridge joins it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub [u8; 8]);

impl Mark {
    /// The mark of what has this name. Who says the same name elsewhere means the same place.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let hash = blake3::derive_key("hive 1 bridged medium", name.as_bytes());
        Self(std::array::from_fn(|at| hash[at]))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Where an event that crosses a bridge was before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// Its id where it began; none where it had none.
    pub id: Option<Arc<str>>,
    pub(super) marks: Vec<Mark>,
}

/// A text that is no trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrailError {
    /// A mark is not 16 hexadecimal digits.
    #[error("a mark is 16 hexadecimal digits")]
    Mark,
    /// It went over too many bridges.
    #[error("more than {MARKS_MAX} marks: it goes in circles")]
    TooLong,
    /// The id has spaces, is empty or is too long.
    #[error("an id is one word of at most {FOREIGN_ID_BYTES_MAX} bytes")]
    Id,
}

impl Trail {
    /// That of an event that begins elsewhere, with the id it has there.
    ///
    /// # Errors
    /// When the id is none.
    pub fn begun(id: Option<&str>) -> Result<Self, TrailError> {
        let fits = |id: &&str| {
            !id.is_empty()
                && id.len() <= FOREIGN_ID_BYTES_MAX
                && id.chars().all(|c| !c.is_whitespace() && !c.is_control())
        };
        match id {
            Some(id) if !fits(&id) => Err(TrailError::Id),
            id => Ok(Self { id: id.map(Into::into), marks: Vec::new() }),
        }
    }

    /// That of an event of this mesh, which may have come over a bridge.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let before = header(&event.message).and_then(|text| text.parse::<Self>().ok()).unwrap_or_default();
        let id = before.id.or_else(|| Some(event.id.to_string().into()));
        Self { id, marks: before.marks }
    }

    /// Whether an event of this mesh has been there. Nearly none has been anywhere.
    #[must_use]
    pub fn of_has(event: &Event, place: Mark) -> bool {
        let trail = header(&event.message).and_then(|text| text.parse::<Self>().ok());
        trail.is_some_and(|trail| trail.has(place))
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.marks.is_empty()
    }

    /// Whether it has been there.
    #[must_use]
    pub fn has(&self, place: Mark) -> bool {
        self.marks.contains(&place)
    }

    /// The same when it comes from there.
    ///
    /// # Errors
    /// When it went over as many bridges as anything may.
    pub fn from(mut self, place: Mark) -> Result<Self, TrailError> {
        if !self.has(place) {
            self.marks.push(place);
        }
        if self.marks.len() > MARKS_MAX { Err(TrailError::TooLong) } else { Ok(self) }
    }

    /// The message with this trail in the place of any it had.
    pub(super) fn put_on(&self, message: Message) -> Message {
        let mut extra = message.extra().cloned().unwrap_or_default();
        extra.headers.push((TRAIL_HEADER.to_owned(), self.to_string()));
        Message::from_parts(message.payload, extra)
    }
}

/// The marks joined by commas, and behind a space the id if there is one.
impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mark) in self.marks.iter().enumerate() {
            write!(f, "{}{mark}", if at > 0 { "," } else { "" })?;
        }
        match &self.id {
            Some(id) => write!(f, " {id}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Trail {
    type Err = TrailError;

    fn from_str(text: &str) -> Result<Self, TrailError> {
        let (marks, id) = match text.split_once(' ') {
            Some((marks, id)) => (marks, Some(id)),
            None => (text, None),
        };
        let mut trail = Self::begun(id)?;
        for mark in marks.split(',').filter(|_| !marks.is_empty()) {
            if trail.marks.len() == MARKS_MAX {
                return Err(TrailError::TooLong);
            }
            if mark.len() != 16 || !mark.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(TrailError::Mark);
            }
            let number = u64::from_str_radix(mark, 16).map_err(|_| TrailError::Mark)?;
            trail.marks.push(Mark(number.to_be_bytes()));
        }
        Ok(trail)
    }
}

pub(super) fn header(message: &Message) -> Option<&str> {
    message.headers().iter().find(|(name, _)| name == TRAIL_HEADER).map(|(_, value)| value.as_str())
}
