//! What waits to be written to one client of a listener: bounded, and whoever reads too slowly loses its oldest.
//!
//! What it owns: the bounds and the count of what was lost. Exists so that a client that does not read harms nobody else.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

/// A queue with one reader.
#[derive(Debug)]
pub struct Backlog<T> {
    /// Held for a push or a swap, never across an await.
    inner: Mutex<Inner<T>>,
    /// There is something to take, or nothing will be any more.
    changed: Notify,
    events_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Inner<T> {
    waiting: VecDeque<(T, usize)>,
    bytes: usize,
    closed: bool,
}

impl<T> Backlog<T> {
    /// With room for so many things of so many bytes together.
    #[must_use]
    pub fn new(events_max: usize, bytes_max: usize) -> Self {
        let inner = Inner { waiting: VecDeque::new(), bytes: 0, closed: false };
        Self { inner: Mutex::new(inner), changed: Notify::new(), events_max, bytes_max }
    }

    /// Adds something of so many bytes. Returns how many of the oldest had to go.
    pub fn push(&self, thing: T, bytes: usize) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.closed {
            return 0;
        }
        inner.waiting.push_back((thing, bytes));
        inner.bytes = inner.bytes.saturating_add(bytes);
        let mut gone = 0;
        // What is larger than all the room goes out alone.
        while (inner.waiting.len() > self.events_max || inner.bytes > self.bytes_max)
            && inner.waiting.len() > 1
        {
            if let Some((_, bytes)) = inner.waiting.pop_front() {
                inner.bytes = inner.bytes.saturating_sub(bytes);
                gone += 1;
            }
        }
        drop(inner);
        self.changed.notify_one();
        gone
    }

    /// Everything that waits, once something does. None when it was closed and is empty. Cancel-safe.
    pub async fn take(&self) -> Option<VecDeque<(T, usize)>> {
        loop {
            {
                let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
                if !inner.waiting.is_empty() {
                    inner.bytes = 0;
                    return Some(std::mem::take(&mut inner.waiting));
                }
                if inner.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// The oldest, once there is one. None when it was closed and is empty. Cancel-safe.
    pub async fn take_one(&self) -> Option<T> {
        loop {
            {
                let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((thing, bytes)) = inner.waiting.pop_front() {
                    inner.bytes = inner.bytes.saturating_sub(bytes);
                    // Others may wait, too.
                    if !inner.waiting.is_empty() {
                        self.changed.notify_one();
                    }
                    return Some(thing);
                }
                if inner.closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Puts back what was taken and could not be handed over. Returns 1 when there is no room for it any more.
    pub fn put_back(&self, thing: T, bytes: usize) -> u64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.closed || inner.waiting.len() >= self.events_max {
            return 1;
        }
        inner.waiting.push_front((thing, bytes));
        inner.bytes = inner.bytes.saturating_add(bytes);
        drop(inner);
        self.changed.notify_one();
        0
    }

    /// Takes nothing more; what is there may still be taken.
    pub fn close(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_go_first_and_are_counted() {
        let backlog = Backlog::new(3, 10);
        let gone: Vec<u64> = (1..=5).map(|number| backlog.push(number, 1)).collect();
        assert_eq!(gone, [0, 0, 0, 1, 1]);
        assert_eq!(backlog.push(6, 9), 2);
        assert_eq!(backlog.push(7, 100), 2, "what is too large goes out alone");
        let taken: Vec<i32> = backlog.take().await.expect("something").into_iter().map(|(n, _)| n).collect();
        assert_eq!(taken, [7]);
        backlog.push(8, 1);
        backlog.close();
        assert_eq!(backlog.push(9, 1), 0);
        assert_eq!(backlog.take().await.map(|taken| taken.len()), Some(1));
        assert!(backlog.take().await.is_none());
    }
}
