//! Connections to a Redis for commands, in batches.
//!
//! What it owns: the handshake, and noticing that the server is gone. It must not know patterns, channels or rules.

use std::{fmt, io, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Cmd, Pipeline, ProtocolVersion, RedisConnectionInfo, RedisError, Value,
    aio::MultiplexedConnection,
};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::bridge::{
    Desk,
    tls::{Stream, Trusted, dial},
};

/// How long the server has for a connection, with everything that belongs to it.
pub(super) const CONNECT: Duration = Duration::from_secs(3);
/// How often it is asked whether it is there.
pub(super) const PING: Duration = Duration::from_secs(3);
/// How long it has for an answer. Past it the connection counts as lost.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// Where the server is, and who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// Its host.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// The number of its database, where streams are; channels belong to all.
    pub database: i64,
    /// The user, where there are several.
    pub user: Option<String>,
    /// Its password. Nothing shows it.
    pub password: Option<String>,
    /// Whom to believe, where nothing may be plain.
    pub tls: Option<Trusted>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// Sends commands. Clones are the same connection, which ends with the last of them.
#[derive(Clone)]
pub(in crate::bridge) struct Link {
    connection: MultiplexedConnection,
    _driver: Arc<DropGuard>,
}

impl Link {
    /// Connects and logs in.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or is older than Redis 6.
    pub(in crate::bridge) async fn connect(place: &Place, desk: &Desk) -> Result<Self, RedisError> {
        let within = timeout(CONNECT, Self::open(place, desk)).await;
        within.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }

    async fn open(place: &Place, desk: &Desk) -> Result<Self, RedisError> {
        let socket = place.dial().await?;
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER));
        let (connection, driver) =
            MultiplexedConnection::new_with_config(&place.login(), socket, config).await?;
        let end = CancellationToken::new();
        let (ended, guard) = (end.clone(), Arc::new(end.drop_guard()));
        desk.spawn("connection", async move {
            // None when the connection is let go, which is how it ends.
            let _ = ended.run_until_cancelled(driver).await;
        });
        Ok(Self { connection, _driver: guard })
    }

    /// Sends commands together and waits for all answers. What the server refuses is an answer where the batch ignores
    /// errors.
    ///
    /// # Errors
    /// When the connection is lost or does not answer, and whether they were executed is unknown.
    pub(in crate::bridge) async fn send(&mut self, batch: &Pipeline) -> Result<Vec<Value>, RedisError> {
        batch.query_async(&mut self.connection).await
    }

    /// Sends one command.
    ///
    /// # Errors
    /// As [`Link::send`], and when the server refuses it.
    pub(super) async fn ask(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        command.query_async(&mut self.connection).await
    }

    /// Asks again and again whether the server is there. Returns why not.
    pub(in crate::bridge) async fn watch(mut self) -> RedisError {
        loop {
            tokio::time::sleep(PING).await;
            if let Err(error) = self.ask(&redis::cmd("PING")).await {
                return error;
            }
        }
    }
}

/// Behind this a Redis gives back what came with a command that it does not know.
const GIVEN_BACK: &str = ", with args beginning with";

impl Place {
    /// What went wrong there, for people: never with the password, which a server that refuses a login may give back.
    pub(in crate::bridge) fn words(&self, why: &impl fmt::Display) -> String {
        let why = why.to_string();
        let said = why.split(GIVEN_BACK).next().unwrap_or_default();
        match &self.password {
            Some(password) if !password.is_empty() && said.contains(password.as_str()) => {
                "it refuses, in words that have the password in them".to_owned()
            }
            _ => said.to_owned(),
        }
    }

    /// A connection that nothing was said over.
    pub(in crate::bridge) async fn dial(&self) -> io::Result<Stream> {
        dial((&self.host, self.port), self.tls.as_ref()).await
    }

    /// Who logs in, and how it is spoken.
    pub(in crate::bridge) fn login(&self) -> RedisConnectionInfo {
        let mut login = RedisConnectionInfo::default()
            .set_db(self.database)
            .set_protocol(ProtocolVersion::RESP3)
            .set_lib_name("hive-node", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &self.user {
            login = login.set_username(user);
        }
        if let Some(password) = &self.password {
            login = login.set_password(password);
        }
        login
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_in_words() {
        let check = |password: Option<&str>, why: &str, want: &str| {
            let password = password.map(str::to_owned);
            let place = Place { host: "h".into(), port: 1, database: 0, user: None, password, tls: None };
            assert_eq!(place.words(&why), want, "{why}");
        };
        let unknown = "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'ses";
        check(Some("sesame"), unknown, "ERR unknown command 'HELLO'");
        let strange = "no such user: default sesame";
        check(Some("sesame"), strange, "it refuses, in words that have the password in them");
        check(Some(""), strange, strange);
        check(None, strange, strange);
    }
}
