//! Text for comparison: without case, accents and punctuation.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Folds case and accents: resolves compatibility forms (NFKD), removes marks, and converts letters to lower case.
///
/// Letters that Unicode does not decompose are replaced: `ß` by `ss`, `æ` by `ae`, `ø` by `o`, `ł` by `l`.
///
/// ```
/// use fairleader_lead::normalise::fold::fold;
///
/// assert_eq!(fold("GESCHÄFTSFÜHRER"), "geschaftsfuhrer");
/// assert_eq!(fold("Łódź, Straße"), "lodz, strasse");
/// ```
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            // The lower case of İ includes a combining mark.
            c if is_combining_mark(c) => {}
            c => folded.push(c),
        }
    }
    folded
}

/// Returns the folded words of a text: its runs of letters and digits.
pub fn words(text: &str) -> Vec<String> {
    fold(text).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Returns the folded letters and digits of a text as one word: `U.S.A.` and `usa` have the same key.
pub fn key(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Trims a text and replaces each run of whitespace with one space.
pub(crate) fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_and_accents() {
        for (text, folded) in [
            ("Código Postal", "codigo postal"),
            ("ÅNGSTRÖM", "angstrom"),
            ("Œuvre Ægir Øre", "oeuvre aegir ore"),
            ("İstanbul ısı", "istanbul isi"),
            ("ﬁrma №1", "firma no1"),
            ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
            ("Σίσυφος", "σισυφοσ"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
            assert_eq!(fold(folded), folded, "folding is idempotent: {text}");
        }
    }

    #[test]
    fn drops_punctuation_from_words_and_keys() {
        assert_eq!(words("  E-Mail (geschäftlich) "), ["e", "mail", "geschaftlich"]);
        assert_eq!(key("E-Mail / U.S.A."), "emailusa");
        assert_eq!(words("—"), Vec::<String>::new());
        assert_eq!(tidy("  a \t\n b  "), "a b");
    }
}
