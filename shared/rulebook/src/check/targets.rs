//! Checks what a rule does with a lead: pools, owners, reasons, priority and value.

use super::usage::roots;
use super::{Checker, Place};
use crate::ast::{Text, Then};
use crate::diagnostic::{did_you_mean, join, nearest};
use crate::field;
use crate::field::{ACCOUNT_OWNER, DEAL_OWNER, Kind};
use crate::reading::Origin;
use crate::rule::{Rep, Target, ValueOf};
use crate::value;
use fairleader_lead::id::{PoolId, RepId, is_name};
use fairleader_lead::normalise::fold::words;
use fairleader_lead::ruling::{IfNobody, IfUnavailable, Outcome, Priority};

impl Checker<'_, '_> {
    pub(super) fn priority(&mut self, text: &Text) -> Option<Priority> {
        let found = Priority::ALL.into_iter().find(|priority| priority.as_str() == text.text);
        if found.is_none() {
            let message = format!("unknown priority `{}`", text.text);
            let known: Vec<String> = Priority::ALL.iter().map(|known| format!("`{}`", known.as_str())).collect();
            let help = did_you_mean(self.problems.work(), &text.text, Priority::ALL.iter().map(|known| known.as_str()))
                .unwrap_or_else(|| format!("write {}", join(&known, "or")));
            self.problems.error_help(text.span, "priority", message, help);
        }
        found
    }

    /// Reads `12000`, or `from FIELD` with a number field.
    pub(super) fn value_of(&mut self, text: &Text, place: Place<'_>) -> Option<ValueOf> {
        if let Some(field) = from(text) {
            let slot = self.field(&field, place)?;
            if matches!(self.kind(slot), Kind::Number { .. }) {
                return Some(ValueOf::Field(slot));
            }
            let what = place.what;
            let message = format!("{what} takes the value from `{}`, which is not a number", field.text);
            let help = format!("give it a type: `fields: {{ {}: number }}`", field.text);
            self.problems.error_help(field.span, "value", message, help);
            return None;
        }
        let amount = text.text.parse::<u32>().ok().filter(|_| text.text.bytes().all(|b| b.is_ascii_digit()));
        if amount.is_none() {
            let message = format!("`{}` is not a valid value", text.text);
            let help = value::whole_meant(&text.text).map_or_else(
                || {
                    "write a whole number in the company's currency, such as `12000`, or `from custom.budget`"
                        .to_owned()
                },
                |amount| format!("write `{amount}`, in whole units of the company's currency"),
            );
            self.problems.error_help(text.span, "value", message, help);
        }
        amount.map(ValueOf::Fixed)
    }

    pub(super) fn target(&mut self, then: &Then, what: &str, section: &str) -> Option<Target> {
        let key = match then {
            Then::Pool { pool, .. } => Some(("pool", pool)),
            Then::Owner { owner, .. } => Some(("owner", owner)),
            Then::Nurture(reason) => Some(("nurture", reason)),
            Then::Disqualify(_) | Then::Hold(_) => None,
        };
        if let (Some((key, value)), "block") = (key, section) {
            let message = format!("{what} is in `block` but uses `{key}`");
            let help = "in `block` use `disqualify` or `hold`; other actions belong in `route`".to_owned();
            self.problems.error_help(value.span, "wrong-section", message, help);
        }
        Some(match then {
            Then::Pool { pool, if_nobody } => {
                if let Some(other) = if_nobody.as_ref().filter(|other| other.text == pool.text) {
                    let message = format!("{what} falls back to pool `{}`, which it has already tried", other.text);
                    let help = "name another pool, or write `wait`".to_owned();
                    self.problems.warn(other.span, "same-pool", message, help);
                }
                let if_nobody = match if_nobody {
                    Some(pool) => IfNobody::Pool(self.pool(pool, what)?),
                    None => IfNobody::Wait,
                };
                match from(pool) {
                    Some(field) => Target::Pool { slot: self.pool_from(&field, what)?, if_nobody },
                    None => Target::Fixed(Outcome::Pool { pool: self.pool(pool, what)?, if_nobody }),
                }
            }
            Then::Owner { owner, if_unavailable, counts_as_turn } => {
                let owner = self.owner(owner, what);
                let if_unavailable = match if_unavailable {
                    Some(pool) => IfUnavailable::Pool(self.pool(pool, what)?),
                    None => IfUnavailable::Assign,
                };
                let counts_as_turn = *counts_as_turn;
                match owner? {
                    Ok(owner) => Target::Owner { owner, if_unavailable, counts_as_turn },
                    Err(rep) => Target::Fixed(Outcome::Owner { rep, if_unavailable, counts_as_turn }),
                }
            }
            Then::Nurture(reason) => Target::Fixed(Outcome::Nurture { reason: self.reason(reason)? }),
            Then::Disqualify(reason) => Target::Fixed(Outcome::Disqualify { reason: self.reason(reason)? }),
            Then::Hold(reason) => Target::Fixed(Outcome::Hold { reason: self.reason(reason)? }),
        })
    }

