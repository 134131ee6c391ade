//! What a trap is told with: its reason, and the function that matters.

use super::*;

#[test]
fn names_are_as_the_sources_have_them() {
    let check = |name: &str, want: &str| assert_eq!(readable(name), want, "{name}");
    check("_ZN7greeter5greet17h0123456789abcdefE", "greeter::greet");
    check("_ZN5store6parcelC2Ei", "store::parcel::parcel");
    check("_ZNSt3__122__libcpp_verbose_abortEPKcz", "std::__1::__libcpp_verbose_abort");
    check("main.(*Parcel).Price", "main.(*Parcel).Price");
    check("_ZN", "_ZN");
    check("t", "t");
    check("d", "d");
    // Each of them has the one before twice.
    let nested = (0..30).fold("1a".to_owned(), |inner, _| format!("1tI{inner}S_E"));
    assert!(readable(&format!("_Z1fI{nested}Evv")).len() <= NAME_BYTES_MAX);
    assert!(readable(&"_ZN1aE".repeat(1 << 20)).len() <= NAME_BYTES_MAX);
}

#[test]
fn a_panic_says_its_place_and_message() {
    let lines = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
    let said = lines(&["working", "thread '<unnamed>' (1) panicked at src/lib.rs:3:49:", "no more", "of it"]);
    assert_eq!(panic_text(&said).as_deref(), Some("panicked at src/lib.rs:3:49: no more of it"));
    assert_eq!(panic_text(&lines(&["working"])), None);
}

/// What a module's function `run` traps with.
fn trapped_saying(functions: &str, last_words: &[String]) -> Fault {
    let engine = wasmtime::Engine::default();
    let code = format!(
        "(module (memory 1) (global $sp (mut i32) (i32.const 65536))
           (func $push (global.set $sp (i32.sub (global.get $sp) (i32.const 1024)))
             (i32.store (global.get $sp) (i32.const 1)))
           {functions})"
    );
    let module = wasmtime::Module::new(&engine, wat::parse_str(code).expect("a module")).expect("compiled");
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).expect("an instance");
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").expect("a function");
    explain(&run.call(&mut store, ()).expect_err("a trap"), last_words)
}

fn trapped(functions: &str) -> Fault {
    trapped_saying(functions, &[])
}

#[test]
fn a_full_stack_is_told_with_who_fills_it() {
    let check = |functions: &str, want: &str| assert_eq!(trapped(functions).to_string(), want, "{functions}");
    let run = "(func (export \"run\") (call $fib))";
    let itself = "its stack is full: `fib` calls itself again and again";
    check(&format!("(func $fib (call $fib)) {run}"), &format!("trapped in `fib`: {itself}"));
    // The same of a stack in memory.
    let pushes = "(func $fib (call $push) (call $fib))";
    check(&format!("{pushes} {run}"), &format!("trapped in `push`: {itself}"));
    check(
        &format!("(func $fib (call $push) (call $odd)) (func $odd (call $fib)) {run}"),
        "trapped in `push`: its stack is full: `fib` and `odd` call each other again and again",
    );
    check(
        "(func (call 1)) (func (export \"run\") (call 1))",
        "trapped: its stack is full: as of a function that calls itself without end",
    );
    // What is out of bounds otherwise is only that, however deep.
    let deep = "(func $fib (global.set $sp (i32.sub (global.get $sp) (i32.const 1024)))
        (drop (i32.load (select (i32.const 70000) (i32.const 0) (i32.eqz (global.get $sp))))) (call $fib))";
    check(&format!("{deep} {run}"), "trapped in `fib`: out of bounds memory access");
    check(
        "(func $run (export \"run\") (drop (i32.load (i32.const -4))))",
        "trapped in `run`: out of bounds memory access",
    );
}

#[test]
fn who_trapped_is_neither_the_language_nor_the_sdk() {
    let panics = "(func $core::panicking::panic unreachable)
        (func $hive_guest::fail (call $core::panicking::panic))";
    let why = "`unreachable` was executed, as by a panic";
    let own =
        format!("{panics} (func $greet (call $hive_guest::fail)) (func (export \"run\") (call $greet))");
    assert_eq!(trapped(&own).to_string(), format!("trapped in `greet`: {why}"));
    let aborts = "(func $abort unreachable) (func $t (export \"run\") (call $abort))";
    assert_eq!(trapped(aborts).to_string(), "trapped in `t`: it called abort()");
    let inlined = format!("{panics} (func $hive:node/handler (export \"run\") (call $hive_guest::fail))");
    assert_eq!(trapped(&inlined).to_string(), format!("trapped: {why}"));
}

#[test]
fn what_ends_itself_is_told_with_why() {
    let run = "(func $try (export \"run\") unreachable)";
    let why = "Assertion failed: n == 1 (src/handler.c: try: 14)";
    let want = format!("trapped in `try`: `unreachable` was executed, as by a panic; it said last: {why}");
    assert_eq!(trapped_saying(run, &[why.to_owned()]).to_string(), want);
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
    let once = "it broke; it said last: one".to_owned();
    assert_eq!(with_last_words(once.clone(), &["two".into()]), once);
}
