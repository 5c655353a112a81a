//! Guesses what an unknown field was meant to be, and suggests what to write instead.

use super::RESERVED;
use crate::diagnostic::{did_you_mean, join};
use crate::field;
use crate::field::FIELDS;
use crate::work::Work;
use fairleader_lead::normalise::fold::key;
use fairleader_lead::submission;

/// The steps of comparing a name with those that senders use.
const NAMES: usize = 2_000;
/// Prefixes that people put before a field's name.
const OF_THE_LEAD: [&str; 5] = ["lead.", "contact.", "person.", "form.", "submission."];

/// Returns the help for the unknown field `name`; `lookups` are the names of the rulebook's lookups.
pub(super) fn instead_of<'a>(work: &Work, name: &str, lookups: impl Iterator<Item = &'a str> + Clone) -> String {
    if !work.suggests(NAMES) {
        return "write the name of a field".to_owned();
    }
    let bare = OF_THE_LEAD.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let wanted = key(bare);
    let schema = || FIELDS.iter().map(|spec| spec.name);
    // A name that senders use is not a typo, even if it is similar to another field's name.
    submission::schema::FIELDS
        .iter()
        .find(|field| key(field.name) == wanted)
        .and_then(|field| for_sent(field.name))
        .or_else(|| for_other(&wanted).map(str::to_owned))
        .or_else(|| did_you_mean(work, bare, schema().chain(lookups).chain(RESERVED)))
        .or_else(|| {
            let begins = schema().filter(|field| field.split_once('.').is_some_and(|(first, _)| key(first) == wanted));
            let found: Vec<String> = begins.map(|field| format!("`{field}`")).collect();
            (!found.is_empty()).then(|| format!("did you mean {}?", join(&found, "or")))
        })
        .or_else(|| {
            let (_, last) = bare.rsplit_once('.')?;
            field::find(last).map(|field| format!("did you mean `{}`?", field.name))
        })
        .or_else(|| submission::schema::meant_by_header(bare).and_then(|field| for_sent(field.name)))
        .unwrap_or_else(|| format!("write a custom field as `custom.{bare}`"))
}

/// Returns the rulebook's name for a field that senders fill in; `None` for `did`, which is not a field.
fn for_sent(name: &str) -> Option<String> {
    let help = match name {
        "email" => "rules cannot see the address itself, which is personal data; test `email.domain` or `email.kind`",
        "phone" => "rules cannot see the number itself, which is personal data; test `phone.kind`",
        "name" => "write `name.first` or `name.last`; the company's is `company.name`",
        "first_name" => "write `name.first`",
        "last_name" => "write `name.last`",
        "job_title" => "write `job.title` for the wording, or `job.level` for seniority",
        "company" => "write `company.name`",
        "website" => "write `company.domain`",
        "employees" => "write `company.employees`",
        "consent_email" => "write `consent.email`",
        "consent_phone" => "write `consent.phone`",
        "utm_campaign" => "write `campaign.name`",
        "utm_source" => "write `campaign.source`; the form or list that sent the lead is `source`",
        "utm_medium" => "write `campaign.medium`",
        "did" => return None,
        // All others have the same name in a rulebook.
        same => return Some(format!("write `{same}`")),
    };
    Some(help.to_owned())
}

