//! A secret in the configuration: a text, or `{ file: PATH }`.
//!
//! What it owns: reading secrets from their files. A secret's text goes into [`SecretText`] and into no message. It must
//! not know what the secret is for.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    check::Surroundings,
    find::read_bounded,
    problem::{Problem, shown},
    section::{text, wrong_shape},
    yaml::{Entry, Kind, Value},
};
use crate::trust::{hidden::SecretText, ring::RING_BYTES_MAX};

/// A secret that was read.
pub struct Given {
    /// What it is.
    pub text: SecretText,
    /// The file it was read from.
    pub file: Option<PathBuf>,
    /// When others of this machine can read that file.
    pub warning: Option<Problem>,
}

/// What to do about a secret that is not there.
pub struct Hints<'h> {
    /// When there is none.
    pub empty: &'h str,
    /// When its file cannot be read.
    pub unreadable: &'h str,
}

/// Reads one.
///
/// # Errors
/// When it has another shape, is empty, or its file cannot be read.
pub fn read(value: &Value, around: &Surroundings<'_>, hints: &Hints<'_>) -> Result<Given, Problem> {
    let (secret, file, warning) = match &value.kind {
        Kind::Text { text, .. } => (text.clone(), None, None),
        Kind::Map(entries) => match entries.as_slice() {
            [Entry { key, value: file, .. }] if key == "file" => {
                let (secret, path) = from_file(file, around, hints)?;
                (secret, Some(path), readable_by_others(file, around))
            }
            _ => return Err(Problem::new(&value.origin, "a secret is a text, or `{ file: PATH }`")),
        },
        Kind::List(_) => return Err(wrong_shape("a secret", "a text, or `{ file: PATH }`", value)),
    };
    if secret.trim().is_empty() {
        return Err(Problem::new(&value.origin, "the secret is empty").hint(hints.empty));
    }
    Ok(Given { text: SecretText::new(secret), file, warning })
}

/// A warning when others of this machine can read a secret's file.
fn readable_by_others(file: &Value, around: &Surroundings<'_>) -> Option<Problem> {
    let mode = around.path(file).ok()?.metadata().ok()?.permissions().mode();
    let problem = Problem::new(&file.origin, "other users of this machine can read the secret's file");
    (mode & 0o077 != 0).then(|| problem.hint("take their rights away: `chmod 600` on it"))
}

fn from_file(
    file: &Value,
    around: &Surroundings<'_>,
    hints: &Hints<'_>,
) -> Result<(String, PathBuf), Problem> {
    let path = around.path(file)?;
    let fault = |fault: String| {
        let message =
            format!("cannot read the secret in {}: {fault}", shown(Path::new(text(file).unwrap_or(""))));
        Problem::new(&file.origin, message)
    };
    let bytes = read_bounded(&path, RING_BYTES_MAX)
        .map_err(|error| fault(error.to_string()).hint(hints.unreadable))?;
    let secret = String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8 text".to_owned()))?;
    // Editors end files with a line end, which nobody means as a part of the secret.
    Ok((secret.trim_end_matches(['\n', '\r']).to_owned(), path))
}
