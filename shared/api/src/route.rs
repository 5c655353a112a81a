//! The table of routes: what there is to call, which function serves it, and who may.
//!
//! `infra/template.yaml` wires the same routes; a test holds one against the other. A function gets its own routes as an
//! enum, so a route without a handler does not compile.

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

/// An HTTP method in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes or does something.
    Post,
    /// Writes the whole of something.
    Put,
    /// Deletes or cancels something.
    Delete,
}

impl Method {
    /// The method as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Names the operation in the OpenAPI document.
    pub name: &'static str,
    /// The binary of the function that serves it.
    pub function: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path, as the template has it.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Query parameters, with their meaning; none is required.
    pub query: &'static [(&'static str, &'static str)],
    /// Request headers apart from the key, with their meaning; none is required.
    pub headers: &'static [(&'static str, &'static str)],
    /// What it takes as body.
    pub takes: Option<Takes>,
    /// Status of a reply when all went well.
    pub status: u16,
    /// Types of the body of such a reply; none for a reply without a body.
    pub gives: &'static [&'static str],
    /// Status and types of another reply when all went well.
    pub otherwise: &'static [(u16, &'static [&'static str])],
    /// Codes that it may fail with beside those of every route, see [`Operation::problems`].
    pub codes: &'static [Code],
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    /// Its type.
    pub kind: &'static str,
    /// Whether it has to be there.
    pub required: bool,
}

impl Operation {
    /// Method and path as the gateway names the route: `POST /v1/leads`.
    pub fn key(&self) -> String {
        self.to_string()
    }

    /// Every code that it may fail with, in order of status.
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

/// The media type of a body of this type.
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

/// The routes of one function.
pub trait Routes: Copy + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// Its row of the table.
    fn operation(self) -> &'static Operation;

    /// The route that the gateway calls `key` (`POST /v1/leads`).
    fn find(key: &str) -> Option<Self> {
        let (method, path) = key.split_once(' ')?;
        Self::ALL.iter().copied().find(|route| {
            let operation = route.operation();
            operation.method.as_str() == method && operation.path == path
        })
    }
}
