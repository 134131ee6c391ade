//! The macro of hive-guest: `#[hive::plugin]`, and what may stand inside it.
//!
//! Owns the syntax and its error messages. It writes one `describe` and one `handle`; what types mean is decided by
//! traits of hive-guest, so this crate must know no type but `Context`.

mod expand;
mod function;
mod pattern;
mod settings;
mod snapshot;
mod tick;

use proc_macro::TokenStream;

/// Makes a function, or the functions of a module, the handler that this crate exports.
///
/// On a function: the patterns it subscribes to, then settings.
///
/// ```text
/// #[hive::plugin("greet/hello", "greet/*/hello")]
/// fn hello(name: String) -> String { … }
/// ```
///
/// On a module: settings of the plugin; each function that takes events carries `#[on("pattern", …)]`, each that a timer
/// calls `#[tick("schedule")]`, at most one carries `#[start]`; of a `single` plugin one `#[save]` and one `#[restore]`.
///
/// ```text
/// #[hive::plugin(single, publishes = ["counter/changed"])]
/// mod counter {
///     #[on("counter/add")]
///     fn add(amount: u64, ctx: &Context) -> Result<()> { … }
///
///     #[on("counter/total")]
///     fn total() -> u64 { … }
///
///     #[tick("@every 1m")]
///     fn report() { … }
/// }
/// ```
///
/// A function takes the payload (see `hive::FromEvent`), or nothing, and if it likes the `&Context`. It returns `()`
/// or an answer (see `hive::IntoAnswer`), or a `Result` of these.
///
/// Settings of a plugin:
///
/// | setting | meaning | default |
/// |---|---|---|
/// | `single` | one instance a node, one call at a time: memory lives from event to event | |
/// | `fresh` | a new instance for each event | |
/// | `pool` | several warm instances; memory is a cache | this |
/// | `publishes = ["orders/*"]` | patterns of channels it publishes to or calls; every other is denied | none |
/// | `name = "…"`, `version = "…"` | what it calls itself, for people | the crate's |
///
/// Settings of a subscription:
///
/// | setting | meaning | default |
/// |---|---|---|
/// | `group`, `group = "name"` | one node of the group gets each event; the plugin's own group without a name. | every node gets it |
/// | `durable` | every event, and of durable channels at least once, from where it left off on its node | what comes while it runs |
/// | `answers`, `answers = false` | whether calls may be sent here | whether the function returns a value |
///
/// It writes a type `Plugin` beside the function or inside the module: unit tests hand it to `hive::testing::Host`.
#[proc_macro_attribute]
pub fn plugin(settings: TokenStream, item: TokenStream) -> TokenStream {
    let written = item.clone();
    expand::plugin(settings.into(), item.into())
        .unwrap_or_else(|error| {
            // What was written stays beside the error, so that the compiler does not miss it, too.
            let mut tokens = error.into_compile_error();
            tokens.extend(expand::bare(written.into()));
            tokens
        })
        .into()
}

/// Subscribes a function of a `#[hive::plugin]` module to one or several patterns.
#[proc_macro_attribute]
pub fn on(_: TokenStream, item: TokenStream) -> TokenStream {
    only_inside("`#[on(…)]` stands on the functions of a module marked `#[hive::plugin]`", item)
}

/// Calls a function of a `#[hive::plugin]` module again and again: `#[tick("@every 5s")]`, or five fields of cron in UTC as
/// in `#[tick("0 8 * * MON")]`. With `mesh` behind it one of the nodes that run the plugin does so, else each of them. The
/// timer has the function's name. A tick that comes while the last one is still handled is left out.
#[proc_macro_attribute]
pub fn tick(_: TokenStream, item: TokenStream) -> TokenStream {
    only_inside("`#[tick(…)]` stands on the functions of a module marked `#[hive::plugin]`", item)
}

/// Runs a function of a `#[hive::plugin]` module once in each new instance, before its first event.
#[proc_macro_attribute]
pub fn start(_: TokenStream, item: TokenStream) -> TokenStream {
    only_inside("`#[start]` stands on a function of a module marked `#[hive::plugin]`", item)
}

/// Marks the function of a `single` `#[hive::plugin]` module that gives a copy of its memory, for the version of the plugin
/// that takes over: a value that is written as JSON, or a `Vec<u8>`, or a `Result` of these. The instance goes on being used
/// when the new version is refused. At most 16 MiB. There is a [`macro@restore`] beside it.
#[proc_macro_attribute]
pub fn save(_: TokenStream, item: TokenStream) -> TokenStream {
    only_inside("`#[save]` stands on a function of a module marked `#[hive::plugin(single)]`", item)
}

/// Marks the function that takes over what the version before has saved: the value, or a `hive::Saved` with that version's
/// name. Called after `#[start]` and before the first event; an error refuses the version, and the one before goes on.
#[proc_macro_attribute]
pub fn restore(_: TokenStream, item: TokenStream) -> TokenStream {
    only_inside("`#[restore]` stands on a function of a module marked `#[hive::plugin(single)]`", item)
}

/// Inside the module `#[hive::plugin]` takes these attributes away before the compiler looks for them.
fn only_inside(message: &str, item: TokenStream) -> TokenStream {
    let error = syn::Error::new(proc_macro2::Span::call_site(), message);
    TokenStream::from_iter([TokenStream::from(error.into_compile_error()), item])
}
