//! E-mail addresses: whether a text is one, whom it identifies, and what kind it is.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::lists;
use crate::profile::{Email, EmailKind};

/// Length limit of the part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
const LONGEST_LOCAL: usize = 64;
/// Length limit of an address, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const LONGEST_ADDRESS: usize = 254;

/// Reads an e-mail address. Returns `None` if it is not valid.
///
/// Leftovers from copying are removed: `mailto:`, `Ada Lovelace <ada@acme.example>`, a comma or full stop at the end.
/// Quoted local parts (`"a b"@…`) and address literals (`@[192.0.2.1]`) are rejected: in a lead, they are mistakes.
/// This does not check whether the mailbox exists.
///
/// ```
/// use fairleader_lead::profile::EmailKind;
/// use fairleader_lead::normalise::email;
///
/// let email = email::parse("Ada.Lovelace+Web@ACME.example").unwrap();
/// assert_eq!(email.address, "Ada.Lovelace+Web@acme.example");
/// assert_eq!(email.identity, "ada.lovelace@acme.example");
/// assert_eq!(email.kind, EmailKind::Business);
/// assert_eq!(email::parse("anna(at)x"), None);
/// ```
pub fn parse(text: &str) -> Option<Email> {
    let composed: String = text.nfc().collect();
    let (local, domain) = unwrap(&composed).rsplit_once('@')?;
    if local.is_empty() || local.len() > LONGEST_LOCAL || !is_dot_atom(local) {
        return None;
    }
    let domain = ascii_domain(domain)?;
    let address = format!("{local}@{domain}");
    if address.len() > LONGEST_ADDRESS {
        return None;
    }
    let kind = if lists::is_disposable(&domain) {
        EmailKind::Disposable
    } else if lists::is_free(&domain) {
        EmailKind::Free
    } else if lists::is_role(local) {
        EmailKind::Role
    } else {
        EmailKind::Business
    };
    Some(Email { identity: identity(local, &domain), address, domain, kind })
}

/// Removes what surrounds an address that was copied from a mail program or a web page.
fn unwrap(text: &str) -> &str {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '.'));
    let inner = text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')).map_or(text, |(_, inner)| inner);
    let bare = match inner.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto:") => rest,
        _ => inner,
    };
    bare.trim()
}

/// Returns whether `local` is a dot-atom (RFC 5322, 3.2.3), with the letters beyond ASCII that RFC 6531 allows.
fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| {
        !atom.is_empty()
            && atom.chars().all(|c| c.is_alphanumeric() || is_combining_mark(c) || "!#$%&'*+-/=?^_`{|}~".contains(c))
    })
}

/// Converts a host name with at least two labels to lower case and ASCII (UTS 46). Returns `None` if it is not one.
pub(super) fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    // A top-level domain is never all digits. Without this check, an IP address would pass.
    let (_, top) = ascii.rsplit_once('.')?;
    top.chars().any(|c| !c.is_ascii_digit()).then(|| ascii.into_owned())
}

/// Returns the form of an address that identifies the person: lower case, without `+tag`. Gmail's two domains are the
/// same, and Gmail ignores dots (<https://support.google.com/mail/answer/7436150>). With other providers, dots matter.
fn identity(local: &str, domain: &str) -> String {
    let lower: String = local.to_lowercase();
    let untagged = match lower.split_once('+') {
        Some((name, _)) if !name.is_empty() => name,
        _ => &lower,
    };
    if matches!(domain, "gmail.com" | "googlemail.com") {
        format!("{}@gmail.com", untagged.replace('.', ""))
    } else {
        format!("{untagged}@{domain}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity_of(text: &str) -> String {
        parse(text).map(|email| email.identity).unwrap_or_default()
    }

    #[test]
    fn gives_one_identity_per_person() {
        for (text, identity) in [
            ("Ada@Acme.Example", "ada@acme.example"),
            ("ada+news@acme.example", "ada@acme.example"),
            ("a.da@acme.example", "a.da@acme.example"),
            ("A.d.a+x+y@GoogleMail.com", "ada@gmail.com"),
            ("mailto:ada@acme.example", "ada@acme.example"),
            ("MAILTO:ada@acme.example", "ada@acme.example"),
            ("Ada Lovelace <ada@acme.example>", "ada@acme.example"),
            (" <ada@acme.example>, ", "ada@acme.example"),
            ("ada@acme.example.", "ada@acme.example"),
            ("+tag@acme.example", "+tag@acme.example"),
            ("o'neil_2/x@mail.acme.example", "o'neil_2/x@mail.acme.example"),
            ("jörg@müller.example", "jörg@xn--mller-kva.example"),
            ("JO\u{308}RG@mu\u{308}ller.example", "jörg@xn--mller-kva.example"),
        ] {
            assert_eq!(identity_of(text), identity, "{text}");
        }
    }

    #[test]
    fn rejects_invalid_addresses() {
        for text in [
            "",
            "@",
            "ada",
            "anna(at)x",
            "anna@x",
            "anna @acme.example",
            "anna@ acme.example",
            "an na@acme.example",
            "a@b@acme.example",
            "<.ada@acme.example>",
            "ada.@acme.example",
            "a..da@acme.example",
            "ada@acme..example",
            "ada@-acme.example",
            "ada@acme_.example",
            "ada@192.0.2.1",
            "ada@[192.0.2.1]",
            "\"a b\"@acme.example",
            "ada@.example",
            "ada@acme.example/x",
            "ada,bob@acme.example",
            "a\u{0}da@acme.example",
            &format!("{}@acme.example", "a".repeat(65)),
            &format!("ada@{}.example", "a".repeat(64)),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn classifies_addresses() {
        for (text, kind) in [
            ("ada@acme.example", EmailKind::Business),
            ("ada@gmail.com", EmailKind::Free),
            ("info@gmail.com", EmailKind::Free),
            ("maria@uol.com.br", EmailKind::Free),
            ("max@yahoo.de", EmailKind::Free),
            ("x@sub.mailinator.com", EmailKind::Disposable),
            ("x@trashmail.example", EmailKind::Disposable),
            ("Kontakt@acme.example", EmailKind::Role),
            ("no-reply@acme.example", EmailKind::Role),
        ] {
            assert_eq!(parse(text).map(|email| email.kind), Some(kind), "{text}");
        }
    }
}
