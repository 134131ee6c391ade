//! The store's tables beside plain maps, and files that are not what they should be.

use std::{
    collections::BTreeMap,
    fs, panic,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use hive_proto::{
    channel::{Channel, NetworkName},
    pattern::Pattern,
    time::Hlc,
};
use proptest::prelude::*;

use super::*;

fn network(name: &str) -> NetworkName {
    NetworkName::parse(name).expect("a name")
}

fn channel(name: &str) -> Channel {
    Channel::parse(name).expect("a channel")
}

fn value(time: u64, bytes: &'static [u8]) -> RetainedValue {
    RetainedValue { time: Hlc(time), bytes: Some(Bytes::from_static(bytes)) }
}

fn cleared(time: u64) -> RetainedValue {
    RetainedValue { time: Hlc(time), bytes: None }
}

fn change(key: &str, bytes: &[u8], ends_ms: Option<u64>) -> StateChange {
    StateChange { key: key.into(), value: Some(StateValue { bytes: bytes.to_vec().into(), ends_ms }) }
}

/// Waits until all that was handed over before is readable.
fn settle(store: &Store) -> Result<()> {
    Ok(store.state().sweep(0)?.wait()?)
}

fn matching(store: &Store, network: &NetworkName, pattern: &str) -> Result<Vec<(String, RetainedValue)>> {
    let mut found = Vec::new();
    store.retained().matching(network, &Pattern::parse(pattern)?, |channel, value| {
        found.push((channel.to_string(), value));
        true
    })?;
    Ok(found)
}

#[test]
fn what_is_retained_is_there_after_opening_again() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (farm, barn) = (network("farm"), network("barn"));
    let store = Store::open(dir.path())?;
    let retained = store.retained();
    for (channel_name, value) in
        [("a/b", value(1, b"one")), ("a/b/c", value(2, b"two")), ("a/d", cleared(3)), ("ab/c", value(4, b""))]
    {
        retained.put(&farm, &channel(channel_name), value, Durability::Soon)?.forget();
    }
    retained.put(&barn, &channel("a/b"), value(9, b"other"), Durability::Now)?.wait()?;
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Busy { .. })));
    let check = |store: &Store| -> Result<()> {
        let found = matching(store, &farm, "a/**")?;
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a/b", "a/b/c", "a/d"]);
        assert_eq!(found[2].1, cleared(3));
        assert_eq!(matching(store, &farm, "**")?.len(), 4);
        assert_eq!(matching(store, &farm, "a/b")?, [("a/b".to_owned(), value(1, b"one"))]);
        assert_eq!(store.retained().value(&barn, &channel("a/b"))?, Some(value(9, b"other")));
        assert_eq!(store.retained().totals(&farm)?, (3, 3 + 3 + 5 + 3 + 3 + 4));
        assert_eq!(store.retained().totals(&network("shed"))?, (0, 0));
        Ok(())
    };
    check(&store)?;
    drop(store);
    check(&Store::open(dir.path())?)
}

#[test]
fn cleared_channels_are_forgotten_by_time() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let farm = network("farm");
    let store = Store::open(dir.path())?;
    for (name, value) in [("a/old", cleared(5)), ("a/new", cleared(50)), ("a/kept", value(1, b"x"))] {
        store.retained().put(&farm, &channel(name), value, Durability::Soon)?.forget();
    }
    store.retained().put(&network("fa"), &channel("a/old"), cleared(5), Durability::Soon)?.forget();
    store.retained().forget_cleared(&farm, Hlc(50))?.wait()?;
    let names: Vec<_> = matching(&store, &farm, "**")?.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a/kept", "a/new"]);
    assert_eq!(store.retained().totals(&farm)?, (1, 6 + 1 + 5));
    assert!(store.retained().value(&network("fa"), &channel("a/old"))?.is_some(), "another network's");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn totals_are_those_of_a_map(
        changes in prop::collection::vec((0_u8..2, 0_u8..6, prop::option::of((any::<bool>(), 0_usize..50))), 1..60),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).expect("a store");
        let mut model = BTreeMap::new();
        for (of, name, change) in changes {
            let (of, name) = (network(&format!("n{of}")), channel(&format!("a/{}", "x".repeat(usize::from(name) + 1))));
            let value = change.map(|(is_value, bytes)| RetainedValue {
                time: Hlc(bytes as u64),
                bytes: is_value.then(|| vec![7; bytes].into()),
            });
            match value {
                Some(value) => {
                    store.retained().put(&of, &name, value.clone(), Durability::Soon).expect("room").forget();
                    model.insert((of, name), value);
                }
                None => {
                    store.retained().remove(&of, &name, Durability::Soon).expect("room").forget();
                    model.remove(&(of, name));
                }
            }
        }
        settle(&store).expect("written");
        for of in ["n0", "n1"].map(network) {
            let own = model.iter().filter(|((network, _), _)| *network == of);
            let want: Vec<_> = own.map(|((_, name), value)| (name.to_string(), value.clone())).collect();
            let bytes = |value: &RetainedValue| value.bytes.as_ref().map_or(0, Bytes::len);
            let totals = want.iter().fold((0, 0), |(count, sum), (name, value)| {
                (count + u64::from(value.bytes.is_some()), sum + (name.len() + bytes(value)) as u64)
            });
            prop_assert_eq!(store.retained().totals(&of).expect("totals"), totals);
            prop_assert_eq!(matching(&store, &of, "**").expect("values"), want);
        }
    }
}

