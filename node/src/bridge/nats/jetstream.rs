//! What a JetStream stream keeps: read by consumers that remember how far they are, acknowledged when the node has taken
//! it; and written so that the servers say when they have it.

use std::{collections::VecDeque, pin::pin, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, AckKind,
        consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
        context::PublishAckFuture,
    },
};
use futures_util::{StreamExt as _, stream::SelectAll};

use super::{JetStream, MESSAGE_ID, Named, Names, Subjects, outgoing, reading::import};
use crate::{
    bridge::{Desk, Export, Exporter, Imported, Importer, Port},
    status::BridgeDrop,
};

/// Messages asked for at a time.
const BATCH: usize = 256;
/// Messages that were given out and are not acknowledged.
const PENDING_MAX: i64 = 1_024;
/// After so long without an acknowledgement a message is given again.
const ACKNOWLEDGE: Duration = Duration::from_secs(30);
/// When this node does not take a message, it is given again after so long.
const AGAIN: Duration = Duration::from_secs(1);
/// Events of which the servers have not said that they have them.
const UNCONFIRMED_MAX: usize = 256;

/// Carries until the connection ends.
pub(super) async fn carry(
    client: &Client,
    stream: &JetStream,
    wanted: &[(usize, String)],
    named: &str,
    port: &mut Port,
) -> Result<(), String> {
    let Port { desk, exporter, importer } = port;
    let context = jetstream::new(client.clone());
    let mut sources = SelectAll::new();
    for (at, subject) in wanted {
        let consumer = consumer(&context, stream, subject).await?;
        let messages = consumer.stream().max_messages_per_batch(BATCH).messages().await;
        let messages = messages.map_err(|error| error.to_string())?;
        let at = *at;
        sources.push(messages.map(move |message| (at, message)).boxed());
    }
    desk.up(format!("{named}, stream {}", stream.stream));
    let reading = async {
        let mut names = Names::new(desk.rules());
        if sources.is_empty() {
            return std::future::pending().await;
        }
        while let Some((at, message)) = sources.next().await {
            let message = message.map_err(|error| error.to_string())?;
            take(message, at, &mut names, importer, desk).await?;
        }
        Err("the stream's consumers ended".to_owned())
    };
    tokio::select! {
        read = reading => read,
        written = write(&context, client, exporter, desk) => written,
    }
}

/// The consumer of one subject, made where there is none.
async fn consumer(
    context: &jetstream::Context,
    stream: &JetStream,
    subject: &str,
) -> Result<PullConsumer, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the stream {}: {error}", stream.stream);
    let found = context.get_stream(&stream.stream).await.map_err(|error| failed(&error))?;
    let name =
        format!("{}-{}", stream.consumer, subject.replace('.', "_").replace('*', "+").replace('>', "++"));
    let deliver_policy = if stream.from_begin { DeliverPolicy::All } else { DeliverPolicy::New };
    let config = pull::Config {
        durable_name: Some(name.clone()),
        filter_subject: subject.to_owned(),
        deliver_policy,
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACKNOWLEDGE,
        max_ack_pending: PENDING_MAX,
        ..pull::Config::default()
    };
    found.get_or_create_consumer(&name, config).await.map_err(|error| failed(&error))
}

/// Puts one message on the bus and acknowledges it.
async fn take(
    message: jetstream::Message,
    at: usize,
    names: &mut Names,
    importer: &mut Importer,
    desk: &Desk,
) -> Result<(), String> {
    let id = message.info().ok().map(|info| format!("{}-{}", info.stream, info.stream_sequence));
    let (came, acker) = message.split();
    let imported = match names.of(at, &came.subject, desk.rules()) {
        Named::Is(name) => import(importer, desk, name, came, id).await,
        Named::Not(error) => {
            error.bury(desk, came).await;
            None
        }
        Named::Copy => None,
    };
    let acknowledged = match imported {
        Some(Imported::NotNow(_)) => acker.ack_with(AckKind::Nak(Some(AGAIN))).await,
        _ => acker.ack().await,
    };
    acknowledged.map_err(|error| error.to_string())
}

/// Publishes what goes out until there is no more. It counts as written when the servers have it.
async fn write(
    context: &jetstream::Context,
    client: &Client,
    exporter: &mut Exporter,
    desk: &Desk,
) -> Result<(), String> {
    let (mut names, mut waiting) = (Subjects::default(), VecDeque::new());
    while let Some(export) = exporter.next().await {
        let mut next = Some(export);
        while let Some(export) = next {
            // Nobody there answers: a stream would.
            if export.request.is_none()
                && let Some((subject, mut headers)) =
                    outgoing(&mut names, &export, (client, desk), exporter).await
            {
                if let Some(id) = export.trail(desk).and_then(|trail| trail.id) {
                    headers.insert(MESSAGE_ID, &*id);
                }
                let payload = export.payload().clone();
                let sent = context.publish_with_headers(subject, headers, payload).await;
                waiting.push_back((export, sent.map_err(|error| error.to_string())?));
            }
            next = if waiting.len() < UNCONFIRMED_MAX { exporter.more().await } else { None };
        }
        confirm(&mut waiting, exporter).await?;
        exporter.sent();
    }
    Ok(())
}

/// Waits until the servers have said of all that they have them, or why not.
async fn confirm(
    waiting: &mut VecDeque<(Export, PublishAckFuture)>,
    exporter: &mut Exporter,
) -> Result<(), String> {
    use jetstream::context::PublishErrorKind::{
        MaxPayloadExceeded, StreamNotFound, WrongLastMessageId, WrongLastSequence,
    };
    while let Some((export, sent)) = waiting.pop_front() {
        let sent = pin!(sent.into_future());
        let Err(error) = sent.await else { continue };
        match error.kind() {
            StreamNotFound | MaxPayloadExceeded | WrongLastMessageId | WrongLastSequence => {
                exporter
                    .cannot(&export, BridgeDrop::Rejected, &format!("JetStream refuses it: {error}"))
                    .await;
            }
            _ => return Err(error.to_string()),
        }
    }
    Ok(())
}
