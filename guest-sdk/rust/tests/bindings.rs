//! Keeps the committed bindings equal to what `wit/` generates, so that a guest compiles neither wit-bindgen's macro
//! nor a WIT parser, and one in C or Go needs no generator. After a change of `wit/`,
//! `HIVE_BLESS=1 cargo test -p hive-guest --test bindings` writes them anew.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

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

/// The world that handlers in C and Go are.
const EVERYTHING: &str = "plugin-with-startup-and-snapshot";

#[test]
fn bindings_for_c_are_up_to_date() {
    let options = wit_bindgen_c::Opts {
        no_object_file: true,
        rename_world: Some("handler".to_owned()),
        ..Default::default()
    };
    // The component is made by the node's toolchain: there is no object with its type to link.
    let without_type =
        |(path, text): (String, String)| match text.split_once("\n// Ensure that the *_component_type.o") {
            Some((text, _)) => (path, text.to_owned()),
            None => (path, text),
        };
    compare("c/bindings", generated(options.build().as_mut()).into_iter().map(without_type).collect());
}

#[test]
fn bindings_for_go_are_up_to_date() {
    if Command::new("gofmt").arg("-h").output().is_err() {
        eprintln!(
            "NOT TESTED: whether the bindings for Go are up to date, because `gofmt` is not installed here"
        );
        return;
    }
    let options = wit_bindgen_go::Opts {
        format: wit_bindgen_go::Format::False,
        pkg_name: Some("hive-guest/internal/bindings".to_owned()),
        export_pkg_name: Some("hive-guest/internal/export".to_owned()),
        ..Default::default()
    };
    let ours = |(path, text): (String, String)| match path.strip_suffix(".go") {
        Some(_) => (path.replace("wit_exports/wit_exports.go", "bindings.go"), gofmt(&own_packages(&text))),
        None => (path, text),
    };
    compare("go/internal/bindings", generated(options.build().as_mut()).into_iter().map(ours).collect());
}

/// Go's bindings with packages of the SDK in place of those that a project would have to download.
fn own_packages(text: &str) -> String {
    let exports = "// Package bindings exports what the node calls.\npackage bindings";
    let mut text = text
        .replace("go.bytecodealliance.org/pkg/wit/", "hive-guest/internal/wit/")
        .replace("package wit_exports", exports);
    for export in ["handler", "snapshot", "startup"] {
        let (theirs, ours) =
            (format!("export_hive_node_{export}"), format!("hive-guest/internal/export/{export}"));
        text = text
            .replace(&format!("\"hive-guest/internal/export/{theirs}\""), &format!("{theirs} \"{ours}\""));
    }
    text
}

/// Files by their path, as a generator writes them.
fn generated(generator: &mut dyn WorldGenerator) -> BTreeMap<String, String> {
    let (mut resolve, package) = wit();
    let world = resolve.select_world(&[package], Some(EVERYTHING)).expect("the world is missing");
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files).expect("the bindings do not generate");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the bindings are text");
    files.iter().map(|(path, bytes)| (path.to_owned(), text(bytes))).collect()
}

fn gofmt(text: &str) -> String {
    let mut gofmt = Command::new("gofmt");
    let mut gofmt = gofmt.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gofmt runs");
    gofmt.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("gofmt reads");
    let output = gofmt.wait_with_output().expect("gofmt ends");
    assert!(output.status.success(), "gofmt does not take this:\n{text}");
    String::from_utf8(output.stdout).expect("what gofmt writes is text")
}

/// Compares a folder of the SDKs with what is generated, or writes it when `HIVE_BLESS` is set.
fn compare(folder: &str, generated: BTreeMap<String, String>) {
    let root = manifest_dir().join("..").join(folder);
    if std::env::var_os("HIVE_BLESS").is_some() {
        fs::remove_dir_all(&root).unwrap();
        for (path, text) in &generated {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
    }
    let mut committed = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            committed.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    let differs: Vec<&String> = committed
        .keys()
        .chain(generated.keys())
        .filter(|path| committed.get(*path) != generated.get(*path))
        .collect();
    assert!(
        differs.is_empty(),
        "guest-sdk/{folder} is not what wit/ generates, which differs in {differs:?}: run \
         `HIVE_BLESS=1 cargo test -p hive-guest --test bindings`"
    );
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
