//! Reads YAML into a small tree in which every node knows its place and every scalar is still the text that was typed.
//!
//! What a scalar means is for the lead schema to say: here `NO` is not false and `01067` not a number. Anchors, aliases
//! and tags are refused (a rulebook is read by people, top to bottom), and so are duplicate keys and tabs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span as Range, StrInput};

use super::diagnostic::{Problems, Span};

/// Deepest nesting that is read; the grammar needs about ten.
const MAX_DEPTH: usize = 40;

/// Stands for a `>` that YAML would take for the start of a block scalar; from the private-use area.
const DEFUSED: char = '\u{e000}';

/// A node with its place. The span of a node over several lines covers the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A value as it was typed; `quoted` tells `""` from nothing.
    Scalar { text: String, quoted: bool },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the source.
    Mapping(Vec<(Text, Node)>),
    /// Something already complained about; says nothing more.
    Refused,
}

/// A piece of text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Node {
    /// What the node is, for messages: ``a list``, `` `x` ``.
    pub(crate) fn describe(&self) -> String {
        match &self.content {
            Content::Scalar { text, quoted } if text.is_empty() && !quoted => "nothing".to_owned(),
            Content::Scalar { text, .. } => format!("`{text}`"),
            Content::Sequence(_) => "a list".to_owned(),
            Content::Mapping(_) => "keys with values".to_owned(),
            Content::Refused => "something else".to_owned(),
        }
    }
}

/// Reads one document. `None` when it is too broken to go on; then `problems` says why.
pub(crate) fn read(source: &str, problems: &mut Problems) -> Option<Node> {
    if refuse_tabs(source, problems) || refuse_lookalikes(source, problems) {
        return None;
    }
    let defused = defuse(source);
    let mut reader = Reader {
        parser: Parser::new_from_str(&defused),
        lines: source.lines().map(|line| line.trim_end().chars().count()).collect(),
        problems,
    };
    match reader.document() {
        Ok(node) => node,
        Err(error) => {
            let (message, help) = in_plain_words(error.info());
            let span = reader.span(*error.marker(), *error.marker());
            reader.problems.error_help(span, "yaml", message, help);
            None
        }
    }
}

/// YAML forbids tabs for indentation, but says so in a way few understand; find them first.
fn refuse_tabs(source: &str, problems: &mut Problems) -> bool {
    let mut tabs = source.lines().zip(1..).filter_map(|(line, number)| {
        let indent = line.chars().take_while(|c| matches!(c, ' ' | '\t'));
        let tab = indent.clone().position(|c| c == '\t')?;
        let end = indent.count() + 1;
        (!line.trim().is_empty()).then_some(Span { line: number, column: tab + 1, end })
    });
    let Some(first) = tabs.next() else { return false };
    let message = match tabs.count() {
        0 => "this line is indented with a tab".to_owned(),
        more => format!("this line and {more} more are indented with tabs"),
    };
    let help = "indent with blanks, two per level".to_owned();
    problems.error_help(first, "tab", message, help);
    true
}

/// Characters that word processors put in the place of blanks and quotes: they look alike, and mean something else.
fn refuse_lookalikes(source: &str, problems: &mut Problems) -> bool {
    let mut found = false;
    for (line, number) in source.lines().zip(1..) {
        let written = line.find(" #").map_or(line, |at| line.get(..at).unwrap_or(line));
        if line.trim_start().starts_with('#') {
            continue;
        }
        let mut before = ' ';
        for (at, character) in written.chars().enumerate() {
            // Inside a text such quotes may well be meant.
            let opens = matches!(before, ' ' | '[' | '{' | ',' | ':');
            let said = match character {
                '\u{a0}' | '\u{202f}' | '\u{2007}' => {
                    Some(("a blank here is of the kind that keeps words together", "write an ordinary blank"))
                }
                '\u{200b}' | '\u{2060}' => Some(("a character stands here that cannot be seen", "remove it")),
                '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}' | '\u{201a}' if opens => {
                    Some(("a printer's quote is no quote", "write `\"` or `'`"))
                }
                _ => None,
            };
            if let Some((message, help)) = said {
                let span = Span { line: number, column: at + 1, end: at + 2 };
                problems.error_help(span, "lookalike", message, help.to_owned());
                found = true;
                break;
            }
            before = character;
        }
    }
    found
}

