//! Lines in the node's log, under the plugin's name.
//!
//! [`trace!`](crate::trace), [`debug!`](crate::debug), [`info!`](crate::info), [`warn!`](crate::warn) and
//! [`error!`](crate::error) take what `format!` takes, with fields before it; below the configured level nothing of it
//! is evaluated.

use std::fmt;

pub use crate::bindings::hive::node::log::Level;
use crate::imports;

/// Whether lines of that level are wanted.
pub fn enabled(level: Level) -> bool {
    imports::log::enabled(level)
}

/// Writes one line with its fields, whatever the level.
pub fn write(level: Level, text: fmt::Arguments<'_>, fields: &[(String, String)]) {
    match text.as_str() {
        Some(text) => imports::log::log(level, text, fields),
        None => imports::log::log(level, &text.to_string(), fields),
    }
}

/// Logs at a level: `hive::log!(Level::Info, order = order.id, "shipped after {days} days")`.
#[macro_export]
macro_rules! log {
    ($level:expr, $($field:ident = $value:expr,)* $format:literal $($argument:tt)*) => {{
        let level = $level;
        if $crate::log::enabled(level) {
            let fields = [$((::std::string::String::from(stringify!($field)), ::std::string::ToString::to_string(&$value))),*];
            $crate::log::write(level, ::std::format_args!($format $($argument)*), &fields);
        }
    }};
}

/// Logs what only somebody hunting a fault in the handler wants to see.
#[macro_export]
macro_rules! trace {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Trace, $($line)+) };
}

/// Logs what helps to follow the handler.
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Debug, $($line)+) };
}

/// Logs what an operator likes to know: `hive::info!(node = ctx.origin_name(), "greeted {name}")`.
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Info, $($line)+) };
}

/// Logs what an operator ought to look at.
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Warn, $($line)+) };
}

/// Logs what went wrong.
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Error, $($line)+) };
}
