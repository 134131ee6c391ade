//! Scaling down: each pixel is the mean of those that it stands for. It must not know of files.

use crate::picture::Picture;

/// The picture, so that neither side has more pixels than this; one that fits stays as it is.
pub fn to_fit(picture: &Picture, side: u32) -> Picture {
    let longer = picture.width.max(picture.height).max(1);
    let fit = |length: u32| match longer > side {
        true => u32::try_from(u64::from(length) * u64::from(side) / u64::from(longer)).unwrap_or(side).max(1),
        false => length,
    };
    let (width, height) = (fit(picture.width), fit(picture.height));
    let mut samples = Vec::with_capacity(width as usize * height as usize * picture.channels);
    for y in 0..height {
        let rows = covered(y, height, picture.height);
        for x in 0..width {
            let columns = covered(x, width, picture.width);
            (0..picture.channels)
                .for_each(|at| samples.push(mean(picture, rows.clone(), columns.clone(), at)));
        }
    }
    Picture { width, height, channels: picture.channels, samples }
}

/// Which of `from` rows or columns the one at `at`, of `to`, stands for: at least one.
fn covered(at: u32, to: u32, from: u32) -> std::ops::Range<usize> {
    let edge = |at: u32| (u64::from(at) * u64::from(from) / u64::from(to)) as usize;
    edge(at)..edge(at + 1)
}

fn mean(picture: &Picture, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>, at: usize) -> u8 {
    let (mut sum, count) = (0_u64, rows.len() * columns.len());
    for row in rows {
        let start = row * picture.width as usize;
        let pixels = columns.clone().map(|column| (start + column) * picture.channels + at);
        sum += pixels
            .filter_map(|sample| picture.samples.get(sample))
            .map(|&sample| u64::from(sample))
            .sum::<u64>();
    }
    u8::try_from(sum / (count as u64).max(1)).unwrap_or(u8::MAX)
}
