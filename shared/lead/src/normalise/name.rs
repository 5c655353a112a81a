//! Names of people: tidied, and split if a form has only one field for the name.

use super::fold::{fold, key, tidy};

/// Forms of address and degrees, folded and without punctuation. They are removed from the start of a name.
const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "drs",
    "prof",
    "professor",
    "sir",
    "madam",
    "dame",
    "herr",
    "hr",
    "frau",
    "fr",
    "dipl",
    "diplom",
    "ing",
    "dipling",
    "diplkfm",
    "mag",
    "magister",
    "sr",
    "sra",
    "srta",
    "senor",
    "senora",
    "senorita",
    "don",
    "dona",
    "d",
    "lic",
    "licda",
    "ingo",
    "arq",
    "m",
    "mme",
    "mlle",
    "monsieur",
    "madame",
    "mademoiselle",
    "me",
    "sig",
    "sigra",
    "signor",
    "signora",
    "dott",
    "dottssa",
    "dottore",
    "dottoressa",
    "avv",
    "geom",
    "rag",
    "eng",
    "dra",
    "doutor",
    "dhr",
    "mevr",
    "mw",
    "meneer",
    "mevrouw",
    "ir",
    "herrn",
    "med",
    "rer",
    "nat",
    "phil",
    "jur",
    "hc",
];

/// Titles that are also names or initials. They count as titles only with a full stop (`D. Juan`, but `Don Draper`).
const ONLY_WITH_STOP: &[&str] = &[
    "d", "m", "me", "fr", "hr", "don", "dona", "ing", "mag", "sir", "dame", "ir", "eng", "rag", "geom", "med", "rer",
    "nat", "phil", "jur", "hc",
];

/// Degrees and generation suffixes after a name, folded and without punctuation.
const SUFFIXES: &[&str] = &[
    "phd", "md", "mba", "msc", "bsc", "ma", "ba", "mag", "jr", "junior", "sr", "senior", "ii", "iii", "iv", "esq",
    "cpa", "pe", "dds", "jd", "llm", "meng", "beng", "dba", "pmp", "cfa", "dipling",
];

/// Particles, which belong to the family name after them, in lower case.
const PARTICLES: &[&str] = &[
    "af", "al", "av", "bin", "da", "das", "de", "degli", "dei", "del", "della", "den", "der", "di", "do", "dos", "du",
    "el", "ibn", "la", "las", "le", "les", "lo", "los", "te", "ten", "ter", "van", "vom", "von", "zu", "zum", "zur",
    "'t",
];

/// Countries where people have two family names, the father's and the mother's (Spanish custom).
const TWO_FAMILY_NAMES: &[&str] =
    &["BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GQ", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "PY", "SV", "VE"];

/// Common second given names in Spanish, folded. With one of these, three words are two given names and a family name.
const SECOND_NAMES: &[&str] = &[
    "alberto",
    "alejandro",
    "andres",
    "angel",
    "antonia",
    "antonio",
    "carlos",
    "carmen",
    "cristina",
    "eduardo",
    "elena",
    "enrique",
    "fernando",
    "francisco",
    "ignacio",
    "isabel",
    "javier",
    "jesus",
    "jose",
    "josefa",
    "juan",
    "luis",
    "luisa",
    "manuel",
    "maria",
    "mario",
    "miguel",
    "pablo",
    "pedro",
    "pilar",
    "rafael",
    "ramon",
    "teresa",
];

/// Tidies a given name and removes titles. Returns `None` if no letter is left.
pub fn given(text: &str) -> Option<String> {
    let words = without_titles(text);
    cased(&words, true)
}

/// Tidies a family name and removes degrees. Returns `None` if no letter is left.
pub fn family(text: &str) -> Option<String> {
    let words = without_titles(text);
    cased(&words, false)
}

