//! The forms of the reports that a replay and a preview give: sums that whoever asks page by page adds up again, so they
//! are sent as they were counted. A test holds replies against these forms.

use std::collections::BTreeMap;

use fairleader_lead::id::{LeadId, PoolId, RepId};

replies! {
    /// A count with the rulebook in force and with the draft.
    pub struct BeforeAfter {
        /// With the rulebook in force.
        pub before: u64,
        /// With the draft.
        pub after: u64,
    }

    /// How many leads are decided otherwise, and in what.
    pub struct ChangedLeads {
        /// In anything below.
        pub leads: u64,
        /// Another rule wins.
        pub rule: u64,
        /// They go elsewhere.
        pub destination: u64,
        /// They would be MQLs and are not.
        pub became_mql: u64,
        /// They are MQLs and would not be.
        pub no_longer_mql: u64,
        /// They have another grade.
        pub grade: u64,
    }

    /// The leads received in a week.
    pub struct Week {
        /// All of them.
        pub leads: u64,
        /// The MQLs among them.
        pub mqls: BeforeAfter,
        /// How many would be MQLs if the score had to be at least 0, 5, … 100.
        pub at_threshold: Vec<u64>,
    }

    /// A lead that would be decided otherwise.
    pub struct ReplayExample {
        /// How much of a change it is: 0 goes elsewhere, 1 MQL or not, 2 another rule, 3 another grade.
        pub rank: u8,
        /// The lead.
        pub lead_id: LeadId,
        /// What the rulebook in force says.
        pub before: String,
        /// What the draft says.
        pub after: String,
    }

    /// What a replay found.
    pub struct ReplayReport {
        /// Leads that were looked at.
        pub leads: u64,
        /// Those that would be decided otherwise.
        pub changed: ChangedLeads,
        /// The MQLs.
        pub mqls: BeforeAfter,
        /// Leads by the rule that wins.
        pub rules: BTreeMap<String, BeforeAfter>,
        /// Leads by pool.
        pub pools: BTreeMap<PoolId, BeforeAfter>,
        /// Leads by named owner.
        pub owners: BTreeMap<RepId, BeforeAfter>,
        /// Leads for nurture.
        pub nurture: BeforeAfter,
        /// Leads that are refused.
        pub disqualified: BeforeAfter,
        /// Leads that are held for a person to decide.
        pub held: BeforeAfter,
        /// Leads that came when nobody was at work who could have had them, by pool.
        pub waiting: BTreeMap<PoolId, BeforeAfter>,
        /// Leads by ISO week (`2026-W10`).
        pub weeks: BTreeMap<String, Week>,
        /// Leads that the rulebook in force decides by another rule than they were decided by then.
        pub unlike_then: u64,
        /// Some of the leads that would be decided otherwise, the greatest changes first.
        pub examples: Vec<ReplayExample>,
    }

    /// Leads that come to a pool or rep, and those that leave it.
    pub struct MovedLeads {
        /// Sent there.
        pub comes: u64,
        /// Taken from there.
        pub leaves: u64,
    }

    /// An open lead that goes elsewhere.
    pub struct RerouteExample {
        /// The lead.
        pub lead_id: LeadId,
        /// Who has it; missing if it waits in a line.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub owner: Option<RepId>,
        /// The pool they had it from, or in whose line it waits.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub pool: Option<PoolId>,
        /// Why it goes elsewhere.
        pub why: String,
    }

    /// What rerouting would do.
    pub struct RerouteReport {
        /// Open leads that were looked at.
        pub leads: u64,
        /// Those that go elsewhere.
        pub goes: u64,
        /// Those of them that wait in a line.
        pub from_lines: u64,
        /// Why the others stay: `not_open`, `accepted`, `same_destination`, `same_owner`, `not_for_sales`.
        pub stays: BTreeMap<String, u64>,
        /// By pool.
        pub pools: BTreeMap<PoolId, MovedLeads>,
        /// By owner.
        pub owners: BTreeMap<RepId, MovedLeads>,
        /// Leads in lines that are not sent to sales any more.
        pub elsewhere: u64,
        /// Some of those that go elsewhere.
        pub examples: Vec<RerouteExample>,
    }
}
