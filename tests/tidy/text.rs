//! Rules that one file keeps or breaks by itself.

use crate::Text;

/// Lines of a file that people read at one sitting.
const LINES_MAX: usize = 400;
/// Tests are read one at a time.
const TEST_LINES_MAX: usize = 600;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Files that may be longer, each with its reason, up to [`EXCEPTION_LINES_MAX`]; at most five.
const EXCEPTIONS: [(&str, &str); 0] = [];
const EXCEPTION_LINES_MAX: usize = 550;

/// Everything that is wrong with a file.
pub(crate) fn problems(file: &Text) -> Vec<String> {
    let mut problems = Vec::new();
    let mut say = |line: usize, what: &str| problems.push(format!("{}:{}: {what}", file.path, line + 1));
    for (number, line) in file.text.lines().enumerate() {
        if MACHINE_PATHS.iter().any(|path| has_path(line, path)) {
            say(number, "a path of one machine");
        }
    }
    if file.path.ends_with(".rs") && !is_generated(&file.path) {
        rust(file, &mut say);
    }
    problems
}

/// What is wrong with the list of exceptions.
pub(crate) fn exceptions(files: &[Text]) -> Vec<String> {
    let mut problems = Vec::new();
    if EXCEPTIONS.len() > 5 {
        problems.push(format!("{} exceptions, and five are the most", EXCEPTIONS.len()));
    }
    for (path, reason) in EXCEPTIONS {
        let lines = files.iter().find(|file| file.path == path).map_or(0, |file| file.text.lines().count());
        if lines <= lines_max(path, false) || reason.len() < 20 {
            problems.push(format!("{path}: needs no exception, or a better reason"));
        }
    }
    problems
}

/// Written in two parts, so that this file does not break the rule.
const MACHINE_PATHS: [&str; 3] = [concat!("/", "tmp/"), concat!("/", "root/"), concat!("/", "work/")];

fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        // `hive/work/x` is a channel and `https://x/work/` an address: only what begins a path counts.
        line[..at]
            .chars()
            .next_back()
            .is_none_or(|before| !(before.is_alphanumeric() || "}-_./*".contains(before)))
    })
}

fn is_generated(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("bindings"))
}

/// The macros: what they write goes into other people's crates, whose lints are not known.
fn writes_code(path: &str) -> bool {
    path.starts_with("guest-sdk/rust/macros/src/")
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.starts_with("tests/") || path.contains("/tests/")
}

/// The parts of the harness that let time pass, so that no test has to.
fn lets_time_pass(path: &str) -> bool {
    matches!(path, "tests/src/wait.rs" | "tests/src/weather.rs")
}

fn lines_max(path: &str, with_exceptions: bool) -> usize {
    match path {
        path if with_exceptions && EXCEPTIONS.iter().any(|(exception, _)| *exception == path) => {
            EXCEPTION_LINES_MAX
        }
        path if is_test(path) => TEST_LINES_MAX,
        _ => LINES_MAX,
    }
}

fn rust(file: &Text, say: &mut impl FnMut(usize, &str)) {
    let lines: Vec<&str> = file.text.lines().collect();
    if !file.text.starts_with("//! ") {
        say(0, "does not open with `//!`: what it owns, why it exists, what it must not know");
    }
    if file.path.ends_with("/mod.rs") {
        say(0, "`foo.rs` beside `foo/`, never `mod.rs`");
    }
    if lines.len() > lines_max(&file.path, true) {
        say(lines_max(&file.path, true), &format!("{} lines", lines.len()));
    }
    let inline_tests = lines.iter().position(|line| *line == "mod tests {").unwrap_or(lines.len());
    for (number, line) in lines.iter().enumerate() {
        let code = code_of(line);
        let in_test = is_test(&file.path) || number > inline_tests;
        if in_test && !lets_time_pass(&file.path) && code.contains(concat!("sleep", "(")) {
            say(number, "a test that sleeps: wait for a condition");
        }
        if file.path.starts_with("node/src/")
            && !in_test
            && (code.contains(concat!("tokio::", "spawn("))
                || code.contains(concat!("unbounded", "_channel")))
        {
            say(number, "a task that nobody tracks, or a queue without a bound");
        }
        banned(&code, writes_code(&file.path)).into_iter().for_each(|what| say(number, what));
    }
    for (number, length) in long_functions(&lines) {
        say(number, &format!("a function of {length} lines"));
    }
    if file.path.starts_with("node/proto/src/") {
        proto(&lines, say);
    }
}

/// What no code may hold, in parts for the same reason as above.
fn banned(code: &str, writes_code: bool) -> Vec<&'static str> {
    let mut found = Vec::new();
    if code.contains(concat!("todo", "!(")) || code.contains(concat!("unimplemented", "!(")) {
        found.push("unfinished");
    }
    if !writes_code && code.contains(concat!("#[", "allow")) || code.contains(concat!("#![", "allow")) {
        found.push("`#[expect(…, reason = \"…\")]` instead of an allow");
    }
    if code.contains(concat!("#[", "ignore")) {
        found.push("an ignored test");
    }
    // `get_mut` and its like are the standard library's own, and `get-each` and `get-many` are said so in WIT.
    const KNOWN: [&str; 4] = ["mut", "or_", "each", "many"];
    let getter = code.split_once(concat!("fn ", "get_")).map(|(_, name)| name);
    if getter.is_some_and(|name| !KNOWN.iter().any(|known| name.starts_with(known))) {
        found.push("no `get_` in names");
    }
    let word_after =
        |keyword: &str| code.split_once(keyword).map(|(_, rest)| rest.split(|c: char| !c.is_alphanumeric()));
    // A `Service` alone is DNS-SD's own word.
    for keyword in ["struct ", "enum ", "trait "] {
        let name = word_after(keyword).and_then(|mut words| words.next()).unwrap_or_default();
        if ["Manager", "Helper", "Util", "Service"]
            .iter()
            .any(|word| name.ends_with(word) && name != "Service")
        {
            found.push("a name that says nothing: Manager, Helper, Util, Service");
        }
    }
    found
}

