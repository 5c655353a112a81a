//! Turns a sender's own words into a [`Profile`]. The same submission always gives the same profile.
//!
//! There is one module per kind of value. Each reads what people write in forms and lists, in the languages that leads
//! come in, and returns `None` rather than guess. Nothing is rejected here: an unusable value is left out of the
//! profile (an e-mail address, a country) or kept as written and marked (a phone number). [`crate::submission`] does
//! the checking.

pub mod choice;
pub mod company;
pub mod country;
pub mod email;
pub mod employees;
pub mod fold;
mod lists;
pub mod name;
pub mod phone;
pub mod title;

use crate::profile::{Campaign, Company, Consent, Contact, Email, EmailKind, Interest, Origin, Place, Profile};
use crate::submission::Submission;

/// Placeholders that people enter in a required field, separated by `;`.
///
/// Short ones need their punctuation: `ND` is North Dakota.
const PLACEHOLDERS: &str = "n/a; n.a.; n.a; #n/a; n/d; n.d.; k.a.; k. a.; none; null; nil; unknown; undefined; not provided; \
    keine angabe; nicht angegeben; unbekannt; ninguno; ninguna; no aplica; non specifie; inconnu; sconosciuto";

/// Builds the profile of the person described by a submission.
///
/// Values from the sender take precedence. A missing value is derived from others, and [`Profile::origins`] records its
/// source under the names that rulebooks use:
///
/// | field | derived from |
/// |---|---|
/// | `job.level` | the job title |
/// | `company.domain` | the website, else a business e-mail address |
/// | `country` | a mobile or fixed phone number with a country code, else the top-level domain of a business e-mail address |
/// | `language` | the country, if it has one main language |
///
/// The account and merged values are not filled in here.
pub fn profile(submission: &Submission) -> Profile {
    let fields = Fields(submission);
    let mut profile = Profile {
        contact: Contact {
            email: fields.raw("email").and_then(email::parse),
            job_title: fields.text("job_title"),
            language: fields.raw("language").and_then(country::language).map(str::to_owned),
            ..Contact::default()
        },
        company: Company {
            name: fields.text("company").as_deref().and_then(company::tidy_name),
            employees: fields.raw("employees").and_then(employees::parse),
            industry: fields.lower("industry"),
            domain: None,
        },
        place: Place { country: None, state: fields.text("state"), city: fields.text("city"), postal_code: None },
        interest: Interest {
            did: fields.raw("did").and_then(choice::did),
            product: fields.lower("product"),
            message: fields.raw("message").map(str::to_owned),
        },
        campaign: Campaign {
            name: fields.text("utm_campaign"),
            source: fields.text("utm_source"),
            medium: fields.text("utm_medium"),
        },
        consent: Consent {
            email: fields.raw("consent_email").and_then(choice::flag),
            phone: fields.raw("consent_phone").and_then(choice::flag),
        },
        preferred_channel: fields.raw("preferred_channel").and_then(choice::channel),
        custom: fields.custom(),
        ..Profile::default()
    };
    fill_country_and_phone(&mut profile, fields);
    let known_country = profile.place.country.as_deref();
    profile.place.postal_code = fields.raw("postal_code").and_then(|code| postal_code(code, known_country));
    fill_name(&mut profile.contact, fields, known_country);
    derive_domain(&mut profile, fields);
    derive_level(&mut profile);
    derive_language(&mut profile);
    profile
}

/// Fills in the country and the phone number, each of which can help to read the other.
fn fill_country_and_phone(profile: &mut Profile, fields: Fields<'_>) {
    let given = fields.raw("country").and_then(country::code);
    let by_email = profile
        .contact
        .email
        .as_ref()
        .filter(|email| names_company(email))
        .and_then(|email| country::of_domain(&email.domain));
    let abroad = fields.raw("phone").map(|phone| phone::read(phone, None));
    let by_phone = abroad.as_ref().and_then(|reading| reading.country);

    profile.contact.phone = match abroad {
        Some(reading) if reading.phone.e164.is_some() => Some(reading.phone),
        Some(reading) => Some(phone::read(&reading.phone.raw, given.or(by_email)).phone),
        None => None,
    };
    let (code, origin) = match (given, by_phone, by_email) {
        (Some(code), ..) => (Some(code), None),
        (None, Some(code), _) => (Some(code), Some(Origin::Phone)),
        (None, None, Some(code)) => (Some(code), Some(Origin::Email)),
        (None, None, None) => (None, None),
    };
    profile.place.country = code.map(str::to_owned);
    note(profile, "country", origin);
}

