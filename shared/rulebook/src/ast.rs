//! A rulebook as written: its shape is known, its values are still text. Every text has its position.

use super::diagnostic::Span;
pub(crate) use super::yaml::Text;

/// A whole rulebook. Parts that could not be read are absent; the problems say why.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// A number that depends on everything written.
    pub(crate) seed: u64,
    pub(crate) zone: Option<Text>,
    pub(crate) currency: Option<Text>,
    pub(crate) fields: Vec<Custom>,
    pub(crate) lookups: Vec<Lookup>,
    pub(crate) conditions: Vec<Named>,
    pub(crate) block: Vec<Rule>,
    pub(crate) score: Option<Score>,
    pub(crate) mql: Vec<Condition>,
    pub(crate) route: Vec<Rule>,
}

/// The type of a custom field.
#[derive(Debug)]
pub(crate) struct Custom {
    /// The name, including `custom.`.
    pub(crate) name: Text,
    /// The name of a type, or a list of values.
    pub(crate) kind: CustomKind,
}

/// How a [`Custom`] field is typed.
#[derive(Debug)]
pub(crate) enum CustomKind {
    /// `number`, `date`, …
    Named(Text),
    /// The values it may have.
    OneOf(Vec<Text>),
}

/// A field derived from other fields.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) name: Text,
    pub(crate) from: Vec<Text>,
    pub(crate) source: LookupSource,
}

/// The source of a lookup's value.
#[derive(Debug)]
pub(crate) enum LookupSource {
    /// Listed in the rulebook.
    Values(Vec<(Text, Vec<Text>)>),
    /// A table: these columns of the matching row.
    Table { table: Text, gives: Vec<Text> },
}

/// A condition with a name, for reuse.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: Text,
    pub(crate) condition: Condition,
}

/// A rule of `block` or `route`.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: Text,
    pub(crate) guard: Guard,
    /// Absent if it could not be read.
    pub(crate) then: Option<Then>,
    pub(crate) priority: Option<Text>,
    pub(crate) value: Option<Text>,
}

impl Rule {
    /// Returns how messages refer to the rule with this name.
    pub(crate) fn what(name: &Text) -> String {
        if name.text.is_empty() { "this rule".to_owned() } else { format!("rule `{}`", name.text) }
    }
}

/// When a rule applies.
#[derive(Debug)]
pub(crate) enum Guard {
    /// The rule has no `if`.
    Always,
    /// The rule has this `if`.
    If(Box<Condition>),
}

/// A condition.
#[derive(Debug)]
pub(crate) enum Condition {
    /// All of these hold.
    All(Vec<Condition>),
    /// At least one of these holds.
    Any(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
    /// At least one of these named conditions holds.
    Is(Vec<Text>),
    /// The field's value is one of these.
    Test { field: Text, values: Vec<Text> },
    /// A test of the person's activities.
    Did(Did),
    /// A condition that could not be read; the problems say why.
    Broken(Span),
}

/// A test of a person's activities; an empty list does not narrow it.
#[derive(Debug)]
pub(crate) struct Did {
    /// The key `did` itself, for its position.
    pub(crate) key: Text,
    pub(crate) words: Vec<Text>,
    pub(crate) within: Option<Text>,
    pub(crate) times: Option<Text>,
    pub(crate) spend: Vec<Text>,
    pub(crate) response: Vec<Text>,
    pub(crate) channel: Vec<Text>,
    pub(crate) product: Vec<Text>,
}

impl Condition {
    /// Returns where it starts.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.first().map(Self::span).unwrap_or_default(),
            Self::Not(inner) => inner.span(),
            Self::Is(names) => names.first().map(|name| name.span).unwrap_or_default(),
            Self::Test { field, .. } => field.span,
            Self::Did(did) => did.key.span,
            Self::Broken(span) => *span,
        }
    }
}

/// What a rule does.
#[derive(Debug)]
pub(crate) enum Then {
    /// Give the lead to a pool; `if_nobody` names another one.
    Pool { pool: Text, if_nobody: Option<Text> },
    /// Give it to one rep; `if_unavailable` names a pool.
    Owner { owner: Text, if_unavailable: Option<Text>, counts_as_turn: bool },
    /// Leave the lead with marketing.
    Nurture(Text),
    /// Disqualify it.
    Disqualify(Text),
    /// Hold it until a person decides.
    Hold(Text),
}

/// The `score` section.
#[derive(Debug)]
pub(crate) struct Score {
    pub(crate) name: Text,
    pub(crate) fit: Option<Part>,
    pub(crate) engagement: Option<Engagement>,
    pub(crate) account: Option<Part>,
    pub(crate) grades: Vec<(Text, Text)>,
}

/// A part of the score.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) share: Option<Text>,
    pub(crate) lines: Vec<Line>,
}

/// The part of the score for what a person did.
#[derive(Debug)]
pub(crate) struct Engagement {
    pub(crate) share: Option<Text>,
    pub(crate) halves_every: Option<Text>,
    pub(crate) lines: Vec<DidLine>,
}

/// A line that gives or takes points for what a person did.
#[derive(Debug)]
pub(crate) struct DidLine {
    pub(crate) did: Did,
    pub(crate) points: Text,
    pub(crate) at_most: Option<Text>,
}

/// A line that gives or takes points.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) condition: Condition,
    pub(crate) points: Text,
}
