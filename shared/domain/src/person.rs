//! One person or two: whether two leads are the same person, which of them carries on, and what it takes over.

use fairleader_lead::activity;
use fairleader_lead::normalise::fold::fold;
use fairleader_lead::profile::{Consent, EmailKind, Interest, Origin, PhoneKind, Profile};
use fairleader_lead::state::{Stage, State};

/// Longest family name in the key of an identity, in characters; keys of the table end at 2,048 bytes.
const LONGEST_FAMILY: usize = 100;

/// What an identity says of two leads that both have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// They write from the same address of their own.
    Address,
    /// They have the same mobile number.
    Mobile,
    /// They write from the same shared mailbox (`info@…`) and have the same family name.
    Mailbox,
    /// They have the same shared number and the same family name.
    Line,
}

/// Something that a person may be known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its key.
    pub key: String,
    /// The key to use in its place if somebody else has the first.
    pub second: Option<String>,
    /// What it says of two leads.
    pub kind: Shared,
}

/// The identities of a person, the surest first.
///
/// | they give | known by |
/// |---|---|
/// | an address of their own | `email:ada@acme.example` |
/// | a shared mailbox and a family name | `email:info@acme.example#lovelace` |
/// | a mobile number | `phone:+491713920012`; if somebody with another name has it, `phone:+491713920012#lovelace` |
/// | another number and a family name | `phone:+4930901820#lovelace` |
///
/// Without a family name a shared mailbox or number says which company writes and not who, so it is no identity: such a
/// submission is a lead of its own unless something else proves who it is.
pub fn identities(profile: &Profile) -> Vec<Identity> {
    let family = profile.contact.last_name.as_deref().map(fold).filter(|name| !name.is_empty());
    let family = family.map(|name| name.chars().take(LONGEST_FAMILY).collect::<String>());
    let with_family = |key: &str| family.as_ref().map(|family| format!("{key}#{family}"));
    let email = profile.contact.email.as_ref().and_then(|email| {
        let key = format!("email:{}", email.identity);
        match email.kind {
            EmailKind::Role => Some(Identity { key: with_family(&key)?, second: None, kind: Shared::Mailbox }),
            _ => Some(Identity { key, second: None, kind: Shared::Address }),
        }
    });
    let phone = profile.contact.phone.as_ref().and_then(|phone| {
        let key = format!("phone:{}", phone.e164.as_ref()?);
        match phone.kind {
            PhoneKind::Mobile => Some(Identity { second: with_family(&key), key, kind: Shared::Mobile }),
            _ => Some(Identity { key: with_family(&key)?, second: None, kind: Shared::Line }),
        }
    });
    email.into_iter().chain(phone).collect()
}

/// The identity of the one who did something, of whom only an address is known. All that is done by a shared mailbox is
/// done by its readers, whoever they are: it has a lead of its own, apart from those of people with a name.
pub fn doer(profile: &Profile) -> Option<Identity> {
    let email = profile.contact.email.as_ref()?;
    let kind = if email.kind == EmailKind::Role { Shared::Mailbox } else { Shared::Address };
    Some(Identity { key: format!("email:{}", email.identity), second: None, kind })
}

/// Whether two leads that have an identity in common are the same person.
///
/// An address of one's own is one person's, whatever they call themselves. Mailboxes and numbers may be several
/// people's: there names must not contradict each other, and a number says nothing of two people who write from
/// different addresses of their companies.
pub fn same(shared: Shared, a: &Profile, b: &Profile) -> bool {
    match shared {
        Shared::Address => true,
        Shared::Mailbox => names_agree(a, b),
        Shared::Mobile | Shared::Line => names_agree(a, b) && companies_agree(a, b),
    }
}

fn names_agree(a: &Profile, b: &Profile) -> bool {
    let both = |one: &Option<String>, other: &Option<String>| Some((fold(one.as_deref()?), fold(other.as_deref()?)));
    let family = both(&a.contact.last_name, &b.contact.last_name);
    let first = both(&a.contact.first_name, &b.contact.first_name);
    family.is_none_or(|(one, other)| one == other) && first.is_none_or(|(one, other)| may_be_one(&one, &other))
}

