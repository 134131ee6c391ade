//! The functions that hand a module's memory over: `#[save]` and `#[restore]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Attribute, Error, FnArg, Ident, ItemFn, Meta, Result, Type, spanned::Spanned};

use crate::function::{Locals, check_signature};

/// What was marked so far.
#[derive(Default)]
pub(crate) struct Snapshot {
    save: Option<Ident>,
    restore: Option<(Ident, Type)>,
}

impl Snapshot {
    pub(crate) fn read_save(&mut self, function: &ItemFn, attribute: &Attribute) -> Result<()> {
        check("save", function, attribute)?;
        if !function.sig.inputs.is_empty() {
            let message = "a save function takes nothing: it gives a copy of what is remembered";
            return Err(Error::new(function.sig.inputs.span(), message));
        }
        match self.save.replace(function.sig.ident.clone()) {
            Some(_) => Err(Error::new(attribute.span(), "a plugin saves one thing: a second `#[save]`")),
            None => Ok(()),
        }
    }

    pub(crate) fn read_restore(&mut self, function: &ItemFn, attribute: &Attribute) -> Result<()> {
        check("restore", function, attribute)?;
        let inputs: Vec<&FnArg> = function.sig.inputs.iter().collect();
        let [FnArg::Typed(saved)] = inputs[..] else {
            let message = "a restore function takes what was saved, and nothing else";
            return Err(Error::new(function.sig.span(), message));
        };
        if let Type::Reference(_) | Type::ImplTrait(_) = &*saved.ty {
            return Err(Error::new(saved.ty.span(), "a restore function takes what was saved by value"));
        }
        match self.restore.replace((function.sig.ident.clone(), (*saved.ty).clone())) {
            Some(_) => Err(Error::new(attribute.span(), "a plugin restores once: a second `#[restore]`")),
            None => Ok(()),
        }
    }

    /// Whether there is one at all; both belong together, and to a plugin of one instance.
    pub(crate) fn check(&self, is_single: bool) -> Result<bool> {
        let (span, message) = match (&self.save, &self.restore) {
            (None, None) => return Ok(false),
            (Some(_), Some(_)) if is_single => return Ok(true),
            (Some(save), Some(_)) => (
                save.span(),
                "only the memory of a `single` plugin is handed over: `#[hive::plugin(single)]`",
            ),
            (Some(save), None) => {
                (save.span(), "what is saved must be restored: mark a function `#[restore]`")
            }
            (None, Some((restore, _))) => {
                (restore.span(), "nothing is there to be restored: mark a function `#[save]`")
            }
        };
        Err(Error::new(span, message))
    }

    /// The two functions of the implementation.
    pub(crate) fn functions(&self, Locals { value, event, .. }: &Locals) -> Option<TokenStream> {
        let (save, (restore, ty)) = (self.save.as_ref()?, self.restore.as_ref()?);
        let taken = match is_saved(ty) {
            true => quote!(#event),
            false => quote_spanned!(ty.span()=> ::hive::__private::restored::<#ty>(#event)?),
        };
        Some(quote! {
            fn save() -> ::core::result::Result<::std::vec::Vec<u8>, ::std::string::String> {
                let #value = #save();
                (&::hive::__private::Returned::of(&#value)).saved(#value)
            }

            #[allow(clippy::let_unit_value, reason = "it depends on the function's signature")]
            fn restore(#event: ::hive::Saved) -> ::core::result::Result<(), ::std::string::String> {
                let #value = #restore(#taken);
                (&::hive::__private::Returned::of(&#value)).started(#value)
            }
        })
    }
}

fn check(name: &str, function: &ItemFn, attribute: &Attribute) -> Result<()> {
    if !matches!(attribute.meta, Meta::Path(_)) {
        return Err(Error::new(attribute.span(), format!("`#[{name}]` takes no settings")));
    }
    check_signature(&function.sig)
}

fn is_saved(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Saved")
}
