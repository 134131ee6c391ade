//! A node's whole set of facts as a neighbour serves it: put together from its parts, and believed only when it is
//! what the node signed.

use std::sync::Arc;

use bytes::Bytes;

use super::{Around, Gossip, GossipError, Heard};
use crate::{
    frame::wire::Reader,
    record::{Change, FactError, Facts, Statement},
};

/// What came of a node's facts so far.
#[derive(Debug)]
pub(super) struct Assembly {
    statement: Arc<Statement>,
    facts: Facts,
}

impl Gossip {
    pub(super) fn assemble(
        &mut self,
        around: &mut Around<'_>,
        at: usize,
        statement: Option<Bytes>,
        (last, facts): (bool, Bytes),
    ) -> Result<Option<Heard>, GossipError> {
        let Some(contact) = self.circle.contact(at) else { return Ok(None) };
        let mut assembly = match statement {
            Some(bytes) => {
                let statement = around.read(self.network, &bytes)?;
                Assembly { statement, facts: Facts::default() }
            }
            None => contact.assembly.take().ok_or(GossipError::NoStatement)?,
        };
        assembly.add(&facts)?;
        if !last {
            contact.assembly = Some(assembly);
            return Ok(None);
        }
        let Assembly { statement, facts } = assembly;
        if facts.merkle().root() != statement.root {
            return Err(GossipError::Root(statement.node));
        }
        let members = &mut around.members;
        if members.find(statement.node) == Some(members.me()) {
            return Ok(None);
        }
        let news = members.replace(&statement, facts, around.now);
        let (Some(news), Some(ix)) = (news, members.find(statement.node)) else { return Ok(None) };
        self.spread(ix, None, Some(at), around.now);
        self.settle(around.members, ix);
        Ok(Some(Heard::News(ix, news)))
    }
}

impl Assembly {
    fn add(&mut self, facts: &Bytes) -> Result<(), FactError> {
        let mut reader = Reader::new(facts);
        while !reader.is_empty() {
            let change = Change::read(&mut reader)?;
            self.facts.apply(change);
        }
        self.facts.check()
    }
}
