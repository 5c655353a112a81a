//! Reps, pools, accounts, and the audit of changes.

use fairleader_lead::account::{self, AccountStatus};
use fairleader_lead::hours::WeeklyHours;
use fairleader_lead::id::{AccountId, PoolId, RepId};
use fairleader_lead::{pool, rep};
use jiff::Timestamp;

requests! {
    /// Settings of a rep.
    pub struct Rep {
        /// Their identifier. Optional in a request, because it is in the path.
        pub rep_id: RepId,
        /// Their name, as colleagues use it.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 200)))]
        pub name: String,
        /// Their e-mail address.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 254)))]
        pub email: String,
        /// The rep that they report to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub manager: Option<RepId>,
        /// IANA time zone of `hours` (`Europe/Berlin`).
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 64)))]
        pub zone: String,
        /// Working hours in their zone: `mon-fri 09:00-17:00, sat 10:00-14:00`, `always` or `never`.
        #[cfg_attr(feature = "openapi", schemars(with = "String", length(min = 1, max = 1_000)))]
        pub hours: WeeklyHours,
        /// Languages that they speak (ISO 639-1).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "openapi", schemars(length(max = 50), inner(length(min = 2, max = 2))))]
        pub languages: Vec<String>,
        /// Skills, in the company's own words.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "openapi", schemars(length(max = 100), inner(length(min = 1, max = 64))))]
        pub skills: Vec<String>,
        /// Limit on their open leads.
        #[cfg_attr(feature = "openapi", schemars(range(max = 10_000)))]
        pub capacity: u32,
    }

    /// Settings of a pool.
    pub struct Pool {
        /// Its identifier. Optional in a request, because it is in the path.
        pub pool_id: PoolId,
        /// Its name, as people use it.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 200)))]
        pub name: String,
        /// The reps in it, each with a weight.
        #[cfg_attr(feature = "openapi", schemars(length(max = 500)))]
        pub members: Vec<Member>,
        /// How long a lead can stay on the waiting list, in minutes, before it goes to the fallback; 240 by default.
        #[serde(default = "four_hours")]
        #[cfg_attr(feature = "openapi", schemars(range(min = 1, max = 43_200)))]
        pub longest_wait_minutes: u32,
        /// The pool for leads that waited too long. Without one, such a lead is put on hold until a person decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub fallback: Option<PoolId>,
    }

    /// Member of a pool.
    pub struct Member {
        /// The rep.
        pub rep: RepId,
        /// Share of the leads relative to the other members, 1 to 1,000; 1 by default.
        #[serde(default = "one")]
        #[cfg_attr(feature = "openapi", schemars(range(min = 1, max = 1_000)))]
        pub weight: u32,
    }

    /// Company that sales knows.
    pub struct Account {
        /// Its identifier. Optional in a request, because it is in the path.
        pub account_id: AccountId,
        /// Its name, as people write it.
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 200)))]
        pub name: String,
        /// Its domains (`acme.example`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "openapi", schemars(length(max = 40), inner(length(min = 1, max = 253))))]
        pub domains: Vec<String>,
        /// Its parent company.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub parent: Option<AccountId>,
        /// The rep who owns it. A subsidiary without an owner uses the owner of its nearest parent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub owner: Option<RepId>,
        /// Its status, such as `customer`.
        pub status: AccountStatus,
        /// The rep who works on the open deal, if the status is `open_deal`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deal_owner: Option<RepId>,
        /// Its tier, in the company's own words (`strategic`, `mid`, …).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = 64)))]
        pub tier: Option<String>,
        /// Account score, 0 to 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schemars(range(max = 100)))]
        pub score: Option<u8>,
    }
}

replies! {
    /// Rep with their current load and availability.
    pub struct RepNow {
        /// Their settings.
        pub rep: Rep,
        /// Number of open leads that they own.
        pub open: u32,
        /// Whether they take new leads now.
        pub on: bool,
    }

    /// The reps.
    pub struct Reps {
        /// Every rep, by id.
        pub reps: Vec<RepNow>,
    }

    /// The pools.
    pub struct Pools {
        /// Every pool.
        pub pools: Vec<Pool>,
    }
}

replies! {
    /// Change of a setting.
    pub struct AuditEntry {
        /// When it was made.
        pub at: Timestamp,
        /// Who made it: a person, or the program that holds the key.
        pub by: String,
        /// Kind of the changed item: `rep`, `pool`, `account`, `person`, `key` or `table`.
        pub kind: String,
        /// Its id.
        pub id: String,
        /// `created`, `changed` or `deleted`.
        pub action: String,
        /// Its revision after the change: the number in its `ETag`.
        pub revision: u64,
        /// The item before the change; missing if it was created.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub before: Option<serde_json::Value>,
    }

    /// Page of changes, newest first.
    pub struct Audit {
        /// The changes.
        pub entries: Vec<AuditEntry>,
        /// Cursor of the next page; `null` on the last page.
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