/// Returns the help for other common names, by [`key`].
fn for_other(wanted: &str) -> Option<&'static str> {
    Some(match wanted {
        "domain" => "write `email.domain` or `company.domain`",
        "title" | "role" => "write `job.title` for the wording, or `job.level` for seniority",
        "seniority" | "level" => "write `job.level`",
        "size" | "companysize" => "write `company.employees`",
        "leadsource" | "utm" => {
            "write `source` for the form or list that sent the lead, `campaign.source` for where its campaign ran"
        }
        "consent" | "optin" | "marketingconsent" => "write `consent.email` or `consent.phone`",
        "created" | "createdat" | "date" | "receivedon" => "write `received_at`",
        "region" => "write `state` for the region as sent, or group countries under `lookups`",
        "owner" => "write `account.owner` or `account.deal_owner`; the lead's own owner is chosen by the rules",
        "status" | "stage" => "write `account.status`; a lead has no stage until it is routed",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instead(name: &str) -> String {
        instead_of(&Work::default(), name, ["region", "territory"].into_iter())
    }

    #[test]
    fn every_form_field_leads_to_a_rulebook_field() {
        for sent in submission::schema::FIELDS.iter().filter(|sent| sent.name != "did") {
            if field::find(sent.name).is_none() {
                assert!(for_sent(sent.name).is_some_and(|help| !help.contains("custom.")), "{}", sent.name);
            }
        }
        // A suggestion must not lead to the next mistake.
        let others = "domain title role seniority level size companysize leadsource utm consent optin marketingconsent \
            created createdat date receivedon region owner status stage";
        let sent = submission::schema::FIELDS.iter().filter_map(|sent| for_sent(sent.name));
        for help in sent.chain(others.split(' ').filter_map(|other| for_other(other).map(str::to_owned))) {
            let named: Vec<&str> = help.split('`').skip(1).step_by(2).filter(|named| *named != "lookups").collect();
            assert!(!named.is_empty(), "{help}");
            for named in named {
                assert!(field::find(named).is_some(), "`{named}` of: {help}");
            }
        }
    }

    #[test]
    fn known_names_come_before_typos() {
        let names = [
            "email",
            "E-Mail",
            "contact.email",
            "email.address",
            "phone",
            "mobile",
            "name",
            "full_name",
            "first_name",
            "lastName",
            "website",
            "utm_source",
            "utm.campaign",
            "utm_medium",
            "utm_term",
            "title",
            "job_title",
            "seniority",
            "company",
            "company.size",
            "company.industry",
            "job",
            "campaign",
            "interest",
            "zip",
            "plz",
            "comment",
            "opt_in",
            "lead_source",
            "lead.score",
            "created_at",
            "owner",
            "status",
            "contry",
            "employees",
            "territry",
            "regoin",
            "budget",
            "lead.budget",
            "conditions",
        ];
        let said: Vec<String> = names.iter().map(|name| format!("{name}: {}", instead(name))).collect();
        insta::assert_snapshot!(said.join("\n"), @"
        email: rules cannot see the address itself, which is personal data; test `email.domain` or `email.kind`
        E-Mail: rules cannot see the address itself, which is personal data; test `email.domain` or `email.kind`
        contact.email: rules cannot see the address itself, which is personal data; test `email.domain` or `email.kind`
        email.address: rules cannot see the address itself, which is personal data; test `email.domain` or `email.kind`
        phone: rules cannot see the number itself, which is personal data; test `phone.kind`
        mobile: rules cannot see the number itself, which is personal data; test `phone.kind`
        name: write `name.first` or `name.last`; the company's is `company.name`
        full_name: write `name.first` or `name.last`; the company's is `company.name`
        first_name: write `name.first`
        lastName: write `name.last`
        website: write `company.domain`
        utm_source: write `campaign.source`; the form or list that sent the lead is `source`
        utm.campaign: write `campaign.name`
        utm_medium: write `campaign.medium`
        utm_term: write a custom field as `custom.utm_term`
        title: write `job.title` for the wording, or `job.level` for seniority
        job_title: write `job.title` for the wording, or `job.level` for seniority
        seniority: write `job.level`
        company: write `company.name`
        company.size: write `company.employees`
        company.industry: did you mean `industry`?
        job: did you mean `job.title` or `job.level`?
        campaign: did you mean `campaign.name`, `campaign.source` or `campaign.medium`?
        interest: did you mean `interest.product` or `interest.points`?
        zip: write `postal_code`
        plz: write `postal_code`
        comment: write `message`
        opt_in: write `consent.email` or `consent.phone`
        lead_source: write `source` for the form or list that sent the lead, `campaign.source` for where its campaign ran
        lead.score: did you mean `score`?
        created_at: write `received_at`
        owner: write `account.owner` or `account.deal_owner`; the lead's own owner is chosen by the rules
        status: write `account.status`; a lead has no stage until it is routed
        contry: did you mean `country`?
        employees: write `company.employees`
        territry: did you mean `territory`?
        regoin: did you mean `region`?
        budget: write a custom field as `custom.budget`
        lead.budget: write a custom field as `custom.budget`
        conditions: write a custom field as `custom.conditions`
        ");
    }
}
