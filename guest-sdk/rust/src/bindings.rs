//! Generated from `wit/` by `tests/bindings.rs`; do not edit.
//!
//! It is committed so that a guest builds without wit-bindgen's macro.

#[allow(dead_code, clippy::all)]
pub mod hive {
    pub mod node {
        /// What an event is made of, and what can go wrong.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod types {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            /// Lower-case names; a name may repeat. `hive-*` belongs to the mesh: refused when published, not copied into events
            /// (see `current`).
            pub type Headers = _rt::Vec<(_rt::String, _rt::String)>;
            /// What is published, asked and answered.
            #[derive(Clone, PartialEq)]
            pub struct Message {
                /// Opaque bytes.
                pub payload: _rt::Vec<u8>,
                /// Media type; none: unknown bytes.
                pub content_type: Option<_rt::String>,
                /// Events of one channel with the same key are handled in order. Ignored in an answer.
                pub key: Option<_rt::String>,
                pub headers: Headers,
            }
            impl ::core::fmt::Debug for Message {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Message")
                        .field("payload", &self.payload)
                        .field("content-type", &self.content_type)
                        .field("key", &self.key)
                        .field("headers", &self.headers)
                        .finish()
                }
            }
            /// What nearly every handler reads; the rest is in `current`, so that it costs only who asks.
            #[derive(Clone, PartialEq)]
            pub struct Event {
                /// The concrete channel without its network, never a pattern: `worker/action`.
                pub channel: _rt::String,
                pub message: Message,
                /// Which of `describe`'s subscriptions matched: the smallest index, for a request the smallest of those that answer;
                /// for a tick, the timer's.
                pub subscription: u32,
                /// 1 the first time, then 2, 3, …
                pub attempt: u32,
                /// A kept value, not a live event.
                pub retained: bool,
                /// Somebody waits for an answer: what `handle` returns is sent to them.
                pub wants_reply: bool,
            }
            impl ::core::fmt::Debug for Event {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Event")
                        .field("channel", &self.channel)
                        .field("message", &self.message)
                        .field("subscription", &self.subscription)
                        .field("attempt", &self.attempt)
                        .field("retained", &self.retained)
                        .field("wants-reply", &self.wants_reply)
                        .finish()
                }
            }
            /// One error for all imports, so that `?` works across them.
            #[derive(Clone, PartialEq)]
            pub enum Error {
                /// Not granted; the text says why, and what the configuration or the code would need.
                Denied(_rt::String),
                /// Not a channel, key, name, schedule…
                Invalid(_rt::String),
                /// The limit, in bytes or items.
                TooLarge(u64),
                /// A quota or a full node; worth trying again after so many milliseconds.
                Overloaded(u64),
                /// Nobody answers on that channel.
                NoResponder,
                /// The answer did not come in time.
                Timeout,
                /// This request is already being handled by a plugin that can take only one call, or the chain of nested requests
                /// is too long: waiting could never end.
                Deadlock,
                /// The responder's `retry`, or its trap or deadline: passing trouble over there.
                Failed(_rt::String),
                /// The responder's `reject`: the same request will fail again.
                Rejected(_rt::String),
                /// What would have to do it is not there now: a link, a store, a bridge.
                Unavailable(_rt::String),
                /// A code and its text, for what 0.1.0 did not know.
                Other((_rt::String, _rt::String)),
            }
            impl ::core::fmt::Debug for Error {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        Error::Denied(e) => {
                            f.debug_tuple("Error::Denied").field(e).finish()
                        }
                        Error::Invalid(e) => {
                            f.debug_tuple("Error::Invalid").field(e).finish()
                        }
                        Error::TooLarge(e) => {
                            f.debug_tuple("Error::TooLarge").field(e).finish()
                        }
                        Error::Overloaded(e) => {
                            f.debug_tuple("Error::Overloaded").field(e).finish()
                        }
                        Error::NoResponder => {
                            f.debug_tuple("Error::NoResponder").finish()
                        }
                        Error::Timeout => f.debug_tuple("Error::Timeout").finish(),
                        Error::Deadlock => f.debug_tuple("Error::Deadlock").finish(),
                        Error::Failed(e) => {
                            f.debug_tuple("Error::Failed").field(e).finish()
                        }
                        Error::Rejected(e) => {
                            f.debug_tuple("Error::Rejected").field(e).finish()
                        }
                        Error::Unavailable(e) => {
                            f.debug_tuple("Error::Unavailable").field(e).finish()
                        }
                        Error::Other(e) => {
                            f.debug_tuple("Error::Other").field(e).finish()
                        }
                    }
                }
            }
            impl ::core::fmt::Display for Error {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    write!(f, "{:?}", self)
                }
            }
            impl ::core::error::Error for Error {}
        }
        /// Facts about the event being handled. Outside `handle` texts and lists are empty and numbers are 0.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod current {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            pub type Headers = super::super::super::hive::node::types::Headers;
            #[allow(unused_unsafe, clippy::all)]
            /// Unique for each publish, the same on every redelivery and in every version of the plugin.
            #[allow(async_fn_in_trait)]
            pub fn id() -> _rt::String {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/current@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "id"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let len4 = l3;
                    let bytes4 = _rt::Vec::from_raw_parts(l2.cast(), len4, len4);
                    let result5 = _rt::string_lift(bytes4);
                    result5
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// The id of the publishing node, as the mesh authenticated it.
            #[allow(async_fn_in_trait)]
            pub fn origin() -> _rt::String {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/current@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "origin"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let len4 = l3;
                    let bytes4 = _rt::Vec::from_raw_parts(l2.cast(), len4, len4);
                    let result5 = _rt::string_lift(bytes4);
                    result5
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// What the publishing node calls itself: a claim, for people.
            #[allow(async_fn_in_trait)]
            pub fn origin_name() -> _rt::String {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/current@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "origin-name"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let len4 = l3;
                    let bytes4 = _rt::Vec::from_raw_parts(l2.cast(), len4, len4);
                    let result5 = _rt::string_lift(bytes4);
                    result5
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// The network it was published to; none for a local (one-segment) channel.
            #[allow(async_fn_in_trait)]
            pub fn network() -> Option<_rt::String> {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 3 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 3
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/current@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "network"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                    let result6 = match l2 {
                        0 => None,
                        1 => {
                            let e = {
                                let l3 = *ptr0
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l4 = *ptr0
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len5 = l4;
                                let bytes5 = _rt::Vec::from_raw_parts(
                                    l3.cast(),
                                    len5,
                                    len5,
                                );
                                _rt::string_lift(bytes5)
                            };
                            Some(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result6
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Milliseconds since the Unix epoch, by the origin's clock.
            #[allow(async_fn_in_trait)]
            pub fn published_at() -> u64 {
                unsafe {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/current@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "published-at"]
                        fn wit_import0() -> i64;
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import0() -> i64 {
                        unreachable!()
                    }
                    let ret = wit_import0();
                    ret as u64
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Milliseconds until this call is cut.
            #[allow(async_fn_in_trait)]
            pub fn time_left() -> u64 {
                unsafe {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/current@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "time-left"]
                        fn wit_import0() -> i64;
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import0() -> i64 {
                        unreachable!()
                    }
                    let ret = wit_import0();
                    ret as u64
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// The mesh's own headers: `hive-depth` (how many publishes made while handling another event led to this one),
            /// `hive-expires` (from when on nobody wants it, in milliseconds since the Unix epoch), what a dead letter says of itself (`hive-reason`, `hive-channel`, `hive-id`, `hive-attempts`), and `traceparent`.
            #[allow(async_fn_in_trait)]
            pub fn mesh_headers() -> Headers {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/current@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "mesh-headers"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let base10 = l2;
                    let len10 = l3;
                    let mut result10 = _rt::Vec::with_capacity(len10);
                    for i in 0..len10 {
                        let base = base10
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        let e10 = {
                            let l4 = *base.add(0).cast::<*mut u8>();
                            let l5 = *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>();
                            let len6 = l5;
                            let bytes6 = _rt::Vec::from_raw_parts(l4.cast(), len6, len6);
                            let l7 = *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>();
                            let l8 = *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>();
                            let len9 = l8;
                            let bytes9 = _rt::Vec::from_raw_parts(l7.cast(), len9, len9);
                            (_rt::string_lift(bytes6), _rt::string_lift(bytes9))
                        };
                        result10.push(e10);
                    }
                    _rt::cabi_dealloc(
                        base10,
                        len10 * (4 * ::core::mem::size_of::<*const u8>()),
                        ::core::mem::size_of::<*const u8>(),
                    );
                    let result11 = result10;
                    result11
                }
            }
        }
        /// Events out of a handler.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod bus {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            pub type Message = super::super::super::hive::node::types::Message;
            pub type Headers = super::super::super::hive::node::types::Headers;
            pub type Error = super::super::super::hive::node::types::Error;
            /// A request, one of several that are made together.
            #[derive(Clone, PartialEq)]
            pub struct Call {
                pub channel: _rt::String,
                pub message: Message,
            }
            impl ::core::fmt::Debug for Call {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Call")
                        .field("channel", &self.channel)
                        .field("message", &self.message)
                        .finish()
                }
            }
            /// What one responder answered.
            #[derive(Clone, PartialEq)]
            pub struct Answer {
                /// The answering node's id.
                pub origin: _rt::String,
                pub outcome: Result<Message, Error>,
            }
            impl ::core::fmt::Debug for Answer {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Answer")
                        .field("origin", &self.origin)
                        .field("outcome", &self.outcome)
                        .finish()
                }
            }
            /// What came of asking everybody.
            #[derive(Clone, PartialEq)]
            pub struct Answers {
                /// In the order in which they came, failures among them.
                pub answers: _rt::Vec<Answer>,
                /// Nodes that were asked and had not answered to the end when time ran out.
                pub missing: u32,
            }
            impl ::core::fmt::Debug for Answers {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Answers")
                        .field("answers", &self.answers)
                        .field("missing", &self.missing)
                        .finish()
                }
            }
            /// A channel's last value.
            #[derive(Clone, PartialEq)]
            pub struct Kept {
                /// The channel without its network.
                pub channel: _rt::String,
                pub message: Message,
                /// The id of the event that brought it.
                pub id: _rt::String,
                /// Milliseconds since the Unix epoch, by its origin's clock.
                pub published_at: u64,
            }
            impl ::core::fmt::Debug for Kept {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    f.debug_struct("Kept")
                        .field("channel", &self.channel)
                        .field("message", &self.message)
                        .field("id", &self.id)
                        .field("published-at", &self.published_at)
                        .finish()
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// The event's id, once the node has accepted it. Takes effect at once, also when `handle` fails later.
            #[allow(async_fn_in_trait)]
            pub fn publish(
                channel: &str,
                message: &Message,
            ) -> Result<_rt::String, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = channel;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let super::super::super::hive::node::types::Message {
                        payload: payload1,
                        content_type: content_type1,
                        key: key1,
                        headers: headers1,
                    } = message;
                    let vec2 = payload1;
                    let ptr2 = vec2.as_ptr().cast::<u8>();
                    let len2 = vec2.len();
                    let (result4_0, result4_1, result4_2) = match content_type1 {
                        Some(e) => {
                            let vec3 = e;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            (1i32, ptr3.cast_mut(), len3)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let (result6_0, result6_1, result6_2) = match key1 {
                        Some(e) => {
                            let vec5 = e;
                            let ptr5 = vec5.as_ptr().cast::<u8>();
                            let len5 = vec5.len();
                            (1i32, ptr5.cast_mut(), len5)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let vec10 = headers1;
                    let len10 = vec10.len();
                    let layout10 = _rt::alloc::Layout::from_size_align(
                            vec10.len() * (4 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result10, _cleanup10) = wit_bindgen::rt::Cleanup::new(layout10);
                    for (i, e) in vec10.into_iter().enumerate() {
                        let base = result10
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        {
                            let (t7_0, t7_1) = e;
                            let vec8 = t7_0;
                            let ptr8 = vec8.as_ptr().cast::<u8>();
                            let len8 = vec8.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len8;
                            *base.add(0).cast::<*mut u8>() = ptr8.cast_mut();
                            let vec9 = t7_1;
                            let ptr9 = vec9.as_ptr().cast::<u8>();
                            let len9 = vec9.len();
                            *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len9;
                            *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = ptr9.cast_mut();
                        }
                    }
                    let ptr11 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "publish"]
                        fn wit_import12(
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import12(
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import12(
                        ptr0.cast_mut(),
                        len0,
                        ptr2.cast_mut(),
                        len2,
                        result4_0,
                        result4_1,
                        result4_2,
                        result6_0,
                        result6_1,
                        result6_2,
                        result10,
                        len10,
                        ptr11,
                    );
                    let l13 = i32::from(*ptr11.add(0).cast::<u8>());
                    let result42 = match l13 {
                        0 => {
                            let e = {
                                let l14 = *ptr11.add(8).cast::<*mut u8>();
                                let l15 = *ptr11
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len16 = l15;
                                let bytes16 = _rt::Vec::from_raw_parts(
                                    l14.cast(),
                                    len16,
                                    len16,
                                );
                                _rt::string_lift(bytes16)
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l17 = i32::from(*ptr11.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V41;
                                let v41 = match l17 {
                                    0 => {
                                        let e41 = {
                                            let l18 = *ptr11.add(16).cast::<*mut u8>();
                                            let l19 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len20 = l19;
                                            let bytes20 = _rt::Vec::from_raw_parts(
                                                l18.cast(),
                                                len20,
                                                len20,
                                            );
                                            _rt::string_lift(bytes20)
                                        };
                                        V41::Denied(e41)
                                    }
                                    1 => {
                                        let e41 = {
                                            let l21 = *ptr11.add(16).cast::<*mut u8>();
                                            let l22 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len23 = l22;
                                            let bytes23 = _rt::Vec::from_raw_parts(
                                                l21.cast(),
                                                len23,
                                                len23,
                                            );
                                            _rt::string_lift(bytes23)
                                        };
                                        V41::Invalid(e41)
                                    }
                                    2 => {
                                        let e41 = {
                                            let l24 = *ptr11.add(16).cast::<i64>();
                                            l24 as u64
                                        };
                                        V41::TooLarge(e41)
                                    }
                                    3 => {
                                        let e41 = {
                                            let l25 = *ptr11.add(16).cast::<i64>();
                                            l25 as u64
                                        };
                                        V41::Overloaded(e41)
                                    }
                                    4 => V41::NoResponder,
                                    5 => V41::Timeout,
                                    6 => V41::Deadlock,
                                    7 => {
                                        let e41 = {
                                            let l26 = *ptr11.add(16).cast::<*mut u8>();
                                            let l27 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            _rt::string_lift(bytes28)
                                        };
                                        V41::Failed(e41)
                                    }
                                    8 => {
                                        let e41 = {
                                            let l29 = *ptr11.add(16).cast::<*mut u8>();
                                            let l30 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len31 = l30;
                                            let bytes31 = _rt::Vec::from_raw_parts(
                                                l29.cast(),
                                                len31,
                                                len31,
                                            );
                                            _rt::string_lift(bytes31)
                                        };
                                        V41::Rejected(e41)
                                    }
                                    9 => {
                                        let e41 = {
                                            let l32 = *ptr11.add(16).cast::<*mut u8>();
                                            let l33 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len34 = l33;
                                            let bytes34 = _rt::Vec::from_raw_parts(
                                                l32.cast(),
                                                len34,
                                                len34,
                                            );
                                            _rt::string_lift(bytes34)
                                        };
                                        V41::Unavailable(e41)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e41 = {
                                            let l35 = *ptr11.add(16).cast::<*mut u8>();
                                            let l36 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len37 = l36;
                                            let bytes37 = _rt::Vec::from_raw_parts(
                                                l35.cast(),
                                                len37,
                                                len37,
                                            );
                                            let l38 = *ptr11
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l39 = *ptr11
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len40 = l39;
                                            let bytes40 = _rt::Vec::from_raw_parts(
                                                l38.cast(),
                                                len40,
                                                len40,
                                            );
                                            (_rt::string_lift(bytes37), _rt::string_lift(bytes40))
                                        };
                                        V41::Other(e41)
                                    }
                                };
                                v41
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result42
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// `publish`, of what nobody wants so many milliseconds later, at least 1: wherever it waits then, it is dropped.
            #[allow(async_fn_in_trait)]
            pub fn publish_expiring(
                channel: &str,
                message: &Message,
                expires_ms: u64,
            ) -> Result<_rt::String, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = channel;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let super::super::super::hive::node::types::Message {
                        payload: payload1,
                        content_type: content_type1,
                        key: key1,
                        headers: headers1,
                    } = message;
                    let vec2 = payload1;
                    let ptr2 = vec2.as_ptr().cast::<u8>();
                    let len2 = vec2.len();
                    let (result4_0, result4_1, result4_2) = match content_type1 {
                        Some(e) => {
                            let vec3 = e;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            (1i32, ptr3.cast_mut(), len3)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let (result6_0, result6_1, result6_2) = match key1 {
                        Some(e) => {
                            let vec5 = e;
                            let ptr5 = vec5.as_ptr().cast::<u8>();
                            let len5 = vec5.len();
                            (1i32, ptr5.cast_mut(), len5)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let vec10 = headers1;
                    let len10 = vec10.len();
                    let layout10 = _rt::alloc::Layout::from_size_align(
                            vec10.len() * (4 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result10, _cleanup10) = wit_bindgen::rt::Cleanup::new(layout10);
                    for (i, e) in vec10.into_iter().enumerate() {
                        let base = result10
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        {
                            let (t7_0, t7_1) = e;
                            let vec8 = t7_0;
                            let ptr8 = vec8.as_ptr().cast::<u8>();
                            let len8 = vec8.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len8;
                            *base.add(0).cast::<*mut u8>() = ptr8.cast_mut();
                            let vec9 = t7_1;
                            let ptr9 = vec9.as_ptr().cast::<u8>();
                            let len9 = vec9.len();
                            *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len9;
                            *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = ptr9.cast_mut();
                        }
                    }
                    let ptr11 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "publish-expiring"]
                        fn wit_import12(
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i64,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import12(
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i64,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import12(
                        ptr0.cast_mut(),
                        len0,
                        ptr2.cast_mut(),
                        len2,
                        result4_0,
                        result4_1,
                        result4_2,
                        result6_0,
                        result6_1,
                        result6_2,
                        result10,
                        len10,
                        _rt::as_i64(&expires_ms),
                        ptr11,
                    );
                    let l13 = i32::from(*ptr11.add(0).cast::<u8>());
                    let result42 = match l13 {
                        0 => {
                            let e = {
                                let l14 = *ptr11.add(8).cast::<*mut u8>();
                                let l15 = *ptr11
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len16 = l15;
                                let bytes16 = _rt::Vec::from_raw_parts(
                                    l14.cast(),
                                    len16,
                                    len16,
                                );
                                _rt::string_lift(bytes16)
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l17 = i32::from(*ptr11.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V41;
                                let v41 = match l17 {
                                    0 => {
                                        let e41 = {
                                            let l18 = *ptr11.add(16).cast::<*mut u8>();
                                            let l19 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len20 = l19;
                                            let bytes20 = _rt::Vec::from_raw_parts(
                                                l18.cast(),
                                                len20,
                                                len20,
                                            );
                                            _rt::string_lift(bytes20)
                                        };
                                        V41::Denied(e41)
                                    }
                                    1 => {
                                        let e41 = {
                                            let l21 = *ptr11.add(16).cast::<*mut u8>();
                                            let l22 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len23 = l22;
                                            let bytes23 = _rt::Vec::from_raw_parts(
                                                l21.cast(),
                                                len23,
                                                len23,
                                            );
                                            _rt::string_lift(bytes23)
                                        };
                                        V41::Invalid(e41)
                                    }
                                    2 => {
                                        let e41 = {
                                            let l24 = *ptr11.add(16).cast::<i64>();
                                            l24 as u64
                                        };
                                        V41::TooLarge(e41)
                                    }
                                    3 => {
                                        let e41 = {
                                            let l25 = *ptr11.add(16).cast::<i64>();
                                            l25 as u64
                                        };
                                        V41::Overloaded(e41)
                                    }
                                    4 => V41::NoResponder,
                                    5 => V41::Timeout,
                                    6 => V41::Deadlock,
                                    7 => {
                                        let e41 = {
                                            let l26 = *ptr11.add(16).cast::<*mut u8>();
                                            let l27 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            _rt::string_lift(bytes28)
                                        };
                                        V41::Failed(e41)
                                    }
                                    8 => {
                                        let e41 = {
                                            let l29 = *ptr11.add(16).cast::<*mut u8>();
                                            let l30 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len31 = l30;
                                            let bytes31 = _rt::Vec::from_raw_parts(
                                                l29.cast(),
                                                len31,
                                                len31,
                                            );
                                            _rt::string_lift(bytes31)
                                        };
                                        V41::Rejected(e41)
                                    }
                                    9 => {
                                        let e41 = {
                                            let l32 = *ptr11.add(16).cast::<*mut u8>();
                                            let l33 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len34 = l33;
                                            let bytes34 = _rt::Vec::from_raw_parts(
                                                l32.cast(),
                                                len34,
                                                len34,
                                            );
                                            _rt::string_lift(bytes34)
                                        };
                                        V41::Unavailable(e41)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e41 = {
                                            let l35 = *ptr11.add(16).cast::<*mut u8>();
                                            let l36 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len37 = l36;
                                            let bytes37 = _rt::Vec::from_raw_parts(
                                                l35.cast(),
                                                len37,
                                                len37,
                                            );
                                            let l38 = *ptr11
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l39 = *ptr11
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len40 = l39;
                                            let bytes40 = _rt::Vec::from_raw_parts(
                                                l38.cast(),
                                                len40,
                                                len40,
                                            );
                                            (_rt::string_lift(bytes37), _rt::string_lift(bytes40))
                                        };
                                        V41::Other(e41)
                                    }
                                };
                                v41
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result42
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Publishes the payload, content type and key of the event being handled, with these headers, without the payload
            /// being copied into and out of the handler. Outside `handle` it is `invalid`.
            #[allow(async_fn_in_trait)]
            pub fn forward(
                channel: &str,
                headers: &[(_rt::String, _rt::String)],
            ) -> Result<_rt::String, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = channel;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let vec4 = headers;
                    let len4 = vec4.len();
                    let layout4 = _rt::alloc::Layout::from_size_align(
                            vec4.len() * (4 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result4, _cleanup4) = wit_bindgen::rt::Cleanup::new(layout4);
                    for (i, e) in vec4.into_iter().enumerate() {
                        let base = result4
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        {
                            let (t1_0, t1_1) = e;
                            let vec2 = t1_0;
                            let ptr2 = vec2.as_ptr().cast::<u8>();
                            let len2 = vec2.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len2;
                            *base.add(0).cast::<*mut u8>() = ptr2.cast_mut();
                            let vec3 = t1_1;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len3;
                            *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = ptr3.cast_mut();
                        }
                    }
                    let ptr5 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "forward"]
                        fn wit_import6(
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import6(
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import6(ptr0.cast_mut(), len0, result4, len4, ptr5);
                    let l7 = i32::from(*ptr5.add(0).cast::<u8>());
                    let result36 = match l7 {
                        0 => {
                            let e = {
                                let l8 = *ptr5.add(8).cast::<*mut u8>();
                                let l9 = *ptr5
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len10 = l9;
                                let bytes10 = _rt::Vec::from_raw_parts(
                                    l8.cast(),
                                    len10,
                                    len10,
                                );
                                _rt::string_lift(bytes10)
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l11 = i32::from(*ptr5.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V35;
                                let v35 = match l11 {
                                    0 => {
                                        let e35 = {
                                            let l12 = *ptr5.add(16).cast::<*mut u8>();
                                            let l13 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len14 = l13;
                                            let bytes14 = _rt::Vec::from_raw_parts(
                                                l12.cast(),
                                                len14,
                                                len14,
                                            );
                                            _rt::string_lift(bytes14)
                                        };
                                        V35::Denied(e35)
                                    }
                                    1 => {
                                        let e35 = {
                                            let l15 = *ptr5.add(16).cast::<*mut u8>();
                                            let l16 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len17 = l16;
                                            let bytes17 = _rt::Vec::from_raw_parts(
                                                l15.cast(),
                                                len17,
                                                len17,
                                            );
                                            _rt::string_lift(bytes17)
                                        };
                                        V35::Invalid(e35)
                                    }
                                    2 => {
                                        let e35 = {
                                            let l18 = *ptr5.add(16).cast::<i64>();
                                            l18 as u64
                                        };
                                        V35::TooLarge(e35)
                                    }
                                    3 => {
                                        let e35 = {
                                            let l19 = *ptr5.add(16).cast::<i64>();
                                            l19 as u64
                                        };
                                        V35::Overloaded(e35)
                                    }
                                    4 => V35::NoResponder,
                                    5 => V35::Timeout,
                                    6 => V35::Deadlock,
                                    7 => {
                                        let e35 = {
                                            let l20 = *ptr5.add(16).cast::<*mut u8>();
                                            let l21 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len22 = l21;
                                            let bytes22 = _rt::Vec::from_raw_parts(
                                                l20.cast(),
                                                len22,
                                                len22,
                                            );
                                            _rt::string_lift(bytes22)
                                        };
                                        V35::Failed(e35)
                                    }
                                    8 => {
                                        let e35 = {
                                            let l23 = *ptr5.add(16).cast::<*mut u8>();
                                            let l24 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len25 = l24;
                                            let bytes25 = _rt::Vec::from_raw_parts(
                                                l23.cast(),
                                                len25,
                                                len25,
                                            );
                                            _rt::string_lift(bytes25)
                                        };
                                        V35::Rejected(e35)
                                    }
                                    9 => {
                                        let e35 = {
                                            let l26 = *ptr5.add(16).cast::<*mut u8>();
                                            let l27 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            _rt::string_lift(bytes28)
                                        };
                                        V35::Unavailable(e35)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e35 = {
                                            let l29 = *ptr5.add(16).cast::<*mut u8>();
                                            let l30 = *ptr5
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len31 = l30;
                                            let bytes31 = _rt::Vec::from_raw_parts(
                                                l29.cast(),
                                                len31,
                                                len31,
                                            );
                                            let l32 = *ptr5
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l33 = *ptr5
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len34 = l33;
                                            let bytes34 = _rt::Vec::from_raw_parts(
                                                l32.cast(),
                                                len34,
                                                len34,
                                            );
                                            (_rt::string_lift(bytes31), _rt::string_lift(bytes34))
                                        };
                                        V35::Other(e35)
                                    }
                                };
                                v35
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result36
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Publishes and keeps it as the channel's last value, on every node: whoever subscribes later gets it first.
            #[allow(async_fn_in_trait)]
            pub fn retain(
                channel: &str,
                message: &Message,
            ) -> Result<_rt::String, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = channel;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let super::super::super::hive::node::types::Message {
                        payload: payload1,
                        content_type: content_type1,
                        key: key1,
                        headers: headers1,
                    } = message;
                    let vec2 = payload1;
                    let ptr2 = vec2.as_ptr().cast::<u8>();
                    let len2 = vec2.len();
                    let (result4_0, result4_1, result4_2) = match content_type1 {
                        Some(e) => {
                            let vec3 = e;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            (1i32, ptr3.cast_mut(), len3)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let (result6_0, result6_1, result6_2) = match key1 {
                        Some(e) => {
                            let vec5 = e;
                            let ptr5 = vec5.as_ptr().cast::<u8>();
                            let len5 = vec5.len();
                            (1i32, ptr5.cast_mut(), len5)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let vec10 = headers1;
                    let len10 = vec10.len();
                    let layout10 = _rt::alloc::Layout::from_size_align(
                            vec10.len() * (4 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result10, _cleanup10) = wit_bindgen::rt::Cleanup::new(layout10);
                    for (i, e) in vec10.into_iter().enumerate() {
                        let base = result10
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        {
                            let (t7_0, t7_1) = e;
                            let vec8 = t7_0;
                            let ptr8 = vec8.as_ptr().cast::<u8>();
                            let len8 = vec8.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len8;
                            *base.add(0).cast::<*mut u8>() = ptr8.cast_mut();
                            let vec9 = t7_1;
                            let ptr9 = vec9.as_ptr().cast::<u8>();
                            let len9 = vec9.len();
                            *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len9;
                            *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = ptr9.cast_mut();
                        }
                    }
                    let ptr11 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "retain"]
                        fn wit_import12(
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import12(
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import12(
                        ptr0.cast_mut(),
                        len0,
                        ptr2.cast_mut(),
                        len2,
                        result4_0,
                        result4_1,
                        result4_2,
                        result6_0,
                        result6_1,
                        result6_2,
                        result10,
                        len10,
                        ptr11,
                    );
                    let l13 = i32::from(*ptr11.add(0).cast::<u8>());
                    let result42 = match l13 {
                        0 => {
                            let e = {
                                let l14 = *ptr11.add(8).cast::<*mut u8>();
                                let l15 = *ptr11
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len16 = l15;
                                let bytes16 = _rt::Vec::from_raw_parts(
                                    l14.cast(),
                                    len16,
                                    len16,
                                );
                                _rt::string_lift(bytes16)
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l17 = i32::from(*ptr11.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V41;
                                let v41 = match l17 {
                                    0 => {
                                        let e41 = {
                                            let l18 = *ptr11.add(16).cast::<*mut u8>();
                                            let l19 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len20 = l19;
                                            let bytes20 = _rt::Vec::from_raw_parts(
                                                l18.cast(),
                                                len20,
                                                len20,
                                            );
                                            _rt::string_lift(bytes20)
                                        };
                                        V41::Denied(e41)
                                    }
                                    1 => {
                                        let e41 = {
                                            let l21 = *ptr11.add(16).cast::<*mut u8>();
                                            let l22 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len23 = l22;
                                            let bytes23 = _rt::Vec::from_raw_parts(
                                                l21.cast(),
                                                len23,
                                                len23,
                                            );
                                            _rt::string_lift(bytes23)
                                        };
                                        V41::Invalid(e41)
                                    }
                                    2 => {
                                        let e41 = {
                                            let l24 = *ptr11.add(16).cast::<i64>();
                                            l24 as u64
                                        };
                                        V41::TooLarge(e41)
                                    }
                                    3 => {
                                        let e41 = {
                                            let l25 = *ptr11.add(16).cast::<i64>();
                                            l25 as u64
                                        };
                                        V41::Overloaded(e41)
                                    }
                                    4 => V41::NoResponder,
                                    5 => V41::Timeout,
                                    6 => V41::Deadlock,
                                    7 => {
                                        let e41 = {
                                            let l26 = *ptr11.add(16).cast::<*mut u8>();
                                            let l27 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            _rt::string_lift(bytes28)
                                        };
                                        V41::Failed(e41)
                                    }
                                    8 => {
                                        let e41 = {
                                            let l29 = *ptr11.add(16).cast::<*mut u8>();
                                            let l30 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len31 = l30;
                                            let bytes31 = _rt::Vec::from_raw_parts(
                                                l29.cast(),
                                                len31,
                                                len31,
                                            );
                                            _rt::string_lift(bytes31)
                                        };
                                        V41::Rejected(e41)
                                    }
                                    9 => {
                                        let e41 = {
                                            let l32 = *ptr11.add(16).cast::<*mut u8>();
                                            let l33 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len34 = l33;
                                            let bytes34 = _rt::Vec::from_raw_parts(
                                                l32.cast(),
                                                len34,
                                                len34,
                                            );
                                            _rt::string_lift(bytes34)
                                        };
                                        V41::Unavailable(e41)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e41 = {
                                            let l35 = *ptr11.add(16).cast::<*mut u8>();
                                            let l36 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len37 = l36;
                                            let bytes37 = _rt::Vec::from_raw_parts(
                                                l35.cast(),
                                                len37,
                                                len37,
                                            );
                                            let l38 = *ptr11
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l39 = *ptr11
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len40 = l39;
                                            let bytes40 = _rt::Vec::from_raw_parts(
                                                l38.cast(),
                                                len40,
                                                len40,
                                            );
                                            (_rt::string_lift(bytes37), _rt::string_lift(bytes40))
                                        };
                                        V41::Other(e41)
                                    }
                                };
                                v41
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result42
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Forgets the channel's last value; subscribers get an empty event.
            #[allow(async_fn_in_trait)]
            pub fn clear(channel: &str) -> Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = channel;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "clear"]
                        fn wit_import2(_: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(_: *mut u8, _: usize, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import2(ptr0.cast_mut(), len0, ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result29 = match l3 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l4 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V28;
                                let v28 = match l4 {
                                    0 => {
                                        let e28 = {
                                            let l5 = *ptr1.add(16).cast::<*mut u8>();
                                            let l6 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len7 = l6;
                                            let bytes7 = _rt::Vec::from_raw_parts(
                                                l5.cast(),
                                                len7,
                                                len7,
                                            );
                                            _rt::string_lift(bytes7)
                                        };
                                        V28::Denied(e28)
                                    }
                                    1 => {
                                        let e28 = {
                                            let l8 = *ptr1.add(16).cast::<*mut u8>();
                                            let l9 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len10 = l9;
                                            let bytes10 = _rt::Vec::from_raw_parts(
                                                l8.cast(),
                                                len10,
                                                len10,
                                            );
                                            _rt::string_lift(bytes10)
                                        };
                                        V28::Invalid(e28)
                                    }
                                    2 => {
                                        let e28 = {
                                            let l11 = *ptr1.add(16).cast::<i64>();
                                            l11 as u64
                                        };
                                        V28::TooLarge(e28)
                                    }
                                    3 => {
                                        let e28 = {
                                            let l12 = *ptr1.add(16).cast::<i64>();
                                            l12 as u64
                                        };
                                        V28::Overloaded(e28)
                                    }
                                    4 => V28::NoResponder,
                                    5 => V28::Timeout,
                                    6 => V28::Deadlock,
                                    7 => {
                                        let e28 = {
                                            let l13 = *ptr1.add(16).cast::<*mut u8>();
                                            let l14 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len15 = l14;
                                            let bytes15 = _rt::Vec::from_raw_parts(
                                                l13.cast(),
                                                len15,
                                                len15,
                                            );
                                            _rt::string_lift(bytes15)
                                        };
                                        V28::Failed(e28)
                                    }
                                    8 => {
                                        let e28 = {
                                            let l16 = *ptr1.add(16).cast::<*mut u8>();
                                            let l17 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len18 = l17;
                                            let bytes18 = _rt::Vec::from_raw_parts(
                                                l16.cast(),
                                                len18,
                                                len18,
                                            );
                                            _rt::string_lift(bytes18)
                                        };
                                        V28::Rejected(e28)
                                    }
                                    9 => {
                                        let e28 = {
                                            let l19 = *ptr1.add(16).cast::<*mut u8>();
                                            let l20 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len21 = l20;
                                            let bytes21 = _rt::Vec::from_raw_parts(
                                                l19.cast(),
                                                len21,
                                                len21,
                                            );
                                            _rt::string_lift(bytes21)
                                        };
                                        V28::Unavailable(e28)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e28 = {
                                            let l22 = *ptr1.add(16).cast::<*mut u8>();
                                            let l23 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len24 = l23;
                                            let bytes24 = _rt::Vec::from_raw_parts(
                                                l22.cast(),
                                                len24,
                                                len24,
                                            );
                                            let l25 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l26 = *ptr1
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len27 = l26;
                                            let bytes27 = _rt::Vec::from_raw_parts(
                                                l25.cast(),
                                                len27,
                                                len27,
                                            );
                                            (_rt::string_lift(bytes24), _rt::string_lift(bytes27))
                                        };
                                        V28::Other(e28)
                                    }
                                };
                                v28
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result29
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// One answer. No wait outlives `current.time-left`; 0 means all of it.
            #[allow(async_fn_in_trait)]
            pub fn request(
                channel: &str,
                message: &Message,
                timeout_ms: u32,
            ) -> Result<Message, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 8 + 10 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 8
                            + 10 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = channel;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let super::super::super::hive::node::types::Message {
                        payload: payload1,
                        content_type: content_type1,
                        key: key1,
                        headers: headers1,
                    } = message;
                    let vec2 = payload1;
                    let ptr2 = vec2.as_ptr().cast::<u8>();
                    let len2 = vec2.len();
                    let (result4_0, result4_1, result4_2) = match content_type1 {
                        Some(e) => {
                            let vec3 = e;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            (1i32, ptr3.cast_mut(), len3)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let (result6_0, result6_1, result6_2) = match key1 {
                        Some(e) => {
                            let vec5 = e;
                            let ptr5 = vec5.as_ptr().cast::<u8>();
                            let len5 = vec5.len();
                            (1i32, ptr5.cast_mut(), len5)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let vec10 = headers1;
                    let len10 = vec10.len();
                    let layout10 = _rt::alloc::Layout::from_size_align(
                            vec10.len() * (4 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result10, _cleanup10) = wit_bindgen::rt::Cleanup::new(layout10);
                    for (i, e) in vec10.into_iter().enumerate() {
                        let base = result10
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        {
                            let (t7_0, t7_1) = e;
                            let vec8 = t7_0;
                            let ptr8 = vec8.as_ptr().cast::<u8>();
                            let len8 = vec8.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len8;
                            *base.add(0).cast::<*mut u8>() = ptr8.cast_mut();
                            let vec9 = t7_1;
                            let ptr9 = vec9.as_ptr().cast::<u8>();
                            let len9 = vec9.len();
                            *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len9;
                            *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = ptr9.cast_mut();
                        }
                    }
                    let ptr11 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "request"]
                        fn wit_import12(
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import12(
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import12(
                        ptr0.cast_mut(),
                        len0,
                        ptr2.cast_mut(),
                        len2,
                        result4_0,
                        result4_1,
                        result4_2,
                        result6_0,
                        result6_1,
                        result6_2,
                        result10,
                        len10,
                        _rt::as_i32(&timeout_ms),
                        ptr11,
                    );
                    let l13 = i32::from(*ptr11.add(0).cast::<u8>());
                    let result59 = match l13 {
                        0 => {
                            let e = {
                                let l14 = *ptr11.add(8).cast::<*mut u8>();
                                let l15 = *ptr11
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len16 = l15;
                                let l17 = i32::from(
                                    *ptr11
                                        .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                                        .cast::<u8>(),
                                );
                                let l21 = i32::from(
                                    *ptr11
                                        .add(8 + 5 * ::core::mem::size_of::<*const u8>())
                                        .cast::<u8>(),
                                );
                                let l25 = *ptr11
                                    .add(8 + 8 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l26 = *ptr11
                                    .add(8 + 9 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base33 = l25;
                                let len33 = l26;
                                let mut result33 = _rt::Vec::with_capacity(len33);
                                for i in 0..len33 {
                                    let base = base33
                                        .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    let e33 = {
                                        let l27 = *base.add(0).cast::<*mut u8>();
                                        let l28 = *base
                                            .add(::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let len29 = l28;
                                        let bytes29 = _rt::Vec::from_raw_parts(
                                            l27.cast(),
                                            len29,
                                            len29,
                                        );
                                        let l30 = *base
                                            .add(2 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l31 = *base
                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let len32 = l31;
                                        let bytes32 = _rt::Vec::from_raw_parts(
                                            l30.cast(),
                                            len32,
                                            len32,
                                        );
                                        (_rt::string_lift(bytes29), _rt::string_lift(bytes32))
                                    };
                                    result33.push(e33);
                                }
                                _rt::cabi_dealloc(
                                    base33,
                                    len33 * (4 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                                super::super::super::hive::node::types::Message {
                                    payload: <_ as From<
                                        _rt::Vec<_>,
                                    >>::from(
                                        _rt::Vec::from_raw_parts(l14.cast(), len16, len16),
                                    ),
                                    content_type: match l17 {
                                        0 => None,
                                        1 => {
                                            let e = {
                                                let l18 = *ptr11
                                                    .add(8 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l19 = *ptr11
                                                    .add(8 + 4 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len20 = l19;
                                                let bytes20 = _rt::Vec::from_raw_parts(
                                                    l18.cast(),
                                                    len20,
                                                    len20,
                                                );
                                                _rt::string_lift(bytes20)
                                            };
                                            Some(e)
                                        }
                                        _ => _rt::invalid_enum_discriminant(),
                                    },
                                    key: match l21 {
                                        0 => None,
                                        1 => {
                                            let e = {
                                                let l22 = *ptr11
                                                    .add(8 + 6 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l23 = *ptr11
                                                    .add(8 + 7 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len24 = l23;
                                                let bytes24 = _rt::Vec::from_raw_parts(
                                                    l22.cast(),
                                                    len24,
                                                    len24,
                                                );
                                                _rt::string_lift(bytes24)
                                            };
                                            Some(e)
                                        }
                                        _ => _rt::invalid_enum_discriminant(),
                                    },
                                    headers: result33,
                                }
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l34 = i32::from(*ptr11.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V58;
                                let v58 = match l34 {
                                    0 => {
                                        let e58 = {
                                            let l35 = *ptr11.add(16).cast::<*mut u8>();
                                            let l36 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len37 = l36;
                                            let bytes37 = _rt::Vec::from_raw_parts(
                                                l35.cast(),
                                                len37,
                                                len37,
                                            );
                                            _rt::string_lift(bytes37)
                                        };
                                        V58::Denied(e58)
                                    }
                                    1 => {
                                        let e58 = {
                                            let l38 = *ptr11.add(16).cast::<*mut u8>();
                                            let l39 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len40 = l39;
                                            let bytes40 = _rt::Vec::from_raw_parts(
                                                l38.cast(),
                                                len40,
                                                len40,
                                            );
                                            _rt::string_lift(bytes40)
                                        };
                                        V58::Invalid(e58)
                                    }
                                    2 => {
                                        let e58 = {
                                            let l41 = *ptr11.add(16).cast::<i64>();
                                            l41 as u64
                                        };
                                        V58::TooLarge(e58)
                                    }
                                    3 => {
                                        let e58 = {
                                            let l42 = *ptr11.add(16).cast::<i64>();
                                            l42 as u64
                                        };
                                        V58::Overloaded(e58)
                                    }
                                    4 => V58::NoResponder,
                                    5 => V58::Timeout,
                                    6 => V58::Deadlock,
                                    7 => {
                                        let e58 = {
                                            let l43 = *ptr11.add(16).cast::<*mut u8>();
                                            let l44 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len45 = l44;
                                            let bytes45 = _rt::Vec::from_raw_parts(
                                                l43.cast(),
                                                len45,
                                                len45,
                                            );
                                            _rt::string_lift(bytes45)
                                        };
                                        V58::Failed(e58)
                                    }
                                    8 => {
                                        let e58 = {
                                            let l46 = *ptr11.add(16).cast::<*mut u8>();
                                            let l47 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len48 = l47;
                                            let bytes48 = _rt::Vec::from_raw_parts(
                                                l46.cast(),
                                                len48,
                                                len48,
                                            );
                                            _rt::string_lift(bytes48)
                                        };
                                        V58::Rejected(e58)
                                    }
                                    9 => {
                                        let e58 = {
                                            let l49 = *ptr11.add(16).cast::<*mut u8>();
                                            let l50 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len51 = l50;
                                            let bytes51 = _rt::Vec::from_raw_parts(
                                                l49.cast(),
                                                len51,
                                                len51,
                                            );
                                            _rt::string_lift(bytes51)
                                        };
                                        V58::Unavailable(e58)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e58 = {
                                            let l52 = *ptr11.add(16).cast::<*mut u8>();
                                            let l53 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len54 = l53;
                                            let bytes54 = _rt::Vec::from_raw_parts(
                                                l52.cast(),
                                                len54,
                                                len54,
                                            );
                                            let l55 = *ptr11
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l56 = *ptr11
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len57 = l56;
                                            let bytes57 = _rt::Vec::from_raw_parts(
                                                l55.cast(),
                                                len57,
                                                len57,
                                            );
                                            (_rt::string_lift(bytes54), _rt::string_lift(bytes57))
                                        };
                                        V58::Other(e58)
                                    }
                                };
                                v58
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result59
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Several requests at once, at most 64, answered in the order asked. Answers that are over 16 MiB together are
            /// `too-large`.
            #[allow(async_fn_in_trait)]
            pub fn request_each(
                calls: &[Call],
                timeout_ms: u32,
            ) -> Result<_rt::Vec<Result<Message, Error>>, Error> {
                unsafe {
                    let mut cleanup_list = _rt::Vec::new();
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec10 = calls;
                    let len10 = vec10.len();
                    let layout10 = _rt::alloc::Layout::from_size_align(
                            vec10.len() * (12 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result10, _cleanup10) = wit_bindgen::rt::Cleanup::new(layout10);
                    for (i, e) in vec10.into_iter().enumerate() {
                        let base = result10
                            .add(i * (12 * ::core::mem::size_of::<*const u8>()));
                        {
                            let Call { channel: channel0, message: message0 } = e;
                            let vec1 = channel0;
                            let ptr1 = vec1.as_ptr().cast::<u8>();
                            let len1 = vec1.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len1;
                            *base.add(0).cast::<*mut u8>() = ptr1.cast_mut();
                            let super::super::super::hive::node::types::Message {
                                payload: payload2,
                                content_type: content_type2,
                                key: key2,
                                headers: headers2,
                            } = message0;
                            let vec3 = payload2;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len3;
                            *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = ptr3.cast_mut();
                            match content_type2 {
                                Some(e) => {
                                    *base
                                        .add(4 * ::core::mem::size_of::<*const u8>())
                                        .cast::<u8>() = (1i32) as u8;
                                    let vec4 = e;
                                    let ptr4 = vec4.as_ptr().cast::<u8>();
                                    let len4 = vec4.len();
                                    *base
                                        .add(6 * ::core::mem::size_of::<*const u8>())
                                        .cast::<usize>() = len4;
                                    *base
                                        .add(5 * ::core::mem::size_of::<*const u8>())
                                        .cast::<*mut u8>() = ptr4.cast_mut();
                                }
                                None => {
                                    *base
                                        .add(4 * ::core::mem::size_of::<*const u8>())
                                        .cast::<u8>() = (0i32) as u8;
                                }
                            };
                            match key2 {
                                Some(e) => {
                                    *base
                                        .add(7 * ::core::mem::size_of::<*const u8>())
                                        .cast::<u8>() = (1i32) as u8;
                                    let vec5 = e;
                                    let ptr5 = vec5.as_ptr().cast::<u8>();
                                    let len5 = vec5.len();
                                    *base
                                        .add(9 * ::core::mem::size_of::<*const u8>())
                                        .cast::<usize>() = len5;
                                    *base
                                        .add(8 * ::core::mem::size_of::<*const u8>())
                                        .cast::<*mut u8>() = ptr5.cast_mut();
                                }
                                None => {
                                    *base
                                        .add(7 * ::core::mem::size_of::<*const u8>())
                                        .cast::<u8>() = (0i32) as u8;
                                }
                            };
                            let vec9 = headers2;
                            let len9 = vec9.len();
                            let layout9 = _rt::alloc::Layout::from_size_align(
                                    vec9.len() * (4 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                )
                                .unwrap();
                            let (result9, _cleanup9) = wit_bindgen::rt::Cleanup::new(
                                layout9,
                            );
                            cleanup_list.extend(_cleanup9);
                            for (i, e) in vec9.into_iter().enumerate() {
                                let base = result9
                                    .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                {
                                    let (t6_0, t6_1) = e;
                                    let vec7 = t6_0;
                                    let ptr7 = vec7.as_ptr().cast::<u8>();
                                    let len7 = vec7.len();
                                    *base
                                        .add(::core::mem::size_of::<*const u8>())
                                        .cast::<usize>() = len7;
                                    *base.add(0).cast::<*mut u8>() = ptr7.cast_mut();
                                    let vec8 = t6_1;
                                    let ptr8 = vec8.as_ptr().cast::<u8>();
                                    let len8 = vec8.len();
                                    *base
                                        .add(3 * ::core::mem::size_of::<*const u8>())
                                        .cast::<usize>() = len8;
                                    *base
                                        .add(2 * ::core::mem::size_of::<*const u8>())
                                        .cast::<*mut u8>() = ptr8.cast_mut();
                                }
                            }
                            *base
                                .add(11 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len9;
                            *base
                                .add(10 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = result9;
                        }
                    }
                    let ptr11 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "request-each"]
                        fn wit_import12(_: *mut u8, _: usize, _: i32, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import12(
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import12(result10, len10, _rt::as_i32(&timeout_ms), ptr11);
                    let l13 = i32::from(*ptr11.add(0).cast::<u8>());
                    let result88 = match l13 {
                        0 => {
                            let e = {
                                let l14 = *ptr11.add(8).cast::<*mut u8>();
                                let l15 = *ptr11
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base62 = l14;
                                let len62 = l15;
                                let mut result62 = _rt::Vec::with_capacity(len62);
                                for i in 0..len62 {
                                    let base = base62
                                        .add(i * (8 + 10 * ::core::mem::size_of::<*const u8>()));
                                    let e62 = {
                                        let l16 = i32::from(*base.add(0).cast::<u8>());
                                        match l16 {
                                            0 => {
                                                let e = {
                                                    let l17 = *base.add(8).cast::<*mut u8>();
                                                    let l18 = *base
                                                        .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len19 = l18;
                                                    let l20 = i32::from(
                                                        *base
                                                            .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>(),
                                                    );
                                                    let l24 = i32::from(
                                                        *base
                                                            .add(8 + 5 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>(),
                                                    );
                                                    let l28 = *base
                                                        .add(8 + 8 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<*mut u8>();
                                                    let l29 = *base
                                                        .add(8 + 9 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let base36 = l28;
                                                    let len36 = l29;
                                                    let mut result36 = _rt::Vec::with_capacity(len36);
                                                    for i in 0..len36 {
                                                        let base = base36
                                                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                                        let e36 = {
                                                            let l30 = *base.add(0).cast::<*mut u8>();
                                                            let l31 = *base
                                                                .add(::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len32 = l31;
                                                            let bytes32 = _rt::Vec::from_raw_parts(
                                                                l30.cast(),
                                                                len32,
                                                                len32,
                                                            );
                                                            let l33 = *base
                                                                .add(2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<*mut u8>();
                                                            let l34 = *base
                                                                .add(3 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len35 = l34;
                                                            let bytes35 = _rt::Vec::from_raw_parts(
                                                                l33.cast(),
                                                                len35,
                                                                len35,
                                                            );
                                                            (_rt::string_lift(bytes32), _rt::string_lift(bytes35))
                                                        };
                                                        result36.push(e36);
                                                    }
                                                    _rt::cabi_dealloc(
                                                        base36,
                                                        len36 * (4 * ::core::mem::size_of::<*const u8>()),
                                                        ::core::mem::size_of::<*const u8>(),
                                                    );
                                                    super::super::super::hive::node::types::Message {
                                                        payload: <_ as From<
                                                            _rt::Vec<_>,
                                                        >>::from(
                                                            _rt::Vec::from_raw_parts(l17.cast(), len19, len19),
                                                        ),
                                                        content_type: match l20 {
                                                            0 => None,
                                                            1 => {
                                                                let e = {
                                                                    let l21 = *base
                                                                        .add(8 + 3 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l22 = *base
                                                                        .add(8 + 4 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len23 = l22;
                                                                    let bytes23 = _rt::Vec::from_raw_parts(
                                                                        l21.cast(),
                                                                        len23,
                                                                        len23,
                                                                    );
                                                                    _rt::string_lift(bytes23)
                                                                };
                                                                Some(e)
                                                            }
                                                            _ => _rt::invalid_enum_discriminant(),
                                                        },
                                                        key: match l24 {
                                                            0 => None,
                                                            1 => {
                                                                let e = {
                                                                    let l25 = *base
                                                                        .add(8 + 6 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l26 = *base
                                                                        .add(8 + 7 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len27 = l26;
                                                                    let bytes27 = _rt::Vec::from_raw_parts(
                                                                        l25.cast(),
                                                                        len27,
                                                                        len27,
                                                                    );
                                                                    _rt::string_lift(bytes27)
                                                                };
                                                                Some(e)
                                                            }
                                                            _ => _rt::invalid_enum_discriminant(),
                                                        },
                                                        headers: result36,
                                                    }
                                                };
                                                Ok(e)
                                            }
                                            1 => {
                                                let e = {
                                                    let l37 = i32::from(*base.add(8).cast::<u8>());
                                                    use super::super::super::hive::node::types::Error as V61;
                                                    let v61 = match l37 {
                                                        0 => {
                                                            let e61 = {
                                                                let l38 = *base.add(16).cast::<*mut u8>();
                                                                let l39 = *base
                                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len40 = l39;
                                                                let bytes40 = _rt::Vec::from_raw_parts(
                                                                    l38.cast(),
                                                                    len40,
                                                                    len40,
                                                                );
                                                                _rt::string_lift(bytes40)
                                                            };
                                                            V61::Denied(e61)
                                                        }
                                                        1 => {
                                                            let e61 = {
                                                                let l41 = *base.add(16).cast::<*mut u8>();
                                                                let l42 = *base
                                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len43 = l42;
                                                                let bytes43 = _rt::Vec::from_raw_parts(
                                                                    l41.cast(),
                                                                    len43,
                                                                    len43,
                                                                );
                                                                _rt::string_lift(bytes43)
                                                            };
                                                            V61::Invalid(e61)
                                                        }
                                                        2 => {
                                                            let e61 = {
                                                                let l44 = *base.add(16).cast::<i64>();
                                                                l44 as u64
                                                            };
                                                            V61::TooLarge(e61)
                                                        }
                                                        3 => {
                                                            let e61 = {
                                                                let l45 = *base.add(16).cast::<i64>();
                                                                l45 as u64
                                                            };
                                                            V61::Overloaded(e61)
                                                        }
                                                        4 => V61::NoResponder,
                                                        5 => V61::Timeout,
                                                        6 => V61::Deadlock,
                                                        7 => {
                                                            let e61 = {
                                                                let l46 = *base.add(16).cast::<*mut u8>();
                                                                let l47 = *base
                                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len48 = l47;
                                                                let bytes48 = _rt::Vec::from_raw_parts(
                                                                    l46.cast(),
                                                                    len48,
                                                                    len48,
                                                                );
                                                                _rt::string_lift(bytes48)
                                                            };
                                                            V61::Failed(e61)
                                                        }
                                                        8 => {
                                                            let e61 = {
                                                                let l49 = *base.add(16).cast::<*mut u8>();
                                                                let l50 = *base
                                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len51 = l50;
                                                                let bytes51 = _rt::Vec::from_raw_parts(
                                                                    l49.cast(),
                                                                    len51,
                                                                    len51,
                                                                );
                                                                _rt::string_lift(bytes51)
                                                            };
                                                            V61::Rejected(e61)
                                                        }
                                                        9 => {
                                                            let e61 = {
                                                                let l52 = *base.add(16).cast::<*mut u8>();
                                                                let l53 = *base
                                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len54 = l53;
                                                                let bytes54 = _rt::Vec::from_raw_parts(
                                                                    l52.cast(),
                                                                    len54,
                                                                    len54,
                                                                );
                                                                _rt::string_lift(bytes54)
                                                            };
                                                            V61::Unavailable(e61)
                                                        }
                                                        n => {
                                                            debug_assert_eq!(n, 10, "invalid enum discriminant");
                                                            let e61 = {
                                                                let l55 = *base.add(16).cast::<*mut u8>();
                                                                let l56 = *base
                                                                    .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len57 = l56;
                                                                let bytes57 = _rt::Vec::from_raw_parts(
                                                                    l55.cast(),
                                                                    len57,
                                                                    len57,
                                                                );
                                                                let l58 = *base
                                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<*mut u8>();
                                                                let l59 = *base
                                                                    .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len60 = l59;
                                                                let bytes60 = _rt::Vec::from_raw_parts(
                                                                    l58.cast(),
                                                                    len60,
                                                                    len60,
                                                                );
                                                                (_rt::string_lift(bytes57), _rt::string_lift(bytes60))
                                                            };
                                                            V61::Other(e61)
                                                        }
                                                    };
                                                    v61
                                                };
                                                Err(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        }
                                    };
                                    result62.push(e62);
                                }
                                _rt::cabi_dealloc(
                                    base62,
                                    len62 * (8 + 10 * ::core::mem::size_of::<*const u8>()),
                                    8,
                                );
                                result62
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l63 = i32::from(*ptr11.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V87;
                                let v87 = match l63 {
                                    0 => {
                                        let e87 = {
                                            let l64 = *ptr11.add(16).cast::<*mut u8>();
                                            let l65 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len66 = l65;
                                            let bytes66 = _rt::Vec::from_raw_parts(
                                                l64.cast(),
                                                len66,
                                                len66,
                                            );
                                            _rt::string_lift(bytes66)
                                        };
                                        V87::Denied(e87)
                                    }
                                    1 => {
                                        let e87 = {
                                            let l67 = *ptr11.add(16).cast::<*mut u8>();
                                            let l68 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len69 = l68;
                                            let bytes69 = _rt::Vec::from_raw_parts(
                                                l67.cast(),
                                                len69,
                                                len69,
                                            );
                                            _rt::string_lift(bytes69)
                                        };
                                        V87::Invalid(e87)
                                    }
                                    2 => {
                                        let e87 = {
                                            let l70 = *ptr11.add(16).cast::<i64>();
                                            l70 as u64
                                        };
                                        V87::TooLarge(e87)
                                    }
                                    3 => {
                                        let e87 = {
                                            let l71 = *ptr11.add(16).cast::<i64>();
                                            l71 as u64
                                        };
                                        V87::Overloaded(e87)
                                    }
                                    4 => V87::NoResponder,
                                    5 => V87::Timeout,
                                    6 => V87::Deadlock,
                                    7 => {
                                        let e87 = {
                                            let l72 = *ptr11.add(16).cast::<*mut u8>();
                                            let l73 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len74 = l73;
                                            let bytes74 = _rt::Vec::from_raw_parts(
                                                l72.cast(),
                                                len74,
                                                len74,
                                            );
                                            _rt::string_lift(bytes74)
                                        };
                                        V87::Failed(e87)
                                    }
                                    8 => {
                                        let e87 = {
                                            let l75 = *ptr11.add(16).cast::<*mut u8>();
                                            let l76 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len77 = l76;
                                            let bytes77 = _rt::Vec::from_raw_parts(
                                                l75.cast(),
                                                len77,
                                                len77,
                                            );
                                            _rt::string_lift(bytes77)
                                        };
                                        V87::Rejected(e87)
                                    }
                                    9 => {
                                        let e87 = {
                                            let l78 = *ptr11.add(16).cast::<*mut u8>();
                                            let l79 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len80 = l79;
                                            let bytes80 = _rt::Vec::from_raw_parts(
                                                l78.cast(),
                                                len80,
                                                len80,
                                            );
                                            _rt::string_lift(bytes80)
                                        };
                                        V87::Unavailable(e87)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e87 = {
                                            let l81 = *ptr11.add(16).cast::<*mut u8>();
                                            let l82 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len83 = l82;
                                            let bytes83 = _rt::Vec::from_raw_parts(
                                                l81.cast(),
                                                len83,
                                                len83,
                                            );
                                            let l84 = *ptr11
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l85 = *ptr11
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len86 = l85;
                                            let bytes86 = _rt::Vec::from_raw_parts(
                                                l84.cast(),
                                                len86,
                                                len86,
                                            );
                                            (_rt::string_lift(bytes83), _rt::string_lift(bytes86))
                                        };
                                        V87::Other(e87)
                                    }
                                };
                                v87
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result88
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// The answers of everybody who answers there. Ends early once `limit` of them are good, and lets the rest go: 1 is
            /// for the first; 0 means all. Answers that are over 16 MiB together are `too-large`.
            #[allow(async_fn_in_trait)]
            pub fn gather(
                channel: &str,
                message: &Message,
                timeout_ms: u32,
                limit: u32,
            ) -> Result<Answers, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = channel;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let super::super::super::hive::node::types::Message {
                        payload: payload1,
                        content_type: content_type1,
                        key: key1,
                        headers: headers1,
                    } = message;
                    let vec2 = payload1;
                    let ptr2 = vec2.as_ptr().cast::<u8>();
                    let len2 = vec2.len();
                    let (result4_0, result4_1, result4_2) = match content_type1 {
                        Some(e) => {
                            let vec3 = e;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            (1i32, ptr3.cast_mut(), len3)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let (result6_0, result6_1, result6_2) = match key1 {
                        Some(e) => {
                            let vec5 = e;
                            let ptr5 = vec5.as_ptr().cast::<u8>();
                            let len5 = vec5.len();
                            (1i32, ptr5.cast_mut(), len5)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let vec10 = headers1;
                    let len10 = vec10.len();
                    let layout10 = _rt::alloc::Layout::from_size_align(
                            vec10.len() * (4 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result10, _cleanup10) = wit_bindgen::rt::Cleanup::new(layout10);
                    for (i, e) in vec10.into_iter().enumerate() {
                        let base = result10
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        {
                            let (t7_0, t7_1) = e;
                            let vec8 = t7_0;
                            let ptr8 = vec8.as_ptr().cast::<u8>();
                            let len8 = vec8.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len8;
                            *base.add(0).cast::<*mut u8>() = ptr8.cast_mut();
                            let vec9 = t7_1;
                            let ptr9 = vec9.as_ptr().cast::<u8>();
                            let len9 = vec9.len();
                            *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len9;
                            *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = ptr9.cast_mut();
                        }
                    }
                    let ptr11 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "gather"]
                        fn wit_import12(
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: i32,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import12(
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: i32,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import12(
                        ptr0.cast_mut(),
                        len0,
                        ptr2.cast_mut(),
                        len2,
                        result4_0,
                        result4_1,
                        result4_2,
                        result6_0,
                        result6_1,
                        result6_2,
                        result10,
                        len10,
                        _rt::as_i32(&timeout_ms),
                        _rt::as_i32(&limit),
                        ptr11,
                    );
                    let l13 = i32::from(*ptr11.add(0).cast::<u8>());
                    let result92 = match l13 {
                        0 => {
                            let e = {
                                let l14 = *ptr11.add(8).cast::<*mut u8>();
                                let l15 = *ptr11
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base65 = l14;
                                let len65 = l15;
                                let mut result65 = _rt::Vec::with_capacity(len65);
                                for i in 0..len65 {
                                    let base = base65
                                        .add(i * (8 + 12 * ::core::mem::size_of::<*const u8>()));
                                    let e65 = {
                                        let l16 = *base.add(0).cast::<*mut u8>();
                                        let l17 = *base
                                            .add(::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let len18 = l17;
                                        let bytes18 = _rt::Vec::from_raw_parts(
                                            l16.cast(),
                                            len18,
                                            len18,
                                        );
                                        let l19 = i32::from(
                                            *base
                                                .add(2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<u8>(),
                                        );
                                        Answer {
                                            origin: _rt::string_lift(bytes18),
                                            outcome: match l19 {
                                                0 => {
                                                    let e = {
                                                        let l20 = *base
                                                            .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<*mut u8>();
                                                        let l21 = *base
                                                            .add(8 + 3 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let len22 = l21;
                                                        let l23 = i32::from(
                                                            *base
                                                                .add(8 + 4 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<u8>(),
                                                        );
                                                        let l27 = i32::from(
                                                            *base
                                                                .add(8 + 7 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<u8>(),
                                                        );
                                                        let l31 = *base
                                                            .add(8 + 10 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<*mut u8>();
                                                        let l32 = *base
                                                            .add(8 + 11 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        let base39 = l31;
                                                        let len39 = l32;
                                                        let mut result39 = _rt::Vec::with_capacity(len39);
                                                        for i in 0..len39 {
                                                            let base = base39
                                                                .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                                            let e39 = {
                                                                let l33 = *base.add(0).cast::<*mut u8>();
                                                                let l34 = *base
                                                                    .add(::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len35 = l34;
                                                                let bytes35 = _rt::Vec::from_raw_parts(
                                                                    l33.cast(),
                                                                    len35,
                                                                    len35,
                                                                );
                                                                let l36 = *base
                                                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<*mut u8>();
                                                                let l37 = *base
                                                                    .add(3 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len38 = l37;
                                                                let bytes38 = _rt::Vec::from_raw_parts(
                                                                    l36.cast(),
                                                                    len38,
                                                                    len38,
                                                                );
                                                                (_rt::string_lift(bytes35), _rt::string_lift(bytes38))
                                                            };
                                                            result39.push(e39);
                                                        }
                                                        _rt::cabi_dealloc(
                                                            base39,
                                                            len39 * (4 * ::core::mem::size_of::<*const u8>()),
                                                            ::core::mem::size_of::<*const u8>(),
                                                        );
                                                        super::super::super::hive::node::types::Message {
                                                            payload: <_ as From<
                                                                _rt::Vec<_>,
                                                            >>::from(
                                                                _rt::Vec::from_raw_parts(l20.cast(), len22, len22),
                                                            ),
                                                            content_type: match l23 {
                                                                0 => None,
                                                                1 => {
                                                                    let e = {
                                                                        let l24 = *base
                                                                            .add(8 + 5 * ::core::mem::size_of::<*const u8>())
                                                                            .cast::<*mut u8>();
                                                                        let l25 = *base
                                                                            .add(8 + 6 * ::core::mem::size_of::<*const u8>())
                                                                            .cast::<usize>();
                                                                        let len26 = l25;
                                                                        let bytes26 = _rt::Vec::from_raw_parts(
                                                                            l24.cast(),
                                                                            len26,
                                                                            len26,
                                                                        );
                                                                        _rt::string_lift(bytes26)
                                                                    };
                                                                    Some(e)
                                                                }
                                                                _ => _rt::invalid_enum_discriminant(),
                                                            },
                                                            key: match l27 {
                                                                0 => None,
                                                                1 => {
                                                                    let e = {
                                                                        let l28 = *base
                                                                            .add(8 + 8 * ::core::mem::size_of::<*const u8>())
                                                                            .cast::<*mut u8>();
                                                                        let l29 = *base
                                                                            .add(8 + 9 * ::core::mem::size_of::<*const u8>())
                                                                            .cast::<usize>();
                                                                        let len30 = l29;
                                                                        let bytes30 = _rt::Vec::from_raw_parts(
                                                                            l28.cast(),
                                                                            len30,
                                                                            len30,
                                                                        );
                                                                        _rt::string_lift(bytes30)
                                                                    };
                                                                    Some(e)
                                                                }
                                                                _ => _rt::invalid_enum_discriminant(),
                                                            },
                                                            headers: result39,
                                                        }
                                                    };
                                                    Ok(e)
                                                }
                                                1 => {
                                                    let e = {
                                                        let l40 = i32::from(
                                                            *base
                                                                .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<u8>(),
                                                        );
                                                        use super::super::super::hive::node::types::Error as V64;
                                                        let v64 = match l40 {
                                                            0 => {
                                                                let e64 = {
                                                                    let l41 = *base
                                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l42 = *base
                                                                        .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len43 = l42;
                                                                    let bytes43 = _rt::Vec::from_raw_parts(
                                                                        l41.cast(),
                                                                        len43,
                                                                        len43,
                                                                    );
                                                                    _rt::string_lift(bytes43)
                                                                };
                                                                V64::Denied(e64)
                                                            }
                                                            1 => {
                                                                let e64 = {
                                                                    let l44 = *base
                                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l45 = *base
                                                                        .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len46 = l45;
                                                                    let bytes46 = _rt::Vec::from_raw_parts(
                                                                        l44.cast(),
                                                                        len46,
                                                                        len46,
                                                                    );
                                                                    _rt::string_lift(bytes46)
                                                                };
                                                                V64::Invalid(e64)
                                                            }
                                                            2 => {
                                                                let e64 = {
                                                                    let l47 = *base
                                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<i64>();
                                                                    l47 as u64
                                                                };
                                                                V64::TooLarge(e64)
                                                            }
                                                            3 => {
                                                                let e64 = {
                                                                    let l48 = *base
                                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<i64>();
                                                                    l48 as u64
                                                                };
                                                                V64::Overloaded(e64)
                                                            }
                                                            4 => V64::NoResponder,
                                                            5 => V64::Timeout,
                                                            6 => V64::Deadlock,
                                                            7 => {
                                                                let e64 = {
                                                                    let l49 = *base
                                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l50 = *base
                                                                        .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len51 = l50;
                                                                    let bytes51 = _rt::Vec::from_raw_parts(
                                                                        l49.cast(),
                                                                        len51,
                                                                        len51,
                                                                    );
                                                                    _rt::string_lift(bytes51)
                                                                };
                                                                V64::Failed(e64)
                                                            }
                                                            8 => {
                                                                let e64 = {
                                                                    let l52 = *base
                                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l53 = *base
                                                                        .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len54 = l53;
                                                                    let bytes54 = _rt::Vec::from_raw_parts(
                                                                        l52.cast(),
                                                                        len54,
                                                                        len54,
                                                                    );
                                                                    _rt::string_lift(bytes54)
                                                                };
                                                                V64::Rejected(e64)
                                                            }
                                                            9 => {
                                                                let e64 = {
                                                                    let l55 = *base
                                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l56 = *base
                                                                        .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len57 = l56;
                                                                    let bytes57 = _rt::Vec::from_raw_parts(
                                                                        l55.cast(),
                                                                        len57,
                                                                        len57,
                                                                    );
                                                                    _rt::string_lift(bytes57)
                                                                };
                                                                V64::Unavailable(e64)
                                                            }
                                                            n => {
                                                                debug_assert_eq!(n, 10, "invalid enum discriminant");
                                                                let e64 = {
                                                                    let l58 = *base
                                                                        .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l59 = *base
                                                                        .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len60 = l59;
                                                                    let bytes60 = _rt::Vec::from_raw_parts(
                                                                        l58.cast(),
                                                                        len60,
                                                                        len60,
                                                                    );
                                                                    let l61 = *base
                                                                        .add(16 + 4 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<*mut u8>();
                                                                    let l62 = *base
                                                                        .add(16 + 5 * ::core::mem::size_of::<*const u8>())
                                                                        .cast::<usize>();
                                                                    let len63 = l62;
                                                                    let bytes63 = _rt::Vec::from_raw_parts(
                                                                        l61.cast(),
                                                                        len63,
                                                                        len63,
                                                                    );
                                                                    (_rt::string_lift(bytes60), _rt::string_lift(bytes63))
                                                                };
                                                                V64::Other(e64)
                                                            }
                                                        };
                                                        v64
                                                    };
                                                    Err(e)
                                                }
                                                _ => _rt::invalid_enum_discriminant(),
                                            },
                                        }
                                    };
                                    result65.push(e65);
                                }
                                _rt::cabi_dealloc(
                                    base65,
                                    len65 * (8 + 12 * ::core::mem::size_of::<*const u8>()),
                                    8,
                                );
                                let l66 = *ptr11
                                    .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<i32>();
                                Answers {
                                    answers: result65,
                                    missing: l66 as u32,
                                }
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l67 = i32::from(*ptr11.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V91;
                                let v91 = match l67 {
                                    0 => {
                                        let e91 = {
                                            let l68 = *ptr11.add(16).cast::<*mut u8>();
                                            let l69 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len70 = l69;
                                            let bytes70 = _rt::Vec::from_raw_parts(
                                                l68.cast(),
                                                len70,
                                                len70,
                                            );
                                            _rt::string_lift(bytes70)
                                        };
                                        V91::Denied(e91)
                                    }
                                    1 => {
                                        let e91 = {
                                            let l71 = *ptr11.add(16).cast::<*mut u8>();
                                            let l72 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len73 = l72;
                                            let bytes73 = _rt::Vec::from_raw_parts(
                                                l71.cast(),
                                                len73,
                                                len73,
                                            );
                                            _rt::string_lift(bytes73)
                                        };
                                        V91::Invalid(e91)
                                    }
                                    2 => {
                                        let e91 = {
                                            let l74 = *ptr11.add(16).cast::<i64>();
                                            l74 as u64
                                        };
                                        V91::TooLarge(e91)
                                    }
                                    3 => {
                                        let e91 = {
                                            let l75 = *ptr11.add(16).cast::<i64>();
                                            l75 as u64
                                        };
                                        V91::Overloaded(e91)
                                    }
                                    4 => V91::NoResponder,
                                    5 => V91::Timeout,
                                    6 => V91::Deadlock,
                                    7 => {
                                        let e91 = {
                                            let l76 = *ptr11.add(16).cast::<*mut u8>();
                                            let l77 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len78 = l77;
                                            let bytes78 = _rt::Vec::from_raw_parts(
                                                l76.cast(),
                                                len78,
                                                len78,
                                            );
                                            _rt::string_lift(bytes78)
                                        };
                                        V91::Failed(e91)
                                    }
                                    8 => {
                                        let e91 = {
                                            let l79 = *ptr11.add(16).cast::<*mut u8>();
                                            let l80 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len81 = l80;
                                            let bytes81 = _rt::Vec::from_raw_parts(
                                                l79.cast(),
                                                len81,
                                                len81,
                                            );
                                            _rt::string_lift(bytes81)
                                        };
                                        V91::Rejected(e91)
                                    }
                                    9 => {
                                        let e91 = {
                                            let l82 = *ptr11.add(16).cast::<*mut u8>();
                                            let l83 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len84 = l83;
                                            let bytes84 = _rt::Vec::from_raw_parts(
                                                l82.cast(),
                                                len84,
                                                len84,
                                            );
                                            _rt::string_lift(bytes84)
                                        };
                                        V91::Unavailable(e91)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e91 = {
                                            let l85 = *ptr11.add(16).cast::<*mut u8>();
                                            let l86 = *ptr11
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len87 = l86;
                                            let bytes87 = _rt::Vec::from_raw_parts(
                                                l85.cast(),
                                                len87,
                                                len87,
                                            );
                                            let l88 = *ptr11
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l89 = *ptr11
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len90 = l89;
                                            let bytes90 = _rt::Vec::from_raw_parts(
                                                l88.cast(),
                                                len90,
                                                len90,
                                            );
                                            (_rt::string_lift(bytes87), _rt::string_lift(bytes90))
                                        };
                                        V91::Other(e91)
                                    }
                                };
                                v91
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result92
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// A page of the kept values that match, in the order of their channels, behind the channel `after`; an empty page
            /// is the end. It has at most `limit` values (0: as many as fit) and seldom more than 1 MiB. The pattern must lie
            /// within one that the plugin subscribes to, or may by its configuration's `subscribes`.
            #[allow(async_fn_in_trait)]
            pub fn kept_values(
                pattern: &str,
                after: Option<&str>,
                limit: u32,
            ) -> Result<_rt::Vec<Kept>, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = pattern;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let (result2_0, result2_1, result2_2) = match after {
                        Some(e) => {
                            let vec1 = e;
                            let ptr1 = vec1.as_ptr().cast::<u8>();
                            let len1 = vec1.len();
                            (1i32, ptr1.cast_mut(), len1)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let ptr3 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/bus@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "kept-values"]
                        fn wit_import4(
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import4(
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import4(
                        ptr0.cast_mut(),
                        len0,
                        result2_0,
                        result2_1,
                        result2_2,
                        _rt::as_i32(&limit),
                        ptr3,
                    );
                    let l5 = i32::from(*ptr3.add(0).cast::<u8>());
                    let result61 = match l5 {
                        0 => {
                            let e = {
                                let l6 = *ptr3.add(8).cast::<*mut u8>();
                                let l7 = *ptr3
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base35 = l6;
                                let len35 = l7;
                                let mut result35 = _rt::Vec::with_capacity(len35);
                                for i in 0..len35 {
                                    let base = base35
                                        .add(i * (8 + 14 * ::core::mem::size_of::<*const u8>()));
                                    let e35 = {
                                        let l8 = *base.add(0).cast::<*mut u8>();
                                        let l9 = *base
                                            .add(::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let len10 = l9;
                                        let bytes10 = _rt::Vec::from_raw_parts(
                                            l8.cast(),
                                            len10,
                                            len10,
                                        );
                                        let l11 = *base
                                            .add(2 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l12 = *base
                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let len13 = l12;
                                        let l14 = i32::from(
                                            *base
                                                .add(4 * ::core::mem::size_of::<*const u8>())
                                                .cast::<u8>(),
                                        );
                                        let l18 = i32::from(
                                            *base
                                                .add(7 * ::core::mem::size_of::<*const u8>())
                                                .cast::<u8>(),
                                        );
                                        let l22 = *base
                                            .add(10 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l23 = *base
                                            .add(11 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let base30 = l22;
                                        let len30 = l23;
                                        let mut result30 = _rt::Vec::with_capacity(len30);
                                        for i in 0..len30 {
                                            let base = base30
                                                .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                            let e30 = {
                                                let l24 = *base.add(0).cast::<*mut u8>();
                                                let l25 = *base
                                                    .add(::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len26 = l25;
                                                let bytes26 = _rt::Vec::from_raw_parts(
                                                    l24.cast(),
                                                    len26,
                                                    len26,
                                                );
                                                let l27 = *base
                                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l28 = *base
                                                    .add(3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let len29 = l28;
                                                let bytes29 = _rt::Vec::from_raw_parts(
                                                    l27.cast(),
                                                    len29,
                                                    len29,
                                                );
                                                (_rt::string_lift(bytes26), _rt::string_lift(bytes29))
                                            };
                                            result30.push(e30);
                                        }
                                        _rt::cabi_dealloc(
                                            base30,
                                            len30 * (4 * ::core::mem::size_of::<*const u8>()),
                                            ::core::mem::size_of::<*const u8>(),
                                        );
                                        let l31 = *base
                                            .add(12 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l32 = *base
                                            .add(13 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let len33 = l32;
                                        let bytes33 = _rt::Vec::from_raw_parts(
                                            l31.cast(),
                                            len33,
                                            len33,
                                        );
                                        let l34 = *base
                                            .add(14 * ::core::mem::size_of::<*const u8>())
                                            .cast::<i64>();
                                        Kept {
                                            channel: _rt::string_lift(bytes10),
                                            message: super::super::super::hive::node::types::Message {
                                                payload: <_ as From<
                                                    _rt::Vec<_>,
                                                >>::from(
                                                    _rt::Vec::from_raw_parts(l11.cast(), len13, len13),
                                                ),
                                                content_type: match l14 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l15 = *base
                                                                .add(5 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<*mut u8>();
                                                            let l16 = *base
                                                                .add(6 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len17 = l16;
                                                            let bytes17 = _rt::Vec::from_raw_parts(
                                                                l15.cast(),
                                                                len17,
                                                                len17,
                                                            );
                                                            _rt::string_lift(bytes17)
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                key: match l18 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l19 = *base
                                                                .add(8 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<*mut u8>();
                                                            let l20 = *base
                                                                .add(9 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len21 = l20;
                                                            let bytes21 = _rt::Vec::from_raw_parts(
                                                                l19.cast(),
                                                                len21,
                                                                len21,
                                                            );
                                                            _rt::string_lift(bytes21)
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                headers: result30,
                                            },
                                            id: _rt::string_lift(bytes33),
                                            published_at: l34 as u64,
                                        }
                                    };
                                    result35.push(e35);
                                }
                                _rt::cabi_dealloc(
                                    base35,
                                    len35 * (8 + 14 * ::core::mem::size_of::<*const u8>()),
                                    8,
                                );
                                result35
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l36 = i32::from(*ptr3.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V60;
                                let v60 = match l36 {
                                    0 => {
                                        let e60 = {
                                            let l37 = *ptr3.add(16).cast::<*mut u8>();
                                            let l38 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len39 = l38;
                                            let bytes39 = _rt::Vec::from_raw_parts(
                                                l37.cast(),
                                                len39,
                                                len39,
                                            );
                                            _rt::string_lift(bytes39)
                                        };
                                        V60::Denied(e60)
                                    }
                                    1 => {
                                        let e60 = {
                                            let l40 = *ptr3.add(16).cast::<*mut u8>();
                                            let l41 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len42 = l41;
                                            let bytes42 = _rt::Vec::from_raw_parts(
                                                l40.cast(),
                                                len42,
                                                len42,
                                            );
                                            _rt::string_lift(bytes42)
                                        };
                                        V60::Invalid(e60)
                                    }
                                    2 => {
                                        let e60 = {
                                            let l43 = *ptr3.add(16).cast::<i64>();
                                            l43 as u64
                                        };
                                        V60::TooLarge(e60)
                                    }
                                    3 => {
                                        let e60 = {
                                            let l44 = *ptr3.add(16).cast::<i64>();
                                            l44 as u64
                                        };
                                        V60::Overloaded(e60)
                                    }
                                    4 => V60::NoResponder,
                                    5 => V60::Timeout,
                                    6 => V60::Deadlock,
                                    7 => {
                                        let e60 = {
                                            let l45 = *ptr3.add(16).cast::<*mut u8>();
                                            let l46 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len47 = l46;
                                            let bytes47 = _rt::Vec::from_raw_parts(
                                                l45.cast(),
                                                len47,
                                                len47,
                                            );
                                            _rt::string_lift(bytes47)
                                        };
                                        V60::Failed(e60)
                                    }
                                    8 => {
                                        let e60 = {
                                            let l48 = *ptr3.add(16).cast::<*mut u8>();
                                            let l49 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len50 = l49;
                                            let bytes50 = _rt::Vec::from_raw_parts(
                                                l48.cast(),
                                                len50,
                                                len50,
                                            );
                                            _rt::string_lift(bytes50)
                                        };
                                        V60::Rejected(e60)
                                    }
                                    9 => {
                                        let e60 = {
                                            let l51 = *ptr3.add(16).cast::<*mut u8>();
                                            let l52 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len53 = l52;
                                            let bytes53 = _rt::Vec::from_raw_parts(
                                                l51.cast(),
                                                len53,
                                                len53,
                                            );
                                            _rt::string_lift(bytes53)
                                        };
                                        V60::Unavailable(e60)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e60 = {
                                            let l54 = *ptr3.add(16).cast::<*mut u8>();
                                            let l55 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len56 = l55;
                                            let bytes56 = _rt::Vec::from_raw_parts(
                                                l54.cast(),
                                                len56,
                                                len56,
                                            );
                                            let l57 = *ptr3
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l58 = *ptr3
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len59 = l58;
                                            let bytes59 = _rt::Vec::from_raw_parts(
                                                l57.cast(),
                                                len59,
                                                len59,
                                            );
                                            (_rt::string_lift(bytes56), _rt::string_lift(bytes59))
                                        };
                                        V60::Other(e60)
                                    }
                                };
                                v60
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result61
                }
            }
        }
        /// Lines in the node's log, under the plugin's name.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod log {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            #[repr(u8)]
            #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
            pub enum Level {
                Trace,
                Debug,
                Info,
                Warn,
                Error,
            }
            impl ::core::fmt::Debug for Level {
                fn fmt(
                    &self,
                    f: &mut ::core::fmt::Formatter<'_>,
                ) -> ::core::fmt::Result {
                    match self {
                        Level::Trace => f.debug_tuple("Level::Trace").finish(),
                        Level::Debug => f.debug_tuple("Level::Debug").finish(),
                        Level::Info => f.debug_tuple("Level::Info").finish(),
                        Level::Warn => f.debug_tuple("Level::Warn").finish(),
                        Level::Error => f.debug_tuple("Level::Error").finish(),
                    }
                }
            }
            impl Level {
                #[doc(hidden)]
                pub unsafe fn _lift(val: u8) -> Level {
                    if !cfg!(debug_assertions) {
                        return unsafe { ::core::mem::transmute(val) };
                    }
                    match val {
                        0 => Level::Trace,
                        1 => Level::Debug,
                        2 => Level::Info,
                        3 => Level::Warn,
                        4 => Level::Error,
                        _ => panic!("invalid enum discriminant"),
                    }
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Below the configured level the text need not be made.
            #[allow(async_fn_in_trait)]
            pub fn enabled(level: Level) -> bool {
                unsafe {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/log@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "enabled"]
                        fn wit_import0(_: i32) -> i32;
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import0(_: i32) -> i32 {
                        unreachable!()
                    }
                    let ret = wit_import0(level.clone() as i32);
                    _rt::bool_lift(ret as u8)
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            #[allow(async_fn_in_trait)]
            pub fn log(
                level: Level,
                message: &str,
                fields: &[(_rt::String, _rt::String)],
            ) -> () {
                unsafe {
                    let vec0 = message;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let vec4 = fields;
                    let len4 = vec4.len();
                    let layout4 = _rt::alloc::Layout::from_size_align(
                            vec4.len() * (4 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result4, _cleanup4) = wit_bindgen::rt::Cleanup::new(layout4);
                    for (i, e) in vec4.into_iter().enumerate() {
                        let base = result4
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        {
                            let (t1_0, t1_1) = e;
                            let vec2 = t1_0;
                            let ptr2 = vec2.as_ptr().cast::<u8>();
                            let len2 = vec2.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len2;
                            *base.add(0).cast::<*mut u8>() = ptr2.cast_mut();
                            let vec3 = t1_1;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len3;
                            *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>() = ptr3.cast_mut();
                        }
                    }
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/log@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "log"]
                        fn wit_import5(
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import5(
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                    ) {
                        unreachable!()
                    }
                    wit_import5(
                        level.clone() as i32,
                        ptr0.cast_mut(),
                        len0,
                        result4,
                        len4,
                    );
                }
            }
        }
        /// A small durable store: of this plugin, on this node, kept across reloads and restarts. On a node that has no data
        /// directory it is kept in memory.
        ///
        /// Other instances of the plugin see at once what a call writes. It gets to disk as a whole when the call is over, within
        /// about a second; of an event that is kept for the plugin (a group's, or one of a durable channel) the outcome counts when
        /// it is there. `flush` waits for the disk in between. A handler that returns a failure keeps what it wrote. Of a call that
        /// traps or is cut, or whose node is killed meanwhile, nothing is left but what it flushed; a call that writes more than
        /// 8 MiB flushes on the way. What another call built on a value in the meantime is that call's own.
        ///
        /// Keys have 1 to 1,024 bytes, values at most 1 MiB; past the plugin's quota a write is `too-large`.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod state {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            pub type Error = super::super::super::hive::node::types::Error;
            #[allow(unused_unsafe, clippy::all)]
            #[allow(async_fn_in_trait)]
            pub fn get(key: &str) -> Result<Option<_rt::Vec<u8>>, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = key;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/state@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "get"]
                        fn wit_import2(_: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(_: *mut u8, _: usize, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import2(ptr0.cast_mut(), len0, ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result33 = match l3 {
                        0 => {
                            let e = {
                                let l4 = i32::from(*ptr1.add(8).cast::<u8>());
                                match l4 {
                                    0 => None,
                                    1 => {
                                        let e = {
                                            let l5 = *ptr1
                                                .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l6 = *ptr1
                                                .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len7 = l6;
                                            <_ as From<
                                                _rt::Vec<_>,
                                            >>::from(_rt::Vec::from_raw_parts(l5.cast(), len7, len7))
                                        };
                                        Some(e)
                                    }
                                    _ => _rt::invalid_enum_discriminant(),
                                }
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l8 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V32;
                                let v32 = match l8 {
                                    0 => {
                                        let e32 = {
                                            let l9 = *ptr1.add(16).cast::<*mut u8>();
                                            let l10 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len11 = l10;
                                            let bytes11 = _rt::Vec::from_raw_parts(
                                                l9.cast(),
                                                len11,
                                                len11,
                                            );
                                            _rt::string_lift(bytes11)
                                        };
                                        V32::Denied(e32)
                                    }
                                    1 => {
                                        let e32 = {
                                            let l12 = *ptr1.add(16).cast::<*mut u8>();
                                            let l13 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len14 = l13;
                                            let bytes14 = _rt::Vec::from_raw_parts(
                                                l12.cast(),
                                                len14,
                                                len14,
                                            );
                                            _rt::string_lift(bytes14)
                                        };
                                        V32::Invalid(e32)
                                    }
                                    2 => {
                                        let e32 = {
                                            let l15 = *ptr1.add(16).cast::<i64>();
                                            l15 as u64
                                        };
                                        V32::TooLarge(e32)
                                    }
                                    3 => {
                                        let e32 = {
                                            let l16 = *ptr1.add(16).cast::<i64>();
                                            l16 as u64
                                        };
                                        V32::Overloaded(e32)
                                    }
                                    4 => V32::NoResponder,
                                    5 => V32::Timeout,
                                    6 => V32::Deadlock,
                                    7 => {
                                        let e32 = {
                                            let l17 = *ptr1.add(16).cast::<*mut u8>();
                                            let l18 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len19 = l18;
                                            let bytes19 = _rt::Vec::from_raw_parts(
                                                l17.cast(),
                                                len19,
                                                len19,
                                            );
                                            _rt::string_lift(bytes19)
                                        };
                                        V32::Failed(e32)
                                    }
                                    8 => {
                                        let e32 = {
                                            let l20 = *ptr1.add(16).cast::<*mut u8>();
                                            let l21 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len22 = l21;
                                            let bytes22 = _rt::Vec::from_raw_parts(
                                                l20.cast(),
                                                len22,
                                                len22,
                                            );
                                            _rt::string_lift(bytes22)
                                        };
                                        V32::Rejected(e32)
                                    }
                                    9 => {
                                        let e32 = {
                                            let l23 = *ptr1.add(16).cast::<*mut u8>();
                                            let l24 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len25 = l24;
                                            let bytes25 = _rt::Vec::from_raw_parts(
                                                l23.cast(),
                                                len25,
                                                len25,
                                            );
                                            _rt::string_lift(bytes25)
                                        };
                                        V32::Unavailable(e32)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e32 = {
                                            let l26 = *ptr1.add(16).cast::<*mut u8>();
                                            let l27 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            let l29 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l30 = *ptr1
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len31 = l30;
                                            let bytes31 = _rt::Vec::from_raw_parts(
                                                l29.cast(),
                                                len31,
                                                len31,
                                            );
                                            (_rt::string_lift(bytes28), _rt::string_lift(bytes31))
                                        };
                                        V32::Other(e32)
                                    }
                                };
                                v32
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result33
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// At most 256 keys, answered in the order asked. Values that are over 16 MiB together are `too-large`.
            #[allow(async_fn_in_trait)]
            pub fn get_each(
                keys: &[_rt::String],
            ) -> Result<_rt::Vec<Option<_rt::Vec<u8>>>, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec1 = keys;
                    let len1 = vec1.len();
                    let layout1 = _rt::alloc::Layout::from_size_align(
                            vec1.len() * (2 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                    let (result1, _cleanup1) = wit_bindgen::rt::Cleanup::new(layout1);
                    for (i, e) in vec1.into_iter().enumerate() {
                        let base = result1
                            .add(i * (2 * ::core::mem::size_of::<*const u8>()));
                        {
                            let vec0 = e;
                            let ptr0 = vec0.as_ptr().cast::<u8>();
                            let len0 = vec0.len();
                            *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>() = len0;
                            *base.add(0).cast::<*mut u8>() = ptr0.cast_mut();
                        }
                    }
                    let ptr2 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/state@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "get-each"]
                        fn wit_import3(_: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import3(_: *mut u8, _: usize, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import3(result1, len1, ptr2);
                    let l4 = i32::from(*ptr2.add(0).cast::<u8>());
                    let result37 = match l4 {
                        0 => {
                            let e = {
                                let l5 = *ptr2.add(8).cast::<*mut u8>();
                                let l6 = *ptr2
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base11 = l5;
                                let len11 = l6;
                                let mut result11 = _rt::Vec::with_capacity(len11);
                                for i in 0..len11 {
                                    let base = base11
                                        .add(i * (3 * ::core::mem::size_of::<*const u8>()));
                                    let e11 = {
                                        let l7 = i32::from(*base.add(0).cast::<u8>());
                                        match l7 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l8 = *base
                                                        .add(::core::mem::size_of::<*const u8>())
                                                        .cast::<*mut u8>();
                                                    let l9 = *base
                                                        .add(2 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len10 = l9;
                                                    <_ as From<
                                                        _rt::Vec<_>,
                                                    >>::from(_rt::Vec::from_raw_parts(l8.cast(), len10, len10))
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        }
                                    };
                                    result11.push(e11);
                                }
                                _rt::cabi_dealloc(
                                    base11,
                                    len11 * (3 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                                result11
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l12 = i32::from(*ptr2.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V36;
                                let v36 = match l12 {
                                    0 => {
                                        let e36 = {
                                            let l13 = *ptr2.add(16).cast::<*mut u8>();
                                            let l14 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len15 = l14;
                                            let bytes15 = _rt::Vec::from_raw_parts(
                                                l13.cast(),
                                                len15,
                                                len15,
                                            );
                                            _rt::string_lift(bytes15)
                                        };
                                        V36::Denied(e36)
                                    }
                                    1 => {
                                        let e36 = {
                                            let l16 = *ptr2.add(16).cast::<*mut u8>();
                                            let l17 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len18 = l17;
                                            let bytes18 = _rt::Vec::from_raw_parts(
                                                l16.cast(),
                                                len18,
                                                len18,
                                            );
                                            _rt::string_lift(bytes18)
                                        };
                                        V36::Invalid(e36)
                                    }
                                    2 => {
                                        let e36 = {
                                            let l19 = *ptr2.add(16).cast::<i64>();
                                            l19 as u64
                                        };
                                        V36::TooLarge(e36)
                                    }
                                    3 => {
                                        let e36 = {
                                            let l20 = *ptr2.add(16).cast::<i64>();
                                            l20 as u64
                                        };
                                        V36::Overloaded(e36)
                                    }
                                    4 => V36::NoResponder,
                                    5 => V36::Timeout,
                                    6 => V36::Deadlock,
                                    7 => {
                                        let e36 = {
                                            let l21 = *ptr2.add(16).cast::<*mut u8>();
                                            let l22 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len23 = l22;
                                            let bytes23 = _rt::Vec::from_raw_parts(
                                                l21.cast(),
                                                len23,
                                                len23,
                                            );
                                            _rt::string_lift(bytes23)
                                        };
                                        V36::Failed(e36)
                                    }
                                    8 => {
                                        let e36 = {
                                            let l24 = *ptr2.add(16).cast::<*mut u8>();
                                            let l25 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len26 = l25;
                                            let bytes26 = _rt::Vec::from_raw_parts(
                                                l24.cast(),
                                                len26,
                                                len26,
                                            );
                                            _rt::string_lift(bytes26)
                                        };
                                        V36::Rejected(e36)
                                    }
                                    9 => {
                                        let e36 = {
                                            let l27 = *ptr2.add(16).cast::<*mut u8>();
                                            let l28 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len29 = l28;
                                            let bytes29 = _rt::Vec::from_raw_parts(
                                                l27.cast(),
                                                len29,
                                                len29,
                                            );
                                            _rt::string_lift(bytes29)
                                        };
                                        V36::Unavailable(e36)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e36 = {
                                            let l30 = *ptr2.add(16).cast::<*mut u8>();
                                            let l31 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len32 = l31;
                                            let bytes32 = _rt::Vec::from_raw_parts(
                                                l30.cast(),
                                                len32,
                                                len32,
                                            );
                                            let l33 = *ptr2
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l34 = *ptr2
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len35 = l34;
                                            let bytes35 = _rt::Vec::from_raw_parts(
                                                l33.cast(),
                                                len35,
                                                len35,
                                            );
                                            (_rt::string_lift(bytes32), _rt::string_lift(bytes35))
                                        };
                                        V36::Other(e36)
                                    }
                                };
                                v36
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result37
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// From `ttl-ms` milliseconds later on, at least 1, the key is not there any more; none: it stays.
            #[allow(async_fn_in_trait)]
            pub fn set(
                key: &str,
                value: &[u8],
                ttl_ms: Option<u64>,
            ) -> Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = key;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let vec1 = value;
                    let ptr1 = vec1.as_ptr().cast::<u8>();
                    let len1 = vec1.len();
                    let (result2_0, result2_1) = match ttl_ms {
                        Some(e) => (1i32, _rt::as_i64(e)),
                        None => (0i32, 0i64),
                    };
                    let ptr3 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/state@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "set"]
                        fn wit_import4(
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: i64,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import4(
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: i64,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import4(
                        ptr0.cast_mut(),
                        len0,
                        ptr1.cast_mut(),
                        len1,
                        result2_0,
                        result2_1,
                        ptr3,
                    );
                    let l5 = i32::from(*ptr3.add(0).cast::<u8>());
                    let result31 = match l5 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l6 = i32::from(*ptr3.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V30;
                                let v30 = match l6 {
                                    0 => {
                                        let e30 = {
                                            let l7 = *ptr3.add(16).cast::<*mut u8>();
                                            let l8 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len9 = l8;
                                            let bytes9 = _rt::Vec::from_raw_parts(
                                                l7.cast(),
                                                len9,
                                                len9,
                                            );
                                            _rt::string_lift(bytes9)
                                        };
                                        V30::Denied(e30)
                                    }
                                    1 => {
                                        let e30 = {
                                            let l10 = *ptr3.add(16).cast::<*mut u8>();
                                            let l11 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len12 = l11;
                                            let bytes12 = _rt::Vec::from_raw_parts(
                                                l10.cast(),
                                                len12,
                                                len12,
                                            );
                                            _rt::string_lift(bytes12)
                                        };
                                        V30::Invalid(e30)
                                    }
                                    2 => {
                                        let e30 = {
                                            let l13 = *ptr3.add(16).cast::<i64>();
                                            l13 as u64
                                        };
                                        V30::TooLarge(e30)
                                    }
                                    3 => {
                                        let e30 = {
                                            let l14 = *ptr3.add(16).cast::<i64>();
                                            l14 as u64
                                        };
                                        V30::Overloaded(e30)
                                    }
                                    4 => V30::NoResponder,
                                    5 => V30::Timeout,
                                    6 => V30::Deadlock,
                                    7 => {
                                        let e30 = {
                                            let l15 = *ptr3.add(16).cast::<*mut u8>();
                                            let l16 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len17 = l16;
                                            let bytes17 = _rt::Vec::from_raw_parts(
                                                l15.cast(),
                                                len17,
                                                len17,
                                            );
                                            _rt::string_lift(bytes17)
                                        };
                                        V30::Failed(e30)
                                    }
                                    8 => {
                                        let e30 = {
                                            let l18 = *ptr3.add(16).cast::<*mut u8>();
                                            let l19 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len20 = l19;
                                            let bytes20 = _rt::Vec::from_raw_parts(
                                                l18.cast(),
                                                len20,
                                                len20,
                                            );
                                            _rt::string_lift(bytes20)
                                        };
                                        V30::Rejected(e30)
                                    }
                                    9 => {
                                        let e30 = {
                                            let l21 = *ptr3.add(16).cast::<*mut u8>();
                                            let l22 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len23 = l22;
                                            let bytes23 = _rt::Vec::from_raw_parts(
                                                l21.cast(),
                                                len23,
                                                len23,
                                            );
                                            _rt::string_lift(bytes23)
                                        };
                                        V30::Unavailable(e30)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e30 = {
                                            let l24 = *ptr3.add(16).cast::<*mut u8>();
                                            let l25 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len26 = l25;
                                            let bytes26 = _rt::Vec::from_raw_parts(
                                                l24.cast(),
                                                len26,
                                                len26,
                                            );
                                            let l27 = *ptr3
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l28 = *ptr3
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len29 = l28;
                                            let bytes29 = _rt::Vec::from_raw_parts(
                                                l27.cast(),
                                                len29,
                                                len29,
                                            );
                                            (_rt::string_lift(bytes26), _rt::string_lift(bytes29))
                                        };
                                        V30::Other(e30)
                                    }
                                };
                                v30
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result31
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Deleting what is not there is fine.
            #[allow(async_fn_in_trait)]
            pub fn delete(key: &str) -> Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = key;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/state@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "delete"]
                        fn wit_import2(_: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(_: *mut u8, _: usize, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import2(ptr0.cast_mut(), len0, ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result29 = match l3 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l4 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V28;
                                let v28 = match l4 {
                                    0 => {
                                        let e28 = {
                                            let l5 = *ptr1.add(16).cast::<*mut u8>();
                                            let l6 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len7 = l6;
                                            let bytes7 = _rt::Vec::from_raw_parts(
                                                l5.cast(),
                                                len7,
                                                len7,
                                            );
                                            _rt::string_lift(bytes7)
                                        };
                                        V28::Denied(e28)
                                    }
                                    1 => {
                                        let e28 = {
                                            let l8 = *ptr1.add(16).cast::<*mut u8>();
                                            let l9 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len10 = l9;
                                            let bytes10 = _rt::Vec::from_raw_parts(
                                                l8.cast(),
                                                len10,
                                                len10,
                                            );
                                            _rt::string_lift(bytes10)
                                        };
                                        V28::Invalid(e28)
                                    }
                                    2 => {
                                        let e28 = {
                                            let l11 = *ptr1.add(16).cast::<i64>();
                                            l11 as u64
                                        };
                                        V28::TooLarge(e28)
                                    }
                                    3 => {
                                        let e28 = {
                                            let l12 = *ptr1.add(16).cast::<i64>();
                                            l12 as u64
                                        };
                                        V28::Overloaded(e28)
                                    }
                                    4 => V28::NoResponder,
                                    5 => V28::Timeout,
                                    6 => V28::Deadlock,
                                    7 => {
                                        let e28 = {
                                            let l13 = *ptr1.add(16).cast::<*mut u8>();
                                            let l14 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len15 = l14;
                                            let bytes15 = _rt::Vec::from_raw_parts(
                                                l13.cast(),
                                                len15,
                                                len15,
                                            );
                                            _rt::string_lift(bytes15)
                                        };
                                        V28::Failed(e28)
                                    }
                                    8 => {
                                        let e28 = {
                                            let l16 = *ptr1.add(16).cast::<*mut u8>();
                                            let l17 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len18 = l17;
                                            let bytes18 = _rt::Vec::from_raw_parts(
                                                l16.cast(),
                                                len18,
                                                len18,
                                            );
                                            _rt::string_lift(bytes18)
                                        };
                                        V28::Rejected(e28)
                                    }
                                    9 => {
                                        let e28 = {
                                            let l19 = *ptr1.add(16).cast::<*mut u8>();
                                            let l20 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len21 = l20;
                                            let bytes21 = _rt::Vec::from_raw_parts(
                                                l19.cast(),
                                                len21,
                                                len21,
                                            );
                                            _rt::string_lift(bytes21)
                                        };
                                        V28::Unavailable(e28)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e28 = {
                                            let l22 = *ptr1.add(16).cast::<*mut u8>();
                                            let l23 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len24 = l23;
                                            let bytes24 = _rt::Vec::from_raw_parts(
                                                l22.cast(),
                                                len24,
                                                len24,
                                            );
                                            let l25 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l26 = *ptr1
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len27 = l26;
                                            let bytes27 = _rt::Vec::from_raw_parts(
                                                l25.cast(),
                                                len27,
                                                len27,
                                            );
                                            (_rt::string_lift(bytes24), _rt::string_lift(bytes27))
                                        };
                                        V28::Other(e28)
                                    }
                                };
                                v28
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result29
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Up to `limit` keys (0: as many as fit, at most 1,000) that begin with `prefix`, in order, behind `after`; an empty
            /// page is the end.
            #[allow(async_fn_in_trait)]
            pub fn keys(
                prefix: &str,
                after: Option<&str>,
                limit: u32,
            ) -> Result<_rt::Vec<_rt::String>, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = prefix;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let (result2_0, result2_1, result2_2) = match after {
                        Some(e) => {
                            let vec1 = e;
                            let ptr1 = vec1.as_ptr().cast::<u8>();
                            let len1 = vec1.len();
                            (1i32, ptr1.cast_mut(), len1)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let ptr3 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/state@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "keys"]
                        fn wit_import4(
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import4(
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import4(
                        ptr0.cast_mut(),
                        len0,
                        result2_0,
                        result2_1,
                        result2_2,
                        _rt::as_i32(&limit),
                        ptr3,
                    );
                    let l5 = i32::from(*ptr3.add(0).cast::<u8>());
                    let result37 = match l5 {
                        0 => {
                            let e = {
                                let l6 = *ptr3.add(8).cast::<*mut u8>();
                                let l7 = *ptr3
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base11 = l6;
                                let len11 = l7;
                                let mut result11 = _rt::Vec::with_capacity(len11);
                                for i in 0..len11 {
                                    let base = base11
                                        .add(i * (2 * ::core::mem::size_of::<*const u8>()));
                                    let e11 = {
                                        let l8 = *base.add(0).cast::<*mut u8>();
                                        let l9 = *base
                                            .add(::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let len10 = l9;
                                        let bytes10 = _rt::Vec::from_raw_parts(
                                            l8.cast(),
                                            len10,
                                            len10,
                                        );
                                        _rt::string_lift(bytes10)
                                    };
                                    result11.push(e11);
                                }
                                _rt::cabi_dealloc(
                                    base11,
                                    len11 * (2 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                                result11
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l12 = i32::from(*ptr3.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V36;
                                let v36 = match l12 {
                                    0 => {
                                        let e36 = {
                                            let l13 = *ptr3.add(16).cast::<*mut u8>();
                                            let l14 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len15 = l14;
                                            let bytes15 = _rt::Vec::from_raw_parts(
                                                l13.cast(),
                                                len15,
                                                len15,
                                            );
                                            _rt::string_lift(bytes15)
                                        };
                                        V36::Denied(e36)
                                    }
                                    1 => {
                                        let e36 = {
                                            let l16 = *ptr3.add(16).cast::<*mut u8>();
                                            let l17 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len18 = l17;
                                            let bytes18 = _rt::Vec::from_raw_parts(
                                                l16.cast(),
                                                len18,
                                                len18,
                                            );
                                            _rt::string_lift(bytes18)
                                        };
                                        V36::Invalid(e36)
                                    }
                                    2 => {
                                        let e36 = {
                                            let l19 = *ptr3.add(16).cast::<i64>();
                                            l19 as u64
                                        };
                                        V36::TooLarge(e36)
                                    }
                                    3 => {
                                        let e36 = {
                                            let l20 = *ptr3.add(16).cast::<i64>();
                                            l20 as u64
                                        };
                                        V36::Overloaded(e36)
                                    }
                                    4 => V36::NoResponder,
                                    5 => V36::Timeout,
                                    6 => V36::Deadlock,
                                    7 => {
                                        let e36 = {
                                            let l21 = *ptr3.add(16).cast::<*mut u8>();
                                            let l22 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len23 = l22;
                                            let bytes23 = _rt::Vec::from_raw_parts(
                                                l21.cast(),
                                                len23,
                                                len23,
                                            );
                                            _rt::string_lift(bytes23)
                                        };
                                        V36::Failed(e36)
                                    }
                                    8 => {
                                        let e36 = {
                                            let l24 = *ptr3.add(16).cast::<*mut u8>();
                                            let l25 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len26 = l25;
                                            let bytes26 = _rt::Vec::from_raw_parts(
                                                l24.cast(),
                                                len26,
                                                len26,
                                            );
                                            _rt::string_lift(bytes26)
                                        };
                                        V36::Rejected(e36)
                                    }
                                    9 => {
                                        let e36 = {
                                            let l27 = *ptr3.add(16).cast::<*mut u8>();
                                            let l28 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len29 = l28;
                                            let bytes29 = _rt::Vec::from_raw_parts(
                                                l27.cast(),
                                                len29,
                                                len29,
                                            );
                                            _rt::string_lift(bytes29)
                                        };
                                        V36::Unavailable(e36)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e36 = {
                                            let l30 = *ptr3.add(16).cast::<*mut u8>();
                                            let l31 = *ptr3
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len32 = l31;
                                            let bytes32 = _rt::Vec::from_raw_parts(
                                                l30.cast(),
                                                len32,
                                                len32,
                                            );
                                            let l33 = *ptr3
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l34 = *ptr3
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len35 = l34;
                                            let bytes35 = _rt::Vec::from_raw_parts(
                                                l33.cast(),
                                                len35,
                                                len35,
                                            );
                                            (_rt::string_lift(bytes32), _rt::string_lift(bytes35))
                                        };
                                        V36::Other(e36)
                                    }
                                };
                                v36
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result37
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Adds, and gives the sum. A missing key counts as 0; the sum is kept as decimal digits, and ends when the value did;
            /// `invalid` when the value is no whole number in digits, or the sum does not fit. On disk is the sum of the calls that
            /// are over.
            #[allow(async_fn_in_trait)]
            pub fn increment(key: &str, delta: i64) -> Result<i64, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = key;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/state@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "increment"]
                        fn wit_import2(_: *mut u8, _: usize, _: i64, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(
                        _: *mut u8,
                        _: usize,
                        _: i64,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import2(ptr0.cast_mut(), len0, _rt::as_i64(&delta), ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result30 = match l3 {
                        0 => {
                            let e = {
                                let l4 = *ptr1.add(8).cast::<i64>();
                                l4
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l5 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V29;
                                let v29 = match l5 {
                                    0 => {
                                        let e29 = {
                                            let l6 = *ptr1.add(16).cast::<*mut u8>();
                                            let l7 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len8 = l7;
                                            let bytes8 = _rt::Vec::from_raw_parts(
                                                l6.cast(),
                                                len8,
                                                len8,
                                            );
                                            _rt::string_lift(bytes8)
                                        };
                                        V29::Denied(e29)
                                    }
                                    1 => {
                                        let e29 = {
                                            let l9 = *ptr1.add(16).cast::<*mut u8>();
                                            let l10 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len11 = l10;
                                            let bytes11 = _rt::Vec::from_raw_parts(
                                                l9.cast(),
                                                len11,
                                                len11,
                                            );
                                            _rt::string_lift(bytes11)
                                        };
                                        V29::Invalid(e29)
                                    }
                                    2 => {
                                        let e29 = {
                                            let l12 = *ptr1.add(16).cast::<i64>();
                                            l12 as u64
                                        };
                                        V29::TooLarge(e29)
                                    }
                                    3 => {
                                        let e29 = {
                                            let l13 = *ptr1.add(16).cast::<i64>();
                                            l13 as u64
                                        };
                                        V29::Overloaded(e29)
                                    }
                                    4 => V29::NoResponder,
                                    5 => V29::Timeout,
                                    6 => V29::Deadlock,
                                    7 => {
                                        let e29 = {
                                            let l14 = *ptr1.add(16).cast::<*mut u8>();
                                            let l15 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len16 = l15;
                                            let bytes16 = _rt::Vec::from_raw_parts(
                                                l14.cast(),
                                                len16,
                                                len16,
                                            );
                                            _rt::string_lift(bytes16)
                                        };
                                        V29::Failed(e29)
                                    }
                                    8 => {
                                        let e29 = {
                                            let l17 = *ptr1.add(16).cast::<*mut u8>();
                                            let l18 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len19 = l18;
                                            let bytes19 = _rt::Vec::from_raw_parts(
                                                l17.cast(),
                                                len19,
                                                len19,
                                            );
                                            _rt::string_lift(bytes19)
                                        };
                                        V29::Rejected(e29)
                                    }
                                    9 => {
                                        let e29 = {
                                            let l20 = *ptr1.add(16).cast::<*mut u8>();
                                            let l21 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len22 = l21;
                                            let bytes22 = _rt::Vec::from_raw_parts(
                                                l20.cast(),
                                                len22,
                                                len22,
                                            );
                                            _rt::string_lift(bytes22)
                                        };
                                        V29::Unavailable(e29)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e29 = {
                                            let l23 = *ptr1.add(16).cast::<*mut u8>();
                                            let l24 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len25 = l24;
                                            let bytes25 = _rt::Vec::from_raw_parts(
                                                l23.cast(),
                                                len25,
                                                len25,
                                            );
                                            let l26 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l27 = *ptr1
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            (_rt::string_lift(bytes25), _rt::string_lift(bytes28))
                                        };
                                        V29::Other(e29)
                                    }
                                };
                                v29
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result30
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Replaces only while the value is still `expected`, none meaning that the key is not there; the value none deletes.
            /// Whether it did. From `ttl-ms` milliseconds later on, the new value is not there any more; none: it stays.
            #[allow(async_fn_in_trait)]
            pub fn swap(
                key: &str,
                expected: Option<&[u8]>,
                value: Option<&[u8]>,
                ttl_ms: Option<u64>,
            ) -> Result<bool, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = key;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let (result2_0, result2_1, result2_2) = match expected {
                        Some(e) => {
                            let vec1 = e;
                            let ptr1 = vec1.as_ptr().cast::<u8>();
                            let len1 = vec1.len();
                            (1i32, ptr1.cast_mut(), len1)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let (result4_0, result4_1, result4_2) = match value {
                        Some(e) => {
                            let vec3 = e;
                            let ptr3 = vec3.as_ptr().cast::<u8>();
                            let len3 = vec3.len();
                            (1i32, ptr3.cast_mut(), len3)
                        }
                        None => (0i32, ::core::ptr::null_mut(), 0usize),
                    };
                    let (result5_0, result5_1) = match ttl_ms {
                        Some(e) => (1i32, _rt::as_i64(e)),
                        None => (0i32, 0i64),
                    };
                    let ptr6 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/state@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "swap"]
                        fn wit_import7(
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: *mut u8,
                            _: usize,
                            _: i32,
                            _: i64,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import7(
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: *mut u8,
                        _: usize,
                        _: i32,
                        _: i64,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import7(
                        ptr0.cast_mut(),
                        len0,
                        result2_0,
                        result2_1,
                        result2_2,
                        result4_0,
                        result4_1,
                        result4_2,
                        result5_0,
                        result5_1,
                        ptr6,
                    );
                    let l8 = i32::from(*ptr6.add(0).cast::<u8>());
                    let result35 = match l8 {
                        0 => {
                            let e = {
                                let l9 = i32::from(*ptr6.add(8).cast::<u8>());
                                _rt::bool_lift(l9 as u8)
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l10 = i32::from(*ptr6.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V34;
                                let v34 = match l10 {
                                    0 => {
                                        let e34 = {
                                            let l11 = *ptr6.add(16).cast::<*mut u8>();
                                            let l12 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len13 = l12;
                                            let bytes13 = _rt::Vec::from_raw_parts(
                                                l11.cast(),
                                                len13,
                                                len13,
                                            );
                                            _rt::string_lift(bytes13)
                                        };
                                        V34::Denied(e34)
                                    }
                                    1 => {
                                        let e34 = {
                                            let l14 = *ptr6.add(16).cast::<*mut u8>();
                                            let l15 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len16 = l15;
                                            let bytes16 = _rt::Vec::from_raw_parts(
                                                l14.cast(),
                                                len16,
                                                len16,
                                            );
                                            _rt::string_lift(bytes16)
                                        };
                                        V34::Invalid(e34)
                                    }
                                    2 => {
                                        let e34 = {
                                            let l17 = *ptr6.add(16).cast::<i64>();
                                            l17 as u64
                                        };
                                        V34::TooLarge(e34)
                                    }
                                    3 => {
                                        let e34 = {
                                            let l18 = *ptr6.add(16).cast::<i64>();
                                            l18 as u64
                                        };
                                        V34::Overloaded(e34)
                                    }
                                    4 => V34::NoResponder,
                                    5 => V34::Timeout,
                                    6 => V34::Deadlock,
                                    7 => {
                                        let e34 = {
                                            let l19 = *ptr6.add(16).cast::<*mut u8>();
                                            let l20 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len21 = l20;
                                            let bytes21 = _rt::Vec::from_raw_parts(
                                                l19.cast(),
                                                len21,
                                                len21,
                                            );
                                            _rt::string_lift(bytes21)
                                        };
                                        V34::Failed(e34)
                                    }
                                    8 => {
                                        let e34 = {
                                            let l22 = *ptr6.add(16).cast::<*mut u8>();
                                            let l23 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len24 = l23;
                                            let bytes24 = _rt::Vec::from_raw_parts(
                                                l22.cast(),
                                                len24,
                                                len24,
                                            );
                                            _rt::string_lift(bytes24)
                                        };
                                        V34::Rejected(e34)
                                    }
                                    9 => {
                                        let e34 = {
                                            let l25 = *ptr6.add(16).cast::<*mut u8>();
                                            let l26 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len27 = l26;
                                            let bytes27 = _rt::Vec::from_raw_parts(
                                                l25.cast(),
                                                len27,
                                                len27,
                                            );
                                            _rt::string_lift(bytes27)
                                        };
                                        V34::Unavailable(e34)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e34 = {
                                            let l28 = *ptr6.add(16).cast::<*mut u8>();
                                            let l29 = *ptr6
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len30 = l29;
                                            let bytes30 = _rt::Vec::from_raw_parts(
                                                l28.cast(),
                                                len30,
                                                len30,
                                            );
                                            let l31 = *ptr6
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l32 = *ptr6
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len33 = l32;
                                            let bytes33 = _rt::Vec::from_raw_parts(
                                                l31.cast(),
                                                len33,
                                                len33,
                                            );
                                            (_rt::string_lift(bytes30), _rt::string_lift(bytes33))
                                        };
                                        V34::Other(e34)
                                    }
                                };
                                v34
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result35
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Waits until everything that this call has written so far is on disk.
            #[allow(async_fn_in_trait)]
            pub fn flush() -> Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/state@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "flush"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = i32::from(*ptr0.add(0).cast::<u8>());
                    let result28 = match l2 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l3 = i32::from(*ptr0.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V27;
                                let v27 = match l3 {
                                    0 => {
                                        let e27 = {
                                            let l4 = *ptr0.add(16).cast::<*mut u8>();
                                            let l5 = *ptr0
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len6 = l5;
                                            let bytes6 = _rt::Vec::from_raw_parts(
                                                l4.cast(),
                                                len6,
                                                len6,
                                            );
                                            _rt::string_lift(bytes6)
                                        };
                                        V27::Denied(e27)
                                    }
                                    1 => {
                                        let e27 = {
                                            let l7 = *ptr0.add(16).cast::<*mut u8>();
                                            let l8 = *ptr0
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len9 = l8;
                                            let bytes9 = _rt::Vec::from_raw_parts(
                                                l7.cast(),
                                                len9,
                                                len9,
                                            );
                                            _rt::string_lift(bytes9)
                                        };
                                        V27::Invalid(e27)
                                    }
                                    2 => {
                                        let e27 = {
                                            let l10 = *ptr0.add(16).cast::<i64>();
                                            l10 as u64
                                        };
                                        V27::TooLarge(e27)
                                    }
                                    3 => {
                                        let e27 = {
                                            let l11 = *ptr0.add(16).cast::<i64>();
                                            l11 as u64
                                        };
                                        V27::Overloaded(e27)
                                    }
                                    4 => V27::NoResponder,
                                    5 => V27::Timeout,
                                    6 => V27::Deadlock,
                                    7 => {
                                        let e27 = {
                                            let l12 = *ptr0.add(16).cast::<*mut u8>();
                                            let l13 = *ptr0
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len14 = l13;
                                            let bytes14 = _rt::Vec::from_raw_parts(
                                                l12.cast(),
                                                len14,
                                                len14,
                                            );
                                            _rt::string_lift(bytes14)
                                        };
                                        V27::Failed(e27)
                                    }
                                    8 => {
                                        let e27 = {
                                            let l15 = *ptr0.add(16).cast::<*mut u8>();
                                            let l16 = *ptr0
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len17 = l16;
                                            let bytes17 = _rt::Vec::from_raw_parts(
                                                l15.cast(),
                                                len17,
                                                len17,
                                            );
                                            _rt::string_lift(bytes17)
                                        };
                                        V27::Rejected(e27)
                                    }
                                    9 => {
                                        let e27 = {
                                            let l18 = *ptr0.add(16).cast::<*mut u8>();
                                            let l19 = *ptr0
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len20 = l19;
                                            let bytes20 = _rt::Vec::from_raw_parts(
                                                l18.cast(),
                                                len20,
                                                len20,
                                            );
                                            _rt::string_lift(bytes20)
                                        };
                                        V27::Unavailable(e27)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e27 = {
                                            let l21 = *ptr0.add(16).cast::<*mut u8>();
                                            let l22 = *ptr0
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len23 = l22;
                                            let bytes23 = _rt::Vec::from_raw_parts(
                                                l21.cast(),
                                                len23,
                                                len23,
                                            );
                                            let l24 = *ptr0
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l25 = *ptr0
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len26 = l25;
                                            let bytes26 = _rt::Vec::from_raw_parts(
                                                l24.cast(),
                                                len26,
                                                len26,
                                            );
                                            (_rt::string_lift(bytes23), _rt::string_lift(bytes26))
                                        };
                                        V27::Other(e27)
                                    }
                                };
                                v27
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result28
                }
            }
        }
        /// One-shot timers, set on the way. They survive reloads and restarts; what was due while the node was down fires once
        /// when the plugin is loaded again.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod timers {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            pub type Error = super::super::super::hive::node::types::Error;
            #[allow(unused_unsafe, clippy::all)]
            /// Fires once, as an event with this payload on `$timer/<name>`, to which the plugin subscribes; no grant is needed.
            /// On disk when it returns. Handled at least once: it fires again when the node is killed meanwhile. The same name
            /// again replaces it; a name of `describe`'s timers, or one that no subscription matches, is `invalid`; past 64 timers
            /// of the plugin, those of `describe` among them, or 64 KiB it is `too-large`.
            #[allow(async_fn_in_trait)]
            pub fn after(
                name: &str,
                delay_ms: u64,
                payload: &[u8],
            ) -> Result<(), Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = name;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let vec1 = payload;
                    let ptr1 = vec1.as_ptr().cast::<u8>();
                    let len1 = vec1.len();
                    let ptr2 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/timers@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "after"]
                        fn wit_import3(
                            _: *mut u8,
                            _: usize,
                            _: i64,
                            _: *mut u8,
                            _: usize,
                            _: *mut u8,
                        );
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import3(
                        _: *mut u8,
                        _: usize,
                        _: i64,
                        _: *mut u8,
                        _: usize,
                        _: *mut u8,
                    ) {
                        unreachable!()
                    }
                    wit_import3(
                        ptr0.cast_mut(),
                        len0,
                        _rt::as_i64(&delay_ms),
                        ptr1.cast_mut(),
                        len1,
                        ptr2,
                    );
                    let l4 = i32::from(*ptr2.add(0).cast::<u8>());
                    let result30 = match l4 {
                        0 => {
                            let e = ();
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l5 = i32::from(*ptr2.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V29;
                                let v29 = match l5 {
                                    0 => {
                                        let e29 = {
                                            let l6 = *ptr2.add(16).cast::<*mut u8>();
                                            let l7 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len8 = l7;
                                            let bytes8 = _rt::Vec::from_raw_parts(
                                                l6.cast(),
                                                len8,
                                                len8,
                                            );
                                            _rt::string_lift(bytes8)
                                        };
                                        V29::Denied(e29)
                                    }
                                    1 => {
                                        let e29 = {
                                            let l9 = *ptr2.add(16).cast::<*mut u8>();
                                            let l10 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len11 = l10;
                                            let bytes11 = _rt::Vec::from_raw_parts(
                                                l9.cast(),
                                                len11,
                                                len11,
                                            );
                                            _rt::string_lift(bytes11)
                                        };
                                        V29::Invalid(e29)
                                    }
                                    2 => {
                                        let e29 = {
                                            let l12 = *ptr2.add(16).cast::<i64>();
                                            l12 as u64
                                        };
                                        V29::TooLarge(e29)
                                    }
                                    3 => {
                                        let e29 = {
                                            let l13 = *ptr2.add(16).cast::<i64>();
                                            l13 as u64
                                        };
                                        V29::Overloaded(e29)
                                    }
                                    4 => V29::NoResponder,
                                    5 => V29::Timeout,
                                    6 => V29::Deadlock,
                                    7 => {
                                        let e29 = {
                                            let l14 = *ptr2.add(16).cast::<*mut u8>();
                                            let l15 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len16 = l15;
                                            let bytes16 = _rt::Vec::from_raw_parts(
                                                l14.cast(),
                                                len16,
                                                len16,
                                            );
                                            _rt::string_lift(bytes16)
                                        };
                                        V29::Failed(e29)
                                    }
                                    8 => {
                                        let e29 = {
                                            let l17 = *ptr2.add(16).cast::<*mut u8>();
                                            let l18 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len19 = l18;
                                            let bytes19 = _rt::Vec::from_raw_parts(
                                                l17.cast(),
                                                len19,
                                                len19,
                                            );
                                            _rt::string_lift(bytes19)
                                        };
                                        V29::Rejected(e29)
                                    }
                                    9 => {
                                        let e29 = {
                                            let l20 = *ptr2.add(16).cast::<*mut u8>();
                                            let l21 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len22 = l21;
                                            let bytes22 = _rt::Vec::from_raw_parts(
                                                l20.cast(),
                                                len22,
                                                len22,
                                            );
                                            _rt::string_lift(bytes22)
                                        };
                                        V29::Unavailable(e29)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e29 = {
                                            let l23 = *ptr2.add(16).cast::<*mut u8>();
                                            let l24 = *ptr2
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len25 = l24;
                                            let bytes25 = _rt::Vec::from_raw_parts(
                                                l23.cast(),
                                                len25,
                                                len25,
                                            );
                                            let l26 = *ptr2
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l27 = *ptr2
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            (_rt::string_lift(bytes25), _rt::string_lift(bytes28))
                                        };
                                        V29::Other(e29)
                                    }
                                };
                                v29
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result30
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Whether there was one that had not fired.
            #[allow(async_fn_in_trait)]
            pub fn cancel(name: &str) -> Result<bool, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = name;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/timers@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "cancel"]
                        fn wit_import2(_: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(_: *mut u8, _: usize, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import2(ptr0.cast_mut(), len0, ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result30 = match l3 {
                        0 => {
                            let e = {
                                let l4 = i32::from(*ptr1.add(8).cast::<u8>());
                                _rt::bool_lift(l4 as u8)
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l5 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V29;
                                let v29 = match l5 {
                                    0 => {
                                        let e29 = {
                                            let l6 = *ptr1.add(16).cast::<*mut u8>();
                                            let l7 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len8 = l7;
                                            let bytes8 = _rt::Vec::from_raw_parts(
                                                l6.cast(),
                                                len8,
                                                len8,
                                            );
                                            _rt::string_lift(bytes8)
                                        };
                                        V29::Denied(e29)
                                    }
                                    1 => {
                                        let e29 = {
                                            let l9 = *ptr1.add(16).cast::<*mut u8>();
                                            let l10 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len11 = l10;
                                            let bytes11 = _rt::Vec::from_raw_parts(
                                                l9.cast(),
                                                len11,
                                                len11,
                                            );
                                            _rt::string_lift(bytes11)
                                        };
                                        V29::Invalid(e29)
                                    }
                                    2 => {
                                        let e29 = {
                                            let l12 = *ptr1.add(16).cast::<i64>();
                                            l12 as u64
                                        };
                                        V29::TooLarge(e29)
                                    }
                                    3 => {
                                        let e29 = {
                                            let l13 = *ptr1.add(16).cast::<i64>();
                                            l13 as u64
                                        };
                                        V29::Overloaded(e29)
                                    }
                                    4 => V29::NoResponder,
                                    5 => V29::Timeout,
                                    6 => V29::Deadlock,
                                    7 => {
                                        let e29 = {
                                            let l14 = *ptr1.add(16).cast::<*mut u8>();
                                            let l15 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len16 = l15;
                                            let bytes16 = _rt::Vec::from_raw_parts(
                                                l14.cast(),
                                                len16,
                                                len16,
                                            );
                                            _rt::string_lift(bytes16)
                                        };
                                        V29::Failed(e29)
                                    }
                                    8 => {
                                        let e29 = {
                                            let l17 = *ptr1.add(16).cast::<*mut u8>();
                                            let l18 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len19 = l18;
                                            let bytes19 = _rt::Vec::from_raw_parts(
                                                l17.cast(),
                                                len19,
                                                len19,
                                            );
                                            _rt::string_lift(bytes19)
                                        };
                                        V29::Rejected(e29)
                                    }
                                    9 => {
                                        let e29 = {
                                            let l20 = *ptr1.add(16).cast::<*mut u8>();
                                            let l21 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len22 = l21;
                                            let bytes22 = _rt::Vec::from_raw_parts(
                                                l20.cast(),
                                                len22,
                                                len22,
                                            );
                                            _rt::string_lift(bytes22)
                                        };
                                        V29::Unavailable(e29)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e29 = {
                                            let l23 = *ptr1.add(16).cast::<*mut u8>();
                                            let l24 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len25 = l24;
                                            let bytes25 = _rt::Vec::from_raw_parts(
                                                l23.cast(),
                                                len25,
                                                len25,
                                            );
                                            let l26 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l27 = *ptr1
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len28 = l27;
                                            let bytes28 = _rt::Vec::from_raw_parts(
                                                l26.cast(),
                                                len28,
                                                len28,
                                            );
                                            (_rt::string_lift(bytes25), _rt::string_lift(bytes28))
                                        };
                                        V29::Other(e29)
                                    }
                                };
                                v29
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result30
                }
            }
        }
        /// The plugin's section of the node's configuration, nested keys joined by dots.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod config {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            #[allow(unused_unsafe, clippy::all)]
            #[allow(async_fn_in_trait)]
            pub fn get(key: &str) -> Option<_rt::String> {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 3 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 3
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = key;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/config@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "get"]
                        fn wit_import2(_: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(_: *mut u8, _: usize, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import2(ptr0.cast_mut(), len0, ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result7 = match l3 {
                        0 => None,
                        1 => {
                            let e = {
                                let l4 = *ptr1
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l5 = *ptr1
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len6 = l5;
                                let bytes6 = _rt::Vec::from_raw_parts(
                                    l4.cast(),
                                    len6,
                                    len6,
                                );
                                _rt::string_lift(bytes6)
                            };
                            Some(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result7
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            #[allow(async_fn_in_trait)]
            pub fn all() -> _rt::Vec<(_rt::String, _rt::String)> {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/config@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "all"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let base10 = l2;
                    let len10 = l3;
                    let mut result10 = _rt::Vec::with_capacity(len10);
                    for i in 0..len10 {
                        let base = base10
                            .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                        let e10 = {
                            let l4 = *base.add(0).cast::<*mut u8>();
                            let l5 = *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>();
                            let len6 = l5;
                            let bytes6 = _rt::Vec::from_raw_parts(l4.cast(), len6, len6);
                            let l7 = *base
                                .add(2 * ::core::mem::size_of::<*const u8>())
                                .cast::<*mut u8>();
                            let l8 = *base
                                .add(3 * ::core::mem::size_of::<*const u8>())
                                .cast::<usize>();
                            let len9 = l8;
                            let bytes9 = _rt::Vec::from_raw_parts(l7.cast(), len9, len9);
                            (_rt::string_lift(bytes6), _rt::string_lift(bytes9))
                        };
                        result10.push(e10);
                    }
                    _rt::cabi_dealloc(
                        base10,
                        len10 * (4 * ::core::mem::size_of::<*const u8>()),
                        ::core::mem::size_of::<*const u8>(),
                    );
                    let result11 = result10;
                    result11
                }
            }
        }
        /// Values that the node's configuration grants this plugin by name. Apart from `config`, so that they are granted apart and
        /// never printed.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod secrets {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            pub type Error = super::super::super::hive::node::types::Error;
            #[allow(unused_unsafe, clippy::all)]
            /// `denied` when the configuration grants none of that name; the text has the line to add.
            #[allow(async_fn_in_trait)]
            pub fn get(name: &str) -> Result<_rt::String, Error> {
                unsafe {
                    #[repr(align(8))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 16 + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 16
                            + 4 * ::core::mem::size_of::<*const u8>()],
                    );
                    let vec0 = name;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    let ptr1 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/secrets@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "get"]
                        fn wit_import2(_: *mut u8, _: usize, _: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import2(_: *mut u8, _: usize, _: *mut u8) {
                        unreachable!()
                    }
                    wit_import2(ptr0.cast_mut(), len0, ptr1);
                    let l3 = i32::from(*ptr1.add(0).cast::<u8>());
                    let result32 = match l3 {
                        0 => {
                            let e = {
                                let l4 = *ptr1.add(8).cast::<*mut u8>();
                                let l5 = *ptr1
                                    .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let len6 = l5;
                                let bytes6 = _rt::Vec::from_raw_parts(
                                    l4.cast(),
                                    len6,
                                    len6,
                                );
                                _rt::string_lift(bytes6)
                            };
                            Ok(e)
                        }
                        1 => {
                            let e = {
                                let l7 = i32::from(*ptr1.add(8).cast::<u8>());
                                use super::super::super::hive::node::types::Error as V31;
                                let v31 = match l7 {
                                    0 => {
                                        let e31 = {
                                            let l8 = *ptr1.add(16).cast::<*mut u8>();
                                            let l9 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len10 = l9;
                                            let bytes10 = _rt::Vec::from_raw_parts(
                                                l8.cast(),
                                                len10,
                                                len10,
                                            );
                                            _rt::string_lift(bytes10)
                                        };
                                        V31::Denied(e31)
                                    }
                                    1 => {
                                        let e31 = {
                                            let l11 = *ptr1.add(16).cast::<*mut u8>();
                                            let l12 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len13 = l12;
                                            let bytes13 = _rt::Vec::from_raw_parts(
                                                l11.cast(),
                                                len13,
                                                len13,
                                            );
                                            _rt::string_lift(bytes13)
                                        };
                                        V31::Invalid(e31)
                                    }
                                    2 => {
                                        let e31 = {
                                            let l14 = *ptr1.add(16).cast::<i64>();
                                            l14 as u64
                                        };
                                        V31::TooLarge(e31)
                                    }
                                    3 => {
                                        let e31 = {
                                            let l15 = *ptr1.add(16).cast::<i64>();
                                            l15 as u64
                                        };
                                        V31::Overloaded(e31)
                                    }
                                    4 => V31::NoResponder,
                                    5 => V31::Timeout,
                                    6 => V31::Deadlock,
                                    7 => {
                                        let e31 = {
                                            let l16 = *ptr1.add(16).cast::<*mut u8>();
                                            let l17 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len18 = l17;
                                            let bytes18 = _rt::Vec::from_raw_parts(
                                                l16.cast(),
                                                len18,
                                                len18,
                                            );
                                            _rt::string_lift(bytes18)
                                        };
                                        V31::Failed(e31)
                                    }
                                    8 => {
                                        let e31 = {
                                            let l19 = *ptr1.add(16).cast::<*mut u8>();
                                            let l20 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len21 = l20;
                                            let bytes21 = _rt::Vec::from_raw_parts(
                                                l19.cast(),
                                                len21,
                                                len21,
                                            );
                                            _rt::string_lift(bytes21)
                                        };
                                        V31::Rejected(e31)
                                    }
                                    9 => {
                                        let e31 = {
                                            let l22 = *ptr1.add(16).cast::<*mut u8>();
                                            let l23 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len24 = l23;
                                            let bytes24 = _rt::Vec::from_raw_parts(
                                                l22.cast(),
                                                len24,
                                                len24,
                                            );
                                            _rt::string_lift(bytes24)
                                        };
                                        V31::Unavailable(e31)
                                    }
                                    n => {
                                        debug_assert_eq!(n, 10, "invalid enum discriminant");
                                        let e31 = {
                                            let l25 = *ptr1.add(16).cast::<*mut u8>();
                                            let l26 = *ptr1
                                                .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len27 = l26;
                                            let bytes27 = _rt::Vec::from_raw_parts(
                                                l25.cast(),
                                                len27,
                                                len27,
                                            );
                                            let l28 = *ptr1
                                                .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                .cast::<*mut u8>();
                                            let l29 = *ptr1
                                                .add(16 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<usize>();
                                            let len30 = l29;
                                            let bytes30 = _rt::Vec::from_raw_parts(
                                                l28.cast(),
                                                len30,
                                                len30,
                                            );
                                            (_rt::string_lift(bytes27), _rt::string_lift(bytes30))
                                        };
                                        V31::Other(e31)
                                    }
                                };
                                v31
                            };
                            Err(e)
                        }
                        _ => _rt::invalid_enum_discriminant(),
                    };
                    result32
                }
            }
        }
        /// Where the plugin is.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod node {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            #[allow(unused_unsafe, clippy::all)]
            /// The node's id: its public key.
            #[allow(async_fn_in_trait)]
            pub fn id() -> _rt::String {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/node@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "id"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let len4 = l3;
                    let bytes4 = _rt::Vec::from_raw_parts(l2.cast(), len4, len4);
                    let result5 = _rt::string_lift(bytes4);
                    result5
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// What the node is called, for people.
            #[allow(async_fn_in_trait)]
            pub fn name() -> _rt::String {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/node@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "name"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let len4 = l3;
                    let bytes4 = _rt::Vec::from_raw_parts(l2.cast(), len4, len4);
                    let result5 = _rt::string_lift(bytes4);
                    result5
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// The networks it is in, the home network first.
            #[allow(async_fn_in_trait)]
            pub fn networks() -> _rt::Vec<_rt::String> {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/node@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "networks"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let base7 = l2;
                    let len7 = l3;
                    let mut result7 = _rt::Vec::with_capacity(len7);
                    for i in 0..len7 {
                        let base = base7
                            .add(i * (2 * ::core::mem::size_of::<*const u8>()));
                        let e7 = {
                            let l4 = *base.add(0).cast::<*mut u8>();
                            let l5 = *base
                                .add(::core::mem::size_of::<*const u8>())
                                .cast::<usize>();
                            let len6 = l5;
                            let bytes6 = _rt::Vec::from_raw_parts(l4.cast(), len6, len6);
                            _rt::string_lift(bytes6)
                        };
                        result7.push(e7);
                    }
                    _rt::cabi_dealloc(
                        base7,
                        len7 * (2 * ::core::mem::size_of::<*const u8>()),
                        ::core::mem::size_of::<*const u8>(),
                    );
                    let result8 = result7;
                    result8
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// The plugin's identity on this node: the configuration's key, else the file's name.
            #[allow(async_fn_in_trait)]
            pub fn plugin() -> _rt::String {
                unsafe {
                    #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                    #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                    struct RetArea(
                        [::core::mem::MaybeUninit<
                            u8,
                        >; 2 * ::core::mem::size_of::<*const u8>()],
                    );
                    let mut ret_area = RetArea(
                        [::core::mem::MaybeUninit::uninit(); 2
                            * ::core::mem::size_of::<*const u8>()],
                    );
                    let ptr0 = ret_area.0.as_mut_ptr().cast::<u8>();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/node@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "plugin"]
                        fn wit_import1(_: *mut u8);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8) {
                        unreachable!()
                    }
                    wit_import1(ptr0);
                    let l2 = *ptr0.add(0).cast::<*mut u8>();
                    let l3 = *ptr0
                        .add(::core::mem::size_of::<*const u8>())
                        .cast::<usize>();
                    let len4 = l3;
                    let bytes4 = _rt::Vec::from_raw_parts(l2.cast(), len4, len4);
                    let result5 = _rt::string_lift(bytes4);
                    result5
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// Which loaded version of the plugin this is; 1 is the first since the node started.
            #[allow(async_fn_in_trait)]
            pub fn generation() -> u64 {
                unsafe {
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "hive:node/node@0.1.0")]
                    unsafe extern "C" {
                        #[link_name = "generation"]
                        fn wit_import0() -> i64;
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import0() -> i64 {
                        unreachable!()
                    }
                    let ret = wit_import0();
                    ret as u64
                }
            }
        }
    }
}
#[allow(dead_code, clippy::all)]
pub mod exports {
    pub mod hive {
        pub mod node {
            /// The one thing a handler must export. Closed: it never gets another function.
            #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
            pub mod handler {
                #[used]
                #[doc(hidden)]
                static __FORCE_SECTION_REF: fn() = super::super::super::super::__link_custom_section_describing_imports;
                use super::super::super::super::_rt;
                pub type Event = super::super::super::super::hive::node::types::Event;
                pub type Message = super::super::super::super::hive::node::types::Message;
                /// Who gets an event when several nodes run the plugin.
                #[repr(u8)]
                #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
                pub enum Delivery {
                    /// Every node that runs it gets each event, once.
                    Broadcast,
                    /// One node of the group gets it.
                    Group,
                }
                impl ::core::fmt::Debug for Delivery {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        match self {
                            Delivery::Broadcast => {
                                f.debug_tuple("Delivery::Broadcast").finish()
                            }
                            Delivery::Group => f.debug_tuple("Delivery::Group").finish(),
                        }
                    }
                }
                impl Delivery {
                    #[doc(hidden)]
                    pub unsafe fn _lift(val: u8) -> Delivery {
                        if !cfg!(debug_assertions) {
                            return unsafe { ::core::mem::transmute(val) };
                        }
                        match val {
                            0 => Delivery::Broadcast,
                            1 => Delivery::Group,
                            _ => panic!("invalid enum discriminant"),
                        }
                    }
                }
                /// Further wishes, by name; an unknown one is a warning, never a refusal. None is needed.
                pub type Settings = _rt::Vec<(_rt::String, _rt::String)>;
                /// One thing a handler listens to.
                #[derive(Clone, PartialEq)]
                pub struct Subscription {
                    /// `orders/created`, `orders/*` (one segment), `orders/**` (any number, also none). `{name}` as a whole segment is
                    /// replaced by the plugin's configuration value.
                    pub pattern: _rt::String,
                    pub delivery: Delivery,
                    /// None: the plugin's own name.
                    pub group: Option<_rt::String>,
                    /// Whether requests may be sent here. Observers say false and are never picked as responder.
                    pub answers: bool,
                    pub settings: Settings,
                }
                impl ::core::fmt::Debug for Subscription {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        f.debug_struct("Subscription")
                            .field("pattern", &self.pattern)
                            .field("delivery", &self.delivery)
                            .field("group", &self.group)
                            .field("answers", &self.answers)
                            .field("settings", &self.settings)
                            .finish()
                    }
                }
                /// Where a timer ticks.
                #[repr(u8)]
                #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
                pub enum TimerScope {
                    /// On each node that runs the plugin.
                    Node,
                    /// On one node of the plugin's group (the smallest node id reachable; two during a partition).
                    Mesh,
                }
                impl ::core::fmt::Debug for TimerScope {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        match self {
                            TimerScope::Node => {
                                f.debug_tuple("TimerScope::Node").finish()
                            }
                            TimerScope::Mesh => {
                                f.debug_tuple("TimerScope::Mesh").finish()
                            }
                        }
                    }
                }
                impl TimerScope {
                    #[doc(hidden)]
                    pub unsafe fn _lift(val: u8) -> TimerScope {
                        if !cfg!(debug_assertions) {
                            return unsafe { ::core::mem::transmute(val) };
                        }
                        match val {
                            0 => TimerScope::Node,
                            1 => TimerScope::Mesh,
                            _ => panic!("invalid enum discriminant"),
                        }
                    }
                }
                /// A tick arrives as an event on `$timer/<name>`, seen by this plugin alone. A tick that comes while the last one is
                /// still being handled is skipped and counted; ticks missed while the node was down are not made up.
                #[derive(Clone, PartialEq)]
                pub struct Timer {
                    pub name: _rt::String,
                    /// Five-field cron in UTC, or `@every 5s`.
                    pub schedule: _rt::String,
                    pub scope: TimerScope,
                    pub settings: Settings,
                }
                impl ::core::fmt::Debug for Timer {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        f.debug_struct("Timer")
                            .field("name", &self.name)
                            .field("schedule", &self.schedule)
                            .field("scope", &self.scope)
                            .field("settings", &self.settings)
                            .finish()
                    }
                }
                /// How long an instance, and what it keeps in memory, lives.
                #[repr(u8)]
                #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
                pub enum Instances {
                    /// Several warm instances; memory is a cache, nothing more.
                    Pool,
                    /// A new one for each event.
                    Fresh,
                    /// One per node, one call at a time: memory lives from event to event.
                    Single,
                }
                impl ::core::fmt::Debug for Instances {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        match self {
                            Instances::Pool => f.debug_tuple("Instances::Pool").finish(),
                            Instances::Fresh => {
                                f.debug_tuple("Instances::Fresh").finish()
                            }
                            Instances::Single => {
                                f.debug_tuple("Instances::Single").finish()
                            }
                        }
                    }
                }
                impl Instances {
                    #[doc(hidden)]
                    pub unsafe fn _lift(val: u8) -> Instances {
                        if !cfg!(debug_assertions) {
                            return unsafe { ::core::mem::transmute(val) };
                        }
                        match val {
                            0 => Instances::Pool,
                            1 => Instances::Fresh,
                            2 => Instances::Single,
                            _ => panic!("invalid enum discriminant"),
                        }
                    }
                }
                /// Everything a plugin says of itself.
                #[derive(Clone, PartialEq)]
                pub struct Description {
                    /// For people. The plugin's identity (configuration, grants, default group) is the file's name or the
                    /// configuration's key: no component can claim another's.
                    pub name: _rt::String,
                    pub version: _rt::String,
                    pub instances: Instances,
                    pub subscriptions: _rt::Vec<Subscription>,
                    pub timers: _rt::Vec<Timer>,
                    /// Patterns it means to publish to or request from; a wish that the node grants or not.
                    pub publishes: _rt::Vec<_rt::String>,
                    pub settings: Settings,
                }
                impl ::core::fmt::Debug for Description {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        f.debug_struct("Description")
                            .field("name", &self.name)
                            .field("version", &self.version)
                            .field("instances", &self.instances)
                            .field("subscriptions", &self.subscriptions)
                            .field("timers", &self.timers)
                            .field("publishes", &self.publishes)
                            .field("settings", &self.settings)
                            .finish()
                    }
                }
                /// When an event should come again.
                #[derive(Clone, PartialEq)]
                pub struct Delay {
                    pub reason: _rt::String,
                    /// None: the node's back-off.
                    pub after_ms: Option<u64>,
                }
                impl ::core::fmt::Debug for Delay {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        f.debug_struct("Delay")
                            .field("reason", &self.reason)
                            .field("after-ms", &self.after_ms)
                            .finish()
                    }
                }
                /// Why an event was not handled.
                #[derive(Clone, PartialEq)]
                pub enum Failure {
                    /// Passing trouble: deliver again. To a request it answers `failed` at once, without a retry.
                    Retry(Delay),
                    /// Hopeless: the dead-letter channel. To a request it answers `rejected`, without a dead letter.
                    Reject(_rt::String),
                }
                impl ::core::fmt::Debug for Failure {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        match self {
                            Failure::Retry(e) => {
                                f.debug_tuple("Failure::Retry").field(e).finish()
                            }
                            Failure::Reject(e) => {
                                f.debug_tuple("Failure::Reject").field(e).finish()
                            }
                        }
                    }
                }
                impl ::core::fmt::Display for Failure {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        write!(f, "{:?}", self)
                    }
                }
                impl ::core::error::Error for Failure {}
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_describe_cabi<T_: Guest>() -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")] _rt::run_ctors_once();
                        let result0 = { T_::describe() };
                        let ptr1 = (&raw mut _RET_AREA.0).cast::<u8>();
                        let Description {
                            name: name2,
                            version: version2,
                            instances: instances2,
                            subscriptions: subscriptions2,
                            timers: timers2,
                            publishes: publishes2,
                            settings: settings2,
                        } = result0;
                        let vec3 = (name2.into_bytes()).into_boxed_slice();
                        let ptr3 = vec3.as_ptr().cast::<u8>();
                        let len3 = vec3.len();
                        ::core::mem::forget(vec3);
                        *ptr1.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len3;
                        *ptr1.add(0).cast::<*mut u8>() = ptr3.cast_mut();
                        let vec4 = (version2.into_bytes()).into_boxed_slice();
                        let ptr4 = vec4.as_ptr().cast::<u8>();
                        let len4 = vec4.len();
                        ::core::mem::forget(vec4);
                        *ptr1
                            .add(3 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>() = len4;
                        *ptr1
                            .add(2 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>() = ptr4.cast_mut();
                        *ptr1
                            .add(4 * ::core::mem::size_of::<*const u8>())
                            .cast::<u8>() = (instances2.clone() as i32) as u8;
                        let vec12 = subscriptions2;
                        let len12 = vec12.len();
                        let layout12 = _rt::alloc::Layout::from_size_align(
                                vec12.len() * (9 * ::core::mem::size_of::<*const u8>()),
                                ::core::mem::size_of::<*const u8>(),
                            )
                            .unwrap();
                        let (result12, _cleanup12) = wit_bindgen::rt::Cleanup::new(
                            layout12,
                        );
                        if let Some(cleanup) = _cleanup12 {
                            cleanup.forget();
                        }
                        for (i, e) in vec12.into_iter().enumerate() {
                            let base = result12
                                .add(i * (9 * ::core::mem::size_of::<*const u8>()));
                            {
                                let Subscription {
                                    pattern: pattern5,
                                    delivery: delivery5,
                                    group: group5,
                                    answers: answers5,
                                    settings: settings5,
                                } = e;
                                let vec6 = (pattern5.into_bytes()).into_boxed_slice();
                                let ptr6 = vec6.as_ptr().cast::<u8>();
                                let len6 = vec6.len();
                                ::core::mem::forget(vec6);
                                *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len6;
                                *base.add(0).cast::<*mut u8>() = ptr6.cast_mut();
                                *base
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<u8>() = (delivery5.clone() as i32) as u8;
                                match group5 {
                                    Some(e) => {
                                        *base
                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                            .cast::<u8>() = (1i32) as u8;
                                        let vec7 = (e.into_bytes()).into_boxed_slice();
                                        let ptr7 = vec7.as_ptr().cast::<u8>();
                                        let len7 = vec7.len();
                                        ::core::mem::forget(vec7);
                                        *base
                                            .add(5 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len7;
                                        *base
                                            .add(4 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>() = ptr7.cast_mut();
                                    }
                                    None => {
                                        *base
                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                            .cast::<u8>() = (0i32) as u8;
                                    }
                                };
                                *base
                                    .add(6 * ::core::mem::size_of::<*const u8>())
                                    .cast::<u8>() = (match answers5 {
                                    true => 1,
                                    false => 0,
                                }) as u8;
                                let vec11 = settings5;
                                let len11 = vec11.len();
                                let layout11 = _rt::alloc::Layout::from_size_align(
                                        vec11.len() * (4 * ::core::mem::size_of::<*const u8>()),
                                        ::core::mem::size_of::<*const u8>(),
                                    )
                                    .unwrap();
                                let (result11, _cleanup11) = wit_bindgen::rt::Cleanup::new(
                                    layout11,
                                );
                                if let Some(cleanup) = _cleanup11 {
                                    cleanup.forget();
                                }
                                for (i, e) in vec11.into_iter().enumerate() {
                                    let base = result11
                                        .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let (t8_0, t8_1) = e;
                                        let vec9 = (t8_0.into_bytes()).into_boxed_slice();
                                        let ptr9 = vec9.as_ptr().cast::<u8>();
                                        let len9 = vec9.len();
                                        ::core::mem::forget(vec9);
                                        *base
                                            .add(::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len9;
                                        *base.add(0).cast::<*mut u8>() = ptr9.cast_mut();
                                        let vec10 = (t8_1.into_bytes()).into_boxed_slice();
                                        let ptr10 = vec10.as_ptr().cast::<u8>();
                                        let len10 = vec10.len();
                                        ::core::mem::forget(vec10);
                                        *base
                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len10;
                                        *base
                                            .add(2 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>() = ptr10.cast_mut();
                                    }
                                }
                                *base
                                    .add(8 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len11;
                                *base
                                    .add(7 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>() = result11;
                            }
                        }
                        *ptr1
                            .add(6 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>() = len12;
                        *ptr1
                            .add(5 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>() = result12;
                        let vec20 = timers2;
                        let len20 = vec20.len();
                        let layout20 = _rt::alloc::Layout::from_size_align(
                                vec20.len() * (7 * ::core::mem::size_of::<*const u8>()),
                                ::core::mem::size_of::<*const u8>(),
                            )
                            .unwrap();
                        let (result20, _cleanup20) = wit_bindgen::rt::Cleanup::new(
                            layout20,
                        );
                        if let Some(cleanup) = _cleanup20 {
                            cleanup.forget();
                        }
                        for (i, e) in vec20.into_iter().enumerate() {
                            let base = result20
                                .add(i * (7 * ::core::mem::size_of::<*const u8>()));
                            {
                                let Timer {
                                    name: name13,
                                    schedule: schedule13,
                                    scope: scope13,
                                    settings: settings13,
                                } = e;
                                let vec14 = (name13.into_bytes()).into_boxed_slice();
                                let ptr14 = vec14.as_ptr().cast::<u8>();
                                let len14 = vec14.len();
                                ::core::mem::forget(vec14);
                                *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len14;
                                *base.add(0).cast::<*mut u8>() = ptr14.cast_mut();
                                let vec15 = (schedule13.into_bytes()).into_boxed_slice();
                                let ptr15 = vec15.as_ptr().cast::<u8>();
                                let len15 = vec15.len();
                                ::core::mem::forget(vec15);
                                *base
                                    .add(3 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len15;
                                *base
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>() = ptr15.cast_mut();
                                *base
                                    .add(4 * ::core::mem::size_of::<*const u8>())
                                    .cast::<u8>() = (scope13.clone() as i32) as u8;
                                let vec19 = settings13;
                                let len19 = vec19.len();
                                let layout19 = _rt::alloc::Layout::from_size_align(
                                        vec19.len() * (4 * ::core::mem::size_of::<*const u8>()),
                                        ::core::mem::size_of::<*const u8>(),
                                    )
                                    .unwrap();
                                let (result19, _cleanup19) = wit_bindgen::rt::Cleanup::new(
                                    layout19,
                                );
                                if let Some(cleanup) = _cleanup19 {
                                    cleanup.forget();
                                }
                                for (i, e) in vec19.into_iter().enumerate() {
                                    let base = result19
                                        .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let (t16_0, t16_1) = e;
                                        let vec17 = (t16_0.into_bytes()).into_boxed_slice();
                                        let ptr17 = vec17.as_ptr().cast::<u8>();
                                        let len17 = vec17.len();
                                        ::core::mem::forget(vec17);
                                        *base
                                            .add(::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len17;
                                        *base.add(0).cast::<*mut u8>() = ptr17.cast_mut();
                                        let vec18 = (t16_1.into_bytes()).into_boxed_slice();
                                        let ptr18 = vec18.as_ptr().cast::<u8>();
                                        let len18 = vec18.len();
                                        ::core::mem::forget(vec18);
                                        *base
                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len18;
                                        *base
                                            .add(2 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>() = ptr18.cast_mut();
                                    }
                                }
                                *base
                                    .add(6 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len19;
                                *base
                                    .add(5 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>() = result19;
                            }
                        }
                        *ptr1
                            .add(8 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>() = len20;
                        *ptr1
                            .add(7 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>() = result20;
                        let vec22 = publishes2;
                        let len22 = vec22.len();
                        let layout22 = _rt::alloc::Layout::from_size_align(
                                vec22.len() * (2 * ::core::mem::size_of::<*const u8>()),
                                ::core::mem::size_of::<*const u8>(),
                            )
                            .unwrap();
                        let (result22, _cleanup22) = wit_bindgen::rt::Cleanup::new(
                            layout22,
                        );
                        if let Some(cleanup) = _cleanup22 {
                            cleanup.forget();
                        }
                        for (i, e) in vec22.into_iter().enumerate() {
                            let base = result22
                                .add(i * (2 * ::core::mem::size_of::<*const u8>()));
                            {
                                let vec21 = (e.into_bytes()).into_boxed_slice();
                                let ptr21 = vec21.as_ptr().cast::<u8>();
                                let len21 = vec21.len();
                                ::core::mem::forget(vec21);
                                *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len21;
                                *base.add(0).cast::<*mut u8>() = ptr21.cast_mut();
                            }
                        }
                        *ptr1
                            .add(10 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>() = len22;
                        *ptr1
                            .add(9 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>() = result22;
                        let vec26 = settings2;
                        let len26 = vec26.len();
                        let layout26 = _rt::alloc::Layout::from_size_align(
                                vec26.len() * (4 * ::core::mem::size_of::<*const u8>()),
                                ::core::mem::size_of::<*const u8>(),
                            )
                            .unwrap();
                        let (result26, _cleanup26) = wit_bindgen::rt::Cleanup::new(
                            layout26,
                        );
                        if let Some(cleanup) = _cleanup26 {
                            cleanup.forget();
                        }
                        for (i, e) in vec26.into_iter().enumerate() {
                            let base = result26
                                .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                            {
                                let (t23_0, t23_1) = e;
                                let vec24 = (t23_0.into_bytes()).into_boxed_slice();
                                let ptr24 = vec24.as_ptr().cast::<u8>();
                                let len24 = vec24.len();
                                ::core::mem::forget(vec24);
                                *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len24;
                                *base.add(0).cast::<*mut u8>() = ptr24.cast_mut();
                                let vec25 = (t23_1.into_bytes()).into_boxed_slice();
                                let ptr25 = vec25.as_ptr().cast::<u8>();
                                let len25 = vec25.len();
                                ::core::mem::forget(vec25);
                                *base
                                    .add(3 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len25;
                                *base
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>() = ptr25.cast_mut();
                            }
                        }
                        *ptr1
                            .add(12 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>() = len26;
                        *ptr1
                            .add(11 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>() = result26;
                        ptr1
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_describe<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = *arg0.add(0).cast::<*mut u8>();
                        let l1 = *arg0
                            .add(::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        _rt::cabi_dealloc(l0, l1, 1);
                        let l2 = *arg0
                            .add(2 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>();
                        let l3 = *arg0
                            .add(3 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        _rt::cabi_dealloc(l2, l3, 1);
                        let l4 = *arg0
                            .add(5 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>();
                        let l5 = *arg0
                            .add(6 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        let base18 = l4;
                        let len18 = l5;
                        for i in 0..len18 {
                            let base = base18
                                .add(i * (9 * ::core::mem::size_of::<*const u8>()));
                            {
                                let l6 = *base.add(0).cast::<*mut u8>();
                                let l7 = *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l6, l7, 1);
                                let l8 = i32::from(
                                    *base
                                        .add(3 * ::core::mem::size_of::<*const u8>())
                                        .cast::<u8>(),
                                );
                                match l8 {
                                    0 => {}
                                    _ => {
                                        let l9 = *base
                                            .add(4 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l10 = *base
                                            .add(5 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        _rt::cabi_dealloc(l9, l10, 1);
                                    }
                                }
                                let l11 = *base
                                    .add(7 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l12 = *base
                                    .add(8 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base17 = l11;
                                let len17 = l12;
                                for i in 0..len17 {
                                    let base = base17
                                        .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let l13 = *base.add(0).cast::<*mut u8>();
                                        let l14 = *base
                                            .add(::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        _rt::cabi_dealloc(l13, l14, 1);
                                        let l15 = *base
                                            .add(2 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l16 = *base
                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        _rt::cabi_dealloc(l15, l16, 1);
                                    }
                                }
                                _rt::cabi_dealloc(
                                    base17,
                                    len17 * (4 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                            }
                        }
                        _rt::cabi_dealloc(
                            base18,
                            len18 * (9 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        );
                        let l19 = *arg0
                            .add(7 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>();
                        let l20 = *arg0
                            .add(8 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        let base32 = l19;
                        let len32 = l20;
                        for i in 0..len32 {
                            let base = base32
                                .add(i * (7 * ::core::mem::size_of::<*const u8>()));
                            {
                                let l21 = *base.add(0).cast::<*mut u8>();
                                let l22 = *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l21, l22, 1);
                                let l23 = *base
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l24 = *base
                                    .add(3 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l23, l24, 1);
                                let l25 = *base
                                    .add(5 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l26 = *base
                                    .add(6 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base31 = l25;
                                let len31 = l26;
                                for i in 0..len31 {
                                    let base = base31
                                        .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let l27 = *base.add(0).cast::<*mut u8>();
                                        let l28 = *base
                                            .add(::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        _rt::cabi_dealloc(l27, l28, 1);
                                        let l29 = *base
                                            .add(2 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l30 = *base
                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        _rt::cabi_dealloc(l29, l30, 1);
                                    }
                                }
                                _rt::cabi_dealloc(
                                    base31,
                                    len31 * (4 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                            }
                        }
                        _rt::cabi_dealloc(
                            base32,
                            len32 * (7 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        );
                        let l33 = *arg0
                            .add(9 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>();
                        let l34 = *arg0
                            .add(10 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        let base37 = l33;
                        let len37 = l34;
                        for i in 0..len37 {
                            let base = base37
                                .add(i * (2 * ::core::mem::size_of::<*const u8>()));
                            {
                                let l35 = *base.add(0).cast::<*mut u8>();
                                let l36 = *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l35, l36, 1);
                            }
                        }
                        _rt::cabi_dealloc(
                            base37,
                            len37 * (2 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        );
                        let l38 = *arg0
                            .add(11 * ::core::mem::size_of::<*const u8>())
                            .cast::<*mut u8>();
                        let l39 = *arg0
                            .add(12 * ::core::mem::size_of::<*const u8>())
                            .cast::<usize>();
                        let base44 = l38;
                        let len44 = l39;
                        for i in 0..len44 {
                            let base = base44
                                .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                            {
                                let l40 = *base.add(0).cast::<*mut u8>();
                                let l41 = *base
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l40, l41, 1);
                                let l42 = *base
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l43 = *base
                                    .add(3 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l42, l43, 1);
                            }
                        }
                        _rt::cabi_dealloc(
                            base44,
                            len44 * (4 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        );
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_handle_cabi<T_: Guest>(
                    arg0: *mut u8,
                    arg1: usize,
                    arg2: *mut u8,
                    arg3: usize,
                    arg4: i32,
                    arg5: *mut u8,
                    arg6: usize,
                    arg7: i32,
                    arg8: *mut u8,
                    arg9: usize,
                    arg10: *mut u8,
                    arg11: usize,
                    arg12: i32,
                    arg13: i32,
                    arg14: i32,
                    arg15: i32,
                ) -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")] _rt::run_ctors_once();
                        let result11 = {
                            let len0 = arg1;
                            let bytes0 = _rt::Vec::from_raw_parts(
                                arg0.cast(),
                                len0,
                                len0,
                            );
                            let len1 = arg3;
                            let base10 = arg10;
                            let len10 = arg11;
                            let mut result10 = _rt::Vec::with_capacity(len10);
                            for i in 0..len10 {
                                let base = base10
                                    .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                let e10 = {
                                    let l4 = *base.add(0).cast::<*mut u8>();
                                    let l5 = *base
                                        .add(::core::mem::size_of::<*const u8>())
                                        .cast::<usize>();
                                    let len6 = l5;
                                    let bytes6 = _rt::Vec::from_raw_parts(
                                        l4.cast(),
                                        len6,
                                        len6,
                                    );
                                    let l7 = *base
                                        .add(2 * ::core::mem::size_of::<*const u8>())
                                        .cast::<*mut u8>();
                                    let l8 = *base
                                        .add(3 * ::core::mem::size_of::<*const u8>())
                                        .cast::<usize>();
                                    let len9 = l8;
                                    let bytes9 = _rt::Vec::from_raw_parts(
                                        l7.cast(),
                                        len9,
                                        len9,
                                    );
                                    (_rt::string_lift(bytes6), _rt::string_lift(bytes9))
                                };
                                result10.push(e10);
                            }
                            _rt::cabi_dealloc(
                                base10,
                                len10 * (4 * ::core::mem::size_of::<*const u8>()),
                                ::core::mem::size_of::<*const u8>(),
                            );
                            T_::handle(super::super::super::super::hive::node::types::Event {
                                channel: _rt::string_lift(bytes0),
                                message: super::super::super::super::hive::node::types::Message {
                                    payload: <_ as From<
                                        _rt::Vec<_>,
                                    >>::from(_rt::Vec::from_raw_parts(arg2.cast(), len1, len1)),
                                    content_type: match arg4 {
                                        0 => None,
                                        1 => {
                                            let e = {
                                                let len2 = arg6;
                                                let bytes2 = _rt::Vec::from_raw_parts(
                                                    arg5.cast(),
                                                    len2,
                                                    len2,
                                                );
                                                _rt::string_lift(bytes2)
                                            };
                                            Some(e)
                                        }
                                        _ => _rt::invalid_enum_discriminant(),
                                    },
                                    key: match arg7 {
                                        0 => None,
                                        1 => {
                                            let e = {
                                                let len3 = arg9;
                                                let bytes3 = _rt::Vec::from_raw_parts(
                                                    arg8.cast(),
                                                    len3,
                                                    len3,
                                                );
                                                _rt::string_lift(bytes3)
                                            };
                                            Some(e)
                                        }
                                        _ => _rt::invalid_enum_discriminant(),
                                    },
                                    headers: result10,
                                },
                                subscription: arg12 as u32,
                                attempt: arg13 as u32,
                                retained: _rt::bool_lift(arg14 as u8),
                                wants_reply: _rt::bool_lift(arg15 as u8),
                            })
                        };
                        let ptr12 = (&raw mut _RET_AREA.0).cast::<u8>();
                        match result11 {
                            Ok(e) => {
                                *ptr12.add(0).cast::<u8>() = (0i32) as u8;
                                match e {
                                    Some(e) => {
                                        *ptr12.add(8).cast::<u8>() = (1i32) as u8;
                                        let super::super::super::super::hive::node::types::Message {
                                            payload: payload13,
                                            content_type: content_type13,
                                            key: key13,
                                            headers: headers13,
                                        } = e;
                                        let vec14 = <_ as Into<_rt::Vec<_>>>::into(payload13)
                                            .into_boxed_slice();
                                        let ptr14 = vec14.as_ptr().cast::<u8>();
                                        let len14 = vec14.len();
                                        ::core::mem::forget(vec14);
                                        *ptr12
                                            .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len14;
                                        *ptr12
                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>() = ptr14.cast_mut();
                                        match content_type13 {
                                            Some(e) => {
                                                *ptr12
                                                    .add(8 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>() = (1i32) as u8;
                                                let vec15 = (e.into_bytes()).into_boxed_slice();
                                                let ptr15 = vec15.as_ptr().cast::<u8>();
                                                let len15 = vec15.len();
                                                ::core::mem::forget(vec15);
                                                *ptr12
                                                    .add(8 + 5 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>() = len15;
                                                *ptr12
                                                    .add(8 + 4 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>() = ptr15.cast_mut();
                                            }
                                            None => {
                                                *ptr12
                                                    .add(8 + 3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>() = (0i32) as u8;
                                            }
                                        };
                                        match key13 {
                                            Some(e) => {
                                                *ptr12
                                                    .add(8 + 6 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>() = (1i32) as u8;
                                                let vec16 = (e.into_bytes()).into_boxed_slice();
                                                let ptr16 = vec16.as_ptr().cast::<u8>();
                                                let len16 = vec16.len();
                                                ::core::mem::forget(vec16);
                                                *ptr12
                                                    .add(8 + 8 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>() = len16;
                                                *ptr12
                                                    .add(8 + 7 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>() = ptr16.cast_mut();
                                            }
                                            None => {
                                                *ptr12
                                                    .add(8 + 6 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>() = (0i32) as u8;
                                            }
                                        };
                                        let vec20 = headers13;
                                        let len20 = vec20.len();
                                        let layout20 = _rt::alloc::Layout::from_size_align(
                                                vec20.len() * (4 * ::core::mem::size_of::<*const u8>()),
                                                ::core::mem::size_of::<*const u8>(),
                                            )
                                            .unwrap();
                                        let (result20, _cleanup20) = wit_bindgen::rt::Cleanup::new(
                                            layout20,
                                        );
                                        if let Some(cleanup) = _cleanup20 {
                                            cleanup.forget();
                                        }
                                        for (i, e) in vec20.into_iter().enumerate() {
                                            let base = result20
                                                .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                            {
                                                let (t17_0, t17_1) = e;
                                                let vec18 = (t17_0.into_bytes()).into_boxed_slice();
                                                let ptr18 = vec18.as_ptr().cast::<u8>();
                                                let len18 = vec18.len();
                                                ::core::mem::forget(vec18);
                                                *base
                                                    .add(::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>() = len18;
                                                *base.add(0).cast::<*mut u8>() = ptr18.cast_mut();
                                                let vec19 = (t17_1.into_bytes()).into_boxed_slice();
                                                let ptr19 = vec19.as_ptr().cast::<u8>();
                                                let len19 = vec19.len();
                                                ::core::mem::forget(vec19);
                                                *base
                                                    .add(3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>() = len19;
                                                *base
                                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>() = ptr19.cast_mut();
                                            }
                                        }
                                        *ptr12
                                            .add(8 + 10 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len20;
                                        *ptr12
                                            .add(8 + 9 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>() = result20;
                                    }
                                    None => {
                                        *ptr12.add(8).cast::<u8>() = (0i32) as u8;
                                    }
                                };
                            }
                            Err(e) => {
                                *ptr12.add(0).cast::<u8>() = (1i32) as u8;
                                match e {
                                    Failure::Retry(e) => {
                                        *ptr12.add(8).cast::<u8>() = (0i32) as u8;
                                        let Delay { reason: reason21, after_ms: after_ms21 } = e;
                                        let vec22 = (reason21.into_bytes()).into_boxed_slice();
                                        let ptr22 = vec22.as_ptr().cast::<u8>();
                                        let len22 = vec22.len();
                                        ::core::mem::forget(vec22);
                                        *ptr12
                                            .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len22;
                                        *ptr12.add(16).cast::<*mut u8>() = ptr22.cast_mut();
                                        match after_ms21 {
                                            Some(e) => {
                                                *ptr12
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>() = (1i32) as u8;
                                                *ptr12
                                                    .add(24 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<i64>() = _rt::as_i64(e);
                                            }
                                            None => {
                                                *ptr12
                                                    .add(16 + 2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<u8>() = (0i32) as u8;
                                            }
                                        };
                                    }
                                    Failure::Reject(e) => {
                                        *ptr12.add(8).cast::<u8>() = (1i32) as u8;
                                        let vec23 = (e.into_bytes()).into_boxed_slice();
                                        let ptr23 = vec23.as_ptr().cast::<u8>();
                                        let len23 = vec23.len();
                                        ::core::mem::forget(vec23);
                                        *ptr12
                                            .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>() = len23;
                                        *ptr12.add(16).cast::<*mut u8>() = ptr23.cast_mut();
                                    }
                                }
                            }
                        };
                        ptr12
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_handle<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = i32::from(*arg0.add(0).cast::<u8>());
                        match l0 {
                            0 => {
                                let l1 = i32::from(*arg0.add(8).cast::<u8>());
                                match l1 {
                                    0 => {}
                                    _ => {
                                        let l2 = *arg0
                                            .add(8 + 1 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l3 = *arg0
                                            .add(8 + 2 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let base4 = l2;
                                        let len4 = l3;
                                        _rt::cabi_dealloc(base4, len4 * 1, 1);
                                        let l5 = i32::from(
                                            *arg0
                                                .add(8 + 3 * ::core::mem::size_of::<*const u8>())
                                                .cast::<u8>(),
                                        );
                                        match l5 {
                                            0 => {}
                                            _ => {
                                                let l6 = *arg0
                                                    .add(8 + 4 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l7 = *arg0
                                                    .add(8 + 5 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                _rt::cabi_dealloc(l6, l7, 1);
                                            }
                                        }
                                        let l8 = i32::from(
                                            *arg0
                                                .add(8 + 6 * ::core::mem::size_of::<*const u8>())
                                                .cast::<u8>(),
                                        );
                                        match l8 {
                                            0 => {}
                                            _ => {
                                                let l9 = *arg0
                                                    .add(8 + 7 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l10 = *arg0
                                                    .add(8 + 8 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                _rt::cabi_dealloc(l9, l10, 1);
                                            }
                                        }
                                        let l11 = *arg0
                                            .add(8 + 9 * ::core::mem::size_of::<*const u8>())
                                            .cast::<*mut u8>();
                                        let l12 = *arg0
                                            .add(8 + 10 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        let base17 = l11;
                                        let len17 = l12;
                                        for i in 0..len17 {
                                            let base = base17
                                                .add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                            {
                                                let l13 = *base.add(0).cast::<*mut u8>();
                                                let l14 = *base
                                                    .add(::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                _rt::cabi_dealloc(l13, l14, 1);
                                                let l15 = *base
                                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l16 = *base
                                                    .add(3 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                _rt::cabi_dealloc(l15, l16, 1);
                                            }
                                        }
                                        _rt::cabi_dealloc(
                                            base17,
                                            len17 * (4 * ::core::mem::size_of::<*const u8>()),
                                            ::core::mem::size_of::<*const u8>(),
                                        );
                                    }
                                }
                            }
                            _ => {
                                let l18 = i32::from(*arg0.add(8).cast::<u8>());
                                match l18 {
                                    0 => {
                                        let l19 = *arg0.add(16).cast::<*mut u8>();
                                        let l20 = *arg0
                                            .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        _rt::cabi_dealloc(l19, l20, 1);
                                    }
                                    _ => {
                                        let l21 = *arg0.add(16).cast::<*mut u8>();
                                        let l22 = *arg0
                                            .add(16 + 1 * ::core::mem::size_of::<*const u8>())
                                            .cast::<usize>();
                                        _rt::cabi_dealloc(l21, l22, 1);
                                    }
                                }
                            }
                        }
                    }
                }
                pub trait Guest {
                    /// Says what the plugin wants. Pure: called at load and whenever the node likes. Every `hive:node` import answers
                    /// `denied`, none or nothing; WASI has an empty environment, no files and no network.
                    #[allow(async_fn_in_trait)]
                    fn describe() -> Description;
                    /// None answers a request with an empty message; without `wants-reply` the answer is dropped.
                    #[allow(async_fn_in_trait)]
                    fn handle(event: Event) -> Result<Option<Message>, Failure>;
                }
                #[doc(hidden)]
                #[macro_export]
                macro_rules! __export_hive_node_handler_0_1_0_cabi {
                    ($ty:ident with_types_in $($path_to_types:tt)*) => {
                        const _ : () = { #[unsafe (export_name =
                        "hive:node/handler@0.1.0#describe")] unsafe extern "C" fn
                        export_describe() -> * mut u8 { unsafe { $($path_to_types)*::
                        _export_describe_cabi::<$ty > () } } #[unsafe (export_name =
                        "cabi_post_hive:node/handler@0.1.0#describe")] unsafe extern "C"
                        fn _post_return_describe(arg0 : * mut u8,) { unsafe {
                        $($path_to_types)*:: __post_return_describe::<$ty > (arg0) } }
                        #[unsafe (export_name = "hive:node/handler@0.1.0#handle")] unsafe
                        extern "C" fn export_handle(arg0 : * mut u8, arg1 : usize, arg2 :
                        * mut u8, arg3 : usize, arg4 : i32, arg5 : * mut u8, arg6 :
                        usize, arg7 : i32, arg8 : * mut u8, arg9 : usize, arg10 : * mut
                        u8, arg11 : usize, arg12 : i32, arg13 : i32, arg14 : i32, arg15 :
                        i32,) -> * mut u8 { unsafe { $($path_to_types)*::
                        _export_handle_cabi::<$ty > (arg0, arg1, arg2, arg3, arg4, arg5,
                        arg6, arg7, arg8, arg9, arg10, arg11, arg12, arg13, arg14, arg15)
                        } } #[unsafe (export_name =
                        "cabi_post_hive:node/handler@0.1.0#handle")] unsafe extern "C" fn
                        _post_return_handle(arg0 : * mut u8,) { unsafe {
                        $($path_to_types)*:: __post_return_handle::<$ty > (arg0) } } };
                    };
                }
                #[doc(hidden)]
                pub use __export_hive_node_handler_0_1_0_cabi;
                #[repr(align(8))]
                struct _RetArea(
                    [::core::mem::MaybeUninit<
                        u8,
                    >; 8 + 12 * ::core::mem::size_of::<*const u8>()],
                );
                static mut _RET_AREA: _RetArea = _RetArea(
                    [::core::mem::MaybeUninit::uninit(); 8
                        + 12 * ::core::mem::size_of::<*const u8>()],
                );
            }
        }
    }
}
mod _rt {
    #![allow(dead_code, unused_imports, clippy::all)]
    pub use alloc_crate::vec::Vec;
    pub use alloc_crate::string::String;
    pub unsafe fn string_lift(bytes: Vec<u8>) -> String {
        if cfg!(debug_assertions) {
            String::from_utf8(bytes).unwrap()
        } else {
            unsafe { String::from_utf8_unchecked(bytes) }
        }
    }
    pub unsafe fn invalid_enum_discriminant<T>() -> T {
        if cfg!(debug_assertions) {
            panic!("invalid enum discriminant")
        } else {
            unsafe { core::hint::unreachable_unchecked() }
        }
    }
    pub unsafe fn cabi_dealloc(ptr: *mut u8, size: usize, align: usize) {
        if size == 0 {
            return;
        }
        unsafe {
            let layout = alloc::Layout::from_size_align_unchecked(size, align);
            alloc::dealloc(ptr, layout);
        }
    }
    pub use alloc_crate::alloc;
    pub fn as_i64<T: AsI64>(t: T) -> i64 {
        t.as_i64()
    }
    pub trait AsI64 {
        fn as_i64(self) -> i64;
    }
    impl<'a, T: Copy + AsI64> AsI64 for &'a T {
        fn as_i64(self) -> i64 {
            (*self).as_i64()
        }
    }
    impl AsI64 for i64 {
        #[inline]
        fn as_i64(self) -> i64 {
            self as i64
        }
    }
    impl AsI64 for u64 {
        #[inline]
        fn as_i64(self) -> i64 {
            self as i64
        }
    }
    pub fn as_i32<T: AsI32>(t: T) -> i32 {
        t.as_i32()
    }
    pub trait AsI32 {
        fn as_i32(self) -> i32;
    }
    impl<'a, T: Copy + AsI32> AsI32 for &'a T {
        fn as_i32(self) -> i32 {
            (*self).as_i32()
        }
    }
    impl AsI32 for i32 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u32 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for i16 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u16 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for i8 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u8 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for char {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for usize {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    pub unsafe fn bool_lift(val: u8) -> bool {
        if cfg!(debug_assertions) {
            match val {
                0 => false,
                1 => true,
                _ => panic!("invalid bool discriminant"),
            }
        } else {
            val != 0
        }
    }
    #[cfg(target_arch = "wasm32")]
    pub fn run_ctors_once() {
        wit_bindgen::rt::run_ctors_once();
    }
    extern crate alloc as alloc_crate;
}
/// Generates `#[unsafe(no_mangle)]` functions to export the specified type as
/// the root implementation of all generated traits.
///
/// For more information see the documentation of `wit_bindgen::generate!`.
///
/// ```rust
/// # macro_rules! export_handler{ ($($t:tt)*) => (); }
/// # trait Guest {}
/// struct MyType;
///
/// impl Guest for MyType {
///     // ...
/// }
///
/// export_handler!(MyType);
/// ```
#[allow(unused_macros)]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_plugin_impl {
    ($ty:ident) => {
        hive::bindings::export_handler!($ty with_types_in hive::bindings);
    };
    ($ty:ident with_types_in $($path_to_types_root:tt)*) => {
        $($path_to_types_root)*::
        exports::hive::node::handler::__export_hive_node_handler_0_1_0_cabi!($ty
        with_types_in $($path_to_types_root)*:: exports::hive::node::handler); const _ :
        () = { #[cfg(target_arch = "wasm32")] #[unsafe (link_section =
        "component-type:wit-bindgen:0.60.0:hive:node@0.1.0:plugin:imports and exports")]
        #[doc(hidden)] #[allow(clippy::octal_escapes)] pub static
        __WIT_BINDGEN_COMPONENT_TYPE : [u8; 2666] = *
        b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07\xed\x13\x01A\x02\x01\
A\x18\x01B\x0b\x01o\x02ss\x01p\0\x04\0\x07headers\x03\0\x01\x01p}\x01ks\x01r\x04\
\x07payload\x03\x0ccontent-type\x04\x03key\x04\x07headers\x02\x04\0\x07message\x03\
\0\x05\x01r\x06\x07channels\x07message\x06\x0csubscriptiony\x07attempty\x08retai\
ned\x7f\x0bwants-reply\x7f\x04\0\x05event\x03\0\x07\x01q\x0b\x06denied\x01s\0\x07\
invalid\x01s\0\x09too-large\x01w\0\x0aoverloaded\x01w\0\x0cno-responder\0\0\x07t\
imeout\0\0\x08deadlock\0\0\x06failed\x01s\0\x08rejected\x01s\0\x0bunavailable\x01\
s\0\x05other\x01\0\0\x04\0\x05error\x03\0\x09\x03\0\x15hive:node/types@0.1.0\x05\
\0\x02\x03\0\0\x07headers\x01B\x0e\x02\x03\x02\x01\x01\x04\0\x07headers\x03\0\0\x01\
@\0\0s\x04\0\x02id\x01\x02\x04\0\x06origin\x01\x02\x04\0\x0borigin-name\x01\x02\x01\
ks\x01@\0\0\x03\x04\0\x07network\x01\x04\x01@\0\0w\x04\0\x0cpublished-at\x01\x05\
\x04\0\x09time-left\x01\x05\x01@\0\0\x01\x04\0\x0cmesh-headers\x01\x06\x03\0\x17\
hive:node/current@0.1.0\x05\x02\x02\x03\0\0\x07message\x02\x03\0\0\x05error\x01B\
*\x02\x03\x02\x01\x03\x04\0\x07message\x03\0\0\x02\x03\x02\x01\x01\x04\0\x07head\
ers\x03\0\x02\x02\x03\x02\x01\x04\x04\0\x05error\x03\0\x04\x01r\x02\x07channels\x07\
message\x01\x04\0\x04call\x03\0\x06\x01j\x01\x01\x01\x05\x01r\x02\x06origins\x07\
outcome\x08\x04\0\x06answer\x03\0\x09\x01p\x0a\x01r\x02\x07answers\x0b\x07missin\
gy\x04\0\x07answers\x03\0\x0c\x01r\x04\x07channels\x07message\x01\x02ids\x0cpubl\
ished-atw\x04\0\x04kept\x03\0\x0e\x01j\x01s\x01\x05\x01@\x02\x07channels\x07mess\
age\x01\0\x10\x04\0\x07publish\x01\x11\x01@\x03\x07channels\x07message\x01\x0aex\
pires-msw\0\x10\x04\0\x10publish-expiring\x01\x12\x01@\x02\x07channels\x07header\
s\x03\0\x10\x04\0\x07forward\x01\x13\x04\0\x06retain\x01\x11\x01j\0\x01\x05\x01@\
\x01\x07channels\0\x14\x04\0\x05clear\x01\x15\x01@\x03\x07channels\x07message\x01\
\x0atimeout-msy\0\x08\x04\0\x07request\x01\x16\x01p\x07\x01p\x08\x01j\x01\x18\x01\
\x05\x01@\x02\x05calls\x17\x0atimeout-msy\0\x19\x04\0\x0crequest-each\x01\x1a\x01\
j\x01\x0d\x01\x05\x01@\x04\x07channels\x07message\x01\x0atimeout-msy\x05limity\0\
\x1b\x04\0\x06gather\x01\x1c\x01ks\x01p\x0f\x01j\x01\x1e\x01\x05\x01@\x03\x07pat\
terns\x05after\x1d\x05limity\0\x1f\x04\0\x0bkept-values\x01\x20\x03\0\x13hive:no\
de/bus@0.1.0\x05\x05\x01B\x08\x01m\x05\x05trace\x05debug\x04info\x04warn\x05erro\
r\x04\0\x05level\x03\0\0\x01@\x01\x05level\x01\0\x7f\x04\0\x07enabled\x01\x02\x01\
o\x02ss\x01p\x03\x01@\x03\x05level\x01\x07messages\x06fields\x04\x01\0\x04\0\x03\
log\x01\x05\x03\0\x13hive:node/log@0.1.0\x05\x06\x01B\x1e\x02\x03\x02\x01\x04\x04\
\0\x05error\x03\0\0\x01p}\x01k\x02\x01j\x01\x03\x01\x01\x01@\x01\x03keys\0\x04\x04\
\0\x03get\x01\x05\x01ps\x01p\x03\x01j\x01\x07\x01\x01\x01@\x01\x04keys\x06\0\x08\
\x04\0\x08get-each\x01\x09\x01kw\x01j\0\x01\x01\x01@\x03\x03keys\x05value\x02\x06\
ttl-ms\x0a\0\x0b\x04\0\x03set\x01\x0c\x01@\x01\x03keys\0\x0b\x04\0\x06delete\x01\
\x0d\x01ks\x01j\x01\x06\x01\x01\x01@\x03\x06prefixs\x05after\x0e\x05limity\0\x0f\
\x04\0\x04keys\x01\x10\x01j\x01x\x01\x01\x01@\x02\x03keys\x05deltax\0\x11\x04\0\x09\
increment\x01\x12\x01j\x01\x7f\x01\x01\x01@\x04\x03keys\x08expected\x03\x05value\
\x03\x06ttl-ms\x0a\0\x13\x04\0\x04swap\x01\x14\x01@\0\0\x0b\x04\0\x05flush\x01\x15\
\x03\0\x15hive:node/state@0.1.0\x05\x07\x01B\x09\x02\x03\x02\x01\x04\x04\0\x05er\
ror\x03\0\0\x01p}\x01j\0\x01\x01\x01@\x03\x04names\x08delay-msw\x07payload\x02\0\
\x03\x04\0\x05after\x01\x04\x01j\x01\x7f\x01\x01\x01@\x01\x04names\0\x05\x04\0\x06\
cancel\x01\x06\x03\0\x16hive:node/timers@0.1.0\x05\x08\x01B\x07\x01ks\x01@\x01\x03\
keys\0\0\x04\0\x03get\x01\x01\x01o\x02ss\x01p\x02\x01@\0\0\x03\x04\0\x03all\x01\x04\
\x03\0\x16hive:node/config@0.1.0\x05\x09\x01B\x05\x02\x03\x02\x01\x04\x04\0\x05e\
rror\x03\0\0\x01j\x01s\x01\x01\x01@\x01\x04names\0\x02\x04\0\x03get\x01\x03\x03\0\
\x17hive:node/secrets@0.1.0\x05\x0a\x01B\x09\x01@\0\0s\x04\0\x02id\x01\0\x04\0\x04\
name\x01\0\x01ps\x01@\0\0\x01\x04\0\x08networks\x01\x02\x04\0\x06plugin\x01\0\x01\
@\0\0w\x04\0\x0ageneration\x01\x03\x03\0\x14hive:node/node@0.1.0\x05\x0b\x02\x03\
\0\0\x05event\x01B\"\x02\x03\x02\x01\x0c\x04\0\x05event\x03\0\0\x02\x03\x02\x01\x03\
\x04\0\x07message\x03\0\x02\x01m\x02\x09broadcast\x05group\x04\0\x08delivery\x03\
\0\x04\x01o\x02ss\x01p\x06\x04\0\x08settings\x03\0\x07\x01ks\x01r\x05\x07pattern\
s\x08delivery\x05\x05group\x09\x07answers\x7f\x08settings\x08\x04\0\x0csubscript\
ion\x03\0\x0a\x01m\x02\x04node\x04mesh\x04\0\x0btimer-scope\x03\0\x0c\x01r\x04\x04\
names\x08schedules\x05scope\x0d\x08settings\x08\x04\0\x05timer\x03\0\x0e\x01m\x03\
\x04pool\x05fresh\x06single\x04\0\x09instances\x03\0\x10\x01p\x0b\x01p\x0f\x01ps\
\x01r\x07\x04names\x07versions\x09instances\x11\x0dsubscriptions\x12\x06timers\x13\
\x09publishes\x14\x08settings\x08\x04\0\x0bdescription\x03\0\x15\x01kw\x01r\x02\x06\
reasons\x08after-ms\x17\x04\0\x05delay\x03\0\x18\x01q\x02\x05retry\x01\x19\0\x06\
reject\x01s\0\x04\0\x07failure\x03\0\x1a\x01@\0\0\x16\x04\0\x08describe\x01\x1c\x01\
k\x03\x01j\x01\x1d\x01\x1b\x01@\x01\x05event\x01\0\x1e\x04\0\x06handle\x01\x1f\x04\
\0\x17hive:node/handler@0.1.0\x05\x0d\x04\0\x16hive:node/plugin@0.1.0\x04\0\x0b\x0c\
\x01\0\x06plugin\x03\0\0\0G\x09producers\x01\x0cprocessed-by\x02\x0dwit-componen\
t\x070.254.2\x10wit-bindgen-rust\x060.60.0";
        };
    };
}
#[doc(inline)]
pub use __export_plugin_impl as export_handler;
#[cfg(target_arch = "wasm32")]
#[unsafe(
    link_section = "component-type:wit-bindgen:0.60.0:hive:node@0.1.0:plugin-with-all-of-its-exports-removed:encoded world"
)]
#[doc(hidden)]
#[allow(clippy::octal_escapes)]
pub static __WIT_BINDGEN_COMPONENT_TYPE: [u8; 2199] = *b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07\xfa\x0f\x01A\x02\x01\
A\x15\x01B\x0b\x01o\x02ss\x01p\0\x04\0\x07headers\x03\0\x01\x01p}\x01ks\x01r\x04\
\x07payload\x03\x0ccontent-type\x04\x03key\x04\x07headers\x02\x04\0\x07message\x03\
\0\x05\x01r\x06\x07channels\x07message\x06\x0csubscriptiony\x07attempty\x08retai\
ned\x7f\x0bwants-reply\x7f\x04\0\x05event\x03\0\x07\x01q\x0b\x06denied\x01s\0\x07\
invalid\x01s\0\x09too-large\x01w\0\x0aoverloaded\x01w\0\x0cno-responder\0\0\x07t\
imeout\0\0\x08deadlock\0\0\x06failed\x01s\0\x08rejected\x01s\0\x0bunavailable\x01\
s\0\x05other\x01\0\0\x04\0\x05error\x03\0\x09\x03\0\x15hive:node/types@0.1.0\x05\
\0\x02\x03\0\0\x07headers\x01B\x0e\x02\x03\x02\x01\x01\x04\0\x07headers\x03\0\0\x01\
@\0\0s\x04\0\x02id\x01\x02\x04\0\x06origin\x01\x02\x04\0\x0borigin-name\x01\x02\x01\
ks\x01@\0\0\x03\x04\0\x07network\x01\x04\x01@\0\0w\x04\0\x0cpublished-at\x01\x05\
\x04\0\x09time-left\x01\x05\x01@\0\0\x01\x04\0\x0cmesh-headers\x01\x06\x03\0\x17\
hive:node/current@0.1.0\x05\x02\x02\x03\0\0\x07message\x02\x03\0\0\x05error\x01B\
*\x02\x03\x02\x01\x03\x04\0\x07message\x03\0\0\x02\x03\x02\x01\x01\x04\0\x07head\
ers\x03\0\x02\x02\x03\x02\x01\x04\x04\0\x05error\x03\0\x04\x01r\x02\x07channels\x07\
message\x01\x04\0\x04call\x03\0\x06\x01j\x01\x01\x01\x05\x01r\x02\x06origins\x07\
outcome\x08\x04\0\x06answer\x03\0\x09\x01p\x0a\x01r\x02\x07answers\x0b\x07missin\
gy\x04\0\x07answers\x03\0\x0c\x01r\x04\x07channels\x07message\x01\x02ids\x0cpubl\
ished-atw\x04\0\x04kept\x03\0\x0e\x01j\x01s\x01\x05\x01@\x02\x07channels\x07mess\
age\x01\0\x10\x04\0\x07publish\x01\x11\x01@\x03\x07channels\x07message\x01\x0aex\
pires-msw\0\x10\x04\0\x10publish-expiring\x01\x12\x01@\x02\x07channels\x07header\
s\x03\0\x10\x04\0\x07forward\x01\x13\x04\0\x06retain\x01\x11\x01j\0\x01\x05\x01@\
\x01\x07channels\0\x14\x04\0\x05clear\x01\x15\x01@\x03\x07channels\x07message\x01\
\x0atimeout-msy\0\x08\x04\0\x07request\x01\x16\x01p\x07\x01p\x08\x01j\x01\x18\x01\
\x05\x01@\x02\x05calls\x17\x0atimeout-msy\0\x19\x04\0\x0crequest-each\x01\x1a\x01\
j\x01\x0d\x01\x05\x01@\x04\x07channels\x07message\x01\x0atimeout-msy\x05limity\0\
\x1b\x04\0\x06gather\x01\x1c\x01ks\x01p\x0f\x01j\x01\x1e\x01\x05\x01@\x03\x07pat\
terns\x05after\x1d\x05limity\0\x1f\x04\0\x0bkept-values\x01\x20\x03\0\x13hive:no\
de/bus@0.1.0\x05\x05\x01B\x08\x01m\x05\x05trace\x05debug\x04info\x04warn\x05erro\
r\x04\0\x05level\x03\0\0\x01@\x01\x05level\x01\0\x7f\x04\0\x07enabled\x01\x02\x01\
o\x02ss\x01p\x03\x01@\x03\x05level\x01\x07messages\x06fields\x04\x01\0\x04\0\x03\
log\x01\x05\x03\0\x13hive:node/log@0.1.0\x05\x06\x01B\x1e\x02\x03\x02\x01\x04\x04\
\0\x05error\x03\0\0\x01p}\x01k\x02\x01j\x01\x03\x01\x01\x01@\x01\x03keys\0\x04\x04\
\0\x03get\x01\x05\x01ps\x01p\x03\x01j\x01\x07\x01\x01\x01@\x01\x04keys\x06\0\x08\
\x04\0\x08get-each\x01\x09\x01kw\x01j\0\x01\x01\x01@\x03\x03keys\x05value\x02\x06\
ttl-ms\x0a\0\x0b\x04\0\x03set\x01\x0c\x01@\x01\x03keys\0\x0b\x04\0\x06delete\x01\
\x0d\x01ks\x01j\x01\x06\x01\x01\x01@\x03\x06prefixs\x05after\x0e\x05limity\0\x0f\
\x04\0\x04keys\x01\x10\x01j\x01x\x01\x01\x01@\x02\x03keys\x05deltax\0\x11\x04\0\x09\
increment\x01\x12\x01j\x01\x7f\x01\x01\x01@\x04\x03keys\x08expected\x03\x05value\
\x03\x06ttl-ms\x0a\0\x13\x04\0\x04swap\x01\x14\x01@\0\0\x0b\x04\0\x05flush\x01\x15\
\x03\0\x15hive:node/state@0.1.0\x05\x07\x01B\x09\x02\x03\x02\x01\x04\x04\0\x05er\
ror\x03\0\0\x01p}\x01j\0\x01\x01\x01@\x03\x04names\x08delay-msw\x07payload\x02\0\
\x03\x04\0\x05after\x01\x04\x01j\x01\x7f\x01\x01\x01@\x01\x04names\0\x05\x04\0\x06\
cancel\x01\x06\x03\0\x16hive:node/timers@0.1.0\x05\x08\x01B\x07\x01ks\x01@\x01\x03\
keys\0\0\x04\0\x03get\x01\x01\x01o\x02ss\x01p\x02\x01@\0\0\x03\x04\0\x03all\x01\x04\
\x03\0\x16hive:node/config@0.1.0\x05\x09\x01B\x05\x02\x03\x02\x01\x04\x04\0\x05e\
rror\x03\0\0\x01j\x01s\x01\x01\x01@\x01\x04names\0\x02\x04\0\x03get\x01\x03\x03\0\
\x17hive:node/secrets@0.1.0\x05\x0a\x01B\x09\x01@\0\0s\x04\0\x02id\x01\0\x04\0\x04\
name\x01\0\x01ps\x01@\0\0\x01\x04\0\x08networks\x01\x02\x04\0\x06plugin\x01\0\x01\
@\0\0w\x04\0\x0ageneration\x01\x03\x03\0\x14hive:node/node@0.1.0\x05\x0b\x04\06h\
ive:node/plugin-with-all-of-its-exports-removed@0.1.0\x04\0\x0b,\x01\0&plugin-wi\
th-all-of-its-exports-removed\x03\0\0\0G\x09producers\x01\x0cprocessed-by\x02\x0d\
wit-component\x070.254.2\x10wit-bindgen-rust\x060.60.0";
#[inline(never)]
#[doc(hidden)]
pub fn __link_custom_section_describing_imports() {
    wit_bindgen::rt::maybe_link_cabi_realloc();
}
