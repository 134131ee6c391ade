//! A disk that fails when a test says so, and that forgets at a power cut what was not synced.
//!
//! What it knows of a disk: bytes that were written and not synced are there after a cut or not, sector by sector, as
//! chance has it; bytes whose sync failed are not there, whatever a later sync says.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::{Mutex, MutexGuard},
};

use crate::journal::disk::system::{Real, System};

const SECTOR: u64 = 64;

/// The weather of one disk.
#[derive(Debug, Default)]
pub(super) struct Weather {
    state: Mutex<State>,
    /// Held by who wants writes to wait.
    gate: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    now_ms: u64,
    /// Bytes that still fit.
    room: Option<u64>,
    /// So many syncs fail.
    failing_syncs: u32,
    /// Cutting fails, too.
    cuts_fail: bool,
    /// Nothing works any more: the power is gone.
    dead: bool,
    syncs: u64,
    /// What each file had on the disk, since its last sync.
    unsynced: BTreeMap<u64, Unsynced>,
}

#[derive(Debug)]
struct Unsynced {
    file: File,
    /// What the disk has for sure.
    length: u64,
    /// Stretches that were written since, and what was there before.
    old: Vec<(u64, Vec<u8>, Fate)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Not synced yet.
    Open,
    /// Its sync failed.
    Doomed,
}

impl Weather {
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().expect("nobody panics here")
    }

    pub(super) fn set_room(&self, room: Option<u64>) {
        self.lock().room = room;
    }

    pub(super) fn fail_syncs(&self, syncs: u32) {
        self.lock().failing_syncs = syncs;
    }

    pub(super) fn fail_cuts(&self, fail: bool) {
        self.lock().cuts_fail = fail;
    }

    pub(super) fn set_now(&self, now_ms: u64) {
        self.lock().now_ms = now_ms;
    }

    pub(super) fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// From now on everything fails.
    pub(super) fn cut_power(&self) {
        self.lock().dead = true;
    }

    /// What the disk has after the cut. `chance` says of each sector whether it came through.
    pub(super) fn restore_power(&self, mut chance: impl FnMut() -> bool) -> io::Result<()> {
        let mut state = self.lock();
        for (_, unsynced) in std::mem::take(&mut state.unsynced) {
            let written = unsynced.file.metadata()?.len();
            for (offset, old, fate) in unsynced.old.into_iter().rev() {
                let mut at = 0;
                for sector in old.chunks(SECTOR as usize) {
                    if fate == Fate::Doomed || !chance() {
                        unsynced.file.write_all_at(sector, offset + at)?;
                    }
                    at += sector.len() as u64;
                }
            }
            let length = if chance() { written } else { unsynced.length.min(written) };
            unsynced.file.set_len(length)?;
        }
        *state = State { now_ms: state.now_ms, ..State::default() };
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics here")
    }

    fn alive(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.dead { Err(io::Error::from_raw_os_error(5)) } else { Ok(state) }
    }
}

impl State {
    fn unsynced(&mut self, file: &File) -> io::Result<&mut Unsynced> {
        let metadata = file.metadata()?;
        let entry = self.unsynced.entry(metadata.ino());
        let fresh = Unsynced { file: file.try_clone()?, length: metadata.len(), old: Vec::new() };
        Ok(entry.or_insert(fresh))
    }
}

impl System for Weather {
    fn create(&self, path: &Path) -> io::Result<File> {
        let mut state = self.alive()?;
        let file = Real.create(path)?;
        // The system may have given it the number of one that is gone.
        state.unsynced.remove(&file.metadata()?.ino());
        Ok(file)
    }

    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let _open = self.gate.lock().expect("nobody panics here");
        let mut state = self.alive()?;
        let fits = state.room.map_or(bytes.len(), |room| bytes.len().min(room as usize));
        if let Some(room) = &mut state.room {
            *room -= fits as u64;
        }
        let mut old = vec![0; fits];
        let mut read = 0;
        while read < fits {
            match file.read_at(&mut old[read..], offset + read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        let end = offset + fits as u64;
        let unsynced = state.unsynced(file)?;
        // What is written again whole is as any other write.
        unsynced.old.retain(|(at, old, fate)| {
            !(*fate == Fate::Doomed && *at >= offset && at + old.len() as u64 <= end)
        });
        unsynced.old.push((offset, old, Fate::Open));
        Real.write(file, &bytes[..fits], offset)?;
        if fits < bytes.len() { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut state = self.alive()?;
        state.syncs += 1;
        if state.failing_syncs > 0 {
            state.failing_syncs -= 1;
            for (_, _, fate) in &mut state.unsynced(file)?.old {
                *fate = Fate::Doomed;
            }
            return Err(io::Error::from_raw_os_error(5));
        }
        let unsynced = state.unsynced(file)?;
        unsynced.length = file.metadata()?.len();
        unsynced.old.retain(|(_, _, fate)| *fate == Fate::Doomed);
        Ok(())
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        let mut state = self.alive()?;
        if state.cuts_fail {
            return Err(io::Error::from_raw_os_error(5));
        }
        let unsynced = state.unsynced(file)?;
        unsynced.old.retain(|(at, ..)| *at < length);
        unsynced.length = unsynced.length.min(length);
        Real.truncate(file, length)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let _alive = self.alive()?;
        Real.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let _alive = self.alive()?;
        Real.remove(path)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.alive().map(|_| ())
    }

    fn now_ms(&self) -> u64 {
        self.lock().now_ms
    }
}
