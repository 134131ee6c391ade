//! The loop of a run: what happens next, until nothing is left to wait for.

mod drive;
mod events;
mod faults;
mod links;
mod ways;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use super::{
    Report,
    chance::{Chance, settled},
    check::Judge,
    connections::Connections,
    heard::Heard,
    node::Node,
    plan::{Action, Plan},
    queue::Queue,
    scenario::{Scenario, Way},
    trace::Trace,
};
use crate::{
    channel::NetworkIndex,
    id::NodeId,
    interest::InterestOp,
    io::{Attempt, DialFailure, Input, LinkEnd, Outbox, Sight, Timer},
    record::Archive,
    time::Now,
};

/// The one network of a run.
const NETWORK: NetworkIndex = NetworkIndex::HOME;
/// How often the judge compares the views with what is true.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    seed: u64,
    scenario: Scenario,
    chance: Chance,
    now: Now,
    end: Now,
    /// What will happen.
    queue: Queue<Happening>,
    nodes: Vec<Node>,
    /// Who is at an address.
    places: BTreeMap<SocketAddr, usize>,
    heard: Heard,
    /// What each node wants from its start on.
    wants: Vec<Vec<InterestOp>>,
    connections: Connections,
    /// Whether a node is among those that the others do not hear.
    apart: Vec<bool>,
    /// The number of the last ticket.
    last_ticket: u64,
    /// The number of the last event.
    last_event: u64,
    /// The number of the last trace.
    last_ask: u64,
    trace: Trace,
    judge: Judge,
    inputs: u64,
    /// Empty; kept because there are as many as inputs.
    outbox: Outbox,
    /// What the nodes have in common of what is stated.
    archive: Archive,
}

/// Something that will happen.
#[derive(Debug)]
enum Happening {
    Act(Action),
    /// The judge compares.
    Look,
    /// Discovery tells a life of a node of another node.
    Found(usize, u64, usize),
    /// And that it went away.
    Lost(usize, u64, usize),
    Timer(usize, u64, Timer),
    /// A life of a node has looked, for a trace.
    Saw(usize, u64, u64, Sight),
    /// A dial reaches the place it goes to.
    Knock(links::Knock),
    DialFailed(usize, u64, Attempt, DialFailure),
    /// A connection is admitted, for one of its ends.
    Up(u64, usize, Option<Attempt>),
    /// Frames reach an end of a connection.
    Frames(u64, usize),
    Down(u64, usize, LinkEnd),
    /// Events reach an end of a connection.
    Data(u64, usize),
    /// A life of a node confirms what it has taken over.
    Confirm(usize, u64),
    /// Time has passed for its data plane.
    Tick(usize, u64),
}

impl World {
    /// A world before its first moment, of which so many lines are kept.
    pub(super) fn new(seed: u64, scenario: Scenario, lines: usize) -> Self {
        let mut chance = Chance::new(seed);
        let plan = Plan::draw(&scenario, &mut chance);
        let heard = Heard::draw(scenario.nodes, scenario.discovery, &mut chance);
        let node = |number| Node::new(number, &scenario.oddities, &mut chance);
        let nodes: Vec<Node> = (0..scenario.nodes).map(node).collect();
        let places = nodes.iter().enumerate();
        let places = places.flat_map(|(number, node)| node.addrs.iter().map(move |addr| (*addr, number)));
        let ids: Vec<NodeId> = nodes.iter().map(|node| node.id).collect();
        let mut world = Self {
            seed,
            chance,
            now: Now::default(),
            end: plan.end,
            queue: Queue::new(),
            places: places.collect(),
            wants: plan.wants,
            connections: Connections::default(),
            apart: vec![false; nodes.len()],
            last_ticket: 0,
            last_event: 0,
            last_ask: 0,
            trace: Trace::new(lines),
            judge: Judge::new(&ids, heard.clone(), &scenario.phases),
            inputs: 0,
            outbox: Outbox::new(),
            archive: Archive::default(),
            nodes,
            heard,
            scenario,
        };
        for (at, action) in plan.actions {
            world.queue.push(at, Happening::Act(action));
        }
        world.queue.push(Now::default(), Happening::Look);
        world
    }

    /// Lets everything happen, in order, up to the end.
    pub(super) fn run(mut self) -> Report {
        while let Some((at, happening)) = self.queue.pop() {
            if at > self.end {
                break;
            }
            self.now = at;
            self.happen(happening);
        }
        self.count_drops();
        self.judge.end(self.end);
        let verdict = self.judge.verdict();
        Report {
            problems: verdict.problems,
            problem_count: verdict.problem_count,
            trace: self.trace.fingerprint(),
            inputs: self.inputs,
            confirmed: verdict.confirmed,
            elapsed: self.end.0,
            phases: verdict.phases,
            whole: verdict.whole,
            drops: verdict.drops,
            lies: verdict.lies,
            lines: self.trace.into_lines(),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Act(action) => self.act(action),
            Happening::Look => {
                self.judge.look(self.now);
                self.queue.push(self.now.after(LOOK_EVERY), Happening::Look);
            }
            Happening::Found(node, life, of) => self.find(node, life, of),
            Happening::Lost(node, life, of) => {
                let of = self.nodes[of].id;
                self.feed(node, life, Input::Lost { network: NETWORK, node: of });
            }
            Happening::Timer(node, life, timer) => self.ring(node, life, timer),
            Happening::Saw(node, life, look, sight) => self.feed(node, life, Input::Saw { look, sight }),
            Happening::Knock(knock) => self.knock(knock),
            Happening::DialFailed(node, life, attempt, failure) => {
                self.dial_failed(node, life, attempt, failure);
            }
            Happening::Up(connection, end, attempt) => self.up(connection, end, attempt),
            Happening::Frames(connection, end) => self.arrive(connection, end),
            Happening::Down(connection, end, how) => self.down(connection, end, how),
            Happening::Data(connection, end) => self.data_arrives(connection, end),
            Happening::Confirm(node, life) => self.confirm(node, life),
            Happening::Tick(node, life) => self.tick(node, life),
        }
    }

