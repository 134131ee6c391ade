//! What stands in the parentheses of `#[hive::plugin(…)]` and `#[on(…)]`.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Error, Ident, LitBool, LitStr, Result, Token, bracketed,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::pattern;

/// Where the settings stand, which decides what is allowed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// `#[hive::plugin(…)] fn`: everything.
    Function,
    /// `#[hive::plugin(…)] mod`: what concerns the whole plugin.
    Module,
    /// `#[on(…)] fn`: what concerns one subscription.
    On,
}

/// The settings as they were written.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) patterns: Vec<LitStr>,
    /// Outer: whether in a group; inner: its name, if it has one of its own.
    pub(crate) group: Option<Option<LitStr>>,
    pub(crate) answers: Option<bool>,
    pub(crate) durable: bool,
    /// `Pool`, `Fresh` or `Single`, as the variant is called.
    pub(crate) instances: Option<Ident>,
    pub(crate) publishes: Vec<LitStr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<LitStr>,
}

impl Settings {
    pub(crate) fn parse(tokens: TokenStream, place: Place) -> Result<Self> {
        let parser = |input: ParseStream<'_>| {
            let mut settings = Self::default();
            let mut seen = Vec::new();
            while !input.is_empty() {
                settings.parse_one(input, place, &mut seen)?;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(settings)
        };
        parser.parse2(tokens)
    }

    fn parse_one(&mut self, input: ParseStream<'_>, place: Place, seen: &mut Vec<String>) -> Result<()> {
        if input.peek(LitStr) {
            let found: LitStr = input.parse()?;
            if place == Place::Module {
                return Err(Error::new(
                    found.span(),
                    "a module takes no pattern: its functions do, with `#[on(\"…\")]`",
                ));
            }
            pattern::check(&found)?;
            self.patterns.push(found);
            return Ok(());
        }
        let setting = input
            .call(Ident::parse_any)
            .map_err(|error| Error::new(error.span(), format!("expected {}", expected(place))))?;
        let word = setting.to_string();
        check_place(&word, place, setting.span())?;
        let once = if ["pool", "fresh", "single"].contains(&word.as_str()) { "instances" } else { &word };
        if seen.iter().any(|earlier| earlier == once) {
            return Err(Error::new(
                setting.span(),
                format!("`{word}`: the {once} setting stands here twice"),
            ));
        }
        seen.push(once.to_owned());
        self.set(&word, setting.span(), input)
    }

    fn set(&mut self, word: &str, span: Span, input: ParseStream<'_>) -> Result<()> {
        match word {
            "pool" => self.instances = Some(Ident::new("Pool", span)),
            "fresh" => self.instances = Some(Ident::new("Fresh", span)),
            "single" => self.instances = Some(Ident::new("Single", span)),
            "durable" => self.durable = optional::<LitBool>(input)?.is_none_or(|value| value.value),
            "answers" => self.answers = Some(optional::<LitBool>(input)?.is_none_or(|value| value.value)),
            "group" => {
                let name = optional::<LitStr>(input)?;
                if let Some(name) = name.as_ref().filter(|name| name.value().is_empty()) {
                    return Err(Error::new(
                        name.span(),
                        "a group's name is not empty; without a name it is the plugin's",
                    ));
                }
                self.group = Some(name);
            }
            "publishes" => {
                self.publishes = list(input)?;
                self.publishes.iter().try_for_each(pattern::check)?;
            }
            "name" => self.name = Some(required(input)?),
            _ => self.version = Some(required(input)?),
        }
        Ok(())
    }
}

const OF_PLUGIN: [&str; 6] = ["pool", "fresh", "single", "publishes", "name", "version"];
const OF_SUBSCRIPTION: [&str; 3] = ["group", "answers", "durable"];

fn check_place(word: &str, place: Place, span: Span) -> Result<()> {
    let fault = match (OF_PLUGIN.contains(&word), OF_SUBSCRIPTION.contains(&word), place) {
        (false, false, _) => format!("there is no setting `{word}`; expected {}", expected(place)),
        (true, _, Place::On) => {
            format!("`{word}` concerns the whole plugin: it stands in `#[hive::plugin(…)]`")
        }
        (_, true, Place::Module) => format!("`{word}` concerns one subscription: it stands in `#[on(…)]`"),
        _ => return Ok(()),
    };
    Err(Error::new(span, fault))
}

fn expected(place: Place) -> String {
    let quoted = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match place {
        Place::Function => {
            format!("a pattern such as \"orders/*\", {}, {}", quoted(&OF_SUBSCRIPTION), quoted(&OF_PLUGIN))
        }
        Place::Module => quoted(&OF_PLUGIN),
        Place::On => format!("a pattern such as \"orders/*\", {}", quoted(&OF_SUBSCRIPTION)),
    }
}

/// `= value`, or nothing.
fn optional<T: syn::parse::Parse>(input: ParseStream<'_>) -> Result<Option<T>> {
    if input.peek(Token![=]) { required(input).map(Some) } else { Ok(None) }
}

fn required<T: syn::parse::Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `= ["a", "b"]`, or `= "a"` for a single one.
fn list(input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    input.parse::<Token![=]>()?;
    if input.peek(LitStr) {
        return Ok(vec![input.parse()?]);
    }
    let content;
    bracketed!(content in input);
    Ok(content.parse_terminated(<LitStr as syn::parse::Parse>::parse, Token![,])?.into_iter().collect())
}

/// `Some(…)` or `None` as the generated code says it.
pub(crate) fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote::quote!(::core::option::Option::Some(#value)),
        None => quote::quote!(::core::option::Option::None),
    }
}
