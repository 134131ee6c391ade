//! JSON as Python's `json` writes it: the form that EventHive signs, and the one that it prints.
//!
//! What it owns: both forms, byte for byte, of whatever JSON came in. A signature is made over the first one on both
//! sides, so numbers keep the digits that Python would give them. It must not know what is signed.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Nested deeper than any message is. Each level is read once more than the one above it.
const DEPTH_MAX: usize = 64;

/// The keys of a JSON object in their order, each with its value as it was written.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    /// Adds a key behind the others, or replaces its value.
    pub fn insert(&mut self, key: String, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Box<RawValue>> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

/// A key that is there twice has its last value, at its first place: a `dict`.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut places = BTreeMap::new();
        let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
            match places.get(&key) {
                Some(at) => {
                    let at: usize = *at;
                    fields[at].1 = value;
                }
                None => {
                    places.insert(key.clone(), fields.len());
                    fields.push((key, value));
                }
            }
        }
        Ok(Fields(fields))
    }
}

/// How JSON is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `dumps(indent=0, sort_keys=True, separators=(',', ':'))`.
    Signed,
    /// `dumps()`.
    Printed,
}

/// Why JSON has no such form.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// Lists in lists in lists.
    #[error("it is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// What Python reads and this does not: half a surrogate pair.
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The form of an object.
///
/// # Errors
/// When it is nested too deep, or a text in it stands for no characters.
pub fn dumps(fields: &Fields, layout: Layout) -> Result<String, FormError> {
    let mut writer = Writer { layout, out: String::new() };
    writer.map(fields, 0)?;
    Ok(writer.out)
}

struct Writer {
    layout: Layout,
    out: String,
}

impl Writer {
    fn value(&mut self, raw: &str, depth: usize) -> Result<(), FormError> {
        if depth > DEPTH_MAX {
            return Err(FormError::TooDeep);
        }
        let raw = raw.trim_ascii();
        match raw.as_bytes().first() {
            Some(b'{') => self.map(&serde_json::from_str(raw)?, depth)?,
            Some(b'[') => self.list(&serde_json::from_str::<Vec<&RawValue>>(raw)?, depth)?,
            Some(b'"') => self.text(&serde_json::from_str::<String>(raw)?),
            Some(b'-' | b'0'..=b'9') => self.number(raw),
            // true, false, null: the reader that gave the raw text knows no other.
            _ => self.out.push_str(raw),
        }
        Ok(())
    }

