//! Finds the hours of the week in which no rep of a pool is at work, so that leads for it have to wait.

use std::collections::BTreeMap;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Serialize;

use crate::diagnostic::Severity;
use crate::rulebook::Rulebook;
use fairleader_lead::id::{PoolId, RepId};
use fairleader_lead::pool::Pool;
use fairleader_lead::rep::Rep;

/// The resolution in minutes; hours that start or end within a step count from its start.
const STEP: usize = 5;
/// The steps of a day.
const DAY: usize = 24 * 60 / STEP;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A pool that is not staffed all the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Staffing {
    /// The pool.
    pub pool: PoolId,
    /// A warning if no rep of the pool ever works, or else a note.
    pub severity: Severity,
    /// The finding, in one sentence without a final stop.
    pub message: String,
}

/// Returns every pool that `rulebook` names and that has hours of the week without a member at work, in the order of
/// names. Hours are in the company's zone, for the week (Monday to Sunday) that contains `week_of`: for members in
/// other zones they may be an hour off in weeks in which only one of the zones has changed its clocks.
///
/// Ignores whether reps are switched off or at capacity, because that changes by the hour. A member who is not in
/// `reps` never works.
///
/// ```
/// # use fairleader_rulebook::{References, Rulebook, unstaffed};
/// let text = "\
/// company: { zone: Europe/Berlin, currency: EUR }
/// score: { fit: { share: 100% } }
/// mql: [{ source: present }]
/// route: [{ rule: everyone, then: { pool: inbound } }]
/// ";
/// let rulebook = Rulebook::parse(text, &References::default()).unwrap().rulebook;
/// let rep = serde_json::json!({
///     "rep_id": "anna", "name": "Anna", "email": "anna@fairleader.example", "zone": "Europe/Berlin",
///     "hours": "mon-fri 09:00-17:00", "capacity": 10
/// });
/// let pool = serde_json::json!({ "pool_id": "inbound", "name": "Inbound", "members": [{ "rep": "anna" }] });
/// let (reps, pools) = ([serde_json::from_value(rep).unwrap()], [serde_json::from_value(pool).unwrap()]);
///
/// let found = unstaffed(&rulebook, &pools, &reps, "2026-03-03T09:00:00Z".parse().unwrap());
/// assert_eq!(
///     found[0].message,
///     "no rep of pool `inbound` is at work Mon to Fri before 09:00 and from 17:00, Sat and Sun all day; leads wait \
///      until one is"
/// );
/// ```
pub fn unstaffed(rulebook: &Rulebook, pools: &[Pool], reps: &[Rep], week_of: Timestamp) -> Vec<Staffing> {
    let zone = TimeZone::get(rulebook.zone()).unwrap_or(TimeZone::UTC);
    let steps = steps(week_of, &zone);
    let mut known: BTreeMap<&RepId, Vec<bool>> = BTreeMap::new();
    let reps: BTreeMap<&RepId, &Rep> = reps.iter().map(|rep| (&rep.rep_id, rep)).collect();
    let mut found = Vec::new();
    for id in rulebook.pools() {
        let mut say = |severity, message| found.push(Staffing { pool: id.clone(), severity, message });
        let Some(pool) = pools.iter().find(|pool| pool.pool_id == *id) else {
            say(Severity::Warning, format!("pool `{id}` does not exist"));
            continue;
        };
        if pool.members.is_empty() {
            say(Severity::Warning, format!("pool `{id}` has no members; leads sent there wait forever"));
            continue;
        }
        let mut staffed = vec![false; steps.len()];
        for member in &pool.members {
            let Some((rep_id, rep)) = reps.get_key_value(&member.rep) else { continue };
            let hours = known.entry(rep_id).or_insert_with(|| at_work(rep, &steps));
            staffed.iter_mut().zip(hours).for_each(|(staffed, works)| *staffed |= *works);
        }
        if !staffed.contains(&true) {
            say(Severity::Warning, format!("no rep of pool `{id}` ever works; leads sent there wait forever"));
        } else if staffed.contains(&false) {
            let hours = words(&staffed);
            say(Severity::Note, format!("no rep of pool `{id}` is at work {hours}; leads wait until one is"));
        }
    }
    found
}

/// Returns the steps of the week in local time, from Monday at midnight.
fn steps(week_of: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
    let today = week_of.to_zoned(zone.clone()).date();
    let since_monday = i64::from(today.weekday().to_monday_zero_offset());
    let monday = today.saturating_sub(since_monday.days());
    let days = (0..7_i64).map(|day| monday.saturating_add(day.days()));
    days.flat_map(|day| {
        (0..DAY).filter_map(move |step| {
            let minutes = i64::try_from(step * STEP).ok()?;
            let time = Time::midnight().checked_add(SignedDuration::from_mins(minutes)).ok()?;
            Some(day.to_datetime(time))
        })
    })
    .filter_map(|at| Some(at.to_zoned(zone.clone()).ok()?.timestamp()))
    .collect()
}

