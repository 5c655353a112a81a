//! The audit of changes: what was changed, by whom, and what it was before.

use fairleader_api::shape::roster::{Audit, AuditEntry};
use fairleader_api::{Call, Code, Problem, Role, reply};
use fairleader_runtime::http::Answer;
use fairleader_store::Kind;
use serde_json::Value;

use crate::Roster;

/// Entries on a page.
const PAGE: i32 = 100;
/// Length limit of an id: that of a key, its SHA-256, is the longest. In bytes.
const LONGEST_ID: usize = 64;

impl Roster {
    /// `GET /v1/audit`: lists changes, newest first. Filters: `?kind=rep`, or `?kind=rep&id=anna`. Changes of people and
    /// keys are only shown to admins, who alone may read these; pages for others may have fewer entries.
    pub(crate) async fn audit(&self, call: &Call<'_>) -> Answer {
        let refuse = |title: String, detail: String| Problem::new(Code::InvalidFilter, title).detail(detail);
        let kind = match call.query("kind") {
            Some(word) => Some(Kind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
                let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
                refuse(format!("`{word}` is not a kind"), format!("use one of {}", words.join(", ")))
            })?),
            None => None,
        };
        let id = call.query("id");
        if id.is_some_and(|id| !(1..=LONGEST_ID).contains(&id.len())) {
            return Err(refuse("`id` is empty or too long".to_owned(), format!("use 1 to {LONGEST_ID} bytes")).into());
        }
        if let (None, Some(id)) = (kind, id) {
            let title = format!("`id={id}` needs a kind");
            return Err(refuse(title, format!("add one, such as kind=rep&id={id}")).into());
        }
        let caller = call.caller()?;
        let secret = |kind: &str| [Kind::Person, Kind::Key].iter().any(|of| of.as_str() == kind);
        let hidden = |kind: &str| secret(kind) && !caller.may(&[Role::Admin]);
        if let Some(kind) = kind.filter(|kind| hidden(kind.as_str())) {
            return Err(refuse(
                format!("changes of kind `{}` are only shown to admins", kind.as_str()),
                "use the key of an admin".to_owned(),
            )
            .into());
        }
        let page = self.audit.page(kind, id, PAGE, call.query("from")).await?;
        let entries = page.entries.into_iter().filter(|entry| !hidden(&entry.kind)).map(|entry| AuditEntry {
            at: entry.at,
            by: entry.by,
            kind: entry.kind,
            id: entry.id,
            action: entry.action,
            revision: entry.revision,
            before: entry.before.map(shown),
        });
        Ok(reply::json(200, &Audit { entries: entries.collect(), next: page.next }))
    }
}

/// Shows what a thing was, without what only the program needs: by which enrolment a key belongs to its person.
fn shown(mut before: Value) -> Value {
    if let Some(person) = before.get_mut("person") {
        let id = person.get_mut("person_id").map(Value::take);
        *person = id.unwrap_or(Value::Null);
    }
    before
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_whose_a_key_was_without_the_enrolment() {
        let key = json!({"role": "sales", "person": {"person_id": "otto", "enrolled": "0198"}});
        assert_eq!(shown(key), json!({"role": "sales", "person": "otto"}));
        assert_eq!(shown(json!({"capacity": 3})), json!({"capacity": 3}));
    }
}
