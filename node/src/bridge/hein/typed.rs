//! Values whose types survive: hein's JSON, in which every scalar is a text that begins with its type, and CBOR.
//!
//! What it owns: both directions. Whole numbers of any length, bytes, dates, times of day and moments arrive as they
//! were sent (RFC 8949 tags 0, 2 and 3, RFC 8943 for dates, RFC 9581 for moments in a time zone, the generic object of
//! tag 27 for what has no time zone). It must not know how either travels.

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;
use ciborium::Value;
use serde_json::Value as Json;

mod text;

use text::{from_decimal, latin, lenient, python_float, to_decimal, unlatin};

/// RFC 8949: a moment as RFC 3339 writes it.
const MOMENT: u64 = 0;
/// RFC 8949: seconds since 1970.
const SECONDS: u64 = 1;
const BIG: u64 = 2;
const BIG_NEGATIVE: u64 = 3;
/// "An object of a type with arguments", <http://cbor.schmorp.de/generic-object>.
const OBJECT: u64 = 27;
/// RFC 8943: days since 1970, and a date as RFC 3339 writes it.
const DAYS: u64 = 100;
const DATE: u64 = 1004;
/// RFC 9581: a moment with more about it, here its time zone.
const EXTENDED: u64 = 1001;
const EXTENDED_SECONDS: i64 = 1;
const EXTENDED_MICROS: i64 = -6;
const EXTENDED_ZONE: i64 = -10;
const PLAIN_DATETIME: &str = "datetime.datetime";
const PLAIN_TIME: &str = "datetime.time";
/// Nested deeper than any value is.
const DEPTH_MAX: usize = 64;

/// Why a value does not cross.
#[derive(Debug, thiserror::Error)]
pub enum TypedError {
    /// The text is no JSON.
    #[error("it is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The bytes are no CBOR.
    #[error("it is no CBOR")]
    Cbor,
    /// A scalar without its type, or of one that is not known.
    #[error("`{0}` has no type")]
    Untyped(String),
    /// A scalar that is not what it says.
    #[error("`{text}` is no {what}")]
    Malformed {
        /// What it says it is.
        what: &'static str,
        /// What was read.
        text: String,
    },
    /// Lists in lists in lists.
    #[error("it is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// CBOR of what hein sent.
///
/// # Errors
/// When it is not what hein writes.
pub fn to_cbor(payload: &[u8]) -> Result<Vec<u8>, TypedError> {
    let json: Json = serde_json::from_str(&lenient(payload))?;
    Ok(encode(&read(&json, 0)?))
}

/// What hein reads, of CBOR.
///
/// # Errors
/// When it is no CBOR.
pub fn from_cbor(payload: &[u8]) -> Result<Vec<u8>, TypedError> {
    let value: Value = ciborium::from_reader(payload).map_err(|_| TypedError::Cbor)?;
    from_value(&value)
}

/// What hein reads, of plain JSON.
///
/// # Errors
/// When it is none.
pub fn from_json(payload: &[u8]) -> Result<Vec<u8>, TypedError> {
    let value: Value = serde_json::from_slice(payload)?;
    from_value(&value)
}

fn from_value(value: &Value) -> Result<Vec<u8>, TypedError> {
    let mut out = Vec::new();
    write(value, 0, &mut out)?;
    Ok(out)
}

fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).expect("a vector takes all that is written");
    out
}