/// `score: >= 60` starts a block scalar in YAML and fails far from its cause. Replaces such a `>` by one character that
/// means nothing to YAML, so that places stay true; [`restore`] puts it back and the value's own check explains.
fn defuse(source: &str) -> Cow<'_, str> {
    if !source.contains('>') {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len());
    for line in source.split_inclusive('\n') {
        let trap = line.match_indices('>').map(|(at, _)| line.split_at(at)).find(|(before, after)| {
            let value = before.trim_end_matches(' ');
            let opens = value.len() < before.len() && value.ends_with([':', '-']);
            let rest = after.get(1..).unwrap_or_default();
            opens && (rest.starts_with('=') || rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
        });
        match trap {
            Some((before, after)) => {
                out.push_str(before);
                out.push(DEFUSED);
                out.push_str(after.get(1..).unwrap_or_default());
            }
            None => out.push_str(line),
        }
    }
    Cow::Owned(out)
}

fn restore(text: &str) -> String {
    text.replace(DEFUSED, ">")
}

/// The parser's own messages are for people who know YAML; the common ones in plain words.
fn in_plain_words(info: &str) -> (String, Option<String>) {
    let (message, help) = if info.contains("mapping values are not allowed") {
        (
            "there is a `:` where no key can be",
            "indent keys that belong together alike, and put quotes around a text that contains `: `",
        )
    } else if info.contains("recursion") {
        return ("it is nested too deeply".to_owned(), None);
    } else if info.contains("anchor") {
        (
            "aliases (`*name`) are not supported in a rulebook",
            "name a condition under `conditions` and use it with `is: NAME`",
        )
    } else if info.contains("quoted scalar") {
        ("a quote is opened here and never closed", "close it on the same line")
    } else if info.contains("expected '-' indicator")
        || info.contains("expected <block end>")
        || info.contains("expected key")
    {
        (
            "this line does not belong to the lines above it",
            "begin the keys of one rule in the same column, and every `-` of one list in the same column; write a `:` after \
             each key",
        )
    } else if info.contains("flow") || info.contains("','") {
        (
            "a bracket is opened and not closed properly",
            "separate entries with `, ` and close every `{` with `}` and every `[` with `]`",
        )
    } else {
        return (format!("this is not valid YAML: {info}"), None);
    };
    (message.to_owned(), Some(help.to_owned()))
}

struct Reader<'s, 'p> {
    parser: Parser<'s, StrInput<'s>>,
    /// Length of every line in characters, without blanks at its end.
    lines: Vec<usize>,
    problems: &'p mut Problems,
}

