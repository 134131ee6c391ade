//! Durations and sizes as people write them: `250ms`, `1m30s`, `64KiB`; and names that they nearly wrote.
//!
//! What it owns: the two grammars, in both directions, and how far a name may be from the one that was meant. Exists
//! because a bare number says nothing about its unit, so none is accepted but zero. It must not know what a value is for:
//! ranges are the caller's.
//!
//! Command line: `#[arg(value_parser = units::duration)]` and plain [`ByteSize`] fields.
//! Serde: `#[serde(with = "crate::units::duration_serde")]` and plain [`ByteSize`] fields.

use std::{fmt, str::FromStr, time::Duration};

/// Reads a duration: one or more numbers, each with its unit, largest first by habit (`5s`, `250ms`, `1.5h`, `1m30s`).
///
/// # Errors
/// When a number or a unit is missing or unknown, or the sum does not fit 64 bits of nanoseconds.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let nanos = sum(text, &DURATION_UNITS).map_err(|fault| UnitError::duration(text, fault))?;
    let nanos = u64::try_from(nanos).map_err(|_| UnitError::duration(text, Fault::TooLarge))?;
    Ok(Duration::from_nanos(nanos))
}

/// The text of a duration, in the largest unit that gives a whole number: `90s`, `250ms`, `2h`.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    in_largest_unit(duration.as_nanos(), &DURATION_UNITS, "s")
}

/// The same for what was measured or is left over: to the millisecond, and below one to the microsecond.
#[must_use]
pub fn duration_rough(duration: Duration) -> String {
    let unit = if duration < Duration::from_millis(1) { 1_000 } else { 1_000_000 };
    in_largest_unit((duration.as_nanos() + unit / 2) / unit * unit, &DURATION_UNITS, "s")
}

/// `known` that is nearest to `given`, if it is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace('_', "-");
    let given = plain(given);
    let near = |word: &str| (strsim::damerau_levenshtein(&given, &plain(word)), word.len());
    known
        .into_iter()
        .map(|word| (near(word), word))
        .filter(|((steps, length), _)| *steps <= (length / 3).max(1))
        .min_by_key(|((steps, _), _)| *steps)
        .map(|(_, word)| word)
}

/// A number of bytes, written with a unit: `64KiB`, `16MiB`, `512B`, `10MB` (a power of 1000).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// That many KiB.
    #[must_use]
    pub const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    /// That many MiB.
    #[must_use]
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// The bytes as a length in memory; what does not fit becomes the largest there is.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_largest_unit(u128::from(self.0), &SIZE_UNITS_SHOWN, "B"))
    }
}

impl FromStr for ByteSize {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bytes = sum(text, &SIZE_UNITS).map_err(|fault| UnitError::size(text, fault))?;
        u64::try_from(bytes).map(Self).map_err(|_| UnitError::size(text, Fault::TooLarge))
    }
}

impl serde::Serialize for ByteSize {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ByteSize {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Serde for a [`Duration`] field as text with units.
pub mod duration_serde {
    use std::time::Duration;

    /// Writes it as [`super::duration_text`] does.
    ///
    /// # Errors
    /// Only those of the serializer.
    pub fn serialize<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::duration_text(*duration))
    }

    /// Reads it as [`super::duration`] does.
    ///
    /// # Errors
    /// When the text is no duration.
    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        super::duration(&text).map_err(serde::de::Error::custom)
    }
}

/// A text that is no duration or no size: what is wrong with it and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{text}` {fault}; expected {expected}")]
pub struct UnitError {
    what: &'static str,
    text: String,
    fault: Fault,
    expected: &'static str,
}

impl UnitError {
    fn duration(text: &str, fault: Fault) -> Self {
        let expected = "a number with a unit (ns, us, ms, s, m, h, d), such as `250ms`, `5s` or `1m30s`";
        Self { what: "the duration", text: shortened(text), fault, expected }
    }

    fn size(text: &str, fault: Fault) -> Self {
        let expected = "a number with a unit (B, KiB, MiB, GiB, TiB), such as `64KiB` or `16MiB`";
        Self { what: "the size", text: shortened(text), fault, expected }
    }
}

/// What is wrong with such a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("is empty")]
    Empty,
    #[error("has no number where one belongs")]
    NoNumber,
    #[error("has no unit")]
    NoUnit,
    #[error("has an unknown unit `{0}`")]
    UnknownUnit(String),
    #[error("is too large")]
    TooLarge,
}

