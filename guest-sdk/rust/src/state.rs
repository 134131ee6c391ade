//! What the plugin keeps on its node, and events that are handled once.

use std::{cell::RefCell, collections::VecDeque, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Context, Error, failure::millis, imports, json::written};

/// How long [`once`] remembers an event.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// What its keys begin with.
const ONCE_PREFIX: &str = "$once/";

/// The plugin's state: values by key, on this node, for all its instances and versions. Values are JSON, or bytes as they
/// are.
///
/// Other instances see at once what a handler writes. It gets to disk as a whole within about a second, and with it what
/// [`once`] remembers; a crash before loses it, and [`State::flush`] waits for it. A rejection or a retry keeps what was
/// written before: do what may fail before you write.
#[derive(Debug, Clone, Copy)]
pub struct State(());

/// The plugin's state, also outside of an event: in `#[start]`, `#[save]` and `#[restore]`.
pub fn state() -> State {
    State(())
}

impl Context<'_> {
    /// What the plugin keeps on this node.
    pub fn state(&self) -> State {
        state()
    }

    /// Whether this event is handled for the first time, on this node: false when an earlier attempt was done with it and
    /// only its outcome was lost on the way. Remembered for 24 hours; see [`once`].
    ///
    /// # Errors
    /// What the node refuses.
    pub fn once(&self) -> Result<bool, Error> {
        once(&self.id())
    }
}

impl State {
    /// The value of a key.
    ///
    /// # Errors
    /// What the node refuses, and [`Error::UnexpectedValue`] for a value that is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.bytes(key)?.map(|bytes| read(key, &bytes)).transpose()
    }

    /// The bytes of a key.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        imports::state::get(key)
    }

    /// The values of several keys, at most 256, in the order asked.
    ///
    /// # Errors
    /// As for [`get`](Self::get); [`Error::TooLarge`] for too many keys, or more than 16 MiB.
    pub fn get_each<T: DeserializeOwned>(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<T>>, Error> {
        let names: Vec<String> = keys.iter().map(|key| key.as_ref().to_owned()).collect();
        let found = imports::state::get_each(&names)?;
        let read_one =
            |(key, bytes): (&String, Option<Vec<u8>>)| bytes.map(|bytes| read(key, &bytes)).transpose();
        names.iter().zip(found).map(read_one).collect()
    }

    /// Puts a value in place of any that the key has.
    ///
    /// # Errors
    /// What the node refuses: [`Error::TooLarge`] for keys over 1 KiB, values over 1 MiB, and past the plugin's quota.
    pub fn set(&self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        imports::state::set(key, &written(value)?, None)
    }

    /// [`set`](Self::set) of what is not there any more so long afterwards, at least 1 ms.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn set_for(&self, ttl: Duration, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        imports::state::set(key, &written(value)?, Some(millis(ttl)))
    }

    /// [`set`](Self::set) of bytes as they are, for ever or for so long.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn set_bytes(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        imports::state::set(key, value, ttl.map(millis))
    }

    /// Removes a key; one that is not there is fine.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn delete(&self, key: &str) -> Result<(), Error> {
        imports::state::delete(key)
    }

    /// The keys that begin with `prefix`, in order, read page by page as it goes.
    pub fn keys(&self, prefix: &str) -> Keys {
        Keys { prefix: prefix.to_owned(), page: VecDeque::new(), after: None, ended: false }
    }

    /// Adds to a number and gives the sum, whoever else adds at the same time. A missing key counts as 0. [`get`](Self::get)
    /// reads the sum as an `i64`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the value is no whole number or the sum does not fit, and as for [`set`](Self::set).
    pub fn increment(&self, key: &str, delta: i64) -> Result<i64, Error> {
        imports::state::increment(key, delta)
    }

    /// Puts a value in place of the expected one, none meaning that the key is not there; the value none removes it. False
    /// when it had another. The expected one is compared as it is written, so it must be of the type that was set.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn swap<T: Serialize>(
        &self,
        key: &str,
        expected: Option<&T>,
        value: Option<&T>,
    ) -> Result<bool, Error> {
        let (expected, value) = (expected.map(written).transpose()?, value.map(written).transpose()?);
        self.swap_bytes(key, expected.as_deref(), value.as_deref(), None)
    }

    /// [`swap`](Self::swap) of bytes as they are, for ever or for so long.
    ///
    /// # Errors
    /// As for [`set`](Self::set).
    pub fn swap_bytes(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        imports::state::swap(key, expected, value, ttl.map(millis))
    }

    /// Makes a new value from the old one, again when somebody else was faster, and gives what it made. None removes the
    /// key.
    ///
    /// # Errors
    /// As for [`get`](Self::get) and [`set`](Self::set).
    pub fn update<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        mut change: impl FnMut(Option<T>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        loop {
            let before = self.bytes(key)?;
            let after = change(before.as_deref().map(|bytes| read(key, bytes)).transpose()?);
            let bytes = after.as_ref().map(written).transpose()?;
            if self.swap_bytes(key, before.as_deref(), bytes.as_deref(), None)? {
                return Ok(after);
            }
        }
    }

    /// Waits until everything that this call has written so far is on disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn flush(&self) -> Result<(), Error> {
        imports::state::flush()
    }
}

/// The keys of a [`State`] that begin alike.
#[derive(Debug)]
pub struct Keys {
    prefix: String,
    page: VecDeque<String>,
    after: Option<String>,
    ended: bool,
}

impl Iterator for Keys {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && !self.ended {
            match imports::state::keys(&self.prefix, self.after.as_deref(), 0) {
                Ok(page) => {
                    self.ended = page.is_empty();
                    self.after = page.last().cloned();
                    self.page = page.into();
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.page.pop_front().map(Ok)
    }
}

thread_local! {
    /// What this call has promised to do once.
    static PROMISED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Whether this is the first time that something is done, by an id of your own; for the event being handled it is
/// [`Context::once`](crate::Context::once). Remembered for 24 hours.
///
/// What a handler writes to its state beside it gets to disk together with it, so what was done once is neither lost nor
/// done twice. Where the handler returns a failure, it was not done, and the next attempt is the first again: do what may fail
/// before you write. So it is where it panics or is cut, but only before a [`flush`](State::flush): what is on disk stays.
///
/// # Errors
/// What the node refuses.
pub fn once(id: &str) -> Result<bool, Error> {
    once_for(REMEMBERED, id)
}

/// [`once`], remembered for so long.
///
/// # Errors
/// What the node refuses.
pub fn once_for(remembered: Duration, id: &str) -> Result<bool, Error> {
    let key = format!("{ONCE_PREFIX}{id}");
    let is_first = state().swap_bytes(&key, None, Some(b"1"), Some(remembered))?;
    if is_first {
        PROMISED.with_borrow_mut(|promised| promised.push(key));
    }
    Ok(is_first)
}

/// A call begins: what the last one promised is of no interest.
pub(crate) fn begin() {
    PROMISED.with_borrow_mut(Vec::clear);
}

/// A call has failed, and is to be the first again.
pub(crate) fn break_promises() {
    for key in PROMISED.take() {
        // Whoever cannot delete now could not write either; the next attempt then thinks that it is the second.
        if let Err(error) = state().delete(&key) {
            crate::warn!("`{key}` stays: {error}");
        }
    }
}

fn read<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::UnexpectedValue(format!("`{key}`: {error}")))
}
