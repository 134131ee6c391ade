//! What is wrong with a project, or with what its handler does, is said with its place and a cure.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use hive_tests::languages::{command, is_here, said};
use serde_json::json;
use tempfile::TempDir;

use super::C;
use crate::PROGRAM;

/// Runs the program in a folder: the code it ends with, and what it says.
pub(super) fn run_in(folder: &TempDir, args: &[&str]) -> Result<(Option<i32>, String)> {
    let output = command(Path::new(PROGRAM))?.args(args).current_dir(folder.path()).output()?;
    Ok((output.status.code(), said(&output)))
}

/// Makes a project in JavaScript with a source of its own.
fn javascript(folder: &TempDir, name: &str, source: &str) -> Result<()> {
    let (code, said) = run_in(folder, &["new", name, "--lang", "js"])?;
    ensure!(code == Some(0), "{said}");
    Ok(std::fs::write(folder.path().join(name).join("src/index.js"), source)?)
}

/// What a compiler says is said once and as it says it, with several folders under the name of each.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_compile_is_said_once_and_by_the_compiler_alone() -> Result<()> {
    if !is_here("node", "js") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| run_in(&folder, args);
    for (name, source) in [
        ("one", "const one = ;\n"),
        ("two", "\nconst two = ;\n"),
        ("three", "import { plugin } from \"hive-guest\";\n\nplugin({ instancs: \"single\" });\n"),
    ] {
        javascript(&folder, name, source)?;
    }
    let (code, said) = run(&["build", "one", "two"])?;
    ensure!(code == Some(1), "{code:?}: {said}");
    for (name, place) in [("one", "src/index.js:1:12:"), ("two", "src/index.js:2:12:")] {
        let own =
            format!("error: `esbuild` failed for {}", folder.path().canonicalize()?.join(name).display());
        let block: Vec<&str> = said.split(&own).collect();
        let [before, _] = block[..] else { bail!("not once: {own}\n{said}") };
        let (_, message) = before.rsplit_once("[ERROR]").context("what esbuild says")?;
        ensure!(message.contains(place), "{own} is not behind {place}:\n{said}");
    }
    ensure!(said.matches("Unexpected \";\"").count() == 2, "{said}");
    ensure!(!said.contains("node:") && !said.contains('\u{1b}'), "{said}");
    // What is wrong with the modules as they are loaded is said by the place, too.
    let (code, said) = run(&["build", "three"])?;
    ensure!(code == Some(1) && said.contains("plugin has no option instancs"), "{code:?}: {said}");
    ensure!(said.contains("(src/index.js:3)") && !said.contains("bundle.js:"), "{said}");
    ensure!(!said.contains("Failed to evaluate") && !said.contains(".hive/sdk"), "{said}");
    Ok(())
}

/// Neither Node.js nor a node is there while modules load, and a pattern has one handler: that is said by place.
#[tokio::test(flavor = "multi_thread")]
async fn what_javascript_cannot_do_is_said_with_what_helps() -> Result<()> {
    if !is_here("node", "js") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    for (name, source, wanted, not) in [
        (
            "load",
            "import { config } from \"hive-guest\";\nconst limit = config.get(\"limit\", 3);\n",
            &["config is not there while modules load", "(src/index.js:2)"][..],
            "wasm",
        ),
        (
            "node",
            "import fs from \"node:fs\";\nimport lodash from \"lodash/fp\";\nawait fs(lodash);\n",
            &["Handlers have no Node.js", "`npm install lodash`", "Top-level await is not there", ":3:0:"][..],
            "--platform=node",
        ),
        (
            "timer",
            "import { tick } from \"hive-guest\";\n\n\ntick(\"a\", \"hourly\", () => 1);\n",
            &["\"hourly\" is no schedule: it is `@every 5s`, or five", "(src/index.js:4)"][..],
            "registry.js",
        ),
        (
            "twice",
            "import { answer, on } from \"hive-guest\";\nanswer(\"a/b\", () => 1);\non(\"a/b\", () => 2);\n",
            &["there are two handlers for a/b", "(src/index.js:3)"][..],
            "registry.js",
        ),
    ] {
        javascript(&folder, name, source)?;
        let (code, said) = run_in(&folder, &["build", name])?;
        let is_said = code == Some(1) && wanted.iter().all(|part| said.contains(part)) && !said.contains(not);
        ensure!(is_said, "{name}, {code:?}: {said}");
    }
    Ok(())
}

