//! Reads YAML into a small tree in which every node has its position and every scalar is the text that was typed.
//!
//! The lead schema decides what a scalar means: here `NO` is not false and `01067` is not a number. Anchors, aliases
//! and tags are not allowed, because people read a rulebook from top to bottom; nor are duplicate keys and tabs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span as Range, StrInput};

use super::diagnostic::{Problems, Span};

/// The deepest nesting allowed; the grammar needs about ten levels.
const MAX_DEPTH: usize = 40;

/// The longest text in characters. Names are shorter; only a text to search for may need so many.
const MAX_TEXT: usize = 1_000;

/// Replaces a `>` that YAML would take for the start of a block scalar; from the private-use area.
const DEFUSED: char = '\u{e000}';

/// A node with its position. For a node over several lines, the span covers the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) content: Content,
}

/// The content of a [`Node`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A value as typed; `quoted` distinguishes `""` from an empty value.
    Scalar { text: String, quoted: bool },
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in source order.
    Mapping(Vec<(Text, Node)>),
    /// Something that was already reported.
    Refused,
}

/// A text with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Node {
    /// Describes the node for messages: ``a list``, `` `x` ``.
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

/// Reads one document. Returns `None` if it is too broken to continue; `problems` says why.
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

/// Reports tabs used as indentation: YAML forbids them, but the parser's message is hard to understand.
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
    let help = "indent with spaces, two per level".to_owned();
    problems.error_help(first, "tab", message, help);
    true
}