/// A unit's name and how many of the smallest unit it stands for.
type Unit = (&'static str, u128);

const DURATION_UNITS: [Unit; 8] = [
    ("ns", 1),
    ("µs", 1_000),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
const SIZE_UNITS: [Unit; 9] = [
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
];
const SIZE_UNITS_SHOWN: [Unit; 5] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Digits of a number that are still read; more of them cannot fit any result.
const DIGITS_MAX: usize = 20;

/// Adds up `<number><unit>` pairs. Units are matched without case, as `64kib` can mean nothing else.
fn sum(text: &str, units: &[Unit]) -> Result<u128, Fault> {
    let mut rest = text.trim();
    match rest {
        "" => return Err(Fault::Empty),
        "0" => return Ok(0),
        _ => {}
    }
    let mut total = 0_u128;
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, after) = split_where(after.trim_start(), |c| c.is_ascii_digit() || c == '.');
        let unit = unit.trim_end();
        if number.is_empty() {
            return Err(Fault::NoNumber);
        }
        if unit.is_empty() {
            return Err(Fault::NoUnit);
        }
        let lower = unit.to_lowercase();
        let factor = units.iter().find(|(name, _)| *name == lower).map(|(_, factor)| *factor);
        let factor = factor.ok_or_else(|| Fault::UnknownUnit(shortened(unit)))?;
        total = total.checked_add(scaled(number, factor)?).ok_or(Fault::TooLarge)?;
        rest = after;
    }
    Ok(total)
}

/// `number × factor`, the number possibly with a fraction; what is smaller than the smallest unit is cut off.
fn scaled(number: &str, factor: u128) -> Result<u128, Fault> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (fraction.is_empty() && number.contains('.')) {
        return Err(Fault::NoNumber);
    }
    if whole.len() > DIGITS_MAX || fraction.len() > DIGITS_MAX {
        return Err(Fault::TooLarge);
    }
    let whole: u128 = whole.parse().map_err(|_| Fault::NoNumber)?;
    let value = whole.checked_mul(factor).ok_or(Fault::TooLarge)?;
    if fraction.is_empty() {
        return Ok(value);
    }
    let parts: u128 = fraction.parse().map_err(|_| Fault::NoNumber)?;
    let digits = u32::try_from(fraction.len()).map_err(|_| Fault::TooLarge)?;
    let part = parts.checked_mul(factor).ok_or(Fault::TooLarge)? / 10_u128.pow(digits);
    value.checked_add(part).ok_or(Fault::TooLarge)
}

fn split_where(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

fn in_largest_unit(value: u128, units: &[Unit], zero_unit: &str) -> String {
    if value == 0 {
        return format!("0{zero_unit}");
    }
    let (name, factor) =
        units.iter().rev().find(|(_, factor)| value.is_multiple_of(*factor)).unwrap_or(&("", 1));
    format!("{}{name}", value / factor)
}

/// What a message shows of a text that may be any length.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        let check = |text: &str, millis: u64, shown: &str| {
            let read = duration(text).expect(text);
            assert_eq!(
                (read, duration_text(read).as_str()),
                (Duration::from_millis(millis), shown),
                "{text}"
            );
        };
        check("5s", 5_000, "5s");
        check("250ms", 250, "250ms");
        check("1m30s", 90_000, "90s");
        check(" 1 m ", 60_000, "1m");
        check("1.5h", 5_400_000, "90m");
        check("0", 0, "0s");
        check("0s", 0, "0s");
        check("2D", 172_800_000, "2d");
        assert_eq!(duration("1500µs"), Ok(Duration::from_micros(1500)));
        assert_eq!(duration_text(Duration::from_micros(1500)), "1500us");
        assert_eq!(duration_rough(Duration::from_nanos(299_960_020)), "300ms");
        assert_eq!(duration_rough(Duration::from_nanos(1_700)), "2us");
    }

    #[test]
    fn sizes_are_read_and_written() {
        let check = |text: &str, bytes: u64, shown: &str| {
            let read: ByteSize = text.parse().expect(text);
            assert_eq!((read.0, read.to_string().as_str()), (bytes, shown), "{text}");
        };
        check("64KiB", 64 << 10, "64KiB");
        check("16mib", 16 << 20, "16MiB");
        check("1.5 GiB", 3 << 29, "1536MiB");
        check("10MB", 10_000_000, "10000000B");
        check("512B", 512, "512B");
        check("0", 0, "0B");
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_is_expected() {
        let check = |text: &str, want: &str| {
            let said = duration(text).expect_err(text).to_string();
            assert!(said.starts_with(want), "{said}");
            assert!(said.ends_with("such as `250ms`, `5s` or `1m30s`"), "{said}");
        };
        check("5", "the duration `5` has no unit; expected ");
        check("", "the duration `` is empty; ");
        check("s", "the duration `s` has no number where one belongs; ");
        check("-5s", "the duration `-5s` has no number where one belongs; ");
        check("1..5s", "the duration `1..5s` has no number where one belongs; ");
        check("5 parsecs", "the duration `5 parsecs` has an unknown unit `parsecs`; ");
        check("999999999999d", "the duration `999999999999d` is too large; ");
        let said = "64".parse::<ByteSize>().expect_err("no unit").to_string();
        assert_eq!(
            said,
            "the size `64` has no unit; expected a number with a unit (B, KiB, MiB, GiB, TiB), such as `64KiB` or `16MiB`"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos in any::<u64>(), bytes in any::<u64>()) {
            let time = Duration::from_nanos(nanos);
            prop_assert_eq!(duration(&duration_text(time)), Ok(time));
            prop_assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
        }

        #[test]
        fn no_text_panics(text in "[0-9.a-zµ -]{0,30}|.{0,20}") {
            let _ = (duration(&text), text.parse::<ByteSize>());
        }
    }
}
