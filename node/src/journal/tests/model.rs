//! Anything in any order, beside a map of what should be there; JetStream's server is killed in between.

use std::collections::{BTreeSet, btree_map::Entry};

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    /// So many events of so many bytes, at once.
    Append(u8, u16),
    Register(u8, u16),
    Acknowledge(u8, u16, u8),
    Forget(u8),
    Reopen,
    /// Where servers keep it, one is killed and started again while so many events are on their way.
    Kill(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (1_u8..40, 0_u16..300).prop_map(|(n, bytes)| Op::Append(n, bytes)),
        2 => (0_u8..3, any::<u16>()).prop_map(|(group, at)| Op::Register(group, at)),
        6 => (0_u8..3, any::<u16>(), 0_u8..40).prop_map(|(group, at, more)| Op::Acknowledge(group, at, more)),
        1 => (0_u8..3).prop_map(Op::Forget),
        2 => Just(Op::Reopen),
        1 => (1_u8..200).prop_map(Op::Kill),
    ]
}

/// A journal and what should be in it.
struct Run<'a> {
    place: &'a mut Place,
    network: String,
    journal: Box<dyn Journal>,
    stored: BTreeMap<u64, Logged>,
    /// What each group has acknowledged.
    groups: BTreeMap<u8, BTreeSet<u64>>,
    sequence: u64,
}

fn group_name(group: u8) -> CursorName {
    name(&format!("group {group}.*>"))
}

impl<'a> Run<'a> {
    async fn new(place: &'a mut Place, network: String) -> Result<Self> {
        let journal = place.open(&network, settings()).await?;
        Ok(Self { place, network, journal, stored: BTreeMap::new(), groups: BTreeMap::new(), sequence: 0 })
    }

    async fn step(&mut self, op: Op) -> Result<()> {
        let last = self.stored.len() as u64;
        match op {
            Op::Append(n, bytes) => {
                let sent = self.send(n, bytes)?;
                self.await_all(sent).await?;
            }
            Op::Register(group, at) => {
                let start = Start::Position(u64::from(at) % (last + 2));
                let registered = self.journal.register(group_name(group), start).await?;
                match self.groups.entry(group) {
                    Entry::Occupied(_) => ensure!(registered.resumed),
                    Entry::Vacant(entry) => {
                        ensure!(!registered.resumed);
                        entry.insert((1..=registered.floor).collect());
                    }
                }
            }
            Op::Acknowledge(group, at, more) => {
                let Some(known) = self.groups.get_mut(&group).filter(|_| last > 0) else { return Ok(()) };
                let first = 1 + u64::from(at) % last;
                let end = (first + u64::from(more)).min(last);
                self.journal.acknowledge(&group_name(group), first..=end)?.await?;
                known.extend(first..=end);
            }
            Op::Forget(group) => match self.groups.remove(&group) {
                Some(_) => self.journal.forget(&group_name(group))?.await?,
                None => ensure!(self.journal.forget(&group_name(group)).is_err()),
            },
            Op::Reopen => self.reopen().await?,
            Op::Kill(n) => {
                let sent = self.send(n, 50)?;
                if let Place::Streams(servers, _) = self.place {
                    tokio::task::yield_now().await;
                    servers.kill(0)?;
                    servers.restart(0).await?;
                }
                self.await_all(sent).await?;
            }
        }
        Ok(())
    }

    fn send(&mut self, n: u8, bytes: u16) -> Result<Vec<(Logged, Appending)>> {
        let mut sent = Vec::new();
        for _ in 0..n {
            self.sequence += 1;
            let event = event(self.sequence, "a/b", vec![self.sequence as u8; bytes.into()]);
            let appending = self.journal.append(&event)?;
            sent.push((event, appending));
        }
        Ok(sent)
    }

    async fn await_all(&mut self, sent: Vec<(Logged, Appending)>) -> Result<()> {
        for (event, appending) in sent {
            let position = appending.await?;
            ensure!(self.stored.insert(position, event).is_none(), "{position} was given twice");
        }
        Ok(())
    }

    async fn reopen(&mut self) -> Result<()> {
        self.journal.close().await;
        self.journal = self.place.open(&self.network, settings()).await?;
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        ensure!(self.stored.keys().copied().eq(1..=self.stored.len() as u64), "holes");
        ensure!(all(&*self.journal, 1, &[]).await? == self.stored, "something else is read");
        for group in 0..3 {
            let cursor = self.journal.cursor(&group_name(group));
            let Some(known) = self.groups.get(&group) else {
                ensure!(cursor.is_none(), "group {group} is there");
                continue;
            };
            let cursor = cursor.with_context(|| format!("group {group} is gone"))?;
            for position in 1..=self.stored.len() as u64 {
                ensure!(cursor.has(position) == known.contains(&position), "group {group} at {position}");
            }
        }
        Ok(())
    }
}

#[test]
fn it_is_what_a_map_would_be() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for mut place in runtime.block_on(Place::all()).expect("engines") {
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            // A server that is killed and started takes its time.
            cases: if matches!(place, Place::Disk(_)) { 64 } else { 24 },
            max_shrink_iters: 64,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let mut case = 0;
        let (place, case) = (std::cell::RefCell::new(&mut place), std::cell::RefCell::new(&mut case));
        let outcome = runner.run(&prop::collection::vec(op(), 1..40), |ops| {
            let (mut place, mut case) = (place.borrow_mut(), case.borrow_mut());
            **case += 1;
            let network = format!("model-{}", **case);
            let ran = runtime.block_on(async {
                let mut run = Run::new(&mut place, network).await?;
                for op in ops {
                    run.step(op).await?;
                    run.check().await?;
                }
                run.reopen().await?;
                run.check().await
            });
            ran.map_err(|error| TestCaseError::fail(format!("{error:#}")))
        });
        outcome.expect("it is");
    }
}
