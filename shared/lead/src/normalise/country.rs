//! Countries and languages, by code or by name, in the languages that leads come in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::fold::key;
use super::lists;

const COUNTRIES: &str = include_str!("lists/countries.txt");
const LANGUAGES: &str = include_str!("lists/languages.txt");

/// Country-code domains that are sold worldwide and say nothing about the country.
const USED_EVERYWHERE: &[&str] = &[
    "ac", "ag", "ai", "am", "as", "bz", "cc", "cd", "cf", "co", "cx", "dj", "fm", "ga", "gd", "gg", "gl", "gq", "gs",
    "im", "io", "je", "la", "lc", "ly", "me", "ml", "ms", "mu", "nf", "nu", "pn", "pw", "sc", "sh", "so", "st", "tc",
    "tf", "tk", "tl", "to", "tv", "vc", "vg", "vu", "ws",
];

struct Tables {
    by_name: BTreeMap<String, &'static str>,
    main_language: BTreeMap<&'static str, &'static str>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables { by_name: BTreeMap::new(), main_language: BTreeMap::new() };
    for line in lists::entries(COUNTRIES) {
        let mut words = line.splitn(4, ' ');
        let (Some(code), Some(long), Some(language)) = (words.next(), words.next(), words.next()) else { continue };
        if language != "-" {
            tables.main_language.insert(code, language);
        }
        for name in [code, long].into_iter().chain(words.next().unwrap_or_default().split(';')) {
            tables.by_name.insert(key(name), code);
        }
    }
    tables
});

static LANGUAGE_NAMES: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| lists::names(LANGUAGES));

/// Returns the alpha-2 code of a country given by code (`DE`, `DEU`) or name (`Germany`, `Alemania`, `Deutschland`).
///
/// A text can have several parts (`Köln, Deutschland`, `Germany (DE)`). Those that name a country must name the same
/// one.
///
/// ```
/// use fairleader_lead::normalise::country;
///
/// assert_eq!(country::code("alemania"), Some("DE"));
/// assert_eq!(country::code("U.S.A."), Some("US"));
/// assert_eq!(country::code("Atlantis"), None);
/// ```
pub fn code(text: &str) -> Option<&'static str> {
    let lookup = |name: &str| TABLES.by_name.get(&key(name)).copied();
    lookup(text).or_else(|| {
        let parts = text.split([',', '/', '(', ')', '-', '–', '|', ';']);
        one_of(parts.filter_map(lookup))
    })
}

/// Returns the value in `found` if all values are equal.
fn one_of(found: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let found: BTreeSet<_> = found.collect();
    if found.len() == 1 { found.into_iter().next() } else { None }
}

/// Returns the country of a domain by its top-level domain (`acme.de`, `acme.co.uk`).
///
/// Country-code domains that are used worldwide (`.io`, `.co`, `.ai`, …) give no country.
pub fn of_domain(domain: &str) -> Option<&'static str> {
    let (_, top) = domain.rsplit_once('.')?;
    // `.co` is used worldwide, but `acme.com.co` is Colombian.
    let below = domain.rsplit('.').nth(1).unwrap_or_default();
    let sold = USED_EVERYWHERE.contains(&top) && !matches!(below, "com" | "co" | "org" | "net" | "gov" | "gob" | "edu");
    if top.len() != 2 || sold {
        return None;
    }
    TABLES.by_name.get(top).copied()
}

/// Returns the ISO 639-1 code of a language given by code (`de`, `de-AT`, `deu`) or name (`German`, `Deutsch`,
/// `alemán`).
///
/// ```
/// use fairleader_lead::normalise::country;
///
/// assert_eq!(country::language("pt_BR"), Some("pt"));
/// assert_eq!(country::language("Castellano"), Some("es"));
/// ```
pub fn language(text: &str) -> Option<&'static str> {
    let lookup = |name: &str| LANGUAGE_NAMES.get(&key(name)).copied();
    lookup(text).or_else(|| {
        // `de-AT`, `pt_BR.UTF-8`, `English (UK)`, `de-DE,de;q=0.9`: use the first part.
        lookup(text.trim().split(['-', '_', ',', ';', '(', '/', '.']).next()?)
    })
}

