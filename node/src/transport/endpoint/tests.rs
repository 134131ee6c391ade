//! Two real endpoints on loopback, in every relation two nodes can have.

use hive_proto::channel::{NetworkIndex, NetworkName};
use proptest::prelude::*;
use tokio::{net::UdpSocket, task::JoinHandle};

use super::*;
use crate::trust::{membership::AllowList, network::NetworkKey, ring::Ring, secret::Secret};

/// Short enough not to be waited for, long enough for TLS on a busy machine.
const PATIENCE: Duration = Duration::from_millis(1500);

fn endpoint() -> Endpoint {
    Endpoint::bind(Listen::Loopback, &Identity::ephemeral()).expect("an endpoint")
}

fn name(text: &str) -> NetworkName {
    NetworkName::parse(text).expect("a network")
}

fn member(index: u8, key: NetworkKey) -> Membership {
    Membership::new(NetworkIndex(index), key)
}

fn open(text: &str) -> Membership {
    member(0, NetworkKey::open(&name(text)))
}

fn secret(text: &str) -> Membership {
    let secret = Secret::parse(text).expect("a secret");
    member(0, NetworkKey::from_secret(&name("n"), &secret))
}

/// Admits whoever comes next.
fn admit_one(endpoint: &Endpoint, memberships: Vec<Membership>) -> JoinHandle<Result<Session, AdmitError>> {
    let endpoint = endpoint.clone();
    tokio::spawn(async move { endpoint.accept().await.expect("an arrival").admit(&memberships).await })
}

async fn meet(
    listener: Vec<Membership>,
    dialler: &Membership,
) -> (Result<Session, DialError>, Result<Session, AdmitError>) {
    let (here, there) = (endpoint(), endpoint());
    let admitting = admit_one(&there, listener);
    let dialled = here.dial(there.local_addr(), dialler, Some(there.node_id())).await;
    (dialled, admitting.await.expect("the task"))
}

#[tokio::test]
async fn the_same_network_is_admitted_and_both_know_whom_they_have() {
    let (here, there) = (endpoint(), endpoint());
    let admitting = admit_one(&there, vec![open("other"), member(1, NetworkKey::open(&name("hive")))]);
    let mut dialled = here.dial(there.local_addr(), &open("hive"), None).await.expect("a session");
    let mut admitted = admitting.await.expect("the task").expect("a session");
    assert_eq!((dialled.peer, dialled.network, dialled.dialled), (there.node_id(), NetworkIndex(0), true));
    assert_eq!((admitted.peer, admitted.network, admitted.dialled), (here.node_id(), NetworkIndex(1), false));
    assert_eq!(dialled.addr, there.local_addr());
    assert_eq!(admitted.addr, here.local_addr());

    dialled.control_send.write_all(b"ping").await.expect("control");
    let mut four = [0; 4];
    admitted.control_recv.read_exact(&mut four).await.expect("control");
    assert_eq!(&four, b"ping");

    for (from, to) in
        [(&dialled.connection, &admitted.connection), (&admitted.connection, &dialled.connection)]
    {
        let mut data = from.open_uni().await.expect("a data stream");
        data.write_all(&[7; 100_000]).await.expect("data past a stranger's window");
        data.finish().expect("the end");
        let read = to.accept_uni().await.expect("the stream").read_to_end(200_000).await.expect("the data");
        assert_eq!(read.len(), 100_000);
    }
    assert_eq!(there.gate.pending(), 0);
}

#[tokio::test]
async fn the_same_secret_is_admitted() {
    let key = secret("correct horse battery");
    let (dialled, admitted) = meet(vec![key.clone()], &key).await;
    dialled.expect("a session");
    admitted.expect("a session");
}

#[tokio::test]
async fn another_secret_or_none_is_refused_in_words_on_both_sides() {
    let cases = [
        ("another secret", secret("correct horse battery"), secret("correct horse batterz")),
        ("none against a secret", secret("correct horse battery"), open("n")),
        ("a secret against none", open("n"), secret("correct horse battery")),
        ("another name", open("a"), open("b")),
    ];
    for (what, listener, dialler) in cases {
        let (here, there) = (endpoint(), endpoint());
        let admitting = admit_one(&there, vec![listener]);
        let error = here.dial(there.local_addr(), &dialler, None).await.expect_err(what);
        let DialError::Refused { addr, reason, .. } = error.clone() else { panic!("{what}: {error}") };
        assert_eq!((addr, reason), (there.local_addr(), RefusalReason::NoSuchNetwork), "{what}");
        let said = error.to_string();
        assert!(said.starts_with(&format!("refused by {addr}: it is in no ")), "{what}: {said}");

        let error = admitting.await.expect("the task").expect_err(what);
        assert_eq!((error.peer, &error.why), (Some(here.node_id()), &AdmitFailure::NoSuchNetwork), "{what}");
        let said = error.to_string();
        let who = format!("refused {} at {}: ", here.node_id().short(), here.local_addr());
        assert!(said.starts_with(&who), "{what}: {said}");
    }
}

