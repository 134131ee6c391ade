//! What a version wants of the node and of others, so that two versions can be compared: more than the live one has waits
//! until somebody approves it.
//!
//! What it owns: which of a plugin's wishes are such wants, and when one includes another. What has a line in the
//! configuration was approved by whoever wrote it. It must not know versions, or where approvals are kept.

use std::{collections::BTreeSet, fmt};

use hive_proto::channel::{Names, Scope};
use serde::{Deserialize, Serialize};

use super::{description::Wishes, grants};

/// One thing a plugin wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Want {
    /// Of which kind.
    pub kind: Kind,
    /// The pattern, as its author wrote it, with the configuration's values put in.
    pub what: String,
    /// For [`Kind::Join`]: which group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Kinds of wants. A new kind of access is a line here, one in [`Wants::of`], and one in the text of a want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It gets events.
    Listen,
    /// It may be chosen to answer requests, which others then do not.
    Answer,
    /// As a member of a group it gets events which others then do not.
    Join,
    /// It publishes and requests.
    Publish,
}

/// A set of wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wants(BTreeSet<Want>);

impl Wants {
    /// What a version wants that no line of the configuration grants, and that it gets because it declares it.
    #[must_use]
    pub fn of(wishes: &Wishes, names: &Names) -> Self {
        let want = |kind, what: &str| Want { kind, what: what.to_owned(), group: None };
        let mut wants = BTreeSet::new();
        for listen in wishes.listens.iter().filter(|listen| grants::is_for_everyone(&listen.scope)) {
            match &listen.group {
                Some(group) if !listen.durable => {
                    let group = Some(group.to_string());
                    wants.insert(Want { group, ..want(Kind::Join, &listen.pattern) });
                }
                _ => drop(wants.insert(want(Kind::Listen, &listen.pattern))),
            }
            if listen.answers {
                wants.insert(want(Kind::Answer, &listen.pattern));
            }
        }
        let declared = wishes.publishes.iter();
        let granted =
            declared.filter(|what| names.scope(what).is_ok_and(|scope| grants::is_for_everyone(&scope)));
        wants.extend(granted.map(|what| want(Kind::Publish, what)));
        Self(wants)
    }

    /// What is wanted here beyond what others include.
    #[must_use]
    pub fn beyond(&self, approved: &Self, names: &Names) -> Self {
        let is_more = |want: &&Want| !approved.0.iter().any(|approved| approved.includes(want, names));
        Self(self.0.iter().filter(is_more).cloned().collect())
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, more: &Self) -> Self {
        self.0.extend(more.0.iter().cloned());
        self
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line each, for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl Want {
    /// Whether whoever may do this may do the other, too.
    fn includes(&self, other: &Self, names: &Names) -> bool {
        let scope = |want: &Self| -> Option<Scope> { names.scope(&want.what).ok() };
        let covers =
            |own: Scope, other: Scope| own.network == other.network && own.pattern.covers(&other.pattern);
        self.kind == other.kind
            && self.group == other.group
            && (self.what == other.what
                || scope(self).zip(scope(other)).is_some_and(|(own, other)| covers(own, other)))
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match (self.kind, &self.group) {
            (Kind::Listen, _) => write!(f, "listen to `{what}`"),
            (Kind::Answer, _) => write!(f, "answer on `{what}`"),
            (Kind::Join, Some(group)) => write!(f, "listen to `{what}` in the group `{group}`"),
            (Kind::Join, None) => write!(f, "listen to `{what}` in a group"),
            (Kind::Publish, _) => write!(f, "publish to `{what}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use hive_proto::channel::NetworkName;

    use super::*;

    fn wants(of: &[(Kind, &str, Option<&str>)]) -> Wants {
        let want = |(kind, what, group): &(Kind, &str, Option<&str>)| Want {
            kind: *kind,
            what: (*what).to_owned(),
            group: group.map(Into::into),
        };
        Wants(of.iter().map(want).collect())
    }

    #[test]
    fn more_is_what_nothing_approved_includes() {
        let names = Names::new(vec![NetworkName::parse("home").expect("a network")]);
        let approved = wants(&[
            (Kind::Listen, "orders/**", None),
            (Kind::Join, "work/*", Some("team")),
            (Kind::Publish, "out/a", None),
        ]);
        let check = |kind, what: &str, group: Option<&str>, want: &[&str]| {
            let more = wants(&[(kind, what, group)]).beyond(&approved, &names);
            assert_eq!(more.lines(), want, "{kind:?} {what} {group:?}");
        };
        check(Kind::Listen, "orders/**", None, &[]);
        check(Kind::Listen, "orders/new/*", None, &[]);
        check(Kind::Listen, "**", None, &["listen to `**`"]);
        check(Kind::Answer, "orders/new", None, &["answer on `orders/new`"]);
        check(Kind::Join, "work/a", Some("team"), &[]);
        check(Kind::Join, "work/a", Some("other"), &["listen to `work/a` in the group `other`"]);
        check(Kind::Join, "orders/new", Some("team"), &["listen to `orders/new` in the group `team`"]);
        check(Kind::Publish, "out/a", None, &[]);
        check(Kind::Publish, "out/*", None, &["publish to `out/*`"]);
    }
}
