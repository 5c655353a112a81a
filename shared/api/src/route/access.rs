//! Who may take a route.

use crate::Role;

/// Who may take a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without a key.
    Anyone,
    /// Holders of one of these roles, and `admin`.
    Only(&'static [Role]),
    /// Reps, about themselves. `admin` is no rep.
    RepsOnly,
}

impl Access {
    /// Whether a caller with this role is let in.
    pub fn admits(self, role: Role) -> bool {
        match self {
            Self::Anyone => true,
            Self::Only(roles) => role == Role::Admin || roles.contains(&role),
            Self::RepsOnly => role == Role::Rep,
        }
    }

    /// Every role that is let in; none where no key is needed.
    pub fn roles(self) -> Vec<Role> {
        match self {
            Self::Anyone => Vec::new(),
            Self::Only(roles) => roles.iter().copied().chain([Role::Admin]).collect(),
            Self::RepsOnly => vec![Role::Rep],
        }
    }
}

/// People: they may look at rules and roster, and reps at what is theirs.
pub(super) const PEOPLE: Access = Access::Only(&[Role::Rep, Role::Viewer, Role::Marketing, Role::Sales]);
/// Everybody with a key; a source sees the stage of its own leads.
pub(super) const KEYS: Access = Access::Only(&[Role::Source, Role::Rep, Role::Viewer, Role::Marketing, Role::Sales]);
/// Those who send leads.
pub(super) const SOURCES: Access = Access::Only(&[Role::Source]);
/// Those who look after the roster.
pub(super) const SALES: Access = Access::Only(&[Role::Sales]);
/// Those who look after rules and lists.
pub(super) const RULES: Access = Access::Only(&[Role::Marketing, Role::Sales]);
/// Reps about their own leads, and sales for them.
pub(super) const DESKS: Access = Access::Only(&[Role::Rep, Role::Sales]);
/// Only `admin`.
pub(super) const ADMIN: Access = Access::Only(&[]);
