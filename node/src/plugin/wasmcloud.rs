//! Components that were written for wasmCloud, as they are: they export `wasmcloud:messaging/handler` and import its
//! `consumer`, and most of them logging and configuration.
//!
//! What it owns: their interfaces, and what each means here: subjects are channels, `reply-to` is where the answer of the
//! request in hand goes, an error is a retry. Exists so that nobody has to write a handler twice. It must not know how
//! instances are kept or events come.

use wasmtime::{
    Store,
    component::{HasSelf, Linker},
};
use wit_parser::{Resolve, SourceMap};

use super::{
    grants::line,
    host::{
        Guest,
        bindings::exports::hive::node::handler::{
            Delay, Delivery, Description, Failure, Instances, Subscription,
        },
    },
    instances::Handled,
    settings::PluginConfig,
};
use crate::bus::Event;

pub use reply::Reply;
pub use subject::{Subject, SubjectError};

mod config;
mod keyvalue;
mod logging;
mod messaging;
mod reply;
mod subject;

/// Generated from `wit/`; see there for where it is from.
#[expect(missing_docs, reason = "generated from interfaces of others")]
pub mod bindings {
    wasmtime::component::bindgen!({
        world: "component",
        path: "src/plugin/wasmcloud/wit",
        ownership: Borrowing { duplicate_if_necessary: true },
        imports: {
            "wasmcloud:messaging/consumer": async,
            "wasi:keyvalue/store": async,
            "wasi:keyvalue/atomics": async,
            "wasi:keyvalue/batch": async,
        },
        exports: { default: async },
        with: { "wasi:keyvalue/store.bucket": crate::plugin::wasmcloud::keyvalue::Bucket },
    });
}

pub use bindings::{Component, ComponentIndices};

/// The interface that such a component exports.
pub const HANDLER: &str = "wasmcloud:messaging/handler@0.2.0";

/// What may be imported beside messaging, under each name that is in use: what is a draft has no compatible versions.
pub const EXTRAS: &[&str] = &[
    "wasi:config/runtime",
    "wasi:config/runtime@0.2.0-draft",
    "wasi:config/store",
    "wasi:config/store@0.2.0-draft",
    "wasi:config/store@0.2.0-rc.1",
    "wasi:keyvalue/atomics@0.2.0-draft",
    "wasi:keyvalue/batch@0.2.0-draft",
    "wasi:keyvalue/store@0.2.0-draft",
    "wasi:logging/logging",
    "wasi:logging/logging@0.1.0-draft",
];

/// The interfaces of messaging, for comparisons.
///
/// # Errors
/// When they cannot be read, which is a mistake of this program.
pub fn messaging_wit() -> Result<Resolve, String> {
    let mut sources = SourceMap::new();
    sources.push_str("messaging.wit", include_str!("wasmcloud/wit/deps/messaging.wit"));
    let group = sources.parse().map_err(|(_, error)| error.to_string())?;
    let mut resolve = Resolve::default();
    resolve.push_group(group).map_err(|error| error.to_string())?;
    Ok(resolve)
}

/// Adds what such components import.
///
/// # Errors
/// When two interfaces define one name, which is a mistake of this program.
pub fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings::wasmcloud::messaging::types::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::counted)?;
    bindings::wasmcloud::messaging::consumer::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::counted)?;
    bindings::wasi::keyvalue::store::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::counted)?;
    bindings::wasi::keyvalue::atomics::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::counted)?;
    bindings::wasi::keyvalue::batch::add_to_linker::<_, HasSelf<Guest>>(linker, Guest::counted)?;
    for name in EXTRAS {
        match *name {
            name if name.starts_with("wasi:logging/") => logging::link(linker, name)?,
            name if name.starts_with("wasi:config/") => config::link(linker, name)?,
            _ => {}
        }
    }
    Ok(())
}

/// What such a component would say of itself, had it a `describe`: the configuration says it.
#[must_use]
pub fn description(plugin: &str, config: &PluginConfig) -> Description {
    let subscription = |subject: &Subject| Subscription {
        pattern: subject.pattern.clone(),
        delivery: if subject.group.is_some() { Delivery::Group } else { Delivery::Broadcast },
        group: subject.group.clone(),
        answers: subject.answers,
        settings: Vec::new(),
    };
    Description {
        name: plugin.to_owned(),
        version: String::new(),
        instances: Instances::Pool,
        subscriptions: config.subscriptions.iter().map(subscription).collect(),
        timers: Vec::new(),
        publishes: Vec::new(),
        settings: Vec::new(),
    }
}

/// The configuration with what it implies: that a plugin may listen to what it is told to listen to.
#[must_use]
pub fn configured(config: &PluginConfig) -> PluginConfig {
    let mut config = config.clone();
    config.subscribes.extend(config.subscriptions.iter().map(|subject| subject.pattern.clone()));
    config
}

/// The line that is missing where nothing says what a component listens to.
#[must_use]
pub fn missing(plugin: &str) -> String {
    line(plugin, "subscriptions: [\"SUBJECT\"]")
}

/// Hands it one event.
///
/// # Errors
/// When it traps or breaks a limit.
pub async fn handle(
    component: &Component,
    store: &mut Store<Guest>,
    event: &Event,
    wants_reply: bool,
) -> wasmtime::Result<Handled> {
    let reply = wants_reply.then(|| Reply::to(event));
    let reply_to = match &reply {
        Some(reply) => Some(reply.subject().to_owned()),
        None => messaging::reply_to(event),
    };
    store.data_mut().expect_reply(reply);
    let subject = subject::of(event.channel.as_str());
    let message = bindings::wasmcloud::messaging::types::BrokerMessageParam {
        subject: &subject,
        body: &event.message.payload,
        reply_to: reply_to.as_deref(),
    };
    let handled = component.wasmcloud_messaging_handler().call_handle_message(&mut *store, message).await?;
    let answer = store.data_mut().taken_reply();
    Ok(match handled {
        Err(reason) => Err(Failure::Retry(Delay { reason, after_ms: None })),
        Ok(()) if wants_reply && answer.is_none() => {
            Err(Failure::Reject("it handled the request and published nothing to its reply-to".into()))
        }
        Ok(()) => Ok(answer),
    })
}
