//! Access keys: one for each function, and one for the operator.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::stack::{Function, Statement};

/// Access key id of the operator, who may do everything.
pub const OPERATOR_KEY_ID: &str = "fairleader";

/// The caller of a service.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A function, with the permissions of its policies.
    Function(Arc<FunctionIdentity>),
    /// The operator of the machine, with all permissions.
    Operator,
}

/// Identity and permissions of a function.
#[derive(Clone, Debug)]
pub struct FunctionIdentity {
    /// Logical id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Permissions.
    pub policy: Vec<Statement>,
}

/// A key that a client signs with.
#[derive(Clone)]
pub struct AccessKey {
    /// `AWS_ACCESS_KEY_ID`.
    pub id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").finish_non_exhaustive()
    }
}

/// A key's secret and its holder.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) key: AccessKey,
    pub(super) principal: Principal,
}

/// All keys. Those of the functions are created at every start and never stored.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    holders: BTreeMap<String, Holder>,
    by_function: BTreeMap<String, AccessKey>,
}

impl Keys {
    /// Creates a key for each function, and the operator's key with this secret.
    pub fn new(functions: &[Function], operator_secret: &str) -> Result<Self, getrandom::Error> {
        let mut keys = Self::default();
        let operator = AccessKey { id: OPERATOR_KEY_ID.to_owned(), secret: operator_secret.to_owned() };
        keys.hold(operator, Principal::Operator);
        for function in functions {
            let key = AccessKey { id: format!("FL{}", new_secret()?), secret: new_secret()? };
            let identity = FunctionIdentity {
                id: function.id.clone(),
                name: function.name.clone(),
                policy: function.policy.clone(),
            };
            keys.hold(key.clone(), Principal::Function(Arc::new(identity)));
            keys.by_function.insert(function.id.clone(), key);
        }
        Ok(keys)
    }

    /// Returns the key of the function with this logical id.
    pub fn of(&self, function: &str) -> Option<&AccessKey> {
        self.by_function.get(function)
    }

    fn hold(&mut self, key: AccessKey, principal: Principal) {
        self.holders.insert(key.id.clone(), Holder { key, principal });
    }

    /// Returns the holder of a key.
    pub(super) fn holder(&self, key_id: &str) -> Option<&Holder> {
        self.holders.get(key_id)
    }
}

/// Returns a new secret: 32 random hexadecimal digits.
pub fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032X}", u128::from_be_bytes(bytes)))
}
