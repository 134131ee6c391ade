//! Hosts on one network segment, each in a network namespace of its own: they find each other in time.
//!
//! The test starts itself again as the segment, and that again as each host, since a namespace belongs to a process.
//! Where the system allows no namespaces, it says so and there is nothing to see.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc as std_mpsc,
    time::{Duration, Instant},
};

use hive_proto::channel::{NetworkIndex, NetworkName};

use super::*;
use crate::{
    discovery::{self, Config},
    shutdown::Part,
    transport::{Endpoint, Listen},
    trust::{identity::Identity, network::NetworkKey},
};

/// Which part of the play this process has.
const ROLE: &str = "HIVE_TEST_SEGMENT_ROLE";
/// What a newcomer may take to reach everybody.
const IN_TIME: Duration = Duration::from_secs(2);
/// What the whole test may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn hosts_on_one_segment_reach_each_other_in_time() {
    match std::env::var(ROLE).ok().as_deref() {
        None => {
            play("segment ipv4");
            play("segment ipv6");
        }
        Some("host") => host(),
        Some(segment) => play_segment(segment.ends_with("ipv6")),
    }
}

fn again(role: &str, wrapper: &[&str]) -> Command {
    let (program, arguments) = wrapper.split_first().expect("a wrapper");
    let mut command = Command::new(program);
    command.args(arguments).arg(std::env::current_exe().expect("this test")).env(ROLE, role);
    command.args(["--exact", "--nocapture", "--quiet"]);
    command.arg("discovery::mdns::tests::segment::hosts_on_one_segment_reach_each_other_in_time");
    command
}

fn play(segment: &str) {
    let allowed = Command::new("unshare").args(["-rn", "ip", "link", "set", "lo", "up"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this system allows no network namespaces");
        return;
    }
    let status = again(segment, &["unshare", "-rn"]).status().expect("the segment");
    assert!(status.success(), "{segment}");
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().expect("ip");
    assert!(status.success(), "ip {arguments}");
}

/// A host as the segment sees it.
struct Host {
    process: Child,
    orders: ChildStdin,
}

/// What hosts say, as it comes: who, and a word with the short id of a node.
struct Reports {
    heard: std_mpsc::Receiver<(usize, String)>,
    said: Vec<(usize, String)>,
}

impl Reports {
    /// Waits until a host has said this.
    fn wait(&mut self, host: usize, what: &str) {
        while !self.said.iter().any(|(who, line)| *who == host && line == what) {
            self.said.push(self.heard.recv_timeout(PATIENCE).unwrap_or_else(|_| {
                panic!("host {host} does not say `{what}`, only {:?} was said", self.said)
            }));
        }
    }

    /// The node id a host has introduced itself with.
    fn id(&mut self, host: usize) -> String {
        loop {
            let mut names = self.said.iter().filter(|(who, _)| *who == host);
            if let Some(id) = names.find_map(|(_, line)| line.strip_prefix("awake ")) {
                return id.to_owned();
            }
            self.said.push(self.heard.recv_timeout(PATIENCE).expect("a host wakes up"));
        }
    }
}

/// A bridge, and hosts plugged into it one after the other.
fn play_segment(link_local_only: bool) {
    ip("link add bridge type bridge");
    ip("link set bridge up");
    let (say, heard) = std_mpsc::sync_channel(64);
    let mut reports = Reports { heard, said: Vec::new() };
    let mut hosts: Vec<Host> = Vec::new();
    for number in 0..3 {
        let mut host = start_host(number, &say);
        let newcomer = reports.id(number);
        let started = Instant::now();
        plug_in(&mut host, number, link_local_only);
        hosts.push(host);
        reports.wait(number, "looking");
        for other in 0..number {
            let id = reports.id(other);
            reports.wait(number, &format!("link {id}"));
            reports.wait(other, &format!("link {newcomer}"));
        }
        let taken = started.elapsed();
        eprintln!("host {number} had its {number} links after {taken:?}");
        assert!(taken < IN_TIME, "{taken:?}");
    }
    let leaver = reports.id(0);
    // A goodbye means something to those who have heard the greeting.
    reports.wait(1, &format!("found {leaver}"));
    reports.wait(2, &format!("found {leaver}"));
    for (number, host) in hosts.iter_mut().enumerate() {
        writeln!(host.orders, "leave").expect("an order");
        assert!(host.process.wait().expect("its end").success());
        if number == 0 {
            reports.wait(1, &format!("lost {leaver}"));
            reports.wait(2, &format!("lost {leaver}"));
        }
    }
}

fn start_host(number: usize, say: &std_mpsc::SyncSender<(usize, String)>) -> Host {
    let mut command = again("host", &["unshare", "-n"]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a host");
    let lines = BufReader::new(process.stdout.take().expect("its words")).lines();
    let say = say.clone();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| say.send((number, line))));
    let orders = process.stdin.take().expect("its orders");
    Host { process, orders }
}

