//! What is made of announcements, with nobody sending them; the wire itself is tried between hosts.

mod segment;

use std::net::SocketAddr;

use hive_proto::channel::NetworkName;
use proptest::prelude::*;

use super::*;
use crate::trust::{network::NetworkKey, secret::Secret};

fn membership(index: u8, name: &str, secret: Option<&str>) -> Membership {
    let name = NetworkName::parse(name).expect("a network");
    let key = match secret {
        None => NetworkKey::open(&name),
        Some(text) => NetworkKey::from_secret(&name, &Secret::parse(text).expect("a secret")),
    };
    Membership::new(NetworkIndex(index), key)
}

fn services(memberships: Vec<Membership>) -> Services {
    let listen = SocketAddr::from(([0, 0, 0, 0], 7182));
    Services::new(Here { node: NodeId([1; 32]), listen, memberships })
}

fn addr() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 7182))
}

fn seen(name: &str, texts: Vec<(String, String)>) -> Sighting {
    Sighting::Seen { name: name.into(), addrs: vec![addr()], texts: texts.into_iter().collect() }
}

fn found(network: u8, node: NodeId) -> Input {
    Input::Found { network: NetworkIndex(network), node: Some(node), addrs: vec![addr()], persistent: false }
}

#[test]
fn a_node_is_found_in_the_networks_both_are_in() {
    let mut here =
        services(vec![membership(0, "hive", None), membership(1, "lab", Some("correct horse battery"))]);
    let other = NodeId([2; 32]);
    let theirs = [
        membership(0, "lab", Some("correct horse battery")),
        membership(1, "hive", Some("another secret")),
        membership(2, "attic", None),
    ];
    assert_eq!(here.heard(seen("a", texts(other, &theirs))), [found(1, other)]);
    assert_eq!(here.heard(seen("b", texts(other, &theirs[2..]))), [], "no network in common");
}

#[test]
fn announcements_tell_neither_names_nor_secrets() {
    let said = texts(NodeId([2; 32]), &[membership(0, "lab", Some("correct horse battery"))]);
    let said = format!("{said:?}");
    assert!(!said.contains("lab") && !said.contains("horse"), "{said}");
}

#[test]
fn a_node_does_not_find_itself_nor_what_is_no_node() {
    let memberships = vec![membership(0, "hive", None)];
    let mut here = services(memberships.clone());
    assert_eq!(here.heard(seen("me", texts(NodeId([1; 32]), &memberships))), []);
    let other = texts(NodeId([2; 32]), &memberships);
    for missing in 0..other.len() {
        let mut less = other.clone();
        less.remove(missing);
        assert_eq!(here.heard(seen("x", less)), [], "without {:?}", other[missing].0);
    }
    let mut newer = other.clone();
    newer[0].1 = "2".into();
    assert_eq!(here.heard(seen("x", newer)), [], "another version");
    let stolen: Vec<_> =
        texts(NodeId([3; 32]), &memberships).into_iter().skip(2).chain(other[..2].to_vec()).collect();
    assert_eq!(here.heard(seen("x", stolen)), [], "another node's mark");
}

#[test]
fn a_node_is_lost_when_the_last_of_its_services_is_gone() {
    let memberships = vec![membership(0, "hive", None)];
    let mut here = services(memberships.clone());
    let other = NodeId([2; 32]);
    let said = texts(other, &memberships);
    assert_eq!(here.heard(seen("first life", said.clone())), [found(0, other)]);
    assert_eq!(here.heard(seen("second life", said)), [found(0, other)]);
    let gone = |name: &str| Sighting::Gone { name: name.into() };
    assert_eq!(here.heard(gone("first life")), []);
    assert_eq!(here.heard(gone("nobody")), []);
    assert_eq!(here.heard(gone("second life")), [Input::Lost { network: NetworkIndex(0), node: other }]);
}

#[test]
fn a_flood_of_names_is_not_remembered() {
    let memberships = vec![membership(0, "hive", None)];
    let mut here = services(memberships.clone());
    let said = texts(NodeId([2; 32]), &memberships);
    for name in 0..=SERVICES_MAX {
        here.heard(seen(&name.to_string(), said.clone()));
    }
    assert_eq!(here.known.len(), SERVICES_MAX);
    assert_eq!(here.heard(seen("0", said)).len(), 1, "who is known is still heard");
}

proptest! {
    #[test]
    fn any_texts_are_read_or_ignored(texts in prop::collection::btree_map("(id|v|n0|\\PC{0,4})", "\\PC{0,70}", 0..6)) {
        let mut here = services(vec![membership(0, "hive", None)]);
        let inputs = here.heard(Sighting::Seen { name: "x".into(), addrs: vec![addr()], texts });
        prop_assert!(inputs.is_empty());
    }
}
