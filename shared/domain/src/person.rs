//! Identity of people: whether two leads are the same person, which one survives a merge, and what it takes over.

use fairleader_lead::activity;
use fairleader_lead::identity::IdentityKey;
use fairleader_lead::normalise::fold::fold;
use fairleader_lead::profile::{Consent, EmailKind, Interest, Origin, PhoneKind, Profile};
use fairleader_lead::state::{Stage, State};

/// Length limit of a family name in the key of an identity, in characters.
const LONGEST_FAMILY: usize = 100;

/// Kind of an identity that two leads share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Personal e-mail address.
    Address,
    /// Mobile number.
    Mobile,
    /// Shared mailbox (`info@…`) and family name.
    Mailbox,
    /// Other phone number and family name.
    Line,
}

/// Identity of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its key.
    pub key: IdentityKey,
    /// The key to use if another person has the first one.
    pub second: Option<IdentityKey>,
    /// Its kind.
    pub kind: Shared,
}

/// Returns the identities of a person, the most certain first.
///
/// | they give | identity |
/// |---|---|
/// | a personal e-mail address | `email:ada@acme.example` |
/// | a shared mailbox and a family name | `email:info@acme.example#lovelace` |
/// | a mobile number | `phone:+491713920012`; if a person with another name has it, `phone:+491713920012#lovelace` |
/// | another number and a family name | `phone:+4930901820#lovelace` |
///
/// Without a family name, a shared mailbox or number identifies a company but not a person. Such a submission becomes a
/// separate lead, unless it has another identity.
pub fn identities(profile: &Profile) -> Vec<Identity> {
    let family = profile.contact.last_name.as_deref().map(fold).filter(|name| !name.is_empty());
    let family = family.map(|name| name.chars().take(LONGEST_FAMILY).collect::<String>());
    let email = profile.contact.email.as_ref().and_then(|email| match email.kind {
        EmailKind::Role => {
            let key = IdentityKey::email_with_family(&email.identity, family.as_deref()?)?;
            Some(Identity { key, second: None, kind: Shared::Mailbox })
        }
        _ => Some(Identity { key: IdentityKey::email(&email.identity)?, second: None, kind: Shared::Address }),
    });
    let phone = profile.contact.phone.as_ref().and_then(|phone| {
        let number = phone.e164.as_deref()?;
        let with_family = family.as_deref().and_then(|family| IdentityKey::phone_with_family(number, family));
        match phone.kind {
            PhoneKind::Mobile => {
                Some(Identity { key: IdentityKey::phone(number)?, second: with_family, kind: Shared::Mobile })
            }
            _ => Some(Identity { key: with_family?, second: None, kind: Shared::Line }),
        }
    });
    email.into_iter().chain(phone).collect()
}

/// Returns the identity for an activity with only an e-mail address. Activities of a shared mailbox all belong to one
/// lead, separate from those of people with names.
pub fn doer(profile: &Profile) -> Option<Identity> {
    let email = profile.contact.email.as_ref()?;
    let kind = if email.kind == EmailKind::Role { Shared::Mailbox } else { Shared::Address };
    Some(Identity { key: IdentityKey::email(&email.identity)?, second: None, kind })
}

/// Returns whether two leads that share an identity are the same person.
///
/// A personal address belongs to one person, whatever the names. Several people can share a mailbox or number: then the
/// names must not contradict each other, and for a number, the two must not have different business addresses.
pub fn same(shared: Shared, a: &Profile, b: &Profile) -> bool {
    match shared {
        Shared::Address => true,
        Shared::Mailbox => names_agree(a, b),
        Shared::Mobile | Shared::Line => names_agree(a, b) && companies_agree(a, b),
    }
}

/// Returns whether a submission with the idempotency key of a lead identifies another person than the lead's.
///
/// It does if they share nothing that proves one person (see [`same`]) and contradict each other: in personal addresses,
/// in mobile numbers, or in the names at a mailbox or number that both use. A submission that only says more, or less, is
/// the same person: it has their key.
pub fn is_another(known: &Profile, said: &Profile) -> bool {
    let shared = [Shared::Address, Shared::Mobile, Shared::Mailbox, Shared::Line].map(|kind| {
        let equal = value(kind, known).zip(value(kind, said)).map(|(one, other)| one == other);
        (kind, equal)
    });
    let proven = |(kind, equal): &(Shared, Option<bool>)| *equal == Some(true) && same(*kind, known, said);
    let contradicts = |(kind, equal): &(Shared, Option<bool>)| match (kind, equal) {
        (Shared::Address | Shared::Mobile, Some(false)) => true,
        (_, Some(true)) => !same(*kind, known, said),
        _ => false,
    };
    !shared.iter().any(proven) && shared.iter().any(contradicts)
}

