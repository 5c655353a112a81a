//! Problems in a rulebook, each with its position, so that the author can fix it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::work::Work;

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
/// The most errors, warnings and notes to report; the others are counted.
const MAX_TOLD: [usize; 3] = [100, 100, 1_000];
/// The longest message, and the longest help, in bytes.
const MAX_MESSAGE: usize = 2_000;
/// Code of the diagnostic that counts those which are not reported.
pub(crate) const MORE: &str = "more";

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

impl Severity {
    const fn number(self) -> usize {
        match self {
            Self::Error => 0,
            Self::Warning => 1,
            Self::Note => 2,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Diagnostic {
    fn at(
        span: Span,
        severity: Severity,
        code: &'static str,
        message: String,
        help: Option<String>,
        rule: Option<String>,
    ) -> Self {
        let (line, column) = (span.line.max(1), span.column.max(1));
        let length = span.end.saturating_sub(span.column).max(1);
        Self { severity, line, column, length, code, message, help, rule }
    }

    /// Returns whether it only counts further problems that are not listed.
    pub fn is_count(&self) -> bool {
        self.code == MORE
    }

    /// Renders the problem with its line of `source` and the text underlined. `file` is the file name to show.
    pub fn render(&self, source: &str, file: &str) -> String {
        let severity = self.severity.word();
        let line = source.lines().nth(self.line.saturating_sub(1)).unwrap_or_default();
        // Of a long line, show only the part around the problem.
        let before = self.column.saturating_sub(1);
        let long = line.chars().nth(MAX_SHOWN).is_some();
        let hidden = if long { before.saturating_sub(MAX_SHOWN / 2) } else { 0 };
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
    /// How many errors, warnings and notes were found.
    counts: [usize; 3],
    /// Where the first of each kind is that is only counted.
    uncounted: [Option<Span>; 3],
    /// The rule being read, if any.
    rule: Option<String>,
    work: Work,
}

impl Problems {
    /// Creates an empty collection for a check that counts its steps in `work`.
    pub(crate) fn new(work: Work) -> Self {
        Self { work, ..Self::default() }
    }

    /// Returns the work of the check.
    pub(crate) const fn work(&self) -> &Work {
        &self.work
    }

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
        let kind = severity.number();
        let (Some(count), Some(most)) = (self.counts.get_mut(kind), MAX_TOLD.get(kind)) else { return };
        *count += 1;
        if *count > *most {
            self.uncounted.get_mut(kind).into_iter().for_each(|first| *first = first.or(Some(span)));
            return;
        }
        let rule = self.rule.clone();
        self.found.push(Diagnostic::at(span, severity, code, cut(message), help.map(cut), rule));
    }

    /// Returns whether any error was found so far.
    pub(crate) fn has_errors(&self) -> bool {
        self.counts.first().is_some_and(|errors| *errors > 0)
    }

    /// Returns everything found, in source order; `Err` if any of it is an error.
    pub(crate) fn finish(mut self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        self.found.sort_by(|a, b| (a.line, a.column, a.code).cmp(&(b.line, b.column, b.code)));
        self.found.dedup();
        let has_errors = self.has_errors();
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            self.found.extend(self.more(severity));
        }
        if has_errors { Err(self.found) } else { Ok(self.found) }
    }

    /// Returns how many further ones there are, as a diagnostic.
    fn more(&self, severity: Severity) -> Option<Diagnostic> {
        let kind = severity.number();
        let span = (*self.uncounted.get(kind)?)?;
        let more = self.counts.get(kind)?.saturating_sub(*MAX_TOLD.get(kind)?);
        let (what, s) = (severity.word(), if more == 1 { "" } else { "s" });
        let message = format!("{more} more {what}{s} not listed");
        let help = (severity == Severity::Error).then(|| "fix the errors that are listed, then check again".to_owned());
        Some(Diagnostic::at(span, severity, MORE, message, help, None))
    }
}

/// Cuts a text that is too long for a message.
pub(crate) fn cut(mut text: String) -> String {
    if text.len() > MAX_MESSAGE {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE));
        text.push('…');
    }
    text
}

/// Returns the candidate that `wrong` was probably meant to be. `None` if none is similar, or if `work` allows no
/// further comparisons.
pub(crate) fn nearest<'a>(work: &Work, wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if !work.suggests(wrong.len()) {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let letters = wrong.chars().count();
    let far = 1 + letters / 4;
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // `employees` means `company.employees`.
        let last = candidate.rsplit('.').next().is_some_and(|last| last == wrong);
        let length = candidate.chars().count();
        let compared = if last || length.abs_diff(letters) > far { 0 } else { letters.saturating_mul(length) };
        if !work.suggests(10 + compared) {
            return None;
        }
        let distance = match compared {
            0 if last => usize::from(length != letters),
            0 => continue,
            _ => strsim::damerau_levenshtein(&wrong, &candidate.to_lowercase()),
        };
        if distance <= far && best.is_none_or(|(known, _)| distance < known) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Returns ``did you mean `x`?`` if a candidate is similar.
pub(crate) fn did_you_mean<'a>(
    work: &Work,
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(work, wrong, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
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
