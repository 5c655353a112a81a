//! Problems in a rulebook, each with its position, so that the author can fix it.

use std::fmt::Write as _;

use serde::Serialize;

/// The severity of a [`Diagnostic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The rulebook cannot be used.
    Error,
    /// The rulebook works, but probably not as intended.
    Warning,
    /// Not a problem, but worth knowing.
    Note,
}

/// The most characters of a source line to show.
const MAX_SHOWN: usize = 160;

/// A problem in a rulebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Its severity.
    pub severity: Severity,
    /// The line, counted from 1.
    pub line: usize,
    /// The column of the first character concerned, counted from 1 in characters.
    pub column: usize,
    /// How many characters are concerned; at least 1.
    pub length: usize,
    /// A stable code for the kind of problem (`unknown-field`).
    pub code: &'static str,
    /// What is wrong, in one sentence without a final stop.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The rule it concerns, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Diagnostic {
    /// Renders the problem with its line of `source` and the text underlined. `file` is the file name to show.
    pub fn render(&self, source: &str, file: &str) -> String {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let line = source.lines().nth(self.line.saturating_sub(1)).unwrap_or_default();
        // Of a long line, show only the part around the problem.
        let before = self.column.saturating_sub(1);
        let hidden = if line.chars().count() > MAX_SHOWN { before.saturating_sub(MAX_SHOWN / 2) } else { 0 };
        let text: String =
            line.chars().skip(hidden).take(MAX_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let before = before - hidden;
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(before);
        let underline = "^".repeat(self.length.min(MAX_SHOWN.saturating_sub(before)).max(1));
        let mut out = format!("{severity}[{}]: {}\n", self.code, self.message);
        let place = format!("{file}:{}:{}", self.line, self.column);
        // Writing to a `String` cannot fail; `.ok()` says so without a panic.
        writeln!(out, "{margin}--> {place}\n{margin} |").ok();
        writeln!(out, "{number} | {}\n{margin} | {indent}{underline}", text.trim_end()).ok();
        if let Some(help) = &self.help {
            writeln!(out, "{margin} = help: {help}").ok();
        }
        out
    }
}

/// A stretch of one source line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// The first column, counted from 1 in characters.
    pub(crate) column: usize,
    /// The column after the last one.
    pub(crate) end: usize,
}

/// Collects problems, so that all of them are reported at once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Diagnostic>,
    /// The rule being read, if any.
    rule: Option<String>,
}

impl Problems {
    /// Attributes the problems that follow to `rule`.
    pub(crate) fn about(&mut self, rule: Option<&str>) {
        self.rule = rule.map(ToOwned::to_owned);
    }

    /// Adds an error.
    pub(crate) fn error(&mut self, span: Span, code: &'static str, message: impl Into<String>) {
        self.push(Severity::Error, span, code, message.into(), None);
    }

    /// Adds an error with help.
    pub(crate) fn error_help(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.push(Severity::Error, span, code, message.into(), help.into());
    }

    /// Adds a warning with help.
    pub(crate) fn warn(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.push(Severity::Warning, span, code, message.into(), help.into());
    }

    /// Adds a note: not a problem, but worth knowing.
    pub(crate) fn note(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.push(Severity::Note, span, code, message.into(), help.into());
    }

    fn push(&mut self, severity: Severity, span: Span, code: &'static str, message: String, help: Option<String>) {
        let diagnostic = Diagnostic {
            severity,
            line: span.line.max(1),
            column: span.column.max(1),
            length: span.end.saturating_sub(span.column).max(1),
            code,
            message,
            help,
            rule: self.rule.clone(),
        };
        self.found.push(diagnostic);
    }

    /// Returns whether any error was found so far.
    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|found| found.severity == Severity::Error)
    }

    /// Returns everything found, in source order; `Err` if any of it is an error.
    pub(crate) fn finish(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        self.found.sort_by(|a, b| (a.line, a.column, a.code).cmp(&(b.line, b.column, b.code)));
        self.found.dedup();
        if self.found.iter().any(|d| d.severity == Severity::Error) { Err(self.found) } else { Ok(self.found) }
    }
}

/// Returns the candidate that `wrong` was probably meant to be.
pub(crate) fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let far = 1 + wrong.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| {
            let whole = strsim::damerau_levenshtein(&wrong, &candidate.to_lowercase());
            // `employees` means `company.employees`.
            let last = candidate.rsplit('.').next().is_some_and(|last| last == wrong);
            (if last { whole.min(1) } else { whole }, candidate)
        })
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns ``did you mean `x`?`` if a candidate is similar.
pub(crate) fn did_you_mean<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wrong, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Joins words as prose does: `a, b or c`.
pub(crate) fn join<S: AsRef<str>>(words: &[S], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., end] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", first.join(", "), end.as_ref())
        }
    }
}

/// A problem with a value; the message continues `FIELD is compared with VALUE, …`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongValue {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

pub(crate) fn wrong(code: &'static str, message: impl Into<String>, help: impl Into<Option<String>>) -> WrongValue {
    WrongValue { code, message: message.into(), help: help.into() }
}
