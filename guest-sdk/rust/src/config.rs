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
        let wanted = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        Error::Invalid(format!(
            "the configuration's `{key}` is `{text}`, and a `{wanted}` is wanted: {error}"
        ))
    })
}

/// Every key and its value.
pub fn all() -> Vec<(String, String)> {
    imports::config::all()
}
