//! Checks conditions: resolves fields and named conditions, and reads values by the field's type.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::literal::{self, Compared, Doubt};
use super::meant::instead_of;
use super::usage::roots;
use super::{Checker, Place};
use crate::ast::{Condition as Written, Lookup, LookupSource, Text};
use crate::condition::{Condition, Named, Test};
use crate::diagnostic::WrongValue;
use crate::diagnostic::{Span, did_you_mean, join};
use crate::field;
use crate::field::Kind;
use crate::lead_value::fold;
use crate::matcher::{How, Matcher};
use crate::reading::{Field, Origin};
use crate::value;

/// The most tests a condition may have, counting named conditions each time they are used.
const MAX_SIZE: usize = 5_000;
/// The most values that all rules and lines compare with, counting named conditions each time they are used. More than
/// fit into a rulebook of 2 MB without named conditions.
const MAX_WEIGHT: usize = 1_000_000;
/// How deep named conditions may use each other.
const MAX_CHAIN: usize = 32;

impl<'d> Checker<'d, '_> {
    /// Returns the named condition, compiled once however often it is used.
    pub(super) fn named(&mut self, name: &'d str, used_at: Span) -> Option<Arc<Named>> {
        if let Some(done) = self.named.get(name) {
            return done.clone();
        }
        let written = self.conditions.get(name).copied()?;
        if self.chain.contains(&name) || self.chain.len() >= MAX_CHAIN {
            let names: Vec<String> = self.chain.iter().chain([&name]).map(|name| format!("`{name}`")).collect();
            let message = if self.chain.contains(&name) {
                format!("condition `{name}` uses itself: {}", names.join(" → "))
            } else {
                format!("conditions use each other more than {MAX_CHAIN} levels deep")
            };
            self.problems.error_help(used_at, "cycle", message, "write one of them out in full".to_owned());
            return None;
        }
        self.chain.push(name);
        let what = format!("condition `{name}`");
        let condition = self.condition(&written.condition, Place { what: &what, scored: true });
        self.chain.pop();
        let named = condition.map(|condition| {
            let (size, weight) = (condition.size(), condition.weight());
            Arc::new(Named { name: name.to_owned(), condition, size, weight })
        });
        let scored = named.as_ref().and_then(|named| self.first_scored(&named.condition));
        self.scored.extend(scored.map(|field| (name, field)));
        self.named.insert(name, named.clone());
        named
    }

    pub(super) fn condition(&mut self, written: &Written, place: Place<'_>) -> Option<Condition> {
        let condition = match written {
            Written::All(parts) => Condition::All(self.each(parts, place)?),
            Written::Any(parts) => Condition::Any(self.each(parts, place)?),
            Written::Not(inner) => Condition::Not(Box::new(self.condition(inner, place)?)),
            Written::Is(names) => {
                let parts: Vec<Option<Condition>> = names.iter().map(|name| self.is(name, place)).collect();
                let mut parts = parts.into_iter().collect::<Option<Vec<Condition>>>()?;
                if parts.len() > 1 { Condition::Any(parts) } else { parts.pop()? }
            }
            Written::Test { field, values } => Condition::Test(self.test(field, values, place)?),
            Written::Did(did) => Condition::Did(Arc::new(self.did(did, place.what)?)),
            Written::Broken(_) => return None,
        };
        if condition.size() > MAX_SIZE {
            let message = format!("{} needs more than {MAX_SIZE} tests", place.what);
            self.problems.error_help(written.span(), "too-large", message, "use a lookup, or several rules".to_owned());
            return None;
        }
        Some(condition)
    }

    pub(super) fn each(&mut self, parts: &[Written], place: Place<'_>) -> Option<Vec<Condition>> {
        let parts: Vec<Option<Condition>> = parts.iter().map(|part| self.condition(part, place)).collect();
        parts.into_iter().collect()
    }

    pub(super) fn is(&mut self, name: &Text, place: Place<'_>) -> Option<Condition> {
        let document = self.document;
        let Some(written) = self.conditions.get(name.text.as_str()).copied() else {
            let known = document.conditions.iter().map(|named| named.name.text.as_str());
            let message = format!("{} uses unknown condition `{}`", place.what, name.text);
            let help = did_you_mean(self.problems.work(), &name.text, known)
                .unwrap_or_else(|| "define it under `conditions`".to_owned());
            self.problems.error_help(name.span, "unknown-condition", message, help);
            return None;
        };
        let named = self.named(&written.name.text, name.span)?;
        if let Some(field) = self.scored.get(name.text.as_str()).filter(|_| !place.scored) {
            let message =
                format!("{} uses condition `{}`, which tests `{field}` before it is known", place.what, name.text);
            self.problems.error_help(name.span, "not-yet-scored", message, NOT_YET.to_owned());
            return None;
        }
        Some(Condition::Named(named))
    }

    /// Returns a field that is tested, directly or through named conditions, and known only after scoring.
    fn first_scored(&self, condition: &Condition) -> Option<Arc<str>> {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().rev().find_map(|part| self.first_scored(part))
            }
            Condition::Not(inner) => self.first_scored(inner),
            Condition::Named(named) => self.scored.get(named.name.as_str()).cloned(),
            Condition::Test(test) => self.fields.is_scored(test.slot).then(|| Arc::clone(&test.field)),
            Condition::Did(_) => None,
        }
    }

    /// Returns a condition that a rule or a line uses, unless all of them together are too large. What they compare
    /// with bounds the work of compiling them, and of deciding on a lead.
    pub(super) fn used(&mut self, condition: Option<Condition>, at: Span) -> Option<Condition> {
        let before = self.weight;
        self.weight = before.saturating_add(condition.as_ref()?.weight());
        if self.weight <= MAX_WEIGHT {
            return condition;
        }
        if before <= MAX_WEIGHT {
            let message = format!(
                "from here on, the rules compare with more than {MAX_WEIGHT} values, counting a named condition each \
                 time it is used"
            );
            self.problems.error_help(at, "too-large", message, "use a lookup instead".to_owned());
        }
        None
    }

    pub(super) fn test(&mut self, field: &Text, values: &[Text], place: Place<'_>) -> Option<Test> {
        let slot = self.field(field, place)?;
        let mut any_of: Vec<Matcher> = Vec::new();
        let mut seen: BTreeSet<Matcher> = BTreeSet::new();
        let mut broken = values.is_empty() || self.broken.contains(&slot);
        for text in values {
            match self.value(slot, text, values.len() == 1, place.what) {
                Some(matcher) if !seen.insert(matcher.clone()) => {
                    let message = format!("duplicate value `{}`", text.text);
                    self.problems.warn(text.span, "duplicate-value", message, None);
                }
                Some(matcher) => any_of.push(matcher),
                None => broken = true,
            }
        }
        if broken {
            return None;
        }
        let free_text = self.kind(slot) == Kind::Text;
        Some(Test { slot, field: Arc::from(field.text.as_str()), free_text, any_of })
    }

    pub(super) fn field(&mut self, field: &Text, place: Place<'_>) -> Option<usize> {
        let name = field.text.as_str();
        let document = self.document;
        if let Some(lookup) = roots(name).find_map(|root| self.lookups.get(root).copied()) {
            return self.lookup_field(lookup, field, place);
        }
        if let Some(custom) = name.strip_prefix("custom.").filter(|custom| !custom.is_empty()) {
            let origin = Origin::Custom(custom.to_owned());
            let field = || Field { name: name.to_owned(), kind: Kind::Text, choices: Vec::new(), origin };
            return Some(self.fields.slot(name).unwrap_or_else(|| self.fields.push(field())));
        }
        let Some(spec) = field::find(name) else {
            let lookups = document.lookups.iter().map(|lookup| lookup.name.text.as_str());
            let message = format!("{} tests unknown field `{name}`", place.what);
            let help = instead_of(self.problems.work(), name, lookups);
            self.problems.error_help(field.span, "unknown-field", message, help);
            return None;
        };
        if spec.scored && !place.scored {
            let message = format!("{} tests `{name}` before it is known", place.what);
            self.problems.error_help(field.span, "not-yet-scored", message, NOT_YET.to_owned());
            return None;
        }
        self.schema_slot(name)
    }

    /// Returns the slot of a lookup's value, or of a column of its table.
    pub(super) fn lookup_field(&mut self, lookup: &Lookup, field: &Text, place: Place<'_>) -> Option<usize> {
        if let Some(slot) = self.fields.slot(&field.text) {
            return Some(slot);
        }
        // A broken lookup is reported where it is defined.
        self.fields.slot(&lookup.name.text)?;
        let message = format!("{} tests unknown field `{}`", place.what, field.text);
        let help = match &lookup.source {
            LookupSource::Table { gives, .. } => {
                let given: Vec<String> =
                    gives.iter().map(|column| format!("`{}.{}`", lookup.name.text, column.text)).collect();
                format!("the lookup gives {}", join(&given, "and"))
            }
            LookupSource::Values(_) => format!("write `{}`", lookup.name.text),
        };
        self.problems.error_help(field.span, "unknown-field", message, help);
        None
    }

    pub(super) fn schema_slot(&mut self, name: &str) -> Option<usize> {
        let spec = field::find(name)?;
        let field =
            || Field { name: name.to_owned(), kind: spec.kind, choices: Vec::new(), origin: Origin::Schema(spec) };
        Some(self.fields.slot(name).unwrap_or_else(|| self.fields.push(field())))
    }

    pub(super) fn kind(&self, slot: usize) -> Kind {
        self.fields.get(slot).map_or(Kind::Text, |field| field.kind)
    }

    /// Reads what a field is compared with; `alone` if this text is the only one.
    pub(super) fn value(&mut self, slot: usize, text: &Text, alone: bool, what: &str) -> Option<Matcher> {
        let field = self.fields.get(slot)?;
        let kind = field.kind;
        if kind == Kind::OneOf && !matches!(text.text.as_str(), "present" | "absent") {
            let words = self.choices.entry(slot).or_insert_with(|| {
                field.choices.iter().rev().map(|word| (fold(word).into_owned(), word.clone())).collect()
            });
            if let Some(known) = words.get(fold(&text.text).as_ref()) {
                return Some(Matcher::text(How::Is, known, false));
            }
            if !self.problems.work().suggests(words.len()) {
                let message =
                    format!("{what} compares `{}` with `{}`, which is not one of its values", field.name, text.text);
                self.problems.error(text.span, "unknown-value", message);
                return None;
            }
        }
        let grades = || self.document.score.iter().flat_map(|score| &score.grades).map(|(name, _)| name.text.as_str());
        let choices: Option<Vec<&str>> = match kind {
            Kind::Choice(words) => Some(words.to_vec()),
            Kind::OneOf if matches!(text.text.as_str(), "present" | "absent") => None,
            Kind::OneOf => Some(field.choices.iter().map(String::as_str).collect()),
            Kind::Grade => Some(grades().collect()),
            _ => None,
        };
        let read = value::read(self.problems.work(), kind, &text.text, choices.as_deref(), self.fields.zone());
        match read.and_then(|matcher| literal::wrong_domain(&field.name, &text.text).map_or(Ok(matcher), Err)) {
            Ok(matcher @ Matcher::Text { .. }) if kind == Kind::Rep => self.rep(text, what).map(|_| matcher),
            Ok(matcher) => {
                let own = matches!(field.origin, Origin::Custom(_));
                let untyped = own && !self.typed.contains(field.name.as_str());
                let compared = Compared { field: &field.name, untyped, alone };
                if literal::takes_any_text(kind, &matcher)
                    && let Some(Doubt { message, help }) = literal::doubt(compared, &text.text)
                {
                    let message = format!("{what} compares `{}` with `{}`, {message}", field.name, text.text);
                    self.problems.warn(text.span, "letter-by-letter", message, help);
                }
                Some(matcher)
            }
            Err(WrongValue { code, message, help }) => {
                let message = format!("{what} compares `{}` with `{}`, {message}", field.name, text.text);
                self.problems.error_help(text.span, code, message, help);
                None
            }
        }
    }
}

const NOT_YET: &str = "the score is calculated after `block`, from the lines of `score`; test it in `mql` or `route`";
