//! Search for leads by e-mail address or mobile number.

use fairleader_api::shape::lead::{FoundLeads, Lead};
use fairleader_api::{Call, Code, Problem, reply};
use fairleader_lead::id::LeadId;
use fairleader_lead::identity::IdentityKey;
use fairleader_lead::normalise::{email, phone};
use fairleader_lead::profile::{EmailKind, PhoneKind};
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::Loaded;

use crate::Desk;
use crate::lead::visible;

/// Limit on the merges that are followed from a lead. Merges have no cycles.
const MAX_MERGES: usize = 16;

impl Desk {
    /// `GET /v1/leads?email=…` or `?phone=…`: finds the lead of a person, if the caller can see it. For a merged lead
    /// it returns the one that it was merged into.
    pub(crate) async fn find(&self, call: &Call<'_>) -> Answer {
        let Sought { identity, shared } = sought(call)?;
        let mut leads = Vec::new();
        if let Some(lead) = self.identities.lead(&identity).await?
            && let Some(Loaded { state, profile }) = self.carries_on(lead).await?
            && visible(&state, call.caller()?).is_ok()
        {
            leads.push(Lead::new(state, Some(profile)));
        }
        match shared {
            // Activities of a shared mailbox without a name belong to one lead; submissions are told apart by family
            // name.
            Some(refused) if leads.is_empty() => Err(refused.into()),
            _ => Ok(reply::json(200, &FoundLeads { leads })),
        }
    }

    /// Loads a lead, or the lead that it was merged into.
    async fn carries_on(&self, mut lead: LeadId) -> Result<Option<Loaded>, Failure> {
        for _ in 0..MAX_MERGES {
            let Some(loaded) = self.leads.load(&lead).await? else { return Ok(None) };
            match loaded.state.merged_into() {
                Some(into) => lead = into.clone(),
                None => return Ok(Some(loaded)),
            }
        }
        Ok(None)
    }
}

/// Identity to search for.
struct Sought {
    /// The key in the identities table.
    identity: IdentityKey,
    /// The problem to reply with if nothing is found, because several people share this mailbox.
    shared: Option<Problem>,
}

/// Reads `email` or `phone` from the query.
fn sought(call: &Call<'_>) -> Result<Sought, Problem> {
    let refused = |title: String, detail: &str| Problem::new(Code::InvalidSearch, title).detail(detail);
    match (call.query("email"), call.query("phone")) {
        (Some(text), None) => match email::parse(text).map(|email| (IdentityKey::email(&email.identity), email)) {
            Some((Some(identity), email)) => {
                let shared = (email.kind == EmailKind::Role).then(|| {
                    refused(
                        format!("`{text}` is a shared mailbox"),
                        "several people use it, so it does not identify one person; search by mobile number",
                    )
                });
                Ok(Sought { identity, shared })
            }
            _ => Err(refused(
                format!("`{text}` is not an e-mail address"),
                "write it like name@company.example, percent-encoded",
            )),
        },
        (None, Some(text)) => {
            // A plus sign that is not percent-encoded arrives as a space.
            let text = text.strip_prefix(' ').map_or_else(|| text.to_owned(), |rest| format!("+{rest}"));
            let phone = phone::read(&text, None).phone;
            match (phone.kind, phone.e164.as_deref().and_then(IdentityKey::phone)) {
                (PhoneKind::Mobile, Some(identity)) => Ok(Sought { identity, shared: None }),
                (PhoneKind::Invalid, _) | (_, None) => Err(refused(
                    format!("`{text}` is not a telephone number"),
                    "include the country code, like +491701234567, and write the plus sign as %2B",
                )),
                _ => Err(refused(
                    format!("`{text}` is not a mobile number"),
                    "other numbers can be shared, so they do not identify one person",
                )),
            }
        }
        (Some(_), Some(_)) => Err(refused("`email` cannot be combined with `phone`".to_owned(), "send one of the two")),
        (None, None) => Err(refused("`email` or `phone` is missing".to_owned(), "add ?email= or ?phone=")),
    }
}
