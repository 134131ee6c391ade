//! The state beside a log of what calls did, over crashes and openings; limits, ends and races.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use proptest::prelude::*;

use super::*;

/// A state in a store of its own, that can be opened again.
struct Home {
    folder: tempfile::TempDir,
    store: Store,
    states: Arc<States>,
    work: Arc<Work>,
    state: Arc<State>,
}

impl Home {
    fn open(folder: tempfile::TempDir, quota: ByteSize) -> Self {
        let store = Store::open(folder.path()).expect("a store");
        let (states, work) = (States::new(Some(store.clone())), Arc::<Work>::default());
        let state = states.open(&"ledger".into(), quota, Arc::clone(&work));
        Self { folder, store, states, work, state }
    }

    fn new(quota: ByteSize) -> Self {
        Self::open(tempfile::tempdir().expect("a folder"), quota)
    }

    fn reopen(self) -> Self {
        let Self { folder, store, states, work, state } = self;
        drop((store, states, work, state));
        Self::open(folder, QUOTA)
    }

    /// What a node finds that is started on a copy of this one's disk.
    fn crashed(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |of: &Path| of.join("store.redb");
        fs::copy(file(self.folder.path()), file(folder.path())).expect("copied");
        Self::open(folder, QUOTA)
    }
}

fn text(state: &State, key: &str) -> Option<String> {
    let value = state.value(key).expect("a readable store")?;
    Some(String::from_utf8_lossy(&value).into_owned())
}

async fn put(writes: &mut Writes, key: &str, value: &str) {
    writes.put(key, Some(value.into()), None).await.expect("taken");
}

#[tokio::test]
async fn a_call_is_seen_at_once_and_kept_as_a_whole_or_not_at_all() -> Result<()> {
    let home = Home::new(QUOTA);
    let (mut one, mut other) = (home.state.begin(), home.state.begin());
    put(&mut one, "once/1", "x").await;
    assert_eq!(one.add("sum", 5).await?, 5);
    assert_eq!(other.add("sum", 2).await?, 7, "others see it at once");
    put(&mut other, "once/2", "x").await;
    other.keep();
    home.state.flush().await?;
    let after = home.crashed();
    assert_eq!((text(&after.state, "sum"), text(&after.state, "once/1")), (Some("2".into()), None));
    assert_eq!(text(&home.state, "sum"), Some("7".into()));
    drop(one);
    assert_eq!((text(&home.state, "sum"), text(&home.state, "once/1")), (Some("2".into()), None));
    let mut third = home.state.begin();
    put(&mut third, "half", "flushed").await;
    third.flush().await?;
    put(&mut third, "rest", "not").await;
    drop(third);
    let after = home.reopen();
    assert_eq!((text(&after.state, "half"), text(&after.state, "rest")), (Some("flushed".into()), None));
    assert_eq!(after.work.state_bytes.value(), ("sum2".len() + "once/2x".len() + "halfflushed".len()) as u64);
    Ok(())
}

#[tokio::test]
async fn limits_are_said_and_nothing_is_written_past_them() -> Result<()> {
    let home = Home::new(ByteSize(100));
    let mut writes = home.state.begin();
    let refused = async |writes: &mut Writes, key: &str, value: usize| {
        let error = writes.put(key, Some(vec![0; value]), None).await.expect_err("over a limit");
        error.to_string()
    };
    assert_eq!(refused(&mut writes, "", 1).await, "a key has at least one byte");
    assert_eq!(refused(&mut writes, &"k".repeat(1_025), 1).await, "a key has at most 1024 bytes");
    assert_eq!(refused(&mut writes, "k", (1 << 20) + 1).await, "a value has at most 1048576 bytes");
    let over = "all that the plugin keeps has at most 100 bytes";
    assert_eq!(refused(&mut writes, "k", 100).await, over);
    writes.put("k", Some(vec![0; 60]), None).await?;
    assert_eq!(refused(&mut writes, "l", 40).await, over);
    writes.put("k", Some(vec![0; 99]), None).await?;
    assert_eq!(writes.add("sum", 1).await.expect_err("no room").to_string(), over);
    writes.put("k", None, None).await?;
    assert_eq!(writes.add("sum", i64::MAX).await?, i64::MAX);
    let error = writes.add("sum", 1).await.expect_err("it does not fit");
    assert_eq!(error.to_string(), "the sum of `sum` would not fit 64 bits");
    put(&mut writes, "t", "ten").await;
    let error = writes.add("t", 1).await.expect_err("no number");
    assert_eq!(error.to_string(), "`t` holds no whole number in decimal digits");
    assert_eq!(home.work.state_bytes.value(), 3 + 19 + 4);
    Ok(())
}