fn at_work(rep: &Rep, steps: &[Timestamp]) -> Vec<bool> {
    let Ok(zone) = TimeZone::get(&rep.zone) else { return vec![false; steps.len()] };
    steps.iter().map(|at| rep.hours.contains(*at, &zone)).collect()
}

/// Describes the hours without a rep at work: `Mon to Fri before 09:00 and from 17:00, Sat and Sun all day`.
fn words(staffed: &[bool]) -> String {
    let days = staffed.chunks(DAY).map(day_words).zip(DAYS);
    // Consecutive days with the same hours are combined.
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (hours, day) in days.filter(|(hours, _)| !hours.is_empty()) {
        match groups.last_mut().filter(|(known, _)| *known == hours) {
            Some((_, days)) => days.push(day),
            None => groups.push((hours, vec![day])),
        }
    }
    let groups = groups.iter().map(|(hours, days)| match days.as_slice() {
        [first, last] => format!("{first} and {last} {hours}"),
        [first, .., last] => format!("{first} to {last} {hours}"),
        days => format!("{} {hours}", days.concat()),
    });
    groups.collect::<Vec<String>>().join(", ")
}

/// Describes the hours of a day without a rep at work; empty if there are none.
fn day_words(staffed: &[bool]) -> String {
    let mut stretches: Vec<String> = Vec::new();
    let mut at = 0;
    for stretch in staffed.chunk_by(|one, next| one == next) {
        let (from, to) = (at, at + stretch.len());
        at = to;
        if stretch.first() == Some(&true) {
            continue;
        }
        stretches.push(match (from, to) {
            (0, DAY) => "all day".to_owned(),
            (0, to) => format!("before {}", clock(to)),
            (from, DAY) => format!("from {}", clock(from)),
            (from, to) => format!("{} to {}", clock(from), clock(to)),
        });
    }
    super::diagnostic::join(&stretches, "and")
}

fn clock(step: usize) -> String {
    let minutes = step * STEP;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::references::References;
    use fairleader_lead::pool::Member;

    fn rep(id: &str, zone: &str, hours: &str) -> Rep {
        Rep {
            rep_id: RepId::from(id),
            name: id.to_owned(),
            email: format!("{id}@fairleader.example"),
            manager: None,
            zone: zone.to_owned(),
            hours: hours.parse().unwrap(),
            languages: Vec::new(),
            skills: Vec::new(),
            capacity: 10,
        }
    }

    /// Returns the findings for a pool with the members `names`.
    fn said(reps: &[Rep], names: &[&str]) -> Vec<(Severity, String)> {
        let text = "company: { zone: Europe/Berlin, currency: EUR }\nscore: { fit: { share: 100% } }\n\
                    mql: [{ source: present }]\nroute: [{ rule: everyone, then: { pool: inbound } }]\n";
        let rulebook = Rulebook::parse(text, &References::default()).unwrap().rulebook;
        let pool = Pool {
            pool_id: PoolId::from("inbound"),
            name: "Inbound".to_owned(),
            members: names.iter().map(|name| Member { rep: RepId::from(*name), weight: 1 }).collect(),
            longest_wait_minutes: 240,
            fallback: None,
        };
        let found = unstaffed(&rulebook, &[pool], reps, "2026-07-02T09:00:00Z".parse().unwrap());
        found.into_iter().map(|found| (found.severity, found.message)).collect()
    }

    #[test]
    fn combines_members_hours_in_the_company_time_zone() {
        let anna = rep("anna", "Europe/Berlin", "mon-fri 09:00-12:00, mon-fri 13:00-17:00");
        let liz = rep("liz", "America/New_York", "mon-thu 09:00-17:00");
        let noor = rep("noor", "Asia/Kolkata", "always");
        let all = [anna, liz, noor];
        let hours =
            |names: &[&str]| said(&all, names).into_iter().map(|(_, message)| message).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(hours(&["anna"]), @"no rep of pool `inbound` is at work Mon to Fri before 09:00, 12:00 to 13:00 and from 17:00, Sat and Sun all day; leads wait until one is");
        insta::assert_snapshot!(hours(&["anna", "liz"]), @"no rep of pool `inbound` is at work Mon to Thu before 09:00, 12:00 to 13:00 and from 23:00, Fri before 09:00, 12:00 to 13:00 and from 17:00, Sat and Sun all day; leads wait until one is");
        assert_eq!(hours(&["anna", "noor"]), "");
    }

    #[test]
    fn warns_about_a_pool_without_working_members() {
        let idle = rep("idle", "Europe/Berlin", "never");
        let warns = |names: &[&str], what: &str| {
            let found = said(std::slice::from_ref(&idle), names);
            assert_eq!(found.len(), 1);
            assert!(found[0].0 == Severity::Warning && found[0].1.contains(what), "{found:?}");
        };
        warns(&["idle"], "ever works");
        warns(&["gone"], "ever works");
        warns(&[], "no members");
    }
}