fn read(json: &Json, depth: usize) -> Result<Value, TypedError> {
    if depth > DEPTH_MAX {
        return Err(TypedError::TooDeep);
    }
    Ok(match json {
        Json::Object(fields) => {
            let entry =
                |(key, value): (&String, &Json)| Ok((Value::Text(unlatin(key)), read(value, depth + 1)?));
            Value::Map(fields.iter().map(entry).collect::<Result<_, TypedError>>()?)
        }
        Json::Array(items) => {
            Value::Array(items.iter().map(|item| read(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Json::String(text) => scalar(text)?,
        other => return Err(TypedError::Untyped(other.to_string())),
    })
}

fn scalar(text: &str) -> Result<Value, TypedError> {
    let untyped = || TypedError::Untyped(text.chars().take(40).collect());
    let (code, rest) = text.split_once(':').ok_or_else(untyped)?;
    let malformed = |what| TypedError::Malformed { what, text: rest.chars().take(40).collect() };
    Ok(match code {
        "u" | "s" => Value::Text(unlatin(rest)),
        "y" | "Y" => Value::Bytes(latin(rest).ok_or_else(|| malformed("text of bytes"))?),
        "n" => Value::Null,
        "b" => match rest {
            "1" => Value::Bool(true),
            "0" => Value::Bool(false),
            _ => return Err(malformed("truth")),
        },
        "i" => whole(rest).ok_or_else(|| malformed("whole number"))?,
        "f" => Value::Float(rest.parse().map_err(|_| malformed("number"))?),
        "t" => moment(rest).ok_or_else(|| malformed("moment"))?,
        "D" => {
            let date = date(&mut rest.split(',')).ok_or_else(|| malformed("date"))?;
            tagged(DATE, Value::Text(date.to_string()))
        }
        "T" => time_of_day(rest).ok_or_else(|| malformed("time of day"))?,
        _ => return Err(untyped()),
    })
}

fn tagged(tag: u64, value: Value) -> Value {
    Value::Tag(tag, Box::new(value))
}

fn object(name: &str, parts: impl IntoIterator<Item = Value>) -> Value {
    tagged(OBJECT, Value::Array(std::iter::once(Value::Text(name.to_owned())).chain(parts).collect()))
}

fn whole(text: &str) -> Option<Value> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(Value::from(number));
    }
    let (tag, digits) = match text.strip_prefix('-') {
        Some(digits) => (BIG_NEGATIVE, digits),
        None => (BIG, text),
    };
    Some(tagged(tag, Value::Bytes(from_decimal(digits, tag == BIG_NEGATIVE)?)))
}

fn date<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<NaiveDate> {
    let (year, month, day) =
        (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    NaiveDate::from_ymd_opt(year, month, day)
}

fn time<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<NaiveTime> {
    let mut part = || parts.next()?.parse::<u32>().ok();
    NaiveTime::from_hms_micro_opt(part()?, part()?, part()?, part()?)
}

fn time_of_day(text: &str) -> Option<Value> {
    let mut parts = text.split(',');
    let time = time(&mut parts)?;
    let zone = parts.next().filter(|zone| !zone.is_empty());
    if zone.is_some_and(|zone| zone.parse::<Tz>().is_err()) {
        return None;
    }
    let zone = zone.map(|zone| Value::Text(zone.to_owned()));
    Some(object(PLAIN_TIME, time_parts(time).into_iter().chain(zone)))
}

fn moment(text: &str) -> Option<Value> {
    let mut parts = text.split(',');
    let plain = date(&mut parts)?.and_time(time(&mut parts)?);
    Some(match parts.next().unwrap_or_default() {
        "" => object(PLAIN_DATETIME, datetime_parts(plain)),
        "UTC" => tagged(MOMENT, Value::Text(rfc3339(plain.and_utc()))),
        zone => {
            // What a clock showed twice is the first of both; what none showed is no moment.
            let moment = zone.parse::<Tz>().ok()?.from_local_datetime(&plain).earliest()?;
            let micros = moment.timestamp_subsec_micros();
            let entry = |key: i64, value: Value| (Value::from(key), value);
            tagged(
                EXTENDED,
                Value::Map(vec![
                    entry(EXTENDED_SECONDS, moment.timestamp().into()),
                    entry(EXTENDED_MICROS, micros.into()),
                    entry(EXTENDED_ZONE, Value::Text(zone.to_owned())),
                ]),
            )
        }
    })
}

fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn time_parts(time: NaiveTime) -> Vec<Value> {
    [time.hour(), time.minute(), time.second(), time.nanosecond() / 1_000].map(Value::from).to_vec()
}

fn datetime_parts(plain: NaiveDateTime) -> Vec<Value> {
    let date = [Value::from(plain.year()), plain.month().into(), plain.day().into()];
    date.into_iter().chain(time_parts(plain.time())).collect()
}

fn write(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), TypedError> {
    if depth > DEPTH_MAX {
        return Err(TypedError::TooDeep);
    }
    match value {
        Value::Map(entries) => {
            out.push(b'{');
            for (at, (key, value)) in entries.iter().enumerate() {
                out.extend_from_slice(if at == 0 { b"" } else { b"," });
                // A key is a text there, whatever it was.
                let key = match key {
                    Value::Text(key) => key.clone(),
                    other => plain(other).1,
                };
                quoted("", &key, out);
                out.push(b':');
                write(value, depth + 1, out)?;
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                out.extend_from_slice(if at == 0 { b"" } else { b"," });
                write(item, depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Tag(tag, inside) => match with_tag(*tag, inside) {
            Some((code, text)) => quoted(code, &text, out),
            None => return write(inside, depth + 1, out),
        },
        scalar => {
            let (code, text) = plain(scalar);
            quoted(code, &text, out);
        }
    }
    Ok(())
}

/// A scalar without a tag: its type and its text.
fn plain(value: &Value) -> (&'static str, String) {
    match value {
        Value::Text(text) => ("u:", text.clone()),
        Value::Bytes(bytes) => ("y:", bytes.iter().copied().map(char::from).collect()),
        Value::Integer(number) => ("i:", i128::from(*number).to_string()),
        Value::Float(number) => ("f:", python_float(*number)),
        Value::Bool(truth) => ("b:", u8::from(*truth).to_string()),
        _ => ("n:", String::new()),
    }
}

/// What a tag makes of a value; none where it says nothing that hein knows.
fn with_tag(tag: u64, inside: &Value) -> Option<(&'static str, String)> {
    let number = |value: &Value| value.as_integer().and_then(|number| i64::try_from(number).ok());
    match (tag, inside) {
        (BIG | BIG_NEGATIVE, Value::Bytes(bytes)) => Some(("i:", to_decimal(bytes, tag == BIG_NEGATIVE)?)),
        (MOMENT, Value::Text(text)) => {
            Some(("t:", moment_text(DateTime::parse_from_rfc3339(text).ok()?.to_utc())))
        }
        (SECONDS, Value::Float(seconds)) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it saturates, and what is out of range is refused"
            )]
            let micros = (seconds * 1e6) as i64;
            Some(("t:", moment_text(DateTime::from_timestamp_micros(micros)?)))
        }
        (SECONDS, value) => Some(("t:", moment_text(DateTime::from_timestamp(number(value)?, 0)?))),
        (EXTENDED, Value::Map(entries)) => {
            let entry = |wanted: i64| {
                let found = entries.iter().find(|(key, _)| number(key) == Some(wanted));
                found.and_then(|(_, value)| number(value))
            };
            let micros = u32::try_from(entry(EXTENDED_MICROS).unwrap_or(0)).ok()?;
            let moment = DateTime::from_timestamp(entry(EXTENDED_SECONDS)?, micros.checked_mul(1_000)?)?;
            Some(("t:", moment_text(moment)))
        }
        (DATE, Value::Text(text)) => Some(("D:", date_text(text.parse().ok()?))),
        (DAYS, value) => {
            let day = i32::try_from(number(value)?).ok()?;
            Some(("D:", date_text(NaiveDate::from_epoch_days(day)?)))
        }
        (OBJECT, Value::Array(parts)) => {
            let (name, parts) = parts.split_first()?;
            let text = |part: &Value| match part {
                Value::Text(zone) => Some(zone.clone()),
                other => number(other).map(|number| number.to_string()),
            };
            let mut texts: Vec<String> = parts.iter().map(text).collect::<Option<_>>()?;
            let (code, fields) = match name.as_text()? {
                PLAIN_DATETIME => ("t:", 7),
                PLAIN_TIME => ("T:", 4),
                _ => return None,
            };
            texts.resize(fields + 1, String::new());
            let text = texts.join(",");
            // Hein's receivers do not survive what is none.
            let is_one = match code {
                "t:" => moment(&text).is_some(),
                _ => time_of_day(&text).is_some(),
            };
            is_one.then_some((code, text))
        }
        _ => None,
    }
}

/// A moment as hein's receivers read it. In UTC: of other time zones they make local mean time.
fn moment_text(moment: DateTime<Utc>) -> String {
    let parts = datetime_parts(moment.naive_utc());
    let parts = parts.iter().filter_map(Value::as_integer).map(|part| i128::from(part).to_string());
    let parts: Vec<String> = parts.chain(["UTC".to_owned()]).collect();
    parts.join(",")
}

fn date_text(date: NaiveDate) -> String {
    format!("{},{},{}", date.year(), date.month(), date.day())
}

/// A text in quotes that hein's receivers survive: what is within Latin-1 escaped, what is beyond as raw UTF-8, which
/// they show as mojibake.
fn quoted(code: &str, text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(code.as_bytes());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend_from_slice(&[b'\\', c as u8]),
            ' '..='~' => out.push(c as u8),
            '\0'..='\u{ff}' => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
