//! Draws the process: questions from top to bottom on the left, destinations on the right.

use fairleader_rulebook::map::{Destination, Kind, Map, PartMap, Step};

use crate::offline::svg::{Canvas, Paint, Type, wrap};

const WIDTH: i32 = 1_160;
/// Left edge and width of questions.
const LEFT: i32 = 40;
const QUESTION: i32 = 600;
/// Left edge and width of destinations.
const RIGHT: i32 = 740;
const PLACE: i32 = 380;
/// Space between a shape and its text.
const INSET: i32 = 30;
const PAD: i32 = 12;
/// Space between two shapes.
const GAP: i32 = 30;

const HEADING: Type = Type { size: 19, bold: true, colour: "#0f172a" };
const TITLE: Type = Type { size: 14, bold: true, colour: "#0f172a" };
const PLAIN: Type = Type { size: 13, bold: false, colour: "#1e293b" };
const SMALL: Type = Type { size: 12, bold: false, colour: "#475569" };

const ASK: Paint = Paint { fill: "#f8fafc", line: "#334155" };
const SUM: Paint = Paint { fill: "#f5f3ff", line: "#6d28d9" };

const fn colours(kind: Kind) -> Paint {
    match kind {
        Kind::Owner => Paint { fill: "#dbeafe", line: "#1d4ed8" },
        Kind::Pool => Paint { fill: "#dcfce7", line: "#15803d" },
        Kind::Nurture => Paint { fill: "#fef9c3", line: "#a16207" },
        Kind::Hold => Paint { fill: "#ffedd5", line: "#c2410c" },
        Kind::Disqualify => Paint { fill: "#fee2e2", line: "#b91c1c" },
    }
}

/// Lines of text, each with its type.
type Lines = Vec<(String, Type)>;

/// Draws the process as SVG, in one file without external resources.
pub fn draw(map: &Map) -> String {
    let mut drawing = Drawing { canvas: Canvas::default(), y: 0 };
    drawing.head();
    if !map.block.is_empty() {
        drawing.heading("Before anything else", "the first rule that matches decides; such a lead is not scored");
        drawing.steps(&map.block);
        drawing.down("no");
    }
    drawing.heading("Score", "from 0 to 100; each part is the sum of its lines and counts by its share");
    drawing.score(map);
    drawing.down("");
    drawing.heading("Ready for sales?", "a lead that meets any of these lines is an MQL, and stays one");
    drawing.mql(map);
    drawing.heading("Who gets the lead", "from top to bottom, the first rule that matches wins");
    drawing.steps(&map.route);
    drawing.places(map);
    drawing.words(map);
    let description =
        format!("{} rules before scoring, {} rules for leads that are ready.", map.block.len(), map.route.len());
    drawing.canvas.finish(WIDTH, drawing.y + 20, "How leads are decided", &description)
}

struct Drawing {
    canvas: Canvas,
    /// Top of the next shape.
    y: i32,
}

impl Drawing {
    fn head(&mut self) {
        self.canvas.text((LEFT, 48), "How leads are decided", Type { size: 26, ..HEADING });
        let mut x = LEFT;
        let shapes = [("a question", None)].into_iter().chain(Kind::ALL.map(|kind| (kind.words(), Some(kind))));
        for (words, kind) in shapes {
            match kind {
                None => self.canvas.hexagon((x, 70), (44, 20), ASK),
                Some(kind) => self.canvas.rectangle((x, 70), (28, 20), colours(kind)),
            }
            x += if kind.is_some() { 36 } else { 52 };
            self.canvas.text((x, 85), words, SMALL);
            x += 20 + i32::try_from(words.len()).unwrap_or(0) * 7;
        }
        self.y = 110;
    }

    fn heading(&mut self, title: &str, about: &str) {
        self.y += 34;
        self.canvas.text((LEFT, self.y), title, HEADING);
        self.canvas.text((LEFT, self.y + 20), about, SMALL);
        self.y += 36;
    }

    /// Draws rules in order. Neighbours with the same destination share its box.
    fn steps(&mut self, steps: &[Step]) {
        for (at, group) in steps.chunk_by(same_place).enumerate() {
            if at > 0 {
                self.down("no");
            }
            self.group(group);
        }
    }

    /// Draws the arrow to the next shape, labelled with the answer.
    fn down(&mut self, answer: &str) {
        let x = LEFT + QUESTION / 2;
        self.canvas.arrow((x, self.y - GAP), (x, self.y));
        self.canvas.text((x + 8, self.y - GAP / 2 + 4), answer, SMALL);
    }

