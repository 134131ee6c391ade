//! Posting to a web server: tries again what may be better later, and says what will not.
//!
//! What it owns: how answers are read, and how long is waited between two attempts. It must not know events.

use std::{fmt, time::Duration};

use bytes::Bytes;
use reqwest::{
    Client, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    redirect,
};
use rustls::ClientConfig;

use super::sign::Secret;
use crate::bridge::tls::Trusted;

/// How long a server has for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two attempts, at first. Doubles with each, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(250);
/// Between two attempts, at most, whatever the server asks for.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Of what a server says about a refusal, so much is passed on.
const SAID_MAX: usize = 200;

/// Where to post, and how.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// `http://` or `https://`.
    pub url: Url,
    /// Signs each body.
    pub secret: Option<Secret>,
    /// The header the signature is in.
    pub signature_header: HeaderName,
    /// A bearer token. Nothing shows it.
    pub token: Option<String>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How often it is tried, 1 and more.
    pub attempts: u32,
    /// Whom to believe behind `https://`.
    pub tls: Trusted,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.named())
    }
}

impl Target {
    /// The place, for people: without what may be a secret in its path or query.
    #[must_use]
    pub fn named(&self) -> String {
        self.url.origin().ascii_serialization()
    }
}

/// An address to post to.
///
/// # Errors
/// When it is none, in words.
pub fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.username().is_empty() && url.password().is_none() => Ok(url),
        "http" | "https" => Err("it has a user or a password in it: use `token`".to_owned()),
        other => Err(format!("`{other}` is neither `http` nor `https`")),
    }
}

/// Posts.
#[derive(Debug, Clone)]
pub(super) struct Post {
    client: Client,
    target: Target,
    /// The token, as a header.
    authorization: Option<HeaderValue>,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The server took it.
    Taken,
    /// It does not help to try again.
    Refused(String),
    /// It may help, after this time if the server said one.
    Later(String, Option<Duration>),
}

impl Post {
    /// # Errors
    /// When the token cannot be a header, in words that do not show it.
    pub(super) fn new(target: Target) -> Result<Self, String> {
        let tls = target.tls.client().map_err(|error| error.to_string())?;
        let client = Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(&tls))
            .connect_timeout(CONNECT)
            .timeout(target.timeout)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("hive-node/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string())?;
        let authorization = match &target.token {
            Some(token) => {
                let value = HeaderValue::try_from(format!("Bearer {token}"));
                let mut value =
                    value.map_err(|_| "the token has characters that no header has".to_owned())?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Self { client, target, authorization })
    }

    /// The place, for people.
    pub(super) fn named(&self) -> String {
        self.target.named()
    }

    /// How often it is tried.
    pub(super) fn attempts(&self) -> u32 {
        self.target.attempts
    }

    /// Posts once.
    pub(super) async fn once(&self, mut headers: HeaderMap, body: Bytes) -> Attempt {
        if let Some(secret) = &self.target.secret
            && let Ok(signature) = HeaderValue::try_from(secret.sign(&body))
        {
            headers.insert(self.target.signature_header.clone(), signature);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let sent = self.client.post(self.target.url.clone()).headers(headers).body(body).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            // Its address may have a secret in it.
            Err(error) => return Attempt::Later(words(&error.without_url()), None),
        };
        let status = answer.status();
        if status.is_success() {
            return Attempt::Taken;
        }
        let is_passing = status.is_server_error()
            || matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY
            );
        let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let said = format!("{status}{}", said(answer).await);
        match is_passing {
            true => Attempt::Later(said, wait.map(Duration::from_secs)),
            false => Attempt::Refused(said),
        }
    }
}

/// How long to wait behind an attempt, counted from 1; `chance` is from 0 to 1.
pub(super) fn pause(attempt: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let doubled = PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    // Those who failed together do not come back together.
    let own = doubled.min(PAUSE_MAX).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
    asked.map_or(own, |asked| asked.max(own)).min(PAUSE_MAX)
}

/// The begin of what a server says, on a line.
async fn said(mut answer: reqwest::Response) -> String {
    let mut text = Vec::new();
    while text.len() < SAID_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        text.extend_from_slice(&chunk);
    }
    let text: String = String::from_utf8_lossy(&text).chars().take(SAID_MAX).collect();
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}

/// An error with what led to it, on a line.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let check = |attempt, asked, chance, ms| {
            assert_eq!(pause(attempt, asked, chance), Duration::from_millis(ms), "{attempt}");
        };
        check(1, None, 1.0, 250);
        check(1, None, 0.0, 125);
        check(3, None, 1.0, 1_000);
        check(40, None, 1.0, 30_000);
        check(1, Some(Duration::from_secs(7)), 1.0, 7_000);
        check(1, Some(Duration::from_secs(7_000)), 1.0, 30_000);
    }
}
