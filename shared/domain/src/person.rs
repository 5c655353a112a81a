//! One person or two: whether two leads are the same person, which of them carries on, and what it takes over.

use fairleader_lead::activity;
use fairleader_lead::normalise::fold::fold;
use fairleader_lead::profile::{Consent, EmailKind, Interest, Origin, Profile};
use fairleader_lead::state::{Stage, State};

/// What two leads have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// The identity of their e-mail address.
    Email,
    /// A mobile number.
    Phone,
}

/// Whether two leads that share an identity are the same person.
///
/// A personal address is one person's. A shared mailbox (`info@…`) and a number may be several people's, so there the
/// family names must not contradict each other; and a shared number says nothing of two people who write from
/// different addresses of their companies.
pub fn same(shared: Shared, a: &Profile, b: &Profile) -> bool {
    let family = |profile: &Profile| profile.contact.last_name.as_deref().map(fold);
    let names_agree = match (family(a), family(b)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let mailbox = |profile: &Profile| profile.contact.email.as_ref().map(|email| (email.kind, email.identity.clone()));
    match (shared, mailbox(a), mailbox(b)) {
        (Shared::Email, Some((EmailKind::Role, _)), _) => names_agree,
        (Shared::Email, ..) => true,
        (Shared::Phone, Some((EmailKind::Business, one)), Some((EmailKind::Business, other))) if one != other => false,
        (Shared::Phone, ..) => names_agree,
    }
}

/// Of two stored leads of one person, the one that carries on comes first: the one sales is working on, else the one
/// that was received earlier, else the lesser id.
pub fn carries_on<'a>(a: &'a State, b: &'a State) -> (&'a State, &'a State) {
    let rank = |state: &'a State| (!state.stage().is_owned(), state.milestones.received, &state.lead_id);
    if rank(a) <= rank(b) { (a, b) } else { (b, a) }
}

/// Whose word counts for who the person is: names, job title and company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// What is known stays: sales works with it.
    Known,
    /// The latest word, where it says something: nobody has looked at the person yet, and a trial as `test` is no name.
    Latest,
}

impl Who {
    /// What goes for a lead at `stage`.
    pub const fn at(stage: Stage) -> Self {
        if stage.is_undecided() { Self::Latest } else { Self::Known }
    }
}

