//! Finds scores that no lead can reach.

use super::Checker;
use super::usage::Usage;
use crate::cover::{Cube, Regions, meet};
use crate::field::Kind;
use crate::matcher::Matcher;
use crate::scoring;
use crate::scoring::Scoring;
use crate::value;
use crate::work::Purse;

/// The highest scores that a lead can have.
struct Most {
    fit: u8,
    engagement: u8,
    total: u8,
}

impl<'d> Checker<'d, '_> {
    /// Reports lines that never hold, and grades and thresholds above the most points that the lines can give. The
    /// bound ignores lines that take points, because a lead need not match them.
    pub(super) fn reach(&mut self, scoring: &Scoring, regions: &mut Regions<'_>, usage: &Usage<'d>, purse: &Purse) {
        purse.ask();
        let document = self.document;
        let Some(written) = document.score.as_ref() else { return };
        let fit = written.fit.as_ref().map(|part| part.lines.as_slice()).unwrap_or_default();
        let engagement = written.engagement.as_ref().map(|part| part.lines.as_slice()).unwrap_or_default();
        // A line that could not be read may be the one that gives the missing points.
        if fit.len() != scoring.fit.lines.len() || engagement.len() != scoring.engagement.lines.len() {
            return;
        }
        // A lead can match only one of several lines that exclude each other, so only the largest of them counts.
        let mut groups: Vec<(Vec<Vec<Cube>>, i32)> = Vec::new();
        for (line, written) in scoring.fit.lines.iter().zip(fit) {
            let region = regions.of(&line.condition, None);
            if region.as_ref().is_some_and(Vec::is_empty) {
                let message = format!("this line of `score.fit` never holds: {}", line.reason);
                let help = "use `any` if one of them is enough, or remove the line".to_owned();
                self.problems.warn(written.condition.span(), "never-holds", message, help);
                continue;
            }
            if line.points <= 0 {
                continue;
            }
            // Without an answer they count as meeting, which only makes the bound higher.
            let apart = |(members, _): &&mut (Vec<Vec<Cube>>, i32)| {
                let apart =
                    |other: &Vec<Cube>| region.as_ref().is_some_and(|region| meet(region, other, purse) == Some(false));
                purse.take(1).is_some() && !members.is_empty() && members.iter().all(apart)
            };
            match groups.iter_mut().find(apart) {
                Some((members, points)) => {
                    members.extend(region);
                    *points = line.points.max(*points);
                }
                None => groups.push((region.into_iter().collect(), line.points)),
            }
        }
        let fit = groups.iter().fold(0_i64, |sum, (_, points)| sum + i64::from(*points));
        let lines = scoring.engagement.lines.iter().filter(|line| line.points > 0);
        let engagement = lines.fold(0_i64, |sum, line| sum + i64::from(line.at_most));
        let (fit, engagement) = (scoring::percent(fit), scoring::percent(engagement));
        let shares = [(fit, scoring.fit.share), (engagement, scoring.engagement.share), (100, scoring.account)];
        self.too_high(scoring, &Most { fit, engagement, total: scoring::total(shares) }, usage);
    }

    fn too_high(&mut self, scoring: &Scoring, most: &Most, usage: &Usage<'d>) {
        let help = || Some("lower it, or give more points under `score`".to_owned());
        for (field, of, most) in [
            ("score", "the lines and shares of `score`", most.total),
            ("fit", "the lines of `score.fit`", most.fit),
            ("engagement", "the lines of `score.engagement`", most.engagement),
        ] {
            for text in usage.values(field) {
                let read =
                    value::read(self.problems.work(), Kind::Number { most: 100 }, &text.text, None, self.fields.zone());
                if let Ok(Matcher::Number { from, .. }) = read
                    && from > u32::from(most)
                {
                    let message = format!("no lead can have a `{field}` of `{}`: {of} give at most {most}", text.text);
                    self.problems.warn(text.span, "out-of-reach", message, help());
                }
            }
        }
        let document = self.document;
        for (name, from) in document.score.iter().flat_map(|score| &score.grades) {
            let known = scoring.grades.iter().find(|grade| grade.name == name.text);
            if known.is_some_and(|grade| grade.from > most.total) {
                let message = format!(
                    "no lead can get grade `{}`: it starts at `{}`, but `score` gives at most {}",
                    name.text, from.text, most.total
                );
                self.problems.warn(from.span, "out-of-reach", message, help());
            }
        }
    }
}