/// Memberships of one network whose secret was rotated so often.
fn epochs<const N: usize>() -> [Membership; N] {
    let mut ring = Ring::from(Secret::generate());
    std::array::from_fn(|_| {
        let key = NetworkKey::from_ring(&name("n"), &ring).expect("one network");
        ring = ring.rotated(&name("n")).expect("the next epoch");
        member(0, key)
    })
}

#[tokio::test]
async fn neighbouring_epochs_are_admitted_and_their_standing_is_known() {
    let [zero, one, two] = epochs();
    for (listener, dialler, newest) in [(&zero, &one, 0), (&one, &zero, 0), (&one, &two, 1), (&two, &one, 1)]
    {
        let (dialled, admitted) = meet(vec![listener.clone()], dialler).await;
        let (dialled, admitted) = (dialled.expect("a session"), admitted.expect("a session"));
        assert_eq!((dialled.standing.epoch(), admitted.standing.epoch()), (newest, newest));
    }
}

#[tokio::test]
async fn distant_epochs_are_refused_in_words_on_both_sides() {
    let [zero, _, two] = epochs();
    // Two secrets of epoch 1 in the same network: rotated on two hosts at once.
    let stray = {
        let ring = Ring::from(Secret::generate());
        let rotated = || {
            let mut ring = ring.rotated(&name("n")).expect("epoch 1");
            ring.forget(0).expect("forgotten");
            member(0, NetworkKey::from_ring(&name("n"), &ring).expect("one network"))
        };
        [rotated(), rotated()]
    };
    let cases = [
        (
            &two,
            &zero,
            "it admits epochs 2 and 1, and epoch 0 was proved",
            "it has epoch 0 of this network's secret and none later",
        ),
        (&zero, &two, "it admits epoch 0, and epoch 2 was proved", "this node missed a rotation"),
        (&stray[0], &stray[1], "its secret of epoch 1 is another one", "it was rotated on two hosts"),
    ];
    for (listener, dialler, there, here) in cases {
        let (dialled, admitted) = meet(vec![listener.clone()], dialler).await;
        let error = dialled.expect_err("another epoch");
        assert!(matches!(&error, DialError::Refused { reason: RefusalReason::Epoch, .. }), "{error}");
        assert!(error.to_string().contains(there), "{error}");
        let error = admitted.expect_err("another epoch");
        assert!(error.to_string().contains(here), "{error}");
    }
}

#[tokio::test]
async fn who_is_not_on_the_list_is_refused_by_either_side() {
    let (here, there) = (endpoint(), endpoint());
    let only = |node: NodeId| Membership { allow: AllowList::of([node]), ..open("hive") };
    let cases = [
        (only(there.node_id()), only(here.node_id()), true),
        (open("hive"), only(there.node_id()), false),
        (only(here.node_id()), open("hive"), false),
    ];
    for (dialler, listener, is_admitted) in cases {
        let admitting = admit_one(&there, vec![listener.clone()]);
        let dialled = here.dial(there.local_addr(), &dialler, None).await;
        let admitted = admitting.await.expect("the task");
        assert_eq!((dialled.is_ok(), admitted.is_ok()), (is_admitted, is_admitted));
        let (Err(dialled), Err(admitted)) = (dialled, admitted) else { continue };
        assert_eq!(dialled.obstacle(), crate::status::Obstacle::NotListed, "{dialled}");
        assert_eq!(admitted.why.obstacle(), crate::status::Obstacle::NotListed, "{admitted}");
    }
    let nowhere = "127.0.0.1:9".parse().expect("an address");
    let refused =
        here.dial(nowhere, &only(here.node_id()), Some(there.node_id())).await.expect_err("refused");
    assert_eq!(
        refused,
        DialError::NotListed { addr: nowhere, peer: there.node_id() },
        "before it is dialled"
    );
}

#[tokio::test]
async fn another_node_than_the_expected_one_learns_nothing() {
    let (here, there) = (endpoint(), endpoint());
    let admitting = admit_one(&there, vec![open("hive")]);
    let expected = Identity::ephemeral().node_id();
    let error = here.dial(there.local_addr(), &open("hive"), Some(expected)).await.expect_err("another node");
    let want = DialError::WrongNode { addr: there.local_addr(), expected, found: there.node_id() };
    assert_eq!(error, want);
    let error = admitting.await.expect("the task").expect_err("no proof came");
    assert!(matches!(error.why, AdmitFailure::Gone(_)), "{error}");
}

