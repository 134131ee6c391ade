//! What a node remembers of its plugins over restarts: what was approved, what is switched off, which version was before.
//!
//! What it owns: one record a plugin, in memory and in the store. Exists because a folder of files cannot say any of it. It
//! must not decide anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::wants::Wants;
use crate::store::{Durability, Store, StoreError, Writing};

/// What is remembered of one plugin. Fields may be added; what an older program does not know it forgets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Record {
    /// Somebody switched it off.
    pub disabled: bool,
    /// The content of the version that went live last.
    pub live: Option<String>,
    /// The content of the one before.
    pub before: Option<String>,
    /// A file that is not loaded again by itself.
    pub passed_over: Option<PassedOver>,
    /// What the plugin may want; none: it was never live.
    pub approved: Option<Wants>,
    /// The number of the last version that was loaded.
    pub generation: u64,
    /// The numbers of the contents that may be loaded again.
    pub numbers: BTreeMap<String, u64>,
}

impl Record {
    /// The contents that are needed: the one that was live last, and the one before.
    fn contents(&self) -> impl Iterator<Item = &String> {
        [&self.live, &self.before].into_iter().flatten()
    }

    /// Nobody goes back to a content, unless it is one of those that are needed.
    pub fn forget(&mut self, hash: &str) {
        if !self.contents().any(|needed| needed == hash) {
            self.numbers.remove(hash);
        }
    }
}

/// A file's content that was live, and is not to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Its hash in hex.
    pub hash: String,
    /// Why, for people.
    pub why: String,
}

/// All records. The mutex is held for a look or a change, and for handing that to the store.
#[derive(Debug)]
pub struct Records {
    records: Mutex<BTreeMap<String, Record>>,
    /// None: the node keeps nothing, and they end with it.
    store: Option<Store>,
}

impl Records {
    /// Those of a store.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(store: Option<Store>) -> Result<Self, StoreError> {
        let kept = store.as_ref().map(|store| store.plugins().all()).transpose()?.unwrap_or_default();
        let read = |(plugin, record): (String, Vec<u8>)| match serde_json::from_slice(&record) {
            Ok(record) => Some((plugin, record)),
            Err(error) => {
                tracing::error!(plugin, "what is remembered of it cannot be read, and is forgotten: {error}");
                None
            }
        };
        Ok(Self { records: Mutex::new(kept.into_iter().filter_map(read).collect()), store })
    }

    /// What is remembered of a plugin.
    #[must_use]
    pub fn of(&self, plugin: &str) -> Record {
        self.lock().get(plugin).cloned().unwrap_or_default()
    }

    /// Changes a record. It is on disk a little later; that it cannot be kept is said in the log.
    pub fn change(&self, plugin: &str, change: impl FnOnce(&mut Record)) {
        if let Err(error) = self.put(plugin, change) {
            tracing::error!(plugin, "what is remembered of it is not kept: {error}");
        }
    }

    /// Changes a record. What is returned waits for the disk; none: nothing has to be written.
    ///
    /// # Errors
    /// When it is not taken to be kept: it holds until the node ends.
    pub fn put(&self, plugin: &str, change: impl FnOnce(&mut Record)) -> Result<Option<Writing>, StoreError> {
        let mut records = self.lock();
        let record = records.entry(plugin.to_owned()).or_default();
        let before = record.clone();
        change(record);
        let Some(store) = self.store.as_ref().filter(|_| *record != before) else { return Ok(None) };
        // Maps with keys that are texts, and nothing else: that cannot fail.
        let record = serde_json::to_vec(record).unwrap_or_default();
        store.plugins().put(plugin, record, Durability::Now).map(Some)
    }

    /// The contents that some record needs.
    #[must_use]
    pub fn contents(&self) -> BTreeSet<String> {
        let records = self.lock();
        records.values().flat_map(Record::contents).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_survives() {
        let folder = tempfile::tempdir().expect("a folder");
        let passed = PassedOver { hash: "b".into(), why: "it trapped".into() };
        let want =
            Record { disabled: true, passed_over: Some(passed), live: Some("a".into()), ..Record::default() };
        {
            let store = Store::open(folder.path()).expect("a store");
            store
                .plugins()
                .put("odd", b"{".to_vec(), Durability::Now)
                .expect("taken")
                .wait()
                .expect("written");
            let records = Records::load(Some(store)).expect("records");
            records.change("greet", |record| *record = want.clone());
            assert_eq!(records.of("greet"), want);
        }
        let records = Records::load(Some(Store::open(folder.path()).expect("a store"))).expect("records");
        assert_eq!((records.of("greet"), records.of("odd")), (want, Record::default()));
        assert_eq!(records.contents(), ["a".to_owned()].into());
    }
}
