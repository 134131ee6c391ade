//! When a writer waits for a whole batch. It mostly takes what is there, which is what keeps a lone event
//! fast; but while events stream, a few at a time would cost publishers, both ends of the link and the
//! reader several times as much as many at once.

use hive_proto::limits::BATCH_BYTES_TARGET;

/// What a gathering writer waits for, in bytes.
pub(super) const GATHERED_BYTES: usize = 4 * BATCH_BYTES_TARGET;
/// With so much the wait was not for nothing.
const WORTH_BYTES: usize = BATCH_BYTES_TARGET / 4;
/// Events that are many for one take.
const MANY: u64 = 32;
/// Takes in a row with many events each that make a stream.
const STREAM_TAKES: u32 = 8;
/// The same after several streams that broke off while their batch was waited for.
const STREAM_TAKES_MAX: u32 = 1_024;

/// Finds streams by what the writer takes.
#[derive(Debug)]
pub(super) struct Gather {
    /// Takes since the last one of few events.
    takes: u32,
    /// How many of them make a stream.
    needed: u32,
}

impl Default for Gather {
    fn default() -> Self {
        Self { takes: 0, needed: STREAM_TAKES }
    }
}

impl Gather {
    /// Whether a whole batch is worth a short wait.
    pub(super) fn is_stream(&self) -> bool {
        self.takes >= self.needed
    }

    /// The writer took so many events at once.
    pub(super) fn took(&mut self, events: u64) {
        self.takes = if events < MANY { 0 } else { self.takes.saturating_add(1) };
    }

    /// The wait for a whole batch brought so many bytes. Who sends in bursts and waits for what comes of them
    /// gets little of it again and again, and shall meet it ever more rarely.
    pub(super) fn gathered(&mut self, bytes: usize) {
        if bytes >= WORTH_BYTES {
            self.needed = STREAM_TAKES;
        } else {
            self.takes = 0;
            self.needed = self.needed.saturating_mul(2).min(STREAM_TAKES_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Full takes until a stream is seen.
    fn patience(gather: &mut Gather) -> u32 {
        gather.took(1);
        let mut takes = 0;
        while !gather.is_stream() {
            gather.took(MANY);
            takes += 1;
        }
        takes
    }

    #[test]
    fn few_at_a_time_are_no_stream() {
        let mut gather = Gather::default();
        assert_eq!(patience(&mut gather), STREAM_TAKES);
        gather.took(MANY - 1);
        assert!(!gather.is_stream());
    }

    #[test]
    fn bursts_that_break_off_are_waited_for_ever_more_rarely() {
        let mut gather = Gather::default();
        gather.gathered(WORTH_BYTES - 1);
        assert_eq!(patience(&mut gather), 2 * STREAM_TAKES);
        (0..20).for_each(|_| gather.gathered(WORTH_BYTES - 1));
        assert_eq!(patience(&mut gather), STREAM_TAKES_MAX);
        gather.gathered(WORTH_BYTES);
        assert_eq!(patience(&mut gather), STREAM_TAKES);
    }
}
