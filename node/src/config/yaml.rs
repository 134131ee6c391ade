//! YAML as a tree in which every value knows its place.
//!
//! What it owns: building that tree within bounds (depth, number of values, aliases) and saying where a syntax is
//! broken. Exists because a problem is of use only with its line and column. It must not know what keys mean.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::{
    problem::Problem,
    source::{Origin, Place, Source},
};

/// A value and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it came from.
    pub origin: Origin,
}

/// The three shapes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A single value. Numbers, truth and nothing are told by whoever reads it, and only when it is not quoted.
    Text {
        /// Without quotes and escapes.
        text: String,
        /// Whether it stood in quotes or in a block.
        quoted: bool,
    },
    /// Values in order.
    List(Vec<Value>),
    /// Keys with values, in the order of the file. Keys are unique.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub origin: Origin,
    /// Its value.
    pub value: Value,
}

impl Value {
    /// A text that nobody has to quote, from a flag or a variable.
    #[must_use]
    pub fn text(text: impl Into<String>, origin: Origin) -> Self {
        Self { kind: Kind::Text { text: text.into(), quoted: false }, origin }
    }

    /// A mapping without keys.
    #[must_use]
    pub fn empty_map(origin: Origin) -> Self {
        Self { kind: Kind::Map(Vec::new()), origin }
    }

    /// Whether nothing was written: `key:`, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Text { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null"))
    }
}

/// Reads the one document of a file. A key that is there twice goes to `problems`, its first value holds; so do
/// bytes, which are no text.
///
/// # Errors
/// The one place from which on nothing can be understood.
pub fn parse(source: &Arc<Source>, problems: &mut Vec<Problem>) -> Result<Value, Problem> {
    let mut builder = Builder::new(source);
    let document = builder.document();
    problems.append(&mut builder.problems);
    document
}

/// Nested deeper than any configuration is.
const DEPTH_MAX: usize = 32;
/// Values in one file, those that aliases repeat included.
const VALUES_MAX: usize = 20_000;

/// An anchored value, kept for its aliases, and how many values it holds.
type Anchored = (Value, usize);

struct Builder<'s> {
    source: &'s Arc<Source>,
    parser: Parser<'s, saphyr_parser::StrInput<'s>>,
    /// Byte position of each character, as the parser counts characters. Empty for pure ASCII.
    bytes_at: Vec<usize>,
    anchors: BTreeMap<usize, Anchored>,
    values: usize,
    /// What is wrong and keeps nobody from reading on.
    problems: Vec<Problem>,
}

impl<'s> Builder<'s> {
    fn new(source: &'s Arc<Source>) -> Self {
        let text = source.text();
        let bytes_at =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self {
            source,
            parser: Parser::new_from_str(text),
            bytes_at,
            anchors: BTreeMap::new(),
            values: 0,
            problems: Vec::new(),
        }
    }

    fn document(&mut self) -> Result<Value, Problem> {
        let mut document = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if document.is_some() => {
                    let problem = Problem::new(&self.origin(span), "a second document begins here");
                    return Err(problem.hint("it is to be one document: remove the line `---`"));
                }
                Event::DocumentStart(_) => {
                    let (event, span) = self.next()?;
                    document = Some(self.value(event, span, 0)?);
                }
                _ => {}
            }
        }
        let whole = Origin::File(Place { source: Arc::clone(self.source), span: 0..0 });
        Ok(document.unwrap_or_else(|| Value::text("", whole)))
    }

    fn value(&mut self, event: Event<'s>, span: Span, depth: usize) -> Result<Value, Problem> {
        self.count(1, span)?;
        if depth > DEPTH_MAX {
            return Err(Problem::new(&self.origin(span), format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let before = self.values;
        let (anchor, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "binary") {
                    self.problems.push(binary(&self.origin(span)));
                }
                let kind = Kind::Text { text: text.into_owned(), quoted: style != ScalarStyle::Plain };
                (anchor, Value { kind, origin: self.origin(span) })
            }
            Event::SequenceStart(anchor, _) => (anchor, self.list(span, depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.map(span, depth)?),
            _ => return Err(Problem::new(&self.origin(span), "a value is missing here")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), 1 + self.values - before));
        }
        Ok(value)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Value, Problem> {
        let Some((value, size)) = self.anchors.get(&anchor).cloned() else {
            // An alias inside its own anchor; the parser refuses unknown names itself.
            return Err(Problem::new(&self.origin(span), "this alias stands for a value that holds itself"));
        };
        self.count(size, span)?;
        Ok(value)
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let origin = self.origin(Span::new(start.start, end.end));
                    return Ok(Value { kind: Kind::List(items), origin });
                }
                (event, span) => items.push(self.value(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, start: Span, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                let origin = self.origin(Span::new(start.start, span.end));
                return Ok(Value { kind: Kind::Map(entries), origin });
            }
            let key = self.value(event, span, depth + 1)?;
            let Kind::Text { text, .. } = key.kind else {
                return Err(Problem::new(&key.origin, "a key must be a plain word"));
            };
            let (event, span) = self.next()?;
            let value = self.value(event, span, depth + 1)?;
            match entries.iter().find(|entry| entry.key == text) {
                Some(first) => self.problems.push(duplicate(&text, &key.origin, &first.origin)),
                None => entries.push(Entry { key: text, origin: key.origin, value }),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'s>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = *error.marker();
                Err(syntax(error.info(), &self.origin(Span::empty(at))))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Problem> {
        self.values = self.values.saturating_add(more);
        if self.values <= VALUES_MAX {
            return Ok(());
        }
        let problem = Problem::new(&self.origin(span), format!("more than {VALUES_MAX} values"));
        Err(problem.hint("an alias (`*name`) counts as all the values that it repeats"))
    }

    fn origin(&self, span: Span) -> Origin {
        let start = self.byte(span.start);
        let end = self.byte(span.end).max(start);
        Origin::File(Place { source: Arc::clone(self.source), span: trimmed(self.source.text(), start..end) })
    }

    fn byte(&self, marker: Marker) -> usize {
        let length = self.source.text().len();
        if self.bytes_at.is_empty() {
            return marker.index().min(length);
        }
        self.bytes_at.get(marker.index()).copied().unwrap_or(length)
    }
}

/// The same span without the white space and line ends behind the value.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let inside = text.get(span.clone()).unwrap_or_default();
    span.start..span.start + inside.trim_end().len()
}

fn duplicate(key: &str, second: &Origin, first: &Origin) -> Problem {
    Problem::new(second, format!("the key `{key}` is there twice"))
        .label("again here")
        .see(first, "first here")
        .hint("keep one of the two")
}

fn binary(origin: &Origin) -> Problem {
    Problem::new(origin, "`!!binary` is not read here: a value is a text")
        .hint("a case has bytes as `base64: TEXT`, or `file: PATH`")
}

/// What the parser says, with a hint for the usual causes.
fn syntax(said: &str, origin: &Origin) -> Problem {
    let problem = Problem::new(origin, format!("this is not YAML: {said}"));
    if said.contains("tab") {
        return problem.hint("indent with spaces");
    }
    if said.contains("anchor") {
        return problem.hint(
            "`*name` repeats a value that was marked with `&name` before; quote a text that begins with `*`",
        );
    }
    problem.hint(
        "look for a missing `: `, a missing quote or a wrong indentation at this line or the one before",
    )
}
