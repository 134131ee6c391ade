//! Admission on a fresh connection: each side proves that it knows the network, in one frame.
//!
//! The dialler opens the control stream with its proof; the listener tries it against its networks and answers with a
//! proof of its own, or with its reason. Who the ends are was TLS's question and is answered here already.

use std::time::Duration;

use bytes::Bytes;
use hive_proto::{
    channel::NetworkIndex,
    frame::{
        admission::{Admission, AdmissionError, Offer, Proved, Refusal, RefusalReason},
        wire::WireError,
    },
    id::NodeId,
    limits::{ADMISSION_FRAME_BYTES_MAX, NETWORKS_MAX},
};
use quinn::{Connection, ConnectionError, RecvStream, SendStream, VarInt};
use tokio::time::timeout;

use super::{
    AdmitFailure, CloseCode, Membership,
    limits::{CONNECTION_WINDOW, DATA_STREAMS_MAX},
};
use crate::trust::{
    network::{Binding, Mismatch, Role},
    standing::Standing,
};

/// The label of the keying material proofs are bound to (RFC 8446 §7.5).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-hive/1-admission";
/// How long a refused dialler gets to hear why, before the connection is closed under it.
const FAREWELL: Duration = Duration::from_millis(500);

/// The control stream of an admitted connection.
pub(super) type Control = (SendStream, RecvStream);

/// What admission found out, and what goes on from it.
pub(super) struct Admitted {
    pub(super) network: NetworkIndex,
    pub(super) control: Control,
    /// What each side has proved.
    pub(super) standing: Standing,
}

/// Why the dialler's side of admission failed.
#[derive(Debug)]
pub(super) enum ProveError {
    /// The listener said no.
    Refused(Refusal),
    /// The listener's own proof is wrong.
    Unproved,
    /// The listener's answer is not an answer.
    Malformed(String),
    /// The connection ended.
    Lost(ConnectionError),
}

/// The dialler's side: proves itself, and checks the listener's proof before anything else is said.
pub(super) async fn prove(
    connection: &Connection,
    membership: &Membership,
    own: NodeId,
    peer: NodeId,
) -> Result<Admitted, ProveError> {
    let Membership { index, key, .. } = membership;
    let binding = binding(connection, own, peer).ok_or_else(no_exporter)?;
    let (mut send, mut recv) = connection.open_bi().await.map_err(ProveError::Lost)?;
    let offer = key.offer(&binding);
    let proof = Admission::Proof(offer.clone()).encode();
    if let Err(e) = send.write_all(&proof).await {
        return Err(ended(connection, &e));
    }
    match read_frame(&mut recv).await {
        Ok(Admission::Accepted { tag }) => {
            let offered = [Some(offer.epoch), offer.epoch.checked_sub(1)].into_iter().flatten();
            let proves = |epoch: &u32| key.verify(*epoch, Role::Listener, &binding, &tag);
            let Some(epoch) = offered.into_iter().find(proves) else { return Err(ProveError::Unproved) };
            welcome(connection);
            let standing = Standing::new((key.clone(), binding, Role::Dialler), (epoch, offer.epoch), None);
            Ok(Admitted { network: *index, control: (send, recv), standing })
        }
        Ok(Admission::Refused(refusal)) => Err(ProveError::Refused(refusal)),
        Ok(Admission::Proof(_)) => {
            Err(ProveError::Malformed("it answered with a proof of the other side".into()))
        }
        Err(e) => Err(ended(connection, &e)),
    }
}

/// The listener's side: finds the network the dialler proves, or tells it why not.
pub(super) async fn check(
    connection: &Connection,
    memberships: &[Membership],
    own: NodeId,
    peer: NodeId,
) -> Result<Admitted, AdmitFailure> {
    let (mut send, mut recv) = connection.accept_bi().await.map_err(gone)?;
    let found = match read_frame(&mut recv).await {
        Ok(Admission::Proof(offer)) => find(connection, memberships, (own, peer), offer),
        Ok(other) => Err(AdmitFailure::Malformed(format!("a frame `{other:?}` out of turn"))),
        Err(FrameReadError::Admission(e @ AdmissionError::Version(_))) => {
            Err(AdmitFailure::Version(e.to_string()))
        }
        Err(FrameReadError::Stream(why)) => match connection.close_reason() {
            Some(reason) => return Err(gone(reason)),
            None => Err(AdmitFailure::Malformed(why)),
        },
        Err(e) => Err(AdmitFailure::Malformed(e.to_string())),
    };
    match found {
        Ok((network, tag, standing)) => {
            let accepted = Admission::Accepted { tag }.encode();
            send.write_all(&accepted).await.map_err(|e| AdmitFailure::Gone(e.to_string()))?;
            welcome(connection);
            Ok(Admitted { network, control: (send, recv), standing })
        }
        Err(failure) => {
            refuse(connection, send, &failure).await;
            Err(failure)
        }
    }
}

/// What it means to the listener that the connection ended.
pub(super) fn gone(end: ConnectionError) -> AdmitFailure {
    match end {
        ConnectionError::ApplicationClosed(close) if close.error_code == CloseCode::Refused.into() => {
            let why = String::from_utf8_lossy(&close.reason).replace(char::is_control, " ");
            AdmitFailure::Declined(why)
        }
        other => AdmitFailure::Gone(other.to_string()),
    }
}

