//! The lead fields that senders can use: one table for JSON, forms and lists.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;

use crate::normalise::fold::key;

/// Most characters of a custom field's value.
pub const LONGEST_CUSTOM_VALUE: usize = 1_000;
/// Most characters of a custom field's name.
pub const LONGEST_CUSTOM_NAME: usize = 64;
/// Most custom fields of one submission.
pub const MOST_CUSTOM: usize = 50;

/// One field of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, both in JSON and as a column.
    pub name: &'static str,
    /// The kind of value it holds.
    pub kind: FieldKind,
    /// Length limit in characters.
    pub longest: usize,
    /// Other column headers for it, separated by `;`. Case, accents, spaces and punctuation are ignored.
    pub headers: &'static str,
    /// Headers that are used for it only if the list has no better column; otherwise such a column is a custom field.
    pub instead: &'static str,
}

/// Kinds of value that a field can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// Text with line breaks.
    Lines,
    /// An e-mail address.
    Email,
    /// A number or text (`50-999`).
    Number,
    /// A boolean, or a word for yes or no.
    Flag,
    /// A channel for reaching a person.
    Channel,
}

/// Every field, in the order in which people think of them.
pub const FIELDS: &[Field] = &[
    Field {
        name: "email",
        kind: FieldKind::Email,
        longest: 320,
        headers: "E-Mail; Email address; E-Mail-Adresse; Mailadresse; Work email; Business email; Company email; \
                  Emailaddress; E-Mail geschäftlich; Geschäftliche E-Mail; correo electrónico; dirección de \
                  correo electrónico; dirección de correo; Adresse e-mail; Adresse électronique; Courriel; \
                  Adresse mail; indirizzo e-mail; indirizzo mail; posta elettronica; Endereço de e-mail; \
                  E-mailadres; E-postadress; E-post; Your email; Primary email",
        instead: "Mail; Correo; Contact Email; Private Email; E-Mail privat; Secondary Email",
    },
    Field {
        name: "phone",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Phone number; Telephone; Telephone number; Tel; Tel. no.; Business phone; Work phone; Company \
                  phone; Telefon; Telefonnummer; Telefon geschäftlich; Rufnummer; Teléfono; Número de teléfono; \
                  Téléphone; Numéro de téléphone; Telefono; Numero di telefono; Telefone; Número de telefone; \
                  Telefoon; Telefoonnummer; Your phone; Phone no",
        instead: "Mobile; Mobile phone; Mobile number; Mobile phone number; Cell; Cell phone; Handy; Handynummer; \
                  Mobil; Mobilnummer; Mobiltelefon; Móvil; Celular; Teléfono móvil; Portable; Téléphone portable; \
                  Cellulare; Telemóvel; Mobiel; Direct phone; WhatsApp",
    },
    Field {
        name: "name",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Full name; Contact name; Lead name; Vollständiger Name; Vor- und Nachname; Nombre completo; \
                  Nombre y apellidos; Nom complet; Nom et prénom; Prénom et nom; Nome completo; Nome e cognome; \
                  Volledige naam; Naam; Namn; Your name",
        instead: "Contact; Kontakt; Contacto; Ansprechpartner; Person",
    },
    Field {
        name: "first_name",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Firstname; Given name; Forename; Vorname; Nombre; Prénom; Nome; Primeiro nome; Voornaam; \
                  Förnamn; Nombre de pila",
        instead: "",
    },
    Field {
        name: "last_name",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Lastname; Surname; Family name; Nachname; Familienname; Zuname; Apellido; Apellidos; Nom; Nom \
                  de famille; Cognome; Sobrenome; Apelido; Achternaam; Efternamn",
        instead: "",
    },
    Field {
        name: "job_title",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Jobtitle; Position; Job position; Job role; Job function; Funktion; Stellenbezeichnung; \
                  Berufsbezeichnung; Stelle; Cargo; Puesto; Puesto de trabajo; Posición; Fonction; Poste; \
                  Intitulé du poste; Qualifica; Posizione; Ruolo; Mansione; Função; Posição; Functie; \
                  Functietitel; Befattning; Titel/Position",
        instead: "Title; Titel; Role; Rolle; Rol",
    },
    Field {
        name: "company",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Company name; Organisation; Organization; Organisation name; Organization name; Business name; \
                  Firma; Firmenname; Unternehmen; Unternehmensname; Empresa; Nombre de la empresa; Compañía; \
                  Razón social; Entreprise; Société; Nom de l'entreprise; Raison sociale; Azienda; Società; \
                  Ragione sociale; Nome da empresa; Bedrijf; Bedrijfsnaam; Företag; Företagsnamn; Foretag",
        instead: "Account; Account name; Kunde; Cliente; Client; Employer; Arbeitgeber",
    },
    Field {
        name: "website",
        kind: FieldKind::Text,
        longest: 300,
        headers: "Web site; Web; URL; Homepage; Company website; Company domain; Company domain name; Domain; \
                  Webseite; Internetseite; Internet; Sitio web; Página web; Site web; Site internet; Sito web; \
                  Sito; Site; Hemsida; Webbplats",
        instead: "",
    },
    Field {
        name: "country",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Country/Region; Country code; Country name; Nation; Land; Staat; Länderkennzeichen; Ländercode; \
                  País; Pays; Paese; Nazione; Landcode",
        instead: "",
    },
    Field {
        name: "state",
        kind: FieldKind::Text,
        longest: 200,
        headers: "State/Region; State/Province; Province; Region; County; Bundesland; Kanton; Provincia; Estado; \
                  Comunidad autónoma; Región; Région; Département; Regione; Provincie; Região; Län",
        instead: "",
    },
    Field {
        name: "city",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Town; Ort; Stadt; Wohnort; Ciudad; Localidad; Población; Municipio; Ville; Commune; Città; \
                  Comune; Cidade; Município; Plaats; Stad; Woonplaats; Postort",
        instead: "",
    },
    Field {
        name: "postal_code",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Postcode; Post code; Postal; Zip; Zip code; Zip/Postal code; PLZ; Postleitzahl; Código postal; \
                  C.P.; Code postal; CAP; Codice postale; CEP; Codigo postal; Postnummer",
        instead: "",
    },
    Field {
        name: "employees",
        kind: FieldKind::Number,
        longest: 200,
        headers: "Number of employees; Employee count; No. of employees; # Employees; Company size; Headcount; \
                  Mitarbeiter; Mitarbeiterzahl; Anzahl Mitarbeiter; Unternehmensgröße; Firmengröße; Empleados; \
                  Número de empleados; Tamaño de la empresa; Effectif; Effectifs; Nombre d'employés; Nombre de \
                  salariés; Taille de l'entreprise; Dipendenti; Numero dipendenti; Numero di dipendenti; \
                  Funcionários; Número de funcionários; Colaboradores; Aantal medewerkers; Aantal werknemers; \
                  Anställda; Antal anställda",
        instead: "",
    },
    Field {
        name: "industry",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Sector; Branche; Industrie; Wirtschaftszweig; Industria; Secteur; Secteur d'activité; Settore; \
                  Setor; Ramo; Bransch; Business sector",
        instead: "",
    },
    Field {
        name: "language",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Lang; Locale; Preferred language; Sprache; Idioma; Lengua; Langue; Lingua; Língua; Taal; Språk",
        instead: "",
    },
    Field {
        name: "did",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Activity; Lead activity; Action; Request type; Conversion; Anfrageart; Aktion; Acción; Azione; \
                  Ação; Actie",
        instead: "",
    },
    Field {
        name: "product",
        kind: FieldKind::Text,
        longest: 200,
        headers: "Product interest; Product of interest; Interested in; Produkt; Produktinteresse; Producto; \
                  Produit; Prodotto; Produto",
        instead: "",
    },
    Field {
        name: "message",
        kind: FieldKind::Lines,
        longest: 5_000,
        headers: "Comments; Comment; Your message; Nachricht; Mitteilung; Anfrage; Mensaje; Comentarios; \
                  Commentaire; Commentaires; Messaggio; Mensagem; Bericht; Meddelande",
        instead: "Description; Beschreibung; Bemerkung; Comentario",
    },
    Field {
        name: "preferred_channel",
        kind: FieldKind::Channel,
        longest: 200,
        headers: "Preferred contact method; Contact preference; Bevorzugter Kanal; Kontaktweg; Canal preferido; \
                  Canal préféré; Canale preferito; Voorkeurskanaal",
        instead: "",
    },
    Field {
        name: "consent_email",
        kind: FieldKind::Flag,
        longest: 200,
        headers: "Email opt-in; Email consent; Marketing consent; Opt-in; E-Mail-Einwilligung; Einwilligung \
                  E-Mail; Consentimiento email; Consentement email; Consenso email",
        instead: "",
    },
    Field {
        name: "consent_phone",
        kind: FieldKind::Flag,
        longest: 200,
        headers: "Phone opt-in; Phone consent; Call consent; Einwilligung Telefon; Consentimiento teléfono; \
                  Consentement téléphone; Consenso telefono",
        instead: "",
    },
    Field {
        name: "utm_campaign",
        kind: FieldKind::Text,
        longest: 300,
        headers: "Campaign; Campaign name; Kampagne; Campaña; Campagne; Campagna; Campanha",
        instead: "",
    },
    Field {
        name: "utm_source",
        kind: FieldKind::Text,
        longest: 300,
        headers: "Lead source; Source; Original source; Quelle; Leadquelle; Fuente; Origen; Fonte; Origem; Bron",
        instead: "",
    },
    Field { name: "utm_medium", kind: FieldKind::Text, longest: 300, headers: "Medium; Medio; Support", instead: "" },
];

