//! The fields that a rulebook may use: one table with the type of each and how to read it from [`Facts`].
//!
//! Personal data that no rule needs (the full e-mail address, the telephone number) is not in the table, so it can
//! appear neither in a rule nor in an explanation.

use std::sync::LazyLock;

use jiff::Timestamp;

use crate::facts::Facts;
use fairleader_lead::account::AccountStatus;
use fairleader_lead::id::RepId;
use fairleader_lead::profile::{Channel, EmailKind, JobLevel, PhoneKind};

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole number, from 0 to `most`.
    Number { most: u32 },
    /// Text as people write it.
    Text,
    /// A word that the company chooses.
    Word,
    /// ISO 3166-1 alpha-2.
    Country,
    /// ISO 639-1.
    Language,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A rep.
    Rep,
    /// One of the rulebook's grades.
    Grade,
    /// `yes` or `no`.
    YesNo,
    /// A point in time.
    Date,
    /// One of the values that the rulebook lists.
    OneOf,
}

impl Kind {
    /// Describes the type for people.
    pub(crate) fn in_words(self) -> String {
        match self {
            Self::Number { most: 100 } => "A number from 0 to 100".to_owned(),
            Self::Number { .. } => "A number".to_owned(),
            Self::Text => "Text".to_owned(),
            Self::Word | Self::OneOf => "A word".to_owned(),
            Self::Country => "A country".to_owned(),
            Self::Language => "A language".to_owned(),
            Self::Choice(words) => format!("One of {}", words.join(", ")),
            Self::Rep => "A rep".to_owned(),
            Self::Grade => "A grade".to_owned(),
            Self::YesNo => "`yes` or `no`".to_owned(),
            Self::Date => "A date".to_owned(),
        }
    }
}

/// The types that a rulebook may give to a custom field.
pub(crate) const CUSTOM_KINDS: &[(&str, Kind)] = &[
    ("text", Kind::Text),
    ("word", Kind::Word),
    ("number", Kind::Number { most: u32::MAX }),
    ("date", Kind::Date),
    ("yes_no", Kind::YesNo),
    ("country", Kind::Country),
    ("language", Kind::Language),
];

/// A value before it is prepared for comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Raw<'a> {
    Number(u32),
    Text(&'a str),
    YesNo(bool),
    Date(Timestamp),
}

type Get = for<'a> fn(&Facts<'a>) -> Option<Raw<'a>>;

/// A field of the lead schema.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Its name in rulebooks.
    pub(crate) name: &'static str,
    /// An example of what it may be compared with.
    pub(crate) example: &'static str,
    /// What it is, for people who write rulebooks.
    pub(crate) meaning: &'static str,
    /// Its type.
    pub(crate) kind: Kind,
    /// Whether it is known only after scoring.
    pub(crate) scored: bool,
    get: Get,
}

impl Spec {
    /// Returns the field's value, if the lead has one.
    pub(crate) fn get<'a>(&self, facts: &Facts<'a>) -> Option<Raw<'a>> {
        (self.get)(facts)
    }
}

const fn field(name: &'static str, example: &'static str, meaning: &'static str, kind: Kind, get: Get) -> Spec {
    Spec { name, example, meaning, kind, scored: false, get }
}

const fn scored(name: &'static str, example: &'static str, meaning: &'static str, kind: Kind, get: Get) -> Spec {
    Spec { name, example, meaning, kind, scored: true, get }
}

fn text(value: Option<&String>) -> Option<Raw<'_>> {
    value.map(|value| Raw::Text(value))
}

/// The words of an enum; the match makes the compiler demand a word for every new variant.
macro_rules! words {
    ($list:ident, $word:ident, $type:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        const $list: &[&str] = &[$($text),+];

        fn $word<'a>(value: $type) -> Raw<'a> {
            Raw::Text(match value { $($type::$variant => $text),+ })
        }
    };
}

words!(EMAIL_KINDS, email_kind, EmailKind {
    Business => "business", Free => "free", Disposable => "disposable", Role => "role",
});
words!(PHONE_KINDS, phone_kind, PhoneKind {
    Mobile => "mobile", Fixed => "fixed", Other => "other", Invalid => "invalid",
});
words!(JOB_LEVELS, job_level, JobLevel {
    Intern => "intern", Staff => "staff", Manager => "manager", Director => "director", Vp => "vp", CLevel => "c_level",
});
words!(CHANNELS, channel, Channel {
    Email => "email", Phone => "phone", Sms => "sms", Whatsapp => "whatsapp",
});
words!(STATUSES, status, AccountStatus {
    Prospect => "prospect", Customer => "customer", OpenDeal => "open_deal",
});

