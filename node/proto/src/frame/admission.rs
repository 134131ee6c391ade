//! Admission: the one frame each side sends before a connection is a link, and the proof each may send again on it.
//!
//! The dialler proves that it knows a network, the listener answers with a proof of its own or says why not. When the
//! network's secret is changed, each side proves the new one on the links that are there. How proofs are made and
//! checked is not known here; 4 KiB bound each frame, whatever its length claims.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    OPTIONAL, frame,
    wire::{Reader, WireError, put_text, put_varint},
};
use crate::limits::ADMISSION_FRAME_BYTES_MAX;

/// The version of the proof's layout this code speaks.
pub const ADMISSION_VERSION: u8 = 2;
/// Bytes of the words in a refusal.
pub const REFUSAL_TEXT_BYTES_MAX: usize = 256;

const KIND_PROOF: u8 = 1;
const KIND_ACCEPTED: u8 = 2;
const KIND_REFUSED: u8 = 3;

/// One admission frame.
#[derive(Clone, PartialEq, Eq)]
pub enum Admission {
    /// The dialler's: it knows a network, which it does not name.
    Proof(Offer),
    /// The listener's yes, with its own proof.
    Accepted {
        /// The proof, bound to the connection.
        tag: [u8; 32],
    },
    /// The listener's no.
    Refused(Refusal),
}

/// What a dialler proves, all of it bound to the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The newest epoch of the network's secret that it knows; 0 in an open network.
    pub epoch: u32,
    /// That it is of this network, whatever epochs it knows: admits nobody, and serves to say what is wrong.
    pub kin: [u8; 32],
    /// That it knows that epoch.
    pub newest: [u8; 32],
    /// That it knows the epoch before, if it does.
    pub previous: Option<[u8; 32]>,
}

/// Kind of the frame on a link's control stream by which a side proves a later epoch than it has proved so far. Who
/// drives the link reads it; the state machine never sees it.
pub const PROVED: u8 = OPTIONAL | 0x17;

/// That the sender knows an epoch of the network's secret, bound to the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Which.
    pub epoch: u32,
    /// The proof.
    pub tag: [u8; 32],
}

/// Why a listener says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason as a program reads it.
    pub reason: RefusalReason,
    /// The reason in words, at most 256 bytes.
    pub text: String,
}

/// The reasons for a no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// The listener is in no network of this name with this secret.
    NoSuchNetwork,
    /// The proof is of a version the listener does not speak.
    Version,
    /// The listener admits as many as it can right now.
    Busy,
    /// The listener got something that is no proof.
    Malformed,
    /// The listener is in the network, and admits none of the epochs that were proved.
    Epoch,
    /// The listener is in the network, whose list of nodes does not have the dialler.
    NotListed,
    /// A reason newer than this code.
    Other(u8),
}

impl RefusalReason {
    fn code(self) -> u8 {
        match self {
            Self::NoSuchNetwork => 1,
            Self::Version => 2,
            Self::Busy => 3,
            Self::Malformed => 4,
            Self::Epoch => 5,
            Self::NotListed => 6,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::NoSuchNetwork,
            2 => Self::Version,
            3 => Self::Busy,
            4 => Self::Malformed,
            5 => Self::Epoch,
            6 => Self::NotListed,
            other => Self::Other(other),
        }
    }
}

/// Why bytes are no admission frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The kind of another frame.
    #[error("a frame of kind {0} where admission was expected")]
    Kind(u8),
    /// A layout this code does not speak.
    #[error("a proof of version {0}, and only {ADMISSION_VERSION} is spoken here")]
    Version(u8),
    /// A field is missing, too long or malformed.
    #[error("a malformed admission frame: {0}")]
    Wire(#[from] WireError),
}

impl Admission {
    /// The whole frame, at most 4 KiB. Words past 256 bytes are cut at a character.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut body = BytesMut::with_capacity(128);
        let kind = match self {
            Self::Proof(offer) => {
                body.put_u8(ADMISSION_VERSION);
                offer.put(&mut body);
                KIND_PROOF
            }
            Self::Accepted { tag } => {
                body.put_slice(tag);
                KIND_ACCEPTED
            }
            Self::Refused(refusal) => {
                let end = refusal.text.floor_char_boundary(REFUSAL_TEXT_BYTES_MAX);
                body.put_u8(refusal.reason.code());
                put_text(&mut body, refusal.text.get(..end).unwrap_or_default());
                KIND_REFUSED
            }
        };
        debug_assert!(body.len() < ADMISSION_FRAME_BYTES_MAX);
        frame(kind, &body)
    }

    /// Reads the body of a frame of this kind.
    ///
    /// # Errors
    /// When it is of another kind or version, or malformed.
    pub fn decode(kind: u8, body: &Bytes) -> Result<Self, AdmissionError> {
        let mut reader = Reader::new(body);
        let read = match kind {
            KIND_PROOF => {
                // The version says how the rest is laid out, so nothing else is looked at before it.
                let version = reader.u8()?;
                if version != ADMISSION_VERSION {
                    return Err(AdmissionError::Version(version));
                }
                Self::Proof(Offer::read(&mut reader)?)
            }
            KIND_ACCEPTED => Self::Accepted { tag: reader.array()? },
            KIND_REFUSED => {
                let reason = RefusalReason::from_code(reader.u8()?);
                Self::Refused(Refusal { reason, text: reader.text(REFUSAL_TEXT_BYTES_MAX)?.into() })
            }
            other => return Err(AdmissionError::Kind(other)),
        };
        reader.end()?;
        Ok(read)
    }
}

