//! The node's one mDNS daemon: it says that a service is here, and who else says so.
//!
//! What it owns: the mdns-sd daemon and its thread, and which interfaces and addresses make sense. It must not know
//! nodes or networks: texts go in, texts come out.

mod echo;

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6},
    time::Duration,
};

use if_addrs::Interface;
use mdns_sd::{IfKind, Receiver, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::timeout;

pub use echo::echo;

/// mDNS's group and port (RFC 6762 §3).
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;
/// How often the machine's addresses are looked at: a cable plugged in now should not cost a newcomer its two seconds.
const IP_CHECK_SECONDS: u32 = 1;
/// How long leaving may take. The goodbye is sent twice, 120 ms apart, since nobody confirms it.
const GOODBYE_TIME: Duration = Duration::from_millis(500);
/// Texts taken from one service: more than that is no service of ours.
const TEXTS_MAX: usize = 64;
/// Addresses taken from one service.
const ADDRS_MAX: usize = 16;

/// Which interfaces and address families take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The loopback too: nodes that only this machine reaches.
    pub loopback: bool,
    /// IPv6 too; false when the service itself is on IPv4 only.
    pub ipv6: bool,
}

/// What is announced.
#[derive(Debug, Clone)]
pub struct Service {
    /// The kind, such as `_hive-node._udp.local.`.
    pub kind: &'static str,
    /// Its name among those of its kind.
    pub instance: String,
    /// The name of its host in `<host>.local.`; none: the instance's. One that nobody else has, as it is not probed for.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// The one address it is on; none for all of the machine's.
    pub only: Option<IpAddr>,
    /// What else it says of itself: keys and values of 255 bytes together at most.
    pub texts: Vec<(String, String)>,
}

/// What was heard of a service of the kind that is looked for. This machine's own are heard too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// It is there, or says something new.
    Seen {
        /// Its full name.
        name: String,
        /// Where it is; link-local IPv6 with the interface it was heard on.
        addrs: Vec<SocketAddr>,
        /// What it says of itself; what is no UTF-8 is left out.
        texts: BTreeMap<String, String>,
    },
    /// It said goodbye, or was not heard for as long as it had promised.
    Gone {
        /// Its full name.
        name: String,
    },
}

/// The running daemon.
pub struct Mdns {
    daemon: ServiceDaemon,
    reach: Reach,
}

impl Mdns {
    /// Starts the daemon's thread. Interfaces that come up later take part too; see [`obstacle`] for now.
    ///
    /// # Errors
    /// When no thread is to be had.
    pub fn start(reach: Reach) -> Result<Self, MdnsError> {
        let daemon = ServiceDaemon::new().map_err(MdnsError::daemon)?;
        daemon.set_ip_check_interval(IP_CHECK_SECONDS).map_err(MdnsError::daemon)?;
        if !reach.loopback {
            daemon
                .disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])
                .map_err(MdnsError::daemon)?;
        }
        if !reach.ipv6 {
            daemon.disable_interface(IfKind::IPv6).map_err(MdnsError::daemon)?;
        }
        Ok(Self { daemon, reach })
    }

    /// Announces a service until [`Self::stop`].
    ///
    /// # Errors
    /// When a text is too long, or the daemon is gone.
    pub fn announce(&self, service: &Service) -> Result<Announced, MdnsError> {
        let host = format!("{}.local.", service.host.as_ref().unwrap_or(&service.instance));
        let addrs: Vec<IpAddr> = service.only.into_iter().collect();
        let info = ServiceInfo::new(
            service.kind,
            &service.instance,
            &host,
            addrs.as_slice(),
            service.port,
            service.texts.as_slice(),
        );
        let mut info = info.map_err(MdnsError::daemon)?;
        if service.only.is_none() {
            info = info.enable_addr_auto();
        }
        // The name holds a key's digits: nobody else has it, so there is nothing to probe for first.
        info.set_requires_probe(false);
        let name = info.get_fullname().to_owned();
        self.daemon.register(info).map_err(MdnsError::daemon)?;
        Ok(Announced { name })
    }

    /// Looks for services of a kind from now on.
    ///
    /// # Errors
    /// When the daemon is gone.
    pub fn browse(&self, kind: &str) -> Result<Browse, MdnsError> {
        let events = self.daemon.browse(kind).map_err(MdnsError::daemon)?;
        Ok(Browse { events, reach: self.reach })
    }

    /// Says goodbye for what was announced, and ends the daemon. Takes half a second at most.
    pub async fn stop(self, announced: Option<Announced>) {
        let goodbye = async {
            if let Some(Announced { name }) = announced
                && let Ok(done) = self.daemon.unregister(&name)
            {
                // Sent once when this answers; the repetition needs the daemon a little longer.
                let _ = done.recv_async().await;
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            if let Ok(done) = self.daemon.shutdown() {
                let _ = done.recv_async().await;
            }
        };
        // Who did not hear it finds out when dialling fails.
        let _ = timeout(GOODBYE_TIME, goodbye).await;
    }
}

