//! The judge: what has to be true at rest, and of every confirmation.
//!
//! It compares what the outputs said with what the scenario did and what the network holds. It knows no
//! rule by which the state machines decide, only what must come of it.

use super::{
    node::{Alive, Seen, Ticket, Wishes},
    world::World,
};
use crate::{id::NodeId, pattern::Pattern};

/// Everything that is wrong now that nothing happens any more.
pub(super) fn at_rest(world: &World) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, node) in world.nodes.iter().enumerate() {
        let Some(alive) = &node.alive else { continue };
        if alive.leaving {
            continue;
        }
        if !alive.ready {
            problems.push(format!("node {number} is not ready"));
        }
        for ticket in alive.tickets.keys() {
            problems.push(format!("ticket {ticket} of node {number} was never confirmed"));
        }
        for (other, _) in alive.view.iter().filter(|(id, _)| !expected(world, number, **id)) {
            problems.push(format!("node {number} believes in neighbour {other:?}"));
        }
        for other in 0..world.nodes.len() {
            if expected(world, number, world.nodes[other].id) {
                problems.extend(pair(world, (number, alive), other));
            }
        }
    }
    problems
}

/// What is wrong with a confirmation: a neighbour of then, connected all the time, does not know it.
pub(super) fn confirmation(world: &World, number: usize, ticket: &Ticket) -> Vec<String> {
    let node = &world.nodes[number];
    let Some(alive) = node.alive.as_ref().filter(|alive| !alive.leaving) else { return Vec::new() };
    let mut problems = Vec::new();
    for (peer, since) in &ticket.neighbours {
        let Some(mine) = alive.view.get(peer).filter(|seen| seen.since == *since) else { continue };
        let theirs = world.number_of(*peer).and_then(|other| world.nodes[other].alive.as_ref());
        let Some(theirs) = theirs.filter(|theirs| !theirs.leaving) else { continue };
        // Who has lost the link on one side only cannot be judged: the other side has yet to notice.
        let seen = theirs.view.get(&node.id).filter(|seen| seen.life == node.life);
        let same = |seen: &&Seen| theirs.links.get(&seen.link) == alive.links.get(&mine.link);
        let Some(known) = seen.filter(same).filter(|seen| seen.since <= ticket.since) else { continue };
        // What was wished differently since may or may not be known yet.
        let last =
            ticket.patterns.iter().filter(|pattern| alive.wished.get(*pattern) == Some(&ticket.number));
        let unknown = last.filter(|pattern| !knows(known, &alive.wants, pattern));
        problems
            .extend(unknown.map(|pattern| format!("{peer:?} does not know of {pattern:?} of node {number}")));
    }
    problems
}

/// Whether what is known of a pattern agrees with what is wanted.
fn knows(known: &Seen, wants: &Wishes, pattern: &Pattern) -> bool {
    let wanted = wants.get(pattern).filter(|_| leaves_its_node(pattern));
    known.wants.as_ref().is_some_and(|known| known.get(pattern) == wanted)
}

/// Whether two nodes have to be neighbours.
fn expected(world: &World, number: usize, other: NodeId) -> bool {
    let Some(other) = world.number_of(other) else { return false };
    let alive = |number: usize| world.nodes[number].alive.as_ref().is_some_and(|alive| !alive.leaving);
    world.told(number, other) && alive(number) && alive(other) && world.hear(number, other)
}

/// One side of a pair that has to be connected.
fn pair(world: &World, (number, alive): (usize, &Alive), other: usize) -> Option<String> {
    let peer = &world.nodes[other];
    let Some(seen) = alive.view.get(&peer.id) else {
        return Some(format!("node {number} has no neighbour {other}"));
    };
    if seen.life != peer.life {
        return Some(format!("node {number} knows life {} of {other}, which is in {}", seen.life, peer.life));
    }
    let open: Vec<u64> = world
        .connections
        .iter()
        .filter(|(_, c)| c.is_open() && c.ends.iter().all(|end| end.node == number || end.node == other))
        .map(|(connection, _)| *connection)
        .collect();
    if open.len() != 1 || alive.links.get(&seen.link) != open.first() {
        return Some(format!("node {number} uses {:?} to {other}, open are {open:?}", seen.link));
    }
    let theirs = peer.alive.as_ref()?.wants.clone();
    let theirs: Wishes = theirs.into_iter().filter(|(pattern, _)| leaves_its_node(pattern)).collect();
    if seen.wants.as_ref() != Some(&theirs) {
        return Some(format!("node {number} knows {:?} of {other}, which wants {theirs:?}", seen.wants));
    }
    None
}

/// Whether the pattern can match what another node publishes: two segments or more, not the node's own.
fn leaves_its_node(pattern: &Pattern) -> bool {
    let text = pattern.as_str();
    !text.starts_with('$') && (text.contains('/') || text == "**")
}