#[tokio::test]
async fn a_node_does_not_connect_to_itself() {
    let here = endpoint();
    let admitting = admit_one(&here, vec![open("hive")]);
    let error = here.dial(here.local_addr(), &open("hive"), None).await.expect_err("itself");
    assert_eq!(error, DialError::Own { addr: here.local_addr() });
    let error = admitting.await.expect("the task").expect_err("itself");
    assert_eq!(error.why, AdmitFailure::Own);
}

/// A connection with a valid identity, and no proof yet.
async fn connect(from: &Endpoint, to: &Endpoint) -> quinn::Connection {
    let connecting = from.quinn.connect(to.local_addr(), tls::SERVER_NAME).expect("an attempt");
    connecting.await.expect("a connection")
}

#[tokio::test]
async fn garbage_in_the_place_of_a_proof_is_refused() {
    let there = endpoint();
    for garbage in [&b"GET / HTTP/1.1\r\n"[..], &[0xff; 8000], &[1, 0], &[1, 2, 9, 9], &[2, 32]] {
        let here = endpoint();
        let admitting = admit_one(&there, vec![open("hive")]);
        let connection = connect(&here, &there).await;
        let (mut send, _recv) = connection.open_bi().await.expect("a stream");
        // The listener may hang up in the middle of it.
        let _ = send.write_all(garbage).await;
        let _ = send.finish();
        let error = admitting.await.expect("the task").expect_err("garbage");
        let known = matches!(error.why, AdmitFailure::Malformed(_) | AdmitFailure::Version(_));
        assert!(known && error.peer == Some(here.node_id()), "{garbage:02x?}: {error}");
        let closed = timeout(PATIENCE, connection.closed()).await.expect("the listener closes");
        assert!(matches!(closed, ConnectionError::ApplicationClosed(_)), "{closed}");
    }
}

#[tokio::test]
async fn a_captured_proof_is_worth_nothing_on_another_connection() {
    let (here, there) = (endpoint(), endpoint());
    let membership = open("hive");
    let first = connect(&here, &there);
    let admitting = admit_one(&there, vec![membership.clone()]);
    let first = first.await;
    let mut exporter = [0; 32];
    first.export_keying_material(&mut exporter, b"EXPORTER-hive/1-admission", b"").expect("an exporter");
    let binding =
        crate::trust::network::Binding { exporter, dialler: here.node_id(), listener: there.node_id() };
    let offer = membership.key.offer(&binding);
    let proof = hive_proto::frame::admission::Admission::Proof(offer).encode();
    let (mut send, _recv) = first.open_bi().await.expect("a stream");
    send.write_all(&proof).await.expect("the proof");
    admitting.await.expect("the task").expect("it is a valid proof on its own connection");

    let admitting = admit_one(&there, vec![membership]);
    let second = connect(&here, &there).await;
    let (mut send, _recv) = second.open_bi().await.expect("a stream");
    send.write_all(&proof).await.expect("the same proof");
    let error = admitting.await.expect("the task").expect_err("a replay");
    assert_eq!(error.why, AdmitFailure::NoSuchNetwork);
}

#[tokio::test]
async fn a_listener_that_only_says_yes_is_not_believed() {
    let (here, there) = (endpoint(), endpoint());
    let liar = {
        let there = there.clone();
        tokio::spawn(async move {
            let connection = there.quinn.accept().await.expect("an attempt").await.expect("a connection");
            let (mut send, mut recv) = connection.accept_bi().await.expect("the control stream");
            let mut proof = [0; 69];
            recv.read_exact(&mut proof).await.expect("the proof");
            // Hands the dialler's own tag back to it.
            let mut tag = [0; 32];
            tag.copy_from_slice(&proof[36..68]);
            let yes = hive_proto::frame::admission::Admission::Accepted { tag }.encode();
            send.write_all(&yes).await.expect("the lie");
            connection.closed().await
        })
    };
    let error = here.dial(there.local_addr(), &open("hive"), None).await.expect_err("a lie");
    assert_eq!(error, DialError::Unproved { addr: there.local_addr() });
    liar.await.expect("the connection is closed");
}