/// Reports characters that word processors use for spaces and quotes: they look alike but have another meaning.
fn refuse_lookalikes(source: &str, problems: &mut Problems) -> bool {
    let mut found = false;
    for (line, number) in source.lines().zip(1..) {
        let written = line.find(" #").map_or(line, |at| line.get(..at).unwrap_or(line));
        if line.trim_start().starts_with('#') {
            continue;
        }
        let mut before = ' ';
        for (at, character) in written.chars().enumerate() {
            // Inside a text such quotes may be intended.
            let opens = matches!(before, ' ' | '[' | '{' | ',' | ':');
            let said = match character {
                '\u{a0}' | '\u{202f}' | '\u{2007}' => Some(("this is a non-breaking space", "write an ordinary space")),
                '\u{200b}' | '\u{2060}' => Some(("this is an invisible character", "remove it")),
                '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}' | '\u{201a}' if opens => {
                    Some(("a curly quote does not quote", "write `\"` or `'`"))
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

/// Replaces the `>` of `score: >= 60`, which starts a block scalar in YAML and fails far from its cause, by a single
/// character without meaning in YAML, so that positions stay correct. [`restore`] undoes this, and the check of the
/// value reports the mistake.
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

/// Translates the parser's most common messages, which require knowledge of YAML, into plain words.
fn in_plain_words(info: &str) -> (String, Option<String>) {
    let (message, help) = if info.contains("mapping values are not allowed") {
        ("unexpected `:`", "align keys that belong together, and put quotes around a text that contains `: `")
    } else if info.contains("recursion") {
        return ("nested too deeply".to_owned(), None);
    } else if info.contains("anchor") {
        (
            "aliases (`*name`) are not supported in a rulebook",
            "name a condition under `conditions` and use it with `is: NAME`",
        )
    } else if info.contains("quoted scalar") {
        ("this quote is never closed", "close it on the same line")
    } else if info.contains("expected '-' indicator")
        || info.contains("expected <block end>")
        || info.contains("expected key")
    {
        (
            "this line does not line up with the lines above it",
            "start the keys of a rule in the same column, and every `-` of a list in the same column; write a `:` \
             after each key",
        )
    } else if info.contains("flow") || info.contains("','") {
        (
            "a bracket is not closed properly",
            "separate entries with `, ` and close every `{` with `}` and every `[` with `]`",
        )
    } else {
        return (format!("this is not valid YAML: {info}"), None);
    };
    (message.to_owned(), Some(help.to_owned()))
}

struct Reader<'s, 'p> {
    parser: Parser<'s, StrInput<'s>>,
    /// The length of every line in characters, without trailing spaces.
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
                        "a rulebook is one document; remove everything after the `---` line",
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
        self.problems.work().count(1);
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
            let help = "remove the `!…`, or put quotes around a text that starts with `!`".to_owned();
            self.problems.error_help(span, "tag", "tags (`!name`) are not supported in a rulebook", help);
        }
        match event {
            Event::Scalar(text, ..) if text.len() > MAX_TEXT && text.chars().nth(MAX_TEXT).is_some() => {
                let help = "for a long list of values use a lookup in a table".to_owned();
                let message = format!("this text is longer than {MAX_TEXT} characters");
                self.problems.error_help(span, "too-large", message, help);
                Ok(Node { span, content: Content::Refused })
            }
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
            let text = match key.content {
                Content::Scalar { text, .. } => text,
                Content::Refused => continue,
                Content::Sequence(_) | Content::Mapping(_) => {
                    self.problems.error(key.span, "key", "a key must be a word or a text");
                    continue;
                }
            };
            // A missing value has no position, so use that of its key.
            if matches!(&value.content, Content::Scalar { text, quoted: false } if text.is_empty()) {
                value.span = key.span;
            }
            if let Some(first) = seen.get(&text) {
                let message = format!("duplicate key `{text}`, first used on line {first}");
                let help = "keep one of them; write several values as one list".to_owned();
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
    fn scalars_stay_as_typed() {
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
    fn rejects_anchors_tags_duplicates_and_aliases() {
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
          = help: remove the `!…`, or put quotes around a text that starts with `!`
        error[duplicate-key]: duplicate key `a`, first used on line 1
         --> x.yaml:3:1
          |
        3 | a: 3
          | ^
          = help: keep one of them; write several values as one list
        error[key]: a key must be a word or a text
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
    fn explains_broken_yaml() {
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
          = help: indent with spaces, two per level

        error[yaml]: unexpected `:`
         --> x.yaml:1:5
          |
        1 | a: b: c
          |     ^
          = help: align keys that belong together, and put quotes around a text that contains `: `

        error[yaml]: this quote is never closed
         --> x.yaml:1:4
          |
        1 | a: "x
          |    ^
          = help: close it on the same line

        error[yaml]: a bracket is not closed properly
         --> x.yaml:1:13
          |
        1 | a: {b: [1, 2}
          |             ^
          = help: separate entries with `, ` and close every `{` with `}` and every `[` with `]`

        error[second-document]: a rulebook is one document; remove everything after the `---` line
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
    fn finds_lookalikes_of_spaces_and_quotes() {
        let said = |source: &str| {
            let mut problems = Problems::default();
            assert!(read(source, &mut problems).is_none(), "{source}");
            let found = problems.finish().unwrap_err();
            found.iter().map(|one| (one.line, one.column, one.message.clone())).collect::<Vec<_>>()
        };
        assert_eq!(
            said("a: 1\nb:\u{a0}NO # ok\nc: \u{201c}contains x\u{201d}\n"),
            [(2, 3, "this is a non-breaking space".to_owned()), (3, 4, "a curly quote does not quote".to_owned()),]
        );
        let mut problems = Problems::default();
        let fine = "# \u{201c}Sales\u{201d}\na: Women\u{2019}s Fashion # \u{a0}\n";
        assert!(read(fine, &mut problems).is_some());
        assert!(problems.finish().is_ok());
    }

    #[test]
    fn reports_lines_that_do_not_line_up() {
        let said = |source: &str| {
            let mut problems = Problems::default();
            read(source, &mut problems);
            problems.finish().unwrap_err().first().map(|one| one.message.clone()).unwrap_or_default()
        };
        for source in ["route:\n  - rule: a\n    if: { b: c }\n   then: { d: e }\n", "route:\n  - rule: a\n if: b\n"] {
            assert_eq!(said(source), "this line does not line up with the lines above it", "{source}");
        }
    }
}
