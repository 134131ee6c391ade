//! The cursors of one open journal: what was acknowledged, and how much of that is durable.
//!
//! What it owns: the rules that hold for cursors whichever engine keeps them, and which changes nobody has written yet.
//! It exists so that engines only write changes down and say what became of them. It must not know where to.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use hive_proto::plane::cursor::{Cursor, CursorChange, CursorName};

use super::{CursorError, CursorStatus, Registered};

/// Cursors of one journal: engines write and read all of them at once.
pub(super) const CURSORS_MAX: usize = 1_024;

/// All cursors of a journal.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    known: BTreeMap<CursorName, Tracked>,
    /// Those whose end is not written yet.
    forgotten: BTreeSet<CursorName>,
}

/// A cursor and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Tracked {
    pub(super) cursor: Cursor,
    /// When it was registered, in milliseconds since the Unix epoch.
    since_ms: u64,
    /// Positions that went although it had not acknowledged them.
    lost: u64,
    /// The floor that is durable: what decides what may go.
    durable_floor: u64,
    /// It changed since it was last given to who writes.
    dirty: bool,
}

impl Tracked {
    /// As it was read.
    pub(super) fn read(cursor: Cursor, since_ms: u64, lost: u64) -> Self {
        let durable_floor = cursor.floor();
        Self { cursor, since_ms, lost, durable_floor, dirty: false }
    }

    /// As it is to be written.
    pub(super) fn changed(cursor: Cursor, since_ms: u64, lost: u64) -> Self {
        Self { dirty: true, ..Self::read(cursor, since_ms, lost) }
    }

    fn change(&self, name: &CursorName) -> CursorChange {
        let Self { cursor, since_ms, lost, .. } = self;
        CursorChange::Set { name: name.clone(), cursor: cursor.clone(), since_ms: *since_ms, lost: *lost }
    }
}

impl Cursors {
    /// Those that were read when the journal was opened.
    pub(super) fn read(known: BTreeMap<CursorName, Tracked>) -> Self {
        Self { known, forgotten: BTreeSet::new() }
    }

    /// What one has acknowledged.
    pub(super) fn cursor(&self, name: &CursorName) -> Option<&Cursor> {
        self.known.get(name).map(|tracked| &tracked.cursor)
    }

    /// Whether a change waits to be written.
    pub(super) fn has_changes(&self) -> bool {
        !self.forgotten.is_empty() || self.known.values().any(|tracked| tracked.dirty)
    }

    /// Makes a cursor whose floor is before `next`, if there is none; the journal ends at `last`.
    pub(super) fn register(
        &mut self,
        name: &CursorName,
        next: u64,
        last: u64,
        now_ms: u64,
    ) -> Result<Registered, CursorError> {
        let known = self.known.get(name).map(|tracked| tracked.cursor.floor());
        if known.is_none() && self.known.len() >= CURSORS_MAX {
            return Err(CursorError::TooMany(CURSORS_MAX));
        }
        let floor = known.unwrap_or(next.saturating_sub(1).min(last));
        let fresh = || Tracked::read(Cursor::at(floor), now_ms, 0);
        self.known.entry(name.clone()).or_insert_with(fresh).dirty = true;
        Ok(Registered { floor, resumed: known.is_some() })
    }

    /// Acknowledges a stretch of what there is, up to `last`.
    pub(super) fn acknowledge(
        &mut self,
        name: &CursorName,
        positions: RangeInclusive<u64>,
        last: u64,
    ) -> Result<(), CursorError> {
        if *positions.end() > last {
            return Err(CursorError::Beyond { position: *positions.end(), last });
        }
        let tracked = self.known.get_mut(name).ok_or_else(|| CursorError::Unknown(name.clone()))?;
        tracked.dirty |= tracked.cursor.acknowledge(positions)?;
        Ok(())
    }

    /// Removes one.
    pub(super) fn forget(&mut self, name: &CursorName) -> Result<(), CursorError> {
        self.known.remove(name).ok_or_else(|| CursorError::Unknown(name.clone()))?;
        self.forgotten.insert(name.clone());
        Ok(())
    }

    /// What is to be written, each once.
    pub(super) fn take_changes(&mut self) -> Vec<CursorChange> {
        let forgotten = std::mem::take(&mut self.forgotten).into_iter();
        let mut changes: Vec<_> = forgotten.map(|name| CursorChange::Forgotten { name }).collect();
        for (name, tracked) in self.known.iter_mut().filter(|(_, tracked)| tracked.dirty) {
            tracked.dirty = false;
            changes.push(tracked.change(name));
        }
        changes
    }

    /// All of them as they are.
    pub(super) fn all(&self) -> Vec<CursorChange> {
        self.known.iter().map(|(name, tracked)| tracked.change(name)).collect()
    }

    /// What was taken is durable.
    pub(super) fn settle(&mut self, changes: &[CursorChange]) {
        for change in changes {
            if let CursorChange::Set { name, cursor, .. } = change
                && let Some(tracked) = self.known.get_mut(name)
            {
                tracked.durable_floor = tracked.durable_floor.max(cursor.floor());
            }
        }
    }

    /// What was taken is not durable, and is to be written with what changes next.
    pub(super) fn fail(&mut self, changes: &[CursorChange]) {
        for change in changes {
            match change {
                CursorChange::Set { name, .. } => {
                    if let Some(tracked) = self.known.get_mut(name) {
                        tracked.dirty = true;
                    }
                }
                CursorChange::Forgotten { name } => {
                    self.forgotten.insert(name.clone());
                }
            }
        }
    }

    /// What every cursor has durably passed.
    pub(super) fn passed(&self) -> u64 {
        self.known.values().map(|tracked| tracked.durable_floor).min().unwrap_or(u64::MAX)
    }

    /// Moves every cursor over what is no longer kept. Returns how much each lost by that.
    pub(super) fn pass_over(&mut self, last: u64) -> Vec<(CursorName, u64)> {
        let behind = self.known.iter_mut().filter(|(_, tracked)| tracked.cursor.floor() < last);
        let moved = behind.map(|(name, tracked)| {
            let lost = tracked.cursor.pass_over(last);
            tracked.lost = tracked.lost.saturating_add(lost);
            tracked.dirty = true;
            (name.clone(), lost)
        });
        moved.collect()
    }

    /// Who is furthest behind, and the first position it needs.
    pub(super) fn furthest_behind(&self) -> Option<(&CursorName, u64)> {
        let (name, tracked) = self.known.iter().min_by_key(|(_, tracked)| tracked.durable_floor)?;
        Some((name, tracked.durable_floor.saturating_add(1)))
    }

    /// How far each is in a journal that ends at `last`.
    pub(super) fn status(&self, last: u64) -> Vec<CursorStatus> {
        let status = |(name, tracked): (&CursorName, &Tracked)| CursorStatus {
            name: name.clone(),
            floor: tracked.cursor.floor(),
            lag: tracked.cursor.lag(last),
            lost: tracked.lost,
            since_ms: tracked.since_ms,
        };
        self.known.iter().map(status).collect()
    }
}
