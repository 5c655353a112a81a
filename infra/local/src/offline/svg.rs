//! Writes SVG: shapes and wrapped text. No external resources; all text is escaped.

use std::fmt::Write as _;

/// Fonts that most machines have.
const FONT: &str = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";

/// A drawing in progress.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    body: String,
}

/// Colours of a shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) fill: &'static str,
    pub(super) line: &'static str,
}

/// Size, weight and colour of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    /// Height, in pixels.
    pub(super) size: u32,
    pub(super) bold: bool,
    pub(super) colour: &'static str,
}

impl Canvas {
    /// Returns the finished drawing.
    pub(super) fn finish(self, width: i32, height: i32, title: &str, description: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" font-family=\"{FONT}\">\n<title>{}</title>\n<desc>{}</desc>\n\
             <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" \
             orient=\"auto-start-reverse\"><path d=\"M0 0 L10 5 L0 10 z\" fill=\"#475569\"/></marker></defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            escape(title),
            escape(description),
            self.body
        )
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        writeln!(self.body, "{element}").ok();
    }

    /// Draws a box with round corners.
    pub(super) fn rectangle(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), paint: Paint) {
        let Paint { fill, line } = paint;
        self.push(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{fill}\" stroke=\"{line}\" stroke-width=\"1.5\"/>"
        ));
    }

    /// Draws a box with pointed sides: a question.
    pub(super) fn hexagon(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), paint: Paint) {
        let Paint { fill, line } = paint;
        let (inset, middle, right, bottom) = (18, y + height / 2, x + width, y + height);
        self.push(format_args!(
            "<polygon points=\"{x},{middle} {},{y} {},{y} {right},{middle} {},{bottom} {},{bottom}\" fill=\"{fill}\" \
             stroke=\"{line}\" stroke-width=\"1.5\" stroke-linejoin=\"round\"/>",
            x + inset,
            right - inset,
            right - inset,
            x + inset
        ));
    }

    /// Draws an arrow from one point to another.
    pub(super) fn arrow(&mut self, (x, y): (i32, i32), (to_x, to_y): (i32, i32)) {
        self.push(format_args!(
            "<line x1=\"{x}\" y1=\"{y}\" x2=\"{to_x}\" y2=\"{to_y}\" stroke=\"#475569\" stroke-width=\"1.5\" marker-end=\"url(#head)\"/>"
        ));
    }

    /// Draws one line of text with its baseline at `y`.
    pub(super) fn text(&mut self, (x, y): (i32, i32), text: &str, set: Type) {
        let Type { size, bold, colour } = set;
        let weight = if bold { " font-weight=\"600\"" } else { "" };
        self.push(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight} fill=\"{colour}\">{}</text>",
            escape(text)
        ));
    }
}

/// Escapes text for an element or an attribute. Characters that XML does not allow become blanks.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Breaks text into lines of at most `width` pixels: between words. Words that are too long for a line break after a
/// hyphen or similar character, else anywhere.
pub(super) fn wrap(text: &str, set: Type, width: i32) -> Vec<String> {
    let most = u64::try_from(width).unwrap_or(0) * 1_000;
    let wide = |text: &str| text.chars().map(|c| set.width(c)).sum::<u64>();
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if wide(&longer) <= most {
            line = longer;
            continue;
        }
        // A number or a short word before a long one stays on its line.
        if wide(word) > most && !line.is_empty() && wide(&line) < most / 3 {
            line.push(' ');
        } else if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut begun = line.len();
        for c in word.chars() {
            if wide(&line) + set.width(c) > most && !line.is_empty() {
                let joint = line.rfind(['-', '_', '.', '/', '@']).filter(|at| *at >= begun);
                let rest = joint.map(|at| line.split_off(at + 1)).unwrap_or_default();
                lines.push(std::mem::replace(&mut line, rest));
                begun = 0;
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

impl Type {
    /// Returns the maximum width of a character in the usual fonts, in thousandths of a pixel.
    fn width(self, c: char) -> u64 {
        let share = match c {
            'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')'
            | '`' => 400,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 980,
            c if c.is_ascii_uppercase() => 740,
            c if u32::from(c) >= 0x1100 => 1_000,
            _ => 620,
        };
        let share = if self.bold { share * 106 / 100 } else { share };
        share * u64::from(self.size)
    }

    /// Returns the distance between two lines of text, in pixels.
    pub(super) fn leading(self) -> i32 {
        i32::try_from(self.size * 7 / 5).unwrap_or(20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Type = Type { size: 10, bold: false, colour: "#000" };

    #[test]
    fn escapes_markup_and_control_characters() {
        assert_eq!(escape("a<b>&\"'\u{1}c"), "a&lt;b&gt;&amp;&quot;&#39; c");
    }

    #[test]
    fn wraps_lines_at_the_width() {
        let long = format!("country is {} or 郵便番号郵便番号郵便番号郵便番号", "x".repeat(80));
        let lines = wrap(&long, PLAIN, 100);
        assert!(lines.len() > 4);
        for line in &lines {
            assert!(line.chars().map(|c| PLAIN.width(c)).sum::<u64>() <= 100_000, "{line}");
        }
        assert_eq!(lines.concat().replace(' ', ""), long.replace(' ', ""), "no text is lost");
        assert!(wrap("", PLAIN, 100).is_empty());
        let name = "Pool the-pool-of-those-who-write-to-us";
        assert_eq!(wrap(name, PLAIN, 100), ["Pool the-pool-of-", "those-who-write-", "to-us"]);
        assert_eq!(wrap(&"x".repeat(30), PLAIN, 100).len(), 2);
    }
}