/// Splits a full name into given and family name.
///
/// `Lovelace, Ada` and `LOVELACE Ada` start with the family name. Particles (`von der`, `de la`) belong to the word
/// after them. If people in `country` (alpha-2) have two family names, these are the last two words. A single word is
/// the given name, so that there is a way to address the person.
///
/// ```
/// use fairleader_lead::normalise::name;
///
/// let (given, family) = name::split("Dr. Ursula von der Leyen", None);
/// assert_eq!(given.as_deref(), Some("Ursula"));
/// assert_eq!(family.as_deref(), Some("von der Leyen"));
/// ```
pub fn split(full: &str, country: Option<&str>) -> (Option<String>, Option<String>) {
    let full = full.split(['(', '<']).next().unwrap_or_default();
    if let Some((family_part, given_part)) = full.split_once(',') {
        let suffixes = given_part.split([' ', ',']).filter(|word| !word.is_empty());
        if !suffixes.clone().all(is_suffix) {
            return (given(given_part), family(family_part));
        }
        return split(family_part, country);
    }
    let words = without_titles(full);
    let shouted = words.iter().take_while(|word| is_shouted(word)).count();
    if shouted > 0 && shouted < words.len() && !words.last().is_some_and(|word| is_shouted(word)) {
        let (family_words, given_words) = words.split_at_checked(shouted).unwrap_or_default();
        return (cased(given_words, true), cased(family_words, false));
    }
    let units = units(&words);
    let families = match units.len() {
        0 | 1 => 0,
        // `José Luis Pérez`, but `José Pérez García`.
        3 if country.is_some_and(|code| TWO_FAMILY_NAMES.contains(&code)) => {
            let second = units.get(1).map(|unit| key(&unit.join(" "))).unwrap_or_default();
            if SECOND_NAMES.contains(&second.as_str()) { 1 } else { 2 }
        }
        4.. if country.is_some_and(|code| TWO_FAMILY_NAMES.contains(&code)) => 2,
        _ => 1,
    };
    let (given_units, family_units) = units.split_at_checked(units.len() - families).unwrap_or_default();
    (cased(&given_units.concat(), true), cased(&family_units.concat(), false))
}

/// Splits a name into words, without titles at the start, degrees at the end, and words without a letter.
fn without_titles(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).collect();
    while words.len() > 1 && words.first().is_some_and(|word| is_title(word)) {
        words.remove(0);
    }
    while words.len() > 1 && words.last().is_some_and(|word| is_suffix(word)) {
        words.pop();
    }
    words
}

fn is_title(word: &str) -> bool {
    let bare = key(word);
    let stop = word.contains('.');
    TITLES.contains(&bare.as_str()) && (stop || !ONLY_WITH_STOP.contains(&bare.as_str()))
        // `Dr.-Ing.`, `Dr.med.`
        || stop && bare.starts_with("dr") && word.split(['.', '-']).map(key).all(|part| part.is_empty() || TITLES.contains(&part.as_str()))
}

fn is_suffix(word: &str) -> bool {
    SUFFIXES.contains(&key(word).as_str())
}

/// Returns whether a word is in capitals, as French and Asian custom writes family names. Initials do not count.
fn is_shouted(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic());
    letters.clone().count() >= 3 && letters.clone().all(char::is_uppercase)
}

fn is_particle(word: &str) -> bool {
    PARTICLES.contains(&fold(word).as_str())
}

/// Groups words so that particles stay with the word after them, and `y` with the words on both sides.
fn units<'a>(words: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut units: Vec<Vec<&str>> = Vec::new();
    let mut open = false;
    for (at, word) in words.iter().enumerate() {
        let joins = at > 0 && at + 1 < words.len() && matches!(fold(word).as_str(), "y" | "i");
        match units.last_mut() {
            Some(unit) if open || joins => unit.push(word),
            _ => units.push(vec![word]),
        }
        open = joins || (at > 0 && is_particle(word));
    }
    units
}

/// Joins words and corrects their case. Mixed case is assumed to be intended (`LaToya`, `deGrom`). A name all in
/// capitals or all in lower case is not.
fn cased(words: &[&str], starts_name: bool) -> Option<String> {
    let joined = tidy(&words.join(" "));
    let letters = || joined.chars().filter(|c| c.is_alphabetic());
    letters().next()?;
    let mixed = letters().any(char::is_uppercase) && letters().any(char::is_lowercase);
    let initials = letters().count() <= 2 && letters().all(char::is_uppercase) && starts_name;
    if mixed || initials {
        return Some(joined);
    }
    let words = joined.split(' ').enumerate().map(|(at, word)| {
        if is_particle(word) && !(starts_name && at == 0) { word.to_lowercase() } else { capitalised(word) }
    });
    Some(words.collect::<Vec<_>>().join(" "))
}

