//! The cache: what is said of it, and what is in it once.

use super::*;

fn shop<'s>(cache: &Path, install: bool, say: &'s (dyn Fn(Said<'_>) + Sync)) -> Shop<'s> {
    let (folder, options) = (cache.into(), Options { install, may_be_none: false });
    Shop { folder, options, say, installing: AtomicUsize::new(0) }
}

#[tokio::test]
async fn what_is_installed_without_a_word_is_said_to_grow() {
    const PATIENCE: Duration = Duration::from_secs(30);
    let cache = tempfile::tempdir().expect("a folder");
    let (told, mut heard) = tokio::sync::mpsc::channel(16);
    let say = |said: Said<'_>| {
        let (text, is_progress) = match said {
            Said::Fact(text) => (text, false),
            Said::Progress(text) => (text, true),
        };
        let _ = told.try_send((text.to_owned(), is_progress));
    };
    let shop = shop(cache.path(), true, &say);
    let kit =
        Kit { name: "kit-1".into(), called: "kit".into(), why: "tests need it", comes: Comes::Installed };
    let mut said = Vec::new();
    let install = async |folder: &Path| {
        fs::create_dir(folder.join("in")).expect("made");
        fs::write(folder.join("in/a"), vec![0; 3_000_000]).expect("written");
        // It is done when somebody was told how far it is.
        while !said.last().is_some_and(|(_, is_progress)| *is_progress) {
            said.extend(heard.recv().await);
        }
        Ok(())
    };
    // What waits for it says nothing meanwhile.
    let making = shop.making("building it", shop.kit(&kit, install));
    tokio::time::timeout(PATIENCE, making).await.expect("progress").expect("installed");
    said.extend(heard.recv().await);
    let begins = |said: &[(String, bool)], want: &[(&str, bool)]| {
        let as_wanted = |((text, is), (begins, want)): (&(String, bool), &(&str, bool))| {
            text.starts_with(begins) && is == want
        };
        assert!(said.len() == want.len() && said.iter().zip(want).all(as_wanted), "{said:?}");
    };
    let not_yet = "kit is not in your cache yet";
    begins(&said, &[(not_yet, false), ("installing kit: 3 MB, ", true), ("installed kit in ", false)]);
    let until = async { said = heard.recv().await.into_iter().collect() };
    tokio::select! {
        never = shop.making("building it", std::future::pending::<()>()) => never,
        told = tokio::time::timeout(PATIENCE, until) => told.expect("progress"),
    }
    begins(&said, &[("building it: ", true)]);
}

#[tokio::test]
async fn a_kit_is_installed_once_and_a_failed_one_leaves_nothing() {
    let cache = tempfile::tempdir().expect("a folder");
    let shop = |install| shop(cache.path(), install, &|_| {});
    let kit =
        Kit { name: "kit-1".into(), called: "kit".into(), why: "tests need it", comes: Comes::Installed };
    let refused = shop(false).kit(&kit, async |_: &Path| Ok(())).await.expect_err("not installed");
    assert!(matches!(refused, BuildError::NotInstalled { .. }), "{refused}");
    shop(true).kit(&kit, async |_: &Path| Err(BuildError::NoCache)).await.expect_err("it fails");
    let install =
        async |folder: &Path| fs::write(folder.join("a"), b"x").map_err(|error| place(folder, error));
    let folder = shop(true).kit(&kit, install).await.expect("installed");
    assert!(folder.join("a").is_file());
    let again = async |_: &Path| Err(BuildError::NoCache);
    assert_eq!(shop(true).kit(&kit, again).await.expect("there already"), folder);
}

#[test]
fn the_interfaces_are_written_once() {
    let cache = tempfile::tempdir().expect("a folder");
    let shop = shop(cache.path(), false, &|_| {});
    let folder = shop.wit().expect("written");
    assert!(folder.join("worlds.wit").is_file());
    assert_eq!(shop.wit().expect("there already"), folder);
}

#[tokio::test]
async fn that_an_sdk_stays_as_it_is_is_said_once() {
    let project = tempfile::tempdir().expect("a folder");
    let sdk = project.path().join(sdk::FOLDER);
    let said = AtomicUsize::new(0);
    for saves in 0..3 {
        let say = |_: Said<'_>| {
            said.fetch_add(1, Relaxed);
        };
        let shop = shop(project.path(), false, &say);
        shop.see_to_sdk("x", Sdk::Go, &sdk).await.expect("seen to");
        // That it was written is the first; that it stays so, as nobody knows what was changed, the second.
        assert_eq!(said.load(Relaxed), (saves + 1).min(2));
        let _ = fs::remove_file(sdk.join("written-by-hive-node.txt"));
        fs::write(sdk.join("hive.go"), "mine").expect("written");
    }
}