/// What a handler in C does wrong is said, with its place where there is one, and nothing that is no JSON leaves it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_c_is_said_where_it_is() -> Result<()> {
    if !is_here(C.tool, C.name) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| run_in(&folder, args);
    let (code, said) = run(&["new", "wrong", "--lang", "c"])?;
    ensure!(code == Some(0), "{said}");
    let (source, cases) = (folder.path().join("wrong/src/handler.c"), folder.path().join("wrong/cases.yaml"));
    // The template says what is wrong with a name, too.
    let long = format!("cases: [{{ call: wrong/hello, data: {}, rejects: has no room }}]", "a".repeat(100));
    std::fs::write(&cases, long)?;
    let (code, said) = run(&["test", "wrong"])?;
    ensure!(code == Some(0), "{code:?}: {said}");
    std::fs::write(&source, include_str!("wrong.c"))?;
    let wanted = "{ e: é, n: [5, -0.5, 1000000000.0, true, null, \"\\né\"], l: [1, -2500.0, {}] }";
    let mut text = format!("cases:\n  - {{ call: wrong/try, data: fine, answer: {wanted} }}\n");
    for (number, outcome) in [
        ("9007199254740993", "answer: [9007199254740993, Ada, null, false, here]"),
        ("9223372036854775808", "rejects: \"`n` is no whole number of 64 bits: 9223372036854775808\""),
        ("2.5", "rejects: \"`n` is no whole number: 2.5\""),
        ("1, \"m\": \"\"", "rejects: \"the event has no header `from`\""),
    ] {
        let from = if number.contains('m') { "" } else { "headers: { from: Ada }, " };
        text += &format!("  - {{ call: wrong/get, text: '{{\"n\": {number}}}', {from}{outcome} }}\n");
    }
    text.insert_str(0, "answers: { out/name: here }\n");
    for (how, reason) in [
        ("silent", "it returned 2 without hive_reject or hive_retry"),
        ("reply", "what was made is no JSON: {\"a\": oops}"),
        ("infinite", "what was made is no JSON: inf"),
        ("publish", "what was made is no JSON: \"o\"ops\""),
        ("state", "what was made is no JSON: [1,]"),
        ("absent", "`none` is not there"),
        ("kind", "`n` is no text: 5"),
        ("zero", "`z` has a zero in it, where a text in C ends"),
        ("room", "`parcel` has no room: it has more than 7 bytes"),
        ("longer than its room", "the value has no room: it has more than 19 bytes"),
        // What is asked for stands before what is missing.
        ("half", "the value is no JSON: {\"parcel\""),
        ("deeper", "the value is no JSON: {\"parcel\""),
    ] {
        text +=
            &format!("  - {{ call: wrong/try, data: {how}, rejects: {}, publishes: [] }}\n", json!(reason));
    }
    text +=
        "  - { call: wrong/try, data: nobody, retries: \"`out/nobody`: nobody answers on that channel\" }\n";
    std::fs::write(&cases, text)?;
    let (code, said) = run(&["test", "wrong"])?;
    ensure!(code == Some(0) && said.contains("18 passed, 0 failed"), "{code:?}: {said}");
    ensure!(!said.contains("warning: "), "{said}");
    breaks_where_it_is_said(&folder)
}