/// Finds the field with exactly this name.
pub(super) fn find(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// Finds the field that a column header clearly names.
pub(super) fn by_header(header: &str) -> Option<&'static Field> {
    static HEADERS: LazyLock<Headers> = LazyLock::new(|| index(Field::own_headers));
    HEADERS.get(&key(header)).copied()
}

/// Finds the field that a column header may name if the list has no better column for it.
pub(super) fn by_weak_header(header: &str) -> Option<&'static Field> {
    static HEADERS: LazyLock<Headers> = LazyLock::new(|| index(|field| Box::new(field.instead.split(';'))));
    HEADERS.get(&key(header)).copied()
}

type Headers = BTreeMap<String, &'static Field>;

fn index(headers: fn(&'static Field) -> Box<dyn Iterator<Item = &'static str>>) -> Headers {
    let every = FIELDS.iter().flat_map(|field| headers(field).map(move |header| (key(header), field)));
    every.filter(|(header, _)| !header.is_empty()).collect()
}

impl Field {
    fn own_headers(&'static self) -> Box<dyn Iterator<Item = &'static str>> {
        Box::new(std::iter::once(self.name).chain(self.headers.split(';')))
    }
}

/// Returns the name under which a custom field is stored: `name` without surrounding spaces. Returns `None` if it is
/// empty, too long, or contains anything except letters, digits, spaces and `_ - .`.
pub(super) fn custom_name(name: &str) -> Option<&str> {
    let name = name.trim();
    let short = (1..=LONGEST_CUSTOM_NAME).contains(&name.chars().count());
    let plain = name.chars().all(|c| is_name_character(c) || c == ' ');
    (short && plain).then_some(name)
}

/// Returns whether the name of a custom field can contain this character, spaces aside. Combining marks are allowed
/// because they are parts of letters in many scripts.
pub(super) fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '_' | '-' | '.')
}

