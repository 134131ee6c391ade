//! `GET /v1/plugins/NAME/state?prefix=balance/&after=KEY&limit=100`: what a plugin keeps; `?key=balance/bob`: one value.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use hive_client::types::{self, StateEntries, V1};
use serde::Deserialize;

use super::{
    App,
    refusal::{Refusal, refused},
};
use crate::control::{StateEntry, StateKeys, StateLook};

/// Keys of a page when nobody says.
const KEYS: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    /// Only this one, and all of it.
    key: Option<String>,
    prefix: String,
    after: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn state(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
) -> Result<Json<StateEntries>, Refusal> {
    let (Path(name), Query(Options { key, prefix, after, limit })) = (name?, options?);
    let page = || StateKeys::Page { prefix, after, most: limit.unwrap_or(KEYS) };
    let look = StateLook { plugin: name.clone(), at: key.map_or_else(page, StateKeys::One) };
    let seen = app.means.control.state(look).await.map_err(|error| refused(&app.means, error))?;
    Ok(Json(StateEntries {
        v: V1,
        name,
        entries: seen.entries.into_iter().map(entry).collect(),
        more: seen.more,
        more_uncounted: seen.is_more_uncounted,
        bytes: seen.bytes,
        quota_bytes: seen.quota_bytes,
    }))
}

fn entry(StateEntry { key, value, size_bytes, ends_ms }: StateEntry) -> types::StateEntry {
    let cut = size_bytes > value.len() as u64;
    types::StateEntry { key, size_bytes, value, cut, ends_ms }
}
