//! A function that a timer calls: `#[tick("@every 5s")]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Error, Ident, ItemFn, LitStr, Meta, Result, Token,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use crate::{
    function::{Function, Locals},
    settings::Settings,
};

/// A timer and its function, whose name is the timer's.
pub(crate) struct Tick {
    function: Function,
    name: String,
    schedule: LitStr,
    mesh: bool,
}

impl Tick {
    pub(crate) fn new(item: &ItemFn, attribute: &Attribute) -> Result<Self> {
        let Meta::List(list) = &attribute.meta else {
            let message = "say when: `#[tick(\"@every 5s\")]`, or five fields of cron";
            return Err(Error::new(attribute.span(), message));
        };
        let parser = |input: ParseStream<'_>| {
            let schedule: LitStr = input.parse()?;
            let mut mesh = false;
            if input.peek(Token![,]) {
                input.parse::<Token![,]>()?;
                let word: Ident = input.parse()?;
                if word != "mesh" {
                    let message = "expected `mesh`: the timer ticks on one node of those that run the plugin";
                    return Err(Error::new(word.span(), message));
                }
                mesh = true;
            }
            Ok((schedule, mesh))
        };
        let (schedule, mesh) = parser.parse2(list.tokens.clone())?;
        let text = schedule.value();
        if !text.starts_with("@every ") && text.split_whitespace().count() != 5 {
            let message = "a schedule is `@every 5s`, or five fields of cron: minute hour day month weekday";
            return Err(Error::new(schedule.span(), message));
        }
        let function = Function::new(item, Settings::default())?;
        Ok(Self { function, name: item.sig.ident.to_string(), schedule, mesh })
    }

    /// The element of `describe`'s list.
    pub(crate) fn timer(&self) -> TokenStream {
        let Self { name, schedule, mesh, .. } = self;
        quote!(::hive::__private::timer(#name, #schedule, #mesh),)
    }

    /// Where it ticks.
    pub(crate) fn channel(&self) -> String {
        format!("$timer/{}", self.name)
    }

    /// The arm of `handle` for the timer with this index.
    pub(crate) fn arm(&self, index: u32, locals: &Locals) -> TokenStream {
        self.function.arm(index..index.saturating_add(1), locals)
    }
}
