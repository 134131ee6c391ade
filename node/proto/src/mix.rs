//! Scattering: from a number to one that looks like chance and is always the same. For what must differ from node to
//! node, or be shared out evenly, and for dice that come from a seed; never for secrets.

/// What splitmix64 adds at each step (Steele, Lea, Flood 2014): 2^64 divided by the golden ratio.
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Scatters the bits of a number: the last step of splitmix64. A bijection; 0 stays 0.
#[must_use]
pub const fn scatter(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The next number of splitmix64, whose state this is.
#[must_use]
pub const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(STEP);
    scatter(*state)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers from the state 0, as its authors' program gives them.
    #[test]
    fn it_is_splitmix64() {
        let mut state = 0;
        let numbers = [0; 3].map(|_: u64| next(&mut state));
        assert_eq!(numbers, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }
}
