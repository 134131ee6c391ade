//! The loop of a run: what happens next, until nothing is left to wait for.

mod drive;
mod weather;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    Report,
    chance::Chance,
    check,
    network::Connection,
    node::{Alive, Node, Ticket, wish},
    scenario::{Action, Discovery, Scenario},
    trace::Trace,
};
use crate::{
    channel::NetworkIndex,
    core::{Core, CoreConfig},
    id::{Incarnation, NodeId},
    interest::InterestOp,
    io::{Attempt, DialFailure, Input, LinkEnd, Outbox, Timer},
    time::Now,
};

/// The one network of a run.
pub(super) const NETWORK: NetworkIndex = NetworkIndex::HOME;

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) scenario: Scenario,
    chance: Chance,
    pub(super) now: Now,
    /// What will happen, in order; the number keeps apart what happens at the same time.
    queue: BTreeMap<(Now, u64), Happening>,
    /// Counts what was put into the queue.
    queued: u64,
    pub(super) nodes: Vec<Node>,
    /// All connections there ever were, by their numbers.
    pub(super) connections: BTreeMap<u64, Connection>,
    /// The nodes that the others do not hear.
    apart: BTreeSet<usize>,
    /// Counts the tickets.
    tickets: u64,
    trace: Trace,
    problems: Vec<String>,
    inputs: u64,
    confirmed: u64,
}

/// Something that will happen.
#[derive(Debug)]
enum Happening {
    Act(Action),
    /// Discovery tells a life of a node of another node.
    Found(usize, u64, usize),
    /// And that it went away.
    Lost(usize, u64, usize),
    Timer(usize, u64, Timer),
    /// A dial reaches the place it goes to.
    Knock(weather::Knock),
    DialFailed(usize, u64, Attempt, DialFailure),
    /// A connection is admitted, for one of its ends.
    Up(u64, usize, Option<Attempt>),
    Frame(u64, usize, Bytes),
    Down(u64, usize, LinkEnd),
}

impl World {
    pub(super) fn new(seed: u64, scenario: Scenario) -> Self {
        let mut chance = Chance::new(seed);
        let plan = scenario.plan(&mut chance);
        let nodes = (0..scenario.nodes).map(|number| weather::node(number, &mut chance)).collect();
        let mut world = Self {
            scenario,
            chance,
            now: Now::default(),
            queue: BTreeMap::new(),
            queued: 0,
            nodes,
            connections: BTreeMap::new(),
            apart: BTreeSet::new(),
            tickets: 0,
            trace: Trace::new(),
            problems: Vec::new(),
            inputs: 0,
            confirmed: 0,
        };
        for (at, action) in plan {
            world.schedule(at, Happening::Act(action));
        }
        world
    }

    /// Lets everything happen, in order, up to the end of the rest.
    pub(super) fn run(&mut self) {
        let end = Now(self.scenario.active.saturating_add(self.scenario.rest));
        while let Some(((at, _), happening)) = self.queue.pop_first() {
            if at > end {
                break;
            }
            self.now = at;
            self.happen(happening);
        }
        self.now = end;
        let problems = check::at_rest(self);
        self.problems.extend(problems);
    }

    pub(super) fn report(self) -> Report {
        Report {
            problems: self.problems,
            trace: self.trace.hash(),
            inputs: self.inputs,
            confirmed: self.confirmed,
            elapsed: self.now.0,
            tail: self.trace.tail(),
        }
    }

    /// Whether two nodes hear each other.
    pub(super) fn hear(&self, a: usize, b: usize) -> bool {
        self.apart.contains(&a) == self.apart.contains(&b)
    }

    /// Whether discovery tells the two of each other.
    pub(super) fn told(&self, a: usize, b: usize) -> bool {
        match self.scenario.discovery {
            Discovery::Everyone => a != b,
            Discovery::Line => a.abs_diff(b) == 1,
        }
    }

    pub(super) fn number_of(&self, id: NodeId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }

    pub(super) fn problem(&mut self, text: String) {
        self.problems.push(format!("at {:?}: {text}", self.now.0));
    }