    fn group(&mut self, group: &[Step]) {
        let Some(first) = group.first() else { return };
        let place = place(first);
        let from = self.y;
        let mut middles = Vec::new();
        for (at, step) in group.iter().enumerate() {
            if at > 0 {
                self.down("no");
            }
            let lines = question(step);
            // A single rule is at least as high as its destination.
            let least = if group.len() == 1 { height(&place) } else { 0 };
            let size = (QUESTION, height(&lines).max(least));
            if step.conditions.is_empty() {
                self.canvas.rectangle((LEFT, self.y), size, ASK);
            } else {
                self.canvas.hexagon((LEFT, self.y), size, ASK);
            }
            self.write(&lines, (LEFT + INSET, self.y), size.1);
            middles.push((self.y + size.1 / 2, step.conditions.is_empty()));
            self.y += size.1 + GAP;
        }
        let tall = self.y - GAP - from;
        let high = height(&place).min(tall).max(if group.len() == 1 { 0 } else { tall });
        let high = high.max(height(&place));
        let top = from + (tall - high) / 2;
        self.canvas.rectangle((RIGHT, top), (PLACE, high), colours(first.goes.kind));
        self.write(&place, (RIGHT + 16, top), high);
        for (middle, always) in middles {
            self.canvas.arrow((LEFT + QUESTION, middle), (RIGHT, middle));
            if !always {
                self.canvas.text((LEFT + QUESTION + 12, middle - 6), "yes", SMALL);
            }
        }
    }

    fn score(&mut self, map: &Map) {
        let score = &map.score;
        let fit = part("Fit: who they are", &score.fit, QUESTION - INSET);
        let mut others = part("Engagement: what they did", &score.engagement, PLACE - INSET);
        let mut more = |text: &str, set: Type| others.extend(lines(text, set, PLACE - INSET));
        if let Some(span) = &score.halves_every {
            more(&format!("points halve every {span}"), PLAIN);
        }
        if score.account > 0 {
            more(&format!("Account: its own score ({} %)", score.account), TITLE);
        }
        if !score.grades.is_empty() {
            let grades: Vec<String> = score.grades.iter().map(|(name, from)| format!("{name} from {from}")).collect();
            more("Grades", TITLE);
            more(&grades.join(", "), PLAIN);
        }
        let high = height(&fit).max(height(&others));
        self.canvas.rectangle((LEFT, self.y), (QUESTION, high), SUM);
        self.write(&fit, (LEFT + 16, self.y), 0);
        self.canvas.rectangle((RIGHT, self.y), (PLACE, high), SUM);
        self.write(&others, (RIGHT + 16, self.y), 0);
        self.y += high + GAP;
    }

    fn mql(&mut self, map: &Map) {
        let mut asked = lines("Does any of these apply?", TITLE, QUESTION - 2 * INSET);
        for line in &map.mql {
            asked.extend(lines(&format!("• {}", plain(line)), PLAIN, QUESTION - 2 * INSET));
        }
        let goes = destination(&map.not_an_mql);
        let high = height(&asked).max(height(&goes));
        self.canvas.hexagon((LEFT, self.y), (QUESTION, high), ASK);
        self.write(&asked, (LEFT + INSET, self.y), high);
        self.canvas.rectangle((RIGHT, self.y), (PLACE, high), colours(map.not_an_mql.kind));
        self.write(&goes, (RIGHT + 16, self.y), high);
        let middle = self.y + high / 2;
        self.canvas.arrow((LEFT + QUESTION, middle), (RIGHT, middle));
        self.canvas.text((LEFT + QUESTION + 12, middle - 6), "no", SMALL);
        self.y += high + GAP;
        self.down("yes");
    }

    /// Draws every destination, by kind, with the rules that lead there.
    fn places(&mut self, map: &Map) {
        self.heading("Where leads go", "every destination, with the numbers of the rules above that lead there");
        for (kind, places) in map.places() {
            let mut said = lines(kind.words(), TITLE, WIDTH - 2 * LEFT - INSET);
            for (name, rules) in places {
                let rules: Vec<String> = rules.iter().map(ToString::to_string).collect();
                let text = format!("{name}: {}", rules.join(", "));
                said.extend(lines(&text, PLAIN, WIDTH - 2 * LEFT - INSET));
            }
            self.list(&said, colours(kind));
        }
    }

    /// Draws the meaning of the rulebook's own terms.
    fn words(&mut self, map: &Map) {
        if map.words.is_empty() {
            return;
        }
        self.heading("Terms used", "lookups and named conditions");
        for word in &map.words {
            let mut said = lines(&word.word, TITLE, WIDTH - 2 * LEFT - INSET);
            said.extend(lines(&plain(&word.meaning), PLAIN, WIDTH - 2 * LEFT - INSET));
            for value in &word.values {
                said.extend(lines(&format!("• {}", plain(value)), PLAIN, WIDTH - 2 * LEFT - INSET));
            }
            self.list(&said, Paint { fill: "#f8fafc", line: "#cbd5e1" });
        }
    }

    fn list(&mut self, said: &Lines, paint: Paint) {
        let high = height(said);
        self.canvas.rectangle((LEFT, self.y), (WIDTH - 2 * LEFT, high), paint);
        self.write(said, (LEFT + 16, self.y), 0);
        self.y += high + PAD;
    }

    /// Writes lines in the vertical middle of a shape that starts at `y` and is `high`.
    fn write(&mut self, said: &Lines, (x, y): (i32, i32), high: i32) {
        let mut base = y + PAD + ((high - height(said)) / 2).max(0);
        for (text, set) in said {
            base += set.leading();
            self.canvas.text((x, base - 4), text, *set);
        }
    }
}

