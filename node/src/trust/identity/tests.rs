//! Data directories in every state a person can leave them in.

use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use tempfile::TempDir;

use super::*;

fn dir() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn error(dir: &Path) -> IdentityError {
    Identity::load_or_create(dir).expect_err("no identity")
}

#[test]
fn a_missing_key_is_made_private_and_found_again() {
    let dir = dir();
    let inside = dir.path().join("a/b");
    let made = Identity::load_or_create(&inside).expect("a new identity");
    let mode = fs::metadata(inside.join(KEY_FILE)).expect("the key file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let found = Identity::load_or_create(&inside).expect("the same identity");
    assert_eq!(found.node_id(), made.node_id());
    assert_ne!(found.node_id(), Identity::ephemeral().node_id());
    let names: Vec<_> =
        fs::read_dir(&inside).expect("a directory").flatten().map(|e| e.file_name()).collect();
    assert_eq!(names, [KEY_FILE], "no temporary file stays");
}

#[test]
fn a_key_others_may_read_is_refused_with_the_cure() {
    let dir = dir();
    Identity::load_or_create(dir.path()).expect("a new identity");
    let path = dir.path().join(KEY_FILE);
    for mode in [0o644, 0o640, 0o602] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
        let error = error(dir.path());
        assert!(matches!(error, IdentityError::TooOpen { mode: found, .. } if found == mode), "{error}");
        assert_eq!(error.hint(), format!("chmod 600 {}", path.display()));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).expect("chmod");
    Identity::load_or_create(dir.path()).expect("read-only is fine");
}

#[test]
fn a_garbled_key_is_named_and_kept() {
    let dir = dir();
    let path = dir.path().join(KEY_FILE);
    let whole = {
        Identity::load_or_create(dir.path()).expect("a new identity");
        fs::read(&path).expect("the key file")
    };
    for bytes in [&b""[..], b"hello", &[0xff, 0xfe, 0x00], &whole[..whole.len() / 2]] {
        fs::write(&path, bytes).expect("a file");
        let error = error(dir.path());
        assert!(matches!(error, IdentityError::NoKey { .. }), "{error}");
        assert!(error.to_string().contains(KEY_FILE), "{error}");
        assert_eq!(fs::read(&path).expect("the key file"), bytes, "a person's file is not overwritten");
    }
}

#[test]
fn what_cannot_be_read_or_made_is_an_error_that_names_it() {
    let dir = dir();
    fs::create_dir(dir.path().join(KEY_FILE)).expect("a directory in the key's place");
    fs::set_permissions(dir.path().join(KEY_FILE), Permissions::from_mode(0o700)).expect("chmod");
    assert!(matches!(error(dir.path()), IdentityError::Read { .. }));

    let file = dir.path().join("file");
    fs::write(&file, "").expect("a file");
    let below = file.join("data");
    let error = error(&below);
    assert!(matches!(error, IdentityError::Directory { .. }), "{error}");
    assert!(error.to_string().contains(&below.display().to_string()), "{error}");
}

#[test]
fn incarnations_only_grow() {
    let dir = dir();
    let first = next_incarnation(dir.path()).expect("a first life");
    assert!(first <= clock_incarnation());
    let path = dir.path().join(INCARNATION_FILE);
    // A clock that was once far ahead: the stored number wins.
    fs::write(&path, "99999999999999\n").expect("a file");
    assert_eq!(next_incarnation(dir.path()).expect("a life"), Incarnation(100_000_000_000_000));
    assert_eq!(next_incarnation(dir.path()).expect("a life"), Incarnation(100_000_000_000_001));
    for bad in ["", "soon", "-1", "18446744073709551615", "18446744073709551616"] {
        fs::write(&path, bad).expect("a file");
        let error = next_incarnation(dir.path()).expect_err("no number");
        assert!(matches!(error, IdentityError::NoIncarnation { .. }), "{bad}: {error}");
    }
}

#[test]
fn a_second_node_on_one_directory_is_told_who_holds_it() {
    let dir = dir();
    let held = lock(dir.path()).expect("a free directory");
    let error = lock(dir.path()).expect_err("a busy directory");
    let LockError::Busy { pid, .. } = &error else { panic!("{error}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
    drop(held);
    lock(dir.path()).expect("a free directory again");
}

#[test]
fn who_holds_a_directory_without_a_node_says_what_it_does() {
    let dir = dir();
    assert_eq!(held(dir.path()), None);
    let mut lock = lock(dir.path()).expect("a free directory");
    let me = std::process::id();
    assert_eq!(held(dir.path()), Some((me, Doing::Starting)));
    lock.says(Doing::Building);
    assert_eq!(held(dir.path()), Some((me, Doing::Building)));
    lock.says(Doing::Running);
    assert_eq!(held(dir.path()), None);
    lock.says(Doing::Building);
    drop(lock);
    assert_eq!(held(dir.path()), None, "its word is still there, its lock is not");
}

#[test]
fn the_private_key_is_not_in_what_debug_prints() {
    let identity = Identity::ephemeral();
    let text = format!("{identity:?}");
    assert_eq!(text, format!("Identity({})", identity.node_id().short()));
}

#[test]
fn signatures_verify_under_the_node_id() {
    let identity = Identity::ephemeral();
    let key = ed25519_dalek::VerifyingKey::from_bytes(&identity.node_id().0).expect("a key");
    let signature = ed25519_dalek::Signature::from_bytes(&identity.sign(b"hello"));
    key.verify_strict(b"hello", &signature).expect("a valid signature");
    key.verify_strict(b"hullo", &signature).expect_err("another message");
}
