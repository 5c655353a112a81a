//! All open leads: what every rep has, and what waits in every pool's line.

use fairleader_lead::id::{PoolId, RepId};

use super::{LINE_SHARDS, LeadPage, Leads, line_shard};
use crate::StoreError;

/// Where open leads stand in the `assignee` index.
#[derive(Clone, Debug)]
pub struct OpenLeads {
    /// In order.
    assignees: Vec<String>,
}

impl OpenLeads {
    /// Those of these reps and pools.
    pub fn new(reps: impl IntoIterator<Item = RepId>, pools: impl IntoIterator<Item = PoolId>) -> Self {
        let shards = |pool: PoolId| (0..u32::from(LINE_SHARDS)).map(move |shard| line_shard(&pool, shard));
        let reps = reps.into_iter().map(|rep| format!("rep#{rep}"));
        let mut assignees: Vec<String> = reps.chain(pools.into_iter().flat_map(shards)).collect();
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
        let LeadPage { leads, next } = self.page(assignee, limit, inner).await?;
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
        let open = OpenLeads::new(names(&["zoe", "anna"]), [PoolId::from("dach")]);
        assert_eq!(open.assignees, ["pool#dach#0", "pool#dach#1", "pool#dach#2", "pool#dach#3", "rep#anna", "rep#zoe"]);
        assert_eq!(open.from("").unwrap(), "pool#dach#0");
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
