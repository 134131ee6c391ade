//! The modules of a component that are code alone: they are taken out, so that those that others have, too, are compiled once.
//!
//! Exists because handlers in Python are an interpreter, whose code is the same in all of them, and a memory with the project
//! in it. Compiling the interpreter takes ten seconds and more; whoever saves a line should not wait for that again. What
//! is taken out becomes an import of the component, under a name that only this program links. It must not know how code is
//! compiled, kept or linked.

use std::ops::Range;

use wasm_encoder::{
    ComponentImportSection, ComponentSection as _, ComponentTypeRef, CoreTypeSection, EntityType, ModuleType,
    reencode::{Reencode as _, RoundtripReencoder},
};
use wasmparser::{CompositeInnerType, Export, ExternalKind, FuncType, Parser, Payload, TypeRef};

/// Smaller modules are compiled faster than they are looked for.
const LEAST_BYTES: usize = 256 << 10;
/// Modules that are taken out of one component at most.
const MODULES_MAX: usize = 16;

/// Bytes before a component's sections.
const HEAD_BYTES: usize = 8;
/// Sections of a component, as its binary format numbers them.
const CORE_MODULE: u8 = 1;
const CORE_TYPE: u8 = 3;

/// A component without its modules.
pub struct Split<'f> {
    /// The component, which imports them.
    pub component: Vec<u8>,
    /// What is taken out.
    pub modules: Vec<Part<'f>>,
}

/// A module that was taken out of a component.
pub struct Part<'f> {
    /// What the component calls it.
    pub name: String,
    /// Its hash in hex.
    pub hash: String,
    /// The module.
    pub code: &'f [u8],
}

/// Takes the large modules without data out of a component. None: there are none, or it is not of a kind that this can be
/// done to, and is to be compiled as it is. What is no component at all is none either.
#[must_use]
pub fn split(file: &[u8]) -> Option<Split<'_>> {
    split_from(file, LEAST_BYTES)
}

fn split_from(file: &[u8], least_bytes: usize) -> Option<Split<'_>> {
    let mut component = file.get(..HEAD_BYTES)?.to_vec();
    let (mut modules, mut at) = (Vec::new(), HEAD_BYTES);
    while at < file.len() {
        let (id, content) = section(file, at)?;
        // Types of modules are counted with those that are there already.
        if id == CORE_TYPE {
            return None;
        }
        let code = file.get(content.clone())?;
        let is_taken = id == CORE_MODULE && code.len() >= least_bytes && modules.len() < MODULES_MAX;
        match is_taken.then(|| module_type(code)).flatten() {
            Some(kind) => {
                let hash = blake3::hash(code);
                let name = format!("module-{}-{}", letters(&hash), letter(modules.len()));
                let number = u32::try_from(modules.len()).ok()?;
                let mut types = CoreTypeSection::new();
                types.ty().module(&kind);
                types.append_to_component(&mut component);
                let mut imports = ComponentImportSection::new();
                imports.import(name.as_str(), ComponentTypeRef::Module(number));
                imports.append_to_component(&mut component);
                modules.push(Part { name, hash: hash.to_hex().to_string(), code });
            }
            None => component.extend_from_slice(file.get(at..content.end)?),
        }
        at = content.end;
    }
    (!modules.is_empty()).then_some(Split { component, modules })
}

/// A section's number and where its content is.
fn section(file: &[u8], at: usize) -> Option<(u8, Range<usize>)> {
    let (mut size, mut shift, mut next) = (0_usize, 0_u32, at.checked_add(1)?);
    loop {
        let byte = *file.get(next)?;
        next = next.checked_add(1)?;
        size |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            break;
        }
        shift = shift.checked_add(7).filter(|shift| *shift < 32)?;
    }
    let end = next.checked_add(size).filter(|end| *end <= file.len())?;
    Some((*file.get(at)?, next..end))
}

