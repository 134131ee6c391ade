//! The test harness: real nodes and servers, hosts in network namespaces, bad weather, guests built once, promises of
//! decoders.
//!
//! What it owns: starting, watching and ending what a test runs against. It speaks to nodes as any client does, and so
//! links `hive-client` and neither the node nor wasmtime. It must not know what a test wants to find out.

pub mod between;
pub mod brokers;
pub mod cargo;
pub mod fuzz;
pub mod guests;
pub mod hosts;
pub mod languages;
pub mod nats;
pub mod nodes;
pub mod ports;
pub mod programs;
pub mod python;
pub mod wait;
pub mod weather;

use std::path::PathBuf;

/// How the node's bridges say names, which [`fuzz`] tries: under the path that they have there, as they know each other by it.
#[path = "../../node/src/bridge"]
mod bridge {
    pub(crate) mod names;

    pub(crate) mod redis {
        pub(crate) mod names;
    }

    pub(crate) mod mqtt {
        pub(crate) mod names;
    }

    pub(crate) mod nats {
        pub(crate) mod names;
    }

    pub(crate) mod carried {
        pub(crate) mod read;
    }
}

/// What an event says of its past, as the node reads it.
#[path = "../../node/src/bus"]
mod bus {
    pub(crate) use hive_proto::event::Message;

    mod bridged {
        #[expect(dead_code, reason = "the node uses more of it than is tried here")]
        pub(crate) mod trail;
    }
    pub(crate) use self::bridged::trail::{TRAIL_HEADER, Trail, TrailError};
}

/// The top of the repository.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map_or(tests.clone(), PathBuf::from)
}
