//! Hosts on one network segment or two: namespaces joined by bridges, as if by switches.
//!
//! What it owns: making them as root or, through a user namespace, as anybody; and their end. Everything lives in a
//! network and a mount namespace that one process holds, so nothing is left behind when that process ends, however
//! the test ended. It must not know what runs on them.

use std::{
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail, ensure};

/// Hosts that reach each other and nobody else, but where there are two segments and the host is on one of them.
pub struct Segment {
    holder: Arc<Holder>,
    hosts: Vec<Host>,
}

impl Segment {
    /// That many hosts, 10.77.0.1 and up.
    ///
    /// # Errors
    /// When the system allows no namespaces, or `ip` is missing: says what is needed.
    pub fn new(count: u8) -> Result<Self> {
        let mut segment = Self::empty(1)?;
        for number in 1..=count {
            segment.add(number, &[0])?;
        }
        Ok(segment)
    }

    /// That many hosts without IPv4: fd77::1 and up, and link-local addresses as every IPv6 host has.
    ///
    /// # Errors
    /// As [`Segment::new`].
    pub fn ipv6_only(count: u8) -> Result<Self> {
        let mut segment = Self::new(count)?;
        for (host, number) in segment.hosts.iter_mut().zip(1..=count) {
            let (name, holder) = (&host.name, &host.holder);
            holder.ip(&format!("-n {name} addr flush dev eth0"))?;
            for addr in [format!("fd77::{number:x}"), format!("fe80::{number:x}")] {
                holder.ip(&format!("-n {name} addr add {addr}/64 dev eth0 nodad"))?;
            }
            host.addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, number.into()).into();
        }
        Ok(segment)
    }

    /// Two segments that share no cable: the first host is on the left one, the second on the right one, and so many
    /// others on both, which forward nothing by themselves. On the right one a host has 10.78.0.x.
    ///
    /// # Errors
    /// As [`Segment::new`].
    pub fn two_joined_by(others: u8) -> Result<Self> {
        let mut segment = Self::empty(2)?;
        segment.add(1, &[0])?;
        segment.add(2, &[1])?;
        for number in 3..=others.saturating_add(2) {
            segment.add(number, &[0, 1])?;
        }
        Ok(segment)
    }

    /// One host that reaches nobody but itself: for programs that listen everywhere.
    ///
    /// # Errors
    /// As [`Segment::new`].
    pub fn alone() -> Result<Self> {
        let mut segment = Self::empty(0)?;
        let (name, holder) = ("h1".to_owned(), Arc::clone(&segment.holder));
        holder.ip("netns add h1")?;
        holder.ip("-n h1 link set lo up")?;
        segment.hosts.push(Host { name, addr: Ipv4Addr::LOCALHOST.into(), holder });
        Ok(segment)
    }

    fn empty(bridges: u8) -> Result<Self> {
        let holder = Arc::new(Holder::start()?);
        for bridge in 0..bridges {
            holder.ip(&format!("link add br{bridge} type bridge mcast_snooping 0"))?;
            holder.ip(&format!("link set br{bridge} up"))?;
        }
        Ok(Self { holder, hosts: Vec::new() })
    }

    /// The hosts, in the order of their addresses.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// Pulls a host's first cable or plugs it in again.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn connect(&self, host: &Host, connected: bool) -> Result<()> {
        self.holder.ip(&format!("link set {}p0 {}", host.name, if connected { "up" } else { "down" }))
    }

    /// Gives a host another address, 10.77.0.x, in place of its first.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn readdress(&self, host: &Host, number: u8) -> Result<Ipv4Addr> {
        let (name, old, new) = (&host.name, host.addr, Ipv4Addr::new(10, 77, 0, number));
        self.holder.ip(&format!("-n {name} addr del {old}/24 dev eth0"))?;
        self.holder.ip(&format!("-n {name} addr add {new}/24 brd + dev eth0"))?;
        // It went with the address.
        self.holder.ip(&format!("-n {name} route replace default dev eth0"))?;
        Ok(new)
    }

    /// Lets multicast through to a host, or keeps it back, as a switch does that takes nobody there for a listener.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn multicast(&self, host: &Host, passes: bool) -> Result<()> {
        let passes = if passes { "on" } else { "off" };
        self.holder.run("bridge", &format!("link set dev {}p0 mcast_flood {passes}", host.name))
    }

    /// A host with a cable to each of these bridges.
    fn add(&mut self, number: u8, bridges: &[u8]) -> Result<()> {
        let (name, mut addrs) = (format!("h{number}"), Vec::new());
        let holder = &self.holder;
        holder.ip(&format!("netns add {name}"))?;
        holder.ip(&format!("-n {name} link set lo up"))?;
        for (cable, bridge) in bridges.iter().enumerate() {
            let addr = Ipv4Addr::new(10, bridge.saturating_add(77), 0, number);
            let (port, eth) = (format!("{name}p{cable}"), format!("eth{cable}"));
            holder.ip(&format!("link add {port} type veth peer name {eth} netns {name}"))?;
            holder.ip(&format!("link set {port} master br{bridge} up"))?;
            // No IPv6: its duplicate address detection would make the first second of a host different from the rest.
            holder.ip(&format!("-n {name} link set {eth} addrgenmode none"))?;
            holder.ip(&format!("-n {name} addr add {addr}/24 brd + dev {eth}"))?;
            holder.ip(&format!("-n {name} link set {eth} up"))?;
            addrs.push(IpAddr::V4(addr));
        }
        holder.ip(&format!("-n {name} route add default dev eth0"))?;
        let addr = addrs.first().copied().context("a host without a cable")?;
        self.hosts.push(Host { name, addr, holder: Arc::clone(holder) });
        Ok(())
    }
}