/// What a module imports and exports, unless it has data, which no other would have, or is more than functions, tables,
/// memories and globals.
fn module_type(code: &[u8]) -> Option<ModuleType> {
    let (mut kind, mut types, mut items, mut exports) =
        (ModuleType::new(), 0_u32, Items::default(), Vec::new());
    for payload in Parser::new(0).parse_all(code) {
        match payload.ok()? {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group.ok()?.into_types() {
                        kind.ty().func_type(&RoundtripReencoder.func_type(function(&ty)?).ok()?);
                        types = types.checked_add(1)?;
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.ok()?;
                    items.add(import.ty, types)?;
                    kind.import(import.module, import.name, entity(import.ty)?);
                }
            }
            Payload::FunctionSection(section) => {
                section.into_iter().try_for_each(|index| items.add(TypeRef::Func(index.ok()?), types))?;
            }
            Payload::TableSection(section) => {
                section.into_iter().try_for_each(|table| items.add(TypeRef::Table(table.ok()?.ty), types))?;
            }
            Payload::MemorySection(section) => {
                section.into_iter().try_for_each(|memory| items.add(TypeRef::Memory(memory.ok()?), types))?;
            }
            Payload::GlobalSection(section) => {
                section
                    .into_iter()
                    .try_for_each(|global| items.add(TypeRef::Global(global.ok()?.ty), types))?;
            }
            Payload::ExportSection(section) => {
                exports = section.into_iter().collect::<Result<_, _>>().ok()?;
            }
            Payload::DataSection(_) | Payload::DataCountSection { .. } | Payload::TagSection(_) => {
                return None;
            }
            _ => {}
        }
    }
    for export in exports {
        kind.export(export.name, entity(items.get(&export)?)?);
    }
    Some(kind)
}

/// What a module has of each kind, imported or its own, in the order in which it is counted.
#[derive(Default)]
struct Items {
    functions: Vec<TypeRef>,
    tables: Vec<TypeRef>,
    memories: Vec<TypeRef>,
    globals: Vec<TypeRef>,
}

impl Items {
    /// One more; a function is of one of so many types.
    fn add(&mut self, item: TypeRef, types: u32) -> Option<()> {
        match item {
            TypeRef::Func(index) if index < types => self.functions.push(item),
            TypeRef::Table(_) => self.tables.push(item),
            TypeRef::Memory(_) => self.memories.push(item),
            TypeRef::Global(_) => self.globals.push(item),
            _ => return None,
        }
        Some(())
    }

    fn get(&self, export: &Export<'_>) -> Option<TypeRef> {
        let of = match export.kind {
            ExternalKind::Func => &self.functions,
            ExternalKind::Table => &self.tables,
            ExternalKind::Memory => &self.memories,
            ExternalKind::Global => &self.globals,
            ExternalKind::Tag | ExternalKind::FuncExact => return None,
        };
        of.get(usize::try_from(export.index).ok()?).copied()
    }
}

/// The function that a type is of, if it is no more than that.
fn function(ty: &wasmparser::SubType) -> Option<FuncType> {
    let is_plain = ty.is_final && ty.supertype_idx.is_none() && !ty.composite_type.shared;
    match &ty.composite_type.inner {
        CompositeInnerType::Func(function) if is_plain => Some(function.clone()),
        _ => None,
    }
}

fn entity(ty: TypeRef) -> Option<EntityType> {
    RoundtripReencoder.entity_type(ty).ok()
}

/// A part of a hash in letters: names of imports have no digits at the beginning of a word.
fn letters(hash: &blake3::Hash) -> String {
    hash.as_bytes()
        .iter()
        .take(8)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|four| letter(usize::from(four)))
        .collect()
}

fn letter(number: usize) -> char {
    char::from(b'a'.saturating_add(u8::try_from(number).unwrap_or(u8::MAX) & 15))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wasmtime::{
        Engine, Module, Store,
        component::{Component, Linker},
    };

    use super::*;

    /// A memory with data, and code in two modules that use it and each other.
    fn component(data: u8) -> Vec<u8> {
        let text = format!(
            r#"(component
                (core module $main (memory (export "m") 1) (data (i32.const 8) "\{data:02x}"))
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
                (func (export "run") (result u32) (canon lift (core func $top "run"))))"#
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
    fn small_modules_and_other_kinds_of_components_stay_as_they_are() {
        assert!(split(&component(1)).is_none());
        let typed =
            wat::parse_str("(component (core type (func)) (core module (func)))").expect("a component");
        assert!(split_from(&typed, 1).is_none());
        let core = wat::parse_str("(module (memory 1) (data (i32.const 0) \"x\"))").expect("a module");
        assert!(split_from(&core, 1).is_none() && split_from(b"", 1).is_none());
    }

    proptest! {
        #[test]
        fn no_file_panics(at in 0..1000_usize, byte: u8, cut in 0..1000_usize) {
            let mut file = component(1);
            let at = at % file.len();
            file[at] = byte;
            let _ = split_from(&file, 1);
            file.truncate(cut);
            let _ = split_from(&file, 1);
        }
    }
}
