//! Where a value came from: a place in a file, a flag, the environment, or nowhere but the program.
//!
//! What it owns: the text of a configuration file with its secrets masked, and places in it. Exists so that every
//! problem and every printed value can say its origin. It must not know what the values mean.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file's text, kept for as long as anything points into it.
#[derive(PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// A text and the path it is shown under.
    #[must_use]
    pub fn new(path: PathBuf, text: String) -> Self {
        Self { path, text }
    }

    /// As it was found: what people are shown, and what relative paths inside start from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text as it is. What is shown to people is [`Source::masked`].
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with every character of a secret replaced by an asterisk, places and lines unchanged.
    ///
    /// Works by lines, not on parsed values, as a file with a broken syntax is shown too.
    #[must_use]
    pub fn masked(&self) -> String {
        let mut masked = String::with_capacity(self.text.len());
        let mut secret_deeper_than = None;
        for line in self.text.split_inclusive('\n') {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let inside = secret_deeper_than.is_some_and(|key| indent > key || line.trim().is_empty());
            let start = if inside && !line.trim_start().starts_with("file:") {
                Some(0)
            } else {
                secret_deeper_than = secret_value_at(line).map(|_| indent);
                secret_value_at(line)
            };
            let (shown, hidden) = line.split_at(start.unwrap_or(line.len()));
            push_without_logins(&mut masked, shown);
            hidden.chars().for_each(|c| push_masked(&mut masked, c));
        }
        masked
    }
}

impl fmt::Debug for Source {
    /// Only the path: the text may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.path.display())
    }
}

/// Some bytes of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The text pointed into.
    pub source: Arc<Source>,
    /// Byte positions in it, on character boundaries.
    pub span: Range<usize>,
}

impl Place {
    /// Line and column, both from 1, the column in characters.
    #[must_use]
    pub fn position(&self) -> (usize, usize) {
        let before = self.source.text().get(..self.span.start).unwrap_or(self.source.text());
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// Who said a value, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line, with its dashes.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(&'static str),
    /// A place in the configuration file.
    File(Place),
    /// Nobody: what the program does when nothing is said.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment(name) => write!(f, "${name}"),
            Self::File(place) => {
                let (line, column) = place.position();
                write!(f, "{}:{line}:{column}", place.source.path().display())
            }
            Self::Default => f.write_str("default"),
        }
    }
}

/// Whether a key's value is kept from people: secrets and their likes, also when slightly misspelt.
#[must_use]
pub fn is_secret_key(key: &str) -> bool {
    const LIKE_THESE: [&str; 6] = ["secret", "password", "passphrase", "token", "credential", "api-key"];
    let key = key.to_lowercase().replace('_', "-");
    LIKE_THESE.iter().any(|word| key.contains(word))
        || LIKE_THESE.iter().any(|word| strsim::damerau_levenshtein(&key, word) <= 2 && key.len() > 4)
}

/// Text without the users and passwords of the addresses in it.
fn push_without_logins(masked: &mut String, mut text: &str) {
    const AUTHORITY: &str = "://";
    while let Some(at) = text.find(AUTHORITY) {
        let (before, rest) = text.split_at(at + AUTHORITY.len());
        masked.push_str(before);
        let end = rest.find(|c: char| c.is_whitespace() || "/,\"'[]{}".contains(c)).unwrap_or(rest.len());
        let login = rest[..end].rfind('@').unwrap_or(0);
        rest[..login].chars().for_each(|c| push_masked(masked, c));
        text = &rest[login..];
    }
    masked.push_str(text);
}

/// Where in a line the value of a secret key begins, if the line has one that is no mapping of its own.
fn secret_value_at(line: &str) -> Option<usize> {
    for (colon, _) in line.match_indices(':') {
        let before = line[..colon].trim_end().trim_end_matches(['"', '\'']);
        let key = before.rsplit([' ', '{', ',', '"', '\'', '-', '\t', ':']).next().unwrap_or(before);
        // The last word alone loses `api-` of `api-key`: the words around dashes are looked at too.
        let dashed = before.rsplit([' ', '{', ',', '"', '\'', '\t', ':']).next().unwrap_or(before);
        let after = &line[colon + 1..];
        let value = after.trim_start();
        if (is_secret_key(key) || is_secret_key(dashed))
            && !value.starts_with("{file:")
            && !is_file_mapping(value)
        {
            return Some(colon + 1 + (after.len() - value.len()));
        }
    }
    None
}

/// `{ file: … }`: the name of a secret's file is no secret.
fn is_file_mapping(value: &str) -> bool {
    value.strip_prefix('{').is_some_and(|inside| inside.trim_start().starts_with("file:"))
}

/// One masked character: as many bytes as it had, so that places still hold; line ends stay.
fn push_masked(masked: &mut String, c: char) {
    if matches!(c, '\n' | '\r') {
        masked.push(c);
    } else {
        (0..c.len_utf8()).for_each(|_| masked.push('*'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_nothing_moves() {
        let check = |text: &str, want: &str| {
            let source = Source::new("hive.yaml".into(), text.to_owned());
            assert_eq!(source.masked(), want);
            assert_eq!(source.masked().len(), text.len());
        };
        check("name: a\nsecret: abc\n", "name: a\nsecret: ***\n");
        check("x: { secret: abc, open: true }\n", "x: { secret: *****************\n");
        check("x: {\"secret\":\"é\"}", "x: {\"secret\":*****");
        check("secert: abc", "secert: ***");
        check("secret: { file: x.secret }\n", "secret: { file: x.secret }\n");
        check("secret:\n  file: x.secret\nopen: x\n", "secret:\n  file: x.secret\nopen: x\n");
        check(
            "a:\n  secret: |\n    one\n\n    two\n  open: x",
            "a:\n  secret: *\n*******\n\n*******\n  open: x",
        );
        check("api-key: abc # note", "api-key: **********");
        check("listen: secretary", "listen: secretary");
    }

    #[test]
    fn positions_count_characters_from_one() {
        let source = Arc::new(Source::new("x".into(), "é: 1\nwé: 2".to_owned()));
        let place = |span| Place { source: Arc::clone(&source), span }.position();
        assert_eq!(place(0..1), (1, 1));
        assert_eq!(place(4..5), (1, 4));
        assert_eq!(place(9..10), (2, 3));
        assert_eq!(place(99..99), (2, 6));
    }
}
