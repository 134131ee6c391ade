//! Why a guest trapped, in one line a person understands.
//!
//! Exists so that a wall of frames goes to the debug log and the function that matters to the message. It must not
//! know what was called.

use wasmtime::{FrameInfo, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::instances::Fault;

/// Describes a trap: the reason, and the nearest function that is not the language's own. `last_words` are the last
/// lines that the guest wrote to its stderr.
#[must_use]
pub fn explain(error: &wasmtime::Error, last_words: &[String]) -> Fault {
    let function = error.downcast_ref::<WasmBacktrace>().and_then(guilty);
    Fault::Trap { function, reason: reason(error, last_words) }
}

fn reason(error: &wasmtime::Error, last_words: &[String]) -> String {
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        return format!("it ended itself with exit code {code}");
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => {
            panic_text(last_words).unwrap_or_else(|| "`unreachable` was executed, as by a panic".into())
        }
        Some(trap) => {
            let text = trap.to_string();
            text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
        }
        None => error.root_cause().to_string(),
    }
}

/// What a Rust guest says when it panics: a line that ends with the place, and the message below it.
fn panic_text(last_words: &[String]) -> Option<String> {
    const MARK: &str = "panicked at ";
    let at = last_words.iter().rposition(|line| line.contains(MARK))?;
    let (line, message) = last_words.get(at..)?.split_first()?;
    let place = line.split_once(MARK)?.1.trim_end_matches(':');
    let text = format!("panicked at {}: {}", short_path(place), message.join(" "));
    Some(text.chars().filter(|c| !c.is_control()).collect())
}

/// Bytes of what a guest said last that are told with the reason.
const LAST_WORDS_BYTES_MAX: usize = 400;

/// The reason with what the guest said last, unless that is the reason already: from where it panicked on, else the end.
pub fn with_last_words(reason: String, last_words: &[String]) -> String {
    if last_words.is_empty() || reason.starts_with("panicked at ") {
        return reason;
    }
    const PANICS: [&str; 2] = ["panic: ", "fatal error: "];
    let begins = last_words.iter().position(|line| PANICS.iter().any(|panic| line.starts_with(panic)));
    let lines = last_words.get(begins.unwrap_or(0)..).unwrap_or_default().iter();
    let text = lines.map(|line| line.trim()).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let told = match (text.len() > LAST_WORDS_BYTES_MAX, begins) {
        (false, _) => text,
        (true, Some(_)) => format!("{}…", &text[..text.floor_char_boundary(LAST_WORDS_BYTES_MAX)]),
        (true, None) => {
            format!("…{}", &text[text.ceil_char_boundary(text.len() - LAST_WORDS_BYTES_MAX)..])
        }
    };
    format!("{reason}; it said last: {told}")
}

/// What begins the names of functions that only carry out a panic.
const LANGUAGE: [&str; 14] = [
    "std::",
    "core::",
    "alloc::",
    "<std::",
    "<core::",
    "<alloc::",
    "__rust",
    "rust_",
    "panic_",
    "abort",
    "__abort",
    "wit_bindgen",
    "cabi_",
    "dlmalloc",
];

fn guilty(trace: &WasmBacktrace) -> Option<String> {
    let mut names = trace.frames().iter().flat_map(frame_names);
    let first = names.next()?;
    let is_own = |name: &String| !LANGUAGE.iter().any(|prefix| name.starts_with(prefix));
    if is_own(&first) {
        return Some(first);
    }
    names.find(is_own).or(Some(first))
}

/// The functions of one frame, inlined ones first; with file and line when the component says them.
fn frame_names(frame: &FrameInfo) -> Vec<String> {
    let symbols = frame.symbols().iter().filter_map(|symbol| {
        let name = readable(symbol.name()?);
        Some(match (symbol.file(), symbol.line()) {
            (Some(file), Some(line)) => format!("{name} ({}:{line})", short_path(file)),
            _ => name,
        })
    });
    let mut names: Vec<String> = symbols.collect();
    if names.is_empty() {
        names.extend(frame.func_name().map(readable));
    }
    names
}

/// Bytes of a function's name that are shown.
const NAME_BYTES_MAX: usize = 120;

fn readable(name: &str) -> String {
    let mut name = format!("{:#}", rustc_demangle::demangle(name));
    name.retain(|c| !c.is_control());
    name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    name
}

/// The last two parts of a path: enough to find the file, and nothing about whoever built it.
fn short_path(path: &str) -> String {
    let parts: Vec<&str> = path.rsplit(['/', '\\']).take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_its_place_and_message() {
        let lines = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        let said =
            lines(&["working", "thread '<unnamed>' (1) panicked at src/lib.rs:3:49:", "no more", "of it"]);
        assert_eq!(panic_text(&said).as_deref(), Some("panicked at src/lib.rs:3:49: no more of it"));
        assert_eq!(panic_text(&lines(&["working"])), None);
    }

    #[test]
    fn names_are_made_readable() {
        assert_eq!(readable("_ZN5greet6handle17h0123456789abcdefE"), "greet::handle");
        assert_eq!(short_path("/home/someone/greet/src/lib.rs"), "src/lib.rs");
        assert_eq!(short_path("lib.rs"), "lib.rs");
    }

    #[test]
    fn a_reason_is_told_with_the_last_words() {
        let told = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
            with_last_words("it broke".into(), &lines)
        };
        assert_eq!(told(&[]), "it broke");
        assert_eq!(told(&["one", "two"]), "it broke; it said last: one two");
        let go = ["begun", "panic: no table", "", "goroutine 1 [running]:"];
        assert_eq!(told(&go), "it broke; it said last: panic: no table goroutine 1 [running]:");
        let long = "é".repeat(LAST_WORDS_BYTES_MAX);
        assert!(told(&[&long, "end"]).ends_with("é end") && told(&["panic: x", &long]).ends_with("é…"));
        assert!(told(&[&long]).len() < LAST_WORDS_BYTES_MAX + 40);
        let panicked = "panicked at src/lib.rs:1:2: no".to_owned();
        assert_eq!(with_last_words(panicked.clone(), &["no".into()]), panicked);
    }
}
