//! The shapes of WIT types, freed from names and aliases, so that two worlds can be compared.
//!
//! Components are checked structurally: what counts is how a type is built, not what it is called. This must not know
//! which type belongs to which interface.

use std::{collections::BTreeMap, fmt};

use wit_parser::{Function, InterfaceId, Resolve, Type, TypeDefKind, TypeId};

/// Types nested deeper than this are taken as they are: WIT has no recursion, so only a forged file gets there.
const DEPTH_MAX: usize = 32;

/// How a type is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A number, text, or what has no parts that are compared.
    Plain(String),
    /// Fields in order.
    Record(Vec<(String, Shape)>),
    /// Cases in order.
    Variant(Vec<(String, Option<Shape>)>),
    /// Names in order.
    Enum(Vec<String>),
    /// Parts in order.
    Tuple(Vec<Shape>),
    /// Something or nothing.
    Option(Box<Shape>),
    /// Good and bad.
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
    /// Any number of them.
    List(Box<Shape>),
}

/// A function's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Parameters in order.
    pub params: Vec<(String, Shape)>,
    /// What it gives.
    pub result: Option<Shape>,
}

/// An interface's functions by name.
pub type Functions = BTreeMap<String, Signature>;

/// The functions of an interface.
#[must_use]
pub fn functions(resolve: &Resolve, interface: InterfaceId) -> Functions {
    let Some(interface) = resolve.interfaces.get(interface) else { return Functions::new() };
    interface.functions.iter().map(|(name, function)| (name.clone(), signature(resolve, function))).collect()
}

fn signature(resolve: &Resolve, function: &Function) -> Signature {
    let params = function.params.iter().map(|param| (param.name.clone(), shape(resolve, param.ty, 0)));
    Signature { params: params.collect(), result: function.result.map(|ty| shape(resolve, ty, 0)) }
}

fn shape(resolve: &Resolve, ty: Type, depth: usize) -> Shape {
    match ty {
        Type::Id(id) if depth < DEPTH_MAX => defined(resolve, id, depth + 1),
        plain => Shape::Plain(plain_name(plain).into()),
    }
}

fn defined(resolve: &Resolve, id: TypeId, depth: usize) -> Shape {
    let Some(definition) = resolve.types.get(id) else { return Shape::Plain("unknown".into()) };
    let of = |ty: &Type| shape(resolve, *ty, depth);
    let boxed = |ty: &Option<Type>| ty.as_ref().map(|ty| Box::new(of(ty)));
    match &definition.kind {
        TypeDefKind::Type(alias) => of(alias),
        TypeDefKind::Record(record) => {
            Shape::Record(record.fields.iter().map(|field| (field.name.clone(), of(&field.ty))).collect())
        }
        TypeDefKind::Variant(variant) => {
            let case = |case: &wit_parser::Case| (case.name.clone(), case.ty.as_ref().map(of));
            Shape::Variant(variant.cases.iter().map(case).collect())
        }
        TypeDefKind::Enum(cases) => Shape::Enum(cases.cases.iter().map(|case| case.name.clone()).collect()),
        TypeDefKind::Tuple(tuple) => Shape::Tuple(tuple.types.iter().map(of).collect()),
        TypeDefKind::Option(some) => Shape::Option(Box::new(of(some))),
        TypeDefKind::Result(result) => Shape::Result(boxed(&result.ok), boxed(&result.err)),
        TypeDefKind::List(item) => Shape::List(Box::new(of(item))),
        other => Shape::Plain(other.as_str().into()),
    }
}

fn plain_name(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(_) => "a very deep type",
    }
}