/// What ends a handler in C is told with its line, below the case's own and set in.
fn breaks_where_it_is_said(folder: &TempDir) -> Result<()> {
    for (how, parts) in [
        (
            "assert",
            &["it called abort(); it said last: Assertion failed: strlen(how) == 1 (src/handler.c: try: 14)"]
                [..],
        ),
        ("abort", &["trapped in `try (src/handler.c:15)`: it called abort()"][..]),
        (
            "nowhere",
            &[
                "trapped in `try (src/handler.c:17)`: `unreachable` was executed, as where NULL is read or written",
            ][..],
        ),
        ("null text", &["trapped in `try (src/handler.c:18)`: NULL was given to `hive_quoted`"][..]),
        ("null key", &["trapped in `try (src/handler.c:19)`: NULL was given to `hive_state_delete`"][..]),
        ("kind", &["`n` is no text: 5 (src/handler.c:27)"][..]),
        ("exit", &["; it said last: exit() was called: a handler returns"][..]),
        ("nobody", &["`out/nobody`: nobody answers on that channel (src/handler.c:6)"][..]),
    ] {
        std::fs::write(
            folder.path().join("wrong/cases.yaml"),
            format!("cases:\n  - {{ event: wrong/try, data: {how} }}\n"),
        )?;
        let (code, said) = run_in(folder, &["test", "wrong"])?;
        ensure!(code == Some(1) && parts.iter().all(|part| said.contains(part)), "{how}, {code:?}: {said}");
        ensure!(said.starts_with("FAILED  ") && said.contains("\n        took "), "{how}: {said}");
    }
    Ok(())
}

/// A NULL that a function is given is told with its name and the line that gave it, whoever the function is of; and what
/// ends a handler with the function of it that did, by its own name.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_null_in_c_is_said() -> Result<()> {
    if !is_here(C.tool, C.name) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (code, said) = run_in(&folder, &["new", "null", "--lang", "c"])?;
    ensure!(code == Some(0), "{said}");
    let source = include_str!("null.c");
    std::fs::write(folder.path().join("null/src/handler.c"), source)?;
    let line = |part: &str| source.lines().position(|line| line.contains(part)).map_or(0, |at| at + 1);
    let cases = |text: &str| -> Result<(Option<i32>, String)> {
        std::fs::write(folder.path().join("null/cases.yaml"), format!("cases:\n  - {{ {text} }}\n"))?;
        run_in(&folder, &["test", "null"])
    };
    let fine = "call: null/try, data: fine, answer: [\"\", 4, -2, a, \"  0.2\", 9223372036854775808]";
    let (code, said) = cases(fine)?;
    ensure!(code == Some(0), "{code:?}: {said}");
    let fails = |how: &str, parts: &[&str]| -> Result<()> {
        let (code, said) = cases(&format!("event: null/try, data: {how}"))?;
        ensure!(code == Some(1) && parts.iter().all(|part| said.contains(part)), "{how}, {code:?}: {said}");
        Ok(())
    };
    let of_c =
        "strlen strcmp strncmp strcpy strcat strchr strstr strdup memcpy memset memcmp atoi strtol strtod";
    let of_hive =
        [("reply", "hive_reply_json"), ("publish", "hive_publish_json"), ("state", "hive_state_set_json")];
    for (how, function) in of_c.split(' ').map(|name| (name, name)).chain(of_hive) {
        let line = line(&format!("(how, \"{how}\")"));
        fails(how, &[&format!("trapped in `try (src/handler.c:{line})`: NULL was given to `{function}`")])?;
    }
    let nowhere = format!("trapped in `chase (src/handler.c:{})`: `unreachable` was exe", line("int chase"));
    fails("chase", &[&nowhere, "as where NULL is read or written"])?;
    fails("t", &[&format!("trapped in `t (src/handler.c:{})`: it called abort()", line("void t"))])?;
    fails("hoard", &["stopped for memory: ", " in `hoard (src/handler.c:"])?;
    // The SDK may be elsewhere.
    let (root, manifest) = (folder.path().join("null"), folder.path().join("null/hive.toml"));
    std::fs::rename(root.join(".hive/sdk"), root.join("kit"))?;
    let named = std::fs::read_to_string(&manifest)? + "sdk = \"kit\"\n";
    std::fs::write(&manifest, named)?;
    fails("reply", &["trapped in `try (src/handler.c:", "NULL was given to `hive_reply_json`"])?;
    fails("strlen", &["trapped in `try (src/handler.c:", "NULL was given to `strlen`"])?;
    // What is declared is known before there is any event.
    for (declares, function) in [
        ("hive_on(\"a/b\", NULL)", "hive_on"),
        ("hive_on_durable(\"a/b\", NULL)", "hive_on_durable"),
        ("hive_tick(\"a\", \"@every 5s\", NULL)", "hive_tick"),
        ("hive_snapshot(NULL, NULL)", "hive_snapshot"),
        ("hive_publishes(NULL)", "hive_publishes"),
    ] {
        let source = format!("#include <hive.h>\nvoid hive_plugin(void) {{ {declares}; }}\n");
        std::fs::write(folder.path().join("null/src/handler.c"), source)?;
        let want = format!("trapped in `hive_plugin (src/handler.c:2)`: NULL was given to `{function}`");
        fails("x", &[&want])?;
    }
    Ok(())
}

