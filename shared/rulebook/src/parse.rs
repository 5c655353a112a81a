//! Parses the YAML tree into the shape of a rulebook: which keys are allowed where, and what kind of value they hold.
//!
//! Names and values are left to [`super::check`]. Parsing continues after a mistake with what is left.

mod instead;

use super::ast::{
    Condition, Custom, CustomKind, Did, DidLine, Document, Engagement, Guard, Line, Lookup, LookupSource, Named, Part,
    Rule, Score, Text, Then,
};
use super::diagnostic::{Problems, Span, did_you_mean, join};
use super::yaml::{Content, Node};

/// The most rules of a section.
const MAX_RULES: usize = 100_000;
/// The most lookups, custom fields with a type, and named conditions.
const MAX_LOOKUPS: usize = 1_000;
const MAX_FIELDS: usize = 1_000;
const MAX_CONDITIONS: usize = 2_000;
/// The most grades: one for each score.
const MAX_GRADES: usize = 101;

type Entries<'n> = &'n [(Text, Node)];

pub(crate) const SECTIONS: &[&str] = &["company", "fields", "lookups", "conditions", "block", "score", "mql", "route"];
pub(crate) const COMPANY_KEYS: &[&str] = &["zone", "currency"];
/// Keys of a lookup that lists its values.
pub(crate) const VALUES_KEYS: &[&str] = &["from", "values"];
/// Keys of a lookup in a table.
pub(crate) const TABLE_KEYS: &[&str] = &["from", "use", "gives"];
pub(crate) const RULE_KEYS: &[&str] = &["rule", "if", "then"];
pub(crate) const ACTIONS: &[&str] = &["pool", "owner", "nurture", "disqualify", "hold"];
/// Returns the keys that may accompany an action.
pub(crate) fn action_keys(action: &str) -> &'static [&'static str] {
    match action {
        "pool" => &["if_nobody", "priority", "value"],
        "owner" => &["if_unavailable", "counts_as_turn", "priority", "value"],
        // Leads on hold are listed too, most urgent first.
        "hold" => &["priority", "value"],
        "nurture" => &["value"],
        _ => &[],
    }
}
/// Returns the help for a key that accompanies the wrong action; `None` if no action has this key.
fn misplaced(key: &str, action: &str) -> Option<String> {
    let help = match (key, action) {
        ("if_nobody", "owner") => "with `owner` use `if_unavailable`",
        ("if_nobody" | "if_unavailable", "nurture" | "disqualify" | "hold") => {
            "remove it; only `pool` and `owner` look for a rep"
        }
        ("if_unavailable", _) => "with `pool` use `if_nobody`",
        ("counts_as_turn", "pool") => "remove it; a lead from a pool always counts as a turn",
        ("counts_as_turn", _) => "remove it; only a lead that goes to a rep counts as a turn",
        ("priority", "nurture") => {
            "remove it; priority orders leads that wait for a person, and leads in nurture do not"
        }
        ("priority" | "value", _) => "remove it; a disqualified lead is not worked on",
        _ => return None,
    };
    Some(help.to_owned())
}
/// The key for a fallback, and the word it may have instead of a pool.
pub(crate) const IF_NOBODY: (&str, &str) = ("if_nobody", "wait");
/// See [`IF_NOBODY`].
pub(crate) const IF_UNAVAILABLE: (&str, &str) = ("if_unavailable", "assign");
pub(crate) const FALLBACK_KEYS: &[&str] = &["pool"];
pub(crate) const SCORE_KEYS: &[&str] = &["fit", "engagement", "account", "grades"];
pub(crate) const FIT_KEYS: &[&str] = &["share", "lines"];
pub(crate) const LINE_KEYS: &[&str] = &["if", "points"];
pub(crate) const ENGAGEMENT_KEYS: &[&str] = &["share", "halves_every", "lines"];
/// Keys of a line of `engagement`, besides [`DID_KEYS`].
pub(crate) const DID_LINE_KEYS: &[&str] = &["did", "product", "points", "at_most"];
pub(crate) const ACCOUNT_KEYS: &[&str] = &["share"];
/// Keys of a condition besides fields and [`DID_KEYS`].
pub(crate) const CONDITION_KEYS: &[&str] = &["all", "any", "not", "is", "did"];
/// Keys that narrow `did` in a condition.
pub(crate) const DID_KEYS: &[&str] = &["within", "times", "spend", "response", "channel"];

