//! What comes in: named, checked against limits and circles, and published.

use std::{borrow::Cow, collections::HashMap};

use hive_proto::{
    channel::{Address, ChannelError},
    time::Hlc,
};

use super::{
    Desk,
    sealed::{Coming, Opened, SealedError},
};
use crate::{
    bus::{
        LetIn, Mark, Message, NotGathered, PublishError, Publisher, Receipt, Trail, TrailError,
        without_mesh_headers,
    },
    status::BridgeDrop,
    trust::seal::OpenError,
};

/// Names whose channels are remembered; past it all are forgotten. Events come in runs.
const NAMES_KEPT: usize = 1_024;

/// Where a bridge, or one client of it, puts what comes in.
#[derive(Debug)]
pub struct Importer {
    desk: Desk,
    publisher: Publisher,
    /// Of what says nothing of its past.
    plain: Trail,
    /// Channels by their names beyond.
    names: HashMap<String, Address>,
}

/// Something that comes in.
#[derive(Debug, Clone)]
pub struct Incoming<'n> {
    /// Its name beyond, as a channel is written.
    pub name: &'n str,
    /// What it says. `hive-…` headers are taken away: where it has been is `trail`.
    pub message: Message,
    /// Where it has been; the default when the medium says nothing.
    pub trail: Trail,
    /// How many publishes led to it, where the medium says so.
    pub depth: u8,
    /// It is to be kept, and was published first at this time; an empty payload clears. The end of time stands for now.
    /// None: it is an event like others.
    pub kept: Option<Hlc>,
}

impl<'n> Incoming<'n> {
    /// An event without a past.
    #[must_use]
    pub fn new(name: &'n str, message: Message) -> Self {
        Self { name, message, trail: Trail::default(), depth: 0, kept: None }
    }
}

/// What became of something that came in. Whatever it is was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// It is published.
    Published(Receipt),
    /// It is not, and never will be.
    Dropped(BridgeDrop),
    /// The node did not take it now, and may take it later: where a medium gives it again, it should not be confirmed.
    NotNow(PublishError),
}

impl Importer {
    pub(super) fn new(desk: Desk) -> Self {
        let publisher = desk.bus().publisher_of(desk.actor());
        let plain = plain(&desk);
        Self { desk, publisher, plain, names: HashMap::new() }
    }

    pub(super) fn at(&mut self, desk: Desk) {
        (self.plain, self.desk) = (plain(&desk), desk);
    }

    /// Publishes what came in under the name that the rules give it. Waits for slow consumers, at most 50 ms in any
    /// second.
    pub async fn import(&mut self, incoming: Incoming<'_>) -> Imported {
        if self.desk.rules().proxy {
            return self.drop(BridgeDrop::Proxy);
        }
        let to = match self.channel(incoming.name) {
            Ok(Some(to)) => to,
            Ok(None) => return self.drop(BridgeDrop::NoRule),
            Err(error) => {
                return self
                    .bury(incoming, BridgeDrop::Name, &format!("its name is no channel: {error}"))
                    .await;
            }
        };
        self.publish(&to, incoming).await
    }

    /// The same for one of several that came together: consumers of this node get all of them at once, with
    /// [`Importer::hand_over`].
    pub async fn import_among(&mut self, incoming: Incoming<'_>) -> Imported {
        match self.gather(incoming) {
            Ok(imported) => imported,
            // Few are not like the others: they are behind a pointer, and the others need not wait for anything.
            Err(incoming) => Box::pin(self.import(incoming)).await,
        }
    }

    /// Hands over what came together. Waits for slow consumers, at most 50 ms in any second.
    pub async fn hand_over(&mut self) {
        self.publisher.hand_over().await;
    }