    pub(super) fn pool(&mut self, pool: &Text, what: &str) -> Option<PoolId> {
        if !is_name(&pool.text) {
            self.bad_name(pool, "pool");
            return None;
        }
        let id = PoolId::new(pool.text.as_str());
        if let Some(known) = self.references.pools.as_ref().filter(|pools| !pools.contains(&id)) {
            let message = format!("{what} names unknown pool `{}`", pool.text);
            let help = did_you_mean(self.problems.work(), &pool.text, known.iter().map(PoolId::as_str))
                .unwrap_or_else(|| "create the pool first".to_owned());
            self.problems.error_help(pool.span, "unknown-pool", message, help);
            return None;
        }
        self.pools.insert(id.clone());
        Some(id)
    }

    /// Returns the slot of a field that names a pool.
    pub(super) fn pool_from(&mut self, field: &Text, what: &str) -> Option<usize> {
        let slot = self.given(field, "pool", what)?;
        match self.fields.get(slot).map(|field| (&field.origin, field.choices.clone())) {
            Some((Origin::Lookup { .. }, keys)) => {
                for key in keys {
                    self.pool(&Text { text: key, span: field.span }, what);
                }
                Some(slot)
            }
            Some((Origin::Cell { .. }, _)) if column_of(&field.text) == Some("pool") => Some(slot),
            _ => {
                let message = format!("{what} takes the pool from `{}`, which does not name a pool", field.text);
                let help =
                    "write `from LOOKUP.pool`, with a lookup that gives the column `pool` of its table".to_owned();
                self.problems.error_help(field.span, "pool-from", message, help);
                None
            }
        }
    }

    /// Returns the slot of a field that should belong to a lookup; `column` is what is taken from it.
    fn given(&mut self, field: &Text, column: &str, what: &str) -> Option<usize> {
        let name = field.text.as_str();
        let is_lookup = roots(name).any(|root| self.lookups.contains_key(root));
        if is_lookup || name.starts_with("custom.") || field::find(name).is_some() {
            return self.field(field, Place { what, scored: true });
        }
        let wanted = name.split('.').next().unwrap_or(name);
        let message = format!("{what} takes the {column} from `{name}`, but there is no lookup `{wanted}`");
        let near = nearest(self.problems.work(), wanted, self.lookups.keys().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}.{column}`?"),
            None => format!("define it: `lookups: {{ {wanted}: {{ from: country, use: TABLE, gives: [{column}] }} }}`"),
        };
        self.problems.error_help(field.span, "unknown-lookup", message, help);
        None
    }

    /// Reads an owner taken from the lead, or a rep named in the rulebook.
    pub(super) fn owner(&mut self, owner: &Text, what: &str) -> Option<Result<Rep, RepId>> {
        let (field, was_from) = match from(owner) {
            Some(field) => (field, true),
            None => (owner.clone(), false),
        };
        match field.text.as_str() {
            ACCOUNT_OWNER => return Some(Ok(Rep::AccountOwner(self.schema_slot(ACCOUNT_OWNER)?))),
            DEAL_OWNER => return Some(Ok(Rep::DealOwner(self.schema_slot(DEAL_OWNER)?))),
            other if other.starts_with("account.") || was_from && column_of(other) != Some("owner") => {
                let message = format!("{what} gives the lead to `{other}`, which is not an owner");
                let help = format!("write `{ACCOUNT_OWNER}`, `{DEAL_OWNER}`, `from LOOKUP.owner` or the name of a rep");
                self.problems.error_help(owner.span, "unknown-owner", message, help);
                return None;
            }
            _ => {}
        }
        if was_from {
            return self.given(&field, "owner", what).map(|slot| Ok(Rep::Field(slot)));
        }
        self.rep(owner, what).map(Err)
    }

    pub(super) fn rep(&mut self, rep: &Text, what: &str) -> Option<RepId> {
        if !is_name(&rep.text) {
            self.bad_name(rep, "rep");
            return None;
        }
        let id = RepId::new(rep.text.as_str());
        if let Some(known) = self.references.reps.as_ref().filter(|reps| !reps.contains(&id)) {
            let message = format!("{what} names unknown rep `{}`", rep.text);
            let names = known.iter().map(RepId::as_str).chain([ACCOUNT_OWNER, DEAL_OWNER]);
            let help = did_you_mean(self.problems.work(), &rep.text, names)
                .unwrap_or_else(|| "create the rep first".to_owned());
            self.problems.error_help(rep.span, "unknown-rep", message, help);
            return None;
        }
        self.reps.insert(id.clone());
        Some(id)
    }

    pub(super) fn reason(&mut self, reason: &Text) -> Option<String> {
        if is_name(&reason.text) {
            return Some(reason.text.clone());
        }
        let message = format!("`{}` is not a valid reason", reason.text);
        let plain = words(&reason.text).join("_");
        let plain = if is_name(&plain) { plain.as_str() } else { "no_budget" };
        let help = format!("write it in lower case without spaces, such as `{plain}`");
        self.problems.error_help(reason.span, "reason", message, help);
        None
    }
}

/// Returns the column of `LOOKUP.COLUMN`.
fn column_of(field: &str) -> Option<&str> {
    field.rsplit_once('.').map(|(_, column)| column)
}

/// Returns the field of `from FIELD`.
fn from(text: &Text) -> Option<Text> {
    Some(Text { text: source(&text.text)?.to_owned(), span: text.span })
}

/// Returns what follows `from`.
pub(super) fn source(text: &str) -> Option<&str> {
    text.strip_prefix("from ").map(str::trim)
}
