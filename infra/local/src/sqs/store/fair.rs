//! Which messages a receive gets, so that a group with many messages does not delay the others: SQS's fair queues.
//!
//! Groups with the fewest messages in flight come first. A group with a long line is bulk, in all queues, until some
//! seconds after its line is short again. A receive never mixes bulk with other messages, and takes bulk only if
//! nothing else is there.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};

use super::{COLUMNS, Received, Sql, Store, read};

/// Messages that wait in one group from which on the group is bulk.
const LONG_LINE: i64 = 100;
/// How long a group stays bulk after its line was last seen to be long, in milliseconds. Its messages come to the next
/// queue a few at a time, and they are bulk there too.
const STAYS_BULK: i64 = 10_000;
/// Groups that one receive looks at, or more if they have no messages for it. The next receive goes on after them.
const MOST_GROUPS: usize = 64;
/// More messages of a group in flight than this need not be told apart.
const MOST_COUNTED: i64 = 500;

/// What a receiver wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Any message, but bulk only if nothing else is there.
    Any,
    /// No bulk.
    Quiet,
}

/// Groups that are bulk, and where the next look at a queue's groups starts.
#[derive(Debug, Default)]
pub(super) struct Fairness {
    /// Name and time until which it is bulk.
    bulk: BTreeMap<String, i64>,
    /// By queue.
    start: BTreeMap<i64, String>,
}

/// Group with visible messages in a queue. Messages without a group have the empty name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    /// Messages that are hidden, up to [`MOST_COUNTED`].
    hidden: i64,
    /// When its oldest visible message became visible.
    oldest: i64,
    /// Visible messages, up to [`LONG_LINE`].
    waiting: i64,
}

impl Fairness {
    fn note(&mut self, groups: &[Group], now: i64) {
        for group in groups.iter().filter(|group| group.waiting >= LONG_LINE && !group.name.is_empty()) {
            self.bulk.insert(group.name.clone(), now.saturating_add(STAYS_BULK));
        }
        self.bulk.retain(|_, until| *until > now);
    }

    fn is_bulk(&self, group: &Group) -> bool {
        self.bulk.contains_key(&group.name)
    }

    /// Returns the groups to take messages from, the most entitled first, and whether they are bulk.
    fn choose(&self, groups: Vec<Group>, want: Want) -> (Vec<Group>, bool) {
        let (bulk, mut quiet): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| self.is_bulk(group));
        let take_bulk = quiet.is_empty() && want == Want::Any;
        if take_bulk {
            quiet = bulk;
        }
        quiet.sort_by_key(|group| (group.hidden, group.oldest));
        (quiet, take_bulk)
    }
}

/// Shares `most` messages out to groups, each with its number of messages in flight and of those that it has. One after
/// another goes to the group with the fewest in flight.
fn share(groups: &[(i64, usize)], most: usize) -> Vec<usize> {
    let mut given = vec![0; groups.len()];
    for _ in 0..most {
        let next = groups
            .iter()
            .zip(&mut given)
            .filter(|((_, has), given)| **given < *has)
            .min_by_key(|((hidden, _), given)| hidden.saturating_add(i64::try_from(**given).unwrap_or(i64::MAX)));
        match next {
            Some((_, given)) => *given += 1,
            None => break,
        }
    }
    given
}

impl Store {
    /// Returns up to `limit` visible messages with the number of their receives in this queue so far.
    pub(super) fn candidates(&mut self, index: usize, want: Want, limit: usize, now: i64) -> Sql<Vec<(i64, Received)>> {
        let groups = self.visible_groups(index, limit, now)?;
        self.fairness.note(&groups, now);
        let (mut groups, bulk) = self.fairness.choose(groups, want);
        // Every group has at least one message.
        groups.truncate(limit);
        let mut found = Vec::with_capacity(groups.len());
        for group in &groups {
            found.push(self.visible_in(index, &group.name, limit, now)?);
        }
        let counts: Vec<(i64, usize)> =
            groups.iter().zip(&found).map(|(group, has)| (group.hidden, has.len())).collect();
        let given = share(&counts, limit);
        let mut taken: Vec<(i64, Received)> =
            found.into_iter().zip(given).flat_map(|(has, given)| has.into_iter().take(given)).collect();
        for (_, message) in &mut taken {
            message.bulk = bulk;
        }
        Ok(taken)
    }

    /// Returns groups with visible messages in a queue: at least `wanted` if there are so many, and those among the next
    /// [`MOST_GROUPS`] groups.
    fn visible_groups(&mut self, index: usize, wanted: usize, now: i64) -> Sql<Vec<Group>> {
        let (queue, settings) = self.settings(index)?;
        let oldest = now.saturating_sub(settings.retention_ms);
        let start = self.fairness.start.remove(&queue).unwrap_or_default();
        let (mut groups, mut seen) = (Vec::new(), 0);
        let (mut from, mut wrapped) = (start.clone(), start.is_empty());
        loop {
            match self.next_group(queue, &from)? {
                Some(name) if wrapped && !start.is_empty() && name >= start => return Ok(groups),
                Some(name) if seen >= MOST_GROUPS && groups.len() >= wanted => {
                    self.fairness.start.insert(queue, name);
                    return Ok(groups);
                }
                Some(name) => {
                    seen += 1;
                    // No character of a group's name sorts before this one.
                    from = format!("{name}\u{1}");
                    groups.extend(self.group(queue, name, now, oldest)?);
                }
                None if wrapped => return Ok(groups),
                None => {
                    wrapped = true;
                    from.clear();
                }
            }
        }
    }

