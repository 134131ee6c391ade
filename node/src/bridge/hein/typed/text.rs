//! The texts inside hein's JSON: Latin-1 that is often UTF-8, numbers as Python writes them, whole numbers of any length.

/// Digits of a whole number at most. Converting takes their square.
const DIGITS_MAX: usize = 1_000;

/// What hein's reader makes of the bytes: each is a character, and control characters may stand in texts.
pub(super) fn lenient(payload: &[u8]) -> String {
    let mut text = String::with_capacity(payload.len());
    let (mut inside, mut escaped) = (false, false);
    for c in payload.iter().copied().map(char::from) {
        if inside && c < ' ' {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
            escaped = false;
            continue;
        }
        text.push(c);
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ => {}
        }
    }
    text
}

/// A text whose characters are the bytes of a text. Where they are UTF-8 that is meant: hein sends it so.
pub(super) fn unlatin(text: &str) -> String {
    latin(text).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

/// A byte a character, where all are small enough.
pub(super) fn latin(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

/// As Python's `repr`, closely enough for Python's `float`.
pub(super) fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    format!("{number:?}")
}

/// The bytes of a whole number (RFC 8949 §3.4.3), of a negative one those of one less than its amount.
pub(super) fn from_decimal(digits: &str, negative: bool) -> Option<Vec<u8>> {
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // Least significant first.
    let mut bytes: Vec<u8> = Vec::new();
    for digit in digits.bytes() {
        let mut carry = u32::from(digit - b'0');
        for byte in &mut bytes {
            let value = u32::from(*byte) * 10 + carry;
            *byte = value.to_le_bytes()[0];
            carry = value >> 8;
        }
        if carry > 0 {
            bytes.push(carry.to_le_bytes()[0]);
        }
    }
    if negative {
        for byte in &mut bytes {
            let borrow = *byte == 0;
            *byte = byte.wrapping_sub(1);
            if !borrow {
                break;
            }
        }
    }
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes.reverse();
    Some(bytes)
}

/// The digits of such bytes. None for more than there may be.
pub(super) fn to_decimal(bytes: &[u8], negative: bool) -> Option<String> {
    if bytes.len() > DIGITS_MAX {
        return None;
    }
    // Least significant first.
    let mut digits: Vec<u8> = vec![0];
    let mut push = |byte: u32, times: u32| {
        let mut carry = byte;
        for digit in &mut digits {
            let value = u32::from(*digit) * times + carry;
            *digit = (value % 10).to_le_bytes()[0];
            carry = value / 10;
        }
        while carry > 0 {
            digits.push((carry % 10).to_le_bytes()[0]);
            carry /= 10;
        }
    };
    bytes.iter().for_each(|byte| push(u32::from(*byte), 256));
    push(u32::from(negative), 1);
    let digits = digits.iter().rev().map(|digit| char::from(b'0' + digit));
    Some(negative.then_some('-').into_iter().chain(digits).collect())
}
