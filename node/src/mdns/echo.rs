//! Echoes: whether what is said by multicast on an interface is heard there.
//!
//! Two daemons of one process, one that announces and one that listens, so that every word goes out through the
//! kernel and comes back as another's would: past the firewall of this host. Exists to be asked about, not to find
//! anybody. What other hosts hear is not known here.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use tokio::time::timeout;

use super::{Mdns, MdnsError, Reach, Service, Sighting};
use crate::trust::{hex, random_bytes};

/// The service that is announced for this, which nobody else looks for.
const KIND: &str = "_hive-echo._udp.local.";
/// Its port, where nothing listens.
const NO_PORT: u16 = 9;

/// Which of these addresses of this host were heard within a time.
///
/// # Errors
/// When multicast cannot be used at all.
pub async fn echo(addrs: &[IpAddr], within: Duration) -> Result<BTreeSet<IpAddr>, MdnsError> {
    let reach =
        Reach { loopback: addrs.iter().any(IpAddr::is_loopback), ipv6: addrs.iter().any(IpAddr::is_ipv6) };
    let listener = Mdns::start(reach)?;
    let browse = listener.browse(KIND)?;
    let tag = hex(&random_bytes::<6>());
    let mut speakers = Vec::new();
    for (at, addr) in addrs.iter().enumerate() {
        let speaker = Mdns::start(reach)?;
        let announced = speaker.announce(&Service {
            kind: KIND,
            instance: format!("echo-{tag}-{at}"),
            host: None,
            port: NO_PORT,
            only: Some(*addr),
            texts: Vec::new(),
        })?;
        speakers.push((speaker, announced));
    }
    let mut heard = BTreeSet::new();
    let listening = async {
        while heard.len() < addrs.len() {
            let Some(sighting) = browse.next().await else { return };
            if let Sighting::Seen { name, addrs: seen, .. } = sighting
                && name.contains(&tag)
            {
                heard.extend(seen.into_iter().map(|addr| addr.ip()).filter(|ip| addrs.contains(ip)));
            }
        }
    };
    // Who was not heard by then is deaf or dumb.
    let _ = timeout(within, listening).await;
    for (speaker, announced) in speakers {
        speaker.stop(Some(announced)).await;
    }
    listener.stop(None).await;
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn the_loopback_echoes_and_a_foreign_address_does_not() {
        let (own, foreign) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from([240, 0, 0, 9]));
        let heard = echo(&[own, foreign], Duration::from_secs(3)).await.expect("multicast");
        assert_eq!(heard, BTreeSet::from([own]));
    }
}