    fn map(&mut self, fields: &Fields, depth: usize) -> Result<(), FormError> {
        let mut fields: Vec<_> = fields.0.iter().collect();
        if self.layout == Layout::Signed {
            // The order of their UTF-8 is the order of their characters: Python's.
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        self.out.push('{');
        for (at, (key, value)) in fields.iter().enumerate() {
            self.between(at);
            self.text(key);
            self.out.push_str(if self.layout == Layout::Signed { ":" } else { ": " });
            self.value(value.get(), depth + 1)?;
        }
        self.end(fields.len());
        self.out.push('}');
        Ok(())
    }

    fn list(&mut self, items: &[&RawValue], depth: usize) -> Result<(), FormError> {
        self.out.push('[');
        for (at, item) in items.iter().enumerate() {
            self.between(at);
            self.value(item.get(), depth + 1)?;
        }
        self.end(items.len());
        self.out.push(']');
        Ok(())
    }

    fn between(&mut self, at: usize) {
        self.out.push_str(match (self.layout, at) {
            (Layout::Signed, 0) => "\n",
            (Layout::Signed, _) => ",\n",
            (Layout::Printed, 0) => "",
            (Layout::Printed, _) => ", ",
        });
    }

    fn end(&mut self, count: usize) {
        if self.layout == Layout::Signed && count > 0 {
            self.out.push('\n');
        }
    }

    /// ASCII alone, everything else as UTF-16 escapes in lower case.
    fn text(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{c}' => self.out.push_str("\\f"),
                '\u{8}' => self.out.push_str("\\b"),
                ' '..='~' => self.out.push(c),
                c => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        self.out.push('"');
    }

    /// Whole numbers of any length as they are, the others as the shortest text that Python's `repr` makes.
    fn number(&mut self, raw: &str) {
        if !raw.contains(['.', 'e', 'E']) {
            self.out.push_str(if raw == "-0" { "0" } else { raw });
            return;
        }
        // The reader has seen that it is a number, and those of any size have a nearest one.
        match raw.parse::<f64>() {
            Ok(number) if number.is_finite() => self.float(number),
            Ok(number) => self.out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" }),
            Err(_) => self.out.push_str(raw),
        }
    }

    /// Python writes exponents from 1e16 and below 1e-4, with a sign and two digits at least.
    fn float(&mut self, number: f64) {
        let scientific = format!("{number:e}");
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let power: i32 = exponent.parse().unwrap_or(0);
        if (-4..16).contains(&power) {
            let plain = number.to_string();
            self.out.push_str(&plain);
            if !plain.contains('.') {
                self.out.push_str(".0");
            }
            return;
        }
        let sign = if power < 0 { '-' } else { '+' };
        self.out.push_str(&format!("{mantissa}e{sign}{:02}", power.unsigned_abs()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(json: &str) -> String {
        dumps(&serde_json::from_str(json).expect("an object"), Layout::Signed).expect("a form")
    }

    /// Left: what is read; right: what Python 3.11 writes.
    #[test]
    fn the_forms_are_pythons() {
        let check = |json: &str, want: &str| assert_eq!(form(json), want, "{json}");
        check("{}", "{}");
        check(r#"{"b":[],"a":{}}"#, "{\n\"a\":{},\n\"b\":[]\n}");
        check(
            r#"{ "param1" : 1, "é":"x", "nested": {"b":1.50, "a":[ 1,null ]}}"#,
            "{\n\"nested\":{\n\"a\":[\n1,\nnull\n],\n\"b\":1.5\n},\n\"param1\":1,\n\"\\u00e9\":\"x\"\n}",
        );
        check(
            r#"{"a":"😀\u007f\u0001\b\f\n\r\t\"\\/"}"#,
            "{\n\"a\":\"\\ud83d\\ude00\\u007f\\u0001\\b\\f\\n\\r\\t\\\"\\\\/\"\n}",
        );
        check(r#"{"a":1,"b":2,"a":3}"#, "{\n\"a\":3,\n\"b\":2\n}");
        check(r#"{"\ud83d\ude00":1,"\uffff":2}"#, "{\n\"\\uffff\":2,\n\"\\ud83d\\ude00\":1\n}");
        let fields = serde_json::from_str(r#"{"b":1,"a":[1,{"é":2.0}],"b":3}"#).expect("an object");
        assert_eq!(
            dumps(&fields, Layout::Printed).expect("a form"),
            r#"{"b": 3, "a": [1, {"\u00e9": 2.0}]}"#
        );
    }

    #[test]
    fn numbers_are_pythons() {
        let check = |json: &str, want: &str| {
            assert_eq!(form(&format!("{{\"n\":{json}}}")), format!("{{\n\"n\":{want}\n}}"), "{json}");
        };
        for same in
            ["0", "-7", "123456789012345678901234567890", "true", "null", "0.1", "-0.0", "1e+16", "1e-05"]
        {
            check(same, same);
        }
        check("-0", "0");
        check("1.0", "1.0");
        check("1e5", "100000.0");
        check("1E15", "1000000000000000.0");
        check("12345678901234567.0", "1.2345678901234568e+16");
        check("0.0001", "0.0001");
        check("0.00001234", "1.234e-05");
        check("1e999", "Infinity");
        check("-1e999", "-Infinity");
        check("5e-324", "5e-324");
        check("1.7976931348623157e308", "1.7976931348623157e+308");
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(70), "]".repeat(70));
        let fields = serde_json::from_str(&deep).expect("an object");
        assert!(matches!(dumps(&fields, Layout::Signed), Err(FormError::TooDeep)));
    }

    proptest! {
        /// The form says the same as what it was made from, and is its own form.
        #[test]
        fn the_form_loses_nothing(
            numbers in prop::collection::vec(any::<f64>().prop_filter("finite", |n| n.is_finite()), 0..4),
            whole in any::<i64>(),
            text in any::<String>(),
            key in any::<String>(),
        ) {
            let value = serde_json::json!({ "numbers": numbers, key.as_str(): { "whole": whole, "text": text } });
            let written = form(&value.to_string());
            prop_assert!(written.is_ascii());
            prop_assert_eq!(form(&written), written.clone());
            let read: serde_json::Value = serde_json::from_str(&written).expect("JSON");
            prop_assert_eq!(&read[key.as_str()], &value[key.as_str()]);
        }
    }
}
