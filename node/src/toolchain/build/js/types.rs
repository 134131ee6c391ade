//! The types of TypeScript, which are checked beside the build.
//!
//! What it owns: how tsc is called, and what it says of the files that it reads: types alone are in no bundle.

use std::path::{Path, PathBuf};

use super::{NODE, bin, kit, lacking};
use crate::toolchain::build::{BuildError, shop::Shop, tool::in_other_words};

/// What checks them, with those of Node.js for unit tests.
pub const PACKAGES: &[(&str, &str)] = &[("@types/node", "20.19.0"), ("typescript", "7.0.2")];

/// Checks them. Returns the packages that did, and what was read for it.
///
/// # Errors
/// When tsc is missing, or finds something.
pub async fn check(root: &Path, shop: &Shop<'_>) -> Result<(PathBuf, Vec<PathBuf>), BuildError> {
    let types = kit(shop, PACKAGES, "TypeScript", "the types of handlers are checked with it").await?;
    let mut tsc = NODE.command(root);
    tsc.arg(bin(&types, "tsc")).args(["--noEmit", "--listFiles", "--project", "tsconfig.json"]);
    let done = NODE.compile_aloud(tsc, "tsc", root).await;
    let listed =
        done.map_err(|error| in_other_words(error, |said| lacking::advised(&without_files(said))))?;
    let read = listed.lines().map(PathBuf::from).filter(|file| !file.starts_with(&types)).collect();
    Ok((types, read))
}

/// What tsc found, without the files that it read.
fn without_files(said: &str) -> String {
    let is_file =
        |line: &str| Path::new(line.trim_end()).is_absolute() && Path::new(line.trim_end()).is_file();
    said.split_inclusive('\n').filter(|line| !is_file(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_were_read_are_not_what_is_wrong() {
        let file = file!();
        let read = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let said = format!("{file}(3,4): error TS1: no\n\n{}\n", read.display());
        assert_eq!(without_files(&said), format!("{file}(3,4): error TS1: no\n\n"));
    }
}