const PERCENT: Kind = Kind::Number { most: 100 };

/// Every field of the lead schema that a rulebook may use.
#[rustfmt::skip]
pub(crate) static FIELDS: &[Spec] = &[
    field("email.domain", "acme.example", "the part of the e-mail address after the `@`",
        Kind::Word, |f| text(f.profile.contact.email.as_ref().map(|email| &email.domain))),
    field("email.kind", "business", "the kind of address: at a company's own domain, at a free provider, disposable, or shared (`info@`)",
        Kind::Choice(EMAIL_KINDS), |f| f.profile.contact.email.as_ref().map(|email| email_kind(email.kind))),
    field("phone.kind", "[mobile, fixed]", "the kind of telephone number; `invalid` if it cannot be called",
        Kind::Choice(PHONE_KINDS), |f| f.profile.contact.phone.as_ref().map(|phone| phone_kind(phone.kind))),
    field("name.first", "Ada", "given name",
        Kind::Text, |f| text(f.profile.contact.first_name.as_ref())),
    field("name.last", "starts with van", "family name",
        Kind::Text, |f| text(f.profile.contact.last_name.as_ref())),
    field("job.title", "word procurement", "job title, as the person wrote it",
        Kind::Text, |f| text(f.profile.contact.job_title.as_ref())),
    field("job.level", "[c_level, vp]", "seniority, read from the job title in any of the supported languages",
        Kind::Choice(JOB_LEVELS), |f| f.profile.contact.job_level.map(job_level)),
    field("language", "de", "the language the person speaks: two letters (ISO 639-1)",
        Kind::Language, |f| text(f.profile.contact.language.as_ref())),
    field("company.name", "contains spedition", "name of the company, as the person wrote it",
        Kind::Text, |f| text(f.profile.company.name.as_ref())),
    field("company.domain", "acme.example", "the company's domain, from the website or a business e-mail address",
        Kind::Word, |f| text(f.profile.company.domain.as_ref())),
    field("company.employees", "1000+", "number of employees; for a range (`50-99`), the lower end",
        Kind::Number { most: u32::MAX }, |f| f.profile.company.employees.map(Raw::Number)),
    field("industry", "contains logist", "what the company does, as sent",
        Kind::Word, |f| text(f.profile.company.industry.as_ref())),
    field("country", "[DE, AT, CH]", "the country: two letters (ISO 3166-1)",
        Kind::Country, |f| text(f.profile.place.country.as_ref())),
    field("state", "[Bayern, Bavaria]", "state, province or region, as written",
        Kind::Text, |f| text(f.profile.place.state.as_ref())),
    field("city", "München", "city, as written",
        Kind::Text, |f| text(f.profile.place.city.as_ref())),
    field("postal_code", "starts with 01", "postal code; it is text, so a leading zero is kept",
        Kind::Word, |f| text(f.profile.place.postal_code.as_ref())),
    field("product", "keel", "the product the form was about",
        Kind::Word, |f| text(f.profile.interest.product.as_ref())),
    field("message", "contains price", "what the person wrote",
        Kind::Text, |f| text(f.profile.interest.message.as_ref())),
    field("campaign.name", "spring-fair", "the campaign that brought the lead (`utm_campaign`)",
        Kind::Word, |f| text(f.profile.campaign.name.as_ref())),
    field("campaign.source", "[google, bing]", "where the campaign ran (`utm_source`)",
        Kind::Word, |f| text(f.profile.campaign.source.as_ref())),
    field("campaign.medium", "cpc", "the kind of campaign (`utm_medium`)",
        Kind::Word, |f| text(f.profile.campaign.medium.as_ref())),
    field("received_at", "since 2026-01-01", "when the lead was first received",
        Kind::Date, |f| Some(Raw::Date(f.received_at))),
    field("last_activity", "within 14 days", "when the person last did something",
        Kind::Date, |f| f.profile.activities.last().map(|activity| Raw::Date(activity.at))),
    field("source", "website", "the form, list or partner that sent the lead, by its source id",
        Kind::Word, |f| Some(Raw::Text(f.source.as_str()))),
    field("preferred_channel", "phone", "how the person wants to be reached",
        Kind::Choice(CHANNELS), |f| f.profile.preferred_channel.map(channel)),
    field("consent.email", "yes", "whether the person may be e-mailed; absent if they were not asked",
        Kind::YesNo, |f| f.profile.consent.email.map(Raw::YesNo)),
    field("consent.phone", "yes", "whether the person may be called; absent if they were not asked",
        Kind::YesNo, |f| f.profile.consent.phone.map(Raw::YesNo)),
    field("account", "present", "the account that the lead belongs to, by its id",
        Kind::Word, |f| f.account.map(|a| Raw::Text(a.account.account_id.as_str()))),
    field("account.name", "starts with acme", "the name of the account",
        Kind::Text, |f| f.account.map(|a| Raw::Text(&a.account.name))),
    field("account.status", "[customer, open_deal]", "our relationship with the account",
        Kind::Choice(STATUSES), |f| f.account.map(|a| status(a.account.status))),
    field("account.tier", "strategic", "how important the account is, in a word of your own",
        Kind::Word, |f| f.account.and_then(|a| text(a.account.tier.as_ref()))),
    field(ACCOUNT_OWNER, "present", "the owner of the account, or of its nearest parent that has one",
        Kind::Rep, |f| f.account.and_then(|a| a.owner.as_ref()).map(|rep| Raw::Text(rep.as_str()))),
    field(DEAL_OWNER, "anna", "the rep who works on the account's deal; absent unless its status is `open_deal`",
        Kind::Rep, |f| deal_owner(f).map(|rep| Raw::Text(rep.as_str()))),
    field("account.score", "70+", "the account's own score",
        PERCENT, |f| f.account.and_then(|a| a.account.score).map(|score| Raw::Number(score.into()))),
    scored(SCORE, "60+", "the score of the lead",
        PERCENT, |f| f.score.map(|score| Raw::Number(score.total.into()))),
    scored("fit", "40+", "the part of the score for who the person and company are",
        PERCENT, |f| f.score.map(|score| Raw::Number(score.fit.into()))),
    scored("engagement", "under 20", "the part of the score for what the person did",
        PERCENT, |f| f.score.map(|score| Raw::Number(score.engagement.into()))),
    scored("interest.product", "keel", "the product the person is most interested in; see [Score](#score)",
        Kind::Word, |f| f.score.and_then(|score| score.interest.first()).map(|top| Raw::Text(&top.product))),
    scored("interest.points", "30+", "how much interest the person has shown in that product",
        PERCENT, |f| f.score.and_then(|score| score.interest.first()).map(|top| Raw::Number(top.points.into()))),
    scored("grade", "[A, B]", "the letter for the score; absent below the lowest grade",
        Kind::Grade, |f| f.score.and_then(|score| text(score.grade.as_ref()))),
];

