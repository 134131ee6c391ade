//! Where an MQTT broker is, who comes, and what is asked of it when a connection is made, in both versions.

use std::{fmt, time::Duration};

use bytes::Bytes;
use rumqttc::{
    LastWill, MqttOptions, QoS, TlsConfiguration, Transport,
    v5::{self, mqttbytes::v5 as packets},
};

use super::link::qos_5;
use crate::bridge::{
    Desk,
    tls::{TrustError, Trusted},
};

/// How often the broker is asked whether it is there. One that misses an answer is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long the broker has for a connection.
pub(super) const CONNECT_SECONDS: u64 = 3;
/// Publishes that the broker has not confirmed, at most; it may allow fewer.
const IN_FLIGHT: u16 = 256;
/// What may come in one packet. Larger ones are not sent by a broker of version 5, and of one before they end the
/// connection, because nothing else can be done about them.
const PACKET_BYTES_MAX: u32 = 32 << 20;
/// For how long a broker keeps a session that nobody uses.
const SESSION_SECONDS: u32 = 24 * 3_600;

/// The protocol's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1: no headers.
    V311,
    /// 5.
    V5,
}

/// Where the broker is, and who comes.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// Its host.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// How it is spoken to.
    pub version: Version,
    /// What this client is called there; another one of this name is thrown out. None: by the node and the bridge.
    pub client_id: Option<String>,
    /// Whether the broker is to keep what comes while the bridge is away.
    pub resume: bool,
    /// The user and its password. Nothing shows it.
    pub login: Option<(String, String)>,
    /// Whom to believe, where nothing may be plain.
    pub tls: Option<Trusted>,
    /// What the broker says when the bridge is gone without a word.
    pub will: Option<Will>,
}

/// A last will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// The topic.
    pub topic: String,
    /// What is said there.
    pub payload: Bytes,
    /// How surely.
    pub qos: QoS,
    /// Whether later subscribers hear it, too.
    pub retain: bool,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({})", self.named())
    }
}

impl Place {
    /// Where it is, for people.
    #[must_use]
    pub fn named(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }

    /// What this bridge is called there. Brokers of 3.1.1 need not take more than 23 bytes.
    pub(super) fn client_id(&self, desk: &Desk) -> String {
        let own = || format!("hive-{}-{}", desk.bus().node().short(), desk.name());
        self.client_id.clone().unwrap_or_else(own)
    }

    pub(super) fn options(&self, client_id: &str) -> Result<MqttOptions, TrustError> {
        let mut options = MqttOptions::new(client_id, &self.host, self.port);
        let most = PACKET_BYTES_MAX as usize;
        options.set_keep_alive(KEEP_ALIVE).set_clean_session(!self.resume).set_manual_acks(true);
        options.set_max_packet_size(most, most).set_inflight(IN_FLIGHT);
        if let Some((user, password)) = &self.login {
            options.set_credentials(user, password);
        }
        if let Some(will) = &self.will {
            options.set_last_will(LastWill::new(&will.topic, will.payload.to_vec(), will.qos, will.retain));
        }
        if let Some(tls) = self.transport()? {
            options.set_transport(tls);
        }
        Ok(options)
    }

    pub(super) fn options_5(&self, client_id: &str) -> Result<v5::MqttOptions, TrustError> {
        let mut options = v5::MqttOptions::new(client_id, &self.host, self.port);
        options.set_keep_alive(KEEP_ALIVE).set_clean_start(!self.resume).set_manual_acks(true);
        options.set_connection_timeout(CONNECT_SECONDS).set_outgoing_inflight_upper_limit(IN_FLIGHT);
        options.set_max_packet_size(Some(PACKET_BYTES_MAX));
        options.set_session_expiry_interval(self.resume.then_some(SESSION_SECONDS));
        let mut network = options.network_options();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        if let Some((user, password)) = &self.login {
            options.set_credentials(user, password);
        }
        if let Some(will) = &self.will {
            let (topic, payload) = (will.topic.clone(), will.payload.to_vec());
            let (qos, retain) = (qos_5(will.qos), will.retain);
            options.set_last_will(packets::LastWill::new(topic, payload, qos, retain, None));
        }
        if let Some(tls) = self.transport()? {
            options.set_transport(tls);
        }
        Ok(options)
    }

    fn transport(&self) -> Result<Option<Transport>, TrustError> {
        let Some(trusted) = &self.tls else { return Ok(None) };
        Ok(Some(Transport::tls_with_config(TlsConfiguration::Rustls(trusted.client()?))))
    }
}
