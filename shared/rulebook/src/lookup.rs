//! Finds the row of a table that matches a lead: by exact keys and, for a postal code, by the longest prefix.

use std::sync::Arc;

use super::reading::Reading;
use super::symbols::{Texts, at};
use super::table::Table;
use crate::lead_value::{Value, fold};
use crate::matcher::{How, Matcher};

/// Separates the keys of a row; a control character, which no folded text contains.
const BETWEEN: char = '\u{1f}';

/// A table prepared for searching.
#[derive(Clone, Debug)]
pub(crate) struct TableLookup {
    pub(crate) table: Arc<Table>,
    /// The slots of the fields to look up by, in the order of the keys.
    pub(crate) from: Vec<usize>,
    /// Whether the last key is a postal code, for which rows contain a prefix.
    prefix: bool,
    /// The keys of every row, joined to one text.
    keys: Texts,
    /// The row of each of these texts.
    rows: Vec<usize>,
    /// The length of the longest text in bytes.
    longest: usize,
    /// The combinations of exact keys that rows leave open, one bit per key; those with the fewest open keys come
    /// first.
    open: Vec<usize>,
}

/// The entries of a lookup with exact texts only, by text.
#[derive(Clone, Debug)]
pub(crate) struct Exact {
    texts: Texts,
    /// The entry of each text.
    entries: Vec<usize>,
    /// The value of each entry, folded.
    folded: Vec<String>,
}

impl Exact {
    /// Returns `None` if some value is not an exact text.
    pub(crate) fn new(entries: &[(String, Vec<Matcher>)], seed: u64) -> Option<Self> {
        let folded = entries.iter().map(|(value, _)| fold(value).into_owned()).collect();
        let mut exact = Self { texts: Texts::new(seed), entries: Vec::new(), folded };
        for (entry, (_, of)) in entries.iter().enumerate() {
            for matcher in of {
                let Matcher::Text { how: How::Is, folded, .. } = matcher else { return None };
                // If two entries have the same text, the first one counts.
                if exact.texts.insert(folded).1 {
                    exact.entries.push(entry);
                }
            }
        }
        Some(exact)
    }

    /// Returns the entry for a value, and the lookup's result, folded.
    pub(crate) fn find(&self, value: &Value<'_>) -> Option<(usize, &str)> {
        let Value::Text { folded, .. } = value else { return None };
        let entry = *self.entries.get(at(self.texts.get(folded)?))?;
        Some((entry, self.folded.get(entry)?))
    }
}

/// The positions of two rows with the same keys.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SameKey {
    pub(crate) first: usize,
    pub(crate) second: usize,
}

/// Returns a postal code in the form used for comparison: folded, without spaces and hyphens.
pub(crate) fn postal(text: &str) -> String {
    squeeze(&fold(text))
}

fn squeeze(folded: &str) -> String {
    folded.chars().filter(|c| !matches!(c, ' ' | '-')).collect()
}

impl TableLookup {
    /// Prepares a table. `columns` are the key columns, one for each slot of `from`. An empty cell or `*` matches every
    /// lead, but other rows take precedence. A `*` at the end of a postal code has no effect.
    pub(crate) fn new(table: Arc<Table>, from: Vec<usize>, columns: &[usize], prefix: bool) -> (Self, Vec<SameKey>) {
        let (mut keys, mut rows, mut longest) = (Texts::new(table.seed()), Vec::with_capacity(table.len()), 0);
        let (mut open, mut repeats) = (Vec::new(), Vec::new());
        for (second, row) in table.rows().iter().enumerate() {
            let mut key = String::new();
            let mut left_open = 0;
            for (position, column) in columns.iter().enumerate() {
                let cell = row.cell(*column).filter(|cell| *cell != "*").unwrap_or_default();
                let last = position + 1 == columns.len();
                if prefix && last {
                    key.push_str(&postal(cell.trim_end_matches('*')));
                    continue;
                }
                if cell.is_empty() {
                    left_open |= 1 << position;
                }
                key.push_str(&fold(cell));
                key.push(BETWEEN);
            }
            if !open.contains(&left_open) {
                open.push(left_open);
            }
            longest = longest.max(key.len());
            match keys.insert(&key) {
                (_, true) => rows.push(second),
                (known, false) => {
                    repeats.extend(rows.get(at(known)).map(|first| SameKey { first: *first, second }));
                }
            }
        }
        open.sort_by_key(|open: &usize| (open.count_ones(), *open));
        (Self { table, from, prefix, keys, rows, longest, open }, repeats)
    }

    /// Returns the best row for a lead: the one with the fewest open keys, then the one with the longest prefix.
    pub(crate) fn find(&self, reading: &Reading<'_>) -> Option<usize> {
        let text = |slot: &usize| match reading.value(*slot) {
            Some(Value::Text { folded, .. }) => Some(folded.as_ref()),
            _ => None,
        };
        let (exact, last) = match self.from.split_last() {
            Some((last, exact)) if self.prefix => (exact, text(last).map(squeeze).unwrap_or_default()),
            _ => (self.from.as_slice(), String::new()),
        };
        self.open.iter().find_map(|open| {
            let mut key = String::new();
            for (position, slot) in exact.iter().enumerate() {
                if open & (1 << position) == 0 {
                    key.push_str(text(slot)?);
                }
                key.push(BETWEEN);
            }
            self.longest(key, &last)
        })
    }

