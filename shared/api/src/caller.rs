//! The caller of a request, and their role.

use fairleader_lead::id::PersonId;
use fairleader_lead::people::PersonRole;
use serde::{Deserialize, Serialize};

use crate::Request;

/// Role of a person or program, which decides what they are allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends leads.
    Source,
    /// Works on their own leads only.
    Rep,
    /// May read everything and change nothing.
    Viewer,
    /// Manages rules, lists and nurture.
    Marketing,
    /// Manages reps, pools and leads.
    Sales,
    /// May do everything.
    Admin,
}

impl Role {
    /// Roles that see every lead.
    pub const OVERSEERS: &[Self] = &[Self::Viewer, Self::Marketing, Self::Sales];

    /// Returns the word for the role in keys and replies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Rep => "rep",
            Self::Viewer => "viewer",
            Self::Marketing => "marketing",
            Self::Sales => "sales",
            Self::Admin => "admin",
        }
    }
}

impl From<PersonRole> for Role {
    fn from(role: PersonRole) -> Self {
        match role {
            PersonRole::Marketing => Self::Marketing,
            PersonRole::Sales => Self::Sales,
            PersonRole::Admin => Self::Admin,
            PersonRole::Viewer => Self::Viewer,
        }
    }
}

/// Caller, as identified by the authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their role.
    pub role: Role,
    /// Their name: the id of a source, rep or person, or the name of a program.
    pub subject: String,
    /// The person. `None` for a program.
    pub person: Option<PersonId>,
}

impl Caller {
    /// Reads the caller from the authorizer's context. Returns `None` if the route needs no key.
    pub fn of(request: &Request) -> Option<Self> {
        let fields = &request.request_context.authorizer.as_ref()?.fields;
        Some(Self {
            role: serde_json::from_value(fields.get("role")?.clone()).ok()?,
            subject: fields.get("subject")?.as_str()?.to_owned(),
            person: fields.get("person").and_then(serde_json::Value::as_str).map(PersonId::from),
        })
    }

    /// Returns whether the caller has one of `roles` or is an admin.
    pub fn may(&self, roles: &[Role]) -> bool {
        self.role == Role::Admin || roles.contains(&self.role)
    }
}