/// What cannot be meant is no handler.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_in_c_does_not_build() -> Result<()> {
    if !is_here(C.tool, C.name) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| run_in(&folder, args);
    let (code, said) = run(&["new", "wrong", "--lang", "c"])?;
    ensure!(code == Some(0), "{said}");
    let (source, cases) = (folder.path().join("wrong/src/handler.c"), folder.path().join("wrong/cases.yaml"));
    let begins = "#include <hive.h>\nstatic hive_outcome try(const hive_event *event) {";
    for (rest, want) in [
        (" }\nvoid hive_plugin(void) { hive_on(\"a/b\", try); }\n", "-Wreturn-type"),
        (
            " return hive_reject(\"%s\", 5); }\nvoid hive_plugin(void) { hive_on(\"a/b\", try); }\n",
            "-Wformat",
        ),
        (
            " return HIVE_DONE; }\nvoid hive_plugins(void) { hive_on(\"a/b\", try); }\n",
            "no source has `void hive_plugin",
        ),
        (
            " return HIVE_DONE; }\nvoid hive_plugin(void) { hive_on(\"a/b/\", try); }\n",
            "src/handler.c:3:45: error: this is no pattern: ",
        ),
        (
            " return HIVE_DONE; }\nvoid hive_plugin(void) { hive_tick(\"a\", \"hourly\", try); }\n",
            "src/handler.c:3:54: error: this is no schedule: it is `@every 5s`",
        ),
    ] {
        std::fs::write(&source, format!("{begins}{rest}"))?;
        let (code, said) = run(&["build", "wrong"])?;
        ensure!(code == Some(1) && said.contains(want), "{want}, {code:?}: {said}");
    }
    // A failure that nobody looks at would be lost: that is shown, though it builds.
    let lost = " hive_publish_json(\"out/x\", \"1\"); return HIVE_DONE; }\nvoid hive_plugin(void) { hive_on(\"a/b\", try); }\n";
    std::fs::write(&source, format!("{begins}{lost}"))?;
    let (code, said) = run(&["build", "wrong"])?;
    let is_shown = said.contains("src/handler.c:2:52: warning: ") && said.contains("-Wunused-result");
    ensure!(code == Some(0) && is_shown, "{code:?}: {said}");
    let twice =
        " return HIVE_DONE; }\nvoid hive_plugin(void) { hive_on(\"a/b\", try); hive_on(\"a/b\", try); }\n";
    std::fs::write(&source, format!("{begins}{twice}"))?;
    std::fs::write(&cases, "cases:\n  - { event: a/b }\n")?;
    let (code, said) = run(&["test", "wrong"])?;
    ensure!(code == Some(1) && said.contains("there are two handlers for a/b"), "{code:?}: {said}");
    // What broke a start is told with what it said last: there is no event whose dead letter has it.
    let starts = "#include <stdio.h>\nbool hive_start(void) { fputs(\"no table\", stderr); abort(); }\n";
    let once = " return HIVE_DONE; }\nvoid hive_plugin(void) { hive_on(\"a/b\", try); }\n";
    std::fs::write(&source, format!("#include <stdlib.h>\n{begins}{once}{starts}"))?;
    let (code, said) = run(&["test", "wrong"])?;
    ensure!(code == Some(1) && said.contains("; it said last: no table"), "{code:?}: {said}");
    // So is what breaks it while it says what it wants.
    let asserts = "void hive_plugin(void) { hive_on(\"a/b\", try); assert(!\"a table\"); }\n";
    std::fs::write(&source, format!("#include <assert.h>\n{begins} return HIVE_DONE; }}\n{asserts}"))?;
    let (code, said) = run(&["test", "wrong"])?;
    let wanted =
        ["`describe` failed: it trapped in `hive_plugin", "it said last: Assertion failed: !\"a table\""];
    ensure!(code == Some(1) && wanted.iter().all(|part| said.contains(part)), "{code:?}: {said}");
    Ok(())
}

