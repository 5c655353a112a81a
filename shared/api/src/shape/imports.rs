//! Imports of lists.

use fairleader_lead::id::{LeadId, SourceId};
use fairleader_lead::problem::FieldProblem;
use jiff::Timestamp;

requests! {
    /// Request to import a list.
    pub struct NewImport {
        /// Name of the list, for people.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 200)))]
        pub name: String,
        /// Source of its leads.
        #[serde(default = "import_source")]
        pub source: SourceId,
        /// Whether rows are only checked and not stored.
        #[serde(default)]
        pub dry_run: bool,
    }
}

replies! {
    /// Import of a list.
    pub struct Import {
        /// Its identifier.
        pub import_id: String,
        /// Name of the list, for people.
        pub name: String,
        /// Source of its leads.
        pub source: SourceId,
        /// Whether rows are only checked and not stored.
        pub dry_run: bool,
        /// When it was created.
        pub created_at: Timestamp,
    }

    /// Result of a part.
    pub struct PartResult {
        /// Number of the part, from 1.
        pub part: u32,
        /// SHA-256 of the part, in hex.
        pub sha256: String,
        /// Number of rows.
        pub rows: u32,
        /// Rows that were accepted as leads, or would be in a dry run.
        pub accepted: u32,
        /// Rows that were rejected.
        pub rejected: u32,
    }

    /// Import and a page of its parts. The counts cover the parts on this page; add the pages up for the whole list.
    pub struct ImportResult {
        /// The import.
        pub import: Import,
        /// The parts on this page, by number.
        pub parts: Vec<PartResult>,
        /// Rows in these parts.
        pub rows: u64,
        /// Rows that were accepted as leads, or would be in a dry run.
        pub accepted: u64,
        /// Rows that were rejected.
        pub rejected: u64,
        /// Cursor of the next page; `null` on the last page.
        pub next: Option<String>,
    }

    /// Result of a row.
    pub struct RowResult {
        /// Number of the part.
        pub part: u32,
        /// Number of the row in the part, from 1 without the header.
        pub row: u32,
        /// Line in the part where the row begins.
        pub line: u64,
        /// Id of its lead; missing if the row was rejected.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub lead_id: Option<LeadId>,
        /// Why it was rejected, by column.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub errors: Vec<FieldProblem>,
    }

    /// Page of row results, about a thousand.
    pub struct Rows {
        /// The import.
        pub import_id: String,
        /// The results on this page.
        pub rows: Vec<RowResult>,
        /// Cursor of the next page; `null` on the last page.
        pub next: Option<String>,
    }

    /// Result of a part that was just imported.
    pub struct PartReply {
        /// Number of the part.
        pub part: u32,
        /// Number of rows.
        pub rows: u32,
        /// Rows that were accepted as leads, or would be in a dry run.
        pub accepted: u32,
        /// Rows that were rejected.
        pub rejected: u32,
        /// Whether rows were only checked.
        pub dry_run: bool,
        /// Note about columns that need attention.
        pub note: Option<String>,
        /// The first rejected rows; `rows_url` has all of them.
        pub rejections: Vec<RowResult>,
        /// Path of the results of all rows.
        pub rows_url: String,
    }
}

fn import_source() -> SourceId {
    SourceId::from("import")
}
