//! Who is calling, and what they may do.

use fairleader_lead::id::PersonId;
use fairleader_lead::people::PersonRole;
use serde::{Deserialize, Serialize};

use crate::Request;

/// What a person or program may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends leads.
    Source,
    /// Works on their own leads.
    Rep,
    /// Looks, changes nothing.
    Viewer,
    /// Looks after rules, lists and nurture.
    Marketing,
    /// Looks after reps, pools and leads.
    Sales,
    /// May do everything.
    Admin,
}

impl Role {
    /// Roles of people who may see every lead.
    pub const OVERSEERS: &[Self] = &[Self::Viewer, Self::Marketing, Self::Sales];

    /// The role as it is written in keys and replies.
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

/// A caller as the authorizer identified them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What they may do.
    pub role: Role,
    /// Who they are: a source, a rep, a person, or a name.
    pub subject: String,
    /// The person, if it is one and not a program.
    pub person: Option<PersonId>,
}

impl Caller {
    /// Reads the authorizer's context.
    pub fn of(request: &Request) -> Option<Self> {
        let fields = &request.request_context.authorizer.as_ref()?.fields;
        Some(Self {
            role: serde_json::from_value(fields.get("role")?.clone()).ok()?,
            subject: fields.get("subject")?.as_str()?.to_owned(),
            person: fields.get("person").and_then(serde_json::Value::as_str).map(PersonId::from),
        })
    }

    /// Whether the caller has one of `roles`; `admin` always may.
    pub fn may(&self, roles: &[Role]) -> bool {
        self.role == Role::Admin || roles.contains(&self.role)
    }
}