/// One host of a segment.
#[derive(Clone)]
pub struct Host {
    name: String,
    addr: IpAddr,
    holder: Arc<Holder>,
}

impl Host {
    /// Its address.
    #[must_use]
    pub fn addr(&self) -> IpAddr {
        self.addr
    }

    /// Drops what comes over its first cable to a UDP port, without a word, as a firewall does. By policy routing, which
    /// is in every kernel: the rule stands before the one that delivers to the host's own addresses.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn drops_udp(&self, port: u16) -> Result<()> {
        self.ip(&format!("rule add pref 1 iif eth0 ipproto udp dport {port} blackhole"))?;
        self.ip("rule add pref 2 lookup local")?;
        self.ip("rule del pref 0")
    }

    /// Does something to its interfaces: `ip` with these arguments.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn ip(&self, args: &str) -> Result<()> {
        self.holder.ip(&format!("-n {} {args}", self.name))
    }

    /// A command that runs on it. The process that is started becomes the program: its id is the program's.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = self.holder.command("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}

/// The process whose namespaces all hosts live in. It ends when its stdin does, so also when the test is killed.
struct Holder {
    child: Child,
    as_root: bool,
}

impl Holder {
    fn start() -> Result<Self> {
        const NEEDED: &str = "tests with hosts need network namespaces: run them as root, or allow user namespaces \
                              (sysctl kernel.unprivileged_userns_clone=1), with `ip` (package iproute2), `unshare` \
                              and `nsenter` (package util-linux) installed";
        let as_root = rustix::process::geteuid().is_root();
        let mut command = Command::new("unshare");
        if !as_root {
            command.args(["--user", "--map-root-user"]);
        }
        // `ip netns` keeps its namespaces under /run: a private one leaves the machine's as it is.
        command.args(["--net", "--mount", "sh", "-c", "mount -t tmpfs hosts /run && echo held && exec cat"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context(NEEDED)?;
        let mut said = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut said)?;
        }
        let holder = Self { child, as_root };
        ensure!(said.trim() == "held", "{NEEDED}");
        holder.ip("link set lo up").context(NEEDED)?;
        Ok(holder)
    }

    /// A command inside the held namespaces.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--target").arg(self.child.id().to_string());
        if !self.as_root {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--net", "--mount", "--wdns=."]).arg(program);
        command
    }

    fn ip(&self, args: &str) -> Result<()> {
        self.run("ip", args)
    }

    fn run(&self, program: &str, args: &str) -> Result<()> {
        let output = self.command(program).args(args.split(' ')).output().context("running nsenter")?;
        if !output.status.success() {
            bail!("`{program} {args}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Closing its stdin would do as well; this does not depend on it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_reach_each_other_and_not_the_machine() {
        let segment = Segment::new(2).expect("two hosts");
        let [first, second] = segment.hosts() else { panic!("two hosts") };
        let addresses = |host: &Host| {
            let output = host.command(Path::new("ip")).args(["-4", "-o", "addr"]).output().expect("ip runs");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert!(addresses(first).contains("10.77.0.1/24"), "{}", addresses(first));
        assert!(!addresses(second).contains("10.77.0.1/24"), "{}", addresses(second));
        assert_eq!(addresses(second).lines().count(), 2, "lo and eth0: {}", addresses(second));
        let on_machine = Command::new("ip").args(["-4", "-o", "addr"]).output().expect("ip runs");
        assert!(!String::from_utf8_lossy(&on_machine.stdout).contains("10.77.0."));
    }
}
