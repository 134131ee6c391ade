//! Good files are described; each kind of bad one gets its own clear reason.

use hive_proto::channel::NetworkName;

use super::*;
use crate::plugin::{
    instances::Mode,
    limits::Cut,
    sketch::{EAT, SPIN, Sketch},
};

fn loader() -> Arc<Loader> {
    let engine = Arc::new(Engine::start().expect("an engine"));
    Arc::new(Loader::new(engine).expect("a loader"))
}

fn names() -> Names {
    Names::new(vec![NetworkName::parse("hive").expect("a network")])
}

async fn load(loader: &Arc<Loader>, file: Bytes) -> Result<Loaded, LoadError> {
    loader.load(&"test".into(), file, &PluginConfig::default(), &names()).await
}

async fn refusal(loader: &Arc<Loader>, file: impl Into<Bytes>) -> String {
    load(loader, file.into()).await.err().expect("a refusal").to_string()
}

#[tokio::test]
async fn a_component_is_compiled_and_described() {
    let guest = Sketch::new().on("a/b").answers("greet/*").publishes("a/c").single();
    let loaded = load(&loader(), guest.build()).await.expect("loaded");
    let wishes = &loaded.wishes;
    assert_eq!((wishes.version.as_str(), wishes.mode), ("1.2.3", Mode::Single));
    let listens: Vec<_> =
        wishes.listens.iter().map(|listen| (listen.pattern.as_str(), listen.answers)).collect();
    assert_eq!(listens, [("a/b", false), ("greet/*", true)]);
    let to = names().address("a/c").expect("a channel");
    assert_eq!(wishes.grants.check(&to, "a/c"), Ok(()));
    assert!(loaded.face.1.contains(&"hive:node/handler@0.1.0".to_owned()), "{:?}", loaded.face);
}

#[tokio::test]
async fn what_is_no_component_is_refused_with_the_reason() {
    let loader = loader();
    assert_eq!(refusal(&loader, "").await, "it is not WebAssembly: the file is empty");
    assert_eq!(refusal(&loader, "(module)").await, "it is not WebAssembly: it looks like WebAssembly text");
    let garbage = "it is not WebAssembly: it does not begin as WebAssembly does";
    assert_eq!(refusal(&loader, "garbage").await, garbage);
    assert_eq!(refusal(&loader, &b"\0asm"[..]).await, "it is not WebAssembly: it ends after its first bytes");
    let core = LoadError::CoreModule;
    assert_eq!(refusal(&loader, Sketch::new().module()).await, core.to_string());
    assert!(core.hint().is_some_and(|hint| hint.contains("hive-node build")));
    let whole = Sketch::new().build();
    let half = refusal(&loader, whole.slice(..whole.len() / 2)).await;
    assert!(half.starts_with("it is not a valid component: "), "{half}");
}

#[tokio::test]
async fn another_world_is_refused_with_the_difference() {
    let component = wat::parse_str(
        r#"(component
            (import "wasi:http/incoming-handler@0.2.3" (instance))
            (import "my:own/thing@1.0.0" (instance (export "go" (func)))))"#,
    );
    let said = refusal(&loader(), component.expect("text that parses")).await;
    assert_eq!(
        said,
        "it does not fit this node: it imports `wasi:http/incoming-handler@0.2.3`, which this node does not offer; \
         it imports `my:own/thing@1.0.0`, which this node does not offer; \
         it does not export `hive:node/handler@0.1.0`; it exports nothing"
    );
}

#[tokio::test]
async fn a_describe_that_misbehaves_is_named() {
    let loader = loader();
    let check = async |body: &str, want: &str| {
        assert_eq!(refusal(&loader, Sketch::new().describe(body).build()).await, want, "{body}");
    };
    check(
        "unreachable",
        "`describe` failed: it trapped in `describe`: `unreachable` was executed, as by a panic",
    )
    .await;
    check(EAT, "`describe` failed: it was stopped for memory: it asked for more than 64MiB in `describe`")
        .await;
    check("call $describe", "`describe` failed: it trapped in `describe`: its stack is full: `describe` calls itself again and again").await;
    let spun = load(&loader, Sketch::new().describe(SPIN).build()).await.err().expect("a refusal");
    assert!(
        matches!(spun, LoadError::Describe(Fault::Cut { cut: Cut::Deadline(_) | Cut::Cpu(_), .. })),
        "{spun}"
    );
}

#[tokio::test]
async fn describe_can_reach_nothing() {
    // Publishes with an empty channel and message, and traps unless the answer is an error.
    let body = "
        (call $publish (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
        (if (i32.eqz (i32.load8_u (i32.const 512))) (then unreachable))
        i32.const 1024";
    load(&loader(), Sketch::new().describe(body).build()).await.expect("loaded");
}

/// A module of code alone, large enough to be looked for in other components.
fn interpreter() -> Vec<u8> {
    let body = "i64.const 0x7234567890abcdef drop ".repeat(25);
    let functions = format!("(func {body})").repeat(1200);
    wat::parse_str(format!("(module {functions})")).expect("a module")
}

/// A component with one more module, which it does not use.
fn with(guest: &Bytes, module: &[u8]) -> Bytes {
    let mut file = guest.to_vec();
    file.push(1);
    let mut size = module.len();
    while size > 0x7f {
        file.push(u8::try_from(size & 0x7f).expect("seven bits") | 0x80);
        size >>= 7;
    }
    file.push(u8::try_from(size).expect("seven bits"));
    file.extend_from_slice(module);
    file.into()
}

#[tokio::test]
async fn what_two_components_share_is_compiled_once_and_kept_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let caching = || {
        let loader = Arc::into_inner(loader()).expect("nobody else has it");
        let cache = Cache::open(folder.path(), loader.engine.wasm()).expect("a cache");
        Arc::new(loader.caching(Some(cache), Arc::default()))
    };
    let shared = interpreter();
    let [one, other] = ["a/b", "c/d"].map(|channel| with(&Sketch::new().on(channel).build(), &shared));
    let loader = caching();
    for file in [&one, &other] {
        load(&loader, file.clone()).await.expect("loaded");
    }
    let kept = || -> Vec<String> {
        let files = std::fs::read_dir(folder.path().join("cache")).expect("a folder").flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.ends_with(".code")).collect()
    };
    let modules = || kept().iter().filter(|name| name.starts_with("module-")).count();
    assert_eq!((kept().len(), modules()), (3, 1));
    assert_eq!(loader.ready.lock().expect("no panic").len(), 1);
    // A node that starts again compiles nothing.
    let again = caching();
    load(&again, one).await.expect("loaded");
    assert_eq!((again.counts.compiled.value(), again.counts.cached.value()), (0, 1));
    assert_eq!(kept().len(), 3);
}
