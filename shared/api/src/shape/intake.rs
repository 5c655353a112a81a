//! What sources send, and what they are told.

use fairleader_lead::id::{ActivityId, LeadId};

replies! {
    /// A lead that was taken in; it is stored and decided on in a moment.
    pub struct AcceptedLead {
        /// The lead: the same for the same submission.
        pub lead_id: LeadId,
        /// Where to look what comes of it.
        pub status_url: String,
    }

    /// An activity that was taken in.
    pub struct AcceptedActivity {
        /// The activity: the same for the same report.
        pub activity_id: ActivityId,
        /// Where to look, if the sender named the lead.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub status_url: Option<String>,
    }
}
