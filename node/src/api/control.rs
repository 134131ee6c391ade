//! What people ask a node to do: reload plugins, stop.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use hive_client::types::{Reload, Reloaded, V1};

use super::{App, refusal::Refusal};

pub(super) async fn reload(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Reload>, Refusal> {
    let Path(name) = name?;
    ask(&app, Some(name)).await
}

pub(super) async fn reload_all(State(app): State<App>) -> Result<Json<Reload>, Refusal> {
    ask(&app, None).await
}

pub(super) async fn stop(State(app): State<App>) -> Result<Json<V1Only>, Refusal> {
    app.means.control.stop().await?;
    Ok(Json(V1Only { v: V1 }))
}

/// A document that says nothing but that it was done.
#[derive(Debug, serde::Serialize)]
pub(super) struct V1Only {
    v: V1,
}

async fn ask(app: &App, plugin: Option<String>) -> Result<Json<Reload>, Refusal> {
    let done = app.means.control.reload(plugin).await?;
    let plugins = done.into_iter().map(|each| Reloaded {
        name: each.plugin,
        generation: each.generation,
        problem: each.problem,
    });
    Ok(Json(Reload { v: V1, plugins: plugins.collect() }))
}
