//! EventHive's word in mDNS: which server a network has.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::time::timeout;

use super::{DEFAULT_PATH, Endpoint};
use crate::{
    mdns::{Announced, Mdns, MdnsError, Reach, Service, Sighting},
    trust::{hex, random_bytes},
};

/// The kind of service.
const KIND: &str = "_eventhive._tcp.local.";
/// EventHive knows no IPv6.
const REACH: Reach = Reach { loopback: true, ipv6: false };
/// Bytes of a host's name that is taken for one.
const HOST_BYTES_MAX: usize = 253;

/// Says that there is a network's server here, until it is taken back.
pub(super) fn announce(network: &str, addr: SocketAddr, path: &str) -> Result<(Mdns, Announced), MdnsError> {
    let mdns = Mdns::start(REACH)?;
    let only = (!addr.ip().is_unspecified()).then_some(addr.ip());
    let host = only.unwrap_or_else(own_address);
    let text = |key: &str, value: String| (key.to_owned(), value);
    let announced = mdns.announce(&Service {
        kind: KIND,
        instance: network.to_owned(),
        // A network's name is no name of a host, and another's may be.
        host: Some(format!("eventhive-{}", hex(&random_bytes::<6>()))),
        port: addr.port(),
        only,
        texts: vec![
            text("host", host.to_string()),
            text("port", addr.port().to_string()),
            text("endpoint", path.to_owned()),
        ],
    })?;
    Ok((mdns, announced))
}

/// The server of a network, if one says within a time that it is.
pub(super) async fn find(network: &str, wait: Duration) -> Result<Option<Endpoint>, MdnsError> {
    let mdns = Mdns::start(REACH)?;
    let browse = mdns.browse(KIND)?;
    let wanted = format!("{network}.{KIND}");
    let found = async {
        loop {
            let Sighting::Seen { name, addrs, texts } = browse.next().await? else { continue };
            if name.eq_ignore_ascii_case(&wanted)
                && let Some(endpoint) = endpoint(&addrs, &texts)
            {
                return Some(endpoint);
            }
        }
    };
    let found = timeout(wait, found).await.unwrap_or(None);
    mdns.stop(None).await;
    Ok(found)
}

/// What it says of itself, as far as that is an address; where it says that it is everywhere, where it was heard.
fn endpoint(addrs: &[SocketAddr], texts: &BTreeMap<String, String>) -> Option<Endpoint> {
    let port = match texts.get("port") {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None => addrs.first()?.port(),
    };
    let is_host = |host: &&String| {
        !host.is_empty()
            && host.len() <= HOST_BYTES_MAX
            && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'))
            && host.parse() != Ok(IpAddr::from(Ipv4Addr::UNSPECIFIED))
    };
    let host = match texts.get("host").filter(is_host) {
        Some(host) => host.clone(),
        None => addrs.first()?.ip().to_string(),
    };
    let path = texts.get("endpoint").map_or(DEFAULT_PATH, String::as_str);
    let fits = path.len() <= 256 && path.chars().all(|c| c.is_ascii_graphic());
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    fits.then_some(Endpoint { host, port, path, tls: None })
}

/// An address of this machine that others reach; the loopback where it has no other.
fn own_address() -> IpAddr {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addrs =
        interfaces.iter().map(if_addrs::Interface::ip).filter(|ip| ip.is_ipv4() && !ip.is_loopback());
    addrs.next().unwrap_or(IpAddr::from(Ipv4Addr::LOCALHOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_an_endpoint_or_nothing() {
        let heard = [SocketAddr::from(([10, 0, 0, 7], 9000))];
        let check = |texts: &[(&str, &str)], want: Option<&str>| {
            let texts = texts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(endpoint(&heard, &texts).map(|found| found.to_string()).as_deref(), want, "{texts:?}");
        };
        check(
            &[("host", "10.0.0.8"), ("port", "8085"), ("endpoint", "/pubsub")],
            Some("ws://10.0.0.8:8085/pubsub"),
        );
        check(&[("host", "0.0.0.0"), ("port", "8085"), ("endpoint", "x")], Some("ws://10.0.0.7:8085/x"));
        check(&[], Some("ws://10.0.0.7:9000/pubsub"));
        check(&[("port", "0")], None);
        check(&[("port", "x")], None);
        check(&[("host", "a b"), ("endpoint", "/a b")], None);
    }

    #[tokio::test]
    async fn a_server_is_found_by_its_networks_name() {
        let network = format!("net-{}", hex(&random_bytes::<6>()));
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8085));
        let (mdns, announced) = announce(&network, addr, "/pubsub").expect("mDNS");
        let found = find(&network, Duration::from_secs(5)).await.expect("mDNS");
        assert_eq!(found.map(|found| found.to_string()).as_deref(), Some("ws://127.0.0.1:8085/pubsub"));
        mdns.stop(Some(announced)).await;
        assert_eq!(find(&format!("no-{network}"), Duration::from_millis(300)).await.expect("mDNS"), None);
    }
}