/// Whether two folded first names may be one person's: `a.` and `ada`, `andres` and `andres felipe`.
fn may_be_one(one: &str, other: &str) -> bool {
    let words = |name: &str| {
        name.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    words(one).iter().zip(&words(other)).all(|(one, other)| {
        let initial = one.chars().count() == 1 || other.chars().count() == 1;
        if initial { one.chars().next() == other.chars().next() } else { one == other }
    })
}

fn companies_agree(a: &Profile, b: &Profile) -> bool {
    let business = |profile: &Profile| {
        profile
            .contact
            .email
            .as_ref()
            .filter(|email| email.kind == EmailKind::Business)
            .map(|email| email.identity.clone())
    };
    business(a).zip(business(b)).is_none_or(|(one, other)| one == other)
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

    fn keys(json: &str) -> Vec<String> {
        let with = |identity: Identity| std::iter::once(identity.key).chain(identity.second);
        identities(&profile(json)).into_iter().flat_map(with).collect()
    }

    #[test]
    fn a_shared_mailbox_or_number_identifies_only_with_the_family_name() {
        let none = Vec::<String>::new();
        assert_eq!(keys(r#"{"email": "Ada+fair@acme.example", "last_name": "King"}"#), ["email:ada@acme.example"]);
        assert_eq!(
            keys(r#"{"email": "info@acme.example", "last_name": "Müller"}"#),
            ["email:info@acme.example#muller"]
        );
        assert_eq!(keys(r#"{"email": "info@acme.example"}"#), none);
        assert_eq!(
            keys(r#"{"phone": "+49 171 3920012", "last_name": "King"}"#),
            ["phone:+491713920012", "phone:+491713920012#king"]
        );
        assert_eq!(keys(r#"{"phone": "+49 30 901820", "last_name": "King"}"#), ["phone:+4930901820#king"]);
        assert_eq!(keys(r#"{"phone": "+49 30 901820"}"#), none);
        let long = format!(r#"{{"email": "info@acme.example", "last_name": "{}"}}"#, "x".repeat(200));
        assert!(keys(&long)[0].len() < 150);
    }

    #[test]
    fn an_own_address_is_one_person_whatever_the_name() {
        let ada = profile(r#"{"email": "ada@acme.example", "last_name": "Lovelace"}"#);
        let married = profile(r#"{"email": "ada@acme.example", "last_name": "King"}"#);
        assert!(same(Shared::Address, &ada, &married));
    }

    #[test]
    fn first_names_that_differ_are_two_people() {
        let of = |name: &str| {
            profile(&format!(r#"{{"email": "info@acme.example", "first_name": "{name}", "last_name": "Lovelace"}}"#))
        };
        assert!(!same(Shared::Mailbox, &of("Ada"), &of("Byron")));
        for (one, other) in [("Ada", "A."), ("ADA", "ada"), ("Ada", "Ada Augusta"), ("A. A.", "Ada Augusta")] {
            assert!(same(Shared::Mailbox, &of(one), &of(other)), "{one}, {other}");
        }
        assert!(!same(Shared::Mailbox, &of("Ada Augusta"), &of("Ada Maria")));
        let unnamed = profile(r#"{"email": "info@acme.example", "last_name": "Lovelace"}"#);
        assert!(same(Shared::Mailbox, &of("Ada"), &unnamed));
    }

    #[test]
    fn a_number_is_one_person_unless_names_or_companies_contradict() {
        let phone_only = profile(r#"{"phone": "+49 171 3920012", "last_name": "Müller"}"#);
        let work = profile(r#"{"phone": "+49 171 3920012", "email": "m@acme.example", "last_name": "MUELLER"}"#);
        let plain = profile(r#"{"phone": "+49 171 3920012", "email": "m@acme.example", "last_name": "muller"}"#);
        let elsewhere = profile(r#"{"phone": "+49 171 3920012", "email": "x@other.example", "last_name": "Müller"}"#);
        assert!(same(Shared::Mobile, &phone_only, &plain));
        assert!(!same(Shared::Mobile, &phone_only, &work), "written differently: better two leads than a wrong one");
        assert!(!same(Shared::Mobile, &plain, &elsewhere));
        let unnamed = profile(r#"{"phone": "+49 171 3920012"}"#);
        assert!(same(Shared::Mobile, &unnamed, &elsewhere));
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
