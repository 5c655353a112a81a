//! Territory tables of any size, and a rulebook that looks up the longest postal code prefix by country.

use std::fmt::Write as _;
use std::sync::Arc;

use fairleader_rulebook::{References, Rulebook, Table};

use crate::territories::COUNTRIES;

/// Returns realistic rows, country by country: one for the country, then prefixes of one, two, three and five digits,
/// so that a code may match four rows.
pub(crate) fn csv(rows: usize) -> String {
    let mut text = "country,postal_code,name,pool\n".to_owned();
    let each = rows.div_ceil(COUNTRIES.len());
    let codes = || {
        let of = |digits: usize, step: usize| {
            (0..10_usize.pow(u32::try_from(digits).expect("few")))
                .step_by(step)
                .map(move |code| format!("{code:0digits$}"))
        };
        // Only every 29th prefix of five digits, so that most codes match a shorter one.
        [String::new()].into_iter().chain(of(1, 1)).chain(of(2, 1)).chain(of(3, 1)).chain(of(5, 29))
    };
    let all = COUNTRIES.iter().flat_map(|country| codes().take(each).map(move |code| (country, code)));
    for (number, (country, code)) in all.take(rows).enumerate() {
        writeln!(text, "{country},{code},{country} area {code},pool-{}", number % 50).expect("a string");
    }
    text
}

pub(crate) fn references(table: Table) -> References {
    References { tables: [("territories".to_owned(), Arc::new(table))].into(), ..References::default() }
}

/// A rulebook that does little else.
const RULEBOOK: &str = "\
company: { zone: Europe/Berlin, currency: EUR }
lookups:
  territory: { from: [country, postal_code], use: territories, gives: [name, pool] }
score: { fit: { share: 100% } }
mql: [{ source: present }]
route:
  - { rule: territories, if: { territory.pool: present }, then: { pool: from territory.pool, if_nobody: wait } }
  - { rule: everyone else, then: { pool: inbound } }
";

/// Returns the rulebook, checked with the table.
pub(crate) fn checked(references: &References) -> Rulebook {
    Rulebook::parse(RULEBOOK, references).expect("a rulebook without mistakes").rulebook
}
