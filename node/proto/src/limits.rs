//! The limits of the words and the wire, each with its reason. Pure constants: who enforces one uses it from here.

/// Segments of a channel or pattern. Deeper names are a sign of data in the name.
pub const SEGMENTS_MAX: usize = 32;
/// Bytes of one segment.
pub const SEGMENT_BYTES_MAX: usize = 64;
/// Bytes of a whole channel or pattern, so that its length fits one byte on the wire.
pub const NAME_BYTES_MAX: usize = 255;
/// `**` in one pattern. Matching walks a set of states; this bounds the set.
pub const DEEP_WILDCARDS_MAX: usize = 4;
/// Bytes of one payload.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;
/// Bytes of all headers of one event together, names and values.
pub const HEADERS_BYTES_MAX: usize = 8 << 10;
/// Headers of one event: names and values may be empty, so their bytes bound nothing.
pub const HEADERS_MAX: usize = 256;
/// Headers whose names begin so are the mesh's own.
pub const MESH_PREFIX: &str = "hive-";
/// Bytes of an event's ordering key.
pub const KEY_BYTES_MAX: usize = 255;
/// Bytes of a media type.
pub const CONTENT_TYPE_BYTES_MAX: usize = 255;
/// A batch closes with the event that takes it past this.
pub const BATCH_BYTES_TARGET: usize = 64 << 10;
/// Bytes of one frame: the largest payload, its headers and name, and the batch before it.
pub const FRAME_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + BATCH_BYTES_TARGET + (64 << 10);
/// Bytes of one control frame; larger interest is sent in several.
pub const CONTROL_FRAME_BYTES_MAX: usize = 64 << 10;
/// Bytes of a node's name: a host name's label, and one line of a table.
pub const NODE_NAME_BYTES_MAX: usize = 64;
/// Bytes of the one admission frame of each side.
pub const ADMISSION_FRAME_BYTES_MAX: usize = 4 << 10;
/// Channel numbers one link may define; past it the sender starts again from zero.
pub const CHANNEL_NUMBERS_MAX: u32 = 65_536;
/// Networks one node may be in.
pub const NETWORKS_MAX: usize = 16;
/// Patterns one node may announce, and those of its own that it may not say more coarsely.
pub const PATTERNS_MAX: usize = 10_000;
/// Patterns all subscriptions of one node may have in one network. Past it the filter that stands for them would
/// let through about every second channel.
pub const SUBSCRIBED_MAX: usize = 1_000_000;
/// Bytes of outgoing events queued for one peer.
pub const PEER_QUEUE_BYTES: usize = 8 << 20;
/// Bytes of events queued for one subscription.
pub const SUBSCRIPTION_QUEUE_BYTES: usize = 8 << 20;
/// Events queued for one subscription or plugin.
pub const SUBSCRIPTION_QUEUE_EVENTS: usize = 65_536;
/// Bytes that all queues of events hold together, beside the little that each has of its own.
pub const QUEUES_BYTES: usize = 256 << 20;
/// Bytes of one kept value's payload.
pub const KEPT_BYTES_MAX: usize = 64 << 10;
/// Bytes of all kept values of one network, with what stands around them; past it publishing more is refused.
pub const KEPT_NETWORK_BYTES_MAX: usize = 64 << 20;
/// Publishes nested in one another before an event counts as a loop.
pub const DEPTH_MAX: u8 = 64;
/// Milliseconds a call may last at most.
pub const CALL_TIMEOUT_MS_MAX: u64 = 3_600_000;
/// Links one event may cross: a mesh of a thousand nodes with 16 neighbours each is 4 links wide.
pub const HOPS_MAX: u8 = 8;
/// Nodes in one destination set; more are several sets, so that declaring one stays a small frame.
pub const DESTINATIONS_MAX: usize = 4096;
/// Destination sets one data stream may number; past it the sender starts again from zero.
pub const SETS_MAX: u32 = 4096;
/// Nodes in all destination sets of one data stream together: 2 MiB of the receiver's memory.
pub const SET_NODES_MAX: usize = 65_536;
/// Nodes known in one network, this one among them. Past it, who cannot be reached is forgotten; when all can be, no
/// more are taken.
pub const MEMBERS_MAX: usize = 8_192;
/// Neighbours a node dials in one network; it accepts twice as many.
pub const NEIGHBOURS_MAX: usize = 64;
