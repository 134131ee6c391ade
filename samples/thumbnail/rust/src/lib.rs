//! Small pictures of large ones: a payload is any bytes, and so is an answer, with a content type that says what they are.
//!
//! ```text
//! hive-node call images/thumbnail - < photo.jpg > small.png
//! hive-node call images/thumbnail - < notes.txt              rejected: neither a PNG nor a JPEG
//! ```
//!
//! Takes PNG and JPEG, answers with a PNG of at most `side` pixels a side (the plugin's configuration; 128 if it says
//! nothing). Of larger pictures than `megapixels` (6) only the head is read: who wants those raises `memory` as well.

mod picture;
mod scale;

use hive::{Context, Message, Result};
use picture::Picture;

#[hive::plugin("images/thumbnail")]
fn thumbnail(image: &[u8], ctx: &Context) -> Result<Message> {
    let side = ctx.config_or("side", 128_u32)?.clamp(1, 1_024);
    let pixels = u64::from(ctx.config_or("megapixels", 6_u32)?).saturating_mul(1_000_000);
    // Whatever is wrong with a picture is wrong the next time, too.
    let picture = Picture::read(image, pixels).map_err(hive::reject)?;
    let small = scale::to_fit(&picture, side);
    Ok(Message::bytes(small.png().map_err(hive::reject)?).with_content_type("image/png"))
}

#[cfg(test)]
mod tests {
    use hive::{Message, testing::Host};

    use super::{Plugin, picture::Picture};

    /// Left half black, right half white.
    fn halves(width: u32, height: u32) -> Picture {
        let row = (0..width).map(|x| if x < width / 2 { 0 } else { 255 });
        let samples: Vec<u8> = (0..height).flat_map(|_| row.clone()).collect();
        Picture { width, height, channels: 1, samples }
    }

    fn thumbnail(host: &mut Host, image: Vec<u8>) -> Picture {
        let answer = host.call_message("images/thumbnail", Message::bytes(image)).message();
        assert_eq!(answer.content_type.as_deref(), Some("image/png"));
        Picture::read(&answer.payload, 1 << 20).unwrap()
    }

    #[test]
    fn what_is_large_becomes_small_and_keeps_its_shape() {
        let mut host = Host::new(Plugin);
        let small = thumbnail(&mut host, halves(600, 300).png().unwrap());
        assert_eq!((small.width, small.height), (128, 64));
        let row = &small.samples[..128];
        assert!(
            row[..63].iter().all(|&grey| grey == 0) && row[65..].iter().all(|&grey| grey == 255),
            "{row:?}"
        );
        let as_it_is = thumbnail(&mut host, halves(20, 10).png().unwrap());
        assert_eq!((as_it_is.width, as_it_is.height), (20, 10));
        let narrow = thumbnail(&mut host, halves(2, 2_000).png().unwrap());
        assert_eq!((narrow.width, narrow.height), (1, 128));
    }

    #[test]
    fn how_small_is_configured() {
        let small = thumbnail(&mut Host::new(Plugin).config("side", 16), halves(64, 64).png().unwrap());
        assert_eq!((small.width, small.height), (16, 16));
    }

    #[test]
    fn what_is_no_picture_is_rejected_and_says_why() {
        let whole = halves(64, 64).png().unwrap();
        let check = |image: &[u8], megapixels: u32, why: &str| {
            let mut host = Host::new(Plugin).config("megapixels", megapixels);
            let failure = host.call_message("images/thumbnail", Message::bytes(image)).failure();
            assert!(failure.is_reject() && failure.reason().contains(why), "{failure}");
        };
        check(b"", 6, "neither a PNG nor a JPEG");
        check(b"Dear diary", 6, "neither a PNG nor a JPEG");
        check(&whole[..whole.len() / 2], 6, "the PNG is broken");
        check(&[0xff, 0xd8, 0xff, 0xe0, 0, 0], 6, "the JPEG is broken");
        check(&whole, 0, "64 × 64 pixels");
    }
}