/// Takes over what `later` says and `kept` does not know; of who the person is, what `who` says. What the person did
/// and wants, and what they allow, is always the latest word: that of the submission received last, in whatever order
/// the two were processed.
pub fn absorb(kept: &mut Profile, later: &Profile, who: Who) {
    let says_it_last = later.said_at >= kept.said_at;
    macro_rules! renew {
        ($($field:ident . $value:ident as $name:literal),* $(,)?) => {$(
            if later.$field.$value.is_some() && later.$field.$value != kept.$field.$value {
                kept.$field.$value.clone_from(&later.$field.$value);
                kept.origins.insert($name.to_owned(), Origin::Merge);
            }
        )*};
    }
    if who == Who::Latest && says_it_last {
        // A name goes as a whole: half of another one beside what is known would be nobody's.
        let (known, said) = (&kept.contact, &later.contact);
        let whole = (said.first_name.is_some() || known.first_name.is_none())
            && (said.last_name.is_some() || known.last_name.is_none());
        if whole {
            renew!(contact.first_name as "name.first", contact.last_name as "name.last");
        }
        renew!(
            contact.job_title as "job.title",
            contact.job_level as "job.level",
            company.name as "company.name",
        );
    }
    macro_rules! fill {
        ($($field:ident . $value:ident as $name:literal),* $(,)?) => {$(
            if kept.$field.$value.is_none() && later.$field.$value.is_some() {
                kept.$field.$value.clone_from(&later.$field.$value);
                kept.origins.insert($name.to_owned(), Origin::Merge);
            }
        )*};
    }
    fill!(
        contact.first_name as "name.first",
        contact.last_name as "name.last",
        contact.email as "email",
        contact.phone as "phone",
        contact.job_title as "job.title",
        contact.job_level as "job.level",
        contact.language as "language",
        company.name as "company.name",
        company.domain as "company.domain",
        company.employees as "company.employees",
        company.industry as "industry",
        place.country as "country",
        place.state as "state",
        place.city as "city",
        place.postal_code as "postal_code",
        campaign.name as "campaign.name",
        campaign.source as "campaign.source",
        campaign.medium as "campaign.medium",
    );
    for activity in &later.activities {
        activity::remember(&mut kept.activities, activity.clone());
    }
    let (last, first) = if says_it_last { (later, &*kept) } else { (&*kept, later) };
    let interest = Interest {
        did: last.interest.did.clone().or_else(|| first.interest.did.clone()),
        product: last.interest.product.clone().or_else(|| first.interest.product.clone()),
        message: last.interest.message.clone().or_else(|| first.interest.message.clone()),
    };
    let consent = Consent {
        email: last.consent.email.or(first.consent.email),
        phone: last.consent.phone.or(first.consent.phone),
    };
    let preferred_channel = last.preferred_channel.or(first.preferred_channel);
    kept.said_at = last.said_at;
    kept.interest = interest;
    kept.consent = consent;
    kept.preferred_channel = preferred_channel;
    kept.renew_interest();
    if kept.account_id.is_none() {
        kept.account_id.clone_from(&later.account_id);
    }
    for (name, value) in &later.custom {
        kept.custom.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairleader_lead::normalise;
    use fairleader_lead::submission::Submission;

    fn profile(json: &str) -> Profile {
        normalise::profile(&Submission::from_json(json.as_bytes()).unwrap())
    }

    #[test]
    fn an_address_is_one_person_and_a_shared_mailbox_is_not() {
        let ada = profile(r#"{"email": "ada@acme.example", "last_name": "Lovelace"}"#);
        let married = profile(r#"{"email": "ada@acme.example", "last_name": "King"}"#);
        assert!(same(Shared::Email, &ada, &married));
        let info = profile(r#"{"email": "info@acme.example", "last_name": "Lovelace"}"#);
        let other = profile(r#"{"email": "info@acme.example", "last_name": "Babbage"}"#);
        let unnamed = profile(r#"{"email": "info@acme.example"}"#);
        assert!(!same(Shared::Email, &info, &other));
        assert!(same(Shared::Email, &info, &unnamed));
    }

    #[test]
    fn a_number_is_one_person_unless_names_or_companies_say_otherwise() {
        let phone_only = profile(r#"{"phone": "+49 171 3920012", "last_name": "Müller"}"#);
        let work = profile(r#"{"phone": "+49 171 3920012", "email": "m@acme.example", "last_name": "MUELLER"}"#);
        let plain = profile(r#"{"phone": "+49 171 3920012", "email": "m@acme.example", "last_name": "muller"}"#);
        let elsewhere = profile(r#"{"phone": "+49 171 3920012", "email": "x@other.example", "last_name": "Müller"}"#);
        assert!(same(Shared::Phone, &phone_only, &plain));
        assert!(!same(Shared::Phone, &phone_only, &work), "written differently: better two leads than a wrong one");
        assert!(!same(Shared::Phone, &plain, &elsewhere));
    }

    #[test]
    fn the_latest_word_is_the_one_received_last_not_the_one_processed_last() {
        let said = |json: &str, at: &str| Profile { said_at: Some(at.parse().unwrap()), ..profile(json) };
        let mut kept = said(r#"{"email": "ada@acme.example", "did": "demo"}"#, "2026-03-03T10:00:01Z");
        let earlier =
            said(r#"{"email": "ada@acme.example", "did": "newsletter", "product": "keel"}"#, "2026-03-03T10:00:00Z");
        absorb(&mut kept, &earlier, Who::Latest);
        assert_eq!(kept.interest.did.as_deref(), Some("demo"));
        assert_eq!(kept.interest.product.as_deref(), Some("keel"), "what the latest word leaves open stays");
        assert_eq!(kept.said_at, Some("2026-03-03T10:00:01Z".parse().unwrap()));
    }

    #[test]
    fn what_they_want_is_the_latest_word_and_the_rest_is_filled_in() {
        let mut kept = profile(r#"{"email": "ada@acme.example", "did": "newsletter", "country": "DE"}"#);
        let later = profile(r#"{"email": "ada@acme.example", "did": "demo", "country": "AT", "job_title": "CTO"}"#);
        absorb(&mut kept, &later, Who::Known);
        assert_eq!(kept.interest.did.as_deref(), Some("demo"));
        assert_eq!(kept.place.country.as_deref(), Some("DE"));
        assert_eq!(kept.contact.job_title.as_deref(), Some("CTO"));
        assert_eq!(kept.origins.get("job.title"), Some(&Origin::Merge));
    }

    #[test]
    fn until_sales_works_on_them_people_are_who_they_last_said_they_are() {
        let said = |json: &str, at: &str| Profile { said_at: Some(at.parse().unwrap()), ..profile(json) };
        let test = said(
            r#"{"email": "ana@firm.example", "first_name": "test", "last_name": "test", "job_title": "Tester"}"#,
            "2026-03-03T10:00:00Z",
        );
        let real = said(
            r#"{"email": "ana@firm.example", "first_name": "Ana", "last_name": "Ruiz", "company": "Firm"}"#,
            "2026-03-04T10:00:00Z",
        );
        let who = |kept: &Profile, later: &Profile, stage| {
            let mut kept = kept.clone();
            absorb(&mut kept, later, Who::at(stage));
            (kept.contact.last_name, kept.contact.job_title, kept.company.name)
        };
        let name = |words: [&str; 3]| words.map(|word| Some(word.to_owned())).into();
        assert_eq!(who(&test, &real, Stage::Stored), name(["Ruiz", "Tester", "Firm"]));
        assert_eq!(who(&test, &real, Stage::Assigned), name(["Test", "Tester", "Firm"]));
        assert_eq!(who(&real, &test, Stage::Stored), name(["Ruiz", "Tester", "Firm"]), "processed in another order");
    }
}
