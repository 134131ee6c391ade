//! Values written as JSON, whole or not at all.
//!
//! Exists because `serde_json` writes `null` for numbers that JSON does not have, and whoever reads that is told of a value
//! that is missing, far from where it went wrong.

use std::fmt::Display;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::Error;

/// The text of a value.
pub(crate) fn written(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_vec(value).map_err(|error| Error::Unserializable(error.to_string()))?;
    // Only there may one have been lost, and most texts have none.
    if text.windows(4).any(|part| part == b"null") {
        value.serialize(Finite).map_err(|Lost(why)| Error::Unserializable(why))?;
    }
    Ok(text)
}

/// Looks for numbers that would be lost, and writes nothing.
struct Finite;

/// Which one, and where.
#[derive(Debug)]
struct Lost(String);

impl Lost {
    /// Seen from further outside.
    fn within(self, place: &str) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Lost {}

impl ser::Error for Lost {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

/// What is written whatever it is.
macro_rules! kept {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, _: $type) -> Result<(), Lost> { Ok(()) })*
    };
}

impl Serializer for Finite {
    type Ok = ();
    type Error = Lost;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    kept!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
        serialize_unit_struct: &'static str
    );

    fn serialize_f32(self, number: f32) -> Result<(), Lost> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Lost> {
        if number.is_finite() { Ok(()) } else { Err(Lost(format!("{number} is no number of JSON"))) }
    }

    fn serialize_none(self) -> Result<(), Lost> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Lost> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Lost> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Lost> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Lost> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Lost> {
        value.serialize(self).map_err(|lost| lost.within(name))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Lost> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Lost> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Lost> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Lost> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Lost> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Lost> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Lost> {
        Ok(self)
    }
}

/// Something of several values without names.
macro_rules! several {
    ($($of:ident, $element:ident);*) => {
        $(impl $of for Finite {
            type Ok = ();
            type Error = Lost;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lost> {
                value.serialize(Finite)
            }

            fn end(self) -> Result<(), Lost> {
                Ok(())
            }
        })*
    };
}

several!(
    SerializeSeq, serialize_element; SerializeTuple, serialize_element; SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field
);

/// Something whose values have names.
macro_rules! named {
    ($($of:ident),*) => {
        $(impl $of for Finite {
            type Ok = ();
            type Error = Lost;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Lost> {
                value.serialize(Finite).map_err(|lost| lost.within(name))
            }

            fn end(self) -> Result<(), Lost> {
                Ok(())
            }
        })*
    };
}

named!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Finite {
    type Ok = ();
    type Error = Lost;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Lost> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lost> {
        value.serialize(Finite)
    }

    fn end(self) -> Result<(), Lost> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(serde::Serialize)]
    struct Means {
        room: &'static str,
        mean: Option<f64>,
        parts: Vec<(f32, Kind)>,
        by_name: BTreeMap<&'static str, f64>,
    }

    #[derive(serde::Serialize)]
    enum Kind {
        Plain,
        Of(f64),
        With { value: f64 },
    }

    fn means() -> Means {
        Means { room: "null", mean: None, parts: vec![(1.0, Kind::Plain)], by_name: BTreeMap::new() }
    }

    #[test]
    fn nothing_at_all_is_written_and_what_is_no_number_is_refused_with_its_place() {
        let text = written(&means()).expect("all of it is JSON");
        assert_eq!(
            String::from_utf8_lossy(&text),
            r#"{"room":"null","mean":null,"parts":[[1.0,"Plain"]],"by_name":{}}"#
        );
        let refused = |change: fn(&mut Means), want: &str| {
            let mut means = means();
            change(&mut means);
            assert_eq!(written(&means), Err(Error::Unserializable(want.to_owned())));
        };
        refused(|means| means.mean = Some(f64::NAN), "mean: NaN is no number of JSON");
        refused(|means| means.parts[0].0 = f32::INFINITY, "parts: inf is no number of JSON");
        refused(|means| means.parts[0].1 = Kind::Of(f64::NAN), "parts: Of: NaN is no number of JSON");
        let with = |means: &mut Means| means.parts[0].1 = Kind::With { value: f64::NEG_INFINITY };
        refused(with, "parts: value: -inf is no number of JSON");
        refused(|means| means.by_name.extend([("x", f64::NAN)]), "by_name: NaN is no number of JSON");
        assert!(written(&f64::NAN).is_err() && written(&[Some(1.5), None]).is_ok());
    }
}
