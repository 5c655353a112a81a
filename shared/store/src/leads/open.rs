//! All open leads: what every rep has, and what waits in the lines of all pools.

use fairleader_lead::id::RepId;

use super::{LeadPage, Leads, lines};
use crate::StoreError;

/// What a shard of the lines is called among the keys of [`OpenLeads`].
const LINE: &str = "line#";

/// Where open leads stand: reps in the index `assignee`, and all shards of the index `line`.
#[derive(Clone, Debug)]
pub struct OpenLeads {
    /// In order.
    assignees: Vec<String>,
}

impl OpenLeads {
    /// Those of these reps, and all that wait.
    pub fn new(reps: impl IntoIterator<Item = RepId>) -> Self {
        let lines = lines::shards().map(|shard| format!("{LINE}{shard}"));
        let mut assignees: Vec<String> = reps.into_iter().map(|rep| format!("rep#{rep}")).chain(lines).collect();
        assignees.sort();
        assignees.dedup();
        Self { assignees }
    }

    /// The first that is not before `assignee`: who was there when a cursor was made may be gone.
    fn from(&self, assignee: &str) -> Option<&String> {
        let at = self.assignees.partition_point(|known| known.as_str() < assignee);
        self.assignees.get(at)
    }

    /// The first after `assignee`.
    fn after(&self, assignee: &str) -> Option<&String> {
        let at = self.assignees.partition_point(|known| known.as_str() <= assignee);
        self.assignees.get(at)
    }
}

impl Leads {
    /// A page of open leads, at most `limit`; perhaps none, on any page. A lead that moves while pages are read may be on
    /// two of them, and one that is given to somebody in that time on none.
    pub async fn open(&self, open: &OpenLeads, limit: i32, from: Option<&str>) -> Result<LeadPage, StoreError> {
        let begun = from.map(|from| split(from).ok_or_else(|| StoreError::Cursor(from.to_owned()))).transpose()?;
        let (begun_at, inner) = begun.unwrap_or_default();
        let Some(assignee) = open.from(begun_at) else { return Ok(LeadPage::default()) };
        // In the middle of one that is gone there is nowhere to go on.
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

/// The length of the assignee, the assignee, and where in its leads the page begins.
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
    fn a_cursor_goes_on_where_it_was_even_if_somebody_left() {
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
