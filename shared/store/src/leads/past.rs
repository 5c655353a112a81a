//! Past leads, page by page, for replays.
//!
//! They need no order, so a page is one `Scan`. A scan costs 128 read request units a megabyte (eventually consistent),
//! whatever it contains. A lead with its history and explanations takes 5 to 10 KB, so 100,000 leads take 600 to 1,000
//! megabytes. A page is much shorter than the megabyte that DynamoDB allows, so that on one machine, where all tables
//! share one engine, other calls never wait long for it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fairleader_lead::id::LeadId;
use jiff::Timestamp;

use super::{LEAD, Leads, Loaded, MAX_ID, PROFILE, STATE, key, profile, state};
use crate::StoreError;
use crate::item::{Item, PART, get_text, text};

/// Items that are read for a page: some 20 leads with their history.
const PAGE: i32 = 250;

/// Length limit of a part in a cursor, in bytes. It is DynamoDB's limit for sort keys.
const MAX_PART: usize = 1_024;

/// Page of past leads, in no particular order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastPage {
    /// The leads. Any page can be empty.
    pub leads: Vec<Loaded>,
    /// Cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

impl Leads {
    /// Reads a page of the leads that were received at `since` or later.
    pub async fn past(&self, since: Timestamp, from: Option<&str>) -> Result<PastPage, StoreError> {
        let start =
            from.map(|cursor| start(cursor).ok_or_else(|| StoreError::Cursor(cursor.to_owned()))).transpose()?;
        let answer = self
            .0
            .client
            .scan()
            .table_name(self.table())
            .limit(PAGE)
            .filter_expression("#part IN (:profile, :state)")
            .expression_attribute_names("#part", PART)
            .expression_attribute_values(":profile", text(PROFILE))
            .expression_attribute_values(":state", text(STATE))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(StoreError::service(self.0.what("scanning")))?;
        let mut profiles = BTreeMap::new();
        let mut states = Vec::new();
        for item in answer.items() {
            if get_text(item, self.table(), PART)? == PROFILE {
                profiles.insert(LeadId::from(get_text(item, self.table(), LEAD)?), item);
            } else {
                states.push(state(item, self.table())?);
            }
        }
        states.retain(|state| state.milestones.received >= since && !state.is_unstored());
        // A page can end between the profile and the state of a lead. The lead belongs to the page with its state.
        let left: Vec<Item> = states
            .iter()
            .filter(|state| !profiles.contains_key(&state.lead_id))
            .map(|state| key(&state.lead_id, PROFILE))
            .collect();
        let left = if left.is_empty() { left } else { self.0.get_many(left).await? };
        for item in &left {
            profiles.insert(LeadId::from(get_text(item, self.table(), LEAD)?), item);
        }
        let mut leads = Vec::with_capacity(states.len());
        for state in states {
            if let Some(item) = profiles.get(&state.lead_id) {
                leads.push(Loaded { profile: profile(item, self.table())?, state });
            }
        }
        let next = match answer.last_evaluated_key() {
            Some(last) => Some(cursor(get_text(last, self.table(), LEAD)?, get_text(last, self.table(), PART)?)),
            None => None,
        };
        Ok(PastPage { leads, next })
    }
}

/// Builds a cursor: the length of the lead's id, the id, and the part. Both can contain any character, so no separator
/// would be safe.
fn cursor(lead: &str, part: &str) -> String {
    format!("{}.{lead}{part}", lead.len())
}

fn start(cursor: &str) -> Option<std::collections::HashMap<String, AttributeValue>> {
    let (length, rest) = cursor.split_once('.')?;
    let (lead, part) = rest.split_at_checked(length.parse().ok()?)?;
    let fits = (1..=MAX_ID).contains(&lead.len()) && (1..=MAX_PART).contains(&part.len());
    fits.then(|| key(&LeadId::from(lead), part))
}

#[cfg(test)]
mod tests {
    use super::{cursor, start};

    #[test]
    fn cursors_work_for_any_key() {
        for (lead, part) in [("0190", "state"), ("a.b#3", "event#000000000012"), ("é", "activity#1.2#x")] {
            let found = start(&cursor(lead, part)).unwrap();
            assert_eq!(found["lead_id"].as_s().unwrap(), lead);
            assert_eq!(found["part"].as_s().unwrap(), part);
        }
        for wrong in ["", "3.a", "x.abc", "0.state", "1.é", "4.abcd", "999999999999999999999.a"] {
            assert_eq!(start(wrong), None, "{wrong}");
        }
    }
}
