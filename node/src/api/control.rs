//! What people ask a node to do: reload plugins, go back, approve, switch on and off, read its configuration again, stop.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use hive_client::types::{ConfigReload, KeyChange, KeyTurn, Reload, Reloaded, V1};
use serde::Deserialize;

use super::{
    App,
    refusal::{Refusal, refused},
};
use crate::control::{self, Change, PluginVerb, Turn};

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

#[derive(Debug, Default, Deserialize)]
pub(super) struct How {
    /// Only say what would be changed.
    #[serde(default)]
    check: bool,
}

pub(super) async fn configure(
    State(app): State<App>,
    how: Result<Query<How>, QueryRejection>,
) -> Result<Json<ConfigReload>, Refusal> {
    let Query(How { check }) = how?;
    let done = app.means.control.configure(check).await?;
    Ok(Json(ConfigReload {
        v: V1,
        file: done.file.map(|file| file.display().to_string()),
        check,
        applied: done.applied.into_iter().map(change_document).collect(),
        restart: done.restart.into_iter().map(change_document).collect(),
        plugins: done.plugins.into_iter().map(reloaded).collect(),
        warnings: done.warnings,
    }))
}

fn change_document(Change { key, turn }: Change) -> KeyChange {
    let change = match turn {
        Turn::Added => KeyTurn::Added,
        Turn::Removed => KeyTurn::Removed,
        Turn::Changed => KeyTurn::Changed,
    };
    KeyChange { key, change }
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
    let done = app.means.control.plugin(verb, name).await;
    Ok(document(done.map_err(|error| refused(&app.means, error))?))
}

async fn ask(app: &App, plugin: Option<String>) -> Result<Json<Reload>, Refusal> {
    let done = app.means.control.reload(plugin).await;
    Ok(document(done.map_err(|error| refused(&app.means, error))?))
}

fn document(done: Vec<control::Reloaded>) -> Json<Reload> {
    Json(Reload { v: V1, plugins: done.into_iter().map(reloaded).collect() })
}

fn reloaded(each: control::Reloaded) -> Reloaded {
    Reloaded { name: each.plugin, generation: each.generation, problem: each.problem }
}