    /// Returns the first group with a message whose name is at or after `from`.
    fn next_group(&self, queue: i64, from: &str) -> Sql<Option<String>> {
        self.connection
            .prepare_cached(
                "SELECT ifnull(message_group, '') FROM messages INDEXED BY by_group
                 WHERE queue = ?1 AND ifnull(message_group, '') >= ?2 ORDER BY ifnull(message_group, '') LIMIT 1",
            )?
            .query_row(params![queue, from], |row| row.get(0))
            .optional()
    }

    /// Returns a group, if it has visible messages that were sent after `oldest`.
    fn group(&self, queue: i64, name: String, now: i64, oldest: i64) -> Sql<Option<Group>> {
        let found: (i64, Option<i64>, i64) = self
            .connection
            .prepare_cached(
                "SELECT
                    (SELECT count(*) FROM (SELECT 1 FROM messages INDEXED BY by_group
                        WHERE queue = ?1 AND ifnull(message_group, '') = ?2 AND visible_at > ?3 LIMIT ?5)),
                    (SELECT visible_at FROM messages INDEXED BY by_group
                        WHERE queue = ?1 AND ifnull(message_group, '') = ?2 AND visible_at <= ?3 AND sent_at > ?4
                        ORDER BY visible_at LIMIT 1),
                    (SELECT count(*) FROM (SELECT 1 FROM messages INDEXED BY by_group
                        WHERE queue = ?1 AND ifnull(message_group, '') = ?2 AND visible_at <= ?3 LIMIT ?6))",
            )?
            .query_row(params![queue, name, now, oldest, MOST_COUNTED, LONG_LINE], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        let (hidden, oldest, waiting) = found;
        Ok(oldest.map(|oldest| Group { name, hidden, oldest, waiting }))
    }

    fn visible_in(&self, index: usize, group: &str, limit: usize, now: i64) -> Sql<Vec<(i64, Received)>> {
        let (queue, settings) = self.settings(index)?;
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM messages INDEXED BY by_group
                 WHERE queue = ?1 AND ifnull(message_group, '') = ?2 AND visible_at <= ?3 AND sent_at > ?4
                 ORDER BY visible_at, id LIMIT ?5"
            ))?
            .query_map(
                params![
                    queue,
                    group,
                    now,
                    now.saturating_sub(settings.retention_ms),
                    i64::try_from(limit).unwrap_or(i64::MAX)
                ],
                |row| read(index, now, self.clock.ahead(), row),
            )?
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, hidden: i64, oldest: i64, waiting: i64) -> Group {
        Group { name: name.to_owned(), hidden, oldest, waiting }
    }

    fn chosen(fairness: &Fairness, groups: &[Group], want: Want) -> (Vec<String>, bool) {
        let (groups, bulk) = fairness.choose(groups.to_vec(), want);
        (groups.into_iter().map(|group| group.name).collect(), bulk)
    }

    #[test]
    fn groups_with_few_messages_in_flight_come_first_and_bulk_last() {
        let mut fairness = Fairness::default();
        let groups = [
            group("import-1", 0, 1, LONG_LINE),
            group("web", 9, 2, 3),
            group("", 9, 1, LONG_LINE),
            group("ads", 0, 5, 1),
        ];
        fairness.note(&groups, 1_000);
        assert_eq!(chosen(&fairness, &groups, Want::Any), (["ads", "", "web"].map(str::to_owned).to_vec(), false));
        let only = [group("import-1", 3, 1, 20)];
        assert_eq!(chosen(&fairness, &only, Want::Any), (vec!["import-1".to_owned()], true));
        assert_eq!(chosen(&fairness, &only, Want::Quiet), (vec![], false));
        // It stays bulk for a while after its line is short.
        fairness.note(&only, 1_000 + STAYS_BULK - 1);
        assert_eq!(chosen(&fairness, &only, Want::Quiet).0.len(), 0);
        fairness.note(&only, 1_000 + STAYS_BULK);
        assert_eq!(chosen(&fairness, &only, Want::Quiet), (vec!["import-1".to_owned()], false));
    }

    #[test]
    fn each_message_goes_to_the_group_with_the_fewest_in_flight() {
        assert_eq!(share(&[(0, 10), (0, 10)], 10), [5, 5]);
        assert_eq!(share(&[(0, 10), (4, 10)], 10), [7, 3]);
        assert_eq!(share(&[(0, 2), (9, 10)], 10), [2, 8]);
        assert_eq!(share(&[(0, 1), (0, 1)], 10), [1, 1]);
        assert_eq!(share(&[], 10), [0_usize; 0]);
    }
}
