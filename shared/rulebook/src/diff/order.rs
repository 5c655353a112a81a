//! Finds the smallest set of items that moved; all others kept their order.

/// Marks the items of a longest increasing subsequence: those that kept their order. `before` holds the previous
/// position of each item, in the current order. `O(n log n)`, by patience sorting (Fredman 1975).
pub(super) fn kept(before: &[usize]) -> Vec<bool> {
    // `ends[k]` is the item that ends a run of length k + 1 with the lowest previous position.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(before.len());
    let position = |at: &usize| before.get(*at).copied().unwrap_or_default();
    for (now, was) in before.iter().enumerate() {
        let length = ends.partition_point(|at| position(at) < *was);
        previous.push(length.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = now,
            None => ends.push(now),
        }
    }
    let mut kept = vec![false; before.len()];
    let mut at = ends.last().copied();
    while let Some(now) = at {
        if let Some(kept) = kept.get_mut(now) {
            *kept = true;
        }
        at = previous.get(now).copied().flatten();
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::kept;

    #[test]
    fn moves_as_few_items_as_possible() {
        assert!(kept(&[]).is_empty());
        assert_eq!(kept(&[0, 1, 2]), [true, true, true]);
        assert_eq!(kept(&[3, 0, 1, 2]), [false, true, true, true]);
        assert_eq!(kept(&[1, 2, 3, 0]), [true, true, true, false]);
    }

    proptest! {
        #[test]
        fn keeps_a_longest_run_in_order(
            before in Just((0..7_usize).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let flags = kept(&before);
            let run: Vec<usize> = before.iter().zip(&flags).filter(|(_, kept)| **kept).map(|(at, _)| *at).collect();
            prop_assert!(run.is_sorted());
            let longest = (0..1_u32 << before.len()).filter_map(|chosen| {
                let run: Vec<usize> = before.iter().enumerate()
                    .filter(|(at, _)| chosen & (1 << at) != 0).map(|(_, was)| *was).collect();
                run.is_sorted().then_some(run.len())
            }).max();
            prop_assert_eq!(Some(run.len()), longest);
        }
    }
}