/// Returns whether two rules have the same destination, priority and value.
fn same_place(one: &Step, other: &Step) -> bool {
    one.goes == other.goes && one.priority == other.priority && one.value == other.value
}

fn lines(text: &str, set: Type, width: i32) -> Lines {
    wrap(text, set, width).into_iter().map(|line| (line, set)).collect()
}

fn height(said: &Lines) -> i32 {
    said.iter().map(|(_, set)| set.leading()).sum::<i32>() + 2 * PAD
}

/// Removes backticks, which a drawing does not need.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

fn question(step: &Step) -> Lines {
    let width = QUESTION - 2 * INSET;
    let mut said = lines(&format!("{}. {}", step.number, step.rule), TITLE, width);
    for (at, condition) in step.conditions.iter().enumerate() {
        let and = if at > 0 { "and " } else { "" };
        said.extend(lines(&format!("{and}{}", plain(condition)), PLAIN, width));
    }
    if step.conditions.is_empty() {
        said.extend(lines("every other lead", PLAIN, width));
    }
    said
}

/// Returns the destination of a rule, with the lead's priority and value.
fn place(step: &Step) -> Lines {
    let mut said = destination(&step.goes);
    let priority = step.priority.map(|priority| format!("priority {}", priority.as_str()));
    let value = step.value.as_ref().map(|value| format!("worth {value}"));
    for extra in priority.into_iter().chain(value) {
        said.extend(lines(&extra, PLAIN, PLACE - INSET));
    }
    said
}

fn destination(goes: &Destination) -> Lines {
    let Destination { kind, name, read_off, title, otherwise } = goes;
    let name = match (kind, read_off) {
        (Kind::Pool, false) => format!("Pool {name}"),
        (Kind::Pool, true) => format!("The pool in {name}"),
        (Kind::Owner, false) => format!("Rep {name}"),
        (Kind::Owner, true) => format!("The rep in {name}"),
        (Kind::Nurture, _) => format!("Nurture: {name}"),
        (Kind::Hold, _) => format!("On hold: {name}"),
        (Kind::Disqualify, _) => format!("Disqualified: {name}"),
    };
    let mut said = lines(&name, TITLE, PLACE - INSET);
    for text in title.iter().chain(otherwise) {
        said.extend(lines(text, PLAIN, PLACE - INSET));
    }
    said
}

fn part(title: &str, part: &PartMap, width: i32) -> Lines {
    if part.share == 0 {
        return lines(&format!("{title}: does not count"), TITLE, width);
    }
    let mut said = lines(&format!("{title} ({} %)", part.share), TITLE, width);
    for (points, words) in &part.lines {
        said.extend(lines(&format!("{points:+}  {}", plain(words)), PLAIN, width));
    }
    said
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use fairleader_rulebook::map::Names;
    use fairleader_rulebook::{Checked, References, Rulebook};

    use super::*;

    /// A rulebook of 200 rules with long lists and awkward names.
    fn large() -> Rulebook {
        let mut text = "company: { zone: Europe/Berlin, currency: EUR }\nscore: { fit: { share: 100% } }\nmql: [{ score: 0+ }]\nroute:\n".to_owned();
        for rule in 0..199 {
            let words: Vec<String> = (0..200).map(|word| format!("w{rule}x{word}")).collect();
            let words = words.join(", ");
            writeln!(
                text,
                "  - {{ rule: \"{rule} <b> & 'c'\", if: {{ industry: [{words}] }}, then: {{ pool: p{} }} }}",
                rule % 7
            )
            .unwrap();
        }
        text.push_str("  - { rule: last, then: { pool: p0 } }\n");
        let Checked { rulebook, .. } = Rulebook::parse(&text, &References::default()).unwrap();
        rulebook
    }

    #[test]
    fn a_large_rulebook_stays_readable() {
        let drawing = draw(&large().map(&Names::default()));
        // The count may be on the previous line.
        assert_eq!(drawing.matches("others<").count(), 199, "long lists are cut, with a count");
        assert_eq!(drawing.matches("<polygon").count(), 199 + 1 + 1, "a question each, the MQL and the legend");
        assert_eq!(drawing.matches("&lt;b&gt; &amp; &#39;c&#39;").count(), 199);
        assert!(!drawing.contains("<b>") && drawing.len() < 500_000, "{} bytes", drawing.len());
        let number = |name: &str, element: &str| -> Option<i32> {
            element.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0.parse().ok()
        };
        let boxes = drawing.lines().filter(|line| line.starts_with("<rect x=")).map(|line| {
            let at = |name| number(name, line).unwrap();
            (at("x"), at("y"), at("width"), at("height"))
        });
        let boxes: Vec<(i32, i32, i32, i32)> = boxes.collect();
        for pair in boxes.windows(2) {
            if let [(x, y, _, high), (other_x, other_y, ..)] = pair {
                assert!(x != other_x || y + high <= *other_y, "two boxes overlap: {pair:?}");
            }
        }
        assert!(boxes.iter().all(|(x, _, width, _)| x + width <= WIDTH));
    }
}
