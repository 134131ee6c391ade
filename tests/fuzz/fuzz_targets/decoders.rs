//! libFuzzer against every decoder: the first byte chooses which, so that one corpus serves all.

#![no_main]

use hive_tests::fuzz::DECODERS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let (_, decoder) = DECODERS[usize::from(choice) % DECODERS.len()];
    decoder(bytes);
});