/// Returns the main language of a country (alpha-2), if there is exactly one; `None` for Switzerland or Belgium.
pub fn main_language(country: &str) -> Option<&'static str> {
    TABLES.main_language.get(country).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_countries_by_code_and_name() {
        for (text, expected) in [
            ("DE", "DE"),
            ("deu", "DE"),
            (" Germany ", "DE"),
            ("Deutschland", "DE"),
            ("ALEMANIA", "DE"),
            ("Allemagne", "DE"),
            ("Germania", "DE"),
            ("Duitsland", "DE"),
            ("BRD", "DE"),
            ("Germany (DE)", "DE"),
            ("Köln, Deutschland", "DE"),
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("U.S.", "US"),
            ("EE.UU.", "US"),
            ("Estados Unidos", "US"),
            ("états-unis", "US"),
            ("UK", "GB"),
            ("England", "GB"),
            ("The United Kingdom", "GB"),
            ("Großbritannien", "GB"),
            ("Grossbritannien", "GB"),
            ("España", "ES"),
            ("espana", "ES"),
            ("Spanien", "ES"),
            ("Brasil", "BR"),
            ("Brésil", "BR"),
            ("México", "MX"),
            ("Méjico", "MX"),
            ("Österreich", "AT"),
            ("Oesterreich", "AT"),
            ("Suiza", "CH"),
            ("Schweiz", "CH"),
            ("Holland", "NL"),
            ("Países Bajos", "NL"),
            ("Czech Republic", "CZ"),
            ("Tschechien", "CZ"),
            ("Turkey", "TR"),
            ("Türkiye", "TR"),
            ("Côte d'Ivoire", "CI"),
            ("Ivory Coast", "CI"),
            ("South Korea", "KR"),
            ("日本", "JP"),
            ("Polska", "PL"),
            ("Sverige", "SE"),
            ("Česko", "CZ"),
            ("Россия", "RU"),
            ("Ελλάδα", "GR"),
            ("Guinea-Bissau", "GW"),
            ("Níger", "NE"),
            ("Nigeria", "NG"),
            ("NO", "NO"),
        ] {
            assert_eq!(code(text), Some(expected), "{text}");
        }
        for text in ["", "-", "Atlantis", "XX", "Europa", "Berlin", "Deutschland oder Schweiz", "Spain / France", "123"]
        {
            assert_eq!(code(text), None, "{text}");
        }
    }

    #[test]
    fn has_a_complete_table() {
        let codes: BTreeSet<_> = TABLES.by_name.values().collect();
        assert_eq!(codes.len(), 250, "249 assigned codes and Kosovo");
        for line in lists::entries(COUNTRIES) {
            let (expected, _) = line.split_once(' ').unwrap();
            for name in line.splitn(4, ' ').nth(3).unwrap().split(';') {
                assert_eq!(code(name), Some(expected), "{name} names one country");
            }
        }
        for spoken in TABLES.main_language.values() {
            assert_eq!(spoken.len(), 2, "{spoken}");
        }
    }

    #[test]
    fn ignores_country_domains_used_worldwide() {
        for (domain, expected) in [
            ("acme.de", Some("DE")),
            ("acme.co.uk", Some("GB")),
            ("acme.com.br", Some("BR")),
            ("acme.io", None),
            ("acme.co", None),
            ("acme.com.co", Some("CO")),
            ("acme.com", None),
            ("acme.example", None),
            ("acme.eu", None),
            ("de", None),
        ] {
            assert_eq!(of_domain(domain), expected, "{domain}");
        }
    }

    #[test]
    fn recognises_languages_by_code_and_name() {
        for (text, expected) in [
            ("de", "de"),
            ("DE-at", "de"),
            ("pt_BR.UTF-8", "pt"),
            ("deu", "de"),
            ("ger", "de"),
            ("German", "de"),
            ("Deutsch", "de"),
            ("alemán", "de"),
            ("English (UK)", "en"),
            ("inglés", "en"),
            ("français", "fr"),
            ("Castellano", "es"),
            ("español", "es"),
            ("Svenska", "sv"),
            ("日本語", "ja"),
            ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ] {
            assert_eq!(language(text), Some(expected), "{text}");
        }
        for text in ["", "x", "Klingon", "12"] {
            assert_eq!(language(text), None, "{text}");
        }
        for (country, expected) in [
            ("DE", Some("de")),
            ("AT", Some("de")),
            ("BR", Some("pt")),
            ("US", Some("en")),
            ("CH", None),
            ("BE", None),
            ("", None),
        ] {
            assert_eq!(main_language(country), expected, "{country}");
        }
    }
}
