//! What is wrong with a configuration, or with a file that is read as one, said so that a person can mend it.
//!
//! What it owns: one problem with its place, hint and snippet, and the text of all of them together. It must not
//! know what the configuration means.

use std::{fmt, path::Path};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};

use super::source::{Origin, Place};

/// One thing that is wrong, or that is worth a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong with what: lower-case, no full stop.
    pub message: String,
    /// Who said it. `Default` where there is no such place, as for a file that cannot be read.
    pub origin: Origin,
    /// A few words under the caret.
    pub label: Option<String>,
    /// A second place that explains the first, with a few words.
    pub other: Option<Box<(Place, String)>>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem with the value that came from there.
    #[must_use]
    pub fn new(origin: &Origin, message: impl Into<String>) -> Self {
        Self { message: message.into(), origin: origin.clone(), label: None, other: None, hint: None }
    }

    /// A problem with a whole file, or with no place at all.
    #[must_use]
    pub fn nowhere(message: impl Into<String>) -> Self {
        Self::new(&Origin::Default, message)
    }

    /// With words under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With a second place.
    #[must_use]
    pub fn see(mut self, origin: &Origin, words: impl Into<String>) -> Self {
        if let Origin::File(place) = origin {
            self.other = Some(Box::new((place.clone(), words.into())));
        }
        self
    }

    /// The text for people, as an error or as a warning, without a line end.
    #[must_use]
    pub fn render(&self, severity: Severity, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let message = self.message_with_origin();
        let title = level.primary_title(message.as_str());
        // Held here, as the report borrows it.
        let masked = self.place().map(|place| place.source.masked());
        let group = match (self.place(), &masked) {
            (Some(place), Some(masked)) => title.element(self.snippet(place, masked)),
            _ => Group::with_title(title),
        };
        let mut text = renderer.render(&[group]);
        if let Some(hint) = &self.hint {
            let title = Level::HELP.with_name("hint").primary_title(hint.as_str());
            text.push('\n');
            text.push_str(&renderer.render(&[Group::with_title(title)]));
        }
        text
    }

    /// Where it is, and what is wrong there, on one line.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.origin {
            Origin::Default => self.message.clone(),
            origin => format!("{origin}: {}", self.message),
        }
    }

    /// The place in a file, if it is in one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match &self.origin {
            Origin::File(place) => Some(place),
            _ => None,
        }
    }

    fn snippet<'a>(&'a self, place: &'a Place, masked: &'a str) -> Snippet<'a, Annotation<'a>> {
        let mut mark = AnnotationKind::Primary.span(one_line(masked, place));
        if let Some(label) = &self.label {
            mark = mark.label(label.as_str());
        }
        let snippet = Snippet::source(masked).path(place.source.path().to_string_lossy()).annotation(mark);
        match self.other.as_deref() {
            Some((other, words)) if other.source == place.source => snippet
                .annotation(AnnotationKind::Context.span(one_line(masked, other)).label(words.as_str())),
            _ => snippet,
        }
    }

    fn message_with_origin(&self) -> String {
        match &self.origin {
            Origin::Flag(_) | Origin::Environment(_) => format!("{}: {}", self.origin, self.message),
            Origin::File(_) | Origin::Default => self.message.clone(),
        }
    }
}

/// How a problem is headed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// It is taken, and this is said.
    Warning,
}

/// Everything that is wrong with a configuration, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(pub Vec<Problem>);

/// More problems than a person mends at a time are only counted.
const PROBLEMS_SHOWN_MAX: usize = 50;

impl Problems {
    /// All problems as text, with a last line that counts them when there are several.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let shown = self.0.iter().take(PROBLEMS_SHOWN_MAX);
        let mut texts: Vec<String> = shown.map(|problem| problem.render(Severity::Error, color)).collect();
        if self.0.len() > PROBLEMS_SHOWN_MAX {
            texts.push(format!("error: … and {} more", self.0.len() - PROBLEMS_SHOWN_MAX));
        }
        if self.0.len() > 1 {
            let file = self.0.iter().find_map(Problem::place).map(|place| place.source.path().display());
            let file = file.map_or_else(|| "the configuration".to_owned(), |file| file.to_string());
            texts.push(format!("error: {} problems in {file}", self.0.len()));
        }
        texts.join("\n\n")
    }

    /// All problems for programs, a line each: where, and what.
    #[must_use]
    pub fn lines(&self) -> String {
        self.0.iter().map(Problem::line).collect::<Vec<_>>().join("\n")
    }

    /// By place, those of flags and the environment first; of several at one place the first, as the others follow
    /// from it.
    #[must_use]
    pub(super) fn in_order(mut self) -> Self {
        self.0.sort_by_key(|problem| problem.place().map(|place| place.span.start));
        self.0.dedup_by(|later, first| later.place().is_some() && later.origin == first.origin);
        self
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// A path as messages show it.
#[must_use]
pub fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// The part of a place that is on its first line: a caret under a whole block helps nobody.
fn one_line(text: &str, place: &Place) -> std::ops::Range<usize> {
    let start = place.span.start.min(text.len());
    let end = place.span.end.clamp(start, text.len());
    let first = text.get(start..end).unwrap_or_default();
    let first = first.split(['\n', '\r']).next().unwrap_or_default().trim_end();
    start..start + first.len()
}
