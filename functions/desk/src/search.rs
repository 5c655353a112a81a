//! Leads by what is known of their person.

use fairleader_api::shape::lead::{FoundLeads, Lead};
use fairleader_api::{Call, Code, Problem, reply};
use fairleader_lead::id::LeadId;
use fairleader_lead::normalise::{email, phone};
use fairleader_lead::profile::{EmailKind, PhoneKind};
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::Loaded;

use crate::Desk;
use crate::lead::visible;

/// Most leads that are followed from one that was merged to the one that carries on; two merged leads of one person
/// never point to each other.
const MAX_MERGES: usize = 16;

impl Desk {
    /// `GET /v1/leads?email=…` or `?phone=…`: the lead of this person, if the caller may see it. One that was merged
    /// leads to the one that carries on.
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
            // What its readers did without a name is in a lead of its own. Their submissions are told apart by the name.
            Some(refused) if leads.is_empty() => Err(refused.into()),
            _ => Ok(reply::json(200, &FoundLeads { leads })),
        }
    }

    /// The lead itself, or the one that it was merged into.
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

/// What is looked for.
struct Sought {
    /// In the form in which leads have it.
    identity: String,
    /// Why nothing may be found although there are leads: it is a mailbox that several people read.
    shared: Option<Problem>,
}

/// What is looked for.
fn sought(call: &Call<'_>) -> Result<Sought, Problem> {
    let refused = |title: String, detail: &str| Problem::new(Code::InvalidSearch, title).detail(detail);
    match (call.query("email"), call.query("phone")) {
        (Some(text), None) => match email::parse(text) {
            Some(email) => {
                let shared = (email.kind == EmailKind::Role).then(|| {
                    refused(
                        format!("`{text}` is a shared mailbox"),
                        "several people read it, so only its family names tell them apart; search for a mobile number",
                    )
                });
                Ok(Sought { identity: format!("email:{}", email.identity), shared })
            }
            None => Err(refused(
                format!("`{text}` is not an e-mail address"),
                "write it like name@company.example, percent-encoded",
            )),
        },
        (None, Some(text)) => {
            // A plus sign that is not percent-encoded comes as a blank.
            let text = text.strip_prefix(' ').map_or_else(|| text.to_owned(), |rest| format!("+{rest}"));
            let phone = phone::read(&text, None).phone;
            match (phone.kind, phone.e164) {
                (PhoneKind::Mobile, Some(number)) => Ok(Sought { identity: format!("phone:{number}"), shared: None }),
                (PhoneKind::Invalid, _) | (_, None) => Err(refused(
                    format!("`{text}` is not a telephone number"),
                    "write it with its country code, like +491701234567, the plus sign as %2B",
                )),
                _ => Err(refused(
                    format!("`{text}` is not a mobile number"),
                    "colleagues share other numbers, so only mobile numbers tell people apart",
                )),
            }
        }
        (Some(_), Some(_)) => {
            Err(refused("two people cannot be looked for at once".to_owned(), "send one of `email` and `phone`"))
        }
        (None, None) => Err(refused("whose lead?".to_owned(), "add ?email= or ?phone=")),
    }
}