impl<'s> Reader<'s, '_> {
    fn next(&mut self) -> Result<(Event<'s>, Range), ScanError> {
        let end = || Ok((Event::StreamEnd, Range::default()));
        self.parser.next_event().unwrap_or_else(end)
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        let column = start.col() + 1;
        let line_end = || self.lines.get(start.line().saturating_sub(1)).map_or(column, |length| length + 1);
        let end = if end.line() == start.line() { end.col() + 1 } else { line_end() };
        Span { line: start.line(), column, end: end.max(column) }
    }

    fn document(&mut self) -> Result<Option<Node>, ScanError> {
        let mut root = None;
        loop {
            let (event, range) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                _ if root.is_some() => {
                    let span = self.span(range.start, range.end);
                    self.problems.error(
                        span,
                        "second-document",
                        "a rulebook is one document; nothing may follow a `---` line",
                    );
                    return Ok(None);
                }
                event => root = Some(self.node(event, range, 0)?),
            }
        }
        if root.is_none() {
            self.problems.error(Span::default(), "empty", "the rulebook is empty");
        }
        Ok(root)
    }

    fn node(&mut self, event: Event<'s>, range: Range, depth: usize) -> Result<Node, ScanError> {
        if depth > MAX_DEPTH {
            return Err(ScanError::new_str(range.start, "recursion"));
        }
        let span = self.span(range.start, range.end);
        let (anchor, tagged) = match &event {
            Event::Scalar(_, _, anchor, tag) | Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor, tag.is_some())
            }
            _ => (0, false),
        };
        if anchor != 0 {
            let help = "name a condition under `conditions` and use it with `is: NAME`".to_owned();
            self.problems.error_help(span, "anchor", "anchors (`&name`) are not supported in a rulebook", help);
        }
        if tagged {
            let help = "leave the `!…` out, or put quotes around a text that starts with `!`".to_owned();
            self.problems.error_help(span, "tag", "tags (`!name`) are not supported in a rulebook", help);
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let quoted = style != ScalarStyle::Plain;
                Ok(Node { span, content: Content::Scalar { text: restore(&text), quoted } })
            }
            Event::SequenceStart(..) => self.sequence(range, depth),
            Event::MappingStart(..) => self.mapping(range, depth),
            Event::Alias(_) => {
                let help = "name a condition under `conditions` and use it with `is: NAME`".to_owned();
                self.problems.error_help(span, "anchor", "aliases (`*name`) are not supported in a rulebook", help);
                Ok(Node { span, content: Content::Refused })
            }
            _ => Err(ScanError::new_str(range.start, "a value is missing here")),
        }
    }

    fn sequence(&mut self, start: Range, depth: usize) -> Result<Node, ScanError> {
        let mut items = Vec::new();
        loop {
            let (event, range) = self.next()?;
            if event == Event::SequenceEnd {
                let span = self.span(start.start, range.end);
                return Ok(Node { span, content: Content::Sequence(items) });
            }
            items.push(self.node(event, range, depth + 1)?);
        }
    }

    fn mapping(&mut self, start: Range, depth: usize) -> Result<Node, ScanError> {
        let mut entries: Vec<(Text, Node)> = Vec::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let (event, range) = self.next()?;
            if event == Event::MappingEnd {
                let span = self.span(start.start, range.end);
                return Ok(Node { span, content: Content::Mapping(entries) });
            }
            let key = self.node(event, range, depth + 1)?;
            let (event, range) = self.next()?;
            let mut value = self.node(event, range, depth + 1)?;
            let Content::Scalar { text, .. } = key.content else {
                self.problems.error(key.span, "key", "a key must be a single word or text");
                continue;
            };
            // A value that is not there has no place of its own.
            if matches!(&value.content, Content::Scalar { text, quoted: false } if text.is_empty()) {
                value.span = key.span;
            }
            if let Some(first) = seen.get(&text) {
                let message = format!("`{text}` stands here twice, first in line {first}");
                let help = "keep one of them; several values go into one list".to_owned();
                self.problems.error_help(key.span, "duplicate-key", message, help);
                continue;
            }
            seen.insert(text.clone(), key.span.line);
            entries.push((Text { text, span: key.span }, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(source: &str) -> Node {
        let mut problems = Problems::default();
        let node = read(source, &mut problems).expect("a tree");
        assert_eq!(problems.finish(), Ok(vec![]));
        node
    }

    fn complaints(source: &str) -> String {
        let mut problems = Problems::default();
        let _node = read(source, &mut problems);
        let found = problems.finish().expect_err("problems");
        found.iter().map(|d| d.render(source, "x.yaml")).collect()
    }

    #[test]
    fn scalars_stay_the_text_that_was_typed() {
        let Content::Mapping(entries) = tree("a: [NO, 01067, 1e5, yes, ~, \"\", null]\n").content else { panic!() };
        let Content::Sequence(items) = &entries[0].1.content else { panic!() };
        let texts: Vec<String> = items.iter().map(Node::describe).collect();
        assert_eq!(texts, ["`NO`", "`01067`", "`1e5`", "`yes`", "`~`", "``", "`null`"]);
        assert_eq!(items[1].span, Span { line: 1, column: 9, end: 14 });
    }

    #[test]
    fn a_comparison_sign_is_not_a_block_scalar() {
        let Content::Mapping(entries) = tree("ä: 1\nscore: >= 60\nother: > 5\ntext: >\n  folded\n").content else {
            panic!()
        };
        let texts: Vec<String> = entries.iter().map(|(_, node)| node.describe()).collect();
        assert_eq!(texts, ["`1`", "`>= 60`", "`> 5`", "`folded\n`"]);
        assert_eq!(entries[1].1.span, Span { line: 2, column: 8, end: 13 });
    }

    #[test]
    fn what_a_rulebook_may_not_contain_is_named() {
        let source = "a: &x 1\nb: !!str 2\na: 3\n? [k]\n: 1\nc: *x\n";
        insta::assert_snapshot!(complaints(source), @r#"
        error[anchor]: anchors (`&name`) are not supported in a rulebook
         --> x.yaml:1:4
          |
        1 | a: &x 1
          |    ^^^^
          = help: name a condition under `conditions` and use it with `is: NAME`
        error[tag]: tags (`!name`) are not supported in a rulebook
         --> x.yaml:2:4
          |
        2 | b: !!str 2
          |    ^^^^^^^
          = help: leave the `!…` out, or put quotes around a text that starts with `!`
        error[duplicate-key]: `a` stands here twice, first in line 1
         --> x.yaml:3:1
          |
        3 | a: 3
          | ^
          = help: keep one of them; several values go into one list
        error[key]: a key must be a single word or text
         --> x.yaml:4:3
          |
        4 | ? [k]
          |   ^^^
        error[anchor]: aliases (`*name`) are not supported in a rulebook
         --> x.yaml:6:4
          |
        6 | c: *x
          |    ^^
          = help: name a condition under `conditions` and use it with `is: NAME`
        "#);
    }

    #[test]
    fn broken_yaml_says_where_and_what_to_do() {
        let all = [
            "a:\n\tb: 1\n\tc: 2\n",
            "a: b: c\n",
            "a: \"x\nb: 1\n",
            "a: {b: [1, 2}\n",
            "a: 1\n---\nb: 2\n",
            "# nothing\n",
            "a: *x\n",
        ];
        let found: Vec<String> = all.iter().map(|source| complaints(source)).collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        error[tab]: this line and 1 more are indented with tabs
         --> x.yaml:2:1
          |
        2 |  b: 1
          | ^
          = help: indent with blanks, two per level

        error[yaml]: there is a `:` where no key can be
         --> x.yaml:1:5
          |
        1 | a: b: c
          |     ^
          = help: indent keys that belong together alike, and put quotes around a text that contains `: `

        error[yaml]: a quote is opened here and never closed
         --> x.yaml:1:4
          |
        1 | a: "x
          |    ^
          = help: close it on the same line

        error[yaml]: a bracket is opened and not closed properly
         --> x.yaml:1:13
          |
        1 | a: {b: [1, 2}
          |             ^
          = help: separate entries with `, ` and close every `{` with `}` and every `[` with `]`

        error[second-document]: a rulebook is one document; nothing may follow a `---` line
         --> x.yaml:3:1
          |
        3 | b: 2
          | ^

        error[empty]: the rulebook is empty
         --> x.yaml:1:1
          |
        1 | # nothing
          | ^

        error[yaml]: aliases (`*name`) are not supported in a rulebook
         --> x.yaml:1:4
          |
        1 | a: *x
          |    ^
          = help: name a condition under `conditions` and use it with `is: NAME`
        "#);
        for depth in [50, 300] {
            let found = complaints(&"[".repeat(depth));
            assert!(found.contains("nested too deeply"), "{found}");
        }
    }

    #[test]
    fn what_only_looks_like_a_blank_or_a_quote_is_found() {
        let said = |source: &str| {
            let mut problems = Problems::default();
            assert!(read(source, &mut problems).is_none(), "{source}");
            let found = problems.finish().unwrap_err();
            found.iter().map(|one| (one.line, one.column, one.message.clone())).collect::<Vec<_>>()
        };
        assert_eq!(
            said("a: 1\nb:\u{a0}NO # ok\nc: \u{201c}contains x\u{201d}\n"),
            [
                (2, 3, "a blank here is of the kind that keeps words together".to_owned()),
                (3, 4, "a printer's quote is no quote".to_owned()),
            ]
        );
        let mut problems = Problems::default();
        let fine = "# \u{201c}Sales\u{201d}\na: Women\u{2019}s Fashion # \u{a0}\n";
        assert!(read(fine, &mut problems).is_some());
        assert!(problems.finish().is_ok());
    }

    #[test]
    fn lines_that_do_not_fit_are_told_with_what_to_do() {
        let said = |source: &str| {
            let mut problems = Problems::default();
            read(source, &mut problems);
            problems.finish().unwrap_err().first().map(|one| one.message.clone()).unwrap_or_default()
        };
        for source in ["route:\n  - rule: a\n    if: { b: c }\n   then: { d: e }\n", "route:\n  - rule: a\n if: b\n"] {
            assert_eq!(said(source), "this line does not belong to the lines above it", "{source}");
        }
    }
}