impl Offer {
    fn put(&self, out: &mut BytesMut) {
        put_varint(out, self.epoch.into());
        out.put_slice(&self.kin);
        out.put_slice(&self.newest);
        out.put_u8(self.previous.is_some().into());
        out.put_slice(self.previous.as_ref().map_or(&[], |tag| tag));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (epoch, kin, newest) = (read_epoch(reader)?, reader.array()?, reader.array()?);
        let previous = match reader.u8()? {
            0 => None,
            1 => Some(reader.array()?),
            _ => return Err(WireError::Value("number of proofs")),
        };
        Ok(Self { epoch, kin, newest, previous })
    }
}

impl Proved {
    /// The whole frame.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut body = BytesMut::with_capacity(40);
        put_varint(&mut body, self.epoch.into());
        body.put_slice(&self.tag);
        frame(PROVED, &body)
    }

    /// Reads the body of a frame of the kind [`PROVED`].
    ///
    /// # Errors
    /// When a field is missing, malformed or too much.
    pub fn decode(body: &Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let read = Self { epoch: read_epoch(&mut reader)?, tag: reader.array()? };
        reader.end()?;
        Ok(read)
    }
}

fn read_epoch(reader: &mut Reader<'_>) -> Result<u32, WireError> {
    u32::try_from(reader.varint()?).map_err(|_| WireError::Value("epoch"))
}

/// Says which frame it is, not the proof in it.
impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Proof(_) => f.write_str("Proof"),
            Self::Accepted { .. } => f.write_str("Accepted"),
            Self::Refused(refusal) => write!(f, "Refused({:?}: {})", refusal.reason, refusal.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::split_frame;

    fn decode(whole: &[u8]) -> Result<Admission, AdmissionError> {
        let mut buffer = BytesMut::from(whole);
        let (kind, body) =
            split_frame(&mut buffer, ADMISSION_FRAME_BYTES_MAX).expect("a frame").expect("a whole one");
        assert!(buffer.is_empty());
        Admission::decode(kind, &body)
    }

    #[test]
    fn another_version_and_another_kind_are_named() {
        assert_eq!(decode(&[KIND_PROOF, 1, 3]), Err(AdmissionError::Version(3)));
        assert_eq!(decode(&[9, 0]), Err(AdmissionError::Kind(9)));
        assert_eq!(decode(&[KIND_PROOF, 2, 2, 0]), Err(AdmissionError::Wire(WireError::Truncated)));
        let mut long = vec![KIND_ACCEPTED, 33];
        long.extend([0; 33]);
        assert_eq!(decode(&long), Err(AdmissionError::Wire(WireError::Trailing(1))));
    }

    /// Whoever drives a link takes these frames from under the state machine, which may have no use of that kind.
    #[test]
    fn a_later_proof_is_no_frame_of_the_state_machine() {
        let body = Proved { epoch: 1, tag: [0; 32] }.encode().slice(2..);
        assert_eq!(crate::frame::control::Control::decode(PROVED, &body), Ok(None));
        assert_ne!(PROVED, crate::frame::control::DRAINED);
    }

    #[test]
    fn long_words_are_cut_at_a_character() {
        let refusal = |text: String| Admission::Refused(Refusal { reason: RefusalReason::Busy, text });
        assert_eq!(decode(&refusal("é".repeat(200)).encode()), Ok(refusal("é".repeat(128))));
    }

    proptest! {
        #[test]
        fn frames_come_back(
            (epoch, tag) in any::<(u32, [u8; 32])>(),
            previous in any::<Option<[u8; 32]>>(),
            code in any::<u8>(),
            text in "\\PC{0,60}",
        ) {
            let reason = RefusalReason::from_code(code);
            let proved = Proved { epoch, tag };
            let whole = proved.encode();
            prop_assert_eq!(Proved::decode(&whole.slice(2..)), Ok(proved));
            let all = [
                Admission::Proof(Offer { epoch, kin: tag, newest: [7; 32], previous }),
                Admission::Accepted { tag },
                Admission::Refused(Refusal { reason, text }),
            ];
            for frame in all {
                prop_assert_eq!(decode(&frame.encode()), Ok(frame.clone()));
            }
        }

        #[test]
        fn any_bytes_decode_or_are_refused(
            kind in 0_u8..5,
            body in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let body = Bytes::from(body);
            if let Ok(read) = Admission::decode(kind, &body) {
                prop_assert!(read.encode().ends_with(&body));
            }
            if let Ok(read) = Proved::decode(&body) {
                prop_assert!(read.encode().ends_with(&body));
            }
        }
    }
}
