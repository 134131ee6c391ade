//! Programs that are there and cannot be run: what is in their way, and what helps.
//!
//! It must not know what they are run for.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use rustix::io::Errno;

use super::BuildError;

/// Bytes that tell a text from a program.
const BEGINS_BYTES: u64 = 128;

/// What it is called when a program that is there cannot be run.
pub(super) fn cannot_run(program: &Path, source: &io::Error) -> BuildError {
    let (shown, mut reason) = (program.display(), source.to_string());
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied => format!("make it executable: `chmod +x {shown}`"),
        io::ErrorKind::NotFound => {
            if let Some(interpreter) = interpreter(program) {
                reason = format!("its first line names `{interpreter}`, which is not there");
            }
            "install what executes it, or name another in its first line".into()
        }
        _ if source.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            "a script's first line says what executes it, as `#!/bin/sh` does".into()
        }
        _ => "run it yourself to see more".into(),
    };
    BuildError::CannotRun { program: shown.to_string(), reason, hint }
}

/// What a script's first line says that executes it.
fn interpreter(script: &Path) -> Option<String> {
    let mut line = Vec::new();
    BufReader::new(fs::File::open(script).ok()?).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8_lossy(&line);
    line.strip_prefix("#!")?.split_whitespace().next().map(str::to_owned)
}

/// Whether a file is text whose first line does not say what executes it: some systems give it to a shell, and others refuse.
pub(super) fn is_bare_script(program: &Path) -> bool {
    let mut begins = Vec::new();
    let file = fs::File::open(program).ok().filter(|_| program.is_absolute());
    let Some(Ok(_)) = file.map(|file| file.take(BEGINS_BYTES).read_to_end(&mut begins)) else { return false };
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    !begins.starts_with(b"#!") && begins.iter().all(is_text)
}
