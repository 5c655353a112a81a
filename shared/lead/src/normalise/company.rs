//! Company names and domains, in a form that can be compared.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::email::ascii_domain;
use super::fold::{fold, tidy};
use super::lists;

/// Legal forms, written as one word. They are dropped from the end of a name when names are compared.
static LEGAL_FORMS: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| lists::entries(include_str!("lists/legal_forms.txt")).flat_map(str::split_whitespace).collect());

/// Number of words in the longest legal form, when written with spaces or full stops (`S. de R.L. de C.V.`).
const LONGEST_FORM: usize = 7;

/// Conjunctions, which are ignored (`Meyer & Söhne`, `Meyer und Söhne`).
const JOINERS: &[&str] = &["and", "und", "y", "et", "en", "och", "og"];

/// Sites where many companies have pages, so that a page there is not a company's own website.
const SHARED_SITES: &[&str] = &[
    "facebook.com",
    "google.com",
    "instagram.com",
    "linkedin.com",
    "linktr.ee",
    "tiktok.com",
    "twitter.com",
    "wikipedia.org",
    "x.com",
    "xing.com",
    "youtube.com",
];

/// Returns the comparison key of a company name: folded words without legal form, conjunctions and punctuation.
///
/// ```
/// use fairleader_lead::normalise::company;
///
/// assert_eq!(company::key("ACME Röhren GmbH & Co. KG"), "acme rohren");
/// assert_eq!(company::key("Acme Rohren"), "acme rohren");
/// ```
///
/// The key is empty if nothing of the name is left to compare. A name that consists of legal forms keeps its first
/// word.
pub fn key(name: &str) -> String {
    let folded = fold(name).replace(['\'', '’', '`'], "");
    let mut words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !JOINERS.contains(word))
        .collect();
    if words.len() > 2 && words.first() == Some(&"the") {
        words.remove(0);
    }
    while let Some(shorter) = without_form(&words) {
        words.truncate(shorter);
    }
    words.join(" ")
}

/// Returns how many words remain without the longest legal form at the end. Returns `None` if there is no legal form,
/// or if nothing would remain.
fn without_form(words: &[&str]) -> Option<usize> {
    let first = words.len().saturating_sub(LONGEST_FORM).max(1);
    (first..words.len()).find(|start| {
        let form: String = words.iter().skip(*start).copied().collect();
        LEGAL_FORMS.contains(form.as_str())
    })
}

/// Tidies a company name: removes extra spaces and surrounding quotation marks. Keeps the case.
pub fn tidy_name(name: &str) -> Option<String> {
    let name = tidy(name);
    let bare = name.trim_matches(['"', '“', '”', '„', '«', '»', '\'', ' ']);
    bare.chars().any(char::is_alphanumeric).then(|| bare.to_owned())
}

/// Returns the registrable domain of a website or host name: `acme.co.uk` for `https://www.acme.co.uk/about`.
///
/// It follows the public suffix list, including the private section: `acme.github.io` is a registrable domain. An
/// unknown suffix counts as one label, so `www.acme.example` gives `acme.example`. Returns `None` for a public suffix
/// itself, an IP address, and text that is not a host name.
pub fn registrable_domain(website: &str) -> Option<String> {
    let website = website.trim();
    let rest = website.split_once("://").map_or(website, |(_, rest)| rest).trim_start_matches('/');
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split(':').next()?.trim_end_matches('.');
    let ascii = ascii_domain(host)?;
    psl::domain_str(&ascii).map(str::to_owned)
}

/// Returns whether a registrable domain is a site where many companies have pages.
pub(super) fn is_shared_site(domain: &str) -> bool {
    SHARED_SITES.contains(&domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_one_key_per_company() {
        for (name, expected) in [
            ("Acme GmbH", "acme"),
            ("ACME G.m.b.H.", "acme"),
            ("acme gmbh & co. kg", "acme"),
            ("Acme GmbH und Co KG", "acme"),
            ("Acme Robótica, S.L.", "acme robotica"),
            ("Acme Robotica SL", "acme robotica"),
            ("Acme S. A. de C. V.", "acme"),
            ("Acme Comercial S de RL de CV", "acme comercial"),
            ("Acme S.p.A.", "acme"),
            ("Acme Sp. z o.o.", "acme"),
            ("Acme, Inc.", "acme"),
            ("The Acme Company", "acme"),
            ("Acme (UK) Ltd.", "acme uk"),
            ("Acme SARL", "acme"),
            ("Acme B.V.", "acme"),
            ("Acme Oy", "acme"),
            ("Acme UG (haftungsbeschränkt)", "acme"),
            ("Meyer & Söhne AG", "meyer sohne"),
            ("Meyer und Söhne", "meyer sohne"),
            ("McDonald's Corp", "mcdonalds"),
            ("SAS", "sas"),
            ("AG", "ag"),
            ("The Co", "the"),
            ("Volvo AB (publ)", "volvo"),
            ("3M", "3m"),
            ("株式会社", "株式会社"),
            ("", ""),
            ("—", ""),
        ] {
            assert_eq!(key(name), expected, "{name}");
        }
    }

    #[test]
    fn keeps_the_case_of_names() {
        assert_eq!(tidy_name("  \"eBay   Kleinanzeigen GmbH\" ").as_deref(), Some("eBay Kleinanzeigen GmbH"));
        assert_eq!(tidy_name(" - "), None);
    }

    #[test]
    fn finds_the_registrable_domain() {
        for (website, expected) in [
            ("www.acme.example", "acme.example"),
            ("https://www.Acme.co.uk/about?x=1#y", "acme.co.uk"),
            ("acme.example", "acme.example"),
            ("http://shop.acme.com.br:8080/", "acme.com.br"),
            ("//acme.example/x", "acme.example"),
            ("ada@mail.acme.example", "acme.example"),
            ("müller.example", "xn--mller-kva.example"),
            ("acme.github.io", "acme.github.io"),
            ("HTTPS://ACME.EXAMPLE.", "acme.example"),
        ] {
            assert_eq!(registrable_domain(website).as_deref(), Some(expected), "{website}");
        }
        for website in ["", "acme", "com", "co.uk", "192.0.2.7", "http://", "not a site", "http://[::1]/", "n/a", "@"] {
            assert_eq!(registrable_domain(website), None, "{website}");
        }
    }
}
