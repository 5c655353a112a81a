//! The lists shipped with the crate, as data: one entry per line, `#` starts a comment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::fold::key;

static DISPOSABLE: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| entries(include_str!("lists/disposable.txt")).collect());
static FREE: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| entries(include_str!("lists/free.txt")).collect());
static ROLES: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| entries(include_str!("lists/roles.txt")).map(key).collect());

/// Returns the entries of a list: its lines without comments and blank lines.
pub(super) fn entries(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Returns whether `domain` (lower case, ASCII) or one of its parent domains provides disposable addresses.
pub(super) fn is_disposable(domain: &str) -> bool {
    let mut above = std::iter::successors(Some(domain), |rest| rest.split_once('.').map(|(_, above)| above));
    above.any(|name| DISPOSABLE.contains(name))
}

/// Returns whether `domain` (lower case, ASCII) belongs to a free mailbox provider.
pub(super) fn is_free(domain: &str) -> bool {
    if FREE.contains(domain) {
        return true;
    }
    let any_suffix = || {
        let suffix = psl::suffix_str(domain)?;
        let name = domain.strip_suffix(suffix)?.strip_suffix('.')?;
        Some(FREE.contains(format!("{name}.*").as_str()))
    };
    any_suffix().unwrap_or(false)
}

/// Returns whether `local`, the part before the `@`, names a function rather than a person.
pub(super) fn is_role(local: &str) -> bool {
    let name = local.split('+').next().unwrap_or(local);
    ROLES.contains(&key(name))
}

/// Reads a list whose lines are a code, a space, and names separated by `;`.
///
/// Returns the code for the [`key`] of each code and name.
pub(super) fn names(text: &'static str) -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    for line in entries(text) {
        let Some((code, rest)) = line.split_once(' ') else { continue };
        found.insert(key(code), code);
        for name in rest.split(';') {
            found.insert(key(name), code);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_free_providers_under_any_suffix() {
        for domain in
            ["gmail.com", "web.de", "yahoo.com.br", "yahoo.co.uk", "hotmail.fr", "freemail.example", "uol.com.br"]
        {
            assert!(is_free(domain), "{domain}");
        }
        for domain in ["acme.example", "notyahoo.com", "mail.yahoo-inc.com", "com", "example.com", ""] {
            assert!(!is_free(domain), "{domain}");
        }
    }

    #[test]
    fn treats_subdomains_of_disposable_domains_as_disposable() {
        for domain in ["mailinator.com", "anything.mailinator.com", "trashmail.example"] {
            assert!(is_disposable(domain), "{domain}");
        }
        for domain in ["gmail.com", "acme.example", "notmailinator.example"] {
            assert!(!is_disposable(domain), "{domain}");
        }
    }

    #[test]
    fn lists_no_provider_as_both_free_and_disposable() {
        let both: Vec<_> = FREE.iter().filter(|domain| is_disposable(domain)).collect();
        assert!(both.is_empty(), "{both:?}");
    }

    #[test]
    fn recognises_roles_with_tags_and_separators() {
        for local in
            ["info", "INFO", "no-reply", "Büro", "buero", "sales+web", "accounts.payable", "atencion-al-cliente"]
        {
            assert!(is_role(local), "{local}");
        }
        for local in ["anna", "ada.lovelace", "infobit", "+sales", ""] {
            assert!(!is_role(local), "{local}");
        }
    }
}
