//! Somebody on the way between a client and its server of the loopback: what they say passes, is changed, cut off or
//! swallowed.
//!
//! What it owns: connections, and what is done with each. It must not know protocols.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Of what a client says, so much is remembered.
const HEARD_MAX: usize = 4_096;

/// Changes what a server says first.
type Edit = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Somebody on the way. With it all its connections end.
pub struct Between {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    /// The server's port.
    server: u16,
    /// None: what the server says passes as it is.
    edit: Option<Edit>,
    way: watch::Sender<Way>,
    /// Connections that were not taken.
    refused: AtomicUsize,
}

/// What is done with connections.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Open,
    /// None is taken, and those that are there end.
    Closed,
    /// Nothing passes any more on those whose clients have said this. New ones are as ever.
    Swallows(String),
}

impl Between {
    /// Before a server.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn before(server: u16) -> Result<Self> {
        Self::listen(server, None).await
    }

    /// The same, and what the server says first on each connection is changed.
    ///
    /// # Errors
    /// As [`Between::before`].
    pub async fn editing(server: u16, edit: impl Fn(&str) -> String + Send + Sync + 'static) -> Result<Self> {
        Self::listen(server, Some(Box::new(edit))).await
    }

    async fn listen(server: u16, edit: Option<Edit>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (way, refused) = (watch::Sender::new(Way::Open), AtomicUsize::new(0));
        let shared = Arc::new(Shared { server, edit, way, refused });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { port, shared, accepting })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Takes no connection any more and ends those that are there, or takes them again.
    pub fn close(&self, closed: bool) {
        self.shared.way.send_replace(if closed { Way::Closed } else { Way::Open });
    }

    /// How many were not taken.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Relaxed)
    }

    /// From now on nothing passes on connections whose clients have said this, which stay open.
    pub fn swallow(&self, said: &str) {
        self.shared.way.send_replace(Way::Swallows(said.to_owned()));
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.accepting.abort();
        self.close(true);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        // What was said before it came does not matter to a connection.
        let way = shared.way.subscribe();
        if *way.borrow() == Way::Closed {
            shared.refused.fetch_add(1, Relaxed);
            continue;
        }
        let shared = Arc::clone(&shared);
        // A connection that breaks is one that ends.
        tokio::spawn(async move { drop(pass(client, way, &shared).await) });
    }
}

async fn pass(mut client: TcpStream, mut way: watch::Receiver<Way>, shared: &Shared) -> Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", shared.server)).await?;
    let (mut up, mut down, mut heard) = (Vec::new(), Vec::new(), Vec::new());
    let mut edit = shared.edit.as_ref();
    loop {
        tokio::select! {
            said = client.read_buf(&mut up) => {
                if said? == 0 {
                    return Ok(());
                }
                if heard.len() < HEARD_MAX {
                    heard.extend_from_slice(&up);
                }
                server.write_all(&up).await?;
                up.clear();
            }
            said = server.read_buf(&mut down) => {
                if said? == 0 {
                    return Ok(());
                }
                match edit.take() {
                    Some(edit) => client.write_all(edit(&String::from_utf8_lossy(&down)).as_bytes()).await?,
                    None => client.write_all(&down).await?,
                }
                down.clear();
            }
            changed = way.changed() => {
                changed?;
                let now = way.borrow_and_update().clone();
                match now {
                    Way::Open => {}
                    Way::Closed => return Ok(()),
                    Way::Swallows(said) if String::from_utf8_lossy(&heard).contains(&said) => {
                        way.wait_for(|way| *way == Way::Closed).await?;
                        return Ok(());
                    }
                    Way::Swallows(_) => {}
                }
            }
        }
    }
}
