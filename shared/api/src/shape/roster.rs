//! Reps, pools, accounts, and the audit of every change.

use fairleader_lead::account::{self, AccountStatus};
use fairleader_lead::hours::WeeklyHours;
use fairleader_lead::id::{AccountId, PoolId, RepId};
use fairleader_lead::{pool, rep};
use jiff::Timestamp;

requests! {
    /// What is set about a rep.
    pub struct Rep {
        /// Their identifier; in a request it may be left out, because the path has it.
        pub rep_id: RepId,
        /// Their name, as colleagues say it.
        pub name: String,
        /// Their e-mail address.
        pub email: String,
        /// Whom they report to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub manager: Option<RepId>,
        /// IANA time zone (`Europe/Berlin`) in which `hours` are meant.
        pub zone: String,
        /// When they work, in their zone: `mon-fri 09:00-17:00, sat 10:00-14:00`, `always` or `never`.
        #[cfg_attr(feature = "openapi", schemars(with = "String"))]
        pub hours: WeeklyHours,
        /// Languages they speak, ISO 639-1.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub languages: Vec<String>,
        /// What they know, words of the company's own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub skills: Vec<String>,
        /// Most open leads at a time.
        pub capacity: u32,
    }

    /// What is set about a pool.
    pub struct Pool {
        /// Its identifier; in a request it may be left out, because the path has it.
        pub pool_id: PoolId,
        /// Its name, as people say it.
        pub name: String,
        /// Who is in it, and how much each takes.
        pub members: Vec<Member>,
        /// Longest time a lead may wait in this pool's line, in minutes, before the fallback takes it.
        #[serde(default = "four_hours")]
        pub longest_wait_minutes: u32,
        /// The pool that takes a lead which waited too long; without one it is held for a person to decide.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub fallback: Option<PoolId>,
    }

    /// A rep's place in a pool.
    pub struct Member {
        /// The rep.
        pub rep: RepId,
        /// Share of the leads relative to the other members', 1 to 1,000.
        #[serde(default = "one")]
        pub weight: u32,
    }

    /// A company that sales knows about.
    pub struct Account {
        /// Its identifier; in a request it may be left out, because the path has it.
        pub account_id: AccountId,
        /// Its name, as people write it.
        pub name: String,
        /// Its domains (`acme.example`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub domains: Vec<String>,
        /// The company it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub parent: Option<AccountId>,
        /// Who looks after it; a subsidiary without an owner takes the nearest parent's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub owner: Option<RepId>,
        /// What it is to us.
        pub status: AccountStatus,
        /// Who works on the open deal, at status `open_deal`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deal_owner: Option<RepId>,
        /// How much it matters, a word of the company's own (`strategic`, `mid`, …).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub tier: Option<String>,
        /// Account score, 0 to 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub score: Option<u8>,
    }
}

replies! {
    /// A rep with what changes from lead to lead.
    pub struct RepNow {
        /// What is set about them.
        pub rep: Rep,
        /// Leads they own that are not finished.
        pub open: u32,
        /// Whether they take leads now.
        pub on: bool,
    }

    /// The reps.
    pub struct Reps {
        /// Every rep, in order of id.
        pub reps: Vec<RepNow>,
    }

    /// The pools.
    pub struct Pools {
        /// Every pool.
        pub pools: Vec<Pool>,
    }
}

replies! {
    /// A change of what is set up.
    pub struct AuditEntry {
        /// When it was made.
        pub at: Timestamp,
        /// Who made it: a person, or the program whose key it was.
        pub by: String,
        /// What was changed: `rep`, `pool`, `account`, `person`, `key` or `table`.
        pub kind: String,
        /// Its id.
        pub id: String,
        /// `created`, `changed` or `deleted`.
        pub action: String,
        /// Its version from then on: the number in its `ETag`.
        pub revision: u64,
        /// What it was before; missing if it was created.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub before: Option<serde_json::Value>,
    }

    /// A page of changes, newest first.
    pub struct Audit {
        /// The changes.
        pub entries: Vec<AuditEntry>,
        /// Where the next page begins; `null` on the last one.
        pub next: Option<String>,
    }
}

fn four_hours() -> u32 {
    240
}

fn one() -> u32 {
    1
}

impl From<rep::Rep> for Rep {
    fn from(of: rep::Rep) -> Self {
        let rep::Rep { rep_id, name, email, manager, zone, hours, languages, skills, capacity } = of;
        Self { rep_id, name, email, manager, zone, hours, languages, skills, capacity }
    }
}

impl From<Rep> for rep::Rep {
    fn from(said: Rep) -> Self {
        let Rep { rep_id, name, email, manager, zone, hours, languages, skills, capacity } = said;
        Self { rep_id, name, email, manager, zone, hours, languages, skills, capacity }
    }
}

impl From<pool::Pool> for Pool {
    fn from(of: pool::Pool) -> Self {
        let pool::Pool { pool_id, name, members, longest_wait_minutes, fallback } = of;
        let members = members.into_iter().map(|pool::Member { rep, weight }| Member { rep, weight }).collect();
        Self { pool_id, name, members, longest_wait_minutes, fallback }
    }
}

impl From<Pool> for pool::Pool {
    fn from(said: Pool) -> Self {
        let Pool { pool_id, name, members, longest_wait_minutes, fallback } = said;
        let members = members.into_iter().map(|Member { rep, weight }| pool::Member { rep, weight }).collect();
        Self { pool_id, name, members, longest_wait_minutes, fallback }
    }
}

impl From<account::Account> for Account {
    fn from(of: account::Account) -> Self {
        let account::Account { account_id, name, domains, parent, owner, status, deal_owner, tier, score } = of;
        Self { account_id, name, domains, parent, owner, status, deal_owner, tier, score }
    }
}

impl From<Account> for account::Account {
    fn from(said: Account) -> Self {
        let Account { account_id, name, domains, parent, owner, status, deal_owner, tier, score } = said;
        Self { account_id, name, domains, parent, owner, status, deal_owner, tier, score }
    }
}
