//! A function that takes events: what its signature says, and the code that calls it.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Error, FnArg, Ident, ItemFn, LitStr, Result, ReturnType, Safety, Signature, Type, spanned::Spanned,
};

use crate::settings::{Settings, option};

/// A function and what it subscribes to.
pub(crate) struct Function {
    name: Ident,
    /// In the order of the signature; at most one of each kind.
    parameters: Vec<Parameter>,
    /// Where the compiler points at an answer that is none.
    output: Span,
    pub(crate) patterns: Vec<LitStr>,
    group: Option<Option<LitStr>>,
    answers: Option<bool>,
    durable: bool,
}

/// The variables of the generated `handle`. They are hygienic: a function may have the name of one of them.
pub(crate) struct Locals {
    pub(crate) event: Ident,
    pub(crate) value: Ident,
    pub(crate) wants_reply: Ident,
}

impl Locals {
    pub(crate) fn new() -> Self {
        let local = |name| Ident::new(name, Span::mixed_site());
        Self { event: local("event"), value: local("value"), wants_reply: local("wants_reply") }
    }
}

enum Parameter {
    Payload(Type),
    /// A part of the event by reference; the type is what stands behind the `&`.
    BorrowedPayload(Type),
    Context,
    BorrowedContext,
}

impl Function {
    pub(crate) fn new(item: &ItemFn, settings: Settings) -> Result<Self> {
        check_signature(&item.sig)?;
        let parameters = item.sig.inputs.iter().map(parameter).collect::<Result<Vec<_>>>()?;
        for (input, (index, parameter)) in item.sig.inputs.iter().zip(parameters.iter().enumerate()) {
            let second =
                parameters[..index].iter().any(|earlier| earlier.is_context() == parameter.is_context());
            if second && parameter.is_context() {
                return Err(Error::new(input.span(), "one `Context` is enough"));
            }
            if second {
                return Err(Error::new(
                    input.span(),
                    "a handler takes one payload; beside it only `&Context`, written by that name",
                ));
            }
        }
        let Settings { patterns, group, answers, durable, .. } = settings;
        if durable && group.is_some() {
            let reason = "`durable` is for who gets every event: a group goes on where it left off anyway";
            return Err(Error::new(item.sig.ident.span(), reason));
        }
        let output = match &item.sig.output {
            ReturnType::Type(_, ty) => ty.span(),
            ReturnType::Default => Span::call_site(),
        };
        Ok(Self { name: item.sig.ident.clone(), parameters, output, patterns, group, answers, durable })
    }

    /// The elements of `describe`'s list.
    pub(crate) fn subscriptions(&self) -> TokenStream {
        let delivery = if self.group.is_some() { quote!(Group) } else { quote!(Broadcast) };
        let group = option(self.group.as_ref().and_then(Option::as_ref));
        let answers = self.answers.map_or_else(|| self.answers_by_type(), |answers| quote!(#answers));
        let (patterns, durable) = (&self.patterns, self.durable);
        quote! {
            #(::hive::__private::subscription(#patterns, ::hive::Delivery::#delivery, #group, (#answers, #durable)),)*
        }
    }

    /// The arm of `handle` for the subscriptions, or the timer, with these indices. Spans are those of the types, so that the compiler
    /// points at the parameter that cannot be made.
    pub(crate) fn arm(
        &self,
        indices: std::ops::Range<u32>,
        Locals { event, value, wants_reply }: &Locals,
    ) -> TokenStream {
        let name = &self.name;
        let argument = |n| Ident::new(&format!("argument{n}"), Span::mixed_site());
        let arguments: Vec<_> = (0..self.parameters.len()).map(argument).collect();
        // The context borrows the event, so what is taken out of the event is taken first.
        let taken =
            self.parameters.iter().zip(&arguments).filter_map(|(parameter, argument)| match parameter {
                Parameter::Payload(ty) => Some(quote_spanned! {ty.span()=>
                    let #argument = <#ty as ::hive::FromEvent>::from_event(&mut #event)?;
                }),
                _ => None,
            });
        let borrowed =
            self.parameters.iter().zip(&arguments).filter_map(|(parameter, argument)| match parameter {
                Parameter::Payload(_) => None,
                Parameter::BorrowedPayload(ty) => Some(quote_spanned! {ty.span()=>
                    let #argument = <#ty as ::hive::BorrowPayload>::borrow_payload(&#event);
                }),
                Parameter::Context => Some(quote!(let #argument = ::hive::Context::new(&#event);)),
                Parameter::BorrowedContext => Some(quote!(let #argument = &::hive::Context::new(&#event);)),
            });
        let outcome = quote_spanned! {self.output=>
            (&::hive::__private::Returned::of(&#value)).outcome(#value, #wants_reply)
        };
        quote! {
            #(#indices)|* => {
                #(#taken)*
                #(#borrowed)*
                let #value = #name(#(#arguments),*);
                #outcome
            }
        }
    }

    /// An expression that says whether the function returns anything but `()`.
    fn answers_by_type(&self) -> TokenStream {
        let returned = format_ident!("returned{}", self.parameters.len());
        let name = &self.name;
        quote_spanned!(self.output=> (&::hive::__private::#returned(#name)).answers())
    }
}

impl Parameter {
    fn is_context(&self) -> bool {
        matches!(self, Self::Context | Self::BorrowedContext)
    }
}

/// Refuses what no node could call, for handlers and start functions alike.
pub(crate) fn check_signature(signature: &Signature) -> Result<()> {
    if let Some(token) = &signature.asyncness {
        return Err(Error::new(
            token.span(),
            "a handler is not `async`: its calls to the node simply return when they are done",
        ));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        return Err(Error::new(token.span(), "a handler is not `unsafe`: the node calls it with any event"));
    }
    if let Some(parameter) = signature.generics.params.first() {
        return Err(Error::new(parameter.span(), "a handler is not generic: the node knows one function"));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new(abi.span(), "a handler is a plain Rust function"));
    }
    Ok(())
}

fn parameter(input: &FnArg) -> Result<Parameter> {
    let FnArg::Typed(typed) = input else {
        return Err(Error::new(input.span(), "a handler is a plain function, without `self`"));
    };
    match &*typed.ty {
        Type::Reference(reference) if reference.mutability.is_some() => Err(Error::new(
            typed.ty.span(),
            "nothing is lent to a handler to be changed: take the payload by value",
        )),
        Type::Reference(reference) if is_context(&reference.elem) => Ok(Parameter::BorrowedContext),
        Type::Reference(reference) => Ok(Parameter::BorrowedPayload((*reference.elem).clone())),
        ty if is_context(ty) => Ok(Parameter::Context),
        Type::ImplTrait(_) => Err(Error::new(typed.ty.span(), "name the type: a handler is not generic")),
        ty => Ok(Parameter::Payload(ty.clone())),
    }
}

fn is_context(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Context")
}