#[test]
fn state_ends_when_it_should() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path())?;
    let state = store.state();
    let put = |plugin: &str, key: &str, ends| -> Result<()> {
        state.write(plugin, vec![change(key, key.as_bytes(), ends)], Durability::Soon)?.forget();
        Ok(())
    };
    for (key, ends) in [("a/1", None), ("a/2", Some(100)), ("a/3", Some(200)), ("b/1", Some(100))] {
        put("counter", key, ends)?;
    }
    put("counte", "a/0", None)?;
    put("counter2", "a/9", Some(100))?;
    // It had an end and has another one now.
    put("counter", "a/3", None)?;
    settle(&store)?;
    let keys = |prefix: &str, after: Option<&str>, now, most| -> Result<Vec<String>> {
        Ok(state.keys(("counter", prefix), after, now, most)?)
    };
    assert_eq!(keys("a/", None, 99, 9)?, ["a/1", "a/2", "a/3"]);
    assert_eq!(keys("a/", None, 100, 9)?, ["a/1", "a/3"]);
    assert_eq!(keys("", Some("a/1"), 0, 2)?, ["a/2", "a/3"]);
    let ending = state.value("counter", "a/2")?.context("it is there until it is swept")?;
    assert_eq!((&ending.bytes[..], ending.is_alive(99), ending.is_alive(100)), (&b"a/2"[..], true, false));
    assert_eq!((state.usage("counter", 99)?, state.usage("counter", 100)?), (4 * 6, 2 * 6));
    assert_eq!(state.ended(100, 1)?, [("counter".to_owned(), "a/2".to_owned())]);
    state.sweep(300)?.wait()?;
    assert_eq!(state.ended(300, 9)?, []);
    assert_eq!(keys("", None, 0, 9)?, ["a/1", "a/3"], "what ended is gone, what has no end any more is not");
    state.forget("counter", Durability::Soon)?.wait()?;
    assert!(keys("", None, 0, 9)?.is_empty());
    assert!(state.value("counte", "a/0")?.is_some());
    let refused = state.write("counter", vec![change(&"k".repeat(2_000), b"", None)], Durability::Soon);
    assert!(matches!(refused, Err(StoreError::TooLarge { what: "key", bytes: 2_000, .. })));
    Ok(())
}

#[test]
fn dead_letters_are_listed_in_order() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path())?;
    let letters = store.dead_letters();
    assert_eq!(letters.last("greeter")?, None);
    for number in [3, 1, 2, 300] {
        letters.put("greeter", number, vec![1; 3], Durability::Soon)?.forget();
    }
    letters.put("other", 7, vec![2], Durability::Soon)?.forget();
    letters.remove("greeter", 2, Durability::Now)?.wait()?;
    assert_eq!(letters.last("greeter")?, Some(300));
    let numbers: Vec<_> = letters.from("greeter", 0, 9)?.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 3, 300]);
    assert_eq!(letters.from("greeter", 2, 1)?, [(3, vec![1; 3])]);
    Ok(())
}

