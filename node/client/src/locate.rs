//! Where nodes of this host are: data directories, sockets, and the links to them.
//!
//! What it owns: the places that a node and its clients agree on without talking. Exists so that there is one copy
//! of that agreement. It must not open anything.

use std::{
    env,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

/// The socket's name in a data directory.
pub const SOCKET_NAME: &str = "node.sock";
/// The folder in a project that is the data directory of `hive-node dev`.
pub const PROJECT_FOLDER: &str = ".hive/data";

/// Why there is no place to look for a node at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// No node was named, and there is no socket in the usual places.
    #[error("no node runs here: {}", said(.0))]
    NoneHere(Vec<PathBuf>),
    /// What was named is no socket, no directory, and no running node's name.
    #[error("`{0}` is no socket, no data directory and no name of a node that runs here")]
    Nowhere(String),
    /// The named directory has no socket, and where it may be a name, no running node has that.
    #[error("no node runs with the data directory {}{}", .0.display(), nor_named(.0))]
    NotRunning(PathBuf),
    /// A URL of a kind that is not spoken.
    #[error("`{0}` is no local node: only Unix sockets are spoken (`unix:/path`)")]
    Url(String),
}

fn said(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    format!("there is no {}", places.join(" and no "))
}

fn nor_named(dir: &Path) -> String {
    let name = dir.to_str().filter(|name| may_be_name(name));
    name.map(|name| format!(", and none is called `{name}`")).unwrap_or_default()
}

/// The socket of the node that is meant: a socket's path, `unix:PATH`, a data directory, a project that `dev` runs, or a
/// node's name; without any, the node that runs under this user's usual places.
///
/// # Errors
/// When nothing is there.
pub fn socket(node: Option<&str>) -> Result<PathBuf, LocateError> {
    match node {
        Some(named) => named_socket(named),
        None => usual_socket(),
    }
}

/// Where a node keeps its key and state when nobody says: `$HIVE_DATA_DIR`, else `$XDG_DATA_HOME/hive-node`, else
/// `~/.local/share/hive-node`. None: there is no home.
#[must_use]
pub fn default_data_dir() -> Option<PathBuf> {
    path_variable("HIVE_DATA_DIR")
        .or_else(|| path_variable("XDG_DATA_HOME").map(|data| data.join("hive-node")))
        .or_else(|| path_variable("HOME").map(|home| home.join(".local/share/hive-node")))
}

/// The data directories of the projects that a folder is in, the nearest first, among them those that it is in itself, and
/// `data` in it where a node has its socket: those that are there and this user's alone.
pub fn project_data_dirs(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let beside = folder.join("data");
    let own = |folder: &Path| [folder.join(PROJECT_FOLDER), folder.into()];
    let dirs = own(folder).into_iter().chain([beside]).chain(folder.ancestors().skip(1).flat_map(own));
    let is_project = |dir: &PathBuf| dir.ends_with(PROJECT_FOLDER) || dir.join(SOCKET_NAME).exists();
    dirs.filter(move |dir| is_project(dir) && is_private(dir))
}

/// Where links to the sockets of this user's nodes are: `$XDG_RUNTIME_DIR`, else `/run/user/UID`, else
/// `hive-node-UID` among the temporary files. Only a directory that belongs to this user and that nobody else can write is
/// ever looked into, so no other user can put a socket there.
#[must_use]
pub fn runtime_dir() -> PathBuf {
    if let Some(dir) = path_variable("XDG_RUNTIME_DIR") {
        return dir;
    }
    let uid = rustix::process::getuid().as_raw();
    let run = PathBuf::from(format!("/run/user/{uid}"));
    if is_private(&run) { run } else { env::temp_dir().join(format!("hive-node-{uid}")) }
}

/// The link to a node's socket; without a name, the link to the node that is meant when none is named.
#[must_use]
pub fn link(name: Option<&str>) -> PathBuf {
    let file = match name {
        Some(name) => format!("hive-node-{}.sock", file_name(name)),
        None => "hive-node.sock".into(),
    };
    runtime_dir().join(file)
}

/// The link to the node that is called so, whether it is there or not. None: that is no name.
#[must_use]
pub fn named_link(name: &str) -> Option<PathBuf> {
    may_be_name(name).then(|| link(Some(name)))
}

/// Whether a directory exists, belongs to this user, and can be written by nobody else.
#[must_use]
pub fn is_private(dir: &Path) -> bool {
    let uid = rustix::process::getuid().as_raw();
    let found = dir.symlink_metadata();
    found.is_ok_and(|found| found.is_dir() && found.uid() == uid && found.mode() & 0o022 == 0)
}