/// Something announced, to be taken back by [`Mdns::stop`].
#[derive(Debug)]
pub struct Announced {
    name: String,
}

/// The services of one kind as they come and go.
pub struct Browse {
    events: Receiver<ServiceEvent>,
    reach: Reach,
}

impl Browse {
    /// What is heard next; none when the daemon has ended.
    pub async fn next(&self) -> Option<Sighting> {
        loop {
            match self.events.recv_async().await.ok()? {
                ServiceEvent::ServiceResolved(service) => return Some(seen(&service, self.reach)),
                ServiceEvent::ServiceRemoved(_, name) => return Some(Sighting::Gone { name }),
                // Found and not resolved yet, or about the search itself.
                _ => {}
            }
        }
    }
}

/// Why there is no mDNS, or none yet.
#[derive(Debug, thiserror::Error)]
pub enum MdnsError {
    /// Only the loopback is up.
    #[error("no network interface is up")]
    NoInterface,
    /// The system does not let us take part.
    #[error("cannot use multicast on UDP port {PORT}: {source}")]
    Multicast {
        /// Why.
        source: io::Error,
    },
    /// The daemon says no.
    #[error("the mDNS daemon failed: {0}")]
    Daemon(String),
}

impl MdnsError {
    #[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
    fn daemon(error: mdns_sd::Error) -> Self {
        Self::Daemon(error.to_string())
    }
}

fn seen(service: &ResolvedService, reach: Reach) -> Sighting {
    let port = service.get_port();
    let mut addrs: Vec<_> =
        service.get_addresses().iter().filter_map(|ip| socket_addr(ip, port, reach)).collect();
    // Where there is a better one, link-local IPv6 is only a second way to the same place.
    if addrs.iter().any(|addr| !is_link_local(addr)) {
        addrs.retain(|addr| !is_link_local(addr));
    }
    addrs.sort();
    addrs.truncate(ADDRS_MAX);
    let texts = service.get_properties().iter().take(TEXTS_MAX);
    let texts = texts.filter_map(|text| {
        let value = str::from_utf8(text.val()?).ok()?;
        Some((text.key().to_owned(), value.to_owned()))
    });
    Sighting::Seen { name: service.get_fullname().to_owned(), addrs, texts: texts.collect() }
}

fn socket_addr(ip: &ScopedIp, port: u16, reach: Reach) -> Option<SocketAddr> {
    let addr = match ip {
        ScopedIp::V4(v4) => SocketAddr::from((*v4.addr(), port)),
        // An address that holds on one link is worth nothing without the link.
        ScopedIp::V6(v6) if v6.addr().is_unicast_link_local() => match v6.scope_id().index {
            0 => return None,
            scope => SocketAddrV6::new(*v6.addr(), port, 0, scope).into(),
        },
        ScopedIp::V6(v6) => SocketAddr::from((*v6.addr(), port)),
        _ => return None,
    };
    let useless = addr.ip().is_unspecified()
        || addr.ip().is_multicast()
        || port == 0
        || (addr.ip().is_loopback() && !reach.loopback)
        || (addr.is_ipv6() && !reach.ipv6);
    (!useless).then_some(addr)
}

fn is_link_local(addr: &SocketAddr) -> bool {
    matches!(addr, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local())
}

/// What keeps this machine from taking part right now; the daemon itself says nothing when it cannot.
#[must_use]
pub fn obstacle(reach: Reach) -> Option<MdnsError> {
    check_multicast(reach).err()
}

/// Joins the group as the daemon will.
fn check_multicast(reach: Reach) -> Result<(), MdnsError> {
    let interfaces = if_addrs::get_if_addrs().map_err(|source| MdnsError::Multicast { source })?;
    let usable = |i: &&Interface| i.is_oper_up() && !i.is_p2p() && (reach.loopback || !i.is_loopback());
    let mut failure = None;
    let mut any = false;
    for interface in interfaces.iter().filter(usable) {
        any = true;
        // On IPv6 alone the daemon's word has to do; an IPv4 failure tells as much about permission.
        let IpAddr::V4(ip) = interface.ip() else { continue };
        match join(ip) {
            Ok(()) => return Ok(()),
            Err(e) => failure = Some(e),
        }
    }
    match failure {
        Some(source) => Err(MdnsError::Multicast { source }),
        None if any => Ok(()),
        None => Err(MdnsError::NoInterface),
    }
}

fn join(interface: Ipv4Addr) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)).into())?;
    socket.join_multicast_v4(&GROUP, &interface)
}
