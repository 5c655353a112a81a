//! Puts cubes in words: `country is anything but AT or DE`, `company.employees is unknown or under 50`.

use super::Covering;
use super::atoms::{Atoms, Cube};
use super::space::{ABSENT, FIRST, Layout, OTHER, Of, Space};
use crate::diagnostic::join;
use crate::field::Kind;
use crate::matcher::{How, Matcher};
use crate::reading::Fields;

/// The most values to name.
const MAX_NAMED: usize = 6;

impl Covering<'_> {
    /// Says what the leads in a cube have in common; `fields` are the ones that the space was built for.
    pub(crate) fn words(&self, cube: &Cube, fields: &Fields) -> String {
        self.space.words(cube, fields)
    }
}

impl Space {
    fn words(&self, cube: &Cube, fields: &Fields) -> String {
        let sides: Vec<String> =
            cube.sides().iter().filter_map(|(dim, atoms)| self.side_words(*dim, atoms, fields)).collect();
        if sides.is_empty() { "every lead".to_owned() } else { sides.join(" and ") }
    }

    fn side_words(&self, dim: usize, atoms: &Atoms, fields: &Fields) -> Option<String> {
        let whole = self.whole(dim)?;
        if whole.within(atoms) {
            return None;
        }
        let name = |slot: usize| fields.get(slot).map_or("", |field| field.name.as_str());
        let yes = atoms.contains(1);
        Some(match &self.dims.get(dim)?.of {
            Of::Did(did) if yes => did.words(),
            Of::Did(did) => format!("never {}", did.words()),
            Of::Search(slot, how, wanted) => {
                let verb = match (how, yes) {
                    (How::EndsWith, true) => "ends with",
                    (How::EndsWith, false) => "does not end with",
                    (How::Word, true) => "has the word",
                    (How::Word, false) => "does not have the word",
                    (_, true) => "contains",
                    (_, false) => "does not contain",
                };
                format!("{} {verb} `{wanted}`", name(*slot))
            }
            Of::Age(slot) => format!("{} is some time ago", name(*slot)),
            Of::Value(slot) => {
                // Texts are stored folded, but country codes are written in capitals.
                let is_code = fields.get(*slot).is_some_and(|field| field.kind == Kind::Country);
                self.value_words(*slot, (name(*slot), is_code), atoms, whole)?
            }
        })
    }

    fn value_words(&self, slot: usize, (name, is_code): (&str, bool), atoms: &Atoms, whole: &Atoms) -> Option<String> {
        let layout = self.layouts.get(&slot)?;
        let known = |atom: usize| match layout {
            Layout::Text { known, .. } => known.get(atom.checked_sub(FIRST)?).map(|(text, prefix)| match is_code {
                _ if *prefix => format!("text starting with {text}"),
                true => text.to_uppercase(),
                false => text.clone(),
            }),
            Layout::Number { starts, .. } => {
                let from = *starts.get(atom.checked_sub(1)?)?;
                let to = starts.get(atom).map_or(u32::MAX, |next| next - 1);
                Some(Matcher::Number { from, to }.object())
            }
            Layout::YesNo { .. } => Some(if atom == 1 { "no" } else { "yes" }.to_owned()),
            Layout::Date { .. } => Some("on certain days".to_owned()),
            Layout::Derived { .. } => None,
        };
        let absent = atoms.contains(ABSENT);
        if atoms.iter().eq([ABSENT]) {
            return Some(format!("{name} is unknown"));
        }
        let missing = whole.minus(atoms);
        if missing.iter().eq([ABSENT]) {
            return Some(format!("{name} is known"));
        }
        if matches!(layout, Layout::Text { .. }) && atoms.contains(OTHER) {
            let others: Vec<String> = some(missing.iter().filter_map(known));
            let but = if others.len() == 1 { "not" } else { "anything but" };
            let also = if absent { "" } else { "known and " };
            return Some(format!("{name} is {also}{but} {}", join(&others, "or")));
        }
        let mut words = some(atoms.iter().filter(|atom| *atom != ABSENT).filter_map(known));
        if absent {
            words.insert(0, "unknown".to_owned());
        }
        words.dedup();
        Some(format!("{name} is {}", join(&words, "or")))
    }
}

/// Returns the first few words, and how many more there are.
fn some(mut words: impl Iterator<Item = String>) -> Vec<String> {
    let mut some: Vec<String> = words.by_ref().take(MAX_NAMED).collect();
    let more = words.count();
    if more > 0 {
        some.push(format!("{more} more"));
    }
    some
}