/// What a handler's mistakes come to, one by one: what is said of each has these parts and not the other ones.
pub(super) fn comes_to(folder: &TempDir, cases: &[(&str, &[&str])], not: &[&str]) -> Result<()> {
    fails(folder, "event: wrong/try", cases, not)
}

/// The same of a call.
fn asked(folder: &TempDir, cases: &[(&str, &[&str])], not: &[&str]) -> Result<()> {
    fails(folder, "call: wrong/ask", cases, not)
}

fn fails(folder: &TempDir, what: &str, cases: &[(&str, &[&str])], not: &[&str]) -> Result<()> {
    let file = folder.path().join("wrong/cases.yaml");
    for (how, parts) in cases {
        std::fs::write(&file, format!("cases:\n  - {{ {what}, data: {how} }}\n"))?;
        let (code, said) = run_in(folder, &["test", "wrong"])?;
        let is_said =
            parts.iter().all(|part| said.contains(part)) && !not.iter().any(|part| said.contains(part));
        ensure!(code == Some(1) && is_said, "{how}, {code:?}: {said}");
    }
    Ok(())
}

/// Mistakes in JavaScript are told by lines of the project alone, and what is not there with what is.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_in_javascript_is_said_where_it_is() -> Result<()> {
    if !is_here("node", "js") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    javascript(&folder, "wrong", include_str!("wrong.js"))?;
    let cases: [(&str, &[&str]); 7] = [
        ("timer", &["setTimeout is not defined: there are no timers of JavaScript here", "(src/index.js:4)"]),
        ("fetch", &["fetch is not defined: there is no network here", "(src/index.js:5)"]),
        (
            "denied",
            &["denied: the plugin may not publish to `out/x`", "publishes: [\"out/x\"]}}} (src/index.js:7)"],
        ),
        ("url", &["URL is not defined: a component has none: `import", "(src/index.js:6)"]),
        ("nan", &["cannot be written as JSON: `rooms[0].celsius` is NaN", "(src/index.js:10)"]),
        (
            "memory",
            &["out of memory; it was stopped for memory: it asked for more than 64MiB", "(src/index.js:8)"],
        ),
        ("deep", &["its stack is full: as of a function that calls itself without end"]),
    ];
    comes_to(&folder, &cases, &["handle.js", "promise.js", "index.d.ts"])?;
    // Whoever asks is told, too; and what only a component's engine has not is as it is elsewhere.
    let cases: [(&str, &[&str]); 3] = [
        (
            "itself",
            &["the answer on `wrong/ask` (src/index.js:13): the value", "JSON: `doors[0]` is what it"],
        ),
        ("bytes", &["TypeError: the bytes are not UTF-8"]),
        ("log", &["Error: shown", "at <anonymous> (src/index.js:16)", "[[\"n\",\"1\"]]"]),
    ];
    asked(&folder, &cases, &["handle.js", "message.js"])
}

/// What types do not know is told with what is there, and not with what would help in Node.js.
#[tokio::test(flavor = "multi_thread")]
async fn what_typescript_does_not_find_is_said_with_what_helps() -> Result<()> {
    if !is_here("node", "ts") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (code, said) = run_in(&folder, &["new", "wrong", "--lang", "ts"])?;
    ensure!(code == Some(0), "{said}");
    let source = "import { on } from \"hive-guest\";\non(\"a/b\", () => {\n  fetch(process.env.URL);\n});\n";
    std::fs::write(folder.path().join("wrong/src/index.ts"), source)?;
    let (code, said) = run_in(&folder, &["build", "wrong"])?;
    let wanted = [
        "src/index.ts(3,3): error TS2304: Cannot find name 'fetch': there is no network here: `call`",
        "Cannot find name 'process': there is no Node.js here: `config.get` has the configuration\n",
    ];
    ensure!(code == Some(1) && wanted.iter().all(|part| said.contains(part)), "{code:?}: {said}");
    ensure!(!said.contains("@types/node"), "{said}");
    Ok(())
}

