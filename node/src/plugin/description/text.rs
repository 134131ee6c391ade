//! Texts of a guest's description: filled with the configuration's values, and as a message shows them.

use std::collections::{BTreeMap, BTreeSet};

/// Puts the configuration's values in the place of `{name}` segments, and notes their names.
pub(super) fn fill(
    pattern: &str,
    values: &BTreeMap<String, String>,
    reads: &mut BTreeSet<String>,
) -> Result<String, String> {
    let mut filled = Vec::new();
    for segment in pattern.split('/') {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match name {
            None => filled.push(segment),
            Some(name) => {
                filled.push(values.get(name).ok_or_else(|| shown(name))?);
                reads.insert(name.to_owned());
            }
        }
    }
    Ok(filled.join("/"))
}

/// What a message shows of a guest's text.
pub(super) fn shown(text: &str) -> String {
    const SHOWN: usize = 100;
    text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