impl Signature {
    /// The first place where this type differs from the one that is wanted, for people.
    #[must_use]
    pub fn difference(&self, wanted: &Self) -> Option<String> {
        let names = |params: &[(String, Shape)]| {
            params.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        if self.params.len() != wanted.params.len() {
            let (found, wanted) = (names(&self.params), names(&wanted.params));
            return Some(format!("it takes ({found}), wanted is ({wanted})"));
        }
        for ((name, found), (wanted_name, wanted)) in self.params.iter().zip(&wanted.params) {
            if name != wanted_name {
                return Some(format!("the parameter `{name}` should be called `{wanted_name}`"));
            }
            if let Some(difference) = found.difference(wanted, name) {
                return Some(difference);
            }
        }
        match (&self.result, &wanted.result) {
            (None, None) => None,
            (Some(found), Some(wanted)) => found.difference(wanted, "its result"),
            (found, wanted) => Some(unlike("its result", &maybe(found.as_ref()), &maybe(wanted.as_ref()))),
        }
    }
}

impl Shape {
    fn difference(&self, wanted: &Self, at: &str) -> Option<String> {
        match (self, wanted) {
            (Self::Record(found), Self::Record(wanted)) => {
                parts(found, wanted, at, "fields", |a, b, at| a.difference(b, at))
            }
            (Self::Variant(found), Self::Variant(wanted)) => {
                parts(found, wanted, at, "cases", |a, b, at| optional(a.as_ref(), b.as_ref(), at))
            }
            (Self::Tuple(found), Self::Tuple(wanted)) if found.len() == wanted.len() => found
                .iter()
                .zip(wanted)
                .zip(0..)
                .find_map(|((found, wanted), n)| found.difference(wanted, &format!("{at}.{n}"))),
            (Self::Option(found), Self::Option(wanted)) => found.difference(wanted, at),
            (Self::List(found), Self::List(wanted)) => found.difference(wanted, &format!("{at}[]")),
            (Self::Result(ok, err), Self::Result(wanted_ok, wanted_err)) => {
                let side = |a: &Option<Box<Self>>, b: &Option<Box<Self>>, at: &str| {
                    optional(a.as_deref(), b.as_deref(), at)
                };
                side(ok, wanted_ok, &format!("{at} (ok)"))
                    .or_else(|| side(err, wanted_err, &format!("{at} (error)")))
            }
            (found, wanted) if found == wanted => None,
            (found, wanted) => Some(unlike(at, &found.to_string(), &wanted.to_string())),
        }
    }
}

fn optional(found: Option<&Shape>, wanted: Option<&Shape>, at: &str) -> Option<String> {
    match (found, wanted) {
        (None, None) => None,
        (Some(found), Some(wanted)) => found.difference(wanted, at),
        (found, wanted) => Some(unlike(at, &maybe(found), &maybe(wanted))),
    }
}

/// Compares named parts: the names and their order first, then part by part.
fn parts<T>(
    found: &[(String, T)],
    wanted: &[(String, T)],
    at: &str,
    what: &str,
    compare: impl Fn(&T, &T, &str) -> Option<String>,
) -> Option<String> {
    let names =
        |parts: &[(String, T)]| parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let (found_names, wanted_names) = (names(found), names(wanted));
    if found_names != wanted_names {
        return Some(format!("`{at}` has the {what} {found_names}; wanted are {wanted_names}"));
    }
    found.iter().zip(wanted).find_map(|((name, a), (_, b))| compare(a, b, &format!("{at}.{name}")))
}

fn maybe(shape: Option<&Shape>) -> String {
    shape.map_or_else(|| "nothing".into(), ToString::to_string)
}

fn unlike(at: &str, found: &str, wanted: &str) -> String {
    format!("`{at}` is {found}, wanted is {wanted}")
}

impl fmt::Display for Shape {
    /// As short as tells two apart that differ at this place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<Box<Self>>| side.as_ref().map_or_else(|| "_".into(), ToString::to_string);
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Record(fields) => write!(f, "a record of {} fields", fields.len()),
            Self::Variant(cases) => write!(f, "a variant of {} cases", cases.len()),
            Self::Enum(names) => write!(f, "enum {{{}}}", names.join(", ")),
            Self::Tuple(parts) => write!(f, "a tuple of {}", parts.len()),
            Self::Option(some) => write!(f, "option<{some}>"),
            Self::Result(ok, err) => write!(f, "result<{}, {}>", side(ok), side(err)),
            Self::List(item) => write!(f, "list<{item}>"),
        }
    }
}
