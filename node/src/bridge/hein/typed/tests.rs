//! Values as a real transmitter wrote them, and all those that it might.

use proptest::prelude::*;

use super::*;

fn cbor(typed: &[u8]) -> Value {
    ciborium::from_reader(&to_cbor(typed).expect("typed JSON")[..]).expect("CBOR")
}

fn typed(value: &Value) -> String {
    String::from_utf8_lossy(&from_cbor(&encode(value)).expect("CBOR")).into_owned()
}

/// As a real transmitter wrote it.
const CAPTURED: &[u8] = b"{\"string\":\"u:hello\",\"integer\":\"i:34\",\"float\":\"f:13.4\",\"d\":\"t:2017,12,3,0,0,0,0,UTC\",\"date\":\"D:2020,2,29\",\"time\":\"T:1,2,3,4,\",\"n\":\"n:\",\"b\":\"b:1\",\"by\":\"y:\x00\xff\",\"l\":[\"i:1\",[\"i:2\",\"u:x\"]]}";

#[test]
fn captured_values_arrive_with_their_types_and_go_back() {
    let Value::Map(mut entries) = cbor(CAPTURED) else { panic!("a map") };
    let mut take = |key: &str| {
        let at = entries.iter().position(|(name, _)| name.as_text() == Some(key)).expect("the key");
        entries.remove(at).1
    };
    assert_eq!(take("string"), Value::from("hello"));
    assert_eq!(take("integer"), Value::from(34));
    assert_eq!(take("float"), Value::from(13.4));
    assert_eq!(take("d"), Value::Tag(0, Box::new("2017-12-03T00:00:00Z".into())));
    assert_eq!(take("date"), Value::Tag(1004, Box::new("2020-02-29".into())));
    assert_eq!(take("n"), Value::Null);
    assert_eq!(take("b"), Value::Bool(true));
    assert_eq!(take("by"), Value::Bytes(vec![0, 255]));
    assert_eq!(take("l"), Value::Array(vec![1.into(), Value::Array(vec![2.into(), "x".into()])]));
    assert_eq!(typed(&take("time")), "\"T:1,2,3,4,\"");
    let back = from_cbor(&to_cbor(CAPTURED).expect("typed JSON")).expect("CBOR");
    assert_eq!(cbor(&back), cbor(CAPTURED));
}

#[test]
fn scalars_cross_both_ways() {
    for text in [
        "i:123456789012345678901234567890",
        "i:-123456789012345678901234567890",
        "i:18446744073709551616",
        "i:-9223372036854775809",
        "i:-1",
        "f:1e+300",
        "f:nan",
        "t:2017,12,3,1,2,3,4,UTC",
        "t:2017,12,3,1,2,3,4,",
        "T:1,2,3,4,Europe/Paris",
        "D:1,1,1",
        "n:",
        "b:0",
    ] {
        let back = typed(&cbor(format!("\"{text}\"").as_bytes()));
        assert_eq!(back.replace("1e300", "1e+300"), format!("\"{text}\""));
    }
    // In UTC, as receivers make local mean time of others.
    assert_eq!(typed(&cbor(b"\"t:2017,7,3,12,0,0,5,Europe/Paris\"")), "\"t:2017,7,3,10,0,0,5,UTC\"");
    assert_eq!(
        typed(&Value::Tag(0, Box::new("2017-12-03T01:00:00+01:00".into()))),
        "\"t:2017,12,3,0,0,0,0,UTC\""
    );
    assert_eq!(typed(&Value::Tag(1, Box::new(86_400.into()))), "\"t:1970,1,2,0,0,0,0,UTC\"");
    assert_eq!(typed(&Value::Tag(100, Box::new(Value::from(-1)))), "\"D:1969,12,31\"");
    // What has no meaning there loses its tag, not its value.
    assert_eq!(typed(&Value::Tag(0, Box::new("never".into()))), "\"u:never\"");
    assert_eq!(typed(&Value::Tag(4711, Box::new(Value::Array(vec![1.into()])))), "[\"i:1\"]");
    assert_eq!(typed(&Value::Map(vec![(7.into(), true.into())])), "{\"7\":\"b:1\"}");
}

#[test]
fn texts_are_written_so_that_receivers_survive_them() {
    assert_eq!(typed(&"q\"x\\y".into()), "\"u:q\\\"x\\\\y\"");
    assert_eq!(typed(&"é\n".into()), "\"u:\\u00e9\\u000a\"");
    assert_eq!(typed(&"日".into()), "\"u:日\"");
    assert_eq!(typed(&Value::Bytes(vec![0xe9])), "\"y:\\u00e9\"");
    // hein itself sends UTF-8 bytes.
    assert_eq!(cbor("\"u:日é\"".as_bytes()), "日é".into());
}

#[test]
fn what_is_not_typed_is_refused() {
    let check = |typed: &str, want: &str| match to_cbor(typed.as_bytes()) {
        Err(error) => assert!(error.to_string().contains(want), "{typed}: {error}"),
        Ok(_) => panic!("{typed} was taken"),
    };
    check("5", "`5` has no type");
    check("\"plain\"", "`plain` has no type");
    check("\"q:x\"", "has no type");
    check("\"i:1.5\"", "is no whole number");
    check("\"b:2\"", "is no truth");
    check("\"t:2017,13,1,0,0,0,0,\"", "is no moment");
    check("\"t:2017,1,1,0,0,0,0,Nowhere/Else\"", "is no moment");
    check("\"D:2021,2,29\"", "is no date");
    check("\"T:24,0,0,0,\"", "is no time of day");
    check("\"u:q\\\\\"x\"", "it is no JSON");
    check(&format!("{}{}", "[".repeat(70), "]".repeat(70)), "nested deeper");
}

/// Anything that CBOR can say and hein can, too.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("equal to itself", |number| !number.is_nan()).prop_map(Value::from),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        "[ -~\u{100}-\u{ffff}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(|entries| {
                Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn values_cross_unchanged(value in value()) {
        let typed = from_cbor(&encode(&value)).expect("CBOR");
        prop_assert_eq!(cbor(&typed), value);
    }

    #[test]
    fn whole_numbers_of_any_length_cross(digits in "-?[1-9][0-9]{0,36}") {
        let written = typed(&cbor(format!("\"i:{digits}\"").as_bytes()));
        prop_assert_eq!(written, format!("\"i:{digits}\""));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>(), code in "[bifyntDTus]", text in any::<String>()) {
        let _ = to_cbor(&bytes);
        let _ = from_cbor(&bytes);
        let _ = from_json(&bytes);
        let _ = to_cbor(serde_json::Value::from(format!("{code}:{text}")).to_string().as_bytes());
    }
}