/// The network that the dialler is in, the proof to answer with, and what each side has proved by it.
fn find(
    connection: &Connection,
    memberships: &[Membership],
    (own, peer): (NodeId, NodeId),
    offer: Offer,
) -> Result<(NetworkIndex, [u8; 32], Standing), AdmitFailure> {
    let Some(binding) = binding(connection, peer, own) else {
        return Err(AdmitFailure::Handshake("TLS exports no keying material".into()));
    };
    for Membership { index, key, allow } in memberships.iter().take(NETWORKS_MAX) {
        let epoch = match key.judge(&binding, &offer) {
            Ok(epoch) => epoch,
            Err(Mismatch::Network) => continue,
            Err(Mismatch::Epoch(theirs)) => {
                return Err(AdmitFailure::Epoch { theirs, ours: key.newest(), admitted: key.admitted() });
            }
        };
        // Said to those alone who are of the network.
        if !allow.has(peer) {
            return Err(AdmitFailure::NotListed);
        }
        // None when the epoch ceased to admit a moment ago.
        let Some(tag) = key.proof(epoch, Role::Listener, &binding) else { continue };
        let later = Proved { epoch: offer.epoch, tag: offer.newest };
        let standing = Standing::new((key.clone(), binding, Role::Listener), (epoch, epoch), Some(later));
        return Ok((*index, tag, standing));
    }
    Err(AdmitFailure::NoSuchNetwork)
}

/// Tells the dialler why, waits shortly until it knows, and closes.
async fn refuse(connection: &Connection, mut send: SendStream, failure: &AdmitFailure) {
    let (reason, text) = match failure {
        AdmitFailure::NoSuchNetwork => (RefusalReason::NoSuchNetwork, String::new()),
        AdmitFailure::Epoch { theirs, ours, admitted } if theirs != ours => {
            (RefusalReason::Epoch, format!("it admits {admitted}, and epoch {theirs} was proved"))
        }
        AdmitFailure::Epoch { ours, .. } => {
            (RefusalReason::Epoch, format!("its secret of epoch {ours} is another one"))
        }
        AdmitFailure::NotListed => (RefusalReason::NotListed, String::new()),
        AdmitFailure::Version(why) => (RefusalReason::Version, why.clone()),
        AdmitFailure::Malformed(why) => (RefusalReason::Malformed, why.clone()),
        other => (RefusalReason::Other(0), other.to_string()),
    };
    let frame = Admission::Refused(Refusal { reason, text }).encode();
    let farewell = async {
        if send.write_all(&frame).await.is_ok() && send.finish().is_ok() {
            // Whether it was read or the connection broke makes no difference now.
            let _ = send.stopped().await;
        }
    };
    // Who does not listen is not waited for.
    let _ = timeout(FAREWELL, farewell).await;
    connection.close(CloseCode::Refused.into(), b"refused");
}

/// An admitted peer may open data streams and send ahead; a stranger could not.
fn welcome(connection: &Connection) {
    connection.set_receive_window(CONNECTION_WINDOW.into());
    connection.set_max_concurrent_uni_streams(DATA_STREAMS_MAX.into());
}

fn binding(connection: &Connection, dialler: NodeId, listener: NodeId) -> Option<Binding> {
    let mut exporter = [0; 32];
    connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"").ok()?;
    Some(Binding { exporter, dialler, listener })
}

fn no_exporter() -> ProveError {
    ProveError::Malformed("TLS exports no keying material".into())
}

/// What a broken exchange means to the dialler: the connection's end if it ended, else a bad answer.
fn ended(connection: &Connection, error: &impl ToString) -> ProveError {
    let refused = VarInt::from(CloseCode::Refused);
    match connection.close_reason() {
        Some(ConnectionError::ApplicationClosed(close)) if close.error_code == refused => {
            ProveError::Refused(Refusal { reason: RefusalReason::Other(0), text: String::new() })
        }
        Some(reason) => ProveError::Lost(reason),
        None => ProveError::Malformed(error.to_string()),
    }
}

/// Why no admission frame was read.
#[derive(Debug, thiserror::Error)]
enum FrameReadError {
    /// The stream ended or broke.
    #[error("{0}")]
    Stream(String),
    /// The frame announces more than 4 KiB.
    #[error("a frame of {0} bytes")]
    TooLarge(u64),
    /// The frame's length or fields are malformed.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
}

/// Reads exactly one frame, so that what follows on the stream is still there for others.
async fn read_frame(recv: &mut RecvStream) -> Result<Admission, FrameReadError> {
    let kind = read_byte(recv).await?;
    let length = read_length(recv).await?;
    let mut body = vec![0; length];
    recv.read_exact(&mut body).await.map_err(|e| FrameReadError::Stream(e.to_string()))?;
    Ok(Admission::decode(kind, &Bytes::from(body))?)
}

/// A varint of at most 4 KiB, which takes two bytes at most.
async fn read_length(recv: &mut RecvStream) -> Result<usize, FrameReadError> {
    let low = read_byte(recv).await?;
    if low < 0x80 {
        return Ok(usize::from(low));
    }
    let high = read_byte(recv).await?;
    if high == 0 {
        return Err(AdmissionError::Wire(WireError::Varint).into());
    }
    let length = usize::from(low & 0x7f) | usize::from(high & 0x7f) << 7;
    if high >= 0x80 || length > ADMISSION_FRAME_BYTES_MAX {
        return Err(FrameReadError::TooLarge(length as u64));
    }
    Ok(length)
}

async fn read_byte(recv: &mut RecvStream) -> Result<u8, FrameReadError> {
    let mut byte = [0];
    recv.read_exact(&mut byte).await.map_err(|e| FrameReadError::Stream(e.to_string()))?;
    Ok(byte[0])
}
