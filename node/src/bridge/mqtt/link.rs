//! One connection to an MQTT broker, in version 3.1.1 or 5, as the rest of the bridge sees it.
//!
//! What it owns: what the two versions of the client library have in common. It must not know channels or rules.

use bytes::Bytes;
use rumqttc::{
    Packet, QoS, SubscribeFilter, SubscribeReasonCode,
    v5::{self, mqttbytes::v5 as packets},
};

use super::place::{CONNECT_SECONDS, Place, Version};
use crate::bridge::tls::TrustError;

/// Requests on their way to the connection's task; those behind wait for it.
const REQUESTS: usize = 256;

/// What sends. Both are one queue.
pub(super) enum Sender {
    V311(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

/// What drives the connection. It makes it again whenever it is asked for more after it was lost.
pub(super) enum Receiver {
    V311(Box<rumqttc::EventLoop>),
    V5(Box<v5::EventLoop>),
}

/// What happened on the connection.
#[derive(Debug)]
pub(super) enum Came {
    /// The broker refuses a subscription.
    Refused(String),
    /// The broker took the subscriptions.
    Subscribed,
    /// A message.
    Message(Arrival),
    /// Something that needs no answer.
    Nothing,
}

/// A message.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    /// It is what the topic's last value was before we came.
    pub(super) retain: bool,
    pub(super) properties: Option<packets::PublishProperties>,
    /// Set when the broker waits to hear that it was taken.
    pub(super) receipt: Option<Receipt>,
}

/// Which message is meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receipt {
    number: u16,
    qos: QoS,
}

/// What is to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    /// Version 5 alone has them.
    pub(super) properties: Option<packets::PublishProperties>,
}

/// The connection does not take it, now or ever.
#[derive(Debug, thiserror::Error)]
#[error("the connection takes no more")]
pub(super) struct Closed;

/// A connection that is made with the first [`Receiver::next`].
///
/// # Errors
/// When the certificates to believe cannot be read.
pub(super) fn open(place: &Place, client_id: &str) -> Result<(Sender, Receiver), TrustError> {
    match place.version {
        Version::V311 => {
            let (sender, receiver) = rumqttc::AsyncClient::new(place.options(client_id)?, REQUESTS);
            let mut receiver = Box::new(receiver);
            receiver.network_options.set_connection_timeout(CONNECT_SECONDS).set_tcp_nodelay(true);
            Ok((Sender::V311(sender), Receiver::V311(receiver)))
        }
        Version::V5 => {
            let (sender, receiver) = v5::AsyncClient::new(place.options_5(client_id)?, REQUESTS);
            Ok((Sender::V5(sender), Receiver::V5(Box::new(receiver))))
        }
    }
}

impl Sender {
    /// Subscribes to filters. The answer comes as [`Came::Subscribed`] or [`Came::Refused`]. What this client publishes
    /// does not come back to it where the version can say so.
    ///
    /// # Errors
    /// When there is no room for it, with as many requests waiting as there may be.
    pub(super) fn subscribe(&self, filters: &[String], qos: QoS) -> Result<(), Closed> {
        match self {
            Self::V311(client) => {
                let filters = filters.iter().map(|filter| SubscribeFilter::new(filter.clone(), qos));
                client.try_subscribe_many(filters).map_err(|_| Closed)
            }
            Self::V5(client) => {
                // Whether a message is the topic's new last value is said then, too.
                let filters = filters.iter().map(|filter| packets::Filter {
                    nolocal: true,
                    preserve_retain: true,
                    ..packets::Filter::new(filter.clone(), qos_5(qos))
                });
                client.try_subscribe_many(filters).map_err(|_| Closed)
            }
        }
    }

    /// Waits until the connection has room for a message. What is queued when the connection is lost is sent again where
    /// the session outlives it.
    ///
    /// # Errors
    /// When the connection is not driven any more.
    pub(super) async fn publish(&self, outgoing: Outgoing) -> Result<(), Closed> {
        let Outgoing { topic, payload, qos, retain, properties } = outgoing;
        match self {
            Self::V311(client) => client.publish_bytes(topic, qos, retain, payload).await.map_err(|_| Closed),
            Self::V5(client) => {
                let properties = properties.unwrap_or_default();
                let sent = client.publish_with_properties(topic, qos_5(qos), retain, payload, properties);
                sent.await.map_err(|_| Closed)
            }
        }
    }

    /// Tells the broker that a message was taken.
    ///
    /// # Errors
    /// When there is no room for it yet.
    pub(super) fn acknowledge(&self, receipt: Receipt) -> Result<(), Closed> {
        match self {
            Self::V311(client) => {
                let mut publish = rumqttc::Publish::new("", receipt.qos, Vec::new());
                publish.pkid = receipt.number;
                client.try_ack(&publish).map_err(|_| Closed)
            }
            Self::V5(client) => {
                let mut publish = packets::Publish::new("", qos_5(receipt.qos), Bytes::new(), None);
                publish.pkid = receipt.number;
                client.try_ack(&publish).map_err(|_| Closed)
            }
        }
    }

