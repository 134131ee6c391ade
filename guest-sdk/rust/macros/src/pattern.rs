//! The grammar of patterns, checked while the handler compiles instead of when a node loads it.

use syn::LitStr;

const BYTES_MAX: usize = 255;
const SEGMENTS_MAX: usize = 32;
const SEGMENT_BYTES_MAX: usize = 64;
const DEEP_WILDCARDS_MAX: usize = 4;

/// Checks a pattern as a node will, once `{name}` segments are replaced by configuration values.
pub(crate) fn check(pattern: &LitStr) -> syn::Result<()> {
    fault(&pattern.value()).map_or(Ok(()), |fault| Err(syn::Error::new(pattern.span(), fault)))
}

fn fault(pattern: &str) -> Option<String> {
    if pattern.is_empty() {
        return Some("a pattern has at least one segment".to_owned());
    }
    if pattern.len() > BYTES_MAX {
        return Some(format!("a pattern has at most {BYTES_MAX} bytes, this one {}", pattern.len()));
    }
    if pattern.split('/').count() > SEGMENTS_MAX {
        return Some(format!("a pattern has at most {SEGMENTS_MAX} segments"));
    }
    if let Some(fault) = pattern.split('/').find_map(segment_fault) {
        return Some(fault);
    }
    // A run of wildcards counts once: `**/*/**` says what `*/**` says.
    let mut deep = 0;
    let mut in_run = false;
    for segment in pattern.split('/') {
        match segment {
            "**" if !in_run => (deep, in_run) = (deep + 1, true),
            "**" | "*" => {}
            _ => in_run = false,
        }
    }
    (deep > DEEP_WILDCARDS_MAX).then(|| format!("a pattern has at most {DEEP_WILDCARDS_MAX} `**`"))
}

fn segment_fault(segment: &str) -> Option<String> {
    if segment.is_empty() {
        return Some("a pattern has no empty segments: no `/` at its ends, no `//`".to_owned());
    }
    if segment.len() > SEGMENT_BYTES_MAX {
        return Some(format!("`{segment}` is longer than {SEGMENT_BYTES_MAX} bytes"));
    }
    if segment == "*" || segment == "**" {
        return None;
    }
    let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let literal = match inner {
        Some("") => return Some("`{}` names no configuration value".to_owned()),
        Some(key) => key,
        None => segment,
    };
    let wrong =
        literal.chars().find(|c| c.is_control() || c.is_whitespace() || matches!(c, '*' | '{' | '}'))?;
    Some(match wrong {
        '*' => format!("`{segment}`: `*` and `**` stand for whole segments only"),
        '{' | '}' => format!("`{segment}`: `{{name}}` stands for a whole segment only"),
        _ => format!("`{segment}` contains {wrong:?}, which no segment may"),
    })
}

#[cfg(test)]
mod tests {
    use hive_proto::pattern::Pattern;
    use proptest::prelude::*;

    use super::fault;

    #[test]
    fn names_the_fault() {
        let faults = [
            ("", "at least one segment"),
            ("a//b", "no empty segments"),
            ("/a", "no empty segments"),
            ("a/b*", "whole segments only"),
            ("a/x{b}", "stands for a whole segment"),
            ("a/{}", "names no configuration value"),
            ("a b/c", "contains ' '"),
            ("a/**/b/**/c/**/d/**/e/**", "at most 4 `**`"),
        ];
        for (pattern, expected) in faults {
            let found = fault(pattern).unwrap_or_default();
            assert!(found.contains(expected), "{pattern:?}: {found:?}");
        }
        for fine in ["a", "a/b", "*", "**", "a/*/b/**", "{room}/x", "$timer/tick", "**/*/**/*/**/**/**/**"] {
            assert_eq!(fault(fine), None, "{fine:?}");
        }
    }

    fn name(segments: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(segments), 1..36).prop_map(|segments| segments.join("/"))
    }

    fn agree(pattern: &str) -> Result<(), TestCaseError> {
        prop_assert_eq!(fault(pattern).is_none(), Pattern::parse(pattern).is_ok(), "{}", pattern);
        Ok(())
    }

    proptest! {
        #[test]
        fn agrees_on_wildcards(pattern in name(&["a", "a", "a", "*", "*", "**"])) {
            agree(&pattern)?;
        }

        #[test]
        fn agrees_on_segments(
            pattern in name(&["a", "$a", "*", "**", "", "a b", "a\u{a0}", "x*", "ä", "\u{7f}"]),
        ) {
            agree(&pattern)?;
        }

        #[test]
        fn agrees_on_lengths(segment in "a{62,66}", last in "a{6,16}", count in 30_usize..36) {
            agree(&segment)?;
            agree(&format!("{0}/{0}/{0}/{0}/{last}", "a".repeat(60)))?;
            agree(&vec!["a"; count].join("/"))?;
        }

        #[test]
        fn agrees_on_any_text(pattern in "[^{}]*") {
            agree(&pattern)?;
        }
    }
}
