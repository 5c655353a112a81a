//! The template's YAML as a tree. Every node knows its place in the file.
//!
//! Plain scalars stay text: only their property tells whether `01` is a number. CloudFormation's functions are read in
//! both spellings, `!Sub x` and `{ "Fn::Sub": x }`.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};

/// A place in the file. Lines and columns count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl From<Marker> for At {
    fn from(marker: Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: At,
    pub kind: Kind,
}

/// Kind of a value.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A scalar; `quoted` if it was written as text rather than plain.
    Text { text: String, quoted: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the file's order.
    Map(Vec<Entry>),
    /// One of CloudFormation's functions, by its long name.
    Call { function: String, argument: Box<Node> },
    /// No value: `AWS::NoValue`.
    Absent,
    /// A value whose problem has been reported.
    Broken,
}

/// A name and its value in a mapping.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    pub at: At,
    pub value: Node,
}

/// A problem of the YAML itself.
#[derive(Debug)]
pub(super) struct YamlProblem {
    pub at: At,
    pub message: String,
}

impl Node {
    /// Builds a text node at `at`.
    pub(super) fn text_at(at: At, text: impl Into<String>) -> Self {
        Self { at, kind: Kind::Text { text: text.into(), quoted: true } }
    }

    /// Builds a node whose problem has been reported.
    pub(super) fn broken(at: At) -> Self {
        Self { at, kind: Kind::Broken }
    }

    /// Returns the text of a scalar.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Returns the elements; none if this is not a sequence.
    pub(super) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the entries; none if this is not a mapping.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the value of `name` in a mapping.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.name == name).map(|entry| &entry.value)
    }

    /// Returns the value at the path `names` through nested mappings.
    pub(super) fn at_path(&self, names: &[&str]) -> Option<&Node> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    /// Describes the value in messages.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Text { text, .. } => format!("`{text}`"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
            Kind::Call { function, .. } => format!("`{function}`"),
            Kind::Absent | Kind::Broken => "nothing".to_owned(),
        }
    }
}

/// Reads the single document in `text`. Returns a tree even with problems, unless the YAML breaks off.
pub(super) fn read(text: &str) -> (Option<Node>, Vec<YamlProblem>) {
    let mut reader = Reader { parser: Parser::new_from_str(text), problems: Vec::new() };
    let root = reader.document();
    (root, reader.problems)
}

/// Limit on nesting; templates stay far below it.
const DEEPEST: usize = 60;

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    problems: Vec<YamlProblem>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        match self.parser.next_event()? {
            Ok(event) => Some(event),
            Err(error) => {
                self.problem(At::from(*error.marker()), format!("the YAML cannot be read: {}", error.info()));
                None
            }
        }
    }

    fn problem(&mut self, at: At, message: impl Into<String>) {
        self.problems.push(YamlProblem { at, message: message.into() });
    }

    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return root,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                event if root.is_none() => root = Some(self.node(event, span, 0)?),
                _ => {
                    self.problem(At::from(span.start), "a template is one YAML document; there is a second one here");
                    return root;
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Option<Node> {
        let at = At::from(span.start);
        if depth > DEEPEST {
            self.problem(at, format!("nested more than {DEEPEST} levels deep; flatten it"));
            return None;
        }
        match event {
            Event::Scalar(text, style, _, tag) => {
                let quoted = style != ScalarStyle::Plain;
                let node = Node { at, kind: Kind::Text { text: text.into_owned(), quoted } };
                Some(tagged(node, tag.as_deref()))
            }
            Event::SequenceStart(_, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                Some(tagged(Node { at, kind: Kind::List(items) }, tag.as_deref()))
            }
            Event::MappingStart(_, tag) => {
                let entries = self.entries(depth)?;
                Some(tagged(mapping(at, entries), tag.as_deref()))
            }
            Event::Alias(_) => {
                self.problem(at, "CloudFormation does not support YAML aliases (`*name`); write the value out");
                Some(Node::broken(at))
            }
            _ => Some(Node::broken(at)),
        }
    }

    fn entries(&mut self, depth: usize) -> Option<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Some(entries);
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            let Some(name) = key.text() else {
                self.problem(key.at, "a name in a mapping must be text");
                continue;
            };
            if entries.iter().any(|entry| entry.name == name) {
                self.problem(key.at, format!("`{name}` appears twice; keep one of them"));
                continue;
            }
            entries.push(Entry { name: name.to_owned(), at: key.at, value });
        }
    }
}

/// Applies a tag to a node: a function's name, or `!!str`.
fn tagged(node: Node, tag: Option<&Tag>) -> Node {
    match tag {
        None => node,
        Some(tag) if tag.is_yaml_core_schema() => match node.kind {
            Kind::Text { text, .. } => Node { at: node.at, kind: Kind::Text { text, quoted: tag.suffix == "str" } },
            kind => Node { at: node.at, kind },
        },
        Some(tag) => {
            let function = match tag.suffix.as_str() {
                short @ ("Ref" | "Condition") => short.to_owned(),
                short => format!("Fn::{short}"),
            };
            Node { at: node.at, kind: Kind::Call { function, argument: Box::new(node) } }
        }
    }
}

/// Returns a mapping, or the function call that its only entry spells.
fn mapping(at: At, mut entries: Vec<Entry>) -> Node {
    let is_call = matches!(entries.as_slice(), [entry] if entry.name == "Ref" || entry.name.starts_with("Fn::"));
    match entries.pop() {
        Some(Entry { name, value, .. }) if is_call => {
            Node { at, kind: Kind::Call { function: name, argument: Box::new(value) } }
        }
        last => {
            entries.extend(last);
            Node { at, kind: Kind::Map(entries) }
        }
    }
}
