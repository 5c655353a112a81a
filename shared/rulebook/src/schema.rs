//! The JSON Schema of rulebooks, with which editors complete keys and values, explain them and mark mistakes.
//!
//! It is built from the same lists of keys as `parse` and the same table of fields as the checks, so it stays complete.
//! It never rejects what [`Rulebook::parse`] accepts (except for accents in fixed values), but it cannot catch every
//! mistake: it does not know which lookups, pools and reps exist. An editor gives scalars a type before it applies the
//! schema (`01067` becomes a number and, in YAML 1.1, `NO` becomes false), so the schema accepts numbers and booleans
//! wherever text may look like one.

use crate::time_span;
use serde_json::{Map, Value, json};

use super::field::{self, CUSTOM_KINDS, FIELDS, Kind, Spec};
use super::parse::{
    ACCOUNT_KEYS, ACTIONS, COMPANY_KEYS, CONDITION_KEYS, DID_KEYS, DID_LINE_KEYS, ENGAGEMENT_KEYS, FALLBACK_KEYS,
    FIT_KEYS, IF_NOBODY, IF_UNAVAILABLE, LINE_KEYS, RULE_KEYS, SCORE_KEYS, SECTIONS, TABLE_KEYS, VALUES_KEYS,
    action_keys,
};
use crate::rulebook::Rulebook;
use fairleader_lead::ruling::Priority;

/// A name of a pool, rep, reason or condition; see [`fairleader_lead::id::is_name`].
const NAME: &str = "[a-z0-9][a-z0-9._-]{0,63}";
/// The types that an editor may give to a value.
const SCALAR: [&str; 4] = ["string", "number", "boolean", "null"];
/// A duration; see [`super::time_span::length`].
const LENGTH: &str = r"[1-9]\d* +(?:minutes?|hours?|days?|weeks?)";

impl Rulebook {
    /// Returns the JSON Schema (draft 2020-12) of rulebooks, for editors.
    ///
    /// ```
    /// use fairleader_rulebook::Rulebook;
    ///
    /// let schema = Rulebook::json_schema();
    /// assert_eq!(schema["properties"]["route"]["minItems"], 1);
    /// ```
    pub fn json_schema() -> Value {
        let root = object(SECTIONS, &["company", "score", "mql", "route"], section);
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Fairleader rulebook",
            "description": "Which leads go to sales, who gets them, and which stay with marketing. Reference: docs/rulebook.md.",
            "$defs": {
                "scalar": scalar(),
                "texts": one_or_many(&refer("scalar")),
                "number": number(None),
                "percent": number(Some(100)),
                "date": date(),
                "yes_no": { "enum": ["yes", "no", "present", "absent", true, false] },
                "country": country(),
                "language": language(),
                "text": text(),
                "length": hinted(
                    json!({ "type": "string", "pattern": format!("^{LENGTH}$"), "examples": ["7 days", "14 days", "2 hours"] }),
                    time_span::LENGTH_HELP,
                ),
                "name": name(false),
                "share": hinted(
                    json!({ "type": "string", "pattern": r"^\d{1,3} *%$", "examples": ["40%"] }),
                    "write a whole percentage, such as `40%`",
                ),
                "points": points(-100),
                "condition": condition("condition", true),
                "early_condition": condition("early_condition", false),
                "rule": rule("condition", then(ACTIONS)),
                "block_rule": rule("early_condition", then(&["disqualify", "hold"])),
                "lookup": lookup(),
            },
        });
        if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), root) {
            schema.extend(root);
        }
        schema
    }
}

fn refer(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

/// Adds a description, which editors show.
fn described(mut schema: Value, description: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), description.into());
    }
    schema
}

/// Returns a mapping with no other keys than these; `of` gives the schema of each key.
fn object(keys: &[&str], required: &[&str], of: impl Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), of(key))).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items, "minItems": 1 })
}

fn one_or_many(one: &Value) -> Value {
    json!({ "anyOf": [one, list(one)] })
}

/// Adds the message for values that do not match, for editors that support `errorMessage`.
fn hinted(mut schema: Value, help: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("errorMessage".to_owned(), help.into());
    }
    schema
}