    fn act(&mut self, action: Action) {
        self.trace.note(self.now, 0, '!', &action);
        match action {
            Action::Phase(number) => {
                self.audit();
                self.judge.phase(self.now, number);
            }
            Action::Start(node) => self.start(node),
            Action::Want(node, ops) => self.want(node, ops),
            Action::Change(node, op) => self.change(node, op),
            Action::Publish(node, channel) => self.publish(node, &channel),
            Action::Trace(node, to, channel) => self.trace_way(node, to, channel),
            Action::Crash(node) | Action::Stop(node) => self.stop(node),
            Action::Leave(node) => self.leave(node),
            Action::Break(which) => self.break_one(which),
            Action::Part(apart) => self.part(&apart),
            Action::Heal => self.part(&[]),
            Action::Jump(node, by_ms) => self.jump(node, by_ms),
        }
    }

    /// Somebody sets a wall clock, and the driver tells the node.
    fn jump(&mut self, number: usize, by_ms: i64) {
        self.nodes[number].clock.jump(by_ms);
        let (life, unix_ms) = (self.nodes[number].life, self.nodes[number].clock.wall_ms(self.now));
        self.feed(number, life, Input::Clock { unix_ms });
    }

    fn start(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        if node.alive.is_some() {
            return;
        }
        let mut out = Outbox::new();
        let seed = self.chance.number();
        node.start(self.now, format!("node {number}"), &self.archive, (&self.scenario, seed), &mut out);
        let life = node.life;
        self.judge.started(self.now, number, life);
        self.start_bus(number, life);
        self.obey(number, life, &mut out);
        let wants = self.wants[number].clone();
        if !wants.is_empty() {
            self.want(number, wants);
        }
        for other in self.heard.around(number) {
            self.tell(number, other);
            self.tell(other, number);
        }
    }

    /// Discovery tells a node of another, unless one of them is away or they do not hear each other.
    fn tell(&mut self, node: usize, of: usize) {
        let both = self.nodes[node].alive.is_some() && self.nodes[of].alive.is_some();
        if self.heard.tells(node, of) && (self.heard.is_written_down() || (both && self.hear(node, of))) {
            let at = self.now.after(self.chance.millis(0, 300));
            self.queue.push(at, Happening::Found(node, self.nodes[node].life, of));
        }
    }

    fn find(&mut self, node: usize, life: u64, of: usize) {
        let (id, addrs) = (self.nodes[of].id, self.nodes[of].addrs.clone());
        let by_address = self.heard.is_written_down();
        let found = (!by_address).then_some(id);
        self.feed(node, life, Input::Found { network: NETWORK, node: found, addrs, persistent: by_address });
    }

    fn leave(&mut self, number: usize) {
        let life = self.nodes[number].life;
        let Some(alive) = &mut self.nodes[number].alive else { return };
        alive.leaving = true;
        self.judge.leaves(self.now, number);
        self.feed(number, life, Input::Leave);
        if self.heard.is_written_down() {
            return;
        }
        for other in self.heard.around(number) {
            if self.heard.tells(other, number) && self.hear(other, number) {
                let at = self.now.after(self.chance.millis(0, 300));
                self.queue.push(at, Happening::Lost(other, self.nodes[other].life, number));
            }
        }
    }

    fn want(&mut self, number: usize, ops: Vec<InterestOp>) {
        let node = &self.nodes[number];
        if node.alive.as_ref().is_none_or(|alive| alive.leaving) {
            return;
        }
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        self.judge.wants(self.now, number, &ops, ticket);
        let life = node.life;
        if let Some(bus) = self.bus(number, life) {
            bus.wants(&ops);
        }
        self.feed(number, life, Input::Interest { network: NETWORK, ops, ticket: Some(ticket) });
    }

    fn change(&mut self, number: usize, op: InterestOp) {
        self.judge.changes(self.now, number, &op);
        self.want(number, vec![op]);
    }

    /// Whether two nodes hear each other.
    fn hear(&self, a: usize, b: usize) -> bool {
        self.apart[a] == self.apart[b]
    }

    /// The way from a node to another; always the same, however often they connect.
    fn way(&self, from: usize, to: usize) -> Way {
        let network = &self.scenario.network;
        let pair = if network.odd_one_way { (from, to) } else { (from.min(to), from.max(to)) };
        let odd = settled(self.seed, pair.0, pair.1) % 100 < u64::from(network.odd_percent);
        if odd { network.odd } else { network.usual }
    }
}
