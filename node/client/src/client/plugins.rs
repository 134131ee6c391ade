//! What can be asked of a node about its plugins.

use std::time::Duration;

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Client, document, request};
use crate::{
    error::Error,
    message::Message,
    types::{LogLevel, PluginLogs, Plugins, Reload},
};

impl Client {
    /// The node's plugins.
    ///
    /// # Errors
    /// When no node answers.
    pub async fn plugins(&self) -> Result<Plugins, Error> {
        self.read("/v1/plugins").await
    }

    /// What a plugin said last: behind a number (all without one), `lines` at most, of a level or a graver one. Where
    /// there is nothing behind the number yet, the node waits for it, as long as `wait` says.
    ///
    /// # Errors
    /// When no node answers, or it has no such plugin (`not-found`).
    pub async fn plugin_logs(
        &self,
        plugin: &str,
        after: Option<u64>,
        lines: usize,
        level: Option<LogLevel>,
        wait: Duration,
    ) -> Result<PluginLogs, Error> {
        let name = utf8_percent_encode(plugin, NON_ALPHANUMERIC);
        let level = level.and_then(|level| serde_json::to_value(level).ok());
        let level = level.as_ref().and_then(|level| Some(format!("&level={}", level.as_str()?)));
        let (after, level) = (after.unwrap_or(0), level.unwrap_or_default());
        let path =
            format!("/v1/plugins/{name}/logs?after={after}&lines={lines}{level}&wait={}us", wait.as_micros());
        document(&self.http.send(request(Method::GET, &path, &Message::default())?, wait).await?)
    }

    /// Loads a plugin's file again; without a name, looks at every folder again.
    ///
    /// # Errors
    /// When no node answers, or it has no such plugin (`not-found`).
    pub async fn reload(&self, plugin: Option<&str>) -> Result<Reload, Error> {
        match plugin {
            Some(name) => self.change("reload", name).await,
            None => self.compiling("/v1/plugins/reload").await,
        }
    }

    /// Has a plugin go back to the version before.
    ///
    /// # Errors
    /// When no node answers, or it has no such plugin (`not-found`).
    pub async fn rollback(&self, plugin: &str) -> Result<Reload, Error> {
        self.change("rollback", plugin).await
    }

    /// Lets a new version of a plugin have what it waits for.
    ///
    /// # Errors
    /// When no node answers, or it has no such plugin (`not-found`).
    pub async fn approve(&self, plugin: &str) -> Result<Reload, Error> {
        self.change("approve", plugin).await
    }

    /// Lets a plugin run that was disabled.
    ///
    /// # Errors
    /// When no node answers, or it has no such plugin (`not-found`).
    pub async fn enable(&self, plugin: &str) -> Result<Reload, Error> {
        self.change("enable", plugin).await
    }

    /// Lets a plugin finish what it has, and not run until it is enabled.
    ///
    /// # Errors
    /// When no node answers, or it has no such plugin (`not-found`).
    pub async fn disable(&self, plugin: &str) -> Result<Reload, Error> {
        self.change("disable", plugin).await
    }

    async fn change(&self, verb: &str, plugin: &str) -> Result<Reload, Error> {
        let name = utf8_percent_encode(plugin, NON_ALPHANUMERIC);
        self.compiling(&format!("/v1/plugins/{name}/{verb}")).await
    }

    /// What may have to compile, or to drain.
    async fn compiling(&self, path: &str) -> Result<Reload, Error> {
        let request = request(Method::POST, path, &Message::default())?;
        document(&self.http.send(request, Duration::from_secs(60)).await?)
    }
}