/// hive-proto knows no clock, no chance, no I/O, no order that changes from run to run.
fn proto(lines: &[&str], say: &mut impl FnMut(usize, &str)) {
    const BANNED: [&str; 14] = [
        "HashMap",
        "HashSet",
        "Instant",
        "SystemTime",
        "UdpSocket",
        "TcpStream",
        "std::fs",
        "std::io",
        "std::thread",
        "tokio",
        "rand::",
        "getrandom",
        "async ",
        ".await",
    ];
    for (number, line) in lines.iter().enumerate() {
        let code = code_of(line);
        for name in BANNED.iter().filter(|name| has_word(&code, name)) {
            say(number, &format!("`{}` has no place in hive-proto", name.trim()));
        }
    }
}

fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let before = code[..at].chars().next_back().is_some_and(part);
        let after = code[at + word.len()..].chars().next().is_some_and(part);
        let ends_open = word.ends_with([' ', ':']);
        !(before || after && !ends_open)
    })
}

/// A line without its comment and the contents of its strings. Good enough for rules: strings over several lines and
/// quotes in characters are read as code, which at worst says too much.
pub(crate) fn code_of(line: &str) -> String {
    let mut code = String::with_capacity(line.len());
    let mut in_string = false;
    let mut previous = ' ';
    for c in line.chars() {
        match (in_string, c) {
            (false, '/') if previous == '/' => {
                code.pop();
                return code;
            }
            (false, '"') if previous != '\'' => in_string = true,
            (true, '"') if previous != '\\' => in_string = false,
            (true, _) => {
                previous = if previous == '\\' && c == '\\' { ' ' } else { c };
                continue;
            }
            _ => {}
        }
        code.push(c);
        previous = c;
    }
    code
}

/// Functions over the limit: the line they begin at, and their length. Formatted code closes at the indent it opened.
fn long_functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut long = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    for (number, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let begins = line.split(' ').any(|word| word == "fn") && !line.trim_start().starts_with("//");
        match open {
            None if begins && !line.ends_with(';') => open = Some((number, indent)),
            Some((begin, at)) if indent == at && line.trim_start().starts_with('}') => {
                let length = number - begin + 1;
                if length > FUNCTION_LINES_MAX {
                    long.push((begin, length));
                }
                open = None;
            }
            _ => {}
        }
    }
    long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_can_be_broken() {
        let check = |path: &str, text: &str, want: &str| {
            let said = problems(&Text { path: path.to_owned(), text: text.to_owned() }).join("\n");
            match want {
                "" => assert_eq!(said, "", "{path}: {text}"),
                want => assert!(said.contains(want), "{path}: {text}: {said}"),
            }
        };
        let rust = "node/src/x.rs";
        let after_doc = |code: &str| format!("//! X.\n{code}\n");
        check(rust, "//! X.\nfn x() {}\n", "");
        check(rust, "fn x() {}\n", "node/src/x.rs:1: does not open with");
        check("node/src/x/mod.rs", "//! X.\n", "never `mod.rs`");
        check(rust, &after_doc(&"//\n".repeat(398)), "");
        check(rust, &after_doc(&"//\n".repeat(399)), "node/src/x.rs:401: 401 lines");
        check("node/src/x/tests.rs", &after_doc(&"//\n".repeat(590)), "");
        check("guest-sdk/rust/src/bindings.rs", &"x\n".repeat(5_000), "");
        check("README.md", concat!("cd /", "tmp/x"), "a path of one machine");
        check("README.md", "publish hive/work/x", "");
        check(rust, &after_doc(concat!("todo", "!()")), ":2: unfinished");
        check(rust, &after_doc(concat!("#[", "allow(x)]")), "instead of an allow");
        check(rust, &after_doc(concat!("#[", "ignore]")), "an ignored test");
        check(rust, &after_doc("pub struct LinkManager;"), "a name that says nothing");
        check(rust, &after_doc("pub struct Link; // no Manager"), "");
        check(rust, &after_doc(concat!("fn ", "get_x() {}")), "no `get_`");
        check(rust, &after_doc(concat!("fn ", "get_mut() {}")), "");
        check(rust, &after_doc(concat!("tokio::", "spawn(x)")), "a task that nobody tracks");
        check(
            rust,
            &after_doc(concat!("#[cfg(test)]\nmod tests {\nx::", "sleep", "(y);\n}")),
            "a test that sleeps",
        );
        check("tests/it/x.rs", &after_doc(concat!("thread::", "sleep", "(y);")), "a test that sleeps");
        check(rust, &after_doc(concat!("time::", "sleep", "(y);")), "");
        check(
            rust,
            &after_doc(&format!("fn x() {{\n{}}}", "    y();\n".repeat(69))),
            "a function of 71 lines",
        );
        check(rust, &after_doc(&format!("fn x() {{\n{}}}", "    y();\n".repeat(68))), "");
        let proto = "node/proto/src/x.rs";
        check(proto, &after_doc("use std::collections::HashMap;"), "`HashMap` has no place");
        check(proto, &after_doc("let at = Instant::now();"), "`Instant` has no place");
        check(proto, &after_doc("pub async fn x() {}"), "`async` has no place");
        check(proto, &after_doc("// no HashMap here\nlet x = \"HashMap\"; MyHashMapper"), "");
    }
}
