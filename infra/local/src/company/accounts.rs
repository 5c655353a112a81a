//! `accounts.csv`: the companies that sales knows.

use std::collections::BTreeMap;

use fairleader_lead::account::{Account, AccountStatus, MAX_PARENTS};
use fairleader_lead::id::{AccountId, RepId};
use fairleader_lead::normalise::company::registrable_domain;
use fairleader_lead::normalise::email;
use fairleader_lead::profile::EmailKind;

use super::known::{Known, circles};
use super::problems::Problems;
use super::roster::quoted;
use super::sheet::{Column, Row, Sheet, nearest, optional, required};

pub(super) const COLUMNS: &[Column] = &[
    required("account"),
    required("name"),
    optional("domains"),
    optional("parent"),
    optional("owner"),
    optional("status"),
    optional("deal_owner"),
    optional("tier"),
    optional("score"),
];

const STATUSES: [AccountStatus; 3] = [AccountStatus::Prospect, AccountStatus::Customer, AccountStatus::OpenDeal];

/// Reads the accounts of a sheet. A row with a problem gives no account, or one that is not used.
pub(super) fn read(sheet: &Sheet, reps: &Known, problems: &mut Problems) -> Vec<Account> {
    let known = Known::of(sheet, "account");
    let mut claimed: BTreeMap<String, &str> = BTreeMap::new();
    let accounts = sheet.rows().filter_map(|row| account(row, &known, reps, &mut claimed, problems)).collect();
    parents(sheet, problems);
    accounts
}

fn account<'s>(
    row: &'s Row,
    known: &Known,
    reps: &Known,
    claimed: &mut BTreeMap<String, &'s str>,
    problems: &mut Problems,
) -> Option<Account> {
    let account_id = row.id("account", "an account", problems);
    if let Some(line) = account_id.and_then(|id| known.before(id, row.line())) {
        let message = format!(
            "`{}` is already used in line {line}; give each account a different id",
            account_id.unwrap_or_default()
        );
        row.problem("account", message, problems);
    }
    let parent = row.cell("parent");
    if let Some(parent) = parent.filter(|parent| !known.has(parent)) {
        let hint = known.hint(parent, "add the account, or leave the cell empty");
        row.problem("parent", format!("unknown account `{parent}`; {hint}"), problems);
    }
    let owner = person(row, "owner", reps, problems);
    let deal_owner = person(row, "deal_owner", reps, problems);
    let domains = domains(row, claimed, problems);
    let status = status(row, problems);
    let score = row.cell("score").and_then(|_| row.number("score", 0, 100, problems));
    Some(Account {
        account_id: AccountId::from(account_id?),
        name: row.cell("name")?.to_owned(),
        domains,
        parent: parent.map(AccountId::from),
        owner,
        status,
        deal_owner,
        tier: row.cell("tier").map(str::to_lowercase),
        score: score.and_then(|score| u8::try_from(score).ok()),
    })
}

fn person(row: &Row, column: &str, reps: &Known, problems: &mut Problems) -> Option<RepId> {
    let rep = row.cell(column)?;
    if !reps.has(rep) {
        let hint = reps.hint(rep, "add them there, or leave the cell empty");
        row.problem(column, format!("`{rep}` is not in the roster; {hint}"), problems);
    }
    Some(RepId::from(rep))
}

/// Returns the account's domains. A domain can belong to only one account.
fn domains<'s>(row: &'s Row, claimed: &mut BTreeMap<String, &'s str>, problems: &mut Problems) -> Vec<String> {
    let account = row.cell("account").unwrap_or_default();
    let mut domains: Vec<String> = Vec::new();
    for word in row.words("domains") {
        let domain = match domain(word) {
            Ok(domain) => domain,
            Err(why) => {
                row.problem("domains", format!("`{word}` {why}"), problems);
                continue;
            }
        };
        match claimed.insert(domain.clone(), account) {
            Some(other) if other != account => {
                let message = format!("`{domain}` already belongs to `{other}`; list each domain in one row only");
                row.problem("domains", message, problems);
            }
            _ => {}
        }
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    domains
}

/// Returns the domain in the form in which it is compared, or why it cannot identify an account.
fn domain(text: &str) -> Result<String, String> {
    let unreadable = || "is not a domain; write it like acme.example".to_owned();
    let domain = registrable_domain(text).ok_or_else(unreadable)?;
    if text.matches('.').count() != domain.matches('.').count() || text.contains(['/', '@', ':']) {
        return Err(format!("is not a registered domain; write `{domain}`"));
    }
    match email::parse(&format!("somebody@{domain}")).map(|email| email.kind) {
        Some(EmailKind::Free | EmailKind::Disposable) => {
            Err("is a public mailbox provider, so it does not identify a company; remove it".to_owned())
        }
        Some(_) => Ok(domain),
        None => Err(unreadable()),
    }
}

fn status(row: &Row, problems: &mut Problems) -> AccountStatus {
    let Some(text) = row.cell("status") else { return AccountStatus::Prospect };
    let word = text.to_lowercase().replace([' ', '-'], "_");
    if let Some(status) = STATUSES.into_iter().find(|status| status.as_str() == word) {
        return status;
    }
    let hint = match nearest(&word, STATUSES.map(AccountStatus::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write `prospect`, `customer` or `open_deal`".to_owned(),
    };
    row.problem("status", format!("`{text}` is not a status; {hint}"), problems);
    AccountStatus::Prospect
}

/// Reports cycles of parents, and accounts with more parents than owners are inherited through.
fn parents(sheet: &Sheet, problems: &mut Problems) {
    let pair = |row: &Row| Some((row.cell("account")?.to_owned(), row.cell("parent")?.to_owned()));
    let links: Vec<(String, String)> = sheet.rows().filter_map(pair).collect();
    let circles = circles(&links);
    for circle in &circles {
        let Some(row) = sheet.rows().find(|row| row.cell("account") == circle.first().copied()) else { continue };
        let message = match circle.as_slice() {
            [alone] => format!("`{alone}` cannot be its own parent; leave the cell empty"),
            others => format!("{} form a cycle of parents; leave one of the cells empty", quoted(others)),
        };
        row.problem("parent", message, problems);
    }
    let above: BTreeMap<&str, &str> = links.iter().map(|(below, above)| (below.as_str(), above.as_str())).collect();
    for row in sheet.rows() {
        let Some(account) = row.cell("account") else { continue };
        let chain: Vec<&str> = std::iter::successors(above.get(account).copied(), |next| above.get(next).copied())
            .take(MAX_PARENTS + 1)
            .collect();
        let in_circle = circles.iter().flatten().any(|seen| chain.contains(seen));
        if chain.len() > MAX_PARENTS && !in_circle {
            let message =
                format!("`{account}` has more than {MAX_PARENTS} companies above it; name a parent nearer to the top");
            row.problem("parent", message, problems);
        }
    }
}
