//! Phone numbers, read with the metadata of Google's libphonenumber.

use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType};

use super::country;
use crate::profile::{Phone, PhoneKind};

/// Length limit in bytes. Longer text is not a phone number, whatever digits it contains.
const LONGEST: usize = 100;

/// Phone number with its country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The number.
    pub phone: Phone,
    /// The country of a mobile or fixed number, ISO 3166-1 alpha-2. Toll-free and other numbers say nothing about where
    /// a person is.
    pub country: Option<&'static str>,
}

/// Reads a phone number. `country_hint` is the country of the person, if known; it is used for numbers in national
/// form.
///
/// Without a country, only `+49 …` and `0049 …` can be read. Other numbers are not guessed: `2025550173` could be
/// Egyptian as well as American. If a field holds several numbers, the first valid one is used.
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
        // German numbers can contain a slash, so try the whole text first. A part counts only if it starts like a whole
        // number.
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

/// Returns the number if it is in a range that is in use.
fn valid(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let parse = |text: &str| PHONE_NUMBER_UTIL.parse(text, region).ok().filter(PhoneNumber::is_valid);
    // `00` is the international prefix in most countries. In the others (the United States use 011), no valid number
    // starts with it.
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
    fn reads_numbers_as_people_write_them() {
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
    fn marks_unusable_numbers_as_invalid() {
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
    fn takes_the_country_from_mobile_and_fixed_numbers_only() {
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