    /// Returns the row with `key`, followed by the longest possible prefix of `rest`.
    fn longest(&self, mut key: String, rest: &str) -> Option<usize> {
        let shortest = key.len();
        key.push_str(rest);
        loop {
            if key.len() <= self.longest
                && let Some(found) = self.keys.get(&key)
            {
                return self.rows.get(at(found)).copied();
            }
            if key.len() <= shortest {
                return None;
            }
            key.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use jiff::Timestamp;

    use super::*;
    use crate::diagnostic::Diagnostic;
    use crate::document::Checked;
    use crate::facts::Facts;
    use crate::references::References;
    use crate::rulebook::Rulebook;
    use fairleader_lead::id::SourceId;
    use fairleader_lead::profile::Profile;

    const RULEBOOK: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
lookups:
  territory: { from: [country, postal_code], use: territories, gives: [name, pool] }
score: { fit: { share: 100% } }
mql: [{ source: present }]
route:
  - { rule: territories, if: { territory: present }, then: { pool: from territory.pool, if_nobody: wait } }
  - { rule: everyone else, then: { pool: inbound } }
";

    /// Returns postal code prefixes of 40 countries in shuffled order: 50,000 rows, starting at line 2.
    fn rows() -> Vec<(&'static str, String)> {
        let countries = [
            "DE", "US", "GB", "FR", "NL", "CH", "AT", "ES", "IT", "SE", "NO", "DK", "FI", "PL", "BE", "CZ", "IE", "PT",
            "CA", "AU", "BR", "IN", "JP", "SG", "ZA", "MX", "AE", "IL", "TR", "GR", "HU", "RO", "BG", "HR", "SK", "SI",
            "LT", "LV", "EE", "LU",
        ];
        let codes = || {
            let short = (0..1_000).map(|code| format!("{code:03}"));
            let long = (0..210).map(|code| format!("{:05}", code * 31 % 1_000));
            ["", "0", "1", "2", "3"]
                .map(ToOwned::to_owned)
                .into_iter()
                .chain((0..35).map(|code| format!("{code:02}")))
                .chain(short)
                .chain(long)
        };
        let mut rows: Vec<(&str, String)> =
            countries.into_iter().flat_map(|country| codes().map(move |code| (country, code))).collect();
        rows.sort_by_cached_key(|(country, code)| (code.chars().rev().collect::<String>(), *country));
        rows
    }

    fn csv(rows: &[(&str, String)]) -> String {
        rows.iter().fold("country,postal_code,name,pool\n".to_owned(), |mut text, (country, code)| {
            writeln!(text, "{country},{code},{country}/{code},inbound").unwrap();
            text
        })
    }

    fn check(table: Table) -> Result<Checked, Vec<Diagnostic>> {
        let tables = [("territories".to_owned(), Arc::new(table))].into();
        Rulebook::parse(RULEBOOK, &References { tables, ..References::default() })
    }

    #[test]
    fn finds_the_longest_prefix_among_50_000_rows() {
        let rows = rows();
        assert_eq!(rows.len(), 50_000);
        let table = Table::parse("territories", &csv(&rows)).unwrap();
        assert_eq!(table.len(), rows.len());
        let rulebook = check(table).unwrap().rulebook;
        let source = SourceId::from("website");
        for number in 0..400_u32 {
            let mut profile = Profile::default();
            let (country, _) = rows.get(at(number * 120)).unwrap();
            let code = format!("{:05}", number.wrapping_mul(7_919) % if number % 2 == 0 { 1_000 } else { 100_000 });
            profile.place.country = Some((*country).to_owned());
            profile.place.postal_code = Some(code.clone());
            let now = Timestamp::UNIX_EPOCH;
            let facts = Facts { profile: &profile, source: &source, received_at: now, account: None, score: None, now };
            let fitting = rows.iter().filter(|(of, begins)| of == country && code.starts_with(begins.as_str()));
            let (_, longest) = fitting.max_by_key(|(_, begins)| begins.len()).unwrap();
            let reading = rulebook.fields.read(&facts);
            let slot = rulebook.fields.iter().position(|field| field.name == "territory.name").unwrap();
            assert_eq!(reading.text(slot), Some(format!("{country}/{longest}").as_str()), "{country} {code}");
        }
    }

    #[test]
    fn reports_wrong_rows_among_50_000_by_line() {
        // If the table can be read, its contents are checked with the rulebook.
        let mut wrong = rows();
        let (first, second) = (wrong[41_000].clone(), wrong[12_345].clone());
        wrong[777].0 = "UK";
        wrong[49_999].0 = "Atlantis";
        wrong[30_000] = second;
        wrong[45_000] = (first.0, format!("{}*", first.1));
        let found = check(Table::parse("territories", &csv(&wrong)).unwrap()).unwrap_err();
        let found: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
        insta::assert_snapshot!(found.join("\n"), @"
        line 779 of table `territories`: `UK` is not a valid country
        line 50001 of table `territories`: `Atlantis` is not a valid country
        lines 12347 and 30002 of table `territories` have the same keys
        lines 41002 and 45002 of table `territories` have the same keys
        ");

        // If it cannot be read, reading reports the problems.
        let text: Vec<String> = csv(&rows()).lines().map(ToOwned::to_owned).collect();
        let mut lines: BTreeMap<usize, String> = (1..).zip(text).collect();
        lines.insert(20_000, "DE,1".to_owned());
        lines.insert(50_001, "DE,1,name,pool,more".to_owned());
        let text: String = lines.into_values().map(|line| line + "\r\n").collect();
        let found: Vec<String> =
            Table::parse("territories", &text).unwrap_err().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(found.join("\n"), @"
        line 20000: the row has 2 cells, but the header has 4
        line 50001: the row has 5 cells, but the header has 4
        ");
    }
}