    fn schedule(&mut self, at: Now, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at, self.queued), happening);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Act(action) => self.act(action),
            Happening::Found(node, life, of) => self.find(node, life, of),
            Happening::Lost(node, life, of) => {
                let of = self.nodes[of].id;
                self.feed(node, life, Input::Lost { network: NETWORK, node: of });
            }
            Happening::Timer(node, life, timer) => self.ring(node, life, timer),
            Happening::Knock(knock) => self.knock(knock),
            Happening::DialFailed(node, life, attempt, failure) => {
                self.feed(node, life, Input::DialFailed { attempt, failure });
            }
            Happening::Up(connection, end, attempt) => self.up(connection, end, attempt),
            Happening::Frame(connection, end, frame) => self.arrive(connection, end, frame),
            Happening::Down(connection, end, how) => self.down(connection, end, how),
        }
    }

    fn act(&mut self, action: Action) {
        self.trace.line(format_args!("{:?} {action:?}", self.now.0));
        match action {
            Action::Start(node) => self.start(node),
            Action::Want(node, ops) => self.want(node, ops),
            Action::Crash(node) | Action::Stop(node) => self.stop(node),
            Action::Leave(node) => {
                if let Some(alive) = &mut self.nodes[node].alive {
                    alive.leaving = true;
                    let life = self.nodes[node].life;
                    self.feed(node, life, Input::Leave);
                    self.tell_all_of_leaving(node);
                }
            }
            Action::Break(which) => self.break_one(which),
            Action::Part(apart) => self.part(apart.into_iter().collect()),
            Action::Heal => self.part(BTreeSet::new()),
        }
    }

    fn start(&mut self, number: usize) {
        if self.nodes[number].alive.is_some() {
            return;
        }
        let seed = self.chance.number();
        let node = &mut self.nodes[number];
        node.life += 1;
        let config = CoreConfig {
            node: node.id,
            incarnation: Incarnation(node.life),
            name: format!("node {number}"),
            networks: 1,
            unix_ms: 0,
            seed,
        };
        let (life, mut out) = (node.life, Outbox::new());
        let core = Core::new(self.now, config, &mut out);
        node.alive = Some(Alive::new(core));
        self.obey(number, life, out);
        for other in 0..self.nodes.len() {
            self.tell(number, other);
            self.tell(other, number);
        }
    }

    /// Discovery tells a node of another, unless one of them is away or they do not hear each other.
    fn tell(&mut self, node: usize, of: usize) {
        let both = self.nodes[node].alive.is_some() && self.nodes[of].alive.is_some();
        let written_down = self.scenario.discovery == Discovery::Line;
        if self.told(node, of) && (written_down || (both && self.hear(node, of))) {
            let at = self.now.after(self.chance.millis(0, 300));
            self.schedule(at, Happening::Found(node, self.nodes[node].life, of));
        }
    }

    fn tell_all_of_leaving(&mut self, number: usize) {
        for other in 0..self.nodes.len() {
            if self.told(other, number)
                && self.hear(other, number)
                && self.scenario.discovery != Discovery::Line
            {
                let at = self.now.after(self.chance.millis(0, 300));
                self.schedule(at, Happening::Lost(other, self.nodes[other].life, number));
            }
        }
    }

    fn find(&mut self, node: usize, life: u64, of: usize) {
        let (id, addrs) = (self.nodes[of].id, self.nodes[of].addrs.clone());
        let by_address = self.scenario.discovery == Discovery::Line;
        let found = (!by_address).then_some(id);
        self.feed(node, life, Input::Found { network: NETWORK, node: found, addrs, persistent: by_address });
    }

    fn want(&mut self, number: usize, ops: Vec<InterestOp>) {
        let node = &mut self.nodes[number];
        let Some(alive) = node.alive.as_mut().filter(|alive| !alive.leaving) else { return };
        self.tickets += 1;
        let ticket = self.tickets;
        for op in &ops {
            wish(&mut alive.wants, op);
            let Some(pattern) = op.pattern() else { continue };
            alive.wished.insert(pattern.clone(), ticket);
        }
        let patterns = ops.iter().filter_map(|op| op.pattern().cloned()).collect();
        let neighbours = alive.view.iter().map(|(id, seen)| (*id, seen.since)).collect();
        alive.tickets.insert(ticket, Ticket { number: ticket, since: self.now, patterns, neighbours });
        let life = node.life;
        self.feed(number, life, Input::Interest { network: NETWORK, ops, ticket: Some(ticket) });
    }
}
