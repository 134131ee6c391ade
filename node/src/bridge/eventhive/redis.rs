//! The bridge as a connector over Redis: what is published there under a network's names.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use hive_proto::pattern::Segment;
use redis::{
    RedisError,
    aio::{PubSub, PubSubStream},
};

use super::{Form, give, hub::Published, take};
use crate::{
    bridge::{
        Desk, Exporter, Importer, Lost, Port, Rules,
        redis::{Link, Place},
    },
    status::BridgeDrop,
};

/// How long subscribing may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Publications in one write.
const BATCH: usize = 256;
/// Publications that are remembered until they come back.
const OWN_MAX: usize = 4_096;

/// Carries until the connection ends, or the desk stops.
pub(super) async fn carry(place: &Place, form: &Form, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, importer } = port;
    let shown = format!("redis://{place}");
    let failed = |error: RedisError| Lost::at(&shown, &error);
    let mut link = Link::connect(place, desk).await.map_err(failed)?;
    let globs = globs(desk.rules());
    let stream = if globs.is_empty() {
        None
    } else {
        let subscribing = async {
            let mut subscription = PubSub::new(&place.login(), place.dial().await?).await?;
            subscription.psubscribe(&globs).await?;
            Ok(subscription.into_on_message())
        };
        let subscribed = tokio::time::timeout(PATIENCE, subscribing).await;
        Some(subscribed.map_err(|_| Lost::new(format!("{shown}: no answer within 5 s")))?.map_err(failed)?)
    };
    desk.up(&*shown);
    let asking = link.clone();
    // What has metadata says itself that it was here.
    let own = form.remove_metadata.then(Own::default);
    tokio::select! {
        () = inward((stream, own.as_ref()), form, desk, importer) => Err(Lost::new(format!("{shown}: the subscription has ended"))),
        said = outward((&mut link, own.as_ref()), form, desk, exporter) => said.map_err(failed),
        gone = asking.watch() => Err(failed(gone)),
    }
}

async fn inward(
    (stream, own): (Option<PubSubStream>, Option<&Own>),
    form: &Form,
    desk: &Desk,
    importer: &mut Importer,
) {
    let Some(mut stream) = stream else { return std::future::pending().await };
    while let Some(message) = stream.next().await {
        let topic = message.get_channel_name().to_owned();
        // Globs match more than patterns do, and two of them the same twice: metadata tells.
        if !matches!(importer.channel(&topic), Ok(Some(_)) | Err(_)) {
            continue;
        }
        match message.get_payload::<String>() {
            Ok(data) if own.is_some_and(|own| own.came_back(&topic, &data)) => {
                desk.dropped(BridgeDrop::Loop, 1);
            }
            Ok(data) => take(&Published { topic, data }, form, desk, importer).await,
            Err(_) => desk.dropped(BridgeDrop::Garbage, 1),
        }
    }
}

/// Publishes in batches until the desk stops.
async fn outward(
    (link, own): (&mut Link, Option<&Own>),
    form: &Form,
    desk: &Desk,
    exporter: &mut Exporter,
) -> Result<(), RedisError> {
    while let Some(export) = exporter.next().await {
        let (mut batch, mut next) = (redis::pipe(), Some(export));
        while let Some(mut export) = next.take() {
            if let Some(text) = give(&mut export, form, desk, exporter).await {
                if let Some(own) = own {
                    own.goes_out(&export.name, &text);
                }
                batch.publish(&*export.name, text).ignore();
            }
            if batch.len() < BATCH {
                next = exporter.more().await;
            }
        }
        if !batch.is_empty() {
            link.send(&batch).await?;
            exporter.sent();
        }
    }
    Ok(())
}

/// What was published lately without metadata: Redis brings it back to who published it.
#[derive(Debug, Default)]
struct Own {
    hasher: RandomState,
    /// Held for a look, never across an await.
    hashes: Mutex<VecDeque<u64>>,
}

impl Own {
    fn goes_out(&self, topic: &str, text: &str) {
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        if hashes.len() == OWN_MAX {
            hashes.pop_front();
        }
        hashes.push_back(self.hasher.hash_one((topic, text)));
    }

    fn came_back(&self, topic: &str, text: &str) -> bool {
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = self.hasher.hash_one((topic, text));
        let at = hashes.iter().position(|own| *own == hash);
        at.and_then(|at| hashes.remove(at)).is_some()
    }
}

/// What to subscribe to, so that all that the rules let in comes, and little more.
fn globs(rules: &Rules) -> BTreeSet<String> {
    let globs = rules.import.iter().map(|rule| {
        let mut glob = String::new();
        for (at, segment) in rule.pattern.segments().enumerate() {
            let slash = if at == 0 { "" } else { "/" };
            match segment {
                Segment::Literal(text) => glob.extend([slash, &escaped(text)]),
                Segment::One => glob.extend([slash, "*"]),
                // None at all, and so no slash either.
                Segment::Many => {
                    glob.push('*');
                    break;
                }
            }
        }
        glob
    });
    globs.collect()
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '^') {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

#[cfg(test)]
mod tests {
    use hive_proto::{channel::NetworkIndex, pattern::Pattern};

    use super::*;
    use crate::bridge::Rule;

    #[test]
    fn what_goes_out_comes_back_once() {
        let own = Own::default();
        own.goes_out("a", "x");
        assert!(!own.came_back("b", "x") && own.came_back("a", "x") && !own.came_back("a", "x"));
        (0..=OWN_MAX).for_each(|number| own.goes_out("a", &number.to_string()));
        assert!(!own.came_back("a", "0") && own.came_back("a", "1"));
    }

    #[test]
    fn globs_match_what_rules_do() {
        let check = |pattern: &str, want: &str| {
            let pattern = Pattern::parse(pattern).expect("a pattern");
            let rules = Rules { import: vec![Rule::plain(NetworkIndex::HOME, pattern)], ..Rules::default() };
            assert_eq!(globs(&rules).into_iter().collect::<Vec<_>>(), [want]);
        };
        check("net/worker/**", "net/worker*");
        check("net/*/do", "net/*/do");
        check("net/a?b/do", "net/a\\?b/do");
        check("**", "*");
        check("*/**/x", "**");
    }
}
