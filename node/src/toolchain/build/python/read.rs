//! What a project's modules read as they were loaded, told among what they said: the build goes by it where a path leads.
//!
//! Exists because a path may be a folder that others are in, too. It must not know how they are loaded.

use std::path::PathBuf;

/// What the entry says before it.
const MARK: &str = "hive-read ";

/// What was said without that, and the files, each from the project's folder on.
pub fn of(said: String) -> (String, Vec<PathBuf>) {
    let told = said.rsplit_once(MARK).and_then(|(before, rest)| {
        let (list, after) = rest.split_once('\n').unwrap_or((rest, ""));
        Some((format!("{before}{after}"), serde_json::from_str(list).ok()?))
    });
    told.unwrap_or((said, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_no_part_of_what_was_said() {
        let told = of("one\nhive-read [\"../x.py\"]\ntwo\n".into());
        assert_eq!(told, ("one\ntwo\n".into(), vec!["../x.py".into()]));
        for said in ["hive-read is a word\n", "nothing\n"] {
            assert_eq!(of(said.into()), (said.into(), Vec::new()));
        }
    }
}
