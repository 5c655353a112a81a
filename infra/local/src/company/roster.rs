//! `roster.csv`: the reps.

use std::collections::BTreeMap;

use fairleader_lead::hours::{HoursError, WeeklyHours};
use fairleader_lead::id::RepId;
use fairleader_lead::normalise::{country, email};
use fairleader_lead::rep::Rep;
use jiff::tz::TimeZone;

use super::known::{Known, circles};
use super::problems::Problems;
use super::sheet::{Column, Row, Sheet, nearest, optional, required};

pub(super) const COLUMNS: &[Column] = &[
    required("rep"),
    required("name"),
    required("email"),
    optional("manager"),
    required("zone"),
    optional("languages"),
    optional("skills"),
    required("hours"),
    required("capacity"),
];

/// Limit on a rep's capacity, in open leads.
const MOST_LEADS: u32 = 10_000;

/// Reads the reps of a sheet. A row with a problem gives no rep.
pub(super) fn read(sheet: &Sheet, known: &Known, problems: &mut Problems) -> Vec<Rep> {
    let mut addresses: BTreeMap<String, &str> = BTreeMap::new();
    let mut reps = Vec::new();
    let mut managers: Vec<(String, String)> = Vec::new();
    for row in sheet.rows() {
        reps.extend(rep(row, known, &mut addresses, problems));
        managers
            .extend(row.cell("rep").zip(row.cell("manager")).map(|(rep, above)| (rep.to_owned(), above.to_owned())));
    }
    for circle in circles(&managers) {
        let Some(row) = sheet.rows().find(|row| row.cell("rep") == circle.first().copied()) else { continue };
        let message = match circle.as_slice() {
            [alone] => format!("`{alone}` cannot be their own manager; leave the cell empty"),
            others => format!("{} form a cycle of managers; leave one of the cells empty", quoted(others)),
        };
        row.problem("manager", message, problems);
    }
    if sheet.is_whole() && sheet.rows().next().is_none() {
        problems.add(sheet.file(), None, None, "has no reps; add a row for each rep".to_owned());
    }
    reps
}

fn rep<'s>(
    row: &'s Row,
    known: &Known,
    addresses: &mut BTreeMap<String, &'s str>,
    problems: &mut Problems,
) -> Option<Rep> {
    let rep_id = row.id("rep", "a rep", problems);
    if let Some(line) = rep_id.and_then(|id| known.before(id, row.line())) {
        let message =
            format!("`{}` is already used in line {line}; give each rep a different id", rep_id.unwrap_or_default());
        row.problem("rep", message, problems);
    }
    let email = address(row, addresses, problems);
    let manager = row.cell("manager");
    if let Some(manager) = manager.filter(|manager| !known.has(manager)) {
        let hint = known.hint(manager, "add them, or leave the cell empty");
        row.problem("manager", format!("`{manager}` is not in the roster; {hint}"), problems);
    }
    let zone = zone(row, problems);
    let hours = hours(row, problems);
    let languages = languages(row, problems);
    let capacity = row.number("capacity", 0, MOST_LEADS, problems);
    Some(Rep {
        rep_id: RepId::from(rep_id?),
        name: row.cell("name")?.to_owned(),
        email: email?,
        manager: manager.map(RepId::from),
        zone: zone?,
        hours: hours?,
        languages,
        skills: row.words("skills").map(str::to_lowercase).collect(),
        capacity: capacity?,
    })
}

/// Returns the e-mail address. It must be unique, because reps sign in with it.
fn address<'s>(row: &'s Row, seen: &mut BTreeMap<String, &'s str>, problems: &mut Problems) -> Option<String> {
    let text = row.cell("email")?;
    let Some(address) = email::parse(text) else {
        let message = format!("`{text}` is not an e-mail address; write it like name@company.example");
        row.problem("email", message, problems);
        return None;
    };
    let rep = row.cell("rep").unwrap_or_default();
    match seen.insert(address.identity, rep) {
        Some(other) if other != rep => {
            let message = format!("`{text}` is also the address of `{other}`; give each rep a different address");
            row.problem("email", message, problems);
        }
        _ => {}
    }
    Some(address.address)
}

fn zone(row: &Row, problems: &mut Problems) -> Option<String> {
    let text = row.cell("zone")?;
    if let Ok(zone) = TimeZone::get(text) {
        return Some(zone.iana_name().unwrap_or(text).to_owned());
    }
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let city = text.replace(' ', "_").to_lowercase();
    let by_city = names.iter().find(|name| name.to_lowercase().ends_with(&format!("/{city}")));
    let near = by_city.map(String::as_str).or_else(|| nearest(text, names.iter().map(String::as_str)));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write an IANA name, such as `Europe/Berlin`".to_owned(),
    };
    row.problem("zone", format!("`{text}` is not a time zone; {hint}"), problems);
    None
}

fn hours(row: &Row, problems: &mut Problems) -> Option<WeeklyHours> {
    row.cell("hours")?.parse().map_err(|error: HoursError| row.problem("hours", error.to_string(), problems)).ok()
}

fn languages(row: &Row, problems: &mut Problems) -> Vec<String> {
    let mut languages: Vec<String> = Vec::new();
    for word in row.words("languages") {
        match country::language(word) {
            Some(code) if languages.iter().any(|known| known == code) => {}
            Some(code) => languages.push(code.to_owned()),
            None => {
                let message = format!("`{word}` is not a language code; write codes like `de en`");
                row.problem("languages", message, problems);
            }
        }
    }
    languages
}

/// Returns `a`, `b` and `c`.
pub(super) fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
