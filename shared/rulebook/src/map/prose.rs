//! Writes the map as prose, in Markdown.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::{Destination, Kind, Map, PartMap, Step};

impl Map {
    /// Returns the process as prose, in Markdown, for the people who have to follow it.
    pub fn prose(&self) -> String {
        let mut out = String::new();
        // Writing to a `String` cannot fail.
        self.write(&mut out).ok();
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "# How leads are decided\n")?;
        writeln!(out, "Days follow the time zone {}. Amounts are in {}.\n", self.zone, self.currency)?;
        if !self.block.is_empty() {
            writeln!(out, "## Before anything else\n")?;
            writeln!(out, "The first rule that matches decides. A lead that it takes is not scored.\n")?;
            steps(out, &self.block)?;
        }
        writeln!(out, "## Score\n")?;
        self.write_score(out)?;
        writeln!(out, "## Who is ready for sales (MQL)\n")?;
        writeln!(out, "A lead that meets any of these lines is an MQL, and stays one.\n")?;
        for line in &self.mql {
            writeln!(out, "- {}", text(line))?;
        }
        writeln!(out, "\nAll other leads are {} (`{}`).\n", self.not_an_mql.kind.words(), self.not_an_mql.name)?;
        writeln!(out, "## Who gets the lead\n")?;
        writeln!(out, "From top to bottom, the first rule that matches wins.\n")?;
        steps(out, &self.route)?;
        self.write_places(out)?;
        self.write_words(out)
    }

    fn write_score(&self, out: &mut String) -> fmt::Result {
        let score = &self.score;
        let shares = [("fit", score.fit.share), ("engagement", score.engagement.share), ("account", score.account)];
        let shares = shares.iter().filter(|(_, share)| *share > 0);
        let shares: Vec<String> = shares.map(|(part, share)| format!("{share}% {part}")).collect();
        writeln!(
            out,
            "From 0 to 100: {}. Each part is the sum of its lines, at least 0 and at most 100.\n",
            shares.join(", ")
        )?;
        part(out, "Fit: who they are", &score.fit)?;
        part(out, "Engagement: what they did", &score.engagement)?;
        if let Some(span) = &score.halves_every {
            writeln!(out, "The points of an activity halve every {span}.\n")?;
        }
        if score.account > 0 {
            writeln!(out, "The account part is the account's own score.\n")?;
        }
        if !score.grades.is_empty() {
            let grades: Vec<String> = score.grades.iter().map(|(name, from)| format!("{name} from {from}")).collect();
            writeln!(out, "Grades: {}.\n", grades.join(", "))?;
        }
        Ok(())
    }

    fn write_places(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "## Where leads go\n")?;
        for (kind, places) in self.places() {
            let places: Vec<String> = places
                .into_iter()
                .map(|(name, rules)| {
                    format!("`{name}` (rule{} {})", if rules.len() == 1 { "" } else { "s" }, listed(&rules))
                })
                .collect();
            writeln!(out, "- **{}**: {}", kind.words(), places.join(", "))?;
        }
        writeln!(out)
    }

    fn write_words(&self, out: &mut String) -> fmt::Result {
        if self.words.is_empty() {
            return Ok(());
        }
        writeln!(out, "## Terms used\n")?;
        for word in &self.words {
            writeln!(out, "- **{}**: {}", text(&word.word), text(&word.meaning))?;
            for value in &word.values {
                writeln!(out, "  - {}", text(value))?;
            }
        }
        Ok(())
    }

    /// Returns every destination of `route` by kind, with the numbers of its rules.
    pub fn places(&self) -> BTreeMap<Kind, BTreeMap<&str, Vec<usize>>> {
        let mut places: BTreeMap<Kind, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for step in &self.route {
            places.entry(step.goes.kind).or_default().entry(&step.goes.name).or_default().push(step.number);
        }
        places
    }
}

/// Lists the first few numbers.
fn listed(numbers: &[usize]) -> String {
    super::some(numbers, 12, ToString::to_string).join(", ")
}

fn part(out: &mut String, title: &str, part: &PartMap) -> fmt::Result {
    if part.lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title} ({}%)\n", part.share)?;
    for (points, words) in &part.lines {
        writeln!(out, "- {points:+} if {}", text(words))?;
    }
    writeln!(out)
}

fn steps(out: &mut String, steps: &[Step]) -> fmt::Result {
    for step in steps {
        let when = if step.conditions.is_empty() {
            "every other lead".to_owned()
        } else {
            format!("if {}, the lead", text(&step.conditions.join(", and ")))
        };
        writeln!(out, "{}. **{}**: {when} {}.", step.number, text(&step.rule), step.in_words())?;
    }
    writeln!(out)
}

impl Step {
    /// Says where the rule sends the lead, with priority, value and fallback, as a predicate of "the lead".
    pub fn in_words(&self) -> String {
        let priority = self.priority.map(|priority| format!(", with priority {}", priority.as_str()));
        let value = self.value.as_ref().map(|value| format!(", worth {value}"));
        let otherwise = self.goes.otherwise.as_ref().map(|otherwise| format!("; {otherwise}"));
        let goes = self.goes.in_words();
        format!("{goes}{}{}{}", priority.unwrap_or_default(), value.unwrap_or_default(), otherwise.unwrap_or_default())
    }
}

impl Destination {
    fn in_words(&self) -> String {
        let name = match &self.title {
            Some(title) => format!("`{}` ({})", self.name, text(title)),
            None => format!("`{}`", self.name),
        };
        match (self.kind, self.read_off) {
            (Kind::Owner, false) => format!("goes to {name}"),
            (Kind::Owner, true) => format!("goes to the rep in {name}"),
            (Kind::Pool, false) => format!("goes to pool {name}"),
            (Kind::Pool, true) => format!("goes to the pool in {name}"),
            (Kind::Nurture, _) => format!("stays in nurture ({name})"),
            (Kind::Hold, _) => format!("is held for review ({name})"),
            (Kind::Disqualify, _) => format!("is disqualified ({name})"),
        }
    }
}

/// Escapes Markdown characters, except backticks, which are used on purpose.
fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        if matches!(c, '*' | '<' | '>' | '[' | ']' | '#') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}