/// Returns the address or number of this kind.
fn value(kind: Shared, of: &Profile) -> Option<&str> {
    let email = |role: bool| {
        let email = of.contact.email.as_ref().filter(|email| (email.kind == EmailKind::Role) == role);
        email.map(|email| email.identity.as_str())
    };
    let phone = |mobile: bool| {
        let phone = of.contact.phone.as_ref().filter(|phone| (phone.kind == PhoneKind::Mobile) == mobile);
        phone.and_then(|phone| phone.e164.as_deref())
    };
    match kind {
        Shared::Address => email(false),
        Shared::Mailbox => email(true),
        Shared::Mobile => phone(true),
        Shared::Line => phone(false),
    }
}

fn names_agree(a: &Profile, b: &Profile) -> bool {
    let both = |one: &Option<String>, other: &Option<String>| Some((fold(one.as_deref()?), fold(other.as_deref()?)));
    let family = both(&a.contact.last_name, &b.contact.last_name);
    let first = both(&a.contact.first_name, &b.contact.first_name);
    family.is_none_or(|(one, other)| one == other) && first.is_none_or(|(one, other)| may_be_one(&one, &other))
}

/// Returns whether two folded first names can belong to one person: `a.` and `ada`, `andres` and `andres felipe`.
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

/// Orders two stored leads of one person, the survivor first: the one that sales works on, else the one received
/// earlier, else the one with the smaller id.
pub fn carries_on<'a>(a: &'a State, b: &'a State) -> (&'a State, &'a State) {
    let rank = |state: &'a State| (!state.stage().is_owned(), state.milestones.received, &state.lead_id);
    if rank(a) <= rank(b) { (a, b) } else { (b, a) }
}

/// Which values count for names, job title and company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Known values stay, because sales works with them.
    Known,
    /// The latest values replace them, because no rep has seen the lead yet. A test entry could have come first.
    Latest,
}

impl Who {
    /// Returns what applies to a lead at `stage`.
    pub const fn at(stage: Stage) -> Self {
        if stage.is_undecided() { Self::Latest } else { Self::Known }
    }
}

