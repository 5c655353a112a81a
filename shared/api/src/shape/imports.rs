//! Lists.

use fairleader_lead::id::{LeadId, SourceId};
use fairleader_lead::problem::FieldProblem;
use jiff::Timestamp;

requests! {
    /// A list to be brought in.
    pub struct NewImport {
        /// What people call it.
        pub name: String,
        /// Where its leads come from.
        #[serde(default = "import_source")]
        pub source: SourceId,
        /// Whether rows are only checked.
        #[serde(default)]
        pub dry_run: bool,
    }
}

replies! {
    /// A list that is being brought in.
    pub struct Import {
        /// Its identifier.
        pub import_id: String,
        /// What people call it.
        pub name: String,
        /// Where its leads come from.
        pub source: SourceId,
        /// Whether rows are only checked.
        pub dry_run: bool,
        /// When it began.
        pub created_at: Timestamp,
    }

    /// The result of a part.
    pub struct PartResult {
        /// Its number, from 1.
        pub part: u32,
        /// SHA-256 of its bytes, in hex.
        pub sha256: String,
        /// Rows in it.
        pub rows: u32,
        /// Rows that became leads (or would, in a dry run).
        pub accepted: u32,
        /// Rows that were refused.
        pub rejected: u32,
    }

    /// A list and a page of its parts. The counts are those of the parts on the page; the pages' counts add up.
    pub struct ImportResult {
        /// The list.
        pub import: Import,
        /// The parts on this page, in order of number.
        pub parts: Vec<PartResult>,
        /// Rows in them.
        pub rows: u64,
        /// Rows that became leads.
        pub accepted: u64,
        /// Rows that were refused.
        pub rejected: u64,
        /// Where the next page begins; `null` on the last one.
        pub next: Option<String>,
    }

    /// The result of a row.
    pub struct RowResult {
        /// The part it is in.
        pub part: u32,
        /// Its number in the part, from 1, not counting the header.
        pub row: u32,
        /// The line of the part where it begins.
        pub line: u64,
        /// The lead it became; missing if it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub lead_id: Option<LeadId>,
        /// Why it was refused, by column.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<FieldProblem>,
    }

    /// The results of a list's rows, about a thousand.
    pub struct Rows {
        /// The list.
        pub import_id: String,
        /// The rows.
        pub rows: Vec<RowResult>,
        /// Where the next page begins; `null` on the last one.
        pub next: Option<String>,
    }

    /// The result of a part that was just brought in.
    pub struct PartReply {
        /// Its number.
        pub part: u32,
        /// Rows in it.
        pub rows: u32,
        /// Rows that became leads (or would, in a dry run).
        pub accepted: u32,
        /// Rows that were refused.
        pub rejected: u32,
        /// Whether rows were only checked.
        pub dry_run: bool,
        /// What is worth knowing about its columns.
        pub note: Option<String>,
        /// The first rows that were refused; `rows_url` has all of them.
        pub rejections: Vec<RowResult>,
        /// Where the results of all rows are.
        pub rows_url: String,
    }
}

fn import_source() -> SourceId {
    SourceId::from("import")
}
