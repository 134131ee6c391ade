//! Why a guest trapped, in one line a person understands.
//!
//! Exists so that a wall of frames goes to the debug log and the function that matters to the message. It must not
//! know what was called.

use std::fmt;

use wasmtime::{FrameInfo, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::instances::Fault;

/// Describes a trap: the reason, and the nearest function that is not the language's own. `last_words` are the last
/// lines that the guest wrote to its stderr.
#[must_use]
pub fn explain(error: &wasmtime::Error, last_words: &[String]) -> Fault {
    Fault::Trap { function: function(error), reason: reason(error, last_words), dump: None }
}

/// Whether a reason has all that the guest said as it gave up: a panic of Rust, or one line.
#[must_use]
pub fn says_all(reason: &str, dump: &str) -> bool {
    reason.starts_with(PANICKED) || reason.contains(dump)
}

/// The nearest function that is not the language's own.
#[must_use]
pub fn function(error: &wasmtime::Error) -> Option<String> {
    error.downcast_ref::<WasmBacktrace>().and_then(guilty)
}

fn reason(error: &wasmtime::Error, last_words: &[String]) -> String {
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        return with_last_words(format!("it ended itself with exit code {code}"), last_words);
    }
    match error.downcast_ref::<Trap>() {
        // What ends itself says why before, if it says anything.
        Some(Trap::UnreachableCodeReached) => {
            let names = error.downcast_ref::<WasmBacktrace>().map(names).unwrap_or_default();
            panic_text(last_words).or_else(|| null_text(&names)).unwrap_or_else(|| {
                let is_abort = names.first().is_some_and(|name| is_abort(name));
                let why =
                    if is_abort { "it called abort()" } else { "`unreachable` was executed, as by a panic" };
                with_last_words(why.into(), last_words)
            })
        }
        Some(trap) => stack_text(error, *trap).unwrap_or_else(|| {
            let text = trap.to_string();
            text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
        }),
        None => error.root_cause().to_string(),
    }
}

/// What is said of a NULL, if that is what the trap means, with the function of the SDK that was given it. A compiler of C puts
/// a trap where NULL is read or written, and nothing else that is usual does so in a function of a handler's own.
fn null_text(names: &[String]) -> Option<String> {
    if let Some(given) = names.iter().take_while(|name| is_of_c(name)).last() {
        return Some(format!("NULL was given to `{}`", given.split(" (").next().unwrap_or_default()));
    }
    let is_in_c = names.first().is_some_and(|name| is_own(name) && IN_C.iter().any(|end| name.contains(end)));
    is_in_c.then(|| "`unreachable` was executed, as where NULL is read or written".into())
}

/// Whether a function is C's own that ends a program.
fn is_abort(name: &str) -> bool {
    name == "abort" || name.starts_with("abort (")
}

/// How files of C and C++ end, as [`frame_names`] has them.
const IN_C: [&str; 6] = [".c:", ".h:", ".cc:", ".cpp:", ".cxx:", ".hpp:"];

/// The files of the SDK for C.
const OF_C: [&str; 5] =
    [" (sdk/hive.c:", " (sdk/json.c:", " (sdk/state.c:", " (sdk/inner.h:", " (sdk/given.h:"];

/// What the file of a function of zig's library for C ends with.
const OF_ZIG: &str = ".zig:";

fn is_of_c(name: &str) -> bool {
    OF_C.iter().any(|file| name.contains(file))
}

/// What is said of a stack that is full, if that is what the trap means. Rust and C keep a stack of their own at the beginning
/// of the memory: what is below it is out of bounds.
fn stack_text(error: &wasmtime::Error, trap: Trap) -> Option<String> {
    let cycle = error.downcast_ref::<WasmBacktrace>().map(cycle).unwrap_or_default();
    let is_full = match trap {
        Trap::StackOverflow => true,
        Trap::MemoryOutOfBounds => !cycle.is_empty() && is_below_memory(error),
        _ => false,
    };
    let calls = match &cycle[..] {
        [] => "as of a function that calls itself without end".to_owned(),
        [name] => format!("`{name}` calls itself again and again"),
        [names @ .., last] => {
            format!("`{}` and `{last}` call each other again and again", names.join("`, `"))
        }
    };
    is_full.then(|| format!("its stack is full: {calls}"))
}

/// Bytes that one function may have on a stack, more than any has.
const STACK_FRAME_BYTES_MAX: u32 = 16 << 20;

/// Whether an address was below the first, which makes one of the last of it.
fn is_below_memory(error: &wasmtime::Error) -> bool {
    let address = error.chain().find_map(|cause| {
        let text = cause.to_string();
        let address = text.strip_prefix("memory fault at wasm address 0x")?.split(' ').next()?;
        u64::from_str_radix(address, 16).ok()
    });
    address.is_some_and(|address| address > u64::from(u32::MAX - STACK_FRAME_BYTES_MAX))
}

