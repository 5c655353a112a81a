//! Telephone numbers, by Google's libphonenumber metadata.

use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType};

use super::country;
use crate::profile::{Phone, PhoneKind};

/// Longer text is no telephone number, whatever digits it holds.
const LONGEST: usize = 100;

/// A telephone number and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The number.
    pub phone: Phone,
    /// Country of a mobile or fixed number, ISO 3166-1 alpha-2. Toll-free and other numbers say nothing about a person.
    pub country: Option<&'static str>,
}

/// Reads a telephone number. `country_hint`, where the person is said to be, decides on numbers in national form.
///
/// Without a country only `+49 …` and `0049 …` can be read. A number without either is not guessed at: `2025550173`
/// would be Egyptian as much as American. Of several numbers in one field the first that can be called counts.
///
/// ```
/// use fairleader_lead::normalise::phone;
///
/// let reading = phone::read("030 / 90 18 20", Some("DE"));
/// assert_eq!(reading.phone.e164.as_deref(), Some("+4930901820"));
/// assert_eq!(reading.country, Some("DE"));
/// ```
pub fn read(text: &str, country_hint: Option<&str>) -> Reading {
    let region = country_hint.and_then(|code| code.parse::<Region>().ok());
    let number = if text.len() > LONGEST {
        None
    } else {
        // The slash also stands within German numbers, so the whole comes first, and a part must not look like a
        // remainder.
        let whole_numbers = text.split('/').filter(|part| part.trim_start().starts_with(['+', '0', '(']));
        std::iter::once(text)
            .chain(text.split([';', ',', '|', '\n']))
            .chain(whole_numbers)
            .find_map(|part| valid(part.trim(), region))
    };
    let kind = number.as_ref().map_or(PhoneKind::Invalid, kind);
    Reading {
        country: number
            .as_ref()
            .filter(|_| matches!(kind, PhoneKind::Mobile | PhoneKind::Fixed))
            .and_then(PhoneNumber::get_region_code)
            .and_then(|region| country::code(region.as_region_str().as_str())),
        phone: Phone {
            raw: text.to_owned(),
            e164: number.map(|number| number.format_as(PhoneNumberFormat::E164).into_owned()),
            kind,
        },
    }
}

/// The number, if it is one of a range that is in use.
fn valid(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let parse = |text: &str| PHONE_NUMBER_UTIL.parse(text, region).ok().filter(PhoneNumber::is_valid);
    // `00` is the way out of most countries, and starts no valid number in the others (the United States dial 011).
    let from_abroad = || {
        let rest = text.trim_start_matches(['(', ' ']).strip_prefix("00")?;
        parse(&format!("+{}", rest.trim_start_matches(')')))
    };
    parse(text).or_else(from_abroad)
}

fn kind(number: &PhoneNumber) -> PhoneKind {
    match number.get_type() {
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => PhoneKind::Mobile,
        PhoneNumberType::FixedLine => PhoneKind::Fixed,
        PhoneNumberType::Unknown => PhoneKind::Invalid,
        _ => PhoneKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, country, e164, kind) in [
            ("+49 30 901820", None, "+4930901820", PhoneKind::Fixed),
            ("+49 (0)30 901820", None, "+4930901820", PhoneKind::Fixed),
            ("0049 30 901820", None, "+4930901820", PhoneKind::Fixed),
            ("0049 30 901820", Some("US"), "+4930901820", PhoneKind::Fixed),
            ("(0049) 30/901820", None, "+4930901820", PhoneKind::Fixed),
            ("(00)49 30 901820", None, "+4930901820", PhoneKind::Fixed),
            ("030/901820", Some("DE"), "+4930901820", PhoneKind::Fixed),
            ("0171-3920000", Some("DE"), "+491713920000", PhoneKind::Mobile),
            ("tel:+34 612 34 56 78", None, "+34612345678", PhoneKind::Mobile),
            ("612 345 678", Some("ES"), "+34612345678", PhoneKind::Mobile),
            ("34612345678", Some("ES"), "+34612345678", PhoneKind::Mobile),
            ("(202) 555-0173", Some("US"), "+12025550173", PhoneKind::Mobile),
            ("202-555-0173 ext. 12", Some("US"), "+12025550173", PhoneKind::Mobile),
            ("06 12 34 56 78", Some("FR"), "+33612345678", PhoneKind::Mobile),
            ("11 91234-5678", Some("BR"), "+5511912345678", PhoneKind::Mobile),
            ("+1 800 253 0000", None, "+18002530000", PhoneKind::Other),
            ("keine, 030 901820", Some("DE"), "+4930901820", PhoneKind::Fixed),
            ("+49 30 901820; +49 171 3920000", None, "+4930901820", PhoneKind::Fixed),
        ] {
            let phone = read(text, country).phone;
            assert_eq!((phone.e164.as_deref().unwrap_or(""), phone.kind), (e164, kind), "{text}");
            assert_eq!(phone.raw, text);
        }
    }

    #[test]
    fn what_nobody_can_call_is_invalid() {
        for (text, country) in [
            ("", None),
            ("12", Some("DE")),
            ("n/a", Some("DE")),
            ("030 901820", None),
            ("2025550173", None),
            ("+49 1", None),
            ("+999 123456789", None),
            ("000000000", Some("DE")),
            ("1111111", Some("ES")),
            ("+", None),
            ("+١", None),
            ("030 901820", Some("XX")),
            ("030 901820", Some("deutschland")),
        ] {
            let phone = read(text, country).phone;
            assert_eq!((phone.e164, phone.kind), (None, PhoneKind::Invalid), "{text}");
        }
    }

    #[test]
    fn the_country_comes_from_numbers_of_people() {
        for (text, country) in [
            ("+4930901820", Some("DE")),
            ("+1 416 555 0123", Some("CA")),
            ("+1 202 555 0173", Some("US")),
            ("+44 7781 123456", Some("GG")),
            ("+1 800 253 0000", None),
            ("+800 1234 5678", None),
        ] {
            assert_eq!(read(text, None).country, country, "{text}");
        }
    }
}
