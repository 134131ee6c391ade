//! The pure data plane: which holders an event goes to, how a bounded queue fills, how long a publisher
//! may be held up, and how what is dropped is counted. The bus gives it threads; the simulator gives it
//! virtual time. It must not know either.

pub mod account;
pub mod budget;
pub mod crc;
pub mod cursor;
pub mod group;
pub mod handouts;
pub mod kept;
pub mod log;
pub mod pace;
pub mod queue;
pub mod relay;
pub mod replay;
pub mod table;
