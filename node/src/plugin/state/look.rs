//! What plugins keep, as somebody sees it from outside: a page of keys with the beginnings of their values, or one value.
//!
//! What it owns: how much of it is read at a time. Exists so that a person need not write a plugin to see what one keeps. It
//! changes nothing, and must not know who looks.

use std::sync::{Arc, Weak, atomic::Ordering::Relaxed};

use bytes::Bytes;

use super::{KEYS_MAX, QUOTA, State, StateError, States};
use crate::{
    control::{ControlError, NearKey, StateEntry, StateKeys, StateLook, StatePage},
    status::Work,
    store::StateValue,
    units::nearest,
};

/// Bytes of each value on a page, so that a page of large ones is small.
const SHOWN_BYTES_MAX: usize = 1 << 10;
/// Keys behind a page that are counted.
const COUNTED_MAX: u64 = 100_000;
/// Bytes of keys that are compared with one that is not there: what is longer nobody types.
const TYPED_BYTES_MAX: usize = 100;

impl States {
    /// What a plugin keeps, as it is seen now. It reads the store. None: nothing is known of such a plugin.
    ///
    /// # Errors
    /// When it keeps nothing there, or that cannot be read.
    pub fn look(&self, look: &StateLook) -> Result<Option<StatePage>, ControlError> {
        let Some(state) = self.of(&look.plugin)? else { return Ok(None) };
        match &look.at {
            StateKeys::One(key) => match state.seen(key) {
                Ok(Some(value)) => {
                    Ok(Some(state.page(vec![entry(key.clone(), value, usize::MAX)], (0, false))))
                }
                Err(error @ StateError::Store(_)) => Err(unreadable(&error)),
                Ok(None) | Err(_) => {
                    let (plugin, key) = (look.plugin.clone(), key.clone());
                    let near = state.near(&key).map_err(|error| unreadable(&error))?;
                    Err(ControlError::UnknownKey { plugin, key, near })
                }
            },
            StateKeys::Page { prefix, after, most } => {
                let page = state.list(prefix, after.as_deref(), *most);
                page.map(Some).map_err(|error| unreadable(&error))
            }
        }
    }

    /// A plugin's; of one that is not here, what is left of it, if anything is.
    fn of(&self, plugin: &str) -> Result<Option<Arc<State>>, ControlError> {
        let open = self.lock().get(plugin).and_then(Weak::upgrade);
        if open.is_some() || self.store.is_none() {
            return Ok(open);
        }
        let left = State::load(plugin.into(), self.store.clone(), QUOTA, Arc::<Work>::default());
        let keys = left.keys("", None, 1).map_err(|error| unreadable(&error))?;
        Ok((!keys.is_empty()).then_some(left))
    }
}

impl State {
    fn list(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<StatePage, StateError> {
        let most = most.clamp(1, KEYS_MAX);
        let keys = self.keys(prefix, after, most)?;
        let more = match keys.last() {
            Some(last) if keys.len() == most => self.count(prefix, last)?,
            _ => (0, false),
        };
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            // It may have ended, or have been removed, meanwhile.
            if let Some(value) = self.seen(&key)? {
                entries.push(entry(key, value, SHOWN_BYTES_MAX));
            }
        }
        Ok(self.page(entries, more))
    }

    /// Keys behind one, and whether there are more than were counted.
    fn count(&self, prefix: &str, behind: &str) -> Result<(u64, bool), StateError> {
        let (mut counted, mut behind) = (0_u64, behind.to_owned());
        loop {
            // A page at a time, as its handlers wait for each.
            let mut keys = self.keys(prefix, Some(&behind), KEYS_MAX)?;
            counted = counted.saturating_add(keys.len() as u64);
            match keys.pop() {
                Some(last) if keys.len() + 1 == KEYS_MAX => behind = last,
                _ => return Ok((counted, false)),
            }
            if counted >= COUNTED_MAX {
                return Ok((counted, !self.keys(prefix, Some(&behind), 1)?.is_empty()));
            }
        }
    }

    /// What may be meant by a key that is not there, among the first that are.
    fn near(&self, key: &str) -> Result<NearKey, StateError> {
        if !self.keys(key, None, 1)?.is_empty() {
            return Ok(NearKey::Begins);
        }
        if key.len() > TYPED_BYTES_MAX {
            return Ok(NearKey::Nothing);
        }
        let keys = self.keys("", None, KEYS_MAX)?;
        let typed = keys.iter().map(String::as_str).filter(|known| known.len() <= TYPED_BYTES_MAX);
        Ok(nearest(key, typed).map_or(NearKey::Nothing, |near| NearKey::Is(near.to_owned())))
    }

    fn page(&self, entries: Vec<StateEntry>, (more, is_more_uncounted): (u64, bool)) -> StatePage {
        let (bytes, quota_bytes) = (self.work.state_bytes.value(), self.quota.load(Relaxed));
        StatePage { entries, more, is_more_uncounted, bytes, quota_bytes }
    }
}

