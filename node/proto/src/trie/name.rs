//! A segment as a key of the trie, or the end of a pattern: in place while it is short, as most are.

use std::{borrow::Borrow, cmp::Ordering, sync::Arc};

/// Bytes that fit in place; with them a name is as large as a pointer and a length.
const SHORT_MAX: usize = 14;

/// The name. Its order is that of its bytes, which is that of the text.
#[derive(Clone)]
pub(super) enum Name {
    /// The first `len` bytes are the text.
    Short { len: u8, bytes: [u8; SHORT_MAX] },
    /// Two steps away, because a pointer to text is two words and would make every short one larger.
    Long(Arc<Box<str>>),
}

impl Name {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(text) => text.as_bytes(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        // It was made from text.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT_MAX];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { len, bytes }
            }
            _ => Self::Long(Arc::new(text.into())),
        }
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}
