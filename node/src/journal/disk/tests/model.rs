//! Anything in any order, on a disk that is full, fails and loses its power, beside a map of what should be there.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    /// So many events of so many bytes, at once.
    Append(u8, u16),
    Register(u8, u16),
    Acknowledge(u8, u16, u8),
    Forget(u8),
    /// The disk takes only so many bytes more, until the next step that mends it.
    Room(u16),
    FailSyncs(u8),
    FailCuts,
    Mend,
    Reopen,
    /// In the middle of so many appends, with chance from this seed.
    PowerCut(u8, u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (1_u8..30, 0_u16..300).prop_map(|(n, bytes)| Op::Append(n, bytes)),
        1 => (0_u8..3, any::<u16>()).prop_map(|(group, at)| Op::Register(group, at)),
        6 => (0_u8..3, any::<u16>(), 0_u8..40).prop_map(|(group, at, more)| Op::Acknowledge(group, at, more)),
        1 => (0_u8..3).prop_map(Op::Forget),
        1 => (0_u16..3_000).prop_map(Op::Room),
        1 => (1_u8..3).prop_map(Op::FailSyncs),
        1 => Just(Op::FailCuts),
        2 => Just(Op::Mend),
        2 => Just(Op::Reopen),
        2 => (0_u8..20, any::<u64>()).prop_map(|(n, seed)| Op::PowerCut(n, seed)),
    ]
}

/// What should be there.
#[derive(Debug, Default)]
struct Model {
    /// Durable, by position.
    durable: BTreeMap<u64, Logged>,
    /// Not acknowledged to the publisher: may be there or not.
    maybe: Vec<Logged>,
    groups: BTreeMap<u8, Group>,
    sequence: u64,
}

#[derive(Debug, Default)]
struct Group {
    /// It was told that it is registered.
    sure: bool,
    /// Saved: may not be forgotten.
    saved: BTreeSet<u64>,
    /// Ever acknowledged: nothing else may be.
    said: BTreeSet<u64>,
    /// It was back after a forgetting that was not saved: what it needed may have gone meanwhile.
    back: bool,
}

struct Run {
    dir: tempfile::TempDir,
    weather: Arc<Weather>,
    journal: Option<DiskJournal>,
    model: Model,
}

fn settings() -> Settings {
    Settings { max_bytes: 24 << 10, queue_bytes: 16 << 10, ..small() }
}

fn group_name(group: u8) -> CursorName {
    name(&format!("group-{group}"))
}

impl Run {
    fn journal(&self) -> &DiskJournal {
        self.journal.as_ref().expect("it is open")
    }

    async fn step(&mut self, op: Op) -> Result<()> {
        match op {
            Op::Append(n, bytes) => self.append(n, bytes).await,
            Op::Register(group, at) => self.register(group, at).await?,
            Op::Acknowledge(group, at, more) => self.acknowledge(group, at, more).await?,
            Op::Forget(group) => {
                if let Ok(saving) = self.journal().forget(&group_name(group)) {
                    // Until it is saved it may come back; then as it was.
                    let saved = saving.await.is_ok();
                    let known = self.model.groups.get_mut(&group).context("it was there")?;
                    known.sure = false;
                    if saved {
                        self.model.groups.remove(&group);
                    }
                }
            }
            Op::Room(bytes) => self.weather.set_room(Some(bytes.into())),
            Op::FailSyncs(syncs) => self.weather.fail_syncs(syncs.into()),
            Op::FailCuts => self.weather.fail_cuts(true),
            Op::Mend => self.mend(),
            Op::Reopen => {
                self.mend();
                self.journal().close().await;
                self.reopen().await?;
            }
            Op::PowerCut(n, seed) => self.power_cut(n, seed).await?,
        }
        Ok(())
    }

    fn mend(&self) {
        self.weather.set_room(None);
        self.weather.fail_syncs(0);
        self.weather.fail_cuts(false);
    }

    fn next_event(&mut self, bytes: u16) -> Logged {
        self.model.sequence += 1;
        event(self.model.sequence, "a/b", vec![self.model.sequence as u8; bytes.into()])
    }

    async fn append(&mut self, n: u8, bytes: u16) {
        let events: Vec<_> = (0..n).map(|_| self.next_event(bytes)).collect();
        let waiting: Vec<_> = events.iter().map(|event| self.journal().append(event)).collect();
        for (event, waiting) in events.into_iter().zip(waiting) {
            // What was not even queued is not there.
            let Ok(waiting) = waiting else { continue };
            match waiting.await {
                Ok(position) => assert_eq!(self.model.durable.insert(position, event), None, "given twice"),
                Err(_) => self.model.maybe.push(event),
            }
        }
    }

    async fn register(&mut self, group: u8, at: u16) -> Result<()> {
        let last = self.journal().status().last;
        let start = Start::Position(u64::from(at) % (last + 2));
        let had = self.journal().cursor(&group_name(group)).is_some();
        let registered = self.journal().register(group_name(group), start).await;
        let Some(cursor) = self.journal().cursor(&group_name(group)) else { return Ok(()) };
        let known = self.model.groups.entry(group).or_default();
        if !had {
            // Whatever it was before it was forgotten may still be on the disk, if that was not saved.
            let before = std::mem::take(known);
            known.said = before.said;
            known.said.extend(1..=cursor.floor());
        }
        known.sure |= registered.is_ok();
        Ok(())
    }

