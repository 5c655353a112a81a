//! Access keys: one for each function, one for whoever runs the machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::stack::{Function, Statement};

/// Access key id of the operator, who may do everything.
pub const OPERATOR_KEY_ID: &str = "fairleader";
/// The operator's secret.
pub const OPERATOR_SECRET: &str = "fairleader";

/// Who makes a call.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A function, which may do what its policies say.
    Function(Arc<FunctionIdentity>),
    /// Whoever runs the machine.
    Operator,
}

/// A function as far as its rights go.
#[derive(Clone, Debug)]
pub struct FunctionIdentity {
    /// Logical id.
    pub id: String,
    /// Name.
    pub name: String,
    /// What it may do.
    pub policy: Vec<Statement>,
}

/// What a client signs with.
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

/// A key and who holds it.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) key: AccessKey,
    pub(super) principal: Principal,
}

/// All keys; made anew at every start and kept nowhere.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    holders: BTreeMap<String, Holder>,
    by_function: BTreeMap<String, AccessKey>,
}

impl Keys {
    /// A key for each function, and the operator's.
    pub fn new(functions: &[Function]) -> Result<Self, getrandom::Error> {
        let mut keys = Self::default();
        keys.hold(
            AccessKey { id: OPERATOR_KEY_ID.to_owned(), secret: OPERATOR_SECRET.to_owned() },
            Principal::Operator,
        );
        for function in functions {
            let key = AccessKey { id: format!("FL{}", random()?), secret: random()? };
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

    /// The key of the function with this logical id.
    pub fn of(&self, function: &str) -> Option<&AccessKey> {
        self.by_function.get(function)
    }

    fn hold(&mut self, key: AccessKey, principal: Principal) {
        self.holders.insert(key.id.clone(), Holder { key, principal });
    }

    /// Whose key it is.
    pub(super) fn holder(&self, key_id: &str) -> Option<&Holder> {
        self.holders.get(key_id)
    }
}

/// 32 letters and digits that cannot be guessed.
fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032X}", u128::from_be_bytes(bytes)))
}