/// The same in Go, where a package may panic as it begins.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_in_go_is_said_where_it_is() -> Result<()> {
    if !is_here("go", "go") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (code, said) = run_in(&folder, &["new", "wrong", "--lang", "go"])?;
    ensure!(code == Some(0), "{said}");
    let root = folder.path().join("wrong");
    std::fs::remove_file(root.join("main_test.go"))?;
    std::fs::write(root.join("main.go"), include_str!("wrong.go.in"))?;
    let cases: [(&str, &[&str]); 5] = [
        ("panic", &["panic: assignment to entry in nil map", "wrong/main.go:37"]),
        (
            "infinite",
            &["cannot be written as JSON: json: unsupported value: +Inf (hive.local/wrong/main.go:33)"],
        ),
        ("denied", &["denied: ", "(hive.local/wrong/main.go:25)"]),
        ("file", &["Not implemented on wasip1 (a handler in Go has no files"]),
        ("deep", &["its stack is full: `main.fib` calls itself again and again"]),
    ];
    comes_to(&folder, &cases, &["hive.go:", "runtime/"])?;
    // What the runtime writes when it gives up is long: it begins with why and where.
    let (reason, place) =
        ("; it said last: fatal error: all goroutines are asleep - deadlock!", "wrong/main.go:27");
    comes_to(&folder, &[("wait", &[reason, place])], &["runtime.goexit"])?;
    comes_to(
        &folder,
        &[("memory", &["out of memory", "wrong/main.go:30", " more lines"])],
        &["goroutine 2"],
    )?;
    let begins = "package main\n\nimport hive \"hive-guest\"\n\nfunc init() {\n\thive.On(\"a/b\", func(*hive.Context, \
                  string) error { return nil })\n\tpanic(\"no table\")\n}\n\nfunc main() {}\n";
    std::fs::write(root.join("main.go"), begins)?;
    comes_to(&folder, &[("x", &["`describe` failed: it trapped", "it said last: panic: no table"])], &[])
}

/// The same in Rust: a `?` hands its place on.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_in_rust_is_said_where_it_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (code, said) = run_in(&folder, &["new", "wrong", "--lang", "rust"])?;
    ensure!(code == Some(0), "{said}");
    std::fs::write(folder.path().join("wrong/src/lib.rs"), include_str!("wrong.rs.in"))?;
    let cases: [(&str, &[&str]); 6] = [
        ("denied", &["denied: ", "(src/lib.rs:16)"]),
        ("file", &["No such file", "its configuration opens (`dirs`)", "(src/lib.rs:17)"]),
        ("deep", &["its stack is full: `wrong::handlers::fib` calls itself again and again"]),
        ("loop", &["the handler was cut ", " in `wrong::handlers::attempt`"]),
        ("memory", &["asked for more than 64MiB in `wrong::handlers::attempt`"]),
        ("index", &["trapped in `wrong::handlers::attempt`: panicked at src/lib.rs:21"]),
    ];
    comes_to(&folder, &cases, &["hive:node/handler@0.1.0#handle"])?;
    // What is returned as it is has no place, least of all one in the SDK.
    std::fs::write(folder.path().join("wrong/cases.yaml"), "cases:\n  - { event: wrong/plain }\n")?;
    let (code, said) = run_in(&folder, &["test", "wrong"])?;
    ensure!(code == Some(1) && said.contains("(`http`)\n") && !said.contains("private"), "{code:?}: {said}");
    Ok(())
}