    async fn acknowledge(&mut self, group: u8, at: u16, more: u8) -> Result<()> {
        let last = self.journal().status().last;
        if last == 0 || !self.model.groups.contains_key(&group) {
            return Ok(());
        }
        let floor = self.journal().cursor(&group_name(group)).map_or(0, |cursor| cursor.floor());
        // Mostly from the floor on, or nothing would ever go.
        let first = if at.is_multiple_of(3) { 1 + u64::from(at) % last } else { floor + 1 };
        let end = (first + u64::from(more)).min(last);
        let Ok(saving) = self.journal().acknowledge(&group_name(group), first..=end) else { return Ok(()) };
        let saved = saving.await.is_ok();
        let known = self.model.groups.get_mut(&group).context("a group")?;
        known.said.extend(first..=end);
        if saved {
            known.sure = true;
            known.saved.extend(first..=end);
        }
        Ok(())
    }

    async fn power_cut(&mut self, n: u8, mut seed: u64) -> Result<()> {
        let events: Vec<_> = (0..n).map(|_| self.next_event(90)).collect();
        let waiting: Vec<_> = events.iter().map(|event| self.journal().append(event)).collect();
        // Some of them get through first, as chance has it.
        tokio::task::yield_now().await;
        self.weather.cut_power();
        for (event, waiting) in events.into_iter().zip(waiting) {
            let Ok(waiting) = waiting else { continue };
            match waiting.await {
                Ok(position) => assert_eq!(self.model.durable.insert(position, event), None),
                Err(_) => self.model.maybe.push(event),
            }
        }
        self.journal().close().await;
        self.weather.restore_power(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 63 == 1
        })?;
        self.reopen().await
    }

    async fn reopen(&mut self) -> Result<()> {
        self.journal = None;
        let journal = open_in(self.dir.path(), settings(), &self.weather)?;
        self.journal = Some(journal);
        // What came back without having been acknowledged has a position for good.
        let read = all(self.journal(), 1, &[]).await?;
        for (position, read) in &read {
            if !self.model.durable.contains_key(position) {
                let at = self.model.maybe.iter().position(|maybe| maybe == read);
                let at = at.with_context(|| format!("position {position} was never published"))?;
                self.model.durable.insert(*position, self.model.maybe.swap_remove(at));
            }
        }
        for known in self.model.groups.values_mut() {
            known.back |= !known.sure;
        }
        self.check(&read)?;
        let cursors: Vec<_> = (0..3).map(|group| self.journal().cursor(&group_name(group))).collect();
        for (group, cursor) in (0_u8..).zip(cursors) {
            match cursor {
                None => {
                    if let Some(known) = self.model.groups.remove(&group) {
                        assert!(!known.sure, "group {group} is gone");
                    }
                }
                Some(_) => self.model.groups.entry(group).or_default().sure = true,
            }
        }
        Ok(())
    }

    fn check(&self, read: &BTreeMap<u64, Logged>) -> Result<()> {
        // The journal's thread lets segments go while they are read, too.
        let first = self.journal().status().first;
        let positions: Vec<_> = read.keys().copied().filter(|position| *position >= first).collect();
        assert!(positions.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{positions:?}");
        for (position, event) in &self.model.durable {
            match read.get(position) {
                Some(read) => assert_eq!(read, event, "position {position}"),
                // It may have gone, but only from the front, and only when everybody had passed it.
                None => assert!(*position < first, "position {position} is lost"),
            }
        }
        for (group, known) in &self.model.groups {
            let status = self.journal().status();
            let Some(cursor) = self.journal().cursor(&group_name(*group)) else { continue };
            let lost = status.cursors.iter().any(|one| one.name == group_name(*group) && one.lost > 0);
            assert!(known.back || !lost, "group {group} lost something");
            for position in if lost { first } else { 1 }..=self.journal().status().last {
                if cursor.has(position) {
                    assert!(known.said.contains(&position), "group {group} never acknowledged {position}");
                } else if known.sure {
                    assert!(!known.saved.contains(&position), "group {group} is back before {position}");
                    assert!(
                        !self.model.durable.contains_key(&position) || position >= first,
                        "{group} needs {position}"
                    );
                }
            }
        }
        Ok(())
    }

    async fn run(ops: Vec<Op>) -> Result<()> {
        let (dir, weather) = (tempfile::tempdir()?, Arc::new(Weather::default()));
        let journal = Some(open_in(dir.path(), settings(), &weather)?);
        let mut run = Self { dir, weather, journal, model: Model::default() };
        for op in ops {
            run.step(op).await?;
            let read = all(run.journal(), 1, &[]).await?;
            run.check(&read)?;
        }
        run.step(Op::Reopen).await
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_what_a_map_would_be(ops in prop::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(Run::run(ops)).map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
    }
}