/// Lays a cable from the bridge to the host, which then sets up its end of it.
fn plug_in(host: &mut Host, number: usize, link_local_only: bool) {
    let pid = host.process.id();
    ip(&format!("link add cable{number} type veth peer name eth0 netns {pid}"));
    ip(&format!("link set cable{number} master bridge"));
    ip(&format!("link set cable{number} up"));
    let address = if link_local_only {
        format!("addr add fe80::{}/64 dev eth0 nodad", number + 1)
    } else {
        format!("addr add 10.9.0.{}/24 dev eth0", number + 1)
    };
    writeln!(host.orders, "{address}").expect("an order");
}

/// One host: sets up its interface as ordered, looks, dials what it finds, and says what comes of it.
fn host() {
    let identity = Identity::ephemeral();
    // The words go to the segment line by line, between whatever else a test prints.
    let say = |line: String| writeln!(std::io::stdout(), "{line}").expect("somebody listens");
    say(format!("\nawake {}", identity.node_id().short()));
    let address = order();
    ip("link set lo up");
    // One family at a time: what works over IPv4 must not hide what does not over IPv6.
    ip("link set eth0 addrgenmode none");
    ip(&address);
    ip("link set eth0 up");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(live(&identity, say));
}

fn order() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("an order");
    line.trim().to_owned()
}

async fn live(identity: &Identity, say: impl Fn(String)) {
    let endpoint = Endpoint::bind(Listen::Default, identity).expect("an endpoint");
    let name = NetworkName::parse("hive").expect("a network");
    let membership = Membership::new(NetworkIndex::HOME, NetworkKey::open(&name));
    let here = Here {
        node: identity.node_id(),
        listen: endpoint.local_addr(),
        memberships: vec![membership.clone()],
    };
    let (found, mut inputs) = mpsc::channel(16);
    let part = Part::new("discovery");
    discovery::start(Config { mdns: true, ..Config::default() }, here, &found, &part);
    say("looking".into());
    let (leave, mut left) = mpsc::channel(1);
    std::thread::spawn(move || (order(), leave.blocking_send(())));
    let mut sessions = Vec::new();
    loop {
        tokio::select! {
            Some(input) = inputs.recv() => match input {
                Input::Found { node: Some(node), addrs, .. } => {
                    say(format!("found {}", node.short()));
                    for addr in addrs {
                        match endpoint.dial(addr, &membership, Some(node)).await {
                            Ok(session) => {
                                say(format!("link {}", session.peer.short()));
                                sessions.push(session);
                            }
                            Err(e) => eprintln!("{e}"),
                        }
                    }
                }
                Input::Lost { node, .. } => say(format!("lost {}", node.short())),
                other => panic!("{other:?}"),
            },
            Some(arrival) = endpoint.accept() => match arrival.admit(std::slice::from_ref(&membership)).await {
                Ok(session) => {
                    say(format!("link {}", session.peer.short()));
                    sessions.push(session);
                }
                // Who leaves hangs up in the middle of it.
                Err(e) => eprintln!("{e}"),
            },
            _ = left.recv() => break,
        }
    }
    part.finish(Duration::from_secs(5)).await.expect("it stops");
    endpoint.close("done").await;
}