/// Parses the shape of a rulebook and adds what is wrong with it to `problems`.
pub(crate) fn parse(root: &Node, problems: &mut Problems) -> Document {
    Shaper { problems }.document(root)
}

struct Shaper<'p> {
    problems: &'p mut Problems,
}

fn get<'n>(entries: Entries<'n>, key: &str) -> Option<&'n Node> {
    entries.iter().find(|(name, _)| name.text == key).map(|(_, node)| node)
}

impl Shaper<'_> {
    fn document(&mut self, root: &Node) -> Document {
        let mut document = Document::default();
        let Some(entries) =
            self.mapping(root, "the rulebook", SECTIONS, "company: { zone: Europe/Berlin, currency: EUR }")
        else {
            return document;
        };
        for section in ["company", "score", "mql", "route"] {
            if get(entries, section).is_none() {
                let message = format!("the rulebook has no section `{section}`");
                let help = match section {
                    "company" => "add `company: { zone: Europe/Berlin, currency: EUR }`",
                    "score" => "add `score:` with `fit: { share: 100%, lines: […] }`",
                    "mql" => "add `mql:` with lines such as `- { score: 60+ }`",
                    _ => "add `route:` with at least one rule that has no `if`",
                };
                self.problems.error_help(start(entries), "missing-section", message, help.to_owned());
            }
        }
        for (key, node) in entries {
            match key.text.as_str() {
                "company" => self.company(key, node, &mut document),
                "fields" => document.fields = self.fields(node),
                "lookups" => document.lookups = self.lookups(node),
                "conditions" => document.conditions = self.conditions(node),
                "block" => document.block = self.rules(key, node),
                "score" => document.score = self.score(key, node),
                "mql" => document.mql = self.mql(node),
                "route" => document.route = self.rules(key, node),
                _ => {}
            }
        }
        self.problems.about(None);
        document
    }

    fn company(&mut self, key: &Text, node: &Node, document: &mut Document) {
        let Some(entries) = self.mapping(node, "`company`", COMPANY_KEYS, "{ zone: Europe/Berlin, currency: EUR }")
        else {
            return;
        };
        document.zone = self.required(entries, key, "zone", "company", "zone: Europe/Berlin");
        document.currency = self.required(entries, key, "currency", "company", "currency: EUR");
    }

    fn fields(&mut self, node: &Node) -> Vec<Custom> {
        let Some(entries) = self.open_mapping(node, "`fields`", "{ custom.budget: number }") else { return Vec::new() };
        let entries = self.at_most(MAX_FIELDS, entries, "custom fields with a type");
        let fields = entries.iter().filter_map(|(name, node)| {
            let kind = match &node.content {
                Content::Sequence(_) => CustomKind::OneOf(self.texts(node, &name.text)),
                _ => CustomKind::Named(self.text(node, &name.text)?),
            };
            Some(Custom { name: name.clone(), kind })
        });
        fields.collect()
    }

    fn lookups(&mut self, node: &Node) -> Vec<Lookup> {
        let Some(entries) =
            self.open_mapping(node, "`lookups`", "{ region: { from: country, values: { dach: [DE, AT, CH] } } }")
        else {
            return Vec::new();
        };
        let entries = self.at_most(MAX_LOOKUPS, entries, "lookups");
        entries.iter().filter_map(|(name, node)| self.lookup(name, node)).collect()
    }

    fn lookup(&mut self, name: &Text, node: &Node) -> Option<Lookup> {
        let what = format!("lookup `{}`", name.text);
        let entries = self.open_mapping(node, &what, "{ from: country, values: { dach: [DE, AT, CH] } }")?;
        let table = get(entries, "use");
        self.only(entries, &what, if table.is_some() { TABLE_KEYS } else { VALUES_KEYS });
        let from = if let Some(node) = get(entries, "from") {
            self.texts(node, "from")
        } else {
            self.missing(name, "from", &what, "from: country");
            Vec::new()
        };
        let source = match (table, get(entries, "values")) {
            (Some(table), _) => {
                let Some(gives) = get(entries, "gives") else {
                    self.missing(name, "gives", &what, "gives: [name, pool]");
                    return None;
                };
                let gives = self.texts(gives, "gives");
                LookupSource::Table { table: self.text(table, "use")?, gives }
            }
            (None, Some(values)) => {
                let values = self.open_mapping(values, &format!("`values` of {what}"), "{ dach: [DE, AT, CH] }")?;
                LookupSource::Values(
                    values.iter().map(|(key, node)| (key.clone(), self.texts(node, &key.text))).collect(),
                )
            }
            (None, None) => {
                self.missing(name, "values", &what, "values: { dach: [DE, AT, CH] }");
                return None;
            }
        };
        (!from.is_empty()).then(|| Lookup { name: name.clone(), from, source })
    }

    fn conditions(&mut self, node: &Node) -> Vec<Named> {
        let Some(entries) = self.open_mapping(node, "`conditions`", "{ big: { company.employees: 1000+ } }") else {
            return Vec::new();
        };
        let entries = self.at_most(MAX_CONDITIONS, entries, "named conditions");
        let named = entries.iter().map(|(name, node)| {
            let condition = self.condition(node, &format!("condition `{}`", name.text));
            Named { name: name.clone(), condition }
        });
        named.collect()
    }

    /// Returns the first entries, and reports that there are more than `most`.
    fn at_most<'n>(&mut self, most: usize, entries: Entries<'n>, what: &str) -> Entries<'n> {
        if let Some((name, _)) = entries.get(most) {
            let message = format!("there are {} {what}; the limit is {most}", entries.len());
            self.problems.error_help(name.span, "too-large", message, "remove some of them".to_owned());
        }
        entries.get(..most).unwrap_or(entries)
    }

    fn rules(&mut self, section: &Text, node: &Node) -> Vec<Rule> {
        let Some(nodes) = self.sequence(node, &format!("`{}`", section.text), "- { rule: NAME, if: {…}, then: {…} }")
        else {
            return Vec::new();
        };
        if let Some(node) = nodes.get(MAX_RULES) {
            let message = format!("`{}` has {} rules; the limit is {MAX_RULES}", section.text, nodes.len());
            let help = "use a lookup in a table instead of a rule for each value".to_owned();
            self.problems.error_help(node.span, "too-large", message, help);
        }
        let rules = nodes.iter().take(MAX_RULES).filter_map(|node| self.rule(section, node)).collect();
        self.problems.about(None);
        rules
    }

    fn rule(&mut self, section: &Text, node: &Node) -> Option<Rule> {
        self.problems.about(None);
        let entries =
            self.open_mapping(node, &format!("a rule of `{}`", section.text), "{ rule: NAME, if: {…}, then: {…} }")?;
        let place = Text { text: String::new(), span: start(entries) };
        let name = self.required(entries, &place, "rule", "this rule", "rule: NAME").unwrap_or(place);
        self.problems.about(Some(&name.text));
        let what = Rule::what(&name);
        self.only(entries, &what, RULE_KEYS);
        let guard = match get(entries, "if") {
            None => Guard::Always,
            Some(node) => Guard::If(Box::new(self.condition(node, &what))),
        };
        let node = get(entries, "then");
        if node.is_none() {
            self.missing(&name, "then", &what, "then: { pool: NAME }");
        }
        let of = format!("`then` of {what}");
        let entries = node.and_then(|node| self.actions(node, &of)).unwrap_or_default();
        let then = node.filter(|_| !entries.is_empty()).and_then(|node| self.then(node, entries, &of));
        let mut optional = |key| get(entries, key).and_then(|node| self.text(node, key));
        let (priority, value) = (optional("priority"), optional("value"));
        Some(Rule { name, guard, then, priority, value })
    }

    /// Returns the entries of `then`.
    fn actions<'n>(&mut self, node: &'n Node, of: &str) -> Option<Entries<'n>> {
        self.open_mapping_or(node, of, || instead::of_actions(node))
    }

    fn then(&mut self, node: &Node, entries: Entries<'_>, of: &str) -> Option<Then> {
        let actions: Vec<&(Text, Node)> =
            entries.iter().filter(|(key, _)| ACTIONS.contains(&key.text.as_str())).collect();
        let (action, value) = match actions.as_slice() {
            [only] => only,
            [] => {
                let wrong = entries.iter().find_map(|(key, _)| {
                    Some((key, did_you_mean(self.problems.work(), &key.text, ACTIONS.iter().copied())?))
                });
                let (span, help) = wrong.map_or((node.span, None), |(key, help)| (key.span, Some(help)));
                let known: Vec<String> = ACTIONS.iter().map(|name| format!("`{name}`")).collect();
                let help = help.unwrap_or_else(|| format!("write one of {}", join(&known, "or")));
                self.problems.error_help(span, "no-action", format!("{of} has no action"), help);
                return None;
            }
            [(first, _), (second, _), ..] => {
                let message = format!("{of} has both `{}` and `{}`", first.text, second.text);
                self.problems.error_help(second.span, "two-actions", message, "keep one of them".to_owned());
                return None;
            }
        };
        let action = action.text.as_str();
        let known: Vec<&str> = [action].iter().chain(action_keys(action)).copied().collect();
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            match misplaced(&key.text, action) {
                Some(help) => {
                    let message = format!("{of} has `{}`, which does not go with `{action}`", key.text);
                    self.problems.error_help(key.span, "misplaced-key", message, help);
                }
                None => self.unknown_key(key, of, &known),
            }
        }
        let value = self.text(value, action)?;
        Some(match action {
            "pool" => Then::Pool { pool: value, if_nobody: self.fallback(entries, IF_NOBODY) },
            "owner" => Then::Owner {
                owner: value,
                if_unavailable: self.fallback(entries, IF_UNAVAILABLE),
                counts_as_turn: self.yes_or_no(entries, "counts_as_turn").unwrap_or(true),
            },
            "nurture" => Then::Nurture(value),
            "disqualify" => Then::Disqualify(value),
            _ => Then::Hold(value),
        })
    }

    /// Reads `wait | { pool: NAME }` and returns the pool, if it names one.
    fn fallback(&mut self, entries: Entries<'_>, (key, word): (&str, &str)) -> Option<Text> {
        let node = get(entries, key)?;
        match &node.content {
            Content::Scalar { text, .. } if text == word => None,
            Content::Mapping(_) => {
                let inner = self.mapping(node, &format!("`{key}`"), FALLBACK_KEYS, "{ pool: NAME }")?;
                let place = Text { text: key.to_owned(), span: node.span };
                self.required(inner, &place, "pool", &format!("`{key}`"), "pool: NAME")
            }
            Content::Refused => None,
            _ => {
                let message = format!("`{key}` is {}, which is neither `{word}` nor a pool", node.describe());
                let help = format!("write `{word}` or `{{ pool: NAME }}`");
                self.problems.error_help(node.span, "wrong-value", message, help);
                None
            }
        }
    }

    fn yes_or_no(&mut self, entries: Entries<'_>, key: &str) -> Option<bool> {
        let text = self.text(get(entries, key)?, key)?;
        match text.text.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            other => {
                let message = format!("`{key}` is `{other}`, which is neither `yes` nor `no`");
                self.problems.error_help(text.span, "wrong-value", message, "write `yes` or `no`".to_owned());
                None
            }
        }
    }

    fn score(&mut self, name: &Text, node: &Node) -> Option<Score> {
        let entries = self.mapping(node, "`score`", SCORE_KEYS, "{ fit: { share: 100%, lines: […] } }")?;
        let fit = get(entries, "fit").and_then(|node| self.part("fit", node, FIT_KEYS));
        let engagement = get(entries, "engagement").and_then(|node| self.engagement(node));
        let account = get(entries, "account").and_then(|node| self.part("account", node, ACCOUNT_KEYS));
        let mut grades = Vec::new();
        if let Some(node) = get(entries, "grades") {
            let written = self.open_mapping(node, "`grades`", "{ A: 80+, B: 60+ }").unwrap_or_default();
            for (grade, node) in self.at_most(MAX_GRADES, written, "grades") {
                grades.extend(self.text(node, &grade.text).map(|from| (grade.clone(), from)));
            }
        }
        Some(Score { name: name.clone(), fit, engagement, account, grades })
    }

    fn part(&mut self, part: &str, node: &Node, known: &[&str]) -> Option<Part> {
        let what = format!("`score.{part}`");
        let entries = self.mapping(node, &what, known, "{ share: 40% }")?;
        let place = Text { text: part.to_owned(), span: node.span };
        let share = self.required(entries, &place, "share", &what, "share: 40%");
        let example = "- { if: { job.level: director }, points: 20 }";
        let lines = match get(entries, "lines") {
            Some(node) => self.sequence(node, &format!("`lines` of {what}"), example).unwrap_or_default(),
            None => &[],
        };
        let lines = lines.iter().filter_map(|node| self.line(part, node)).collect();
        Some(Part { share, lines })
    }

    fn line(&mut self, part: &str, node: &Node) -> Option<Line> {
        let what = format!("a line of `score.{part}`");
        let entries = self.mapping(node, &what, LINE_KEYS, "{ if: { job.level: director }, points: 20 }")?;
        let place = Text { text: String::new(), span: start(entries) };
        let points = self.required(entries, &place, "points", &what, "points: 20");
        let Some(value) = get(entries, "if") else {
            self.missing(&place, "if", &what, "if: { country: DE }");
            return None;
        };
        let condition = self.condition(value, &what);
        Some(Line { condition, points: points? })
    }

    fn engagement(&mut self, node: &Node) -> Option<Engagement> {
        let what = "`score.engagement`";
        let entries = self.mapping(node, what, ENGAGEMENT_KEYS, "{ share: 30%, lines: […] }")?;
        let place = Text { text: "engagement".to_owned(), span: node.span };
        let share = self.required(entries, &place, "share", what, "share: 30%");
        let halves_every = get(entries, "halves_every").and_then(|node| self.text(node, "halves_every"));
        let lines = match get(entries, "lines") {
            Some(node) => self.sequence(node, &format!("`lines` of {what}"), "- { did: webinar, points: 20 }"),
            None => None,
        };
        let lines = lines.unwrap_or_default().iter().filter_map(|node| self.did_line(node)).collect();
        Some(Engagement { share, halves_every, lines })
    }

    fn did_line(&mut self, node: &Node) -> Option<DidLine> {
        let what = "a line of `score.engagement`";
        let known: Vec<&str> = DID_LINE_KEYS.iter().chain(DID_KEYS).copied().collect();
        let entries = self.mapping(node, what, &known, "{ did: webinar, points: 20 }")?;
        let place = Text { text: String::new(), span: start(entries) };
        let points = self.required(entries, &place, "points", what, "points: 20");
        let at_most = get(entries, "at_most").and_then(|node| self.text(node, "at_most"));
        let Some((key, did)) = entries.iter().find(|(name, _)| name.text == "did") else {
            self.missing(&place, "did", what, "did: webinar");
            return None;
        };
        let mut did = self.did(key, did, entries);
        if let Some(node) = get(entries, "product") {
            did.product = self.texts(node, "product");
        }
        Some(DidLine { did, points: points?, at_most })
    }

    /// Reads `did` with the keys beside it that narrow it.
    fn did(&mut self, key: &Text, did: &Node, beside: Entries<'_>) -> Did {
        let words = self.words(did, "did");
        let mut one = |key| get(beside, key).and_then(|node| self.text(node, key));
        let (within, times) = (one("within"), one("times"));
        let spend = get(beside, "spend").map(|node| self.texts(node, "spend")).unwrap_or_default();
        let mut several = |key| get(beside, key).map(|node| self.words(node, key)).unwrap_or_default();
        let (response, channel) = (several("response"), several("channel"));
        Did { key: key.clone(), words, within, times, spend, response, channel, product: Vec::new() }
    }

    fn mql(&mut self, node: &Node) -> Vec<Condition> {
        let nodes = self.sequence(node, "`mql`", "- { score: 60+ }").unwrap_or_default();
        nodes.iter().map(|node| self.condition(node, "a line of `mql`")).collect()
    }

    /// Reads a condition as far as possible.
    fn condition(&mut self, node: &Node, what: &str) -> Condition {
        let work = self.problems.work().clone();
        let whose = if what.starts_with("condition ") { what.to_owned() } else { format!("the condition of {what}") };
        let Some(entries) = self.open_mapping_or(node, &whose, || instead::of_condition(&work, node)) else {
            return Condition::Broken(node.span);
        };
        let mut parts: Vec<Condition> = Vec::new();
        let has_did = get(entries, "did").is_some();
        let mut last: Option<&(Text, Node)> = None;
        for entry @ (key, value) in entries {
            if key.text.starts_with(|c: char| c.is_ascii_digit()) && value.span == key.span {
                let message = format!("the comma before `{}` ends the value", key.text);
                let help = "write numbers without it (`1000+`), and several values as a list: `[DE, AT]`".to_owned();
                self.problems.error_help(key.span, "comma", message, help);
                parts.push(Condition::Broken(key.span));
                continue;
            }
            if let Some((before, _)) = last.filter(|(before, _)| nothing(value) && before.span.line == key.span.line) {
                let message = format!("`{}` has no value", key.text);
                let help = format!(
                    "if it belongs to `{}`, put quotes around the text (`\"a, b\"`), or write a list: `[a, b]`",
                    before.text
                );
                self.problems.error_help(key.span, "comma", message, help);
                parts.push(Condition::Broken(key.span));
                continue;
            }
            last = Some(entry);
            if DID_KEYS.contains(&key.text.as_str()) {
                if !has_did {
                    let message = format!("`{}` needs a `did` in the same condition", key.text);
                    let help = format!("write `did: demo, {}: …`", key.text);
                    self.problems.error_help(key.span, "did-missing", message, help);
                }
                continue;
            }
            parts.push(match key.text.as_str() {
                "did" => Condition::Did(self.did(key, value, entries)),
                "all" => self.alternatives(key, value, what, Condition::All),
                "any" => self.alternatives(key, value, what, Condition::Any),
                "not" if matches!(value.content, Content::Sequence(_)) => {
                    let message = "`not` takes one condition, not a list".to_owned();
                    let help = "write `not: { any: […] }` if none may hold, `not: { all: […] }` if not all may hold"
                        .to_owned();
                    self.problems.error_help(value.span, "wrong-shape", message, help);
                    self.misplaced_conditions(key, value, what)
                }
                "not" => Condition::Not(Box::new(self.condition(value, what))),
                "is" => Condition::Is(self.texts(value, "is")),
                _ if self.is_misplaced(key, value) => self.misplaced_conditions(key, value, what),
                _ => Condition::Test { field: key.clone(), values: self.texts(value, &key.text) },
            });
        }
        let only = if parts.len() == 1 { parts.pop() } else { None };
        only.unwrap_or(Condition::All(parts))
    }

    /// Reads conditions under a key that was already reported, to find further problems in them.
    fn misplaced_conditions(&mut self, key: &Text, node: &Node, what: &str) -> Condition {
        let mut parts = vec![Condition::Broken(key.span)];
        if matches!(key.text.as_str(), "and" | "or" | "none" | "nor" | "not") {
            match &node.content {
                Content::Sequence(nodes) => parts.extend(nodes.iter().map(|node| self.condition(node, what))),
                _ => parts.push(self.condition(node, what)),
            }
        }
        Condition::All(parts)
    }

    /// Returns whether `key` holds conditions where values are expected, and reports what was probably meant.
    fn is_misplaced(&mut self, key: &Text, node: &Node) -> bool {
        let first = match &node.content {
            Content::Sequence(nodes) => nodes.first().map(|node| &node.content),
            other => Some(other),
        };
        let Some(Content::Mapping(entries)) = first else { return false };
        let message = format!("`{}` contains keys where values are expected", key.text);
        let help = match key.text.as_str() {
            "and" => "write `all: […]`, or list the fields side by side".to_owned(),
            "or" => "write `any: […]`".to_owned(),
            "none" | "nor" => "write `not: { any: […] }`".to_owned(),
            name => match entries.first() {
                Some((inner, _)) => format!("write the field as one word: `{name}.{}: …`", inner.text),
                None => format!("write `{name}: VALUE`"),
            },
        };
        self.problems.error_help(key.span, "wrong-shape", message, help);
        true
    }

    fn alternatives(&mut self, key: &Text, node: &Node, what: &str, of: fn(Vec<Condition>) -> Condition) -> Condition {
        match &node.content {
            Content::Sequence(nodes) if nodes.is_empty() => {
                let message = format!("the list of `{}` is empty", key.text);
                let help = format!("add a condition, or remove `{}`", key.text);
                self.problems.error_help(node.span, "empty", message, help);
            }
            _ => {
                let nodes = self.sequence(node, &format!("`{}`", key.text), "[{ country: DE }, { language: de }]");
                if let Some(nodes) = nodes {
                    return of(nodes.iter().map(|node| self.condition(node, what)).collect());
                }
            }
        }
        Condition::Broken(key.span)
    }

    /// Reads a mapping with any keys, at least one.
    fn open_mapping<'n>(&mut self, node: &'n Node, what: &str, example: &str) -> Option<Entries<'n>> {
        self.open_mapping_or(node, what, || format!("write `{example}`"))
    }

    /// The same; `instead` is the help if the node is something else.
    fn open_mapping_or<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        instead: impl FnOnce() -> String,
    ) -> Option<Entries<'n>> {
        match &node.content {
            Content::Mapping(entries) if !entries.is_empty() => return Some(entries),
            Content::Mapping(_) => {
                let help = "add an entry, or remove the key".to_owned();
                self.problems.error_help(node.span, "empty", format!("{what} is empty"), help);
            }
            Content::Refused => {}
            _ => {
                let message = format!("{what} must be keys with values, not {}", node.describe());
                self.problems.error_help(node.span, "wrong-shape", message, instead());
            }
        }
        None
    }

    /// Reads a mapping with no keys other than `known`.
    fn mapping<'n>(&mut self, node: &'n Node, what: &str, known: &[&str], example: &str) -> Option<Entries<'n>> {
        let entries = self.open_mapping(node, what, example)?;
        self.only(entries, what, known);
        Some(entries)
    }

    fn only(&mut self, entries: Entries<'_>, what: &str, known: &[&str]) {
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            self.unknown_key(key, what, known);
        }
    }

    fn unknown_key(&mut self, key: &Text, what: &str, known: &[&str]) {
        let message = format!("{what} has an unknown key `{}`", key.text);
        let help = instead::of_key(self.problems.work(), &key.text, known);
        self.problems.error_help(key.span, "unknown-key", message, help);
    }

    fn sequence<'n>(&mut self, node: &'n Node, what: &str, example: &str) -> Option<&'n [Node]> {
        match &node.content {
            Content::Sequence(nodes) if !nodes.is_empty() => return Some(nodes),
            Content::Sequence(_) => {
                let help = format!("write `{example}`");
                self.problems.error_help(node.span, "empty", format!("{what} is empty"), help);
            }
            Content::Refused => {}
            _ => {
                let message = format!("{what} must be a list, not {}", node.describe());
                self.problems.error_help(node.span, "wrong-shape", message, format!("write `{example}`"));
            }
        }
        None
    }

    /// Reads one value or a list of at least one.
    fn texts(&mut self, node: &Node, key: &str) -> Vec<Text> {
        match &node.content {
            Content::Sequence(nodes) if nodes.is_empty() => {
                let message = format!("`{key}: []` never holds");
                let help = "name at least one value, or write `absent`".to_owned();
                self.problems.error_help(node.span, "contradiction", message, help);
                Vec::new()
            }
            Content::Sequence(nodes) => nodes.iter().filter_map(|node| self.text(node, key)).collect(),
            _ => self.text(node, key).into_iter().collect(),
        }
    }

    /// Like [`Self::texts`], for texts that contain a letter or digit.
    fn words(&mut self, node: &Node, key: &str) -> Vec<Text> {
        let mut texts = self.texts(node, key);
        texts.retain(|text| {
            let is_word = text.text.contains(char::is_alphanumeric);
            if !is_word {
                let message = format!("`{key}` is `{}`, which contains no letter or digit", text.text);
                let help = "write a word such as `demo`, or `present` for anything".to_owned();
                self.problems.error_help(text.span, "wrong-value", message, help);
            }
            is_word
        });
        texts
    }

    fn text(&mut self, node: &Node, key: &str) -> Option<Text> {
        match &node.content {
            Content::Scalar { text, quoted } if !text.trim().is_empty() || *quoted => {
                Some(Text { text: text.trim().to_owned(), span: node.span })
            }
            Content::Refused => None,
            _ => {
                self.problems.error(
                    node.span,
                    "wrong-shape",
                    format!("`{key}` must be a value, not {}", node.describe()),
                );
                None
            }
        }
    }

    fn required(&mut self, entries: Entries<'_>, place: &Text, key: &str, what: &str, example: &str) -> Option<Text> {
        if let Some(node) = get(entries, key) {
            return self.text(node, key);
        }
        self.missing(place, key, what, example);
        None
    }

    fn missing(&mut self, place: &Text, key: &str, what: &str, example: &str) {
        let message = format!("{what} has no `{key}`");
        self.problems.error_help(place.span, "missing-key", message, format!("add `{example}`"));
    }
}

/// Returns whether the value was left empty.
fn nothing(node: &Node) -> bool {
    matches!(&node.content, Content::Scalar { text, quoted: false } if text.is_empty())
}

/// Returns where a mapping starts: its first key.
fn start(entries: Entries<'_>) -> Span {
    entries.first().map(|(key, _)| key.span).unwrap_or_default()
}
