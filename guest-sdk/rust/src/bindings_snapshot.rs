//! Generated from `wit/` by `tests/bindings.rs`; do not edit.
//!
//! It is committed so that a guest builds without wit-bindgen's macro.

#[allow(dead_code, clippy::all)]
pub mod exports {
    pub mod hive {
        pub mod node {
            /// An optional export of `single` plugins: memory that outlives an instance when a new version takes over. Who exports it
            /// whether it is used or not, as SDKs of languages do that know only when they run, says `snapshot: false` in the settings
            /// of its description when it is not: then it is as if there were none.
            #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
            pub mod snapshot {
                #[used]
                #[doc(hidden)]
                static __FORCE_SECTION_REF: fn() = super::super::super::super::__link_custom_section_describing_imports;
                use super::super::super::super::_rt;
                /// What another version has saved.
                #[derive(Clone, PartialEq)]
                pub struct Saved {
                    /// What that version's `describe` calls its version.
                    pub version: _rt::String,
                    pub state: _rt::Vec<u8>,
                }
                impl ::core::fmt::Debug for Saved {
                    fn fmt(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        f.debug_struct("Saved")
                            .field("version", &self.version)
                            .field("state", &self.state)
                            .finish()
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_save_cabi<T_: Guest>() -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")] _rt::run_ctors_once();
                        let result0 = { T_::save() };
                        let ptr1 = (&raw mut _RET_AREA.0).cast::<u8>();
                        match result0 {
                            Ok(e) => {
                                *ptr1.add(0).cast::<u8>() = (0i32) as u8;
                                let vec2 = <_ as Into<_rt::Vec<_>>>::into(e)
                                    .into_boxed_slice();
                                let ptr2 = vec2.as_ptr().cast::<u8>();
                                let len2 = vec2.len();
                                ::core::mem::forget(vec2);
                                *ptr1
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len2;
                                *ptr1
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>() = ptr2.cast_mut();
                            }
                            Err(e) => {
                                *ptr1.add(0).cast::<u8>() = (1i32) as u8;
                                let vec3 = (e.into_bytes()).into_boxed_slice();
                                let ptr3 = vec3.as_ptr().cast::<u8>();
                                let len3 = vec3.len();
                                ::core::mem::forget(vec3);
                                *ptr1
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len3;
                                *ptr1
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>() = ptr3.cast_mut();
                            }
                        };
                        ptr1
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_save<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = i32::from(*arg0.add(0).cast::<u8>());
                        match l0 {
                            0 => {
                                let l1 = *arg0
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l2 = *arg0
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                let base3 = l1;
                                let len3 = l2;
                                _rt::cabi_dealloc(base3, len3 * 1, 1);
                            }
                            _ => {
                                let l4 = *arg0
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l5 = *arg0
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l4, l5, 1);
                            }
                        }
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_restore_cabi<T_: Guest>(
                    arg0: *mut u8,
                    arg1: usize,
                    arg2: *mut u8,
                    arg3: usize,
                ) -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")] _rt::run_ctors_once();
                        let result2 = {
                            let len0 = arg1;
                            let bytes0 = _rt::Vec::from_raw_parts(
                                arg0.cast(),
                                len0,
                                len0,
                            );
                            let len1 = arg3;
                            T_::restore(Saved {
                                version: _rt::string_lift(bytes0),
                                state: <_ as From<
                                    _rt::Vec<_>,
                                >>::from(_rt::Vec::from_raw_parts(arg2.cast(), len1, len1)),
                            })
                        };
                        let ptr3 = (&raw mut _RET_AREA.0).cast::<u8>();
                        match result2 {
                            Ok(_) => {
                                *ptr3.add(0).cast::<u8>() = (0i32) as u8;
                            }
                            Err(e) => {
                                *ptr3.add(0).cast::<u8>() = (1i32) as u8;
                                let vec4 = (e.into_bytes()).into_boxed_slice();
                                let ptr4 = vec4.as_ptr().cast::<u8>();
                                let len4 = vec4.len();
                                ::core::mem::forget(vec4);
                                *ptr3
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>() = len4;
                                *ptr3
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>() = ptr4.cast_mut();
                            }
                        };
                        ptr3
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_restore<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = i32::from(*arg0.add(0).cast::<u8>());
                        match l0 {
                            0 => {}
                            _ => {
                                let l1 = *arg0
                                    .add(::core::mem::size_of::<*const u8>())
                                    .cast::<*mut u8>();
                                let l2 = *arg0
                                    .add(2 * ::core::mem::size_of::<*const u8>())
                                    .cast::<usize>();
                                _rt::cabi_dealloc(l1, l2, 1);
                            }
                        }
                    }
                }
                pub trait Guest {
                    /// A copy of the state, at most 16 MiB. The instance stays usable, so that a roll-back needs no second hand-over.
                    #[allow(async_fn_in_trait)]
                    fn save() -> Result<_rt::Vec<u8>, _rt::String>;
                    /// After `start`, before the first event. An error refuses the new version.
                    #[allow(async_fn_in_trait)]
                    fn restore(saved: Saved) -> Result<(), _rt::String>;
                }
                #[doc(hidden)]
                #[macro_export]
                macro_rules! __export_hive_node_snapshot_0_1_0_cabi {
                    ($ty:ident with_types_in $($path_to_types:tt)*) => {
                        const _ : () = { #[unsafe (export_name =
                        "hive:node/snapshot@0.1.0#save")] unsafe extern "C" fn
                        export_save() -> * mut u8 { unsafe { $($path_to_types)*::
                        _export_save_cabi::<$ty > () } } #[unsafe (export_name =
                        "cabi_post_hive:node/snapshot@0.1.0#save")] unsafe extern "C" fn
                        _post_return_save(arg0 : * mut u8,) { unsafe {
                        $($path_to_types)*:: __post_return_save::<$ty > (arg0) } }
                        #[unsafe (export_name = "hive:node/snapshot@0.1.0#restore")]
                        unsafe extern "C" fn export_restore(arg0 : * mut u8, arg1 :
                        usize, arg2 : * mut u8, arg3 : usize,) -> * mut u8 { unsafe {
                        $($path_to_types)*:: _export_restore_cabi::<$ty > (arg0, arg1,
                        arg2, arg3) } } #[unsafe (export_name =
                        "cabi_post_hive:node/snapshot@0.1.0#restore")] unsafe extern "C"
                        fn _post_return_restore(arg0 : * mut u8,) { unsafe {
                        $($path_to_types)*:: __post_return_restore::<$ty > (arg0) } } };
                    };
                }
                #[doc(hidden)]
                pub use __export_hive_node_snapshot_0_1_0_cabi;
                #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                struct _RetArea(
                    [::core::mem::MaybeUninit<
                        u8,
                    >; 3 * ::core::mem::size_of::<*const u8>()],
                );
                static mut _RET_AREA: _RetArea = _RetArea(
                    [::core::mem::MaybeUninit::uninit(); 3
                        * ::core::mem::size_of::<*const u8>()],
                );
            }
        }
    }
}
mod _rt {
    #![allow(dead_code, unused_imports, clippy::all)]
    pub use alloc_crate::string::String;
    pub use alloc_crate::vec::Vec;
    #[cfg(target_arch = "wasm32")]
    pub fn run_ctors_once() {
        wit_bindgen::rt::run_ctors_once();
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
    pub unsafe fn string_lift(bytes: Vec<u8>) -> String {
        if cfg!(debug_assertions) {
            String::from_utf8(bytes).unwrap()
        } else {
            unsafe { String::from_utf8_unchecked(bytes) }
        }
    }
    extern crate alloc as alloc_crate;
    pub use alloc_crate::alloc;
}
/// Generates `#[unsafe(no_mangle)]` functions to export the specified type as
/// the root implementation of all generated traits.
///
/// For more information see the documentation of `wit_bindgen::generate!`.
///
/// ```rust
/// # macro_rules! export_snapshot{ ($($t:tt)*) => (); }
/// # trait Guest {}
/// struct MyType;
///
/// impl Guest for MyType {
///     // ...
/// }
///
/// export_snapshot!(MyType);
/// ```
#[allow(unused_macros)]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_snapshot_impl {
    ($ty:ident) => {
        hive::bindings_snapshot::export_snapshot!($ty with_types_in
        hive::bindings_snapshot);
    };
    ($ty:ident with_types_in $($path_to_types_root:tt)*) => {
        $($path_to_types_root)*::
        exports::hive::node::snapshot::__export_hive_node_snapshot_0_1_0_cabi!($ty
        with_types_in $($path_to_types_root)*:: exports::hive::node::snapshot); const _ :
        () = { #[cfg(target_arch = "wasm32")] #[unsafe (link_section =
        "component-type:wit-bindgen:0.60.0:hive:guest:snapshot:imports and exports")]
        #[doc(hidden)] #[allow(clippy::octal_escapes)] pub static
        __WIT_BINDGEN_COMPONENT_TYPE : [u8; 271] = *
        b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07\x90\x01\x01A\x02\x01\
A\x02\x01B\x09\x01p}\x01r\x02\x07versions\x05state\0\x04\0\x05saved\x03\0\x01\x01\
j\x01\0\x01s\x01@\0\0\x03\x04\0\x04save\x01\x04\x01j\0\x01s\x01@\x01\x05saved\x02\
\0\x05\x04\0\x07restore\x01\x06\x04\0\x18hive:node/snapshot@0.1.0\x05\0\x04\0\x13\
hive:guest/snapshot\x04\0\x0b\x0e\x01\0\x08snapshot\x03\0\0\0G\x09producers\x01\x0c\
processed-by\x02\x0dwit-component\x070.254.2\x10wit-bindgen-rust\x060.60.0";
        };
    };
}
#[doc(inline)]
pub use __export_snapshot_impl as export_snapshot;
#[cfg(target_arch = "wasm32")]
#[unsafe(
    link_section = "component-type:wit-bindgen:0.60.0:hive:guest:snapshot-with-all-of-its-exports-removed:encoded world"
)]
#[doc(hidden)]
#[allow(clippy::octal_escapes)]
pub static __WIT_BINDGEN_COMPONENT_TYPE: [u8; 220] = *b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07>\x01A\x02\x01A\0\x04\
\03hive:guest/snapshot-with-all-of-its-exports-removed\x04\0\x0b.\x01\0(snapshot\
-with-all-of-its-exports-removed\x03\0\0\0G\x09producers\x01\x0cprocessed-by\x02\
\x0dwit-component\x070.254.2\x10wit-bindgen-rust\x060.60.0";
#[inline(never)]
#[doc(hidden)]
pub fn __link_custom_section_describing_imports() {
    wit_bindgen::rt::maybe_link_cabi_realloc();
}