/// Returns whether an address is at a company's own domain.
fn names_company(email: &Email) -> bool {
    matches!(email.kind, EmailKind::Business | EmailKind::Role)
}

/// Fills in first and last name: as given, else from the full name.
fn fill_name(contact: &mut Contact, fields: Fields<'_>, country: Option<&str>) {
    contact.first_name = fields.raw("first_name").and_then(name::given);
    contact.last_name = fields.raw("last_name").and_then(name::family);
    // Some people enter their e-mail address in the name field.
    let Some(full) = fields.raw("name").filter(|full| !full.contains('@') || full.contains('<')) else { return };
    match (&contact.first_name, &contact.last_name) {
        (Some(_), Some(_)) => {}
        // Next to a `Vorname` column, a `Name` column holds the family name.
        (Some(first), None) if !fold::words(first).iter().any(|word| fold::words(full).contains(word)) => {
            contact.last_name = name::family(full);
        }
        _ => {
            let (given, family) = name::split(full, country);
            contact.first_name = contact.first_name.take().or(given);
            contact.last_name = contact.last_name.take().or(family);
        }
    }
}

fn derive_domain(profile: &mut Profile, fields: Fields<'_>) {
    let own = |domain: &String| !company::is_shared_site(domain) && !lists::is_free(domain);
    let by_website = fields.raw("website").and_then(company::registrable_domain).filter(own);
    let by_email = || {
        profile
            .contact
            .email
            .as_ref()
            .filter(|email| names_company(email))
            .and_then(|email| company::registrable_domain(&email.domain))
    };
    let (domain, origin) = match by_website {
        Some(domain) => (Some(domain), Some(Origin::Website)),
        None => (by_email(), Some(Origin::Email)),
    };
    let origin = origin.filter(|_| domain.is_some());
    profile.company.domain = domain;
    note(profile, "company.domain", origin);
}

fn derive_level(profile: &mut Profile) {
    profile.contact.job_level = profile.contact.job_title.as_deref().and_then(title::level);
    let origin = profile.contact.job_level.map(|_| Origin::JobTitle);
    note(profile, "job.level", origin);
}

fn derive_language(profile: &mut Profile) {
    if profile.contact.language.is_none() {
        profile.contact.language = profile.place.country.as_deref().and_then(country::main_language).map(str::to_owned);
        let origin = profile.contact.language.as_ref().map(|_| Origin::Country);
        note(profile, "language", origin);
    }
}

fn note(profile: &mut Profile, field: &str, origin: Option<Origin>) {
    if let Some(origin) = origin {
        profile.origins.insert(field.to_owned(), origin);
    }
}

/// Normalises a postal code: upper case, without a country prefix (`D-10115`). Restores a leading zero dropped by a
/// spreadsheet, for countries with five-digit codes.
fn postal_code(text: &str, country: Option<&str>) -> Option<String> {
    let upper = fold::tidy(text).to_uppercase();
    let bare = match upper.split_once('-') {
        Some((letters, rest))
            if country.is_some() && ["D", "A", "F", "I", "E", "B", "L", "NL", "S", "DK", "FL"].contains(&letters) =>
        {
            rest.trim()
        }
        Some((letters, rest)) if country == Some(letters) => rest.trim(),
        _ => &upper,
    };
    let five_digits = ["DE", "EE", "ES", "FI", "FR", "HR", "IT", "LT", "MX", "MY", "PR", "TR", "US"];
    let digits = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit());
    if digits && bare.len() == 4 && country.is_some_and(|code| five_digits.contains(&code)) {
        return Some(format!("0{bare}"));
    }
    bare.chars().any(char::is_alphanumeric).then(|| bare.to_owned())
}

/// Fields of a submission. Blank values and placeholders count as missing.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a Submission);

impl<'a> Fields<'a> {
    fn raw(self, name: &str) -> Option<&'a str> {
        self.0.fields.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Returns a field as one line of text, unless it is blank or a placeholder.
    fn text(self, name: &str) -> Option<String> {
        let value = fold::tidy(self.raw(name)?);
        let folded = fold::fold(&value);
        let says_something =
            value.chars().any(char::is_alphanumeric) && !PLACEHOLDERS.split("; ").any(|word| word == folded);
        says_something.then_some(value)
    }

