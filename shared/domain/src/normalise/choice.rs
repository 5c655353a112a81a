//! Answers from a small set: yes or no, a channel, what somebody did.

use super::fold::{key, words};
use crate::lead::Channel;

/// Yes or no, in the words of forms and lists; `None` for anything else.
pub fn flag(text: &str) -> Option<bool> {
    match key(text).as_str() {
        "true" | "yes" | "y" | "1" | "on" | "x" | "ja" | "j" | "si" | "s" | "sim" | "oui" | "o" | "wahr" | "verdadero" | "vrai" | "vero"
        | "optin" | "optedin" | "granted" | "subscribed" | "checked" => Some(true),
        "false" | "no" | "n" | "0" | "off" | "nein" | "nao" | "non" | "nee" | "nej" | "falsch" | "falso" | "faux" | "optout" | "optedout"
        | "denied" | "unsubscribed" | "unchecked" => Some(false),
        _ => None,
    }
}

/// A channel, in the words of forms and lists; `None` for anything else.
pub fn channel(text: &str) -> Option<Channel> {
    match key(text).as_str() {
        "email" | "mail" | "byemail" | "perepost" | "correo" | "correoelectronico" | "courriel" | "epost" | "peremail" => Some(Channel::Email),
        "phone" | "call" | "byphone" | "telephone" | "phonecall" | "telefon" | "anruf" | "telefono" | "llamada" | "telefone" | "telefoon"
        | "appel" | "chiamata" | "mobile" | "pertelefon" => Some(Channel::Phone),
        "sms" | "text" | "textmessage" => Some(Channel::Sms),
        "whatsapp" | "wa" => Some(Channel::Whatsapp),
        _ => None,
    }
}

/// Phrases, folded and joined by `_`, and the word for what they say.
const DID: &[(&str, &[&str])] = &[
    ("contact_me", &[
        "contact", "contact_us", "contact_form", "contact_request", "contact_sales", "talk_to_sales", "contactus", "get_in_touch", "call_me", "call_me_back",
        "callback", "call_back", "request_a_call", "request_a_callback", "kontakt", "kontaktanfrage", "kontaktformular", "ruckruf", "ruckruf_anfordern", "kontakt_aufnehmen",
        "contacto", "contactar", "contactame", "contacte_con_nosotros", "formulario_de_contacto", "llamame", "contactez_nous", "contato", "fale_conosco", "contattaci",
        "neem_contact_op", "kontakta_oss",
    ]),
    ("demo", &[
        "request_a_demo", "request_demo", "demo_request", "demo_requested", "book_a_demo", "book_demo", "get_a_demo", "schedule_a_demo", "demo_anfordern", "demo_anfragen",
        "demoanfrage", "demo_buchen", "vorfuhrung", "demostracion", "solicitar_demo", "solicitar_una_demo", "pedir_demo", "demande_de_demo", "demander_une_demo",
        "demonstration", "solicitar_demonstracao", "richiedi_demo", "richiedi_una_demo", "demo_aanvragen", "boka_demo",
    ]),
    ("trial", &[
        "free_trial", "start_trial", "start_free_trial", "trial_signup", "testversion", "kostenlos_testen", "testzugang", "prueba", "prueba_gratis", "prueba_gratuita",
        "essai", "essai_gratuit", "teste_gratis", "prova_gratuita",
    ]),
    ("quote", &[
        "request_a_quote", "request_quote", "quote_request", "get_a_quote", "rfq", "angebot", "angebot_anfordern", "angebotsanfrage", "presupuesto", "solicitar_presupuesto",
        "cotizacion", "solicitar_cotizacion", "devis", "demande_de_devis", "preventivo", "richiedi_preventivo", "orcamento", "offerte", "offerte_aanvragen", "offert",
    ]),
    ("pricing", &["pricing_page", "prices", "price_list", "preise", "preisliste", "precios", "tarifs", "prezzi", "precos", "prijzen"]),
    ("download", &[
        "downloaded", "whitepaper", "white_paper", "ebook", "e_book", "whitepaper_download", "download_whitepaper", "white_paper_download", "ebook_download", "content_download",
        "brochure", "brochure_download", "broschure", "datasheet", "case_study", "descarga", "descargar", "telechargement", "telecharger", "scarica",
    ]),
    ("webinar", &["webinar_registration", "webinar_signup", "webinar_attended", "webinar_registered", "webinaire", "webinario", "webseminar", "online_seminar"]),
    ("newsletter", &["newsletter_signup", "newsletter_subscription", "subscribe", "subscribed", "newsletter_anmeldung", "boletin", "infolettre"]),
    ("event", &["trade_show", "tradeshow", "trade_fair", "fair", "conference", "messe", "messekontakt", "feria", "salon", "fiera", "feira", "beurs", "massa"]),
];

/// What somebody did, in lower-case words joined by `_`; other words for the usual things are brought together
/// (`Request a demo` and `Demo anfragen` are `demo`). `None` when nothing is left.
///
/// ```
/// use fairleader_domain::normalise::choice;
///
/// assert_eq!(choice::did("Request a Demo").as_deref(), Some("demo"));
/// assert_eq!(choice::did("Visited our booth").as_deref(), Some("visited_our_booth"));
/// ```
pub fn did(text: &str) -> Option<String> {
    let said = words(text).join("_");
    if said.is_empty() {
        return None;
    }
    let known = DID.iter().find(|(_, phrases)| phrases.contains(&said.as_str()));
    Some(known.map_or(said, |(word, _)| (*word).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_in_several_languages() {
        for (text, expected) in [
            ("Yes", Some(true)), ("SÍ", Some(true)), ("ja", Some(true)), ("1", Some(true)), ("on", Some(true)), ("Opt-in", Some(true)),
            ("no", Some(false)), ("Não", Some(false)), ("0", Some(false)), ("nein", Some(false)), ("maybe", None), ("", None), ("2", None),
        ] {
            assert_eq!(flag(text), expected, "{text}");
        }
        for (text, expected) in [
            ("E-Mail", Some(Channel::Email)), ("correo electrónico", Some(Channel::Email)), ("Teléfono", Some(Channel::Phone)), ("SMS", Some(Channel::Sms)),
            ("WhatsApp", Some(Channel::Whatsapp)), ("pigeon", None), ("", None),
        ] {
            assert_eq!(channel(text), expected, "{text}");
        }
    }

    #[test]
    fn the_usual_requests_are_brought_together() {
        for (text, expected) in [
            ("contact_me", "contact_me"), ("Kontakt", "contact_me"), ("Contact us!", "contact_me"), ("Rückruf anfordern", "contact_me"), ("demo", "demo"),
            ("Demo request", "demo"), ("Solicitar una demo", "demo"), ("Whitepaper-Download", "download"), ("Angebot anfordern", "quote"),
            ("Webinar registration", "webinar"), ("Played the game", "played_the_game"),
        ] {
            assert_eq!(did(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(did(" ?! "), None);
    }

    #[test]
    fn every_phrase_stands_once_and_folded() {
        let mut phrases: Vec<_> = DID.iter().flat_map(|(word, phrases)| std::iter::once(word).chain(*phrases)).collect();
        for phrase in &phrases {
            assert_eq!(words(phrase).join("_"), **phrase);
        }
        let all = phrases.len();
        phrases.sort_unstable();
        phrases.dedup();
        assert_eq!(phrases.len(), all);
    }
}