/// Returns a schema for any value: whatever type the editor gives it, the rulebook reads the text.
fn scalar() -> Value {
    json!({ "type": SCALAR })
}

fn section(name: &str) -> Value {
    match name {
        "company" => described(company(), "Time zone and currency of the company."),
        "fields" => described(fields(), "Types of custom fields, so that they can be compared as numbers, dates, …"),
        "lookups" => {
            let lookups = json!({ "type": "object", "minProperties": 1, "additionalProperties": refer("lookup") });
            described(lookups, "Fields derived from other fields: a region from the country, a territory from a table.")
        }
        "conditions" => {
            let name = json!({ "pattern": format!("^{NAME}$") });
            let conditions = json!({
                "type": "object", "minProperties": 1, "propertyNames": name, "additionalProperties": refer("condition"),
            });
            described(conditions, "Conditions with a name; use them as `is: NAME`.")
        }
        "block" => described(
            list(&refer("block_rule")),
            "Rules that disqualify or hold a lead before anything else; the first match wins.",
        ),
        "score" => described(
            score(),
            "How good a lead is: fit, engagement and account, each from 0 to 100 and times its share.",
        ),
        "mql" => described(
            list(&refer("condition")),
            "A lead that meets any of these lines is ready for sales; all other leads go to nurture.",
        ),
        "route" => described(
            list(&refer("rule")),
            "Who gets the lead: from top to bottom, the first match wins; the last rule has no `if`.",
        ),
        _ => json!(true),
    }
}

fn company() -> Value {
    object(COMPANY_KEYS, COMPANY_KEYS, |key| match key {
        "zone" => described(
            json!({ "type": "string", "minLength": 1, "examples": ["Europe/Berlin", "America/New_York", "UTC"] }),
            "Time zone in which days start and end, by its IANA name.",
        ),
        "currency" => described(
            json!({ "type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR", "USD", "GBP"] }),
            "Currency of every value, as its three-letter ISO 4217 code.",
        ),
        _ => json!(true),
    })
}

fn fields() -> Value {
    let kinds: Vec<&str> = CUSTOM_KINDS.iter().map(|(name, _)| *name).collect();
    let kind = json!({ "if": { "type": "array" }, "then": { "items": refer("scalar"), "minItems": 1 }, "else": { "enum": kinds } });
    let kind = described(kind, "The type of the field, or a list of the values it may have.");
    json!({ "type": "object", "minProperties": 1, "patternProperties": { r"^custom\..": kind }, "additionalProperties": false })
}

fn lookup() -> Value {
    let key = |key: &str| match key {
        "from" => described(
            refer("texts"),
            "The field to look up by; for a table, one or more fields, with a postal code last.",
        ),
        "values" => {
            let values = json!({ "type": "object", "minProperties": 1, "additionalProperties": refer("texts") });
            described(values, "Each result with the values that lead to it: `dach: [DE, AT, CH]`.")
        }
        "use" => described(refer("name"), "The table."),
        "gives" => described(refer("texts"), "Columns to read from the table; the first is the lookup's own value."),
        _ => json!(true),
    };
    let table = object(TABLE_KEYS, TABLE_KEYS, key);
    json!({ "type": "object", "if": { "required": ["use"] }, "then": table, "else": object(VALUES_KEYS, VALUES_KEYS, key) })
}

fn rule(condition: &str, then: Value) -> Value {
    let then = described(then, "What happens to the lead.");
    object(RULE_KEYS, &["rule", "then"], |key| match key {
        "rule" => described(
            json!({ "type": SCALAR, "maxLength": 100 }),
            "The rule's name, shown in decisions and explanations; it must be unique.",
        ),
        "if" => described(refer(condition), "Which leads the rule takes; without `if` it takes all of them."),
        "then" => then.clone(),
        _ => json!(true),
    })
}

