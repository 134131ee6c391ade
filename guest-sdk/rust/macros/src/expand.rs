//! From the marked item to the item with the type `Plugin` beside or inside it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Error, Ident, Item, ItemFn, ItemMod, Meta, Result, parse_quote, spanned::Spanned};

use crate::{
    function::{Function, Locals, check_signature},
    settings::{Place, Settings},
    snapshot::Snapshot,
    tick::Tick,
};

/// What `#[hive::plugin(…)]` becomes.
pub(crate) fn plugin(settings: TokenStream, item: TokenStream) -> Result<TokenStream> {
    match syn::parse2(item)? {
        Item::Fn(function) => on_function(settings, function),
        Item::Mod(module) => on_module(settings, module),
        other => Err(Error::new(other.span(), "`#[hive::plugin]` stands on a function or on a module")),
    }
}

/// The item as it was written, without the attributes that only `#[hive::plugin]` understands.
pub(crate) fn bare(item: TokenStream) -> TokenStream {
    let Ok(Item::Mod(mut module)) = syn::parse2(item.clone()) else { return item };
    for item in module.content.iter_mut().flat_map(|(_, items)| items) {
        if let Item::Fn(function) = item {
            for name in ["on", "start", "tick", "save", "restore"] {
                while take_attribute(&mut function.attrs, name).is_some() {}
            }
        }
    }
    quote!(#module)
}

fn on_function(settings: TokenStream, mut item: ItemFn) -> Result<TokenStream> {
    let mut settings = Settings::parse(settings, Place::Function)?;
    require_patterns(&settings, item.sig.ident.span(), "#[hive::plugin(\"orders/*\")]")?;
    let of_function = Settings {
        patterns: std::mem::take(&mut settings.patterns),
        group: settings.group.take(),
        answers: settings.answers,
        durable: settings.durable,
        ..Settings::default()
    };
    let functions = [Function::new(&item, of_function)?];
    check_patterns(&functions)?;
    let plugin = implementation(&settings, &functions, &[], (None, &Snapshot::default()));
    stands_alone(&mut item);
    Ok(quote! { #item #plugin })
}

fn on_module(settings: TokenStream, mut module: ItemMod) -> Result<TokenStream> {
    let settings = Settings::parse(settings, Place::Module)?;
    let span = module.ident.span();
    let Some((_, items)) = &mut module.content else {
        return Err(Error::new(
            span,
            "the module's functions must stand here, between `{` and `}`, not in a file of its own",
        ));
    };
    let mut functions = Vec::new();
    let (mut start, mut ticks, mut snapshot) = (None, Vec::new(), Snapshot::default());
    for item in items.iter_mut() {
        let Item::Fn(function) = item else { continue };
        let before = function.attrs.len();
        if let Some(attribute) = take_attribute(&mut function.attrs, "start") {
            read_start(function, &attribute, &mut start)?;
        }
        if let Some(attribute) = take_attribute(&mut function.attrs, "save") {
            snapshot.read_save(function, &attribute)?;
        }
        if let Some(attribute) = take_attribute(&mut function.attrs, "restore") {
            snapshot.read_restore(function, &attribute)?;
        }
        if let Some(attribute) = take_attribute(&mut function.attrs, "tick") {
            ticks.push(Tick::new(function, &attribute)?);
        }
        if let Some(attribute) = take_attribute(&mut function.attrs, "on") {
            functions.push(read_on(function, &attribute)?);
        }
        if function.attrs.len() < before {
            stands_alone(function);
        }
    }
    if functions.is_empty() && ticks.is_empty() {
        return Err(Error::new(
            span,
            "no function of the module takes events: mark one with `#[on(\"orders/*\")]`",
        ));
    }
    check_patterns(&functions)?;
    snapshot.check(settings.instances.as_ref().is_some_and(|instances| instances == "Single"))?;
    let plugin = implementation(&settings, &functions, &ticks, (start.as_ref(), &snapshot));
    items.push(Item::Verbatim(plugin));
    Ok(quote!(#module))
}

/// Keeps a function that the node calls one of its own, so that what ends it or cuts it names it.
fn stands_alone(function: &mut ItemFn) {
    if !function.attrs.iter().any(|attribute| attribute.path().is_ident("inline")) {
        function.attrs.push(parse_quote!(#[inline(never)]));
    }
}

fn read_on(function: &mut ItemFn, attribute: &Attribute) -> Result<Function> {
    let tokens = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    let settings = Settings::parse(tokens, Place::On)?;
    require_patterns(&settings, attribute.span(), "#[on(\"orders/*\")]")?;
    if let Some(second) = take_attribute(&mut function.attrs, "on") {
        return Err(Error::new(
            second.span(),
            "one `#[on(…)]` holds all patterns of a function: `#[on(\"a\", \"b\")]`",
        ));
    }
    Function::new(function, settings)
}

fn read_start(function: &ItemFn, attribute: &Attribute, start: &mut Option<Ident>) -> Result<()> {
    if !matches!(attribute.meta, Meta::Path(_)) {
        return Err(Error::new(attribute.span(), "`#[start]` takes no settings"));
    }
    check_signature(&function.sig)?;
    if !function.sig.inputs.is_empty() {
        return Err(Error::new(
            function.sig.inputs.span(),
            "a start function takes nothing: there is no event yet",
        ));
    }
    match start.replace(function.sig.ident.clone()) {
        Some(_) => Err(Error::new(attribute.span(), "a plugin starts once: a second `#[start]`")),
        None => Ok(()),
    }
}

/// Takes `#[on…]` or `#[hive::on…]` off the function, so that the compiler does not look for it.
fn take_attribute(attributes: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let is_ours = |attribute: &Attribute| {
        let path: Vec<_> =
            attribute.path().segments.iter().map(|segment| segment.ident.to_string()).collect();
        path == [name] || path == ["hive", name]
    };
    attributes.iter().position(is_ours).map(|index| attributes.remove(index))
}

fn require_patterns(settings: &Settings, span: Span, example: &str) -> Result<()> {
    match settings.patterns.is_empty() {
        true => Err(Error::new(span, format!("it subscribes to nothing: name a pattern, `{example}`"))),
        false => Ok(()),
    }
}

/// An event goes to the first subscription that matches, so a second one of the same pattern would never see any.
fn check_patterns(functions: &[Function]) -> Result<()> {
    let patterns: Vec<_> = functions.iter().flat_map(|function| &function.patterns).collect();
    for (index, pattern) in patterns.iter().enumerate() {
        if patterns[..index].iter().any(|earlier| earlier.value() == pattern.value()) {
            return Err(Error::new(
                pattern.span(),
                "this pattern is subscribed to above, which takes all of its events",
            ));
        }
    }
    Ok(())
}

/// The type `Plugin`, its implementation and its export.
fn implementation(
    settings: &Settings,
    functions: &[Function],
    ticks: &[Tick],
    (start, snapshot): (Option<&Ident>, &Snapshot),
) -> TokenStream {
    let name =
        settings.name.as_ref().map_or_else(|| quote!(::core::env!("CARGO_PKG_NAME")), |name| quote!(#name));
    let version = settings.version.as_ref();
    let version = version.map_or_else(|| quote!(::core::env!("CARGO_PKG_VERSION")), |text| quote!(#text));
    let instances = settings.instances.clone().unwrap_or_else(|| Ident::new("Pool", Span::call_site()));
    let publishes = &settings.publishes;
    let subscriptions = functions.iter().map(Function::subscriptions);
    let locals = Locals::new();
    let (arms, on_ticks) = (event_arms(functions, &locals), on_ticks(ticks, &locals));
    let timers = ticks.iter().map(Tick::timer);
    let Locals { event, value, wants_reply } = &locals;
    let start_function = start.map(|start| {
        quote! {
            fn start() -> ::core::result::Result<(), ::std::string::String> {
                let #value = #start();
                (&::hive::__private::Returned::of(&#value)).started(#value)
            }
        }
    });
    let snapshot_functions = snapshot.functions(&locals);
    let optional = start.map(|_| quote!(, start)).into_iter();
    let optional = optional.chain(snapshot_functions.as_ref().map(|_| quote!(, snapshot)));
    let export = quote!(::hive::export!(Plugin #(#optional)*););
    quote! {
        /// What this component exports; unit tests hand it to `hive::testing::Host`.
        #[derive(Clone, Copy, Debug)]
        pub struct Plugin;

        const _: () = {
            #[allow(unused_imports, reason = "functions may all return plain values, or all results")]
            use ::hive::__private::{Fallible as _, Plain as _};

            impl ::hive::Plugin for Plugin {
                fn describe() -> ::hive::Description {
                    ::hive::__private::description(
                        #name,
                        #version,
                        ::hive::Instances::#instances,
                        ::std::vec![#(#subscriptions)*],
                        ::std::vec![#(#timers)*],
                        &[#(#publishes),*],
                    )
                }

                #[allow(unused_mut, clippy::let_unit_value, reason = "it depends on the functions' signatures")]
                fn handle(mut #event: ::hive::Event) -> ::hive::Result<::core::option::Option<::hive::Message>> {
                    let #wants_reply = #event.wants_reply;
                    #on_ticks
                    match #event.subscription {
                        #(#arms)*
                        _ => ::core::result::Result::Err(::hive::__private::unknown_subscription(&#event)),
                    }
                }

                #start_function

                #snapshot_functions
            }
        };

        #export
    }
}

/// The arms of `handle`'s match, one a function.
fn event_arms(functions: &[Function], locals: &Locals) -> Vec<TokenStream> {
    let arm = |first: &mut u32, function: &Function| {
        let end = first.checked_add(u32::try_from(function.patterns.len()).ok()?)?;
        let arm = function.arm(*first..end, locals);
        *first = end;
        Some(arm)
    };
    functions.iter().scan(0, arm).collect()
}

/// What `handle` does with a tick, before anything else: its number is that of a timer. One-shot timers come by
/// subscriptions.
fn on_ticks(ticks: &[Tick], locals: &Locals) -> Option<TokenStream> {
    let Locals { event, .. } = locals;
    let channels = ticks.iter().map(Tick::channel);
    let arms = (0_u32..).zip(ticks).map(|(index, tick)| tick.arm(index, locals));
    (!ticks.is_empty()).then(|| {
        quote! {
            if [#(#channels),*].contains(&#event.channel.as_str()) {
                return match #event.subscription {
                    #(#arms)*
                    _ => ::core::result::Result::Err(::hive::__private::unknown_subscription(&#event)),
                };
            }
        }
    })
}

#[cfg(test)]
mod tests;