/// Finds the field that a column header names, in any supported language.
pub fn meant_by_header(header: &str) -> Option<&'static Field> {
    by_header(header).or_else(|| by_weak_header(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_each_header_to_one_field() {
        let mut seen = BTreeMap::new();
        for field in FIELDS {
            for header in field.own_headers().chain(field.instead.split(';')).filter(|header| !header.is_empty()) {
                let before = seen.insert(key(header), field.name);
                assert!(before.is_none_or(|before| before == field.name), "`{header}`: {before:?} and {}", field.name);
            }
        }
    }

    #[test]
    fn ignores_case_accents_and_punctuation_in_headers() {
        for (header, name) in [
            ("email", "email"),
            ("E-MAIL", "email"),
            ("Correo Electronico", "email"),
            ("first name", "first_name"),
            ("VORNAME*", "first_name"),
            ("código_postal", "postal_code"),
            ("PLZ:", "postal_code"),
            ("Unternehmensgroesse", ""),
            ("Unternehmensgröße", "employees"),
            ("UTM Campaign", "utm_campaign"),
            ("Budget", ""),
            ("", ""),
        ] {
            assert_eq!(by_header(header).map_or("", |field| field.name), name, "{header}");
        }
        assert_eq!(by_weak_header("Handy").map(|field| field.name), Some("phone"));
    }
}
