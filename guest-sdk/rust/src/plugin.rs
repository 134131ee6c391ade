//! The plugin as a type, and its way into a component.

use crate::{
    Description, Event, Message, Result,
    bindings::exports::hive::node::handler::{Failure as WireFailure, Guest as Handler},
    bindings_snapshot::exports::hive::node::snapshot::{Guest as Snapshot, Saved},
    bindings_startup::exports::hive::node::startup::Guest as Startup,
    state,
};

/// What a component exports. `#[hive::plugin]` writes it as a type `Plugin` beside the function or inside the module;
/// by hand it is this trait and [`export!`](crate::export).
pub trait Plugin {
    /// What the plugin wants: its subscriptions, and what it means to publish. Pure: the node may ask at any time.
    fn describe() -> Description;

    /// Handles one event; what it returns answers a request.
    ///
    /// # Errors
    /// Whether to deliver the event again or to give it up.
    fn handle(event: Event) -> Result<Option<Message>>;

    /// Runs once in each new instance before its first event, if the plugin exports it (`export!(T, start)`).
    ///
    /// # Errors
    /// Why the instance cannot be used.
    fn start() -> Result<(), String> {
        Ok(())
    }

    /// A copy of its memory for the version that takes over, if the plugin exports it (`export!(T, snapshot)`).
    ///
    /// # Errors
    /// Why there is none; the version that was to take over is then refused.
    fn save() -> Result<Vec<u8>, String> {
        Err("this plugin saves nothing".to_owned())
    }

    /// Takes over what another version has saved, after [`start`](Self::start) and before the first event.
    ///
    /// # Errors
    /// Why it cannot; the version is then refused.
    fn restore(saved: Saved) -> Result<(), String> {
        Err(format!("this plugin cannot take over from version {}", saved.version))
    }
}

/// Handles one event; what was to be done once, and failed, was not done.
pub(crate) fn handle<P: Plugin>(event: Event) -> Result<Option<Message>> {
    state::begin();
    let outcome = P::handle(event);
    if outcome.is_err() {
        state::break_promises();
    }
    outcome
}

/// A plugin in the shape that the generated export functions call.
#[doc(hidden)]
#[derive(Debug)]
pub struct Exported<P>(std::marker::PhantomData<P>);

impl<P: Plugin> Handler for Exported<P> {
    fn describe() -> Description {
        P::describe()
    }

    fn handle(event: Event) -> Result<Option<Message>, WireFailure> {
        handle::<P>(event).map_err(WireFailure::from)
    }
}

impl<P: Plugin> Startup for Exported<P> {
    fn start() -> Result<(), String> {
        P::start()
    }
}

impl<P: Plugin> Snapshot for Exported<P> {
    fn save() -> Result<Vec<u8>, String> {
        P::save()
    }

    fn restore(saved: Saved) -> Result<(), String> {
        P::restore(saved)
    }
}

/// Makes a type that implements [`Plugin`] the crate's handler: `hive::export!(Mine)`, or
/// `hive::export!(Mine, start, snapshot)` when its `start`, or its `save` and `restore`, are to be called. `#[hive::plugin]` does it by itself. Natively it does nothing.
#[rustfmt::skip]
#[macro_export]
macro_rules! export {
    ($plugin:ident) => {
        // Natively nothing exports the functions; they are used all the same.
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn($crate::Event) -> $crate::Result<::core::option::Option<$crate::Message>> =
            <$plugin as $crate::Plugin>::handle;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::__private::Exported<$plugin>;
            $crate::bindings::export_handler!(Exported with_types_in $crate::bindings);
        };
    };
    ($plugin:ident, start $(, $more:ident)?) => {
        $crate::export!($plugin $(, $more)?);
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::__private::Exported<$plugin>;
            $crate::bindings_startup::export_startup!(Exported with_types_in $crate::bindings_startup);
        };
    };
    ($plugin:ident, snapshot) => {
        $crate::export!($plugin);
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::__private::Exported<$plugin>;
            $crate::bindings_snapshot::export_snapshot!(Exported with_types_in $crate::bindings_snapshot);
        };
    };
}