/// Functions that call each other in turn, of which a person makes sense.
const CYCLE_MAX: usize = 4;

/// How often one of them stands in the innermost frames, which are all that a trace has.
const CYCLE_TURNS_MIN: usize = 3;

/// The functions that call each other, or one that calls itself, where most of the innermost frames are theirs.
fn cycle(trace: &WasmBacktrace) -> Vec<String> {
    let names: Vec<&str> = trace.frames().iter().filter_map(FrameInfo::func_name).collect();
    let turns = |name: &str| names.iter().filter(|other| **other == name).count();
    let mut found: Vec<&str> = Vec::new();
    for name in &names {
        if turns(name) >= CYCLE_TURNS_MIN && !found.contains(name) {
            found.push(name);
        }
    }
    let frames: usize = found.iter().map(|name| turns(name)).sum();
    let mut shown: Vec<String> = found.iter().map(|name| readable(name)).collect();
    if shown.iter().any(|name| is_own(name)) {
        shown.retain(|name| is_own(name));
    }
    if frames * 2 > trace.frames().len() && shown.len() <= CYCLE_MAX { shown } else { Vec::new() }
}

/// What stands before a panic's place in Rust.
const PANICKED: &str = "panicked at ";

/// What a Rust guest says when it panics: a line that ends with the place, and the message below it.
fn panic_text(last_words: &[String]) -> Option<String> {
    let at = last_words.iter().rposition(|line| line.contains(PANICKED))?;
    let (line, message) = last_words.get(at..)?.split_first()?;
    let place = line.split_once(PANICKED)?.1.trim_end_matches(':');
    let text = format!("{PANICKED}{}: {}", short_path(place), message.join(" "));
    Some(text.chars().filter(|c| !c.is_control()).collect())
}

/// What stands between a reason and what a guest said last.
const SAID: &str = "; it said last: ";

/// Bytes of what a guest said last that are told with the reason.
const LAST_WORDS_BYTES_MAX: usize = 400;

/// The reason with what the guest said last, unless that is the reason already: from where it panicked on, else the end.
pub fn with_last_words(reason: String, last_words: &[String]) -> String {
    if last_words.is_empty() || reason.starts_with(PANICKED) || reason.contains(SAID) {
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
    format!("{reason}{SAID}{told}")
}

/// What begins the names of functions that only carry out a panic, or stand between the node and a handler.
const LANGUAGE: [&str; 25] = [
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
    "__assert_fail",
    "__wasi_",
    "wit_bindgen",
    "cabi_",
    "dlmalloc",
    "runtime.",
    "wasm_pc_f_loop",
    "hive_node_handler_",
    "hive_guest::",
    "<hive_guest::",
    "hive-guest",
    "hive:node/",
    "exports_hive_node",
    "__wasm_export",
];

fn guilty(trace: &WasmBacktrace) -> Option<String> {
    names(trace).into_iter().find(|name| is_own(name))
}

fn is_own(name: &str) -> bool {
    !LANGUAGE.iter().any(|prefix| name.starts_with(prefix)) && !is_of_c(name) && !name.contains(OF_ZIG)
}

/// What a compiler of C calls a trap that it put into a function, as if that were one which is inlined there.
const NO_FUNCTION: &str = "__clang_trap_msg";

/// The functions of all frames, innermost first.
fn names(trace: &WasmBacktrace) -> Vec<String> {
    let all = trace.frames().iter().flat_map(frame_names);
    all.filter(|name| !name.starts_with(NO_FUNCTION)).collect()
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
/// Bytes of one that are read.
const NAME_READ_MAX: usize = 4 << 10;

fn readable(name: &str) -> String {
    let rust = || rustc_demangle::try_demangle(name).ok().map(|name| format!("{name:#}"));
    let mut name = rust().or_else(|| cpp(name)).unwrap_or_else(|| name.to_owned());
    name.retain(|c| !c.is_control());
    name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    name
}

/// A name of C++ as its sources have it, without parameters. One of C may be what C++ calls a type: `d` is `double`.
fn cpp(name: &str) -> Option<String> {
    if !name.starts_with("_Z") {
        return None;
    }
    // Guests call their functions as they like: what a name says of itself may be much longer than it is.
    let symbol = cpp_demangle::Symbol::new(name.get(..NAME_READ_MAX.min(name.len()))?).ok()?;
    let mut shown = Shown(String::new());
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
    let whole = symbol.structured_demangle(&mut shown, &options);
    (whole.is_ok() || !shown.0.is_empty()).then_some(shown.0)
}

/// A text that ends where no more of it is shown.
struct Shown(String);

impl fmt::Write for Shown {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() > NAME_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// The last two parts of a path: enough to find the file, and nothing about whoever built it.
fn short_path(path: &str) -> String {
    let parts: Vec<&str> = path.rsplit(['/', '\\']).take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
