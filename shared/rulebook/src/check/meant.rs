//! What somebody meant who names a field that does not exist, and what to write instead.

use super::RESERVED;
use crate::diagnostic::{did_you_mean, join};
use crate::field;
use crate::field::FIELDS;
use fairleader_lead::normalise::fold::key;
use fairleader_lead::submission;

/// Names for whom a lead is about, which people write before a field's own.
const OF_THE_LEAD: [&str; 5] = ["lead.", "contact.", "person.", "form.", "submission."];

/// What to do about the field `name`, which is none; `lookups` are the names of the rulebook's own.
pub(super) fn instead_of<'a>(name: &str, lookups: impl Iterator<Item = &'a str> + Clone) -> String {
    let bare = OF_THE_LEAD.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let wanted = key(bare);
    let schema = || FIELDS.iter().map(|spec| spec.name);
    // What the sender calls it is no slip of the pen, however near another field's name is.
    submission::schema::FIELDS
        .iter()
        .find(|field| key(field.name) == wanted)
        .and_then(|field| for_sent(field.name))
        .or_else(|| for_other(&wanted).map(str::to_owned))
        .or_else(|| did_you_mean(bare, schema().chain(lookups).chain(RESERVED)))
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
        .unwrap_or_else(|| format!("a field of the sender's own is written `custom.{bare}`"))
}

/// What rules see of a field that senders fill in; `None` if it is `did`, which is no field.
fn for_sent(name: &str) -> Option<String> {
    let help = match name {
        "email" => "rules do not see the address itself, which is personal; test `email.domain` or `email.kind`",
        "phone" => "rules do not see the number itself, which is personal; test `phone.kind`",
        "name" => "write `name.first` or `name.last`; the company's is `company.name`",
        "first_name" => "write `name.first`",
        "last_name" => "write `name.last`",
        "job_title" => "write `job.title` for the words, or `job.level` for how high somebody stands",
        "company" => "write `company.name`",
        "website" => "write `company.domain`",
        "employees" => "write `company.employees`",
        "consent_email" => "write `consent.email`",
        "consent_phone" => "write `consent.phone`",
        "utm_campaign" => "write `campaign.name`",
        "utm_source" => "write `campaign.source`; the form or list that sent the lead is `source`",
        "utm_medium" => "write `campaign.medium`",
        "did" => return None,
        // What is left has the same name in a rulebook.
        same => return Some(format!("write `{same}`")),
    };
    Some(help.to_owned())
}

/// Other things that people ask for, by [`key`].
fn for_other(wanted: &str) -> Option<&'static str> {
    Some(match wanted {
        "domain" => "write `email.domain` or `company.domain`",
        "title" | "role" => "write `job.title` for the words, or `job.level` for how high somebody stands",
        "seniority" | "level" => "write `job.level`",
        "size" | "companysize" => "write `company.employees`",
        "leadsource" | "utm" => {
            "write `source` for the form or list that sent the lead, `campaign.source` for where its campaign ran"
        }
        "consent" | "optin" | "marketingconsent" => "write `consent.email` or `consent.phone`",
        "created" | "createdat" | "date" | "receivedon" => "write `received_at`",
        "region" => "write `state` for what the form says, or put countries into groups of your own under `lookups`",
        "owner" => "write `account.owner` or `account.deal_owner`; rules choose the lead's own",
        "status" | "stage" => "write `account.status`; a lead has no stage before it is decided on",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instead(name: &str) -> String {
        instead_of(name, ["region", "territory"].into_iter())
    }

    #[test]
    fn every_field_of_a_form_is_pointed_to_what_rules_see_of_it() {
        for sent in submission::schema::FIELDS.iter().filter(|sent| sent.name != "did") {
            if field::find(sent.name).is_none() {
                assert!(for_sent(sent.name).is_some_and(|help| !help.contains("custom.")), "{}", sent.name);
            }
        }
        // Nobody is sent from one mistake to the next.
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
    fn slips_of_the_pen_come_after_what_people_mean() {
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
        email: rules do not see the address itself, which is personal; test `email.domain` or `email.kind`
        E-Mail: rules do not see the address itself, which is personal; test `email.domain` or `email.kind`
        contact.email: rules do not see the address itself, which is personal; test `email.domain` or `email.kind`
        email.address: rules do not see the address itself, which is personal; test `email.domain` or `email.kind`
        phone: rules do not see the number itself, which is personal; test `phone.kind`
        mobile: rules do not see the number itself, which is personal; test `phone.kind`
        name: write `name.first` or `name.last`; the company's is `company.name`
        full_name: write `name.first` or `name.last`; the company's is `company.name`
        first_name: write `name.first`
        lastName: write `name.last`
        website: write `company.domain`
        utm_source: write `campaign.source`; the form or list that sent the lead is `source`
        utm.campaign: write `campaign.name`
        utm_medium: write `campaign.medium`
        utm_term: a field of the sender's own is written `custom.utm_term`
        title: write `job.title` for the words, or `job.level` for how high somebody stands
        job_title: write `job.title` for the words, or `job.level` for how high somebody stands
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
        owner: write `account.owner` or `account.deal_owner`; rules choose the lead's own
        status: write `account.status`; a lead has no stage before it is decided on
        contry: did you mean `country`?
        employees: write `company.employees`
        territry: did you mean `territory`?
        regoin: did you mean `region`?
        budget: a field of the sender's own is written `custom.budget`
        lead.budget: a field of the sender's own is written `custom.budget`
        conditions: a field of the sender's own is written `custom.conditions`
        ");
    }
}