#[tokio::test]
async fn what_ends_is_not_seen_then_swept_and_its_room_is_free() -> Result<()> {
    for in_memory in [false, true] {
        let home = Home::new(QUOTA);
        let memory = States::new(None);
        let (states, work) =
            if in_memory { (&memory, Arc::default()) } else { (&home.states, home.work.clone()) };
        let state = states.open(&"other".into(), QUOTA, Arc::clone(&work));
        let mut writes = state.begin();
        writes.put("short", Some(vec![1; 50]), Some(Duration::from_millis(20))).await?;
        writes.put("long", Some(vec![1; 50]), Some(Duration::from_secs(3_600))).await?;
        put(&mut writes, "for ever", "x").await;
        writes.keep();
        let mut look = tokio::time::interval(Duration::from_millis(2));
        while state.value("short")?.is_some() {
            look.tick().await;
        }
        assert_eq!(state.keys("", None, 0)?, ["for ever", "long"]);
        let all = (55 + 54 + 9) as u64;
        assert_eq!(work.state_bytes.value(), all, "it counts until it is swept");
        state.flush().await?;
        states.sweep(unix_ms());
        assert_eq!(work.state_bytes.value(), all - 55);
        states.sweep(unix_ms() + 3_700_000);
        assert_eq!((work.state_bytes.value(), state.keys("", None, 0)?), (9, vec!["for ever".to_owned()]));
        if !in_memory {
            home.store.flush()?.wait()?;
            assert_eq!(home.store.state().ended(u64::MAX, 9)?, []);
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_ended_while_the_plugin_was_away_is_swept_too() -> Result<()> {
    let home = Home::new(QUOTA);
    let mut writes = home.state.begin();
    writes.put("short", Some(vec![1; 50]), Some(Duration::from_millis(1))).await?;
    writes.keep();
    let mut look = tokio::time::interval(Duration::from_millis(2));
    while home.state.value("short")?.is_some() {
        look.tick().await;
    }
    let home = home.reopen();
    assert_eq!((home.work.state_bytes.value(), home.store.state().ended(u64::MAX, 9)?.len()), (0, 1));
    home.states.sweep(unix_ms());
    home.store.flush()?.wait()?;
    assert_eq!((home.work.state_bytes.value(), home.store.state().ended(u64::MAX, 9)?.len()), (0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_race_add_and_swap_exactly() -> Result<()> {
    const RACERS: i64 = 8;
    const ROUNDS: i64 = 300;
    let home = Home::new(QUOTA);
    let mut racers = tokio::task::JoinSet::new();
    for racer in 0..RACERS {
        let state = Arc::clone(&home.state);
        racers.spawn(async move {
            for round in 0..ROUNDS {
                let mut writes = state.begin();
                writes.add("added", 1).await?;
                loop {
                    let before = state.value("swapped")?;
                    let sum: i64 = before
                        .as_ref()
                        .map_or(Ok(0), |digits| str::from_utf8(digits)?.parse().context("a sum"))?;
                    let after = Some((sum + 1).to_string().into_bytes());
                    if writes.swap("swapped", before.as_deref(), after, None).await? {
                        break;
                    }
                }
                // Every third round is discarded, and its sums with it.
                if (racer + round) % 3 != 0 {
                    writes.keep();
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = racers.join_next().await {
        done??;
    }
    let kept = (0..RACERS).flat_map(|a| (0..ROUNDS).map(move |b| a + b)).filter(|n| n % 3 != 0).count();
    assert_eq!(text(&home.state, "added"), Some(kept.to_string()));
    let home = home.reopen();
    assert_eq!(text(&home.state, "added"), Some(kept.to_string()));
    Ok(())
}

#[tokio::test]
async fn much_at_once_waits_for_the_disk_and_is_there() -> Result<()> {
    let home = Home::new(ByteSize::mib(64));
    let mut writes = home.state.begin();
    for n in 0..24 {
        writes.put(&format!("big/{n:02}"), Some(vec![n; 1 << 20]), None).await?;
    }
    writes.keep();
    for n in 0..2_500 {
        let mut writes = home.state.begin();
        put(&mut writes, &format!("small/{n:04}"), "x").await;
        writes.keep();
    }
    let home = home.reopen();
    assert_eq!(home.state.keys("big/", None, 0)?.len(), 24);
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = home.state.keys("small/", after.as_deref(), 0)?;
        let Some(last) = page.last().cloned() else { break };
        assert!(page.len() <= KEYS_MAX);
        keys.extend(page);
        after = Some(last);
    }
    assert!(keys.len() == 2_500 && keys.is_sorted(), "{}", keys.len());
    Ok(())
}

/// What one of three calls does next.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, Option<u8>),
    Add(u8, i8),
    Swap(u8, Option<u8>, Option<u8>),
    Keep,
    Discard,
    Flush,
    Crash,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0_u8..5;
    let value = prop::option::of(0_u8..4);
    prop_oneof![
        4 => (key.clone(), value.clone()).prop_map(|(key, value)| Step::Put(key, value)),
        4 => (key.clone(), any::<i8>()).prop_map(|(key, more)| Step::Add(key, more)),
        3 => (key, value.clone(), value).prop_map(|(key, a, b)| Step::Swap(key, a, b)),
        3 => Just(Step::Keep),
        1 => Just(Step::Discard),
        1 => Just(Step::Flush),
        1 => Just(Step::Crash),
        1 => Just(Step::Reopen),
    ]
}

/// One change that a call made, in the order of all.
struct Did {
    call: usize,
    kept: bool,
    key: String,
    write: Result<Option<String>, i64>,
}

/// What is there when these changes were made one after the other.
fn replayed<'d>(log: impl Iterator<Item = &'d Did>) -> BTreeMap<String, String> {
    let mut map: BTreeMap<String, String> = BTreeMap::new();
    for Did { key, write, .. } in log {
        match write {
            Ok(Some(value)) => drop(map.insert(key.clone(), value.clone())),
            Ok(None) => drop(map.remove(key)),
            Err(more) => {
                let before = map.get(key).and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0);
                map.insert(key.clone(), (before + more).to_string());
            }
        }
    }
    map
}

fn contents(state: &State) -> BTreeMap<String, String> {
    let keys = state.keys("", None, 0).expect("keys");
    keys.into_iter().map(|key| (key.clone(), text(state, &key).expect("a listed key"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn it_is_what_the_log_of_all_calls_says(steps in prop::collection::vec((0_usize..3, step()), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(check_log(steps))?;
    }
}

async fn check_log(steps: Vec<(usize, Step)>) -> Result<(), TestCaseError> {
    let mut home = Home::new(QUOTA);
    let mut log: Vec<Did> = Vec::new();
    let mut calls: [Option<Writes>; 3] = [None, None, None];
    // Values that are numbers and others.
    let value = |n: u8| ["1", "-20", "x", ""][usize::from(n)].to_owned();
    for (call, step) in steps {
        let seen = replayed(log.iter());
        let writes = calls[call].get_or_insert_with(|| home.state.begin());
        let mut did = |key: String, write| log.push(Did { call, kept: false, key, write });
        match step {
            Step::Put(key, new) => {
                let (key, new) = (format!("k{key}"), new.map(value));
                writes.put(&key, new.clone().map(String::into_bytes), None).await.expect("taken");
                did(key, Ok(new));
            }
            Step::Add(key, more) => {
                let key = format!("k{key}");
                let before = seen.get(&key).map_or(Some(0), |digits| digits.parse::<i64>().ok());
                let sum = writes.add(&key, more.into()).await;
                prop_assert_eq!(sum.as_ref().ok().copied(), before.map(|before| before + i64::from(more)));
                if sum.is_ok() {
                    did(key, Err(more.into()));
                }
            }
            Step::Swap(key, old, new) => {
                let (key, old, new) = (format!("k{key}"), old.map(value), new.map(value));
                let expected = old.as_ref().map(String::as_bytes);
                let swapped = writes.swap(&key, expected, new.clone().map(String::into_bytes), None).await;
                let swapped = swapped.expect("an answer");
                prop_assert_eq!(swapped, seen.get(&key) == old.as_ref());
                if swapped {
                    did(key, Ok(new));
                }
            }
            Step::Keep => {
                if let Some(writes) = calls[call].take() {
                    writes.keep();
                }
                log.iter_mut().filter(|did| did.call == call).for_each(|did| did.kept = true);
            }
            Step::Discard => {
                calls[call] = None;
                log.retain(|did| did.call != call || did.kept);
            }
            Step::Flush => {
                writes.flush().await.expect("flushed");
                log.iter_mut().filter(|did| did.call == call).for_each(|did| did.kept = true);
            }
            Step::Crash => {
                home.state.flush().await.expect("flushed");
                let after = home.crashed();
                prop_assert_eq!(contents(&after.state), replayed(log.iter().filter(|did| did.kept)));
            }
            Step::Reopen => {
                calls = [None, None, None];
                log.retain(|did| did.kept);
                home = home.reopen();
            }
        }
        let seen = replayed(log.iter());
        let bytes: usize = seen.iter().map(|(key, value)| key.len() + value.len()).sum();
        prop_assert_eq!(contents(&home.state), seen);
        prop_assert_eq!(home.work.state_bytes.value(), bytes as u64);
    }
    Ok(())
}
