//! The way into an interpreter that is running already: a module is added to its component, and an export that calls it.
//!
//! Exists because what componentize-py makes can be told to handle an event, and not to load a project. The module calls what
//! the component's own modules export to each other. It must not know what is loaded.

use std::collections::BTreeMap;

use wasm_encoder::{
    Alias, CanonicalFunctionSection, ComponentAliasSection, ComponentExportKind, ComponentExportSection,
    ComponentSection, ComponentTypeSection, ExportKind, InstanceSection, ModuleArg, PrimitiveValType,
    RawSection,
};
use wasmparser::{
    BinaryReaderError, CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentTypeRef,
    ExternalKind, Instance, Parser, Payload,
};

/// The module that is added.
pub const DOOR: &str = include_str!("door.wat");
/// What it exports, and the component then: a function that gives 0 when all went well.
pub const LOAD: &str = "load";
/// What its imports are from.
const IN: &str = "in";
/// A core module's section in a component.
const CORE_MODULE: u8 = 1;

/// Why a component has no room for a door.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// It cannot be read.
    #[error("it is no component: {0}")]
    Component(#[from] BinaryReaderError),
    /// The module cannot be read.
    #[error(transparent)]
    Module(#[from] wat::Error),
    /// No module has what the door calls.
    #[error("none of its modules has `{0}`")]
    Lacks(String),
}

/// What there is of each kind, which is the number of the next one.
#[derive(Default)]
struct Counts {
    modules: u32,
    core_instances: u32,
    core_functions: u32,
    memories: u32,
    functions: u32,
    types: u32,
}

/// A component's parts.
#[derive(Default)]
struct Parts<'c> {
    counts: Counts,
    /// What its modules export, in their order.
    exports: Vec<Vec<(&'c str, ExternalKind)>>,
    /// Which instance exports what.
    found: BTreeMap<(&'c str, u8), u32>,
}

/// Adds the door to a component, behind all that it has.
///
/// # Errors
/// When it is none, or its modules lack what the door calls.
pub fn open(component: &[u8]) -> Result<Vec<u8>, DoorError> {
    let door = wat::parse_str(DOOR)?;
    let Parts { counts, found, .. } = Parts::read(component)?;
    let mut aliases = ComponentAliasSection::new();
    let (mut functions, mut memories) = (counts.core_functions, counts.memories);
    let mut inside = Vec::new();
    for (name, kind) in imports(&door)? {
        let lacks = || DoorError::Lacks(name.to_owned());
        let instance = *found.get(&(name, index(kind))).ok_or_else(lacks)?;
        let (kind, next) = match kind {
            ExternalKind::Memory => (ExportKind::Memory, &mut memories),
            _ => (ExportKind::Func, &mut functions),
        };
        aliases.alias(Alias::CoreInstanceExport { instance, kind, name });
        inside.push((name, kind, *next));
        *next += 1;
    }
    let mut instances = InstanceSection::new();
    instances.export_items(inside);
    instances.instantiate(counts.modules, [(IN, ModuleArg::Instance(counts.core_instances))]);
    let mut entered = ComponentAliasSection::new();
    entered.alias(Alias::CoreInstanceExport {
        instance: counts.core_instances + 1,
        kind: ExportKind::Func,
        name: LOAD,
    });
    let mut types = ComponentTypeSection::new();
    types
        .function()
        .params::<[(&str, PrimitiveValType); 0], _>([])
        .result(Some(PrimitiveValType::S32.into()));
    let mut lifted = CanonicalFunctionSection::new();
    lifted.lift(functions, counts.types, []);
    let mut exports = ComponentExportSection::new();
    exports.export(LOAD, ComponentExportKind::Func, counts.functions, None);
    let mut opened = component.to_vec();
    let module = RawSection { id: CORE_MODULE, data: &door };
    let sections: [&dyn ComponentSection; 7] =
        [&module, &aliases, &instances, &entered, &types, &lifted, &exports];
    for section in sections {
        section.append_to_component(&mut opened);
    }
    Ok(opened)
}

/// What the door calls.
fn imports(door: &[u8]) -> Result<Vec<(&str, ExternalKind)>, DoorError> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(door) {
        if let Payload::ImportSection(imports) = payload? {
            for import in imports.into_imports() {
                let import = import?;
                let is_memory = matches!(import.ty, wasmparser::TypeRef::Memory(_));
                found.push((import.name, if is_memory { ExternalKind::Memory } else { ExternalKind::Func }));
            }
        }
    }
    Ok(found)
}

/// Kinds have no order of their own.
fn index(kind: ExternalKind) -> u8 {
    kind as u8
}

impl<'c> Parts<'c> {
    fn read(component: &'c [u8]) -> Result<Self, DoorError> {
        let mut parts = Self::default();
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } if depth == 0 => {
                    parts.counts.modules += 1;
                    parts.exports.push(Vec::new());
                    depth += 1;
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ExportSection(exports) if depth == 1 => {
                    for export in exports {
                        let export = export?;
                        if let Some(module) = parts.exports.last_mut() {
                            module.push((export.name, export.kind));
                        }
                    }
                }
                payload if depth == 0 => parts.count(payload)?,
                _ => {}
            }
        }
        Ok(parts)
    }

    fn count(&mut self, payload: Payload<'c>) -> Result<(), DoorError> {
        let counts = &mut self.counts;
        match payload {
            Payload::InstanceSection(instances) => {
                for instance in instances {
                    if let Instance::Instantiate { module_index, .. } = instance? {
                        let exports = usize::try_from(module_index).ok().and_then(|at| self.exports.get(at));
                        for (name, kind) in exports.into_iter().flatten() {
                            self.found.entry((name, index(*kind))).or_insert(counts.core_instances);
                        }
                    }
                    counts.core_instances += 1;
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    match alias? {
                        ComponentAlias::CoreInstanceExport { kind: ExternalKind::Func, .. } => {
                            counts.core_functions += 1;
                        }
                        ComponentAlias::CoreInstanceExport { kind: ExternalKind::Memory, .. } => {
                            counts.memories += 1;
                        }
                        ComponentAlias::InstanceExport { kind, .. } => counts.add(kind),
                        _ => {}
                    }
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for function in functions {
                    match function? {
                        CanonicalFunction::Lift { .. } => counts.functions += 1,
                        _ => counts.core_functions += 1,
                    }
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    match import?.ty {
                        ComponentTypeRef::Func(_) => counts.functions += 1,
                        ComponentTypeRef::Type(_) => counts.types += 1,
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    counts.add(export?.kind);
                }
            }
            Payload::ComponentTypeSection(types) => counts.types += types.count(),
            _ => {}
        }
        Ok(())
    }
}

impl Counts {
    fn add(&mut self, kind: ComponentExternalKind) {
        match kind {
            ComponentExternalKind::Func => self.functions += 1,
            ComponentExternalKind::Type => self.types += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that has what the door calls, but for one thing.
    fn component(without: &str) -> Vec<u8> {
        let parts = [
            ("malloc", "(func (export \"malloc\") (param i32) (result i32) i32.const 8)"),
            ("free", "(func (export \"free\") (param i32))"),
            ("PyGILState_Ensure", "(func (export \"PyGILState_Ensure\") (result i32) i32.const 0)"),
            ("PyGILState_Release", "(func (export \"PyGILState_Release\") (param i32))"),
            (
                "PyRun_SimpleString",
                "(func (export \"PyRun_SimpleString\") (param i32) (result i32) i32.const 7)",
            ),
            ("__wasilibc_reset_preopens", "(func (export \"__wasilibc_reset_preopens\"))"),
            ("reset_adapter_state", "(func (export \"reset_adapter_state\"))"),
        ];
        let parts: String =
            parts.iter().filter(|(name, _)| *name != without).map(|(_, part)| *part).collect();
        let text = format!(
            "(component
               (import \"ask\" (func $ask (result u32)))
               (core func $asked (canon lower (func $ask)))
               (core module $m (memory (export \"memory\") 1) {parts} (func (export \"nine\") (result i32) i32.const 9))
               (core instance $i (instantiate $m))
               (type $nine (func (result u32)))
               (func $f (type $nine) (canon lift (core func $i \"nine\")))
               (export \"nine\" (func $f)))"
        );
        wat::parse_str(text).expect("a component")
    }

    #[test]
    fn what_is_behind_the_door_is_called() {
        let opened = open(&component("")).expect("it has all");
        let engine = wasmtime::Engine::default();
        let component = wasmtime::component::Component::new(&engine, opened).expect("a component");
        let mut linker = wasmtime::component::Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&component).expect("linked");
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component).expect("an instance");
        for (name, want) in [(LOAD, 7), ("nine", 9)] {
            let function = instance.get_func(&mut store, name).expect("exported");
            let mut got = [wasmtime::component::Val::Bool(false)];
            function.call(&mut store, &[], &mut got).expect("called");
            let is_it = matches!(got[0], wasmtime::component::Val::S32(n) if n == want)
                || matches!(got[0], wasmtime::component::Val::U32(n) if i64::from(n) == i64::from(want));
            assert!(is_it, "{name}: {got:?}");
        }
    }

    #[test]
    fn what_lacks_something_is_refused_by_its_name() {
        for name in ["malloc", "PyRun_SimpleString", "reset_adapter_state"] {
            let error = open(&component(name)).expect_err("it lacks something");
            assert_eq!(error.to_string(), format!("none of its modules has `{name}`"));
        }
        assert!(matches!(open(b"no component"), Err(DoorError::Component(_))));
    }
}
