//! `pools.csv`: the pools and their members.

use fairleader_lead::id::{PoolId, RepId};
use fairleader_lead::pool::{Member, Pool};

use super::known::Known;
use super::problems::Problems;
use super::sheet::{Column, Row, Sheet, not_a_number, optional, required};

pub(super) const COLUMNS: &[Column] =
    &[required("pool"), required("name"), required("members"), optional("longest_wait_minutes"), optional("fallback")];

/// Limit on the longest wait: thirty days, in minutes.
const MOST_MINUTES: u32 = 30 * 24 * 60;
/// Default of the longest wait, in minutes.
const DEFAULT_MINUTES: u32 = 240;
const MOST_WEIGHT: u32 = 1_000;

/// Reads the pools of a sheet. A row with a problem gives no pool, or one that is not used.
pub(super) fn read(sheet: &Sheet, reps: &Known, problems: &mut Problems) -> Vec<Pool> {
    let known = Known::of(sheet, "pool");
    let pools: Vec<Pool> = sheet.rows().filter_map(|row| pool(row, &known, reps, problems)).collect();
    if sheet.is_whole() && sheet.rows().next().is_none() {
        problems.add(sheet.file(), None, None, "has no pools; add a row for each pool".to_owned());
    }
    pools
}

fn pool(row: &Row, known: &Known, reps: &Known, problems: &mut Problems) -> Option<Pool> {
    let pool_id = row.id("pool", "a pool", problems);
    if let Some(line) = pool_id.and_then(|id| known.before(id, row.line())) {
        let message =
            format!("`{}` is already used in line {line}; give each pool a different id", pool_id.unwrap_or_default());
        row.problem("pool", message, problems);
    }
    let fallback = row.cell("fallback");
    if let Some(fallback) = fallback {
        if row.cell("pool") == Some(fallback) {
            let message =
                format!("`{fallback}` cannot be its own fallback; name another pool, or leave the cell empty");
            row.problem("fallback", message, problems);
        } else if !known.has(fallback) {
            let hint = known.hint(fallback, "add the pool, or leave the cell empty");
            row.problem("fallback", format!("unknown pool `{fallback}`; {hint}"), problems);
        }
    }
    let wait = match row.cell("longest_wait_minutes") {
        Some(_) => row.number("longest_wait_minutes", 1, MOST_MINUTES, problems),
        None => Some(DEFAULT_MINUTES),
    };
    let members = members(row, reps, problems);
    Some(Pool {
        pool_id: PoolId::from(pool_id?),
        name: row.cell("name")?.to_owned(),
        members,
        longest_wait_minutes: wait?,
        fallback: fallback.map(PoolId::from),
    })
}

fn members(row: &Row, reps: &Known, problems: &mut Problems) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for word in row.words("members") {
        let (rep, weight) = word.split_once(':').unwrap_or((word, "1"));
        if !reps.has(rep) {
            let hint = reps.hint(rep, "add them there, or remove them here");
            row.problem("members", format!("`{rep}` is not in the roster; {hint}"), problems);
        } else if members.iter().any(|member| member.rep.as_str() == rep) {
            let message = format!("`{rep}` is listed twice; for a larger share write `{rep}:2`");
            row.problem("members", message, problems);
        }
        let number = weight.parse().ok().filter(|number| (1..=MOST_WEIGHT).contains(number));
        if number.is_none() {
            let message = format!("the weight of `{rep}`: {}", not_a_number(weight, 1, MOST_WEIGHT));
            row.problem("members", message, problems);
        }
        members.push(Member { rep: RepId::from(rep), weight: number.unwrap_or(1) });
    }
    members
}
