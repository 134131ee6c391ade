//! What people ask a node to do: reload plugins, go back, approve, switch on and off, stop.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use hive_client::types::{Reload, Reloaded, V1};

use super::{App, refusal::Refusal};
use crate::control::{self, PluginVerb};

pub(super) async fn reload(State(app): State<App>, name: Name) -> Result<Json<Reload>, Refusal> {
    let Path(name) = name?;
    ask(&app, Some(name)).await
}

pub(super) async fn reload_all(State(app): State<App>) -> Result<Json<Reload>, Refusal> {
    ask(&app, None).await
}

pub(super) async fn rollback(app: State<App>, name: Name) -> Result<Json<Reload>, Refusal> {
    change(app, name, PluginVerb::Rollback).await
}

pub(super) async fn approve(app: State<App>, name: Name) -> Result<Json<Reload>, Refusal> {
    change(app, name, PluginVerb::Approve).await
}

pub(super) async fn enable(app: State<App>, name: Name) -> Result<Json<Reload>, Refusal> {
    change(app, name, PluginVerb::Enable).await
}

pub(super) async fn disable(app: State<App>, name: Name) -> Result<Json<Reload>, Refusal> {
    change(app, name, PluginVerb::Disable).await
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

/// A plugin's name in a path.
type Name = Result<Path<String>, PathRejection>;

async fn change(State(app): State<App>, name: Name, verb: PluginVerb) -> Result<Json<Reload>, Refusal> {
    let Path(name) = name?;
    Ok(document(app.means.control.plugin(verb, name).await?))
}

async fn ask(app: &App, plugin: Option<String>) -> Result<Json<Reload>, Refusal> {
    Ok(document(app.means.control.reload(plugin).await?))
}

fn document(done: Vec<control::Reloaded>) -> Json<Reload> {
    let plugins = done.into_iter().map(|each| Reloaded {
        name: each.plugin,
        generation: each.generation,
        problem: each.problem,
    });
    Json(Reload { v: V1, plugins: plugins.collect() })
}