    fn lower(self, name: &str) -> Option<String> {
        self.text(name).map(|value| value.to_lowercase())
    }

    fn custom(self) -> std::collections::BTreeMap<String, String> {
        let custom = self.0.fields.iter().filter_map(|(name, value)| Some((name.strip_prefix("custom.")?, value)));
        custom.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::{Channel, JobLevel, PhoneKind};

    fn of(fields: &[(&str, &str)]) -> Profile {
        profile(&Submission {
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        })
    }

    #[test]
    fn turns_a_messy_form_into_a_profile() {
        let profile = of(&[
            ("email", "Maria.Garcia+Web@ACME-Robotica.example"),
            ("phone", "612 34 56 78"),
            ("name", "GARCÍA LÓPEZ, MARÍA DEL CARMEN"),
            ("job_title", "Directora  de Compras"),
            ("company", "Acme Robótica, S.L."),
            ("website", "https://www.acme-robotica.example/es"),
            ("country", "España"),
            ("postal_code", "8001"),
            ("employees", "1.000-5.000"),
            ("industry", "Automoción"),
            ("did", "Solicitar demo"),
            ("product", "Pallet Robot"),
            ("preferred_channel", "WhatsApp"),
            ("consent_email", "sí"),
            ("utm_campaign", "Otoño 2026"),
            ("custom.budget", "50k"),
            ("message", "Hola,\nllámame."),
        ]);
        insta::assert_json_snapshot!(profile, @r#"
        {
          "contact": {
            "first_name": "María del Carmen",
            "last_name": "García López",
            "email": {
              "address": "Maria.Garcia+Web@acme-robotica.example",
              "identity": "maria.garcia@acme-robotica.example",
              "domain": "acme-robotica.example",
              "kind": "business"
            },
            "phone": {
              "raw": "612 34 56 78",
              "e164": "+34612345678",
              "kind": "mobile"
            },
            "job_title": "Directora de Compras",
            "job_level": "director",
            "language": "es"
          },
          "company": {
            "name": "Acme Robótica, S.L.",
            "domain": "acme-robotica.example",
            "employees": 1000,
            "industry": "automoción"
          },
          "place": {
            "country": "ES",
            "postal_code": "08001"
          },
          "interest": {
            "did": "demo",
            "product": "pallet robot",
            "message": "Hola,\nllámame."
          },
          "campaign": {
            "name": "Otoño 2026"
          },
          "consent": {
            "email": true
          },
          "preferred_channel": "whatsapp",
          "custom": {
            "budget": "50k"
          },
          "origins": {
            "company.domain": "website",
            "job.level": "job_title",
            "language": "country"
          }
        }
        "#);
    }

    #[test]
    fn derives_what_it_can_from_an_address() {
        let profile = of(&[("email", "info@acme.de")]);
        assert_eq!(profile.place.country.as_deref(), Some("DE"));
        assert_eq!(profile.contact.language.as_deref(), Some("de"));
        assert_eq!(profile.company.domain.as_deref(), Some("acme.de"));
        assert_eq!(profile.origins.get("country"), Some(&Origin::Email));
        assert_eq!(profile.origins.get("language"), Some(&Origin::Country));
        assert_eq!(profile.origins.get("company.domain"), Some(&Origin::Email));

        let free = of(&[("email", "max@web.de")]);
        assert_eq!((free.place.country, free.company.domain), (None, None));
        assert_eq!(free.origins.len(), 0);
    }

    #[test]
    fn prefers_given_values_to_derived_ones() {
        let profile = of(&[
            ("email", "a@acme.de"),
            ("phone", "+34 612 345 678"),
            ("country", "Austria"),
            ("language", "English"),
            ("website", "linkedin.com/company/acme"),
        ]);
        assert_eq!(profile.place.country.as_deref(), Some("AT"));
        assert_eq!(profile.contact.language.as_deref(), Some("en"));
        assert_eq!(profile.company.domain.as_deref(), Some("acme.de"));
        assert!(!profile.origins.contains_key("country"));

        let phone = of(&[("email", "a@acme.de"), ("phone", "0034 612 345 678")]);
        assert_eq!(phone.place.country.as_deref(), Some("ES"));
        assert_eq!(phone.origins.get("country"), Some(&Origin::Phone));
        assert_eq!(phone.contact.language.as_deref(), Some("es"));

        let national = of(&[("email", "a@acme.de"), ("phone", "030 901820")]);
        assert_eq!(national.contact.phone.unwrap().e164.as_deref(), Some("+4930901820"));
    }

    #[test]
    fn leaves_out_or_marks_unusable_values() {
        let profile = of(&[
            ("email", "anna(at)x"),
            ("phone", "call me"),
            ("country", "Atlantis"),
            ("employees", "many"),
            ("company", "n/a"),
            ("city", "-"),
            ("state", "N/A"),
            ("name", "anna@acme.example"),
            ("job_title", "k.A."),
            ("last_name", "Null"),
            ("consent_email", "perhaps"),
            ("postal_code", "--"),
        ]);
        let phone = profile.contact.phone.clone().unwrap();
        assert_eq!((phone.raw.as_str(), phone.e164, phone.kind), ("call me", None, PhoneKind::Invalid));
        let nothing = Profile {
            contact: Contact {
                phone: profile.contact.phone.clone(),
                last_name: Some("Null".to_owned()),
                ..Contact::default()
            },
            ..Profile::default()
        };
        assert_eq!(profile, nothing);
    }

    #[test]
    fn keeps_short_names_that_look_like_placeholders() {
        assert_eq!(of(&[("state", "ND")]).place.state.as_deref(), Some("ND"));
        assert_eq!(of(&[("state", "n/d")]).place.state, None);
    }

    #[test]
    fn prefers_given_names_to_the_full_name() {
        let contact = of(&[("first_name", "ADA"), ("name", "Ada Augusta Lovelace")]).contact;
        assert_eq!((contact.first_name.as_deref(), contact.last_name.as_deref()), (Some("Ada"), Some("Lovelace")));
        let contact = of(&[("first_name", "Ursula"), ("name", "von der Leyen")]).contact;
        assert_eq!(contact.last_name.as_deref(), Some("von der Leyen"));
        let contact = of(&[("preferred_channel", "Telefon"), ("job_title", "CEO")]);
        assert_eq!(
            (contact.preferred_channel, contact.contact.job_level),
            (Some(Channel::Phone), Some(JobLevel::CLevel))
        );
    }

    #[test]
    fn normalises_postal_codes_as_text() {
        for (text, country, expected) in [
            ("10115", None, "10115"),
            ("D-10115", Some("DE"), "10115"),
            ("DE-01067", Some("DE"), "01067"),
            ("1067", Some("DE"), "01067"),
            ("1010", Some("AT"), "1010"),
            ("sw1a 1aa", Some("GB"), "SW1A 1AA"),
            ("01310-100", Some("BR"), "01310-100"),
            ("00-950", Some("PL"), "00-950"),
            ("1012 ab", Some("NL"), "1012 AB"),
            ("NL-1012 AB", Some("NL"), "1012 AB"),
        ] {
            assert_eq!(postal_code(text, country).as_deref(), Some(expected), "{text}");
        }
    }

    /// Text as people and attackers send it: arbitrary characters, mixed with pieces that the parsers look for.
    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            proptest::sample::select(vec![
                "@", ".", ",", "-", "+49", "00", "(0)", " ", "\u{301}", "ß", "İ", "k", "1.000", "von", "Dr.", "GmbH",
                "://", "www.", "ada", "CEO", "Director", "de", "ext", ";", "<", "x@y.z", "٣", "８", "+",
            ])
            .prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn gives_a_stable_profile_for_any_text(values in proptest::collection::vec(any_text(), crate::submission::schema::FIELDS.len())) {
            let fields = crate::submission::schema::FIELDS.iter().map(|field| field.name.to_owned()).zip(values).collect();
            let submission = Submission { fields };
            let once = profile(&submission);
            prop_assert_eq!(&once, &profile(&submission));
            if let Some(email) = &once.contact.email {
                let again = email::parse(&email.address).map(|email| email.identity);
                prop_assert_eq!(again.as_ref(), Some(&email.identity));
            }
            if let Some(e164) = once.contact.phone.and_then(|phone| phone.e164) {
                prop_assert_eq!(phone::read(&e164, None).phone.e164, Some(e164));
            }
        }
    }
}
