//! The host's network interfaces: which are up, and which addresses they have.

use std::{collections::BTreeMap, fs, net::IpAddr, path::Path};

use if_addrs::IfAddr;

use super::report::{Cause, Finding, Probe};

/// Where Linux tells about interfaces, those without an address among them.
const PLACE: &str = "/sys/class/net";
/// Bits of an interface's flags (netdevice(7)).
const UP: u32 = 0x1;
const BROADCAST: u32 = 0x2;
const LOOPBACK: u32 = 0x8;
const MULTICAST: u32 = 0x1000;

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    /// Somebody has switched it on.
    pub(super) up: bool,
    /// There is a cable in it, or what stands for one.
    pub(super) carrier: bool,
    pub(super) loopback: bool,
    /// It says that it carries multicast.
    pub(super) multicast: bool,
    /// It leads to a segment of many hosts, not to one other end.
    pub(super) shared: bool,
    /// Its addresses and the length of their networks' prefixes.
    pub(super) addrs: Vec<(IpAddr, u8)>,
}

impl Interface {
    /// Whether other hosts can be reached through it.
    pub(super) fn is_usable(&self) -> bool {
        self.up && self.carrier && !self.loopback && !self.addrs.is_empty()
    }

    /// Whether an address is on the same segment.
    fn holds(&self, addr: IpAddr) -> bool {
        self.addrs.iter().any(|(own, prefix)| same_network(*own, addr.to_canonical(), *prefix))
    }

    /// Why it is not usable, and what to do.
    fn trouble(&self) -> (String, String) {
        let name = &self.name;
        if !self.up {
            return (format!("{name} is down"), format!("switch it on: ip link set {name} up"));
        }
        if !self.carrier {
            return (format!("{name} has no carrier"), "look at the cable, the switch or the radio".into());
        }
        let hint = format!("get one by DHCP, or set one: ip addr add ADDRESS/PREFIX dev {name}");
        (format!("{name} is up and has no address"), hint)
    }
}

/// All interfaces of this host, by name.
pub(super) fn interfaces() -> Vec<Interface> {
    let mut addrs: BTreeMap<String, Vec<(IpAddr, u8)>> = BTreeMap::new();
    for interface in if_addrs::get_if_addrs().unwrap_or_default() {
        let addr = match &interface.addr {
            IfAddr::V4(addr) => (addr.ip.into(), addr.prefixlen),
            IfAddr::V6(addr) => (addr.ip.into(), addr.prefixlen),
        };
        addrs.entry(interface.name).or_default().push(addr);
    }
    let entries = fs::read_dir(PLACE).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .chain(addrs.keys().cloned())
        .collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let found = addrs.remove(&name).unwrap_or_default();
            read(name, found)
        })
        .collect()
}

fn read(name: String, addrs: Vec<(IpAddr, u8)>) -> Interface {
    let text = |what| fs::read_to_string(Path::new(PLACE).join(&name).join(what)).unwrap_or_default();
    let flags = u32::from_str_radix(text("flags").trim().trim_start_matches("0x"), 16);
    // What cannot be read is taken for well: others see what comes of it.
    let flags = flags.unwrap_or(UP | BROADCAST | MULTICAST);
    let carrier = !matches!(text("operstate").trim(), "down" | "lowerlayerdown" | "notpresent" | "dormant");
    let loopback =
        flags & LOOPBACK != 0 || (!addrs.is_empty() && addrs.iter().all(|(ip, _)| ip.is_loopback()));
    let is = |flag: u32| flags & flag != 0;
    Interface { up: is(UP), carrier, loopback, multicast: is(MULTICAST), shared: is(BROADCAST), name, addrs }
}

/// Whether any interface leads to other hosts; `at_home` when it is this host that shall be reached from itself.
pub(super) fn probe(interfaces: &[Interface], at_home: bool) -> Finding {
    let usable: Vec<&Interface> = interfaces.iter().filter(|interface| interface.is_usable()).collect();
    if usable.is_empty() {
        return match at_home {
            true => Finding::skipped(
                Probe::Interface,
                "none leads to other hosts, and none is needed for this one",
            ),
            false => unusable(interfaces),
        };
    }
    let said: Vec<String> = usable.iter().map(|interface| say(interface)).collect();
    let silent: Vec<&str> = usable
        .iter()
        .filter(|interface| interface.shared && !interface.multicast)
        .map(|interface| interface.name.as_str())
        .collect();
    match silent.first() {
        None => Finding::ok(Probe::Interface, said.join(", ")),
        Some(first) => {
            let seen = format!("{}; multicast is switched off on {}", said.join(", "), silent.join(", "));
            Finding::warn(Probe::Interface, seen)
                .hint(format!("nodes find each other by it: ip link set {first} multicast on"))
        }
    }
}

