//! What can be asked of a node about its plugins.

use std::time::Duration;

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Client, document, request};
use crate::{
    error::Error,
    message::Message,
    types::{LogLevel, PluginLogs, Plugins, Reload, StateEntries},
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

    /// What a plugin keeps: its keys that begin with `prefix`, in order, behind `after`, `limit` at most, each with the
    /// beginning of its value.
    ///
    /// # Errors
    /// When no node answers, it has no such plugin (`not-found`), or what is kept cannot be read (`unavailable`).
    pub async fn plugin_state(
        &self,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<StateEntries, Error> {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let after = after.map(|after| format!("&after={}", encoded(after))).unwrap_or_default();
        let (name, prefix) = (encoded(plugin), encoded(prefix));
        self.read(&format!("/v1/plugins/{name}/state?prefix={prefix}&limit={limit}{after}")).await
    }

    /// One key of what a plugin keeps, with its whole value: the only entry of the document.
    ///
    /// # Errors
    /// When no node answers, it has no such plugin or that has no such key (`not-found`), or what is kept cannot be read
    /// (`unavailable`).
    pub async fn plugin_state_value(&self, plugin: &str, key: &str) -> Result<StateEntries, Error> {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        self.read(&format!("/v1/plugins/{}/state?key={}", encoded(plugin), encoded(key))).await
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
