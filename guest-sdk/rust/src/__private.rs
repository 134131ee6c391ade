//! What the code that `#[hive::plugin]` writes calls. Nothing here is for people, and it may change at any time.

use std::marker::PhantomData;

pub use crate::plugin::Exported;
use crate::{
    Delivery, Description, Event, Failure, FromEvent, Instances, IntoAnswer, Message, Result, Saved,
    Subscription, Timer, TimerScope, failure::reject,
};

/// The type that a function returns, so that a `Result` can be told from a plain value.
///
/// Called as `(&returned).…`: method lookup prefers [`Fallible`], which stands for `Result`s alone, and falls back to
/// [`Plain`]. A `Result` could otherwise be taken for a value that serde writes as `{"Ok": …}`.
#[derive(Debug)]
pub struct Returned<R>(PhantomData<R>);

impl<R> Returned<R> {
    /// The type of a value.
    pub fn of(_: &R) -> Self {
        Self(PhantomData)
    }
}

/// What a function without parameters returns.
pub fn returned0<R>(_: fn() -> R) -> Returned<R> {
    Returned(PhantomData)
}

/// What a function with one parameter returns.
pub fn returned1<A, R>(_: fn(A) -> R) -> Returned<R> {
    Returned(PhantomData)
}

/// What a function with two parameters returns.
pub fn returned2<A, B, R>(_: fn(A, B) -> R) -> Returned<R> {
    Returned(PhantomData)
}

/// Functions that return a `Result`.
pub trait Fallible<T, E> {
    /// Whether the function answers requests.
    fn answers(&self) -> bool
    where
        T: IntoAnswer,
    {
        T::answers()
    }

    /// What the node is told.
    fn outcome(&self, value: Result<T, E>, wants_reply: bool) -> Result<Option<Message>>
    where
        T: IntoAnswer,
        Failure: From<E>,
    {
        answer(value?, wants_reply)
    }

    /// What the next version is given.
    fn saved(&self, value: Result<T, E>) -> Result<Vec<u8>, String>
    where
        T: IntoAnswer,
        E: std::fmt::Display,
    {
        saved(value.map_err(|error| format!("{error:#}"))?)
    }

    /// What the node is told of a start.
    fn started(&self, value: Result<T, E>) -> Result<(), String>
    where
        E: std::fmt::Display,
    {
        value.map(drop).map_err(|error| format!("{error:#}"))
    }
}

impl<T, E> Fallible<T, E> for Returned<Result<T, E>> {}

/// Functions that return anything else.
pub trait Plain<R> {
    /// Whether the function answers requests.
    fn answers(&self) -> bool
    where
        R: IntoAnswer,
    {
        R::answers()
    }

    /// What the node is told.
    fn outcome(&self, value: R, wants_reply: bool) -> Result<Option<Message>>
    where
        R: IntoAnswer,
    {
        answer(value, wants_reply)
    }

    /// What the next version is given.
    fn saved(&self, value: R) -> Result<Vec<u8>, String>
    where
        R: IntoAnswer,
    {
        saved(value)
    }

    /// What the node is told of a start.
    fn started(&self, _: R) -> Result<(), String> {
        Ok(())
    }
}

impl<R> Plain<R> for &Returned<R> {}

/// Nobody pays for an answer that nobody waits for.
fn answer(value: impl IntoAnswer, wants_reply: bool) -> Result<Option<Message>> {
    if wants_reply { value.into_answer() } else { Ok(None) }
}

fn saved(value: impl IntoAnswer) -> Result<Vec<u8>, String> {
    let message = value.into_answer().map_err(|failure| failure.to_string())?;
    Ok(message.unwrap_or_default().payload)
}

/// What a restore function takes, of what another version has saved.
pub fn restored<T: FromEvent>(saved: Saved) -> Result<T, String> {
    let message = Message::bytes(saved.state).with_content_type("application/json");
    let mut event = Event {
        channel: String::new(),
        message,
        subscription: 0,
        attempt: 1,
        retained: false,
        wants_reply: false,
    };
    let version = saved.version;
    T::from_event(&mut event).map_err(|failure| format!("what version {version} saved: {failure}"))
}

/// A description without settings.
pub fn description(
    name: &str,
    version: &str,
    instances: Instances,
    subscriptions: Vec<Subscription>,
    timers: Vec<Timer>,
    publishes: &[&str],
) -> Description {
    Description {
        name: name.to_owned(),
        version: version.to_owned(),
        instances,
        subscriptions,
        timers,
        publishes: publishes.iter().map(|pattern| (*pattern).to_owned()).collect(),
        settings: Vec::new(),
    }
}

/// A subscription, and whether requests may be sent there and it goes on where it left off.
pub fn subscription(
    pattern: &str,
    delivery: Delivery,
    group: Option<&str>,
    (answers, durable): (bool, bool),
) -> Subscription {
    Subscription {
        pattern: pattern.to_owned(),
        delivery,
        group: group.map(str::to_owned),
        answers,
        settings: durable.then(|| ("durable".to_owned(), "true".to_owned())).into_iter().collect(),
    }
}

/// A timer without settings.
pub fn timer(name: &str, schedule: &str, mesh: bool) -> Timer {
    let scope = if mesh { TimerScope::Mesh } else { TimerScope::Node };
    Timer { name: name.to_owned(), schedule: schedule.to_owned(), scope, settings: Vec::new() }
}

/// The node named a subscription that the plugin does not have.
#[cold]
pub fn unknown_subscription(event: &Event) -> Failure {
    reject(format_args!("no function for subscription {} ({})", event.subscription, event.channel))
}
