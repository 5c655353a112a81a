//! Conversion of a stored profile for replies. Leaves out the identities of the person.

use fairleader_lead::{activity, profile};

use super::{Activity, Campaign, Company, Consent, Contact, Email, Interest, Phone, Place, Profile};

impl From<profile::Profile> for Profile {
    fn from(of: profile::Profile) -> Self {
        Self {
            contact: of.contact.into(),
            company: of.company.into(),
            place: of.place.into(),
            interest: of.interest.into(),
            activities: of.activities.into_iter().map(Activity::from).collect(),
            campaign: of.campaign.into(),
            consent: of.consent.into(),
            preferred_channel: of.preferred_channel,
            said_at: of.said_at,
            custom: of.custom,
            dropped: of.dropped,
            account_id: of.account_id,
            origins: of.origins,
        }
    }
}

impl From<profile::Contact> for Contact {
    fn from(of: profile::Contact) -> Self {
        let profile::Contact { first_name, last_name, email, phone, job_title, job_level, language } = of;
        let email = email.map(|profile::Email { address, domain, kind, .. }| Email { address, domain, kind });
        let phone = phone.map(|profile::Phone { raw, e164, kind }| Phone { raw, e164, kind });
        Self { first_name, last_name, email, phone, job_title, job_level, language }
    }
}

impl From<profile::Company> for Company {
    fn from(of: profile::Company) -> Self {
        let profile::Company { name, domain, employees, industry } = of;
        Self { name, domain, employees, industry }
    }
}

impl From<profile::Place> for Place {
    fn from(of: profile::Place) -> Self {
        let profile::Place { country, state, city, postal_code } = of;
        Self { country, state, city, postal_code }
    }
}

impl From<profile::Interest> for Interest {
    fn from(of: profile::Interest) -> Self {
        let profile::Interest { did, product, message } = of;
        Self { did, product, message }
    }
}

impl From<profile::Campaign> for Campaign {
    fn from(of: profile::Campaign) -> Self {
        let profile::Campaign { name, source, medium } = of;
        Self { name, source, medium }
    }
}

impl From<profile::Consent> for Consent {
    fn from(of: profile::Consent) -> Self {
        let profile::Consent { email, phone } = of;
        Self { email, phone }
    }
}

impl From<activity::Activity> for Activity {
    fn from(of: activity::Activity) -> Self {
        let activity::Activity { id, did, at, channel, spend, response, product } = of;
        Self { id, did, at, channel, spend, response, product }
    }
}