fn named_socket(named: &str) -> Result<PathBuf, LocateError> {
    let path = match named.split_once(':') {
        Some(("unix", path)) => Path::new(path),
        Some((scheme, rest)) if rest.starts_with("//") => {
            return Err(LocateError::Url(format!("{scheme}:{rest}")));
        }
        _ => Path::new(named),
    };
    match path.metadata() {
        Ok(found) if found.is_dir() => {
            let sockets = [path.to_path_buf(), path.join(PROJECT_FOLDER)].map(|dir| dir.join(SOCKET_NAME));
            // A folder may be called as a node is.
            let linked = || named_link(named).filter(|link| is_usable(link));
            let found = sockets.into_iter().find(|socket| socket.exists()).or_else(linked);
            found.ok_or(LocateError::NotRunning(path.into()))
        }
        Ok(found) if found.file_type().is_socket() => Ok(path.into()),
        _ => {
            let linked = named_link(named).filter(|link| is_usable(link));
            linked.ok_or(LocateError::Nowhere(named.into()))
        }
    }
}

/// Whether it may be a node's name: what says a way to a place is none.
fn may_be_name(named: &str) -> bool {
    !named.contains(['/', ':']) && !matches!(named, "." | "..")
}

fn usual_socket() -> Result<PathBuf, LocateError> {
    let link = link(None);
    if is_usable(&link) {
        return Ok(link);
    }
    let dir = default_data_dir();
    let socket = dir.map(|dir| dir.join(SOCKET_NAME));
    let places: Vec<PathBuf> = [link].into_iter().chain(socket).collect();
    let found = places.iter().skip(1).find(|socket| socket.exists()).cloned();
    found.ok_or(LocateError::NoneHere(places))
}

/// A link counts only in a directory that nobody else can write.
fn is_usable(link: &Path) -> bool {
    link.exists() && link.parent().is_some_and(is_private)
}

/// A node's name as part of a file's name: one node's name is never another's path.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' }).collect()
}

fn path_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_by_socket_directory_or_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = |path: &Path| path.to_str().expect("utf-8").to_owned();
        assert_eq!(socket(Some(&text(dir.path()))), Err(LocateError::NotRunning(dir.path().into())));
        let path = dir.path().join(SOCKET_NAME);
        let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        assert_eq!(socket(Some(&text(dir.path()))), Ok(path.clone()));
        assert_eq!(socket(Some(&text(&path))), Ok(path.clone()));
        assert_eq!(socket(Some(&format!("unix:{}", text(&path)))), Ok(path));
        // The folder of this crate's sources.
        let said = socket(Some("src")).expect_err("no node").to_string();
        assert_eq!(said, "no node runs with the data directory src, and none is called `src`");
        let said = socket(Some("./src")).expect_err("no node").to_string();
        assert_eq!(said, "no node runs with the data directory ./src");
        assert_eq!(socket(Some("/no/such")), Err(LocateError::Nowhere("/no/such".into())));
        assert_eq!(socket(Some("http://x")), Err(LocateError::Url("http://x".into())));
        assert_eq!(socket(Some("nobody-here")), Err(LocateError::Nowhere("nobody-here".into())));
    }

    #[test]
    fn names_never_leave_their_directory() {
        assert_eq!(link(Some("../x")).parent(), Some(runtime_dir().as_path()));
        assert!(link(Some("kitchen")).ends_with("hive-node-kitchen.sock"));
    }

    #[test]
    fn a_project_has_its_data_above_whoever_is_in_it() {
        let project = tempfile::tempdir().expect("a directory");
        let (deep, data) = (project.path().join("a/b"), project.path().join(PROJECT_FOLDER));
        let found = |folder: &Path| project_data_dirs(folder).find(|dir| dir.starts_with(project.path()));
        assert_eq!(found(&deep), None);
        std::fs::create_dir_all(&data).expect("made");
        assert_eq!((found(&deep), found(project.path())), (Some(data.clone()), Some(data.clone())));
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).expect("mode");
        assert_eq!(found(&deep), None, "anybody may have put it there");
        // One of `run` counts where its socket is.
        let run = project.path().join("data");
        std::fs::create_dir_all(run.join("plugins")).expect("made");
        assert_eq!(found(project.path()), None);
        std::fs::write(run.join(SOCKET_NAME), "").expect("written");
        let own = Some(run.clone());
        assert_eq!([project.path(), &run, &run.join("plugins")].map(found), [own.clone(), own.clone(), own]);
        assert_eq!(found(&deep), None);
    }

    #[test]
    fn only_private_directories_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        assert!(is_private(dir.path()));
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).expect("mode");
        assert!(!is_private(dir.path()));
    }
}
