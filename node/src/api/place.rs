//! Where the API's socket is: made private, never stolen from a living node, linked where clients look.
//!
//! What it owns: the socket file and the links to it, from their making to their removal. It must not know what is
//! said over the socket.

use std::{
    fs, io, iter,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt, symlink},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use hive_client::locate;
use tokio::net::UnixListener;

use super::Config;

/// Bytes of a socket's path. The system takes 107; the socket is made one directory deeper and then moved.
const PATH_BYTES_MAX: usize = 96;

/// Nodes of one name that are told apart by a number.
const SAME_NAME_MAX: usize = 9;

/// Why the socket cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Somebody answers there.
    #[error("a node already listens at {}", .0.display())]
    Taken(PathBuf),
    /// Something that is no socket is in its place.
    #[error("{} is in the way: it is no socket", .0.display())]
    InTheWay(PathBuf),
    /// The system takes no path that long for a socket.
    #[error("the socket's path {} has {} bytes; {PATH_BYTES_MAX} is the most", .0.display(), .0.as_os_str().len())]
    TooLong(PathBuf),
    /// The system refuses.
    #[error("the socket {} cannot be made", path.display())]
    System {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PlaceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Taken(_) => "stop that node, or give this one another data directory with --data-dir",
            Self::InTheWay(_) => "move it away, or choose another data directory with --data-dir",
            Self::TooLong(_) => "choose a shorter data directory with --data-dir",
            Self::System { .. } => "the data directory must be writable; choose another with --data-dir",
        }
    }
}

/// A taken socket with its links.
#[derive(Debug)]
pub(super) struct Place {
    socket: PathBuf,
    /// Which file it is, so that a successor's is never removed.
    identity: Option<(u64, u64)>,
    /// The links that lead here.
    links: Vec<PathBuf>,
    /// What the node is found by.
    name: Option<String>,
}

impl Place {
    /// Makes the socket with mode 0600, in a directory that is made with mode 0700 when it is missing. A socket that
    /// nobody listens at any more is replaced.
    pub(super) fn take(config: &Config) -> Result<(Self, UnixListener), PlaceError> {
        let socket = absolute(&config.socket);
        if socket.as_os_str().len() > PATH_BYTES_MAX {
            return Err(PlaceError::TooLong(socket));
        }
        check_free(&socket)?;
        let listener = bind(&socket).map_err(|source| PlaceError::System { path: socket.clone(), source })?;
        let identity = identity(&socket);
        let (links, name) = config.link.as_deref().map(|name| link(&socket, name)).unwrap_or_default();
        Ok((Self { socket, identity, links, name }, listener))
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn node_argument(&self) -> Option<String> {
        if self.links.contains(&locate::link(None)) {
            return None;
        }
        Some(self.name.clone().unwrap_or_else(|| self.socket.display().to_string()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        unlink(&self.links, &self.socket);
        if identity(&self.socket) == self.identity {
            let _ = fs::remove_file(&self.socket);
        }
    }
}

fn check_free(socket: &Path) -> Result<(), PlaceError> {
    let Ok(found) = socket.symlink_metadata() else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(PlaceError::InTheWay(socket.into()));
    }
    if is_alive(socket) { Err(PlaceError::Taken(socket.into())) } else { Ok(()) }
}

/// Whether somebody accepts connections there. A socket that we may not even try counts as alive.
fn is_alive(socket: &Path) -> bool {
    match UnixStream::connect(socket) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound),
    }
}

/// Binds inside a private directory and moves the socket out, so that nobody can connect before its mode is set, and
/// a dead one is replaced in one step.
fn bind(socket: &Path) -> io::Result<UnixListener> {
    let parent = socket.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let nest = parent.join(format!(".s{}", std::process::id()));
    let _ = fs::remove_dir_all(&nest);
    fs::DirBuilder::new().mode(0o700).create(&nest)?;
    let made = bind_in(&nest, socket);
    let _ = fs::remove_dir_all(&nest);
    made
}

fn bind_in(nest: &Path, socket: &Path) -> io::Result<UnixListener> {
    let path = nest.join("s");
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    fs::rename(&path, socket)?;
    Ok(listener)
}

/// Links the socket where clients look, by the node's name and as the node that is meant when none is named. Where another
/// has the name, it is found by that with a number, which is returned. What cannot be linked is said and is no error: the
/// data directory always leads to the node.
fn link(socket: &Path, name: &str) -> (Vec<PathBuf>, Option<String>) {
    if !has_place() {
        return (Vec::new(), None);
    }
    let names =
        iter::once(name.to_owned()).chain((2..=SAME_NAME_MAX).map(|number| format!("{name}-{number}")));
    let named = names.map(|name| (locate::link(Some(&name)), name)).find(|(link, _)| link_one(socket, link));
    let usual = Some(locate::link(None)).filter(|link| link_one(socket, link));
    let (by_name, name) = named.unzip();
    (usual.into_iter().chain(by_name).collect(), name)
}

/// Links to the socket of a node that is on its way. They go with this unless it has come: then they are that node's.
#[derive(Debug)]
#[must_use = "its links go with it"]
pub struct Ahead {
    socket: PathBuf,
    links: Vec<PathBuf>,
}

