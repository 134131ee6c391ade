//! The client: one function a thing that can be asked of a node.

mod plugins;

use std::{net::SocketAddr, path::Path, time::Duration};

use bytes::Bytes;
use hyper::{Method, Request, Response, http};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::{
    error::Error,
    headers,
    http::Http,
    locate,
    message::Message,
    publisher::Publisher,
    subscription::{Subscription, Terms},
    types::{
        ApiError, ConfigReload, DeadLetters, Gathered, Graph, Peers, Receipt, Replay, Status, Visit, code,
        trace::Trace,
    },
};

/// How long [`Client::call`] waits when nobody says.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a visit may take: silence takes five seconds, and a node may have 16 networks to try.
const VISIT_TIME: Duration = Duration::from_secs(60);

/// What may stand in a path without being encoded.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/').remove(b'$');

/// A running node of this host. Making one connects to nothing; each request does, and keeps the connection. A clone
/// has a connection of its own.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
}

impl Client {
    /// The node behind a Unix socket.
    #[must_use]
    pub fn new(socket: impl AsRef<Path>) -> Self {
        Self { http: Http::new(socket.as_ref().into()) }
    }

    /// The node that is meant: a socket, a data directory or a node's name; without any, the one that runs under this
    /// user's usual places (see [`locate::socket`]).
    ///
    /// # Errors
    /// When no node's socket is there.
    pub fn find(node: Option<&str>) -> Result<Self, Error> {
        Ok(Self::new(locate::socket(node)?))
    }