#[tokio::test]
async fn who_says_nothing_is_cut_and_holds_up_nobody() {
    let there = endpoint().with_patience(PATIENCE);
    let silent = endpoint();
    let admitting = admit_one(&there, vec![open("hive")]);
    let connection = connect(&silent, &there).await;

    let welcome = admit_one(&there, vec![open("hive")]);
    endpoint().dial(there.local_addr(), &open("hive"), None).await.expect("a session meanwhile");
    welcome.await.expect("the task").expect("a session meanwhile");
    assert!(connection.close_reason().is_none(), "the silent one still has its time");

    let error = admitting.await.expect("the task").expect_err("silence");
    assert_eq!((error.peer, &error.why), (Some(silent.node_id()), &AdmitFailure::Silent(PATIENCE)));
    timeout(PATIENCE, connection.closed()).await.expect("the listener closes");
    assert_eq!(there.gate.pending(), 0);
}

#[tokio::test]
async fn a_stranger_cannot_open_data_streams() {
    let (here, there) = (endpoint(), endpoint().with_patience(PATIENCE));
    let admitting = admit_one(&there, vec![open("hive")]);
    let connection = connect(&here, &there).await;
    let opened = connection.open_uni().await;
    assert!(opened.is_err(), "it waits until it is cut");
    admitting.await.expect("the task").expect_err("silence");
}

#[tokio::test]
async fn where_nobody_listens_the_dialler_says_so() {
    let here = endpoint();
    // A socket that takes datagrams and never answers.
    let mute = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let addr = mute.local_addr().expect("its address");
    let error = here.with_patience(Duration::from_millis(300)).dial(addr, &open("hive"), None).await;
    let error = error.expect_err("silence");
    assert!(matches!(&error, DialError::Unreachable { addr: at, .. } if *at == addr), "{error}");
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
}

#[tokio::test]
async fn garbage_datagrams_do_not_disturb_the_endpoint() {
    let there = endpoint();
    let thrower = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    for length in (0..1400).step_by(7) {
        let datagram: Vec<u8> = (0..length).map(|i| (i * 31 + length) as u8).collect();
        thrower.send_to(&datagram, there.local_addr()).await.expect("a datagram");
    }
    let admitting = admit_one(&there, vec![open("hive")]);
    endpoint().dial(there.local_addr(), &open("hive"), None).await.expect("a session");
    admitting.await.expect("the task").expect("a session");
}

#[tokio::test]
async fn too_many_strangers_are_turned_away_at_once() {
    let there = endpoint();
    let held: Vec<_> = (0..PENDING_TRUSTING)
        .map(|_| there.gate.enter(std::net::Ipv4Addr::LOCALHOST.into()).expect("a place"))
        .collect();
    let accepting = {
        let there = there.clone();
        tokio::spawn(async move { there.accept().await.is_some() })
    };
    let error = endpoint().dial(there.local_addr(), &open("hive"), None).await.expect_err("no place");
    assert!(matches!(error, DialError::Refused { reason: RefusalReason::Busy, .. }), "{error}");
    assert!(!accepting.is_finished(), "nobody was let through to the node");
    drop(held);
    let dialling =
        tokio::spawn(async move { endpoint().dial(there.local_addr(), &open("hive"), None).await });
    assert!(accepting.await.expect("the task"), "there is a place again");
    dialling.abort();
}

#[tokio::test]
async fn closing_tells_the_other_end() {
    let (here, there) = (endpoint(), endpoint());
    let admitting = admit_one(&there, vec![open("hive")]);
    let session = here.dial(there.local_addr(), &open("hive"), None).await.expect("a session");
    let _kept = admitting.await.expect("the task").expect("a session");
    there.close("going home").await;
    let closed = timeout(PATIENCE, session.connection.closed()).await.expect("the news");
    let ConnectionError::ApplicationClosed(close) = closed else { panic!("{closed}") };
    assert_eq!(close.reason.as_ref(), b"going home");
    assert!(there.accept().await.is_none());
}

#[test]
fn an_ipv4_peer_of_a_dual_stack_socket_is_written_as_ipv4() {
    let addr = |text: &str| text.parse::<SocketAddr>().expect("an address");
    assert_eq!(plain(addr("[::ffff:10.0.0.2]:7182")), addr("10.0.0.2:7182"));
    assert_eq!(plain(addr("[fe80::1%3]:7182")), addr("[fe80::1%3]:7182"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A whole exchange per case, so there are few: the decoder alone is tried by thousands where it lives.
    #[test]
    fn no_bytes_get_a_stranger_in(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (here, there) = (endpoint(), endpoint());
            let admitting = admit_one(&there, vec![open("hive")]);
            let connection = connect(&here, &there).await;
            let (mut send, _recv) = connection.open_bi().await.expect("a stream");
            let _ = send.write_all(&bytes).await;
            let _ = send.finish();
            if bytes.is_empty() {
                // A stream without a byte is not even opened.
                connection.close(0_u32.into(), b"");
            }
            let admitted = admitting.await.expect("the task does not panic");
            assert!(admitted.is_err());
        });
    }
}
