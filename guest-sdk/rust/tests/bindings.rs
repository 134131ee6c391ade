//! Keeps the committed bindings equal to what `wit/` generates, so that a guest compiles neither wit-bindgen's macro
//! nor a WIT parser. After a change of `wit/`, `HIVE_BLESS=1 cargo test -p hive-guest --test bindings` writes them anew.

use std::{fs, path::Path};

use wit_bindgen_core::{
    Files, WorldGenerator,
    wit_parser::{PackageId, Resolve, UnresolvedPackageGroup},
};

/// The optional exports, each in a world of its own: a guest that has a start function is linked with both, and the linker
/// makes one world of them. So every type exists once, whichever exports a guest has.
const OPTIONAL: [&str; 2] = ["startup", "snapshot"];

#[test]
fn handler_bindings_are_up_to_date() {
    let (mut resolve, package) = wit();
    check("src/bindings.rs", "hive::bindings", "export_handler", &mut resolve, package, "plugin");
}

#[test]
fn bindings_of_optional_exports_are_up_to_date() {
    for export in OPTIONAL {
        let (mut resolve, _) = wit();
        let world = format!("package hive:guest; world {export} {{ export hive:node/{export}@0.1.0; }}");
        let group = UnresolvedPackageGroup::parse("optional.wit", &world).unwrap();
        let package = resolve.push_group(group).unwrap();
        let (file, module) = (format!("src/bindings_{export}.rs"), format!("hive::bindings_{export}"));
        check(&file, &module, &format!("export_{export}"), &mut resolve, package, export);
    }
}

/// `wit/` of this repository, parsed.
fn wit() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(manifest_dir().join("../../wit")).expect("wit/ is not valid WIT");
    (resolve, package)
}

/// Generates the bindings of `world` and compares them with the committed `file`, or writes it when `HIVE_BLESS` is set.
fn check(
    file: &str,
    module: &str,
    export_macro: &str,
    resolve: &mut Resolve,
    package: PackageId,
    world: &str,
) {
    let world = resolve.select_world(&[package], Some(world)).expect("the world is missing");
    let generated = generate(module, export_macro, resolve, world);
    let path = manifest_dir().join(file);
    if std::env::var_os("HIVE_BLESS").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{file} is not what wit/ generates: run `HIVE_BLESS=1 cargo test -p hive-guest --test bindings`"
    );
}

fn generate(
    module: &str,
    export_macro: &str,
    resolve: &mut Resolve,
    world: wit_bindgen_core::wit_parser::WorldId,
) -> String {
    let options = wit_bindgen_rust::Opts {
        pub_export_macro: true,
        export_macro_name: Some(export_macro.to_owned()),
        default_bindings_module: Some(module.to_owned()),
        additional_derive_attributes: vec!["PartialEq".to_owned()],
        ..Default::default()
    };
    let mut files = Files::default();
    options.build().generate(resolve, world, &mut files).expect("the bindings do not generate");
    let (_, source) = files.iter().next().expect("one file is generated");
    let parsed = syn2::parse_file(std::str::from_utf8(source).unwrap()).expect("the bindings are Rust");
    format!(
        "//! Generated from `wit/` by `tests/bindings.rs`; do not edit.\n//!\n//! It is committed so that a guest builds \
         without wit-bindgen's macro.\n\n{}",
        prettyplease::unparse(&parsed)
    )
}

fn manifest_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