    /// The socket it speaks to.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.http.socket()
    }

    /// Everything about the node.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn status(&self) -> Result<Status, Error> {
        self.read("/v1/status").await
    }

    /// The node's neighbours.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn peers(&self) -> Result<Peers, Error> {
        self.read("/v1/peers").await
    }

    /// Everybody who can be reached from the node, and by which ways.
    ///
    /// # Errors
    /// When no node answers, or it is leaving.
    pub async fn graph(&self) -> Result<Graph, Error> {
        self.read("/v1/graph").await
    }

    /// Lets the node connect to an address, look who is there, and leave again.
    ///
    /// # Errors
    /// When no node answers, or it is leaving.
    pub async fn visit(&self, addr: SocketAddr) -> Result<Visit, Error> {
        let path = format!("/v1/visit/{}", utf8_percent_encode(&addr.to_string(), NON_ALPHANUMERIC));
        let request = request(Method::POST, &path, &Message::default())?;
        document(&self.http.send(request, VISIT_TIME).await?)
    }

    /// Who would get an event of a channel, and by which ways. Nothing is published. `timeout` is how long to wait for
    /// what the nodes on the ways say.
    ///
    /// # Errors
    /// When no node answers, it is leaving, or that is no channel (`invalid`).
    pub async fn trace(&self, channel: &str, timeout: Duration) -> Result<Trace, Error> {
        let channel = utf8_percent_encode(channel, PATH);
        let path = format!("/v1/trace/{channel}?timeout={}us", timeout.as_micros());
        let request = request(Method::POST, &path, &Message::default())?;
        document(&self.http.send(request, timeout).await?)
    }

    /// What is counted, as Prometheus reads it.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn metrics(&self) -> Result<String, Error> {
        let request = request(Method::GET, "/metrics", &Message::default())?;
        let response = self.http.send(request, Duration::ZERO).await?;
        String::from_utf8(response.into_body().into()).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// The dead letters of a plugin or group; `letter`: only that one, with its event.
    ///
    /// # Errors
    /// When no node answers, it keeps none, or there is no such letter (`not-found`).
    pub async fn dead_letters(&self, name: &str, letter: Option<u64>) -> Result<DeadLetters, Error> {
        let path = format!("/v1/dead/{}", utf8_percent_encode(name, PATH));
        self.read(&letter.map_or(path.clone(), |letter| format!("{path}?letter={letter}"))).await
    }

    /// Has a plugin handle dead letters again, all or those named, and waits up to `timeout` for what becomes of them. What
    /// is handled is gone.
    ///
    /// # Errors
    /// When no node answers, or no plugin of that name runs (`not-found`).
    pub async fn replay(
        &self,
        plugin: &str,
        letters: Option<&[u64]>,
        timeout: Duration,
    ) -> Result<Replay, Error> {
        let path = format!("{}&timeout={}us", dead_path(plugin, letters, false), timeout.as_micros());
        document(&self.http.send(request(Method::POST, &path, &Message::default())?, timeout).await?)
    }

    /// Lets dead letters go, all or those named.
    ///
    /// # Errors
    /// When no node answers, or it keeps none.
    pub async fn drop_letters(&self, name: &str, letters: Option<&[u64]>) -> Result<Replay, Error> {
        let path = dead_path(name, letters, true);
        document(&self.http.send(request(Method::POST, &path, &Message::default())?, Duration::ZERO).await?)
    }

    /// Has the node read its configuration again, and what it says hold as far as that can be while it runs; `check`: only
    /// says what that would change.
    ///
    /// # Errors
    /// When no node answers, the configuration is wrong and nothing was changed (`configuration`), or the node was not
    /// started from one (`unavailable`).
    pub async fn reload_config(&self, check: bool) -> Result<ConfigReload, Error> {
        let request =
            request(Method::POST, &format!("/v1/config/reload?check={check}"), &Message::default())?;
        document(&self.http.send(request, Duration::from_secs(60)).await?)
    }

    /// Asks the node to leave the mesh and end. It has begun when this returns.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn stop(&self) -> Result<(), Error> {
        self.http
            .send(request(Method::POST, "/v1/stop", &Message::default())?, Duration::ZERO)
            .await
            .map(drop)
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// When no node answers, or it refuses (`invalid`, `too-large`, `denied`, …).
    pub async fn publish(&self, channel: &str, message: &Message) -> Result<Receipt, Error> {
        let path = format!("/v1/publish/{}", utf8_percent_encode(channel, PATH));
        document(&self.http.send(request(Method::POST, &path, message)?, Duration::ZERO).await?)
    }

    /// Publishes one event, and has it kept as the channel's last value: new subscribers get it first.
    ///
    /// # Errors
    /// As [`Client::publish`], and when the value is over 64 KiB, when no more fit, or when the node's clock is off.
    pub async fn retain(&self, channel: &str, message: &Message) -> Result<Receipt, Error> {
        let path = format!("/v1/publish/{}?retain=true", utf8_percent_encode(channel, PATH));
        document(&self.http.send(request(Method::POST, &path, message)?, Duration::ZERO).await?)
    }

    /// Has the channel's last value forgotten; its subscribers get an empty event.
    ///
    /// # Errors
    /// As [`Client::retain`].
    pub async fn clear(&self, channel: &str) -> Result<Receipt, Error> {
        let path = format!("/v1/publish/{}?clear=true", utf8_percent_encode(channel, PATH));
        document(&self.http.send(request(Method::POST, &path, &Message::default())?, Duration::ZERO).await?)
    }

    /// A stream of publishes over one connection: what to use for many.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn publisher(&self) -> Result<Publisher, Error> {
        Publisher::open(self.socket()).await
    }

    /// Asks on a channel and waits for the answer.
    ///
    /// # Errors
    /// When no node answers, or there is no answer (`no-responder`, `timeout`, `failed`, `rejected`, …).
    pub async fn call(&self, channel: &str, message: &Message, timeout: Duration) -> Result<Message, Error> {
        self.answer(channel, message, timeout, "one").await
    }

    /// Asks everybody who answers on a channel, and waits for the first good answer.
    ///
    /// # Errors
    /// When no node answers, or nobody has a good answer.
    pub async fn call_first(
        &self,
        channel: &str,
        message: &Message,
        timeout: Duration,
    ) -> Result<Message, Error> {
        self.answer(channel, message, timeout, "first").await
    }

    /// Asks everybody who answers on a channel, and waits for all answers.
    ///
    /// # Errors
    /// When no node answers, or nobody is asked (`no-responder`). What goes wrong at one responder is its answer.
    pub async fn call_all(
        &self,
        channel: &str,
        message: &Message,
        timeout: Duration,
    ) -> Result<Gathered, Error> {
        let path = call_path(channel, timeout, "all");
        document(&self.http.send(request(Method::POST, &path, message)?, timeout).await?)
    }

    async fn answer(
        &self,
        channel: &str,
        message: &Message,
        timeout: Duration,
        mode: &str,
    ) -> Result<Message, Error> {
        let path = call_path(channel, timeout, mode);
        let response = self.http.send(request(Method::POST, &path, message)?, timeout).await?;
        let answer =
            headers::read(response.headers()).map_err(|error| Error::Unreadable(error.to_string()))?;
        Ok(Message { payload: response.into_body(), ..answer })
    }

    /// Everything that matches any of these patterns, until the subscription is dropped. Live when this returns.
    /// Where the terms say that requests may be sent here, each must be answered.
    ///
    /// # Errors
    /// When no node answers, or one is no pattern (`invalid`).
    pub async fn subscribe(
        &self,
        patterns: impl IntoIterator<Item = impl Into<String>>,
        terms: Terms,
    ) -> Result<Subscription, Error> {
        let patterns = patterns.into_iter().map(Into::into).collect();
        Subscription::open(self.socket(), patterns, terms).await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let request = request(Method::GET, path, &Message::default())?;
        document(&self.http.send(request, Duration::ZERO).await?)
    }
}

fn dead_path(name: &str, letters: Option<&[u64]>, drop: bool) -> String {
    let path = format!("/v1/dead/{}?drop={drop}", utf8_percent_encode(name, PATH));
    let Some(letters) = letters else { return path };
    let numbers: Vec<String> = letters.iter().map(ToString::to_string).collect();
    format!("{path}&letters={}", numbers.join(","))
}

fn call_path(channel: &str, timeout: Duration, mode: &str) -> String {
    let channel = utf8_percent_encode(channel, PATH);
    format!("/v1/call/{channel}?mode={mode}&timeout={}us", timeout.as_micros())
}

fn request(method: Method, path: &str, message: &Message) -> Result<Request<Bytes>, Error> {
    let invalid = |error: &dyn std::fmt::Display| ApiError::new(code::INVALID, error.to_string());
    let request = Request::builder().method(method).uri(path).body(message.payload.clone());
    let mut request = request.map_err(|error: http::Error| invalid(&error))?;
    headers::write(message, request.headers_mut()).map_err(|error| invalid(&error))?;
    Ok(request)
}

fn document<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T, Error> {
    serde_json::from_slice(response.body()).map_err(|error| Error::Unreadable(error.to_string()))
}
