//! Checks the `score` and `mql` sections.

use super::{Checker, Place};
use crate::ast::{Condition as Written, DidLine, Engagement, Line, Part, Score, Text};
use crate::condition::Condition;
use crate::diagnostic::{Span, join};
use crate::scoring;
use crate::scoring::Scoring;

impl Checker<'_, '_> {
    pub(super) fn scoring(&mut self, score: &Score) -> Scoring {
        let parts = [
            ("fit", score.fit.as_ref().map(|part| part.share.as_ref())),
            ("engagement", score.engagement.as_ref().map(|part| part.share.as_ref())),
            ("account", score.account.as_ref().map(|part| part.share.as_ref())),
        ];
        let mut sum = Some(0_u32);
        for (_, part) in parts {
            let share = part.map_or(Some(0), |text| text.and_then(share));
            sum = sum.zip(share).map(|(sum, share)| sum + share);
        }
        for text in parts.iter().filter_map(|(_, part)| (*part)?) {
            if share(text).is_none() {
                let message = format!("`{}` is not a share", text.text);
                self.problems.error_help(
                    text.span,
                    "wrong-share",
                    message,
                    "write a whole percentage, such as `40%`".to_owned(),
                );
            }
        }
        if let Some(sum) = sum.filter(|sum| *sum != 100) {
            let shares = parts.iter().filter_map(|(name, part)| Some(format!("{name} {}", (*part)??.text)));
            let shares: Vec<String> = shares.collect();
            let message = format!("the shares of the score add up to {sum}%, not 100%");
            let help = if shares.is_empty() { None } else { Some(format!("they are {}", join(&shares, "and"))) };
            self.problems.error_help(score.name.span, "shares", message, help);
        }
        Scoring {
            fit: self.part(score.fit.as_ref(), "a line of `score.fit`"),
            engagement: self.engagement(score.engagement.as_ref()),
            account: self.part(score.account.as_ref(), "a line of `score.account`").share,
            grades: self.grades(&score.grades),
            mql: Vec::new(),
        }
    }

    pub(super) fn part(&mut self, part: Option<&Part>, what: &str) -> scoring::Part {
        let Some(part) = part else { return scoring::Part::default() };
        let lines: Vec<scoring::Line> = part.lines.iter().filter_map(|line| self.line(line, what)).collect();
        scoring::Part { share: part.share.as_ref().and_then(share).unwrap_or(0), lines }
    }

    pub(super) fn line(&mut self, line: &Line, what: &str) -> Option<scoring::Line> {
        let condition = self.condition(&line.condition, Place { what, scored: false });
        let condition = self.used(condition, line.condition.span());
        let points = self.points(&line.points, -100);
        let condition = condition?;
        Some(scoring::Line { reason: condition.words(), condition, points: points? })
    }

    pub(super) fn points(&mut self, text: &Text, least: i32) -> Option<i32> {
        let points = text.text.parse::<i32>().ok().filter(|points| (least..=100).contains(points));
        if points.is_none() {
            let message = format!("`{}` is not a valid number of points", text.text);
            self.problems.error_help(text.span, "points", message, format!("write a whole number from {least} to 100"));
        }
        points
    }

    pub(super) fn engagement(&mut self, part: Option<&Engagement>) -> scoring::Engagement {
        let Some(part) = part else { return scoring::Engagement::default() };
        let halves_every = part.halves_every.as_ref().and_then(|text| self.length(text, "`halves_every`"));
        scoring::Engagement {
            share: part.share.as_ref().and_then(share).unwrap_or(0),
            halves_every_ms: halves_every.map(|length| length.ms),
            lines: part.lines.iter().filter_map(|line| self.did_line(line)).collect(),
        }
    }

    pub(super) fn did_line(&mut self, line: &DidLine) -> Option<scoring::DidLine> {
        let what = "a line of `score.engagement`";
        let did = self.did(&line.did, what);
        let points = self.points(&line.points, -100);
        let at_most = match &line.at_most {
            Some(text) => self.points(text, 0)?,
            None => 100,
        };
        let (did, points) = did.zip(points)?;
        if did.wants_nothing() {
            let message = format!("{what} gives points for `did: absent`");
            let help = "engagement counts what a person did; test `did: absent` in a rule or under `fit`".to_owned();
            self.problems.error_help(line.did.key.span, "did", message, help);
            return None;
        }
        if line.at_most.is_some() && at_most < points.abs() {
            let message = format!("`at_most: {at_most}` is less than the {points} points of one activity");
            self.problems.warn(line.points.span, "points", message, None);
        }
        Some(scoring::DidLine { did, points, at_most: at_most.unsigned_abs() })
    }

    pub(super) fn grades(&mut self, written: &[(Text, Text)]) -> Vec<scoring::Grade> {
        let mut grades: Vec<scoring::Grade> = Vec::new();
        for (name, text) in written {
            let from = text.text.strip_suffix('+').and_then(|from| from.parse::<u8>().ok()).filter(|from| *from <= 100);
            let Some(from) = from else {
                let message = format!("grade `{}` starts at `{}`, which is not a score", name.text, text.text);
                self.problems.error_help(
                    text.span,
                    "grade",
                    message,
                    "write the lowest score of the grade, such as `80+`".to_owned(),
                );
                continue;
            };
            if let Some(better) = grades.last().filter(|better| better.from <= from) {
                let message = format!(
                    "grade `{}` can never be given: `{}` at {}+ comes first",
                    name.text, better.name, better.from
                );
                self.problems.error_help(text.span, "grade", message, "order grades from best to worst".to_owned());
            }
            grades.push(scoring::Grade { name: name.text.clone(), from });
        }
        grades
    }

    /// Compiles the lines of `mql`, with their positions.
    pub(super) fn mql(&mut self, written: &[Written]) -> Vec<(Span, Condition)> {
        let place = Place { what: "a line of `mql`", scored: true };
        let mut lines = Vec::new();
        for line in written {
            let condition = self.condition(line, place);
            let Some(condition) = self.used(condition, line.span()) else { continue };
            let contradiction = condition.contradiction(self.problems.work());
            if let Some((one, other)) = contradiction {
                let message = format!("a line of `mql` can never hold: `{one}` and `{other}` cannot both be true");
                self.problems.error_help(
                    line.span(),
                    "contradiction",
                    message,
                    "write them as two lines if one is enough".to_owned(),
                );
            }
            lines.push((line.span(), condition));
        }
        lines
    }
}

/// Parses a share in percent.
fn share(text: &Text) -> Option<u32> {
    let share: u32 = text.text.strip_suffix('%')?.trim().parse().ok()?;
    (share <= 100).then_some(share)
}
