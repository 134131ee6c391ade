//! `${VAR}` and `${VAR:-default}` in the values of a configuration.
//!
//! What it owns: the grammar of variables and where their values come from (`--set`, then the environment). Works on
//! values, after YAML was read, so that a variable can never change the structure. It must not know what keys mean.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    problem::Problem,
    yaml::{Kind, Value},
};
use crate::units::nearest;

/// What variables stand for.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// From `--set NAME=VALUE`: these win.
    pub set: BTreeMap<String, String>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
}

/// Replaces the variables in every value below `value`; keys are left alone. Says which variables were used.
pub fn expand(value: &mut Value, variables: &Variables, problems: &mut Vec<Problem>) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    walk(value, variables, problems, &mut used);
    used
}

/// Bytes of one value after its variables were replaced.
const EXPANDED_BYTES_MAX: usize = 64 << 10;

fn walk(value: &mut Value, variables: &Variables, problems: &mut Vec<Problem>, used: &mut BTreeSet<String>) {
    match &mut value.kind {
        Kind::Text { text, .. } if text.contains("${") => match expand_text(text, variables, used) {
            Ok(expanded) => *text = expanded,
            Err(fault) => problems.push(fault.problem(value, variables)),
        },
        Kind::Text { .. } => {}
        Kind::List(items) => items.iter_mut().for_each(|item| walk(item, variables, problems, used)),
        Kind::Map(entries) => {
            entries.iter_mut().for_each(|entry| walk(&mut entry.value, variables, problems, used));
        }
    }
}

/// Why a text cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Unclosed,
    NoName(String),
    Unset(String),
    TooLong,
}

impl Fault {
    fn problem(self, value: &Value, variables: &Variables) -> Problem {
        let new = |message: String| Problem::new(&value.origin, message);
        match self {
            Self::Unclosed => new("`${` without `}`".to_owned()).hint("write `$${` for these two characters"),
            Self::NoName(given) => new(format!("`{given}` is no name of a variable"))
                .hint("a name is letters, digits and `_`, as in `${HOME}`"),
            Self::Unset(name) => {
                let known = variables.set.keys().chain(variables.environment.keys()).map(String::as_str);
                // Names of the environment are written large: compare them as they are.
                let near = known.filter(|word| strsim::damerau_levenshtein(word, &name) == 1).min();
                let near = near.map(|word| format!("did you mean `{word}`? Else ")).unwrap_or_default();
                new(format!("the variable `{name}` is not set"))
                    .hint(format!("{near}set it, give `--set {name}=…`, or write `${{{name}:-default}}`"))
            }
            Self::TooLong => new(format!("longer than {} KiB with its variables", EXPANDED_BYTES_MAX >> 10)),
        }
    }
}

fn expand_text(text: &str, variables: &Variables, used: &mut BTreeSet<String>) -> Result<String, Fault> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = &from[2..];
            continue;
        }
        expanded.push_str(before);
        let (inside, after) = from[2..].split_once('}').ok_or(Fault::Unclosed)?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(Fault::NoName(name.chars().take(40).collect()));
        }
        used.insert(name.to_owned());
        let value = variables.set.get(name).or_else(|| variables.environment.get(name));
        // As in a shell, `:-` also stands in for an empty value.
        let value = value.map(String::as_str).filter(|value| !(value.is_empty() && default.is_some()));
        expanded.push_str(value.or(default).ok_or_else(|| Fault::Unset(name.to_owned()))?);
        if expanded.len() > EXPANDED_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// A warning for each `--set` that no value uses: most likely a misspelt name.
#[must_use]
pub fn unused(variables: &Variables, used: &BTreeSet<String>) -> Vec<Problem> {
    let unused = variables.set.keys().filter(|name| !used.contains(*name));
    let warn = |name: &String| {
        let problem =
            Problem::nowhere(format!("--set {name}: nothing in the configuration uses `${{{name}}}`"));
        match nearest(name, used.iter().map(String::as_str)) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem,
        }
    };
    unused.map(warn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced() {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let variables = Variables {
            set: owned(&[("A", "set")]),
            environment: owned(&[("A", "env"), ("B", "b"), ("EMPTY", "")]),
        };
        let check = |text: &str, want: Result<&str, Fault>| {
            let got = expand_text(text, &variables, &mut BTreeSet::new());
            assert_eq!(got, want.map(str::to_owned), "{text}");
        };
        check("no variable, $5 {x}", Ok("no variable, $5 {x}"));
        check("${A}/${B}!", Ok("set/b!"));
        check("${C:-c d}", Ok("c d"));
        check("${C:-}", Ok(""));
        check("${EMPTY:-full}${EMPTY}", Ok("full"));
        check("$${A} is ${A}", Ok("${A} is set"));
        check("é${A}é", Ok("éseté"));
        check("${C}", Err(Fault::Unset("C".into())));
        check("${A", Err(Fault::Unclosed));
        check("${}", Err(Fault::NoName(String::new())));
        check("${A B}", Err(Fault::NoName("A B".into())));
    }
}
