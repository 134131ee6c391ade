//! The plugin as a type, and its way into a component.

use crate::{
    Description, Event, Message, Result,
    bindings::exports::hive::node::handler::{Failure as WireFailure, Guest as Handler},
    bindings_startup::exports::hive::node::startup::Guest as Startup,
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
        P::handle(event).map_err(WireFailure::from)
    }
}

impl<P: Plugin> Startup for Exported<P> {
    fn start() -> Result<(), String> {
        P::start()
    }
}

/// Makes a type that implements [`Plugin`] the crate's handler: `hive::export!(Mine)`, or `hive::export!(Mine, start)`
/// when its `start` is to run. `#[hive::plugin]` does it by itself. Natively it does nothing.
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
    ($plugin:ident, start) => {
        $crate::export!($plugin);
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::__private::Exported<$plugin>;
            $crate::bindings_startup::export_startup!(Exported with_types_in $crate::bindings_startup);
        };
    };
}
