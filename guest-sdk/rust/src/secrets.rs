//! What the node's configuration grants the plugin by name.

use crate::{Context, Error, imports};

/// A secret that the configuration grants: `plugins: {each: {NAME: {secrets: {database: {file: PATH}}}}}`.
///
/// # Errors
/// [`Error::Denied`] with the line to add, when it grants none of that name.
pub fn secret(name: &str) -> Result<String, Error> {
    imports::secrets::get(name)
}

impl Context<'_> {
    /// A secret that the node's configuration grants the plugin.
    ///
    /// # Errors
    /// [`Error::Denied`] with the line to add, when it grants none of that name.
    pub fn secret(&self, name: &str) -> Result<String, Error> {
        secret(name)
    }
}
