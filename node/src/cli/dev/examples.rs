//! What people wrote to test their handlers with: `dev` suggests the same.
//!
//! Exists because a node does not know what data a handler takes, and who wrote its cases does.

use std::path::Path;

use hive_proto::{channel::Channel, pattern::Pattern};

use crate::config::{Ends, How, Trial, read_trials};

/// The file of a project's cases.
const FILE: &str = "cases.yaml";
/// Data that are longer are no example to type.
const BYTES_MAX: usize = 400;

/// An event that goes well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Example {
    /// Where it comes.
    pub(super) channel: Channel,
    is_call: bool,
    /// Empty: it has none.
    pub(super) data: String,
}

impl Example {
    /// Those of a project, if it has any.
    pub(super) fn all(project: &Path) -> Vec<Self> {
        let file = read_trials(&project.join(FILE), project);
        file.map_or_else(|_| Vec::new(), |file| file.trials.iter().filter_map(Self::of).collect())
    }

    fn of(trial: &Trial) -> Option<Self> {
        let goes_well = matches!(trial.ends, None | Some(Ends::Answer(_)));
        let is_plain = trial.key.is_none() && trial.headers.is_empty() && !trial.retained;
        if !goes_well || !is_plain || trial.how == How::Tick || trial.payload.len() > BYTES_MAX {
            return None;
        }
        let data = str::from_utf8(&trial.payload).ok()?.to_owned();
        let is_typed = !data.contains(char::is_control) && data != "-";
        let (channel, is_call) = (Channel::parse(&trial.channel).ok()?, trial.how == How::Call);
        is_typed.then_some(Self { channel, is_call, data })
    }

    /// The one that says most of what comes there.
    pub(super) fn at<'e>(examples: &'e [Self], pattern: &str, answers: bool) -> Option<&'e Self> {
        let pattern = Pattern::parse(pattern).ok()?;
        let there = |example: &&Self| example.is_call == answers && pattern.matches(&example.channel);
        // The first with data, else the first.
        examples.iter().filter(there).min_by_key(|example| example.data.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn cases_that_go_well_and_can_be_typed_are_examples() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Example::all(folder.path()), []);
        let long = "x".repeat(BYTES_MAX);
        let cases = format!(
            "cases:\n\
             - {{ call: order/place, data: {{ item: -1 }}, rejects: an item }}\n\
             - {{ call: order/place, answer: null }}\n\
             - {{ call: order/place, data: {{ item: 7 }} }}\n\
             - {{ event: order/**, data: 1 }}\n\
             - {{ event: order/x/placed, data: '{long}' }}\n\
             - {{ event: order/y/placed, text: \"two\\nlines\" }}\n\
             - {{ event: order/z/placed, text: it is, key: k }}\n\
             - {{ event: order/a/placed, text: it is }}\n\
             - {{ tick: hourly }}\n"
        );
        fs::write(folder.path().join(FILE), cases).expect("written");
        let examples = Example::all(folder.path());
        let at = |pattern: &str, answers| {
            Example::at(&examples, pattern, answers)
                .map(|found| (found.channel.as_str(), found.data.as_str()))
        };
        assert_eq!(at("order/place", true), Some(("order/place", "{\"item\":7}")));
        assert_eq!(at("order/*/placed", false), Some(("order/a/placed", "it is")));
        assert_eq!((at("order/place", false), at("hourly", false)), (None, None));
        fs::write(folder.path().join(FILE), "cases: [{ call: order/place, data: }\n").expect("written");
        assert_eq!(Example::all(folder.path()), []);
    }
}
