//! CRC-32C (Castagnoli, RFC 3720 appendix B.4): what tells a torn or flipped record on disk from a whole one.
//!
//! It exists here because eight tables and a loop do a few bytes a nanosecond, which is far more than a disk takes, and
//! need no dependency. It proves nothing against somebody who means harm.

/// The polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// `TABLES[n][b]`: what the byte `b` does to the sum when `n` bytes follow it.
const TABLES: [[u32; 256]; 8] = tables();

/// The sum of the bytes, going on from `before`, which is 0 for the first ones.
#[must_use]
pub fn crc32c(before: u32, bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut sum = !before;
    for eight in eights {
        let [a, b, c, d, e, f, g, h] = (u64::from_le_bytes(*eight) ^ u64::from(sum)).to_le_bytes();
        sum = table(7, a)
            ^ table(6, b)
            ^ table(5, c)
            ^ table(4, d)
            ^ table(3, e)
            ^ table(2, f)
            ^ table(1, g)
            ^ table(0, h);
    }
    for byte in rest {
        // Truncation keeps the low byte, which is what is meant.
        sum = (sum >> 8) ^ table(0, sum as u8 ^ byte);
    }
    !sum
}

#[inline]
fn table(following: usize, byte: u8) -> u32 {
    TABLES[following][usize::from(byte)]
}

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut following = 1;
    while following < 8 {
        let mut byte = 0;
        while byte < 256 {
            let sum = tables[following - 1][byte];
            tables[following][byte] = (sum >> 8) ^ tables[0][(sum & 0xff) as usize];
            byte += 1;
        }
        following += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sums_are_those_of_the_rfc() {
        let check = |bytes: &[u8], want| assert_eq!(crc32c(0, bytes), want, "{bytes:x?}");
        check(&[], 0);
        check(b"123456789", 0xe306_9283);
        check(&[0; 32], 0x8a91_36aa);
        check(&[0xff; 32], 0x62a8_ab43);
    }

    proptest! {
        #[test]
        fn a_sum_goes_on_where_it_was_left(bytes in prop::collection::vec(any::<u8>(), 0..100), at in 0_usize..100) {
            let (front, back) = bytes.split_at(at.min(bytes.len()));
            prop_assert_eq!(crc32c(crc32c(0, front), back), crc32c(0, &bytes));
        }
    }
}