fn unusable(interfaces: &[Interface]) -> Finding {
    let others: Vec<_> =
        interfaces.iter().filter(|interface| !interface.loopback).map(Interface::trouble).collect();
    let Some((_, hint)) = others.first() else {
        let seen = "this host has no network interface but the loopback";
        return Finding::fail(Probe::Interface, Cause::Interface, seen)
            .hint("look whether the network device is there: ip link");
    };
    let seen: Vec<&str> = others.iter().map(|(seen, _)| seen.as_str()).collect();
    Finding::fail(Probe::Interface, Cause::Interface, seen.join(", ")).hint(hint.clone())
}

fn say(interface: &Interface) -> String {
    let addrs: Vec<String> = interface.addrs.iter().map(|(ip, _)| ip.to_string()).collect();
    format!("{} {}", interface.name, addrs.join(" "))
}

/// The interface on whose segment an address is; none: it is beyond a router.
pub(super) fn segment_of(interfaces: &[Interface], addr: IpAddr) -> Option<&Interface> {
    interfaces.iter().find(|interface| interface.is_usable() && interface.holds(addr))
}

/// Whether an address is this host's own.
pub(super) fn is_own(interfaces: &[Interface], addr: IpAddr) -> bool {
    let addr = addr.to_canonical();
    addr.is_loopback()
        || interfaces.iter().any(|interface| interface.addrs.iter().any(|(own, _)| *own == addr))
}

fn same_network(one: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let (one, other, bits): (u128, u128, u32) = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u32::from(one).into(), u32::from(other).into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.into(), other.into(), 128),
        _ => return false,
    };
    let host_bits = bits.saturating_sub(prefix.into());
    (one ^ other).checked_shr(host_bits).unwrap_or(0) == 0
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    pub(in crate::doctor) fn interface(
        name: &str,
        up: bool,
        carrier: bool,
        addrs: &[(&str, u8)],
    ) -> Interface {
        let addrs = addrs.iter().map(|(ip, prefix)| (ip.parse().expect("an address"), *prefix)).collect();
        Interface {
            name: name.into(),
            up,
            carrier,
            loopback: name == "lo",
            multicast: true,
            shared: true,
            addrs,
        }
    }

    #[test]
    fn one_usable_interface_is_enough_and_none_is_named() {
        let check = |others: &[Interface], verdict, seen: &str| {
            let lo = interface("lo", true, true, &[("127.0.0.1", 8)]);
            let all: Vec<Interface> = [lo].into_iter().chain(others.iter().cloned()).collect();
            let found = probe(&all, false);
            assert_eq!((found.verdict, found.seen.as_str()), (verdict, seen), "{found:?}");
            assert_eq!(found.hint.is_some(), verdict != Verdict::Ok, "{found:?}");
        };
        let good = interface("eth0", true, true, &[("10.0.0.1", 24)]);
        let down = interface("eth1", false, false, &[("10.0.1.1", 24)]);
        let unplugged = interface("docker0", true, false, &[("172.17.0.1", 16)]);
        let bare = interface("wlan0", true, true, &[]);
        check(&[good.clone(), down.clone(), unplugged.clone(), bare.clone()], Verdict::Ok, "eth0 10.0.0.1");
        check(&[], Verdict::Fail, "this host has no network interface but the loopback");
        check(&[down], Verdict::Fail, "eth1 is down");
        let all = "docker0 has no carrier, wlan0 is up and has no address";
        check(&[unplugged, bare], Verdict::Fail, all);
        let deaf = Interface { multicast: false, ..good };
        check(&[deaf], Verdict::Warn, "eth0 10.0.0.1; multicast is switched off on eth0");
    }

    #[test]
    fn what_is_on_the_segment_is_told_from_what_is_beyond() {
        let eth0 = interface("eth0", true, true, &[("10.0.0.1", 24), ("fd00::1", 64)]);
        let all = [eth0, interface("tun0", true, true, &[("10.9.0.1", 32)])];
        let on =
            |addr: &str| segment_of(&all, addr.parse().expect("an address")).map(|found| &found.name[..]);
        assert_eq!(on("10.0.0.200"), Some("eth0"));
        assert_eq!(on("::ffff:10.0.0.200"), Some("eth0"));
        assert_eq!(on("10.0.1.1"), None);
        assert_eq!(on("fd00::9"), Some("eth0"));
        assert_eq!(on("fd00:1::9"), None);
        assert_eq!(on("10.9.0.1"), Some("tun0"));
        assert!(same_network(IpAddr::from([1, 1, 1, 1]), IpAddr::from([9, 9, 9, 9]), 0));
        assert!(is_own(&all, IpAddr::from([10, 0, 0, 1])) && !is_own(&all, IpAddr::from([10, 0, 0, 2])));
    }

    #[test]
    fn this_host_has_a_loopback() {
        let lo = interfaces().into_iter().find(|interface| interface.loopback).expect("a loopback");
        assert!(lo.addrs.iter().all(|(ip, _)| ip.is_loopback()), "{lo:?}");
    }
}