fn entry(key: String, StateValue { bytes, ends_ms }: StateValue, most: usize) -> StateEntry {
    let size_bytes = bytes.len() as u64;
    let value = if bytes.len() > most { Bytes::copy_from_slice(beginning(&bytes, most)) } else { bytes };
    StateEntry { key, value, size_bytes, ends_ms }
}

/// So many bytes at most; a text is not cut within a character, or it would be none.
fn beginning(bytes: &[u8], most: usize) -> &[u8] {
    let bytes = bytes.get(..most).unwrap_or(bytes);
    match str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.get(..error.valid_up_to()).unwrap_or(bytes),
        _ => bytes,
    }
}

fn unreadable(error: &StateError) -> ControlError {
    ControlError::Unavailable(format!("what the plugin keeps cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{plugin::state::Writes, store::Store};

    fn page(prefix: &str, after: Option<&str>, most: usize) -> StateLook {
        let at = StateKeys::Page { prefix: prefix.into(), after: after.map(str::to_owned), most };
        StateLook { plugin: "ledger".into(), at }
    }

    fn one(key: &str) -> StateLook {
        StateLook { plugin: "ledger".into(), at: StateKeys::One(key.into()) }
    }

    fn keys(page: &StatePage) -> Vec<&str> {
        page.entries.iter().map(|entry| entry.key.as_str()).collect()
    }

    async fn put(writes: &mut Writes, key: &str, value: impl Into<Vec<u8>>, ttl: Option<Duration>) {
        writes.put(key, Some(value.into()), ttl).await.expect("taken");
    }

    #[tokio::test]
    async fn a_page_shows_beginnings_and_says_what_is_behind_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let states = States::new(Some(Store::open(folder.path()).expect("a store")));
        let state = states.open(&"ledger".into(), QUOTA, Arc::default());
        let mut writes = state.begin();
        for number in 0..1_100 {
            put(&mut writes, &format!("n/{number:04}"), "x", None).await;
        }
        let long = format!("{}é", "x".repeat(SHOWN_BYTES_MAX - 1));
        put(&mut writes, "long", long.clone(), None).await;
        put(&mut writes, "short", "7", Some(Duration::from_secs(60))).await;
        writes.keep();
        let look = |look: &StateLook| states.look(look).expect("readable").expect("known");
        let first = look(&page("n/", None, 2));
        assert_eq!(
            (keys(&first), first.more, first.is_more_uncounted),
            (vec!["n/0000", "n/0001"], 1_098, false)
        );
        assert_eq!((first.bytes, first.quota_bytes), (state.work.state_bytes.value(), QUOTA.0));
        let last = look(&page("n/", Some("n/1097"), 5));
        assert_eq!((keys(&last), last.more), (vec!["n/1098", "n/1099"], 0));
        let rest = look(&page("", Some("n/1099"), 5_000));
        assert_eq!(keys(&rest), ["short"]);
        assert!(rest.entries[0].ends_ms.is_some_and(|ends_ms| ends_ms > crate::plugin::timer::unix_ms()));
        let cut = look(&page("long", None, 5)).entries.remove(0);
        assert_eq!((cut.value.len(), cut.size_bytes), (SHOWN_BYTES_MAX - 1, SHOWN_BYTES_MAX as u64 + 1));
        let whole = look(&one("long")).entries.remove(0);
        assert_eq!((whole.value.as_ref(), whole.ends_ms), (long.as_bytes(), None));
    }

    #[tokio::test]
    async fn what_is_not_there_is_said_with_what_may_be_meant() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let states = States::new(Some(store.clone()));
        assert!(matches!(states.look(&page("", None, 1)), Ok(None)), "nobody knows it");
        let state = states.open(&"ledger".into(), QUOTA, Arc::default());
        assert_eq!(
            states.look(&page("", None, 1)).map(|page| page.map(|page| page.entries)),
            Ok(Some(vec![]))
        );
        let mut writes = state.begin();
        put(&mut writes, "balance/bob", "7", None).await;
        writes.keep();
        let near = |key: &str| match states.look(&one(key)) {
            Err(ControlError::UnknownKey { near, .. }) => near,
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(near("balance/bod"), NearKey::Is("balance/bob".into()));
        assert_eq!(near("balance"), NearKey::Begins);
        assert_eq!(near("total"), NearKey::Nothing);
        assert_eq!(near(&"k".repeat(2_000)), NearKey::Nothing);
        // Who is not here any more has left it.
        state.flush().await.expect("written");
        drop((state, states));
        let later = States::new(Some(store));
        let left = later.look(&page("", None, 9)).expect("readable").expect("left");
        assert_eq!((keys(&left), left.bytes), (vec!["balance/bob"], "balance/bob7".len() as u64));
    }
}
