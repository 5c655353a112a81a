//! Ids of a sheet, and circles among them.

use std::collections::BTreeMap;

use super::sheet::{Sheet, nearest};

/// Ids of a sheet, each with its first line.
///
/// An id is known even if its line has other problems, and a sheet with unreadable rows knows every id. So one mistake
/// is reported once, not again at every reference.
pub(super) struct Known {
    lines: BTreeMap<String, u64>,
    /// Whether the list is complete.
    all: bool,
}

impl Known {
    pub(super) fn of(sheet: &Sheet, column: &str) -> Self {
        let mut lines = BTreeMap::new();
        for row in sheet.rows() {
            if let Some(id) = row.cell(column) {
                lines.entry(id.to_owned()).or_insert_with(|| row.line());
            }
        }
        Self { lines, all: sheet.is_whole() }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        !self.all || self.lines.contains_key(id)
    }

    /// Returns the first line of `id` if `line` is a later one.
    pub(super) fn before(&self, id: &str, line: u64) -> Option<u64> {
        self.lines.get(id).copied().filter(|first| *first < line)
    }

    /// Returns `did you mean …?` for an unknown id, or `instead`.
    pub(super) fn hint(&self, id: &str, instead: &str) -> String {
        match nearest(id, self.lines.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => instead.to_owned(),
        }
    }
}

/// Finds cycles in links from each id to the one above it. Each cycle is found once, starting at its first link in
/// `links`.
pub(super) fn circles(links: &[(String, String)]) -> Vec<Vec<&str>> {
    let above: BTreeMap<&str, &str> = links.iter().map(|(below, above)| (below.as_str(), above.as_str())).collect();
    let mut found: Vec<Vec<&str>> = Vec::new();
    for (start, _) in links {
        if found.iter().flatten().any(|seen| seen == start) {
            continue;
        }
        let mut chain = vec![start.as_str()];
        while let Some(next) = chain.last().and_then(|last| above.get(last)) {
            if *next == start {
                found.push(chain);
                break;
            }
            if chain.contains(next) {
                break;
            }
            chain.push(next);
        }
    }
    found
}
