//! Answers from a small set: yes or no, a channel, what a person did.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::fold::{key, words};
use super::lists;
use crate::profile::Channel;

/// Reads yes or no, in the words of forms and lists. Returns `None` for anything else.
pub fn flag(text: &str) -> Option<bool> {
    match key(text).as_str() {
        "true" | "yes" | "y" | "1" | "on" | "x" | "ja" | "j" | "si" | "s" | "sim" | "oui" | "o" | "wahr"
        | "verdadero" | "vrai" | "vero" | "optin" | "optedin" | "granted" | "subscribed" | "checked" => Some(true),
        "false" | "no" | "n" | "0" | "off" | "nein" | "nao" | "non" | "nee" | "nej" | "falsch" | "falso" | "faux"
        | "optout" | "optedout" | "denied" | "unsubscribed" | "unchecked" => Some(false),
        _ => None,
    }
}

/// Reads a channel, in the words of forms and lists. Returns `None` for anything else.
pub fn channel(text: &str) -> Option<Channel> {
    match key(text).as_str() {
        "email" | "mail" | "byemail" | "perepost" | "correo" | "correoelectronico" | "courriel" | "epost"
        | "peremail" => Some(Channel::Email),
        "phone" | "call" | "byphone" | "telephone" | "phonecall" | "telefon" | "anruf" | "telefono" | "llamada"
        | "telefone" | "telefoon" | "appel" | "chiamata" | "mobile" | "pertelefon" => Some(Channel::Phone),
        "sms" | "text" | "textmessage" => Some(Channel::Sms),
        "whatsapp" | "wa" => Some(Channel::Whatsapp),
        _ => None,
    }
}

/// Length limit of what a person did, in characters. A text can grow when it is folded.
const LONGEST_DID: usize = 200;

/// Phrases for what people did, in words joined by `_`, each with its standard word.
static DID: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    let lines = lists::entries(include_str!("lists/did.txt")).filter_map(|line| line.split_once(':'));
    let phrases =
        lines.flat_map(|(word, phrases)| phrases.split(',').map(move |phrase| (words(phrase).join("_"), word)));
    phrases.collect()
});

/// Normalises what a person did to lower-case words joined by `_`. Known phrases become their standard word (`Request a
/// demo` and `Demo anfragen` become `demo`). Returns `None` if the text has no letters or digits. Cuts off what is longer
/// than 200 characters.
///
/// ```
/// use fairleader_lead::normalise::choice;
///
/// assert_eq!(choice::did("Request a Demo").as_deref(), Some("demo"));
/// assert_eq!(choice::did("Visited our booth").as_deref(), Some("visited_our_booth"));
/// ```
pub fn did(text: &str) -> Option<String> {
    let said = words(text).join("_");
    if said.is_empty() {
        return None;
    }
    let known = DID.get(&said).map(|word| (*word).to_owned());
    Some(known.unwrap_or_else(|| said.chars().take(LONGEST_DID).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_answers_in_several_languages() {
        for (text, expected) in [
            ("Yes", Some(true)),
            ("SÍ", Some(true)),
            ("ja", Some(true)),
            ("1", Some(true)),
            ("on", Some(true)),
            ("Opt-in", Some(true)),
            ("no", Some(false)),
            ("Não", Some(false)),
            ("0", Some(false)),
            ("nein", Some(false)),
            ("maybe", None),
            ("", None),
            ("2", None),
        ] {
            assert_eq!(flag(text), expected, "{text}");
        }
        for (text, expected) in [
            ("E-Mail", Some(Channel::Email)),
            ("correo electrónico", Some(Channel::Email)),
            ("Teléfono", Some(Channel::Phone)),
            ("SMS", Some(Channel::Sms)),
            ("WhatsApp", Some(Channel::Whatsapp)),
            ("pigeon", None),
            ("", None),
        ] {
            assert_eq!(channel(text), expected, "{text}");
        }
    }

    #[test]
    fn maps_common_requests_to_one_word() {
        for (text, expected) in [
            ("contact_me", "contact_me"),
            ("Kontakt", "contact_me"),
            ("Contact us!", "contact_me"),
            ("Rückruf anfordern", "contact_me"),
            ("demo", "demo"),
            ("Demo request", "demo"),
            ("Solicitar una demo", "demo"),
            ("Whitepaper-Download", "download"),
            ("Angebot anfordern", "quote"),
            ("Webinar registration", "webinar"),
            ("Played the game", "played_the_game"),
        ] {
            assert_eq!(did(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(did(" ?! "), None);
    }
}
