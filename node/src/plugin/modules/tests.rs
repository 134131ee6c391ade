//! Code that is taken out of a component is called as before, and what two components share is one module.

use proptest::prelude::*;
use wasmtime::{
    Engine, Module, Store,
    component::{Component, Linker},
};

use super::*;

/// A memory with data, and code in two modules that use it and each other.
fn component(data: u8) -> Vec<u8> {
    wat::parse_str(text(data)).expect("a component")
}

fn text(data: u8) -> String {
    format!(
        r#"(component $inner
            (core module $main (memory (export "m") 1)
                (data (i32.const 8) "\{data:02x}")
                (data (i32.const 64) "{}"))
            (core module $lib
                (import "main" "m" (memory 1))
                (global (export "g") i32 (i32.const 1))
                (table (export "t") 1 funcref)
                (func (export "read") (param i32) (result i32) (i32.load8_u (local.get 0))))
            (core module $top
                (import "lib" "read" (func $read (param i32) (result i32)))
                (import "lib" "g" (global $g i32))
                (func (export "run") (result i32) (i32.add (call $read (i32.const 8)) (global.get $g))))
            (core instance $main (instantiate $main))
            (core instance $lib (instantiate $lib (with "main" (instance $main))))
            (core instance $top (instantiate $top (with "lib" (instance $lib))))
            (func (export "run") (result u32) (canon lift (core func $top "run"))))"#,
        "x".repeat(DATA_BYTES_MAX)
    )
}

/// The same in a component that only hands on what it exports.
fn wrapped(data: u8) -> Vec<u8> {
    let text = format!(
        r#"(component
            {}
            (instance $i (instantiate $inner))
            (export "run" (func $i "run")))"#,
        text(data)
    );
    wat::parse_str(text).expect("a component")
}

fn run(engine: &Engine, file: &[u8], modules: &[Part<'_>]) -> u32 {
    let component = Component::from_binary(engine, file).expect("compiled");
    let mut linker = Linker::<()>::new(engine);
    for part in modules {
        let module = Module::from_binary(engine, part.code).expect("compiled");
        linker.root().module(&part.name, &module).expect("linked");
    }
    let mut store = Store::new(engine, ());
    let instance = linker.instantiate(&mut store, &component).expect("an instance");
    let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run").expect("a function");
    run.call(&mut store, ()).expect("a number").0
}

#[test]
fn what_is_code_alone_is_taken_out_and_does_the_same() {
    let engine = Engine::default();
    let (one, other) = (component(41), component(6));
    let (split, also) = (split_from(&one, 1).expect("modules"), split_from(&other, 1).expect("modules"));
    assert_eq!(split.modules.len(), 2, "the one with data stays");
    let same = |(a, b): (&Part<'_>, &Part<'_>)| a.hash == b.hash && a.name == b.name;
    assert!(split.modules.iter().zip(&also.modules).all(same));
    assert_eq!(run(&engine, &split.component, &split.modules), run(&engine, &one, &[]));
    assert_eq!(run(&engine, &also.component, &split.modules), 7);
}

#[test]
fn what_a_component_has_in_another_is_taken_out_too() {
    let engine = Engine::default();
    let (bare, whole) = (component(41), wrapped(41));
    let (bare, split) = (split_from(&bare, 1).expect("modules"), split_from(&whole, 1).expect("modules"));
    assert_eq!(
        bare.modules.iter().map(|part| &part.hash).collect::<Vec<_>>(),
        split.modules.iter().map(|part| &part.hash).collect::<Vec<_>>(),
        "what is around them does not matter"
    );
    assert_eq!(run(&engine, &split.component, &split.modules), 42);
    assert_eq!(run(&engine, &whole, &[]), 42);
}

#[test]
fn a_module_with_data_of_its_own_stays() {
    let with_data = |bytes: usize| {
        let text =
            format!(r#"(component (core module (memory 1) (data (i32.const 0) "{}")))"#, "x".repeat(bytes));
        wat::parse_str(text).expect("a component")
    };
    assert!(split_from(&with_data(2 * DATA_BYTES_MAX), 1).is_none());
    assert!(split_from(&with_data(1), 1).is_some());
}

#[test]
fn small_modules_and_other_kinds_of_components_stay_as_they_are() {
    assert!(split(&component(1)).is_none());
    let typed = wat::parse_str("(component (core type (func)) (core module (func)))").expect("a component");
    assert!(split_from(&typed, 1).is_none());
    let core = wat::parse_str("(module (memory 1) (data (i32.const 0) \"x\"))").expect("a module");
    assert!(split_from(&core, 1).is_none() && split_from(b"", 1).is_none());
}

proptest! {
    #[test]
    fn no_file_panics(at in 0..2000_usize, byte: u8, cut in 0..2000_usize, is_wrapped: bool) {
        let mut file = if is_wrapped { wrapped(1) } else { component(1) };
        let at = at % file.len();
        file[at] = byte;
        let _ = split_from(&file, 1);
        file.truncate(cut);
        let _ = split_from(&file, 1);
    }
}
