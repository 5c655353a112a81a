//! Suggests what to write instead of a value of the wrong shape: a sentence or a list in place of a condition, or keys
//! that other programs use.

use jiff::tz::TimeZone;

use super::{ACTIONS, Content, Node};
use crate::diagnostic::{did_you_mean, join};
use crate::field;
use crate::field::Kind;
use crate::value;
use crate::work::Work;
use fairleader_lead::id::is_name;

/// What people write between a field and its value, longest first.
const BETWEEN: [(&str, bool); 12] = [
    (" is not ", false),
    (" is in ", true),
    (" is one of ", true),
    (" is ", true),
    (" equals ", true),
    (" in ", true),
    (" != ", false),
    (" == ", true),
    (" = ", true),
    ("!=", false),
    ("=", true),
    (":", true),
];

/// Returns what to write instead of `node` where a condition is expected.
pub(super) fn of_condition(work: &Work, node: &Node) -> String {
    const EXAMPLE: &str = "a field with its value, such as `{ country: DE }`";
    match &node.content {
        Content::Sequence(_) => "write `any: […]` if one is enough, or `all: […]` if all must hold".to_owned(),
        Content::Scalar { text, .. } => match of_sentence(work, text) {
            Some(condition) => format!("write `{condition}`"),
            None if is_name(text) => {
                format!("write {EXAMPLE}, or `{{ is: {text} }}` if `conditions` defines it")
            }
            None => format!("write {EXAMPLE}"),
        },
        _ => format!("write {EXAMPLE}"),
    }
}

/// Returns `{ country: DE }` for `country is Germany`.
fn of_sentence(work: &Work, text: &str) -> Option<String> {
    let compared = [" >= ", " <= ", " > ", " < ", " contains ", " starts with ", " ends with "];
    let compared = compared.iter().find_map(|sign| {
        let (field, value) = text.split_at_checked(text.find(sign)?)?;
        Some((field.trim(), value.trim(), true))
    });
    let split = || {
        BETWEEN.iter().find_map(|(between, holds)| text.split_once(between).map(|(f, v)| (f.trim(), v.trim(), *holds)))
    };
    let (field, value, holds) = compared.or_else(split)?;
    if value.is_empty() {
        return None;
    }
    let spec = field::find(field);
    if spec.is_none() && !field.strip_prefix("custom.").is_some_and(|rest| !rest.is_empty() && !rest.contains(' ')) {
        return None;
    }
    let kind = spec.map_or(Kind::Text, |spec| spec.kind);
    let values: Vec<String> = value
        .trim_matches(['[', ']', '(', ')'])
        .split([',', ';', '|'])
        .flat_map(|part| part.split(" or "))
        .map(|part| spelt(work, kind, part.trim().trim_matches(['"', '\''])))
        .collect();
    let compared = match values.as_slice() {
        [one] => format!("{field}: {one}"),
        several => format!("{field}: [{}]", several.join(", ")),
    };
    Some(if holds { format!("{{ {compared} }}") } else { format!("{{ not: {{ {compared} }} }}") })
}

/// Returns the value in the spelling of a rulebook: `DE` for `Germany`.
fn spelt(work: &Work, kind: Kind, text: &str) -> String {
    let choices = match kind {
        Kind::Choice(words) => Some(words),
        _ => None,
    };
    let help = value::read(work, kind, text, choices, &TimeZone::UTC).err().and_then(|wrong| wrong.help);
    let meant = help.as_deref().and_then(|help| {
        let quoted = help.strip_prefix("write `").or_else(|| help.strip_prefix("did you mean `"))?;
        let (meant, rest) = quoted.split_once('`')?;
        (rest.is_empty() || rest == "?" || rest.starts_with(", the code")).then_some(meant)
    });
    meant.unwrap_or(text).to_owned()
}

/// Returns what to write instead of `node` under `then`.
pub(super) fn of_actions(node: &Node) -> String {
    let Content::Scalar { text, .. } = &node.content else { return "write `{ pool: NAME }`".to_owned() };
    let (first, rest) = text.split_once([' ', '=', ':']).unwrap_or((text, ""));
    let rest = rest.trim_start_matches([' ', '=', ':']);
    match ACTIONS.iter().find(|action| first == **action) {
        Some(action) if is_name(rest) => format!("write `{{ {action}: {rest} }}`"),
        Some(action @ (&"pool" | &"owner")) => format!("write `{{ {action}: NAME }}`"),
        Some(action) => format!("write `{{ {action}: REASON }}`"),
        None if is_name(text) => format!("write `{{ pool: {text} }}`"),
        None => "write `{ pool: NAME }`".to_owned(),
    }
}

/// Returns the help for a key that is not one of the `known` ones.
pub(super) fn of_key(work: &Work, key: &str, known: &[&str]) -> String {
    let meant = match key.to_lowercase().as_str() {
        "sla" | "nurture" if known.contains(&"route") => {
            return format!("remove it; Fairleader has no section `{key}` yet");
        }
        "unless" if known.contains(&"if") => return "write `if: { not: … }`".to_owned(),
        "when" | "where" | "condition" | "conditions" | "match" => "if",
        "name" | "title" | "id" => "rule",
        "do" | "action" | "actions" | "assign" => "then",
        _ => "",
    };
    if known.contains(&meant) {
        return format!("write `{meant}`");
    }
    did_you_mean(work, key, known.iter().copied()).unwrap_or_else(|| {
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        format!("write one of {}", join(&known, "or"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

    fn node(text: &str) -> Node {
        Node { span: Span::default(), content: Content::Scalar { text: text.to_owned(), quoted: false } }
    }

    #[test]
    fn suggests_a_condition_for_a_sentence() {
        let pairs = [
            ("country is Germany", "write `{ country: DE }`"),
            ("country = DE", "write `{ country: DE }`"),
            ("country:DE", "write `{ country: DE }`"),
            ("country is not Germany", "write `{ not: { country: DE } }`"),
            ("country in (DE, Austria)", "write `{ country: [DE, AT] }`"),
            ("country is UK or France", "write `{ country: [GB, FR] }`"),
            ("company.employees >= 1000", "write `{ company.employees: 1000+ }`"),
            ("job.level is C-Level", "write `{ job.level: c_level }`"),
            ("message contains price", "write `{ message: contains price }`"),
            ("custom.budget is high", "write `{ custom.budget: high }`"),
            ("the lead is German", "write a field with its value, such as `{ country: DE }`"),
            (
                "big",
                "write a field with its value, such as `{ country: DE }`, or `{ is: big }` if `conditions` defines it",
            ),
        ];
        for (text, help) in pairs {
            assert_eq!(of_condition(&Work::default(), &node(text)), help, "{text}");
        }
    }

    #[test]
    fn suggests_an_action_for_a_word() {
        let pairs = [
            ("dach", "write `{ pool: dach }`"),
            ("pool dach", "write `{ pool: dach }`"),
            ("owner = anna", "write `{ owner: anna }`"),
            ("disqualify", "write `{ disqualify: REASON }`"),
            ("owner Anna Berg", "write `{ owner: NAME }`"),
            ("Anna Berg", "write `{ pool: NAME }`"),
        ];
        for (text, help) in pairs {
            assert_eq!(of_actions(&node(text)), help, "{text}");
        }
    }
}
