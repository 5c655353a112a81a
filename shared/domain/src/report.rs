//! Shared parts of the reports on many leads: number format and example leads.

use std::cmp::Ordering;

/// Limit on the example leads of a report.
pub(crate) const MAX_EXAMPLES: usize = 20;
/// Limit on the pools or reps named in one sentence.
pub(crate) const MAX_NAMED: usize = 6;

/// Returns whether another example would be kept. `comes_before` compares it with the last example.
pub(crate) fn wants_example<T>(examples: &[T], comes_before: impl FnOnce(&T) -> bool) -> bool {
    examples.len() < MAX_EXAMPLES || examples.last().is_some_and(comes_before)
}

/// Keeps the first examples in `order`, without duplicates. The result does not depend on the order of arrival.
pub(crate) fn keep_examples<T>(examples: &mut Vec<T>, order: impl Fn(&T, &T) -> Ordering) {
    examples.sort_by(&order);
    examples.dedup_by(|a, b| order(a, b).is_eq());
    examples.truncate(MAX_EXAMPLES);
}

/// Formats a number with thousands separators: `3,120`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut said = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_thousands() {
        assert_eq!([0, 999, 1_000, 3_120, 1_234_567].map(thousands), ["0", "999", "1,000", "3,120", "1,234,567"]);
    }

    #[test]
    fn keeps_the_first_examples_without_duplicates() {
        let mut examples: Vec<u32> = (0..30).rev().chain(0..5).collect();
        keep_examples(&mut examples, Ord::cmp);
        assert_eq!(examples, (0..20).collect::<Vec<_>>());
        assert!(wants_example(&examples, |last| 18 < *last) && !wants_example(&examples, |last| 20 < *last));
        assert!(wants_example(&examples[..19], |_| false), "there is room");
    }
}
