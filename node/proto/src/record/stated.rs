//! All that a node has stated up to its last statement, as the others keep it: what is a fact by it, and the latest
//! statements themselves for who missed some of them.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use super::{FactError, Facts, Head, Statement};
use crate::interest::InterestOp;

/// Bytes of the latest statements of one node that are kept for who missed some of them.
const RECENT_BYTES_MAX: usize = 4 << 10;

/// What a node has stated.
#[derive(Debug, Clone, Default)]
pub struct Stated {
    facts: Facts,
    recent: Recent,
}

/// Statements that follow each other.
#[derive(Debug, Clone, Default)]
struct Recent {
    all: VecDeque<(Head, Bytes)>,
    /// Of all of them.
    bytes: usize,
}

/// What a statement made of what was stated before it, for others of this process who have both in common.
#[derive(Debug, Clone)]
pub(super) struct Step {
    before: Arc<Stated>,
    after: Arc<Stated>,
    ops: Vec<InterestOp>,
}

/// The place for a [`Step`]; of a statement that nobody else has in common there is none.
#[derive(Debug, Clone, Default)]
pub(super) struct Memo(Option<OnceLock<Step>>);

impl Stated {
    /// A whole set of facts, by the statement whose root says that it is whole.
    #[must_use]
    pub fn whole(facts: Facts, statement: &Statement) -> Self {
        let mut recent = Recent::default();
        recent.keep(statement);
        Self { facts, recent }
    }

    /// What is a fact.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The last statement as it came; empty before the first.
    #[must_use]
    pub fn latest(&self) -> Bytes {
        self.recent.all.back().map(|(_, bytes)| bytes.clone()).unwrap_or_default()
    }

    /// The latest statements with their heads, in order.
    pub fn recent(&self) -> impl Iterator<Item = (Head, &Bytes)> {
        self.recent.all.iter().map(|(head, bytes)| (*head, bytes))
    }

    /// Nothing is a fact any more.
    pub fn void(&mut self) {
        self.facts = Facts::default();
    }

    fn add(&mut self, statement: &Statement) -> Result<Vec<InterestOp>, FactError> {
        let changes = statement.changes.iter().cloned();
        let ops = changes.filter_map(|change| self.facts.apply(change)).collect();
        self.facts.check()?;
        self.recent.keep(statement);
        Ok(ops)
    }
}

impl Statement {
    /// What its node has stated once it follows. The first of a life begins from nothing. Returns what changes of what
    /// is wanted.
    ///
    /// # Errors
    /// When that is more than anybody may state.
    pub fn follow(&self, stated: &mut Arc<Stated>) -> Result<Vec<InterestOp>, FactError> {
        let first = self.head.version == 1;
        let known = self.memo.0.as_ref().and_then(OnceLock::get);
        if let Some(step) = known.filter(|step| first || Arc::ptr_eq(&step.before, stated)) {
            *stated = step.after.clone();
            return Ok(step.ops.clone());
        }
        let before = self.memo.0.as_ref().map(|memo| (memo, stated.clone()));
        if first {
            *stated = Arc::default();
        }
        let ops = Arc::make_mut(stated).add(self)?;
        if let Some((memo, before)) = before {
            _ = memo.set(Step { before, after: stated.clone(), ops: ops.clone() });
        }
        Ok(ops)
    }
}

impl Memo {
    /// A place that is empty yet.
    pub(super) fn open() -> Self {
        Self(Some(OnceLock::new()))
    }
}

/// What came of a statement says nothing of which one it is.
impl PartialEq for Memo {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Memo {}

impl Recent {
    fn keep(&mut self, statement: &Statement) {
        self.bytes = self.bytes.saturating_add(statement.bytes.len());
        self.all.push_back((statement.head, statement.bytes.clone()));
        while self.all.len() > 1
            && self.bytes > RECENT_BYTES_MAX
            && let Some((_, oldest)) = self.all.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(oldest.len());
        }
    }
}