    /// What needs more than a look is given back.
    fn gather<'n>(&mut self, incoming: Incoming<'n>) -> Result<Imported, Incoming<'n>> {
        let desk = &self.desk;
        let is_usual = incoming.kept.is_none()
            && incoming.message.payload.len() <= desk.limits().payload_bytes
            && desk.seals().is_none()
            && !desk.rules().proxy;
        let Some(to) = self.names.get(incoming.name).filter(|_| is_usual) else { return Err(incoming) };
        let Incoming { name, message, trail, depth, kept } = incoming;
        let Ok(trail) = followed(&self.plain, trail, desk.mark()) else {
            return Ok(self.drop(BridgeDrop::Loop));
        };
        match self.publisher.gather_bridged(to, without_mesh_headers(message), (&trail, depth)) {
            Ok(let_in) => Ok(self.settle(to, Ok(let_in))),
            Err(NotGathered::Refused(error)) => Ok(self.settle(to, Err(error))),
            Err(NotGathered::Alone(message)) => {
                Err(Incoming { name, message, trail: trail.into_owned(), depth, kept })
            }
        }
    }

    /// The same to a channel that is known.
    pub async fn publish(&mut self, to: &Address, incoming: Incoming<'_>) -> Imported {
        self.hand_over().await;
        let (bytes, most) = (incoming.message.payload.len(), self.desk.limits().payload_bytes);
        if bytes > most {
            let why = format!("it has {bytes} bytes; this bridge carries at most {most}");
            return self.bury(incoming, BridgeDrop::TooLarge, &why).await;
        }
        let (incoming, coming) = match opened(&self.desk, incoming) {
            Ok(opened) => opened,
            Err(reason) => return self.drop(reason),
        };
        let Incoming { message, trail, depth, kept, .. } = incoming;
        let Ok(trail) = followed(&self.plain, trail, self.desk.mark()) else {
            return self.drop(BridgeDrop::Loop);
        };
        let message = without_mesh_headers(message);
        let let_in = match kept {
            None => self.publisher.publish_bridged(to, message, (&trail, depth)).await,
            Some(since) => {
                let message = (!message.payload.is_empty()).then_some(message);
                self.publisher.keep_bridged(to, message, (&trail, depth, since))
            }
        };
        let imported = self.settle(to, let_in);
        if !matches!(imported, Imported::NotNow(_)) {
            coming.into_iter().for_each(Coming::came);
        }
        imported
    }

    /// Where something of this name comes in; none where no rule lets it in.
    ///
    /// # Errors
    /// When it is no channel.
    pub fn channel(&mut self, name: &str) -> Result<Option<Address>, ChannelError> {
        if let Some(to) = self.names.get(name) {
            return Ok(Some(to.clone()));
        }
        let found = self.desk.rules().inward(self.desk.bus(), name)?;
        if let Some(to) = &found {
            if self.names.len() >= NAMES_KEPT {
                self.names.clear();
            }
            self.names.insert(name.to_owned(), to.clone());
        }
        Ok(found)
    }

    fn settle(&self, to: &Address, let_in: Result<LetIn, PublishError>) -> Imported {
        match let_in {
            Ok(LetIn::Published(receipt)) => {
                self.desk.traffic().imported.one();
                Imported::Published(receipt)
            }
            Ok(LetIn::Looped) => self.drop(BridgeDrop::Loop),
            Ok(LetIn::Duplicate) => self.drop(BridgeDrop::Duplicate),
            Ok(LetIn::Superseded) => self.drop(BridgeDrop::Superseded),
            Err(PublishError::Denied(denial)) => {
                tracing::debug!(bridge = self.desk.name(), "not published: {denial}");
                self.drop(BridgeDrop::Denied)
            }
            Err(
                error @ (PublishError::Overloaded
                | PublishError::NotDurable(_)
                | PublishError::KeptFull
                | PublishError::Clock(_)),
            ) => {
                self.desk.dropped(BridgeDrop::Refused, 1);
                tracing::debug!(bridge = self.desk.name(), channel = %to.channel, "not published: {error}");
                Imported::NotNow(error)
            }
            Err(error) => {
                tracing::debug!(bridge = self.desk.name(), channel = %to.channel, "not published: {error}");
                self.drop(BridgeDrop::Refused)
            }
        }
    }

    async fn bury(&self, incoming: Incoming<'_>, reason: BridgeDrop, why: &str) -> Imported {
        let Incoming { name, message, .. } = incoming;
        self.desk.cannot_here(name, without_mesh_headers(message), reason, why).await;
        Imported::Dropped(reason)
    }

    fn drop(&self, reason: BridgeDrop) -> Imported {
        self.desk.dropped(reason, 1);
        Imported::Dropped(reason)
    }
}

/// What is in an envelope, where things are sealed; nothing plain is taken then.
fn opened<'n, 'd>(
    desk: &'d Desk,
    incoming: Incoming<'n>,
) -> Result<(Incoming<'n>, Option<Coming<'d>>), BridgeDrop> {
    let Some(seals) = desk.seals() else { return Ok((incoming, None)) };
    let sealed = incoming.message.payload.clone();
    match seals.map_or(Err(SealedError::Plain), |seals| seals.open(incoming.name, sealed)) {
        Ok(Opened { message, trail, coming }) => Ok((Incoming { message, trail, ..incoming }, Some(coming))),
        Err(error) => {
            tracing::debug!(bridge = desk.name(), name = incoming.name, "not taken: {error}");
            let again = error == SealedError::Open(OpenError::Duplicate);
            Err(if again { BridgeDrop::Duplicate } else { BridgeDrop::Garbage })
        }
    }
}

/// That of what comes from there.
fn followed(plain: &Trail, trail: Trail, mark: Mark) -> Result<Cow<'_, Trail>, TrailError> {
    Ok(if trail.is_empty() { Cow::Borrowed(plain) } else { Cow::Owned(trail.from(mark)?) })
}

/// That of what comes from there and says nothing of its past.
fn plain(desk: &Desk) -> Trail {
    // One mark is never too many.
    Trail::default().from(desk.mark()).unwrap_or_default()
}