/// Capitalises a word as in a name: at the start, after `-`, `.` and an apostrophe, and after `Mc`.
fn capitalised(word: &str) -> String {
    if matches!(fold(word).as_str(), "ii" | "iii" | "iv") {
        return word.to_uppercase();
    }
    let mut written = String::with_capacity(word.len());
    let mut at_start = true;
    for c in word.to_lowercase().chars() {
        if at_start && c.is_alphabetic() {
            // `ß` and ligatures have no single capital letter, so they stay as they are.
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(capital), None) => written.push(capital),
                _ => written.push(c),
            }
        } else {
            written.push(c);
        }
        at_start = matches!(c, '-' | '.' | '\'' | '’' | '‐') || (written == "Mc" && word.chars().count() > 3);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(full: &str, country: Option<&str>) -> (String, String) {
        let (given, family) = split(full, country);
        (given.unwrap_or_default(), family.unwrap_or_default())
    }

    #[test]
    fn splits_full_names() {
        for (full, given, family) in [
            ("Ada Lovelace", "Ada", "Lovelace"),
            ("Lovelace, Ada", "Ada", "Lovelace"),
            ("ada lovelace", "Ada", "Lovelace"),
            ("ADA LOVELACE", "Ada", "Lovelace"),
            ("Ada King Lovelace", "Ada King", "Lovelace"),
            ("Dr. Ada Lovelace, PhD", "Ada", "Lovelace"),
            ("Prof. Dr.-Ing. Max Müller", "Max", "Müller"),
            ("Herr Max Müller", "Max", "Müller"),
            ("Ursula von der Leyen", "Ursula", "von der Leyen"),
            ("von der Leyen, Ursula", "Ursula", "von der Leyen"),
            ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
            ("Van Morrison", "Van", "Morrison"),
            ("Marine Le Pen", "Marine", "Le Pen"),
            ("Juan de la Cruz", "Juan", "de la Cruz"),
            ("José Ortega y Gasset", "José", "Ortega y Gasset"),
            ("DUPONT Jean-Luc", "Jean-Luc", "Dupont"),
            ("Jean DUPONT", "Jean", "Dupont"),
            ("Sr. Juan Pérez", "Juan", "Pérez"),
            ("Don Draper", "Don", "Draper"),
            ("Martin Luther King Jr.", "Martin Luther", "King"),
            ("Ada", "Ada", ""),
            ("  ", "", ""),
            ("12345", "", ""),
            ("Ada Lovelace (Acme)", "Ada", "Lovelace"),
            ("Ada Lovelace <ada@acme.example>", "Ada", "Lovelace"),
            ("Dr.", "Dr.", ""),
            ("Miss", "Miss", ""),
            (",", "", ""),
            ("Lovelace,", "Lovelace", ""),
            ("山田太郎", "山田太郎", ""),
            ("J. R. R. Tolkien", "J. R. R.", "Tolkien"),
        ] {
            assert_eq!(both(full, None), (given.to_owned(), family.to_owned()), "{full}");
        }
    }

    #[test]
    fn keeps_two_spanish_family_names() {
        for (full, given, family) in [
            ("María García López", "María", "García López"),
            ("José Luis Pérez", "José Luis", "Pérez"),
            ("María del Carmen García López", "María del Carmen", "García López"),
            ("JUAN CARLOS DE LA TORRE GÓMEZ", "Juan Carlos", "de la Torre Gómez"),
            ("Ana Pérez", "Ana", "Pérez"),
        ] {
            assert_eq!(both(full, Some("ES")), (given.to_owned(), family.to_owned()), "{full}");
        }
        assert_eq!(both("Anna Maria Schmidt", Some("DE")), ("Anna Maria".to_owned(), "Schmidt".to_owned()));
    }

    #[test]
    fn corrects_case_only_if_it_is_not_mixed() {
        for (text, expected) in [
            ("MARÍA DEL CARMEN", "María del Carmen"),
            ("jean-luc", "Jean-Luc"),
            ("LaToya", "LaToya"),
            ("JP", "JP"),
            ("j.r.r.", "J.R.R."),
            ("ÉMILE", "Émile"),
            ("dr. ada", "Ada"),
        ] {
            assert_eq!(given(text).as_deref(), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("mcdonald", "McDonald"),
            ("MCDONALD", "McDonald"),
            ("McDonald", "McDonald"),
            ("o'neil", "O'Neil"),
            ("O’NEIL", "O’Neil"),
            ("von der leyen", "von der Leyen"),
            ("VON DER LEYEN", "von der Leyen"),
            ("müller-lüdenscheidt", "Müller-Lüdenscheidt"),
            ("deGrom", "deGrom"),
            ("d'angelo", "D'Angelo"),
            ("li", "Li"),
            ("ß", "ß"),
        ] {
            assert_eq!(family(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(family("--"), None);
        assert_eq!(given("?"), None);
    }
}