/// The lead's score.
pub(crate) const SCORE: &str = "score";
/// The owner of the lead's account, or of its nearest parent account with an owner.
pub(crate) const ACCOUNT_OWNER: &str = "account.owner";
/// The rep who works on the account's open deal.
pub(crate) const DEAL_OWNER: &str = "account.deal_owner";

/// Returns the rep who works on the account's deal, while one is open.
pub(crate) fn deal_owner<'a>(facts: &Facts<'a>) -> Option<&'a RepId> {
    let account = &facts.account?.account;
    account.deal_owner.as_ref().filter(|_| account.status == AccountStatus::OpenDeal)
}

/// Returns the field of this name.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    FIELDS.iter().find(|spec| spec.name == name)
}

/// Returns whether this is an upper-case ISO 3166-1 code, or `XK`, which Kosovo uses.
pub(crate) fn is_country(code: &str) -> bool {
    static CODES: LazyLock<Vec<&str>> = LazyLock::new(|| countries().collect());
    CODES.binary_search(&code).is_ok()
}

/// Returns every code that [`is_country`] accepts, in alphabetical order.
pub(crate) fn countries() -> impl Iterator<Item = &'static str> {
    COUNTRIES.split(' ')
}

const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI \
    FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS \
    IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA \
    RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT \
    TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_249_countries_of_iso_3166_and_kosovo() {
        assert_eq!(COUNTRIES.split(' ').count(), 250);
        assert!(countries().is_sorted() && countries().all(is_country));
        assert!(is_country("NO") && is_country("XK") && !is_country("UK") && !is_country("no"));
    }

    #[test]
    fn field_names_are_unique() {
        for spec in FIELDS {
            assert_eq!(FIELDS.iter().filter(|other| other.name == spec.name).count(), 1, "{}", spec.name);
        }
    }
}
