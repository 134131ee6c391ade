//! What cargo says while it builds, and what of it is said to the person who watches.
//!
//! Exists so that a handler in Rust is built in the words of every other language: what cargo says of the handlers themselves
//! and of its end is said so, and all else as cargo says it. It must not know how cargo is called.

use std::path::Path;

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'h> {
    /// A handler is being built.
    Building(&'h str),
    /// Cargo is done, which is said when all is.
    Done,
    /// It is shown as it is: a warning, an error, a dependency.
    Other,
}

/// What a line means, with or without its colours, where these are the handlers and their folders.
pub fn heard<'h>(line: &str, handlers: impl Iterator<Item = (&'h str, &'h Path)>) -> Heard<'h> {
    let plain = anstream::adapter::strip_str(line).to_string();
    let plain = plain.trim();
    if plain.starts_with("Finished `") {
        return Heard::Done;
    }
    // A dependency may have a handler's name, and no dependency has its folder.
    let mut handlers = handlers.filter(|(name, folder)| {
        let rest = plain.strip_prefix("Compiling ").and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with(" v") && rest.ends_with(&format!("({})", folder.display())))
    });
    handlers.next().map_or(Heard::Other, |(name, _)| Heard::Building(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_of_a_handler_is_told_from_all_else() {
        let handlers = [("greet", Path::new("/home/me/greet")), ("serde", Path::new("/home/me/serde"))];
        let check = |line: &str, want: &Heard<'_>| {
            assert_eq!(heard(line, handlers.into_iter()), *want, "{line}");
        };
        check("   Compiling greet v0.1.0 (/home/me/greet)", &Heard::Building("greet"));
        let coloured = "\x1b[1m\x1b[92m   Compiling\x1b[0m serde v0.1.0 (/home/me/serde)";
        check(coloured, &Heard::Building("serde"));
        check("   Compiling serde v1.0.219", &Heard::Other);
        check("   Compiling greeting v0.1.0 (/home/me/greet/shared)", &Heard::Other);
        let done = "\x1b[1m\x1b[92m    Finished\x1b[0m `release` profile [optimized] target(s) in 0.03s";
        check(done, &Heard::Done);
        check("warning: unused variable: `x`", &Heard::Other);
        check("    Blocking waiting for file lock on build directory", &Heard::Other);
    }
}
