//! Problems of a template, and suggestions.

use std::fmt;

use super::node::At;

/// One problem of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The file, as named by the caller.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Path in the template (`Resources.EnrichQueue.Properties.QueueName`); empty if the problem concerns all of it.
    pub path: String,
    /// What is wrong and how to fix it.
    pub message: String,
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for TemplateProblem {}

/// Collects problems.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<(At, String, String)>);

impl Problems {
    pub(super) fn add(&mut self, at: At, path: &str, message: impl Into<String>) {
        self.0.push((at, path.to_owned(), message.into()));
    }

    /// Returns the problems in the file's order. Of equal ones at one place (a global and its copies) the first stays.
    pub(super) fn finish(mut self, file: &str) -> Vec<TemplateProblem> {
        self.0.sort_by_key(|(at, ..)| *at);
        self.0.dedup_by(|later, earlier| later.0 == earlier.0 && later.2 == earlier.2);
        self.0
            .into_iter()
            .map(|(at, path, message)| TemplateProblem {
                file: file.to_owned(),
                line: at.line,
                column: at.column,
                path,
                message,
            })
            .collect()
    }
}

/// Returns the name in `known` that was probably meant.
pub(super) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .filter(|candidate| candidate.len() > 2)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count() / 4))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns `a`, `b` or `c`.
pub(super) fn choices<'a>(of: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = of.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}