fn then(actions: &[&str]) -> Value {
    let mut keys: Vec<&str> = actions.to_vec();
    let mut only_with = Map::new();
    let mut all_of = Vec::new();
    for key in actions.iter().flat_map(|action| action_keys(action)) {
        if keys.contains(key) {
            continue;
        }
        keys.push(key);
        let beside: Vec<&str> = actions.iter().copied().filter(|action| action_keys(action).contains(key)).collect();
        if let [only] = beside.as_slice() {
            only_with.insert((*key).to_owned(), json!([only]));
        } else {
            let beside: Vec<Value> = beside.iter().map(|action| json!({ "required": [action] })).collect();
            all_of.push(json!({ "if": { "required": [key] }, "then": { "anyOf": beside } }));
        }
    }
    // If there are two actions, mark the second.
    for (at, first) in actions.iter().enumerate() {
        let others: Map<String, Value> =
            actions.iter().skip(at + 1).map(|other| ((*other).to_owned(), json!(false))).collect();
        if !others.is_empty() {
            all_of.push(json!({ "if": { "required": [first] }, "then": { "properties": others } }));
        }
    }
    let any: Vec<Value> = actions.iter().map(|action| json!({ "required": [action] })).collect();
    let mut then = object(&keys, &[], action);
    if let Some(then) = then.as_object_mut() {
        then.insert("anyOf".to_owned(), any.into());
        then.insert("allOf".to_owned(), all_of.into());
        if !only_with.is_empty() {
            then.insert("dependentRequired".to_owned(), only_with.into());
        }
    }
    then
}

fn action(key: &str) -> Value {
    match key {
        "pool" => described(
            name(true),
            "Give the lead to a rep of this pool; `from LOOKUP.pool` takes the pool from a table.",
        ),
        "owner" => described(
            name(true),
            "Give the lead to one rep: `account.owner`, `account.deal_owner`, `from LOOKUP.owner` or the name of a rep.",
        ),
        "nurture" => described(refer("name"), "Leave the lead with marketing; give the reason in one word."),
        "disqualify" => described(refer("name"), "Disqualify the lead; give the reason in one word."),
        "hold" => described(refer("name"), "Hold the lead until a person decides; give the reason in one word."),
        "if_nobody" => described(
            fallback(IF_NOBODY.1),
            "If no rep of the pool can take the lead: `wait` in its waiting line (the default), or try another pool.",
        ),
        "if_unavailable" => described(
            fallback(IF_UNAVAILABLE.1),
            "If the owner cannot take the lead: `assign` it anyway (the default), or try a pool.",
        ),
        "counts_as_turn" => described(
            json!({ "enum": ["yes", "no", true, false] }),
            "Whether it counts as one of the owner's turns in the pool of `if_unavailable`; the default is `yes`.",
        ),
        "priority" => {
            let known = Priority::ALL.map(Priority::as_str);
            described(
                json!({ "enum": known }),
                "How urgent the lead is; this comes before its score. The default is `normal`.",
            )
        }
        "value" => described(
            json!({ "type": ["string", "integer"], "pattern": r"^(?:\d+|from .+)$", "minimum": 0, "maximum": u32::MAX }),
            "Expected value of the lead, in whole units of the currency; `from FIELD` takes it from a number field.",
        ),
        _ => json!(true),
    }
}

fn fallback(word: &str) -> Value {
    let pool = |key: &str| match key {
        "pool" => described(refer("name"), "The pool to try instead."),
        _ => json!(true),
    };
    json!({ "if": { "type": "object" }, "then": object(FALLBACK_KEYS, FALLBACK_KEYS, pool), "else": { "enum": [word] } })
}

fn score() -> Value {
    object(SCORE_KEYS, &[], |key| match key {
        "fit" => {
            let line = object(LINE_KEYS, LINE_KEYS, |key| match key {
                "if" => described(refer("early_condition"), "Which leads the line counts for."),
                key => part(key, &json!(true)),
            });
            described(object(FIT_KEYS, &["share"], |key| part(key, &line)), "Who the person and company are.")
        }
        "engagement" => {
            let keys: Vec<&str> = DID_LINE_KEYS.iter().chain(DID_KEYS).copied().collect();
            let line = object(&keys, &["did", "points"], |key| match key {
                "product" => described(refer("texts"), "Count only activities about one of these products."),
                "at_most" => described(
                    points(0),
                    "The most points the line gives or takes, however many activities it counts; the default is 100.",
                ),
                "points" => part(key, &json!(true)),
                key => did(key),
            });
            described(object(ENGAGEMENT_KEYS, &["share"], |key| part(key, &line)), "What the person did.")
        }
        "account" => {
            described(object(ACCOUNT_KEYS, &["share"], |key| part(key, &json!(true))), "The account's own score.")
        }
        "grades" => {
            let from = json!({ "type": "string", "pattern": r"^0*(?:100|\d{1,2})\+$", "examples": ["80+"] });
            let grades = json!({ "type": "object", "minProperties": 1, "additionalProperties": from });
            described(grades, "Letters for scores, best first: `{ A: 80+, B: 60+ }`.")
        }
        _ => json!(true),
    })
}

