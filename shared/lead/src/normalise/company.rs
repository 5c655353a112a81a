//! Company names and domains: what they are compared by.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::email::ascii_domain;
use super::fold::{fold, tidy};
use super::lists;

/// Legal forms, their parts run together, dropped at the end of a name when names are compared.
static LEGAL_FORMS: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| lists::entries(include_str!("lists/legal_forms.txt")).flat_map(str::split_whitespace).collect());

/// The longest legal form, in words as written with blanks or full stops (`S. de R.L. de C.V.`).
const LONGEST_FORM: usize = 7;

/// Words that join others and are left out (`Meyer & Söhne`, `Meyer und Söhne`).
const JOINERS: &[&str] = &["and", "und", "y", "et", "en", "och", "og"];

/// Sites where companies have pages but that are nobody's own website.
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

/// What a company's name is compared by: folded words without legal form, joining words and punctuation.
///
/// ```
/// use fairleader_lead::normalise::company;
///
/// assert_eq!(company::key("ACME Röhren GmbH & Co. KG"), "acme rohren");
/// assert_eq!(company::key("Acme Rohren"), "acme rohren");
/// ```
///
/// Empty when nothing of the name is left to compare. A name made of legal forms only keeps its first word.
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

/// How many words are left when the longest legal form is taken off the end, if there is one and something is left.
fn without_form(words: &[&str]) -> Option<usize> {
    let first = words.len().saturating_sub(LONGEST_FORM).max(1);
    (first..words.len()).find(|start| {
        let form: String = words.iter().skip(*start).copied().collect();
        LEGAL_FORMS.contains(form.as_str())
    })
}

/// A company's name as people write it: blanks tidied, quotation marks around it taken off. Case is the company's own.
pub fn tidy_name(name: &str) -> Option<String> {
    let name = tidy(name);
    let bare = name.trim_matches(['"', '“', '”', '„', '«', '»', '\'', ' ']);
    bare.chars().any(char::is_alphanumeric).then(|| bare.to_owned())
}

/// The domain a company registered, of its website or host name: `acme.co.uk` for `https://www.acme.co.uk/about`.
///
/// By the public suffix list, private section included: `acme.github.io` is a domain of its own. An unknown suffix
/// counts as one label, so `www.acme.example` gives `acme.example`. `None` for a public suffix itself, an address in
/// digits, and text that is no host name.
pub fn registrable_domain(website: &str) -> Option<String> {
    let website = website.trim();
    let rest = website.split_once("://").map_or(website, |(_, rest)| rest).trim_start_matches('/');
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split(':').next()?.trim_end_matches('.');
    let ascii = ascii_domain(host)?;
    psl::domain_str(&ascii).map(str::to_owned)
}

/// Whether a registrable domain is a site that many companies have pages on.
pub(super) fn is_shared_site(domain: &str) -> bool {
    SHARED_SITES.contains(&domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_company_has_one_key() {
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
    fn names_keep_the_companys_own_case() {
        assert_eq!(tidy_name("  \"eBay   Kleinanzeigen GmbH\" ").as_deref(), Some("eBay Kleinanzeigen GmbH"));
        assert_eq!(tidy_name(" - "), None);
    }

    #[test]
    fn the_registrable_domain_is_what_a_company_owns() {
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
