//! Replies to sources.

use fairleader_lead::id::{ActivityId, LeadId};

replies! {
    /// Accepted lead. It is queued, and will be stored and routed within seconds.
    pub struct AcceptedLead {
        /// Id of the lead. A retry with the same `Idempotency-Key` gets the same id.
        pub lead_id: LeadId,
        /// Path to check its status.
        pub status_url: String,
    }

    /// Accepted activity. It is queued, and will be recorded within seconds.
    pub struct AcceptedActivity {
        /// Id of the activity. A retry with the same `Idempotency-Key` gets the same id.
        pub activity_id: ActivityId,
        /// Path of the lead's status; missing if the request had no `lead_id`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub status_url: Option<String>,
    }
}
