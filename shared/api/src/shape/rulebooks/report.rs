//! Schemas of the reports of a replay and a preview. Replies contain the domain types as they are, because callers add
//! the counts of several calls up. A test compares replies with these schemas.

use std::collections::BTreeMap;

use fairleader_lead::id::{LeadId, PoolId, RepId};

replies! {
    /// Count with the active rulebook and with the draft.
    pub struct BeforeAfter {
        /// With the active rulebook.
        pub before: u64,
        /// With the draft.
        pub after: u64,
    }

    /// Numbers of leads that are decided differently.
    pub struct ChangedLeads {
        /// Leads with any of the differences below.
        pub leads: u64,
        /// Leads for which another rule wins.
        pub rule: u64,
        /// Leads that go to another destination.
        pub destination: u64,
        /// Leads that become MQLs.
        pub became_mql: u64,
        /// Leads that are no longer MQLs.
        pub no_longer_mql: u64,
        /// Leads with another grade.
        pub grade: u64,
    }

    /// Leads received in a week.
    pub struct Week {
        /// Number of leads.
        pub leads: u64,
        /// MQLs among them.
        pub mqls: BeforeAfter,
        /// Number of MQLs if the threshold of the score were 0, 5, … 100.
        pub at_threshold: Vec<u64>,
    }

    /// Lead that would be decided differently.
    pub struct ReplayExample {
        /// Kind of change, largest first: 0 another destination, 1 MQL or not, 2 another rule, 3 another grade.
        pub rank: u8,
        /// The lead.
        pub lead_id: LeadId,
        /// The decision of the active rulebook.
        pub before: String,
        /// The decision of the draft.
        pub after: String,
    }

    /// Result of a replay.
    pub struct ReplayReport {
        /// Leads that were replayed.
        pub leads: u64,
        /// Leads that would be decided differently.
        pub changed: ChangedLeads,
        /// MQLs.
        pub mqls: BeforeAfter,
        /// Leads by winning rule.
        pub rules: BTreeMap<String, BeforeAfter>,
        /// Leads by pool.
        pub pools: BTreeMap<PoolId, BeforeAfter>,
        /// Leads by named owner.
        pub owners: BTreeMap<RepId, BeforeAfter>,
        /// Leads in nurture.
        pub nurture: BeforeAfter,
        /// Leads that are disqualified.
        pub disqualified: BeforeAfter,
        /// Leads on hold.
        pub held: BeforeAfter,
        /// Leads by pool that arrived when no rep who could take them was at work.
        pub waiting: BTreeMap<PoolId, BeforeAfter>,
        /// Leads by ISO week (`2026-W10`).
        pub weeks: BTreeMap<String, Week>,
        /// Leads for which the active rulebook now chooses another rule than when they were decided.
        pub unlike_then: u64,
        /// Examples of leads that would be decided differently, largest changes first.
        pub examples: Vec<ReplayExample>,
    }

    /// Leads that a pool or rep gains and loses.
    pub struct MovedLeads {
        /// Leads gained.
        pub comes: u64,
        /// Leads lost.
        pub leaves: u64,
    }

    /// Open lead that goes to another destination.
    pub struct RerouteExample {
        /// The lead.
        pub lead_id: LeadId,
        /// Its owner; missing if it is on a waiting list.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub owner: Option<RepId>,
        /// The pool that it was assigned from, or on whose waiting list it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolId>,
        /// Why it goes to another destination.
        pub why: String,
    }

    /// Result of a preview of a reroute.
    pub struct RerouteReport {
        /// Open leads that were checked.
        pub leads: u64,
        /// Leads that go to another destination.
        pub goes: u64,
        /// Leads among them that are on a waiting list.
        pub from_lines: u64,
        /// Leads that stay, by reason: `not_open`, `accepted`, `same_destination`, `same_owner`, `not_for_sales`.
        pub stays: BTreeMap<String, u64>,
        /// Leads gained and lost, by pool.
        pub pools: BTreeMap<PoolId, MovedLeads>,
        /// Leads gained and lost, by owner.
        pub owners: BTreeMap<RepId, MovedLeads>,
        /// Leads on waiting lists that no longer go to sales.
        pub elsewhere: u64,
        /// Examples of leads that go to another destination.
        pub examples: Vec<RerouteExample>,
    }
}
