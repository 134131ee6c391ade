//! Keys of networks: what proves and what does not, and epochs that come and go.

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> NetworkName {
    NetworkName::parse(text).expect("a network")
}

fn binding(exporter: u8) -> Binding {
    Binding { exporter: [exporter; 32], dialler: NodeId([1; 32]), listener: NodeId([2; 32]) }
}

fn proof(key: &NetworkKey, role: Role, binding: &Binding) -> [u8; 32] {
    key.proof(0, role, binding).expect("the first epoch")
}

/// A ring of so many epochs, each one longer by one.
fn rings<const N: usize>(of: &NetworkName) -> [Ring; N] {
    let mut ring = Ring::from(Secret::generate());
    std::array::from_fn(|_| {
        let next = ring.rotated(of).expect("another epoch");
        std::mem::replace(&mut ring, next)
    })
}

#[test]
fn two_epochs_admit_and_the_newest_that_both_know_is_used() {
    let of = name("n");
    let [zero, one, two, _] = rings(&of);
    let key = |ring: &Ring| NetworkKey::from_ring(&of, ring).expect("one network");
    let only_newest = {
        let mut only = one.clone();
        only.forget(0).expect("forgotten");
        only
    };
    let check = |dialler: &Ring, listener: &Ring, want| {
        let offer = key(dialler).offer(&binding(1));
        assert_eq!(key(listener).judge(&binding(1), &offer), want);
    };
    check(&zero, &zero, Ok(0));
    check(&zero, &one, Ok(0));
    check(&one, &zero, Ok(0));
    check(&one, &one, Ok(1));
    check(&two, &one, Ok(1));
    check(&one, &two, Ok(1));
    check(&only_newest, &one, Ok(1));
    check(&one, &only_newest, Ok(1));
    check(&only_newest, &two, Ok(1));
    check(&zero, &two, Err(Mismatch::Epoch(0)));
    check(&two, &zero, Err(Mismatch::Epoch(2)));
    check(&zero, &only_newest, Err(Mismatch::Epoch(0)));
    let [stranger] = rings(&of);
    check(&stranger, &zero, Err(Mismatch::Network));
    let elsewhere = key(&one).offer(&binding(2));
    assert_eq!(key(&one).judge(&binding(1), &elsewhere), Err(Mismatch::Network), "another connection");
    assert_eq!(key(&two).admitted(), "epochs 2 and 1");
    assert_eq!(key(&only_newest).admitted(), "epoch 1");
}

#[test]
fn what_is_not_secret_stays_the_same_over_epochs() {
    let of = name("n");
    let [zero, one, two, _] = rings(&of);
    let first = NetworkKey::from_ring(&of, &zero).expect("a key");
    let running = first.clone();
    assert_eq!(first.renew(&one), Ok((0, 1)));
    assert_eq!(running.newest(), 1, "clones have the new epochs, too");
    assert_eq!(running.renew(&two), Ok((1, 2)));
    let late = NetworkKey::from_ring(&of, &two).expect("a key");
    let node = NodeId([9; 32]);
    assert_eq!((late.tag(node), late.statement_context()), (first.tag(node), first.statement_context()));
    assert_eq!(late.fingerprints(), running.fingerprints());
    assert!(running.fingerprints().len() == 3 && !running.admits(0), "old epochs are kept and admit nobody");
    let [other] = rings(&of);
    assert_eq!(running.renew(&other), Err(RingError::Foreign));
    assert_eq!(NetworkKey::from_ring(&name("m"), &two).err(), Some(RingError::Foreign), "another name");
    assert_eq!(running.newest(), 2, "as before");
}

#[test]
fn neither_secrets_nor_keys_are_printed() {
    let secret = Secret::parse("correct horse battery").expect("a secret");
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    let key = NetworkKey::from_secret(&name("n"), &secret);
    assert_eq!(format!("{key:?}"), "NetworkKey(secret)");
    assert_eq!(format!("{:?}", NetworkKey::open(&name("n"))), "NetworkKey(open)");
}

#[test]
fn a_proof_fits_one_role_one_connection_and_one_pair() {
    let key = NetworkKey::from_secret(&name("n"), &Secret::generate());
    let tag = proof(&key, Role::Dialler, &binding(7));
    assert!(key.verify(0, Role::Dialler, &binding(7), &tag));
    assert!(!key.verify(0, Role::Listener, &binding(7), &tag), "not reflected");
    assert!(!key.verify(0, Role::Dialler, &binding(8), &tag), "not replayed on another connection");
    let swapped = Binding { dialler: NodeId([2; 32]), listener: NodeId([1; 32]), ..binding(7) };
    assert!(!key.verify(0, Role::Dialler, &swapped, &tag), "not turned round");
    let third = Binding { listener: NodeId([3; 32]), ..binding(7) };
    assert!(!key.verify(0, Role::Dialler, &third, &tag), "not handed on");
}

#[test]
fn networks_differ_by_secret_by_name_and_by_kind() {
    let generated = Secret::generate();
    let word = |text| Secret::parse(text).expect("a secret");
    let keys = [
        NetworkKey::open(&name("a")),
        NetworkKey::open(&name("b")),
        NetworkKey::from_secret(&name("a"), &generated),
        NetworkKey::from_secret(&name("b"), &generated),
        NetworkKey::from_secret(&name("a"), &Secret::generate()),
        NetworkKey::from_secret(&name("a"), &word("correct horse battery")),
        NetworkKey::from_secret(&name("a"), &word("correct horse batterz")),
        NetworkKey::from_secret(&name("b"), &word("correct horse battery")),
    ];
    let node = NodeId([9; 32]);
    for (at, one) in keys.iter().enumerate() {
        assert_eq!(one.is_open(), at < 2);
        let tag = proof(one, Role::Listener, &binding(1));
        for (other_at, other) in keys.iter().enumerate() {
            assert_eq!(other.verify(0, Role::Listener, &binding(1), &tag), at == other_at, "{at} {other_at}");
            assert_eq!(one.tag(node) == other.tag(node), at == other_at, "{at} {other_at}");
        }
    }
    let again = NetworkKey::from_secret(&name("a"), &word(" correct horse battery\n"));
    assert!(again.verify(0, Role::Dialler, &binding(1), &proof(&keys[5], Role::Dialler, &binding(1))));
}

#[test]
fn marks_in_mdns_do_not_tell_who_belongs_together() {
    let key = NetworkKey::open(&name("hive"));
    assert_eq!(key.tag(NodeId([1; 32])).len(), 16);
    assert_ne!(key.tag(NodeId([1; 32])), key.tag(NodeId([2; 32])));
}

proptest! {
    #[test]
    fn no_other_tag_is_taken(tag in any::<[u8; 32]>()) {
        let key = NetworkKey::open(&name("hive"));
        prop_assume!(tag != proof(&key, Role::Dialler, &binding(1)));
        prop_assert!(!key.verify(0, Role::Dialler, &binding(1), &tag));
    }
}
