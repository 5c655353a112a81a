//! Texts and JSON values that break programs.

use crate::Random;

/// Short texts. Long ones are made from them.
const TEXTS: [&str; 54] = [
    "",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "a\0b",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{200b}",
    "\u{2028}",
    "\u{202e}txt.exe",
    "\u{feff}",
    "\u{fdfa}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{e000}",
    "e\u{301}\u{301}\u{301}",
    "ß",
    "İ",
    "ı",
    "ﬃ",
    "Ǆ",
    "Ω",
    "שלום",
    "عربى",
    "日本語",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "-",
    "-0",
    "0",
    "1",
    "1e400",
    "NaN",
    "0x10",
    "99999999999999999999",
    "null",
    "true",
    "no",
    "../../etc/passwd",
    "%00",
    "%",
    "%zz",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{{7*7}}",
    "${x}",
    "=cmd|' /C calc'!A1",
    "*",
    "[",
];

/// Numbers as JSON writes them.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "-0",
    "1.5",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551616",
    "1e308",
    "1e400",
    "0.00000000000000000000000000000001",
];

/// Sizes near limits: of names, fields, ids, keys, headers.
const SIZES: [usize; 14] = [1, 2, 63, 64, 65, 128, 200, 201, 254, 255, 256, 1_000, 5_001, 20_000];

/// Returns a hostile text, one in six of them long.
pub fn hostile_text(random: &mut Random) -> String {
    let text = *random.pick(&TEXTS);
    match random.below(6) {
        0 => {
            let unit = if text.is_empty() { "x" } else { text };
            let size = *random.pick(&SIZES);
            unit.repeat(size.div_ceil(unit.chars().count()))
        }
        1 => format!("{}{text}", random.pick(&TEXTS)),
        _ => text.to_owned(),
    }
}

/// Returns a hostile JSON value as text. It may not be JSON.
pub fn hostile_json(random: &mut Random) -> String {
    let quoted = |text: &str| {
        let escaped: String = text
            .chars()
            .map(|c| match c {
                '"' | '\\' => format!("\\{c}"),
                c if c < ' ' => format!("\\u{:04x}", u32::from(c)),
                c => c.to_string(),
            })
            .collect();
        format!("\"{escaped}\"")
    };
    match random.below(16) {
        0..=6 => quoted(&hostile_text(random)),
        7 | 8 => (*random.pick(&NUMBERS)).to_owned(),
        9 => (*random.pick(&["null", "true", "false", "{}", "[]", "[null]", "{\"\": {}}", "[[], {}]"])).to_owned(),
        // Surrogates alone, the wrong way round, and as a pair.
        10 => (*random.pick(&["\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83d\\ude00\"", "\"a\\u0000b\""])).to_owned(),
        11 => {
            let depth = *random.pick(&[2, 100, 127, 128, 129, 1_000, 20_000]);
            let (open, close) = *random.pick(&[("[", "]"), ("{\"a\":", "}")]);
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        }
        12 => {
            let count = *random.pick(&[10, 51, 101, 1_001, 20_000]);
            format!("[{}]", vec!["\"x\""; count].join(","))
        }
        13 => {
            let count = *random.pick(&[2, 51, 1_000]);
            format!("{{{}}}", (0..count).map(|n| format!("\"k{n}\": {n}")).collect::<Vec<_>>().join(","))
        }
        14 => "{\"a\": 1, \"a\": 2}".to_owned(),
        // Not JSON.
        _ => (*random.pick(&["", "nul", "'x'", "\"", "01", "1.", "{", "NaN", "\"\t\""])).to_owned(),
    }
}
