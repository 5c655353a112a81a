//! All open leads: those that reps own, and those on waiting lists.

use fairleader_lead::id::RepId;

use super::{LeadPage, Leads, lines};
use crate::StoreError;

/// Prefix of the shards of waiting lists among the keys of [`OpenLeads`].
const LINE: &str = "line#";

/// Index keys of open leads: reps in the index `assignee`, and all shards of the index `line`.
#[derive(Clone, Debug)]
pub struct OpenLeads {
    /// The keys, in order.
    assignees: Vec<String>,
}

impl OpenLeads {
    /// Selects the leads of these reps and all waiting leads.
    pub fn new(reps: impl IntoIterator<Item = RepId>) -> Self {
        let lines = lines::shards().map(|shard| format!("{LINE}{shard}"));
        let mut assignees: Vec<String> = reps.into_iter().map(|rep| format!("rep#{rep}")).chain(lines).collect();
        assignees.sort();
        assignees.dedup();
        Self { assignees }
    }

    /// Returns the first key from `assignee` on. A rep in a cursor may have been deleted.
    fn from(&self, assignee: &str) -> Option<&String> {
        let at = self.assignees.partition_point(|known| known.as_str() < assignee);
        self.assignees.get(at)
    }

    /// Returns the first key after `assignee`.
    fn after(&self, assignee: &str) -> Option<&String> {
        let at = self.assignees.partition_point(|known| known.as_str() <= assignee);
        self.assignees.get(at)
    }
}

impl Leads {
    /// Reads a page of at most `limit` open leads; any page can be empty. A lead that moves while pages are read can be
    /// on two pages or on none.
    pub async fn open(&self, open: &OpenLeads, limit: i32, from: Option<&str>) -> Result<LeadPage, StoreError> {
        let begun = from.map(|from| split(from).ok_or_else(|| StoreError::Cursor(from.to_owned()))).transpose()?;
        let (begun_at, inner) = begun.unwrap_or_default();
        let Some(assignee) = open.from(begun_at) else { return Ok(LeadPage::default()) };
        // The position inside a deleted rep's leads is of no use.
        let inner = Some(inner).filter(|inner| !inner.is_empty() && assignee == begun_at);
        let LeadPage { leads, next } = match assignee.strip_prefix(LINE) {
            Some(shard) => self.shard(shard, limit, inner).await?,
            None => self.page(assignee, limit, inner).await?,
        };
        let next = match next {
            Some(inner) => Some(cursor(assignee, &inner)),
            None => open.after(assignee).map(|next| cursor(next, "")),
        };
        Ok(LeadPage { leads, next })
    }
}

/// Builds a cursor: the length of the assignee, the assignee, and the position in its leads.
fn cursor(assignee: &str, inner: &str) -> String {
    format!("{}.{assignee}{inner}", assignee.len())
}

fn split(cursor: &str) -> Option<(&str, &str)> {
    let (length, rest) = cursor.split_once('.')?;
    rest.split_at_checked(length.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_deletion_of_a_rep() {
        let names = |names: &[&str]| names.iter().map(|name| RepId::from(*name)).collect::<Vec<_>>();
        let open = OpenLeads::new(names(&["zoe", "anna"]));
        assert_eq!(open.assignees.len(), 18);
        assert_eq!(open.from("").unwrap(), "line#beyond#0");
        assert_eq!(open.after("line#pool#7").unwrap(), "rep#anna");
        assert_eq!(open.from("rep#ben").unwrap(), "rep#zoe");
        assert_eq!(open.after("rep#anna").unwrap(), "rep#zoe");
        assert_eq!(open.after("rep#zoe"), None);
        assert_eq!(split(&cursor("rep#a.b", "l-1.7")), Some(("rep#a.b", "l-1.7")));
        assert_eq!(split(&cursor("rep#anna", "")), Some(("rep#anna", "")));
        for wrong in ["", "x.rep#anna", "99.rep#anna", "rep#anna"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }
}