/// The SDK in a project is that of whoever builds it, unless somebody has changed it.
#[tokio::test(flavor = "multi_thread")]
async fn an_sdk_of_another_version_is_brought_up_to_date_unless_it_was_changed() -> Result<()> {
    if !is_here("node", "js") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    javascript(&folder, "kept", "import { on } from \"hive-guest\";\non(\"a/b\", () => {});\n")?;
    let sdk = folder.path().join("kept/.hive/sdk");
    let (list, file) = (sdk.join("written-by-hive-node.txt"), sdk.join("src/random.js"));
    let written = std::fs::read_to_string(&list)?;
    let build = |want: &str| -> Result<()> {
        let (code, said) = run_in(&folder, &["build", "kept"])?;
        let told = said.lines().find(|line| line.starts_with("the SDK of `kept` in .hive/sdk "));
        ensure!(code == Some(0) && told.is_some_and(|line| line.contains(want)), "{want}: {said}");
        Ok(())
    };
    std::fs::write(&list, format!("{written}# another version\n"))?;
    build("was of another hive-node, and is this one's now")?;
    let (code, said) = run_in(&folder, &["build", "kept"])?;
    ensure!(code == Some(0) && !said.contains("the SDK of"), "{said}");
    std::fs::write(&list, format!("{written}# another version\n"))?;
    std::fs::write(&file, format!("{}// mine\n", std::fs::read_to_string(&file)?))?;
    build("stays so, as src/random.js was changed: delete the folder")?;
    ensure!(std::fs::read_to_string(&file)?.ends_with("// mine\n"), "what was changed is gone");
    std::fs::remove_file(&list)?;
    build("is of another hive-node: delete the folder")?;
    std::fs::remove_dir_all(&sdk)?;
    build("was not there, and was written")?;
    ensure!(std::fs::read_to_string(&list)? == written, "another list");
    Ok(())
}

/// A project may be called as a package of its language is.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_may_have_the_name_of_a_package() -> Result<()> {
    for (tool, language, name) in [("go", "go", "log"), ("cargo", "rust", "serde")] {
        if !is_here(tool, language) {
            continue;
        }
        let folder = tempfile::tempdir()?;
        let (code, said) = run_in(&folder, &["new", name, "--lang", language])?;
        ensure!(code == Some(0), "{said}");
        let (code, said) = run_in(&folder, &["test", name])?;
        ensure!(code == Some(0) && said.contains(" passed, 0 failed"), "{name}, {code:?}: {said}");
    }
    Ok(())
}

/// What a compiler leaves on the way is not the component of a project, whatever that is called.
#[tokio::test(flavor = "multi_thread")]
async fn a_module_is_nobodys_component() -> Result<()> {
    if !is_here("go", "go") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (code, said) = run_in(&folder, &["new", "core", "--lang", "go"])?;
    ensure!(code == Some(0), "{said}");
    let (code, said) = run_in(&folder, &["test", "core"])?;
    ensure!(code == Some(0), "{said}");
    let source = folder.path().join("core/main.go");
    let text = std::fs::read_to_string(&source)?;
    std::fs::write(&source, "package main\n\nfunc main() {}\n")?;
    std::fs::rename(folder.path().join("core/main_test.go"), folder.path().join("main_test.go"))?;
    let (code, said) = run_in(&folder, &["build", "core"])?;
    ensure!(code == Some(1) && said.contains("is no handler"), "{code:?}: {said}");
    // That is undone, and what was built before is there.
    std::fs::write(&source, text)?;
    let (code, said) = run_in(&folder, &["test", "core"])?;
    ensure!(code == Some(0) && said.contains(" passed, 0 failed"), "{code:?}: {said}");
    Ok(())
}

/// What `new` and `build` say when they cannot.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_project_is_said_with_a_cure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| run_in(&folder, args);
    let check = |args: &[&str], want: &[&str]| -> Result<()> {
        let (code, said) = run(args)?;
        ensure!(code == Some(2) && want.iter().all(|part| said.contains(part)), "{args:?}: {code:?} {said}");
        Ok(())
    };
    check(&["new", "x", "--lang", "cobol"], &["cobol", "rust", "js", "ts", "python"])?;
    check(&["new", "No Name", "--lang", "js"], &["cannot be a plugin's name"])?;
    check(&["build", "."], &["there is no handler to build", "hive-node new"])?;
    for verb in ["build", "dev"] {
        check(&[verb, "nowhere"], &["cannot read nowhere", "hint: name a folder that is there"])?;
    }
    check(&["test", "nowhere"], &["nowhere is not there", "hint: name a component"])?;
    let (code, _) = run(&["new", "mine", "--lang", "js"])?;
    ensure!(code == Some(0));
    check(&["new", "mine", "--lang", "js"], &["is there already"])?;
    std::fs::write(folder.path().join("mine/package.json"), "{")?;
    check(&["build", "mine"], &["package.json", "EOF"])?;
    Ok(())
}