/// What was waited for is in the file although the process says nothing more: a copy of it has it.
#[test]
fn what_is_durable_is_in_the_file_at_once() -> Result<()> {
    let (dir, copy) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let store = Store::open(dir.path())?;
    for n in 0..20_u64 {
        let key = n.to_string();
        store.state().write("soon", vec![change(&key, &[1; 500], None)], Durability::Soon)?.forget();
        match n % 2 {
            0 => store.state().write("now", vec![change(&key, &[2; 500], None)], Durability::Now)?.wait()?,
            _ => {
                store.state().write("now", vec![change(&key, &[2; 500], None)], Durability::Soon)?.forget();
                store.flush()?.wait()?;
            }
        }
        fs::copy(dir.path().join(FILE), copy.path().join(FILE))?;
        let store = Store::open(copy.path())?;
        // What came before it is there, too.
        for plugin in ["now", "soon"] {
            assert!(store.state().value(plugin, &key)?.is_some(), "{plugin} {n}");
        }
    }
    Ok(())
}

/// What nobody waits for is there within a second or so, also when more comes all the time.
#[test]
fn what_comes_without_a_pause_is_in_the_file_soon() -> Result<()> {
    let (dir, copy) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let store = Store::open(dir.path())?;
    store.dead_letters().put("greeter", 1, vec![1], Durability::Now)?.wait()?;
    let begun = Instant::now();
    for number in 2.. {
        ensure!(begun.elapsed() < Duration::from_secs(20), "none is there, and {number} have come");
        store.dead_letters().put("greeter", number, vec![1], Durability::Soon)?.wait()?;
        if number % 100 != 0 {
            continue;
        }
        fs::copy(dir.path().join(FILE), copy.path().join(FILE))?;
        // A copy that was taken in the middle of a commit may be none.
        let copied = Store::open(copy.path()).and_then(|copied| copied.dead_letters().letter("greeter", 2));
        if matches!(copied, Ok(Some(_))) {
            break;
        }
    }
    Ok(())
}

#[test]
fn what_is_no_store_is_refused_with_words() -> Result<()> {
    let check = |bytes: &[u8], want: &str| -> Result<()> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join(FILE), bytes)?;
        let error = Store::open(dir.path()).err().context("it was opened")?;
        assert!(error.to_string().contains(want), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("move it away")), "{error}");
        Ok(())
    };
    check(b"hello", "is damaged")?;
    check(&[0; 9_000], "is damaged")?;
    let dir = tempfile::tempdir()?;
    drop(Database::create(dir.path().join(FILE))?);
    Store::open(dir.path())?
        .retained()
        .put(&network("farm"), &channel("a/b"), cleared(1), Durability::Now)?
        .wait()?;

    let dir = tempfile::tempdir()?;
    drop(Store::open(dir.path())?);
    let database = Database::create(dir.path().join(FILE))?;
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(FORMAT_KEY, 9)?;
    transaction.commit()?;
    drop(database);
    let error = Store::open(dir.path()).expect_err("another version's");
    assert!(error.to_string().ends_with("has format 9; this version reads format 1"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("run the version that wrote it")));
    Ok(())
}

/// A flipped or cut file is an error or another value, and never a panic.
#[test]
fn a_damaged_file_never_panics() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path())?;
    let farm = network("farm");
    for n in 0..200 {
        store
            .retained()
            .put(&farm, &channel(&format!("a/{n}")), value(n, &[7; 300]), Durability::Soon)?
            .forget();
    }
    settle(&store)?;
    drop(store);
    let whole = fs::read(dir.path().join(FILE))?;
    let mut refused = 0;
    for round in 0..300_usize {
        let mut bytes = whole.clone();
        let at = if round < 100 { round * 5 } else { round.wrapping_mul(7_919 * 31) % whole.len() };
        match round % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << (round % 8),
            _ => bytes[at..].iter_mut().take(4_096).for_each(|byte| *byte = 0),
        }
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join(FILE), bytes)?;
        let read = panic::catch_unwind(|| -> Result<()> {
            let store = Store::open(dir.path())?;
            matching(&store, &farm, "**")?;
            store.retained().put(&farm, &channel("a/b"), cleared(1), Durability::Now)?.wait()?;
            Ok(())
        });
        refused += usize::from(read.unwrap_or_else(|_| panic!("round {round} at {at}")).is_err());
    }
    assert!(refused > 20, "{refused}");
    Ok(())
}
