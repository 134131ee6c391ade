//! What a version asks of its part of the configuration: a key that is misspelt there is one that nobody reads, and nobody
//! would say so.
//!
//! Exists so that this is found at no cost an event: a key that is there is marked once, and of those that are not the first
//! ones are remembered. Such a one is judged a moment later, when the version has asked for what else it wants: is there
//! another key that it never asked for, and that is nearly it? It must not know what keys mean.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::host::{Place, say};
use crate::{status::LineLevel, units::nearest};

/// Keys that are not there and are remembered of a version: more than anybody misspells.
const MISSED_MAX: usize = 16;
/// Bytes of such a key.
const KEY_BYTES_MAX: usize = 128;
/// A word that has less letters is near to any other.
const LETTERS_MIN: usize = 3;
/// What is asked for in vain waits so long to be judged.
const SETTLED: Duration = Duration::from_secs(2);
/// What may wait in a node; more is not judged.
const DOUBTS_MAX: usize = 256;

/// A plugin's part of the configuration, and what one version of it has asked of that.
#[derive(Debug, Default)]
pub struct Asked {
    values: BTreeMap<String, Value>,
    missed: [OnceLock<String>; MISSED_MAX],
}

#[derive(Debug)]
struct Value {
    text: String,
    /// It was asked for.
    is_read: AtomicBool,
}

impl Asked {
    /// Nothing was asked yet; `reads` are keys that the version's patterns have.
    #[must_use]
    pub fn of(config: &BTreeMap<String, String>, reads: &BTreeSet<String>) -> Self {
        let value = |(key, text): (&String, &String)| {
            (key.clone(), Value { text: text.clone(), is_read: AtomicBool::new(reads.contains(key)) })
        };
        Self { values: config.iter().map(value).collect(), missed: Default::default() }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(Value::read)
    }

    /// All keys with their values.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.read()))
    }

    /// Whether a key that is not there is asked for for the first time, and something else is there.
    fn is_new(&self, key: &str) -> bool {
        if self.values.is_empty() || key.len() > KEY_BYTES_MAX {
            return false;
        }
        for place in &self.missed {
            // Another instance may be at the same place.
            match place.get().or_else(|| place.set(key.to_owned()).err().and(place.get())) {
                Some(known) if known == key => return false,
                Some(_) => {}
                None => return true,
            }
        }
        false
    }

    /// The key that may have been meant: it is there, and nobody has asked for it.
    fn near(&self, asked: &str) -> Option<&str> {
        let unread = self.values.iter().filter(|(_, value)| !value.is_read.load(Relaxed));
        unread.map(|(key, _)| key.as_str()).find(|key| is_near(asked, key))
    }
}

impl Value {
    fn read(&self) -> &str {
        // Many threads look at it, and it is another one once.
        if !self.is_read.load(Relaxed) {
            self.is_read.store(true, Relaxed);
        }
        &self.text
    }
}

/// Whether one key is nearly the other. Of two in one place only the last words are looked at: they are near anyway.
fn is_near(asked: &str, there: &str) -> bool {
    let split = |key| str::rsplit_once(key, '.').unwrap_or(("", key));
    let (one, other) = match (split(asked), split(there)) {
        ((parent, one), (same, other)) if parent == same => (one, other),
        _ => (asked, there),
    };
    let is_word = |word: &str| word.chars().count() >= LETTERS_MIN;
    is_word(one) && is_word(other) && nearest(one, [other]).is_some()
}

/// Keys that were asked for in vain, and are to be judged. The mutex is held for a look, a few times a second, and once for
/// each key.
#[derive(Debug, Default)]
pub struct Doubts(Mutex<Vec<Doubt>>);

#[derive(Debug)]
struct Doubt {
    at: Instant,
    /// Whose it is; gone with its version.
    place: Weak<Place>,
    key: String,
}

impl Doubts {
    /// A key is not there.
    pub fn missed(&self, place: &Arc<Place>, key: String) {
        if !place.config.is_new(&key) {
            return;
        }
        let mut doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if doubts.len() < DOUBTS_MAX {
            doubts.push(Doubt { at: Instant::now(), place: Arc::downgrade(place), key });
        }
    }

    /// Says what is likely misspelt, of what was asked long enough before `now`.
    pub fn judge(&self, now: Instant) {
        let ripe: Vec<Doubt> = {
            let mut doubts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            doubts.extract_if(.., |doubt| now.saturating_duration_since(doubt.at) >= SETTLED).collect()
        };
        for Doubt { place, key, .. } in ripe {
            let Some(place) = place.upgrade() else { continue };
            let Some(near) = place.config.near(&key) else { continue };
            let plugin = &place.plugin;
            let text = format!(
                "it asks for `{key}`, which its `config` does not have, and never for \
                 `plugins.each.{plugin}.config.{near}`: did you mean `{key}` there?"
            );
            say(&place.allowance, LineLevel::Warn, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(keys: &[&str]) -> Asked {
        let config = keys.iter().map(|key| ((*key).to_owned(), "x".to_owned()));
        Asked::of(&config.collect(), &["rooms".to_owned()].into())
    }

    #[test]
    fn a_key_that_nobody_reads_and_that_is_nearly_another_was_meant() {
        let check = |there: &[&str], reads: &[&str], misses: &str, want: Option<&str>| {
            let asked = asked(there);
            reads.iter().for_each(|key| assert!(asked.get(key).is_some(), "{key}"));
            assert_eq!(asked.get(misses), None);
            assert_eq!(asked.near(misses), want, "{there:?} {reads:?} {misses}");
        };
        check(&["greting"], &[], "greeting", Some("greting"));
        check(&["max_size", "other"], &["other"], "max-size", Some("max_size"));
        check(&["greting"], &["greting"], "greeting", None);
        check(&["limits"], &[], "greeting", None);
        check(&["rooms"], &[], "room", None);
        check(&[], &[], "greeting", None);
        check(&["to"], &[], "do", None);
        check(&["server.port"], &[], "server.host", None);
        check(&["server.hots"], &[], "server.host", Some("server.hots"));
        check(&["servr.host"], &[], "server.host", Some("servr.host"));
    }

    #[test]
    fn a_key_is_missed_once_and_so_are_many() {
        let one = asked(&["greting"]);
        assert!(one.is_new("greeting") && !one.is_new("greeting") && one.is_new("limit"));
        assert!(!one.is_new(&"x".repeat(KEY_BYTES_MAX + 1)));
        let new = (0..1_000).filter(|n| one.is_new(&n.to_string())).count();
        assert_eq!(new, MISSED_MAX - 2);
        assert!(!asked(&[]).is_new("greeting"), "nothing is there that may be meant");
        let all = asked(&["greting"]);
        assert_eq!(all.all().collect::<Vec<_>>(), [("greting", "x")]);
        assert_eq!(all.near("greeting"), None, "who asks for all reads all");
        let racing = asked(&["greting"]);
        let first = std::thread::scope(|scope| {
            let news = [(); 4].map(|()| scope.spawn(|| racing.is_new("greeting")));
            news.into_iter().map(|new| u32::from(new.join().expect("it ends"))).sum::<u32>()
        });
        assert_eq!(first, 1);
    }
}
