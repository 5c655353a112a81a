//! Custom fields of a person: they pile up from submission to submission, so a profile keeps the newest.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::profile::Profile;

/// Limit on the custom fields of a profile.
pub const MOST_FIELDS: usize = 200;
/// Limit on the size of all custom fields of a profile together, as they are stored. A submission has at most 64 KB, a
/// profile without custom fields at most about 200 KB, and an item of the table at most 400 KB.
pub const MOST_BYTES: usize = 100_000;
/// Limit on the names of dropped fields that a profile keeps.
pub const MOST_DROPPED: usize = 100;

impl Profile {
    /// Adds custom fields of `later` that are missing here. Beyond [`MOST_FIELDS`] and [`MOST_BYTES`], those that were
    /// not sent for the longest time are dropped, and named in [`Profile::dropped`].
    ///
    /// It compares when the two profiles were received, so it comes before a change of `said_at`.
    pub fn take_custom(&mut self, later: &Self) {
        let mut fields: BTreeMap<String, (Option<Timestamp>, String)> = BTreeMap::new();
        for from in [&*self, later] {
            for (name, value) in &from.custom {
                let at = from.custom_at.get(name).copied().or(from.said_at);
                let (known, _) = fields.entry(name.clone()).or_insert_with(|| (at, value.clone()));
                *known = at.max(*known);
            }
        }
        let said_at = self.said_at.max(later.said_at);
        let mut newest_first: Vec<(String, (Option<Timestamp>, String))> = fields.into_iter().collect();
        newest_first
            .sort_by(|(one, (before, _)), (other, (after, _))| (Reverse(before), one).cmp(&(Reverse(after), other)));
        let mut bytes = 0;
        let fit = newest_first.iter().take(MOST_FIELDS).take_while(|(name, (_, value))| {
            bytes += size(name, value);
            bytes <= MOST_BYTES
        });
        let fit = fit.count();
        let gone = newest_first.split_off(fit);
        self.custom_at = newest_first
            .iter()
            .filter_map(|(name, (at, _))| Some((name.clone(), at.filter(|at| Some(*at) != said_at)?)))
            .collect();
        self.custom = newest_first.into_iter().map(|(name, (_, value))| (name, value)).collect();
        // The oldest are dropped first, so the latest one is last.
        let gone = gone.into_iter().rev().map(|(name, _)| name);
        for name in later.dropped.iter().cloned().chain(gone) {
            self.dropped.retain(|known| *known != name);
            self.dropped.push(name);
        }
        self.dropped.retain(|name| !self.custom.contains_key(name));
        let forgotten = self.dropped.len().saturating_sub(MOST_DROPPED);
        self.dropped.drain(..forgotten);
    }
}

/// Returns the most bytes that a field takes in the stored profile: its name and value, and its name and time again.
fn size(name: &str, value: &str) -> usize {
    const AROUND: usize = 44;
    let escaped = value.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n')).count();
    2 * name.len() + value.len() + escaped + AROUND
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a profile with `count` custom fields of `length` bytes, received in second `second`.
    fn said(prefix: &str, count: usize, length: usize, second: i64) -> Profile {
        Profile {
            custom: (0..count).map(|n| (format!("{prefix}{n:03}"), "x".repeat(length))).collect(),
            said_at: Some(Timestamp::from_second(second).unwrap()),
            ..Profile::default()
        }
    }

    /// Takes over the fields of `later` like a merge.
    fn merge(kept: &mut Profile, later: &Profile) {
        kept.take_custom(later);
        kept.said_at = kept.said_at.max(later.said_at);
    }

    fn prefixes(profile: &Profile) -> String {
        let mut found: Vec<char> = profile.custom.keys().filter_map(|name| name.chars().next()).collect();
        found.dedup();
        found.into_iter().collect()
    }

    #[test]
    fn keeps_the_newest_fields_and_names_the_others() {
        let mut kept = said("a", 100, 1, 1);
        merge(&mut kept, &said("z", 100, 1, 2));
        assert_eq!((kept.custom.len(), kept.dropped.len()), (200, 0));
        merge(&mut kept, &said("m", 1, 1, 3));
        assert_eq!((prefixes(&kept).as_str(), kept.custom.len()), ("amz", 200));
        assert_eq!(kept.dropped, ["a099"]);
        merge(&mut kept, &said("n", 150, 1, 4));
        assert_eq!((prefixes(&kept).as_str(), kept.custom.len()), ("mnz", 200));
        assert_eq!(kept.dropped.len(), MOST_DROPPED);
        // A field that is sent again is new again.
        merge(&mut kept, &said("a", 1, 1, 5));
        assert!(kept.custom.contains_key("a000") && !kept.dropped.contains(&"a000".to_owned()));
        // A submission that was received earlier and arrives later is older.
        merge(&mut kept, &said("b", 50, 1, 0));
        assert!(!prefixes(&kept).contains('b'), "{}", prefixes(&kept));
        assert!(kept.dropped.contains(&"b000".to_owned()));
    }

    #[test]
    fn the_first_value_of_a_field_stays() {
        let mut kept = said("a", 1, 1, 1);
        merge(&mut kept, &said("a", 1, 5, 2));
        assert_eq!(kept.custom.get("a000").map(String::as_str), Some("x"));
        assert_eq!(kept.custom_at, BTreeMap::new(), "a time is only stored if it is not that of the profile");
    }

    #[test]
    fn all_fields_together_are_bounded() {
        let mut kept = said("a", 50, 1_000, 0);
        for (second, prefix) in (1..=20).zip('b'..) {
            let later = said(&prefix.to_string(), 50, 1_000, second);
            merge(&mut kept, &later);
            assert!(later.custom.keys().all(|name| kept.custom.contains_key(name)), "the newest are all there");
            let stored = serde_json::to_string(&(&kept.custom, &kept.custom_at)).unwrap();
            assert!(stored.len() <= MOST_BYTES, "{} bytes", stored.len());
        }
        assert_eq!(prefixes(&kept), "tu");
        for wide in ["\"", "\n", "😀"] {
            let mut kept = said("a", 1, 1, 0);
            let mut later = said("b", 50, 0, 1);
            later.custom.values_mut().for_each(|value| *value = wide.repeat(1_000));
            merge(&mut kept, &later);
            let stored = serde_json::to_string(&(&kept.custom, &kept.custom_at)).unwrap();
            assert!(stored.len() <= MOST_BYTES, "{} bytes of {wide:?}", stored.len());
        }
    }
}
