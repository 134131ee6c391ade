//! The bridge as a connector over Redis: what is published there under a network's names.

use std::{
    collections::{BTreeSet, VecDeque},
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, PoisonError},
};

use hive_proto::pattern::Segment;
use redis::{RedisError, Value};

use super::{Form, client::text_bytes_max, give, hub::Published, take};
use crate::{
    bridge::{
        Desk, Export, Exporter, Importer, Lost, Port, Rules,
        redis::{Link, Place, Reading, Said},
    },
    status::BridgeDrop,
};

/// Publications in one write.
const BATCH: usize = 256;
/// Publications that are remembered until they come back.
const OWN_MAX: usize = 4_096;

/// Carries until the connection ends, or the desk stops.
pub(super) async fn carry(place: &Place, form: &Form, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, importer } = port;
    let shown = format!("redis://{place}");
    let failed = |error: RedisError| Lost::new(format!("{shown}: {}", place.words(&error)));
    let mut link = Link::connect(place, desk).await.map_err(failed)?;
    let globs: Vec<String> = globs(desk.rules()).into_iter().collect();
    let reading = if globs.is_empty() {
        desk.up(&*shown);
        None
    } else {
        let bytes_max = text_bytes_max(desk.limits().payload_bytes);
        Some(Reading::open(place, (&[], &globs), bytes_max).await.map_err(failed)?)
    };
    let asking = link.clone();
    // What has metadata says itself that it was here.
    let own = form.remove_metadata.then(Own::default);
    tokio::select! {
        why = inward((reading, own.as_ref()), (form, &shown), desk, importer) => {
            Err(Lost::new(format!("{shown}: {}", place.words(&why))))
        }
        said = outward((&mut link, own.as_ref()), form, desk, exporter) => said.map_err(failed),
        gone = asking.watch() => Err(failed(gone)),
    }
}

/// Puts what comes in on the bus. Returns why nothing comes any more.
async fn inward(
    (reading, own): (Option<Reading>, Option<&Own>),
    (form, shown): (&Form, &str),
    desk: &Desk,
    importer: &mut Importer,
) -> String {
    let Some(mut reading) = reading else { return std::future::pending().await };
    loop {
        let said = match reading.next() {
            Ok(Some(said)) => said,
            Ok(None) => match reading.more().await {
                Ok(()) => continue,
                Err(why) => return why,
            },
            Err(why) => return why,
        };
        match said {
            Said::Message { channel, payload, .. } => {
                // Texts are written there.
                match (str::from_utf8(channel), str::from_utf8(payload)) {
                    (Ok(topic), Ok(data)) => {
                        let published = Published { topic: topic.to_owned(), data: data.to_owned() };
                        heard(&published, own, form, desk, importer).await;
                    }
                    _ => desk.dropped(BridgeDrop::Garbage, 1),
                }
            }
            Said::TooLarge => desk.dropped(BridgeDrop::TooLarge, 1),
            Said::Subscribed => {
                if reading.confirmed() {
                    desk.up(shown);
                }
            }
            Said::Refused(_) | Said::Heard => {}
        }
    }
}

async fn heard(published: &Published, own: Option<&Own>, form: &Form, desk: &Desk, importer: &mut Importer) {
    // Globs match more than patterns do, and two of them the same twice: metadata tells.
    if !matches!(importer.channel(&published.topic), Ok(Some(_)) | Err(_)) {
        return;
    }
    if own.is_some_and(|own| own.came_back(&published.topic, &published.data)) {
        return desk.dropped(BridgeDrop::Loop, 1);
    }
    take(published, form, desk, importer).await;
}

/// Publishes in batches until the desk stops.
async fn outward(
    (link, own): (&mut Link, Option<&Own>),
    form: &Form,
    desk: &Desk,
    exporter: &mut Exporter,
) -> Result<(), RedisError> {
    let mut batch: Vec<Export> = Vec::with_capacity(BATCH);
    while let Some(export) = exporter.next().await {
        let (mut commands, mut next) = (redis::pipe(), Some(export));
        commands.ignore_errors();
        while let Some(mut export) = next.take() {
            if let Some(text) = give(&mut export, form, desk, exporter).await {
                if let Some(own) = own {
                    own.goes_out(&export.name, &text);
                }
                commands.publish(&*export.name, text);
                batch.push(export);
            }
            if batch.len() < BATCH {
                next = exporter.more().await;
            }
        }
        if batch.is_empty() {
            continue;
        }
        let answers = link.send(&commands).await?;
        for (export, answer) in batch.drain(..).zip(answers) {
            if let Value::ServerError(error) = answer {
                exporter.cannot(&export, BridgeDrop::Rejected, &format!("Redis refuses it: {error}")).await;
            }
        }
        exporter.sent();
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
