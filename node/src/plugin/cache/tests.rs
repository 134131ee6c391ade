//! What is kept is loaded again, by whom it was kept, and nothing else is.

use super::*;
use crate::plugin::{engine::Engine, sketch::Sketch};

const HASH: &str = "a hash";

fn component(engine: &Engine) -> Component {
    Component::from_binary(engine.wasm(), &Sketch::new().build()).expect("a component")
}

fn entry(cache: &Cache) -> Vec<u8> {
    fs::read(cache.path(HASH)).expect("an entry")
}

#[test]
fn what_was_compiled_is_loaded_again_and_what_somebody_touched_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::start().expect("an engine");
    let open = || Cache::open(folder.path(), engine.wasm()).expect("a cache");
    let cache = open();
    assert!(cache.load::<Component>(engine.wasm(), HASH).is_none());
    cache.keep(&component(&engine), HASH);
    assert!(
        cache.load::<Component>(engine.wasm(), HASH).is_some()
            && open().load::<Component>(engine.wasm(), HASH).is_some()
    );
    let whole = entry(&cache);
    let check = |bytes: &[u8], what: &str| {
        fs::write(cache.path(HASH), bytes).expect("written");
        assert!(cache.load::<Component>(engine.wasm(), HASH).is_none(), "{what}");
    };
    check(&whole[..whole.len() / 2], "torn");
    check(&whole[..7], "shorter than a mark");
    check(b"", "empty");
    for at in [0, MARK_BYTES, whole.len() / 2, whole.len() - 1] {
        let mut touched = whole.clone();
        touched[at] ^= 1;
        check(&touched, "one bit");
    }
    check(&whole[MARK_BYTES..], "no mark");
    fs::write(cache.path("another"), &whole).expect("written");
    assert!(cache.load::<Component>(engine.wasm(), "another").is_none(), "another component's");
    fs::write(cache.path(HASH), &whole).expect("written");
    assert!(
        cache.load::<Component>(engine.wasm(), HASH).is_some(),
        "it was none of the above that made it unusable"
    );
    fs::remove_file(folder.path().join(FOLDER).join(KEY_FILE)).expect("removed");
    assert!(open().load::<Component>(engine.wasm(), HASH).is_none(), "another node's");
}

#[test]
fn programs_that_begin_at_once_have_one_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(KEY_FILE);
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| key(&file).expect("a key"))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a key")).collect()
    });
    assert!(keys.iter().all(|one| *one == keys[0]), "{keys:?}");
}

#[test]
fn code_of_another_engine_is_another_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::start().expect("an engine");
    let cache = Cache::open(folder.path(), engine.wasm()).expect("a cache");
    cache.keep(&component(&engine), HASH);
    let mut config = wasmtime::Config::new();
    config.wasm_component_model(true).epoch_interruption(false);
    let other = wasmtime::Engine::new(&config).expect("an engine");
    let others = Cache::open(folder.path(), &other).expect("a cache");
    assert_ne!(others.path(HASH), cache.path(HASH));
    assert!(others.load::<Component>(&other, HASH).is_none());
    fs::copy(cache.path(HASH), others.path(HASH)).expect("copied");
    assert!(others.load::<Component>(&other, HASH).is_none(), "a renamed one has the wrong mark");
}

#[test]
fn the_oldest_go_when_there_is_no_room_and_so_does_what_a_crash_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::start().expect("an engine");
    let component = component(&engine);
    let size = component.serialize().expect("code").len() as u64 + MARK_BYTES as u64;
    let cache = Cache::bounded(folder.path(), engine.wasm(), 4 * size + 3).expect("a cache");
    let age = |name: &str, seconds| {
        let file = File::open(cache.path(name)).expect("an entry");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).expect("aged");
    };
    for (seconds, name) in (1..).zip(["a", "b", "c", "d"]) {
        cache.keep(&component, name);
        age(name, seconds);
    }
    assert!(cache.load::<Component>(engine.wasm(), "a").is_some(), "it is the youngest now");
    cache.keep(&component, "e");
    let there = |name: &str| cache.path(name).exists();
    assert_eq!(["a", "b", "c", "d", "e"].map(there), [true, false, false, true, true]);
    let [left, coming] = ["1-9.new", "2-9.new"].map(|name| folder.path().join(FOLDER).join(name));
    for path in [&left, &coming] {
        fs::write(path, b"half").expect("written");
    }
    let long_ago = SystemTime::now() - 2 * LEFT_AFTER;
    File::options().append(true).open(&left).and_then(|file| file.set_modified(long_ago)).expect("aged");
    Cache::open(folder.path(), engine.wasm()).expect("a cache");
    assert!(!left.exists() && coming.exists());
}
