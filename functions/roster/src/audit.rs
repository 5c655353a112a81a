//! The audit of changes: what was changed, by whom, and what it was before.

use fairleader_api::shape::roster::{Audit, AuditEntry};
use fairleader_api::{Call, Code, Problem, reply};
use fairleader_runtime::http::Answer;
use fairleader_store::Kind;

use crate::Roster;

/// Entries on a page.
const PAGE: i32 = 100;

impl Roster {
    /// `GET /v1/audit`: lists changes, newest first. Filters: `?kind=rep`, or `?kind=rep&id=anna`.
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
        if let (None, Some(id)) = (kind, id) {
            let title = format!("`id={id}` needs a kind");
            return Err(refuse(title, format!("add one, such as kind=rep&id={id}")).into());
        }
        let page = self.audit.page(kind, id, PAGE, call.query("from")).await?;
        let entries = page.entries.into_iter().map(|entry| AuditEntry {
            at: entry.at,
            by: entry.by,
            kind: entry.kind,
            id: entry.id,
            action: entry.action,
            revision: entry.revision,
            before: entry.before,
        });
        Ok(reply::json(200, &Audit { entries: entries.collect(), next: page.next }))
    }
}
