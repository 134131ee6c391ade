//! What nodes of one process have in common of what is stated: each statement once, checked and read once, and once what
//! it makes of what its node stated before.
//!
//! A simulated mesh is a thousand nodes that are told the same. A real node is alone, and has none.

use std::sync::Arc;

use bytes::Bytes;

use super::{Keys, Statement, StatementError, stated::Memo};
use crate::{channel::NetworkIndex, mix::scatter};

/// Where statements are looked for: many, because the nodes of a mesh make some each.
const SHELVES: usize = 1 << 14;

/// The statements of a run. It only grows.
#[derive(Debug, Clone)]
#[expect(
    clippy::disallowed_types,
    reason = "a state machine may go to another thread; those that have an archive never do"
)]
pub struct Archive(Arc<std::sync::Mutex<Shelves>>);

type Shelves = Vec<Vec<(NetworkIndex, Arc<Statement>)>>;

impl Default for Archive {
    fn default() -> Self {
        Self(Arc::new(vec![Vec::new(); SHELVES].into()))
    }
}

impl Archive {
    /// Reads a statement and checks its signature, unless the very same bytes were read before.
    ///
    /// # Errors
    /// As [`Statement::read`].
    pub fn read(
        &self,
        keys: &dyn Keys,
        network: NetworkIndex,
        bytes: &Bytes,
    ) -> Result<Arc<Statement>, StatementError> {
        let (node, head) = Statement::peek(bytes)?;
        let [first, ..] = node.words();
        let at = scatter(first ^ scatter(head.incarnation.0 ^ head.version)) as usize % SHELVES;
        let mut shelves = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(shelf) = shelves.get_mut(at) else {
            return Statement::read(keys, network, bytes).map(Arc::new);
        };
        if let Some(known) = shelf.iter().find(|(of, known)| *of == network && known.bytes == *bytes) {
            return Ok(known.1.clone());
        }
        let statement = Statement { memo: Memo::open(), ..Statement::read(keys, network, bytes)? };
        let statement = Arc::new(statement);
        shelf.push((network, statement.clone()));
        Ok(statement)
    }
}
