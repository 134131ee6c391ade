//! Which configuration file is used, and its text within bounds.
//!
//! What it owns: the places looked at, their order, and every way in which a file cannot be read. It must not know
//! what is in the file.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Request,
    problem::{Problem, shown},
    source::{Origin, Place, Source},
};

/// The first of: `--config`, `$HIVE_CONFIG`, the request's usual file, `hive.yaml` here, in `$XDG_CONFIG_HOME/hive-node`, in
/// `/etc/hive-node`.
///
/// One that was asked for is named whether it exists or not; the others only when they do.
#[must_use]
pub fn find(request: &Request) -> Option<(PathBuf, Origin)> {
    let Request { file, usual, variables, directory, .. } = request;
    if let Some(path) = file {
        return Some((path.to_owned(), Origin::Default));
    }
    let variable = |name: &str| variables.environment.get(name).filter(|value| !value.is_empty());
    if let Some(path) = variable("HIVE_CONFIG") {
        return Some((path.into(), Origin::Environment("HIVE_CONFIG")));
    }
    if let Some(path) = usual.as_ref().filter(|path| directory.join(path).is_file()) {
        return Some((path.to_owned(), Origin::Default));
    }
    let personal = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(home).join(".config")));
    // The first stays relative, so that messages show it as short as a person would write it.
    let here = directory.join(FILE_NAME).is_file().then(|| PathBuf::from(FILE_NAME));
    let others = [personal.map(|folder| folder.join("hive-node")), Some(PathBuf::from("/etc/hive-node"))];
    let others = others.into_iter().flatten().map(|folder| folder.join(FILE_NAME));
    here.or_else(|| others.into_iter().find(|path| path.is_file())).map(|path| (path, Origin::Default))
}

/// The name looked for in each place.
pub const FILE_NAME: &str = "hive.yaml";

/// Bytes of a configuration file. The largest honest ones are a hundredth of it.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads a file. `directory` is what a relative path starts from.
///
/// # Errors
/// When it is missing, a folder, not readable, too large, not UTF-8, or holds control characters.
pub fn read(path: &Path, origin: &Origin, directory: &Path) -> Result<Arc<Source>, Problem> {
    read_text(path, "the configuration", (origin, FILE_NAME), directory)
}

/// The same for another kind of file: what it is called, and the name one of its kind may have.
///
/// # Errors
/// As [`read`].
pub fn read_text(
    path: &Path,
    what: &str,
    (origin, name): (&Origin, &str),
    directory: &Path,
) -> Result<Arc<Source>, Problem> {
    let bytes = read_bounded(&directory.join(path), FILE_BYTES_MAX).map_err(|error| {
        let problem = Problem::new(origin, format!("cannot read {what} {}: {error}", shown(path)));
        match error {
            ReadError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                problem.hint("give the path of an existing file")
            }
            ReadError::Folder => problem.hint(format!("give a file, such as {}", shown(&path.join(name)))),
            ReadError::Io(_) | ReadError::TooLarge(_) => problem,
        }
    })?;
    let (text, fault) = match String::from_utf8(bytes) {
        Ok(text) => {
            let control = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
            let fault = control.map(|at| (at, "a control character, which YAML does not allow"));
            (text, fault)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            (text, Some((at, "a byte that is not UTF-8")))
        }
    };
    let source = Arc::new(Source::new(path.to_owned(), text));
    match fault {
        None => Ok(source),
        Some((at, what)) => {
            let length = source.text()[at..].chars().next().map_or(0, char::len_utf8);
            let place = Place { source, span: at..at + length };
            Err(Problem::new(&Origin::File(place), format!("here is {what}"))
                .hint("save the file as plain UTF-8 text"))
        }
    }
}

/// Why a file could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system's own reason.
    #[error("{}", reason(.0))]
    Io(#[from] io::Error),
    /// A folder stands there.
    #[error("it is a folder")]
    Folder,
    /// More bytes than allowed.
    #[error("it is larger than {}", crate::units::ByteSize(*.0))]
    TooLarge(u64),
}

/// Reads at most `bytes_max`, also from what has no size of its own, as a pipe.
///
/// # Errors
/// When it is a folder, too large, or the system refuses.
pub fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, ReadError> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(ReadError::Folder);
    }
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= bytes_max => Ok(bytes),
        _ => Err(ReadError::TooLarge(bytes_max)),
    }
}

/// The system's reason without its number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
