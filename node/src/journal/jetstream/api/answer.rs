//! What servers answer, read without trust in it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Fault, Stored};

/// Any answer: an error, or what was asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    error: Option<Refusal>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    err_code: u16,
    #[serde(default)]
    description: String,
}

impl Answer {
    pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
        let answer: Self = serde_json::from_slice(bytes).map_err(|_| Fault::Strange)?;
        if let Some(Refusal { code, err_code, description }) = answer.error {
            let code = if err_code == 0 { code } else { err_code };
            // It is shown to people, and comes from elsewhere.
            let description = description.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(Fault::Refused { code, description });
        }
        serde_json::from_slice(bytes).map_err(|_| Fault::Strange)
    }
}

/// A stream.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::journal::jetstream) struct Info {
    pub(in crate::journal::jetstream) config: Known,
    pub(in crate::journal::jetstream) state: State,
    #[serde(default)]
    pub(in crate::journal::jetstream) cluster: Option<Cluster>,
}

/// What it is, as far as that matters.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::journal::jetstream) struct Known {
    #[serde(default)]
    pub(in crate::journal::jetstream) metadata: std::collections::BTreeMap<String, String>,
}

/// What it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(in crate::journal::jetstream) struct State {
    pub(in crate::journal::jetstream) messages: u64,
    pub(in crate::journal::jetstream) bytes: u64,
    pub(in crate::journal::jetstream) first_seq: u64,
    pub(in crate::journal::jetstream) last_seq: u64,
}

/// Who has copies of it beside its leader.
#[derive(Debug, Clone, Default, Deserialize)]
pub(in crate::journal::jetstream) struct Cluster {
    #[serde(default)]
    pub(in crate::journal::jetstream) replicas: Option<Vec<Replica>>,
}

/// A copy of it.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::journal::jetstream) struct Replica {
    #[serde(default)]
    pub(in crate::journal::jetstream) current: bool,
}

/// A message was stored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::journal::jetstream) struct Taken {
    pub(in crate::journal::jetstream) seq: u64,
}

/// A message that was asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    message: Message,
}

#[derive(Debug, Deserialize)]
struct Message {
    seq: u64,
    #[serde(default)]
    data: String,
}

impl Found {
    pub(super) fn read(self) -> Result<Stored, Fault> {
        let body = STANDARD.decode(self.message.data).map_err(|_| Fault::Strange)?;
        Ok(Stored { sequence: self.message.seq, body: body.into() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let read = |text: &str| Answer::read::<Taken>(text.as_bytes());
        assert_eq!(read(r#"{"stream":"S","seq":7}"#), Ok(Taken { seq: 7 }));
        let full =
            r#"{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"seq":0}"#;
        assert!(read(full).expect_err("refused").is_full());
        let other = r#"{"error":{"code":503,"err_code":10077,"description":"no space left on device"}}"#;
        assert!(!read(other).expect_err("refused").is_full());
        let wrong =
            r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5\u001b"},"seq":0}"#;
        let wrong = read(wrong).expect_err("refused");
        assert!(wrong.is_wrong_last());
        assert_eq!(wrong.to_string(), "wrong last sequence: 5 (error 10071)");
        for strange in ["", "{}", "[]", r#"{"seq":-1}"#, r#"{"error":7}"#] {
            assert_eq!(read(strange), Err(Fault::Strange), "{strange}");
        }
        let found = Answer::read::<Found>(br#"{"message":{"seq":3,"data":"Ym9keQ=="}}"#).expect("found");
        assert_eq!(found.read().map(|stored| (stored.sequence, stored.body)), Ok((3, "body".into())));
    }

    proptest! {
        #[test]
        fn arbitrary_answers_never_panic(text in "[ -~]{0,80}", number in any::<u64>()) {
            let _ = Answer::read::<Info>(text.as_bytes());
            let _ = Answer::read::<Taken>(format!("{{\"seq\":{number},\"x\":{text:?}}}").as_bytes());
            let found = format!("{{\"message\":{{\"seq\":{number},\"data\":{text:?}}}}}");
            let _ = Answer::read::<Found>(found.as_bytes()).and_then(Found::read);
        }
    }
}
