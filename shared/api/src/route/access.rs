//! Who is allowed to call a route.

use crate::Role;

/// Who is allowed to call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without a key.
    Anyone,
    /// One of these roles, or `admin`.
    Only(&'static [Role]),
    /// Reps, for themselves. An `admin` is not a rep.
    RepsOnly,
}

impl Access {
    /// Returns whether a caller with this role is allowed to call it.
    pub fn admits(self, role: Role) -> bool {
        match self {
            Self::Anyone => true,
            Self::Only(roles) => role == Role::Admin || roles.contains(&role),
            Self::RepsOnly => role == Role::Rep,
        }
    }

    /// Returns the roles that are allowed to call it. Empty if no key is needed.
    pub fn roles(self) -> Vec<Role> {
        match self {
            Self::Anyone => Vec::new(),
            Self::Only(roles) => roles.iter().copied().chain([Role::Admin]).collect(),
            Self::RepsOnly => vec![Role::Rep],
        }
    }
}

/// People. Reps see only their own leads and pools.
pub(super) const PEOPLE: Access = Access::Only(&[Role::Rep, Role::Viewer, Role::Marketing, Role::Sales]);
/// Every key. A source sees only the stage of its own leads.
pub(super) const KEYS: Access = Access::Only(&[Role::Source, Role::Rep, Role::Viewer, Role::Marketing, Role::Sales]);
/// Sources, which send leads.
pub(super) const SOURCES: Access = Access::Only(&[Role::Source]);
/// The role that manages the roster.
pub(super) const SALES: Access = Access::Only(&[Role::Sales]);
/// The roles that manage rules and lists.
pub(super) const RULES: Access = Access::Only(&[Role::Marketing, Role::Sales]);
/// Reps for their own leads, and sales for every rep.
pub(super) const DESKS: Access = Access::Only(&[Role::Rep, Role::Sales]);
/// Only `admin`.
pub(super) const ADMIN: Access = Access::Only(&[]);
