//! The modules of a component that are code alone: they are taken out, so that those that others have, too, are compiled once.
//!
//! Exists because handlers in Python and JavaScript are an interpreter, whose code is the same in all of them, and a memory
//! with the project in it. Compiling the interpreter takes seconds, and ten and more for Python's; whoever saves a line
//! should not wait for that again. What is taken out becomes an import of the component, under a name that only this program
//! links; a component around it hands it on. It must not know how code is compiled, kept or linked.

use std::ops::Range;

use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentImportSection, ComponentOuterAliasKind, ComponentSection as _,
    ComponentSectionId, ComponentTypeRef, CoreTypeSection, EntityType, ModuleType, RawSection,
    reencode::{Reencode as _, RoundtripReencoder},
};
use wasmparser::{
    BinaryReader, ComponentAlias, ComponentAliasSectionReader, ComponentExternalKind,
    ComponentImportSectionReader, CompositeInnerType, Export, ExternalKind, FuncType, Parser, Payload,
    TypeRef,
};

/// Smaller modules are compiled faster than they are looked for.
const LEAST_BYTES: usize = 256 << 10;
/// Modules that are taken out of one component at most.
const MODULES_MAX: usize = 16;
/// Data with which a module still counts as code: a program's own would be more.
const DATA_BYTES_MAX: usize = 256;

/// Bytes before a component's sections.
const HEAD_BYTES: usize = 8;
const CORE_MODULE: u8 = ComponentSectionId::CoreModule as u8;
const CORE_TYPE: u8 = ComponentSectionId::CoreType as u8;
const COMPONENT: u8 = ComponentSectionId::Component as u8;
const ALIAS: u8 = ComponentSectionId::Alias as u8;
const IMPORT: u8 = ComponentSectionId::Import as u8;

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

/// Takes the large modules without data out of a component, and out of those in it. None: there are none, or it is not of a
/// kind that this can be done to, and is to be compiled as it is. What is no component at all is none either.
#[must_use]
pub fn split(file: &[u8]) -> Option<Split<'_>> {
    split_from(file, LEAST_BYTES)
}

fn split_from(file: &[u8], least_bytes: usize) -> Option<Split<'_>> {
    let sections = sections(file)?;
    // Types of modules are counted with those that are there already.
    if sections.iter().any(|section| section.id == CORE_TYPE) {
        return None;
    }
    let is_wrapper = !sections.iter().any(Section::has_modules);
    let mut cut = Cut { least_bytes, modules: Vec::new() };
    let mut component = file.get(..HEAD_BYTES)?.to_vec();
    for section in &sections {
        match section.id {
            CORE_MODULE => match cut.take(section.content)? {
                Some(import) => component.extend_from_slice(&import),
                None => component.extend_from_slice(section.whole),
            },
            COMPONENT if is_wrapper => cut.take_within(section, &mut component)?,
            _ => component.extend_from_slice(section.whole),
        }
    }
    (!cut.modules.is_empty()).then_some(Split { component, modules: cut.modules })
}

/// What has been taken out so far.
struct Cut<'f> {
    least_bytes: usize,
    modules: Vec<Part<'f>>,
}

impl<'f> Cut<'f> {
    /// Takes a module, and gives the import that stands in its place; none: it stays.
    fn take(&mut self, code: &'f [u8]) -> Option<Option<Vec<u8>>> {
        if code.len() < self.least_bytes || self.modules.len() >= MODULES_MAX {
            return Some(None);
        }
        let Some(kind) = module_type(code) else { return Some(None) };
        let hash = blake3::hash(code);
        let name = format!("module-{}-{}", letters(&hash), letter(self.modules.len()));
        let number = u32::try_from(self.modules.len()).ok()?;
        let (mut types, mut imports, mut bytes) =
            (CoreTypeSection::new(), ComponentImportSection::new(), Vec::new());
        types.ty().module(&kind);
        types.append_to_component(&mut bytes);
        imports.import(name.as_str(), ComponentTypeRef::Module(number));
        imports.append_to_component(&mut bytes);
        self.modules.push(Part { name, hash: hash.to_hex().to_string(), code });
        Some(Some(bytes))
    }

    /// Takes the modules of a component in one that has no modules itself, which imports them for it.
    fn take_within(&mut self, nested: &Section<'f>, component: &mut Vec<u8>) -> Option<()> {
        let mut inner = nested.content.get(..HEAD_BYTES)?.to_vec();
        for section in sections(nested.content)? {
            let number = u32::try_from(self.modules.len()).ok()?;
            let import = if section.id == CORE_MODULE { self.take(section.content)? } else { None };
            let Some(import) = import else {
                inner.extend_from_slice(section.whole);
                continue;
            };
            component.extend_from_slice(&import);
            let mut aliases = ComponentAliasSection::new();
            let kind = ComponentOuterAliasKind::CoreModule;
            aliases.alias(Alias::Outer { kind, count: 1, index: number });
            aliases.append_to_component(&mut inner);
        }
        RawSection { id: COMPONENT, data: &inner }.append_to_component(component);
        Some(())
    }
}

/// One section of a component.
struct Section<'f> {
    id: u8,
    content: &'f [u8],
    /// With its number and size.
    whole: &'f [u8],
}

impl Section<'_> {
    /// Whether it makes modules known to the component, or cannot be read.
    fn has_modules(&self) -> bool {
        let reader = BinaryReader::new(self.content, 0);
        match self.id {
            CORE_MODULE => true,
            ALIAS => ComponentAliasSectionReader::new(reader).map_or(true, |aliases| {
                aliases.into_iter().any(|alias| {
                    let kind = ComponentExternalKind::Module;
                    alias.map_or(true, |alias| match alias {
                        ComponentAlias::InstanceExport { kind: of, .. } => of == kind,
                        ComponentAlias::Outer { .. } => true,
                        ComponentAlias::CoreInstanceExport { .. } => false,
                    })
                })
            }),
            IMPORT => ComponentImportSectionReader::new(reader).map_or(true, |imports| {
                imports.into_iter().any(|import| {
                    import.map_or(true, |import| matches!(import.ty, wasmparser::ComponentTypeRef::Module(_)))
                })
            }),
            _ => false,
        }
    }
}

fn sections(component: &[u8]) -> Option<Vec<Section<'_>>> {
    let (mut sections, mut at) = (Vec::new(), HEAD_BYTES);
    while at < component.len() {
        let (id, content) = section(component, at)?;
        let (whole, end) = (component.get(at..content.end)?, content.end);
        sections.push(Section { id, content: component.get(content)?, whole });
        at = end;
    }
    Some(sections)
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

/// What a module imports and exports, unless it has data to speak of, which no other would have, or is more than functions,
/// tables, memories and globals.
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
            Payload::DataSection(section) if section.range().len() > DATA_BYTES_MAX => return None,
            Payload::TagSection(_) => return None,
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
mod tests;
