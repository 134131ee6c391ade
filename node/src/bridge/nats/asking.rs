//! Requests both ways: who asks on a subject there is answered by who answers here, and the reverse.
//!
//! A task a request, so many at a time; one more is refused at once. An error is answered with the headers that NATS's own
//! services use.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::{Client, HeaderMap, Message as Came, RequestErrorKind, StatusCode};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{headers, names, reading::read};
use crate::{
    bridge::{Desk, Export, Importer},
    bus::{CallCause, CallError, Failure, Message, Request, without_mesh_headers},
    status::BridgeDrop,
};

/// Requests under way, both ways together.
const REQUESTS_MAX: usize = 1_024;
/// What a service there answers with when it fails.
const ERROR: &str = "Nats-Service-Error";
const ERROR_CODE: &str = "Nats-Service-Error-Code";

/// Asks and answers.
pub(super) struct Asking {
    client: Client,
    desk: Desk,
    /// How long somebody there waits.
    timeout: Duration,
    places: Arc<Semaphore>,
}

impl Asking {
    pub(super) fn new(client: &Client, desk: &Desk, timeout: Duration) -> Self {
        let places = Arc::new(Semaphore::new(REQUESTS_MAX));
        Self { client: client.clone(), desk: desk.clone(), timeout, places }
    }

    /// Somebody there asks.
    pub(super) fn asked(&self, importer: &mut Importer, name: &str, came: Came) {
        let Some(reply) = came.reply else { return };
        let to = match importer.channel(name) {
            Ok(Some(to)) => to,
            Ok(None) => return self.desk.dropped(BridgeDrop::NoRule, 1),
            Err(_) => return self.desk.dropped(BridgeDrop::Name, 1),
        };
        let client = self.client.clone();
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.desk.dropped(BridgeDrop::Slow, 1);
            return;
        };
        let (desk, deadline) = (self.desk.clone(), Instant::now() + self.timeout);
        self.spawn(place, async move {
            let Ok((message, trail)) = read(came.payload, came.headers, None) else {
                return desk.dropped(BridgeDrop::Garbage, 1);
            };
            let answer = if trail.has(desk.bus().mark(to.network)) {
                // Nobody there answered: they would have been asked before a bridge was.
                desk.dropped(BridgeDrop::Loop, 1);
                Err(CallError::NoResponder)
            } else {
                let actor = desk.actor();
                let cause = CallCause::over(&actor, deadline, 0);
                desk.traffic().imported.one();
                desk.bus().call_from(&to, without_mesh_headers(message), cause).await
            };
            let (headers, payload) = match answer {
                Ok(message) => (answer_headers(&message), message.payload),
                Err(error) => (refusal(&error), Bytes::new()),
            };
            // Who asked may be gone.
            let _ = client.publish_with_headers(reply, headers, payload).await;
        });
    }

    /// Somebody here asks.
    pub(super) fn ask(&self, export: &Export, request: Request) {
        let said = names::subject(&export.name).map_err(|error| error.to_string());
        let said = said.and_then(|subject| Ok((subject, headers(export, &self.desk)?)));
        let (subject, headers) = match said {
            Ok(said) => said,
            Err(why) => {
                self.desk.dropped(BridgeDrop::Name, 1);
                return request.answer(Err(Failure::Rejected(why)));
            }
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let why = format!("the bridge carries {REQUESTS_MAX} requests, the most it may");
            return request.answer(Err(Failure::Failed(why)));
        };
        let (client, desk) = (self.client.clone(), self.desk.clone());
        let (payload, left) = (export.payload().clone(), request.time_left());
        self.spawn(place, async move {
            desk.traffic().exported.one();
            let asked = async_nats::Request::new().headers(headers).payload(payload).timeout(Some(left));
            request.answer(match client.send_request(subject, asked).await {
                Ok(came) => answered(came),
                Err(error) => Err(Failure::Failed(match error.kind() {
                    RequestErrorKind::NoResponders => "nobody answers on that subject".to_owned(),
                    RequestErrorKind::TimedOut => "no answer in time from NATS".to_owned(),
                    _ => format!("NATS: {error}"),
                })),
            });
        });
    }

    fn spawn(&self, place: OwnedSemaphorePermit, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.desk.stop().clone();
        self.desk.spawn("request", async move {
            let _place = place;
            // None when the connection ends, which is the end of all its requests.
            let _ = stop.run_until_cancelled(work).await;
        });
    }
}

fn answered(came: Came) -> Result<Message, Failure> {
    if came.status == Some(StatusCode::NO_RESPONDERS) {
        return Err(Failure::Failed("nobody answers on that subject".to_owned()));
    }
    if let Some(why) = came.headers.as_ref().and_then(|headers| headers.get(ERROR)) {
        return Err(Failure::Failed(why.as_str().to_owned()));
    }
    let (message, _) =
        read(came.payload, came.headers, None).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(without_mesh_headers(message))
}

/// What goes with an answer; what cannot be a header there is left out.
fn answer_headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let content_type = message.content_type().map(|value| ("content-type", value));
    let own = message.headers().iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in content_type.into_iter().chain(own) {
        if let (Ok(name), Ok(value)) =
            (name.parse::<async_nats::HeaderName>(), value.parse::<async_nats::HeaderValue>())
        {
            headers.append(name, value);
        }
    }
    headers
}

fn refusal(error: &CallError) -> HeaderMap {
    let code = match error {
        CallError::NoResponder | CallError::Unavailable(_) => "503",
        CallError::Timeout => "408",
        CallError::Rejected(_) | CallError::Publish(_) => "400",
        CallError::Failed(_) | CallError::Deadlock => "500",
    };
    let why: String = error.to_string().split(['\r', '\n']).collect::<Vec<_>>().join(" ");
    let mut headers = HeaderMap::new();
    headers.insert(ERROR, why);
    headers.insert(ERROR_CODE, code);
    headers
}