/// Links the socket of a node that is on its way, so that who asks meanwhile, by its name or as the one that is meant, is
/// told so: unless another one is meant.
pub fn link_ahead(socket: &Path, name: &str) -> Ahead {
    let socket = absolute(socket);
    let (links, _) = link(&socket, name);
    Ahead { socket, links }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if !is_alive(&self.socket) {
            unlink(&self.links, &self.socket);
        }
    }
}

/// Removes links, but not those that lead elsewhere by now.
fn unlink(links: &[PathBuf], socket: &Path) {
    for link in links.iter().filter(|link| fs::read_link(link).is_ok_and(|target| target == socket)) {
        let _ = fs::remove_file(link);
    }
}

/// Links are read from anywhere.
fn absolute(socket: &Path) -> PathBuf {
    std::path::absolute(socket).unwrap_or_else(|_| socket.into())
}

/// Whether there is a place for links.
fn has_place() -> bool {
    let dir = locate::runtime_dir();
    if !dir.exists()
        && let Err(error) = fs::DirBuilder::new().mode(0o700).create(&dir)
    {
        tracing::debug!("{} cannot be made, so the socket is not linked: {error}", dir.display());
        return false;
    }
    if !locate::is_private(&dir) {
        tracing::debug!("{} is not this user's alone, so the socket is not linked there", dir.display());
        return false;
    }
    true
}

fn link_one(socket: &Path, link: &Path) -> bool {
    // One that leads here was left by a node that was killed; whoever listens at its end now is this one.
    let is_ours = fs::read_link(link).is_ok_and(|target| target == socket);
    if is_ours || (link.symlink_metadata().is_ok() && is_alive(link)) {
        return is_ours;
    }
    let fresh = link.with_extension(format!("{}", std::process::id()));
    let linked = symlink(socket, &fresh).and_then(|()| fs::rename(&fresh, link));
    if let Err(error) = &linked {
        tracing::debug!("the link {} cannot be made: {error}", link.display());
        let _ = fs::remove_file(&fresh);
    }
    linked.is_ok()
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    path.symlink_metadata().ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(socket: &Path) -> Config {
        Config { socket: socket.into(), link: None }
    }

    #[tokio::test]
    async fn a_link_that_was_left_here_is_ours_and_another_nodes_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let (own, other) = (dir.path().join("own.sock"), dir.path().join("other.sock"));
        let _alive = [&own, &other].map(|socket| UnixListener::bind(socket).expect("a socket"));
        let link = dir.path().join("link.sock");
        for (target, want) in [(&own, true), (&other, false)] {
            let _ = fs::remove_file(&link);
            symlink(target, &link).expect("a link");
            assert_eq!(link_one(&own, &link), want);
            assert_eq!(&fs::read_link(&link).expect("a link"), target);
        }
        fs::remove_file(&other).expect("removed");
        assert!(link_one(&own, &link), "nobody is there any more");
    }

    #[tokio::test]
    async fn links_to_a_node_that_does_not_come_go_and_those_of_one_that_came_stay() {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("own.sock");
        let link = dir.path().join("link.sock");
        let ahead = || {
            assert!(link_one(&socket, &link));
            Ahead { socket: socket.clone(), links: vec![link.clone()] }
        };
        drop(ahead());
        assert!(link.symlink_metadata().is_err());
        let ahead = ahead();
        let _alive = UnixListener::bind(&socket).expect("a socket");
        drop(ahead);
        assert_eq!(fs::read_link(&link).expect("a link"), socket);
    }

    #[tokio::test]
    async fn the_socket_is_private_and_goes_with_its_owner() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("deep/node.sock");
        let (place, _listener) = Place::take(&config(&path)).expect("a socket");
        let mode = |path: &Path| path.metadata().expect("metadata").mode() & 0o777;
        assert_eq!((mode(&path), mode(&dir.path().join("deep"))), (0o600, 0o700));
        let around = fs::read_dir(dir.path().join("deep")).expect("entries").count();
        assert_eq!(around, 1, "nothing is left beside the socket");
        drop(place);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("node.sock");
        drop(
            std::os::unix::net::UnixListener::bind(&path).expect("a socket that nobody listens at any more"),
        );
        let (first, _listener) = Place::take(&config(&path)).expect("the dead one is replaced");
        let second = Place::take(&config(&path)).expect_err("the living one is not");
        assert!(matches!(second, PlaceError::Taken(_)), "{second}");
        assert!(is_alive(&path));
        // A successor that took over (the first was not alive to it) keeps its socket.
        fs::remove_file(&path).expect("removed");
        let _later = std::os::unix::net::UnixListener::bind(&path).expect("a successor");
        drop(first);
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("node.sock");
        fs::write(&path, "precious").expect("a file");
        assert!(matches!(Place::take(&config(&path)), Err(PlaceError::InTheWay(_))));
        let long = dir.path().join("x".repeat(100));
        assert!(matches!(Place::take(&config(&long)), Err(PlaceError::TooLong(_))));
        assert_eq!(fs::read(&path).expect("still there"), b"precious");
    }
}
