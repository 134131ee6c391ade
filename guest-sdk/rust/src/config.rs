//! The plugin's section of the node's configuration. Nested keys are joined by dots.

use std::{fmt::Display, str::FromStr};

use crate::{Error, imports};

/// The value of a key.
pub fn get(key: &str) -> Option<String> {
    imports::config::get(key)
}

/// The value of a key as a number, a truth value or whatever else parses; none when it is not set.
///
/// # Errors
/// [`Error::Invalid`] when it does not parse.
pub fn parse<T: FromStr<Err: Display>>(key: &str) -> Result<Option<T>, Error> {
    let Some(text) = get(key) else { return Ok(None) };
    text.parse().map(Some).map_err(|error| {
        Error::Invalid(format!("`{text}` is not a valid value of the configuration's `{key}`: {error}"))
    })
}

/// Every key and its value.
pub fn all() -> Vec<(String, String)> {
    imports::config::all()
}
