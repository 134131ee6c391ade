//! The tools that are lent to a project in TypeScript for its own unit tests: links into the cache, beside the component.
//!
//! Exists so that `npm test` of a new project needs no packages: Node.js reads no TypeScript before 22.18. They are not in
//! `node_modules`, as npm would write where they lead into the project's lock. It must not know what is tested.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::{MODULES, bin};
use crate::toolchain::build::{BuildError, project::Project, tool::place};

/// Links esbuild, the compiler that checks types, and the types of Node.js, which are both among the packages `types`.
///
/// # Errors
/// When the links cannot be written.
pub fn to(project: &Project, esbuild: &Path, types: &Path) -> Result<(), BuildError> {
    let workshop = project.workshop();
    link(esbuild, workshop.join("bin/esbuild"))?;
    link(&bin(types, "tsc"), workshop.join("bin/tsc"))?;
    link(&types.join(MODULES).join("@types/node"), workshop.join("types/node"))
}

/// A link that leads there, whatever was in its place.
fn link(there: &Path, link: PathBuf) -> Result<(), BuildError> {
    let written = || {
        fs::create_dir_all(link.parent().unwrap_or(&link))?;
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => symlink(there, &link),
        }
    };
    written().map_err(|source| place(&link, source))
}
