//! The table of routes: their paths, the functions that serve them, and the roles that are allowed to call them.
//!
//! `infra/template.yaml` wires the same routes; a test compares the two. Each function has its routes as an enum, so a
//! route without a handler does not compile.

mod access;
mod tables;

pub use self::access::Access;
#[cfg(feature = "openapi")]
pub use self::tables::operations_with_types;
pub use self::tables::{
    AccessRoute, DeskRoute, ImportsRoute, IntakeRoute, RecoveryRoute, RosterRoute, RulebooksRoute, operations,
};

use std::fmt;

use crate::Code;

/// HTTP method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads without changing anything.
    Get,
    /// Creates something or starts an action.
    Post,
    /// Creates or replaces something.
    Put,
    /// Deletes or cancels something.
    Delete,
}

impl Method {
    /// Returns the method as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// Row of the table: one route.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Name of the operation in the OpenAPI document.
    pub name: &'static str,
    /// Name of the function that serves it.
    pub function: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path, as in the template.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Query parameters with their meaning. All are optional.
    pub query: &'static [(&'static str, &'static str)],
    /// Request headers apart from the key, with their meaning. All are optional.
    pub headers: &'static [(&'static str, &'static str)],
    /// The request body.
    pub takes: Option<Takes>,
    /// Status of a successful reply.
    pub status: u16,
    /// Types of the body of a successful reply. Empty for a reply without a body.
    pub gives: &'static [&'static str],
    /// Status and types of other successful replies.
    pub otherwise: &'static [(u16, &'static [&'static str])],
    /// Codes that it can fail with, apart from those in [`Operation::problems`] that follow from the route.
    pub codes: &'static [Code],
}

/// Request body.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    /// Name of its type.
    pub kind: &'static str,
    /// Whether it is required.
    pub required: bool,
}

impl Operation {
    /// Returns the gateway's name of the route: method and path, such as `POST /v1/leads`.
    pub fn key(&self) -> String {
        self.to_string()
    }

    /// Returns every code that it can fail with, in order of status.
    pub fn problems(&self) -> Vec<Code> {
        let mut codes = vec![Code::Internal];
        if self.access != Access::Anyone {
            codes.push(Code::Forbidden);
        }
        if self.path.contains('{') {
            codes.push(Code::NotFound);
        }
        if self.takes.is_some_and(|takes| is_json(takes.kind)) {
            codes.push(Code::InvalidBody);
        }
        codes.extend(self.codes);
        codes.sort();
        codes.dedup();
        codes
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.path)
    }
}

/// Returns the media type of a body of this type.
pub fn media_type(kind: &str) -> &'static str {
    match kind {
        "Csv" => "text/csv",
        "Yaml" => "application/yaml",
        _ => "application/json",
    }
}

fn is_json(kind: &str) -> bool {
    media_type(kind) == "application/json"
}

/// Routes of one function.
pub trait Routes: Copy + 'static {
    /// Every route, in the order of the table.
    const ALL: &'static [Self];

    /// Returns its row of the table.
    fn operation(self) -> &'static Operation;

    /// Finds the route by the gateway's name for it (`POST /v1/leads`).
    fn find(key: &str) -> Option<Self> {
        let (method, path) = key.split_once(' ')?;
        Self::ALL.iter().copied().find(|route| {
            let operation = route.operation();
            operation.method.as_str() == method && operation.path == path
        })
    }
}