/// Returns the schema for a key of a part of the score, or of its lines.
fn part(key: &str, line: &Value) -> Value {
    match key {
        "share" => described(refer("share"), "How much the part counts; the shares add up to 100%."),
        "lines" => described(list(line), "Lines that give or take points; the lines that hold are added up."),
        "points" => described(refer("points"), "From -100 to 100; for engagement, the points of one new activity."),
        "halves_every" => described(
            refer("length"),
            "How long until an activity counts half; without this key it always counts in full.",
        ),
        _ => json!(true),
    }
}

fn condition(own: &str, scored: bool) -> Value {
    let keys: Vec<&str> = CONDITION_KEYS.iter().chain(DID_KEYS).copied().collect();
    let mut condition = object(&keys, &[], |key| match key {
        "all" => described(list(&refer(own)), "All of these conditions hold."),
        "any" => described(list(&refer(own)), "At least one of these conditions holds."),
        "not" => described(refer(own), "This condition does not hold. A lead without the value passes."),
        "is" => described(refer("texts"), "One of these named conditions holds."),
        key => did(key),
    });
    let fields = FIELDS.iter().map(|spec| {
        let schema = if spec.scored && !scored { json!(false) } else { described(values(spec), &hover(spec)) };
        (spec.name.to_owned(), schema)
    });
    let needed = DID_KEYS.iter().map(|key| ((*key).to_owned(), json!(["did"]))).collect();
    if let Some(condition) = condition.as_object_mut() {
        if let Some(properties) = condition.get_mut("properties").and_then(Value::as_object_mut) {
            properties.extend(fields);
        }
        let own = described(refer("texts"), "A custom field, by the name the sender gives it; `fields` sets its type.");
        condition.insert("patternProperties".to_owned(), json!({ r"^custom\..": own }));
        // Any other key may be the name of a lookup.
        condition.insert("additionalProperties".to_owned(), refer("texts"));
        condition.insert("minProperties".to_owned(), json!(1));
        condition.insert("dependentRequired".to_owned(), Value::Object(needed));
        condition.remove("required");
    }
    condition
}

fn did(key: &str) -> Value {
    match key {
        "did" => described(
            refer("texts"),
            "The person did one of these: `demo`, `contact_me`, …; `present` means anything, `absent` nothing.",
        ),
        "within" => described(refer("length"), "… at most this long ago."),
        "times" => described(
            json!({ "type": ["string", "integer"], "pattern": range("", r"\d+", r"\d+"), "minimum": 1 }),
            "… this many times: `3+`, `2-5`.",
        ),
        "spend" => described(one_or_many(&json!({ "enum": ["low", "medium", "high"] })), "… with this much effort."),
        "response" => described(refer("texts"), "… with this response: `attended`, `no_show`, `clicked`, …"),
        "channel" => described(refer("texts"), "… through this channel: `web`, `email`, `event`, …"),
        _ => json!(true),
    }
}

/// Returns what an editor shows for a field.
fn hover(spec: &Spec) -> String {
    let meaning = spec.meaning;
    let first = meaning.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let rest: String = meaning.chars().skip(1).collect();
    format!("{first}{rest}. {}; for example `{}`.", spec.kind.in_words(), spec.example)
}

fn values(spec: &Spec) -> Value {
    let definition = match spec.kind {
        Kind::Number { most: 100 } => "percent",
        Kind::Number { .. } => "number",
        Kind::Date => "date",
        Kind::YesNo => "yes_no",
        Kind::Country => "country",
        Kind::Language => "language",
        Kind::Choice(words) => return one_or_many(&choice(words)),
        Kind::Text | Kind::Word | Kind::Rep | Kind::Grade | Kind::OneOf => "text",
    };
    one_or_many(&refer(definition))
}