/// Adds values of `later` that are missing in `kept`. `who` decides about names, job title and company. Interest and
/// consent are always those of the submission received last, whatever the order of processing.
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
        // First and last name are replaced together, so that names of two people are never mixed.
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
    kept.take_custom(later);
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairleader_lead::id::LeadId;
    use fairleader_lead::normalise;
    use fairleader_lead::submission::Submission;
    use jiff::Timestamp;

    fn profile(json: &str) -> Profile {
        normalise::profile(&Submission::from_json(json.as_bytes()).unwrap())
    }

    fn keys(json: &str) -> Vec<String> {
        let with = |identity: Identity| std::iter::once(identity.key).chain(identity.second);
        identities(&profile(json)).into_iter().flat_map(with).map(|key| key.as_str().to_owned()).collect()
    }

    #[test]
    fn shared_mailboxes_and_numbers_need_a_family_name() {
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
    fn a_personal_address_is_one_person_whatever_the_name() {
        let ada = profile(r#"{"email": "ada@acme.example", "last_name": "Lovelace"}"#);
        let married = profile(r#"{"email": "ada@acme.example", "last_name": "King"}"#);
        assert!(same(Shared::Address, &ada, &married));
    }

    #[test]
    fn different_first_names_are_two_people() {
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
    fn a_number_is_one_person_unless_names_or_companies_differ() {
        let phone_only = profile(r#"{"phone": "+49 171 3920012", "last_name": "Müller"}"#);
        let work = profile(r#"{"phone": "+49 171 3920012", "email": "m@acme.example", "last_name": "MUELLER"}"#);
        let plain = profile(r#"{"phone": "+49 171 3920012", "email": "m@acme.example", "last_name": "muller"}"#);
        let elsewhere = profile(r#"{"phone": "+49 171 3920012", "email": "x@other.example", "last_name": "Müller"}"#);
        assert!(same(Shared::Mobile, &phone_only, &plain));
        assert!(
            !same(Shared::Mobile, &phone_only, &work),
            "written differently: two leads are better than a wrong merge"
        );
        assert!(!same(Shared::Mobile, &plain, &elsewhere));
        let unnamed = profile(r#"{"phone": "+49 171 3920012"}"#);
        assert!(same(Shared::Mobile, &unnamed, &elsewhere));
    }

    #[test]
    fn a_reused_key_is_another_person_only_by_contradiction() {
        let ada = r#""email": "ada@acme.example", "last_name": "Lovelace""#;
        let mobile = r#""phone": "+49 171 3920012", "last_name": "Lovelace""#;
        let info = r#""email": "info@acme.example", "last_name": "Lovelace""#;
        for (known, said, another) in [
            (ada, r#""email": "Ada+fair@acme.example", "last_name": "King""#, false),
            (ada, r#""email": "ben@books.example", "last_name": "Bell""#, true),
            (ada, r#""email": "ada@lovelace.example", "last_name": "Lovelace""#, true),
            // It says nothing that contradicts.
            (ada, r#""last_name": "Bell", "phone": "+49 171 3920012""#, false),
            (ada, r#""email": "info@acme.example""#, false),
            (mobile, r#""phone": "+49 171 3920012""#, false),
            (mobile, r#""phone": "+49 171 3920012", "last_name": "Bell""#, true),
            (mobile, r#""phone": "+49 171 3920013", "last_name": "Lovelace""#, true),
            (mobile, r#""phone": "+49 30 901820", "last_name": "Lovelace""#, false),
            (info, r#""email": "info@acme.example", "last_name": "Babbage""#, true),
            (info, r#""email": "info@acme.example", "phone": "+49 171 3920012""#, false),
        ] {
            let (one, other) = (profile(&format!("{{{known}}}")), profile(&format!("{{{said}}}")));
            assert_eq!(is_another(&one, &other), another, "{known} and {said}");
        }
        let both = profile(r#"{"email": "ada@acme.example", "phone": "+49 171 3920012"}"#);
        let moved = profile(r#"{"email": "ada@gmail.com", "phone": "+49 171 3920012"}"#);
        assert!(!is_another(&both, &moved), "the number proves it, and a private address contradicts no company");
    }

    #[test]
    fn the_submission_received_last_counts_in_any_order() {
        let said = |json: &str, at: &str| Profile { said_at: Some(at.parse().unwrap()), ..profile(json) };
        let mut kept = said(r#"{"email": "ada@acme.example", "did": "demo"}"#, "2026-03-03T10:00:01Z");
        let earlier =
            said(r#"{"email": "ada@acme.example", "did": "newsletter", "product": "keel"}"#, "2026-03-03T10:00:00Z");
        absorb(&mut kept, &earlier, Who::Latest);
        assert_eq!(kept.interest.did.as_deref(), Some("demo"));
        assert_eq!(kept.interest.product.as_deref(), Some("keel"), "values that the latest submission leaves out stay");
        assert_eq!(kept.said_at, Some("2026-03-03T10:00:01Z".parse().unwrap()));
    }

    #[test]
    fn replaces_interest_and_fills_in_the_rest() {
        let mut kept = profile(r#"{"email": "ada@acme.example", "did": "newsletter", "country": "DE"}"#);
        let later = profile(r#"{"email": "ada@acme.example", "did": "demo", "country": "AT", "job_title": "CTO"}"#);
        absorb(&mut kept, &later, Who::Known);
        assert_eq!(kept.interest.did.as_deref(), Some("demo"));
        assert_eq!(kept.place.country.as_deref(), Some("DE"));
        assert_eq!(kept.contact.job_title.as_deref(), Some("CTO"));
        assert_eq!(kept.origins.get("job.title"), Some(&Origin::Merge));
    }

    #[test]
    fn a_person_always_fits_into_an_item() {
        // U+FDFA folds into 18 characters, and U+1F600 takes four bytes.
        let (folds, wide) = ("\u{fdfa}".repeat(200), "\u{1f600}".repeat(200));
        let mut kept: Option<Profile> = None;
        for number in 0..60 {
            let custom: String = (0..50)
                .map(|field| format!(r#", "{}{number}-{field}": "{}""#, "\u{10400}".repeat(55), "v".repeat(1_000)))
                .collect::<Vec<_>>()
                .concat();
            let said = format!(
                r#"{{"email": "ada@acme.example", "did": "{number} {folds}", "product": "p{wide}", "company": "c{wide}",
                    "first_name": "a{wide}", "last_name": "b{wide}", "job_title": "j{wide}", "industry": "i{wide}",
                    "city": "o{wide}", "state": "s{wide}", "utm_campaign": "u{wide}", "utm_source": "u{wide}",
                    "utm_medium": "u{wide}", "message": "{message}"{custom}}}"#,
                folds = folds.chars().take(190).collect::<String>(),
                wide = wide.chars().take(199).collect::<String>(),
                message = wide.repeat(25),
            );
            let at = Timestamp::from_second(1_772_500_000 + number).unwrap();
            let mut later = profile(&said);
            later.said(&LeadId::from("24c875e2-d32c-565d-a365-9f2e35ff9e4f"), &format!("{number:064}"), at);
            match &mut kept {
                None => kept = Some(later),
                Some(kept) => absorb(kept, &later, Who::Latest),
            }
            let stored = serde_json::to_string(&kept).unwrap().len();
            assert!(stored < 380_000, "{stored} bytes after {} submissions", number + 1);
        }
        let kept = kept.unwrap();
        assert!(!kept.dropped.is_empty() && kept.custom.len() >= 50);
    }

    #[test]
    fn replaces_names_until_sales_works_on_the_lead() {
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