    /// Says goodbye, so that the will is not done.
    ///
    /// # Errors
    /// When the connection is not driven any more.
    pub(super) async fn disconnect(&self) -> Result<(), Closed> {
        match self {
            Self::V311(client) => client.disconnect().await.map_err(|_| Closed),
            Self::V5(client) => client.disconnect().await.map_err(|_| Closed),
        }
    }
}

impl Receiver {
    /// Makes the connection. What was to be sent when the one before was lost is sent first, also where the broker has
    /// forgotten the session: twice rather than not at all.
    ///
    /// # Errors
    /// When the broker cannot be reached, or does not take us in.
    pub(super) async fn connect(&mut self) -> Result<(), String> {
        match self {
            Self::V311(driver) => {
                // A new session would empty it.
                let mut pending = std::mem::take(&mut driver.pending);
                let connected = loop {
                    match driver.poll().await {
                        Ok(rumqttc::Event::Incoming(Packet::ConnAck(answer))) => {
                            break Ok(answer.session_present);
                        }
                        Ok(_) => {}
                        Err(error) => break Err(error.to_string()),
                    }
                };
                if connected == Ok(false) {
                    pending.retain(|request| matches!(request, rumqttc::Request::Publish(_)));
                }
                // What was asked for since comes behind.
                pending.extend(std::mem::take(&mut driver.pending));
                driver.pending = pending;
                connected.map(|_| ())
            }
            Self::V5(driver) => {
                let mut pending = std::mem::take(&mut driver.pending);
                let connected = loop {
                    match driver.poll().await {
                        Ok(v5::Event::Incoming(packets::Packet::ConnAck(answer))) => {
                            break Ok(answer.session_present);
                        }
                        Ok(_) => {}
                        Err(error) => break Err(error.to_string()),
                    }
                };
                if connected == Ok(false) {
                    pending.retain(|request| matches!(request, v5::Request::Publish(_)));
                }
                // What was asked for since comes behind.
                pending.extend(std::mem::take(&mut driver.pending));
                driver.pending = pending;
                connected.map(|_| ())
            }
        }
    }

    /// Whether something is there that needs no driving.
    pub(super) fn has_more(&self) -> bool {
        match self {
            Self::V311(driver) => !driver.state.events.is_empty(),
            Self::V5(driver) => !driver.state.events.is_empty(),
        }
    }

    /// Drives the connection until something happened. Not cancel-safe: whoever drops it loses the connection.
    ///
    /// # Errors
    /// When it cannot be made, or is lost. Asking again makes it again.
    pub(super) async fn next(&mut self) -> Result<Came, String> {
        match self {
            Self::V311(driver) => match driver.poll().await {
                Ok(rumqttc::Event::Incoming(packet)) => Ok(Came::of(packet)),
                Ok(rumqttc::Event::Outgoing(_)) => Ok(Came::Nothing),
                Err(error) => Err(error.to_string()),
            },
            Self::V5(driver) => match driver.poll().await {
                Ok(v5::Event::Incoming(packet)) => Ok(Came::of_5(packet)),
                Ok(v5::Event::Outgoing(_)) => Ok(Came::Nothing),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

impl Came {
    fn of(packet: Packet) -> Self {
        match packet {
            Packet::SubAck(answer) => match answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                true => Self::Refused("it does not say why".to_owned()),
                false => Self::Subscribed,
            },
            Packet::Publish(publish) => {
                let receipt = Receipt::of(publish.pkid, publish.qos);
                Self::Message(Arrival {
                    topic: publish.topic.into(),
                    payload: publish.payload,
                    retain: publish.retain,
                    properties: None,
                    receipt,
                })
            }
            _ => Self::Nothing,
        }
    }

    fn of_5(packet: packets::Packet) -> Self {
        match packet {
            packets::Packet::SubAck(answer) => {
                let granted = |code: &&packets::SubscribeReasonCode| {
                    matches!(code, packets::SubscribeReasonCode::Success(_))
                };
                match answer.return_codes.iter().find(|code| !granted(code)) {
                    Some(code) => Self::Refused(format!("{code:?}")),
                    None => Self::Subscribed,
                }
            }
            packets::Packet::Publish(publish) => {
                let qos = match publish.qos {
                    v5::mqttbytes::QoS::AtMostOnce => QoS::AtMostOnce,
                    v5::mqttbytes::QoS::AtLeastOnce => QoS::AtLeastOnce,
                    v5::mqttbytes::QoS::ExactlyOnce => QoS::ExactlyOnce,
                };
                Self::Message(Arrival {
                    topic: publish.topic,
                    payload: publish.payload,
                    retain: publish.retain,
                    properties: publish.properties,
                    receipt: Receipt::of(publish.pkid, qos),
                })
            }
            _ => Self::Nothing,
        }
    }
}

impl Receipt {
    fn of(number: u16, qos: QoS) -> Option<Self> {
        (qos != QoS::AtMostOnce).then_some(Self { number, qos })
    }
}

pub(super) fn qos_5(qos: QoS) -> v5::mqttbytes::QoS {
    match qos {
        QoS::AtMostOnce => v5::mqttbytes::QoS::AtMostOnce,
        QoS::AtLeastOnce => v5::mqttbytes::QoS::AtLeastOnce,
        QoS::ExactlyOnce => v5::mqttbytes::QoS::ExactlyOnce,
    }
}