/// Returns a pattern for `40`, `50-999`, `1000+` and `under 50`, with `whole` and `end` as patterns for the numbers.
fn range(words: &str, whole: &str, end: &str) -> String {
    format!(r"^(?:{words}{whole} *\+?|{whole} *- *{whole}|under +{end})$")
}

fn number(most: Option<u32>) -> Value {
    let (whole, end) = match most {
        Some(100) => (r"0*(?:100|\d{1,2})", r"0*(?:10[01]|\d{1,2})"),
        _ => (r"\d+", r"\d+"),
    };
    let most = most.unwrap_or(u32::MAX);
    json!({
        "type": ["string", "integer"], "minimum": 0, "maximum": most,
        "pattern": range("present|absent|", whole, end),
        "errorMessage": "write a whole number or range, such as `40`, `50-99`, `60+` or `under 50`",
        "examples": ["40", "50-99", "60+", "under 50", "present", "absent"],
    })
}

fn date() -> Value {
    let day = r"\d{4}-\d{2}-\d{2}";
    json!({
        "type": "string",
        "pattern": format!(
            "^(?:present|absent|(?:within|in the next) +{LENGTH}|more than +{LENGTH} ago|(?:(?:before|since) +)?{day}|{day} +to +{day})$"
        ),
        "errorMessage": "write a day as `2026-04-01`, `before 2026-04-01`, `since 2026-04-01` or `2026-04-01 to 2026-06-30`, \
            or relative to now as `within 7 days`, `more than 30 days ago` or `in the next 90 days`",
        "examples": ["within 7 days", "more than 30 days ago", "in the next 90 days", "since 2026-01-01", "before 2026-04-01"],
    })
}

fn country() -> Value {
    let codes: Vec<&str> = field::countries().chain(["present", "absent"]).collect();
    let help = "write the two-letter ISO 3166-1 code, such as `DE`";
    json!({ "anyOf": [
        { "enum": codes, "errorMessage": help },
        { "type": "string", "pattern": "^(?:[a-z][A-Za-z]|[A-Z][a-z])$", "errorMessage": help },
        { "const": false, "description": "Norway (`NO`), as a YAML 1.1 editor reads it." },
    ] })
}

fn language() -> Value {
    json!({ "anyOf": [
        { "type": "string", "pattern": "^(?:[A-Za-z]{2}|present|absent)$", "errorMessage": "write the two-letter ISO 639-1 code, such as `de`", "examples": ["de", "en", "fr"] },
        { "const": false, "description": "Norwegian (`no`), as a YAML 1.1 editor reads it." },
    ] })
}

fn text() -> Value {
    json!({
        "type": SCALAR, "minLength": 1,
        "not": { "type": "string", "pattern": "^(?:starts with|ends with|contains)$" },
        "examples": ["present", "absent", "starts with …", "ends with …", "contains …", "word …"],
    })
}

fn choice(words: &[&str]) -> Value {
    let listed: Vec<&str> = words.iter().copied().chain(["present", "absent"]).collect();
    let any_case: Vec<String> = words.iter().map(|word| in_any_case(word)).collect();
    json!({ "anyOf": [{ "enum": listed }, { "type": "string", "pattern": format!("^(?:{})$", any_case.join("|")) }] })
}

fn in_any_case(word: &str) -> String {
    let letter =
        |c: char| if c.is_ascii_alphabetic() { format!("[{c}{}]", c.to_ascii_uppercase()) } else { c.to_string() };
    word.chars().map(letter).collect()
}

fn name(or_from: bool) -> Value {
    let pattern = if or_from { format!("^(?:{NAME}|from .+)$") } else { format!("^{NAME}$") };
    hinted(
        json!({ "type": SCALAR, "pattern": pattern }),
        "write one word of `a-z 0-9 - _ .`, starting with a letter or digit",
    )
}

fn points(least: i32) -> Value {
    let points = json!({ "type": ["string", "integer"], "minimum": least, "maximum": 100, "pattern": r"^[+-]?0*(?:100|\d{1,2})$" });
    hinted(points, &format!("write a whole number from {least} to 100"))
}

#[cfg(test)]
pub(super) mod tests;
