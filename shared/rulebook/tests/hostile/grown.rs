//! Grows rulebooks that are meant to be hard to check: a list of genes, each a kind of entry with a few numbers. The same
//! genes always give the same text.

use std::fmt::{self, Write as _};

use fairleader_hostile::Random;

/// A kind of entry, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ranges of numbers in a few fields.
    Ranges,
    /// Alternatives that multiply.
    Alternatives,
    /// Long lists of values.
    Lists,
    /// Prefixes of each other.
    Prefixes,
    /// Searches within a text, and values of the same field.
    Searches,
    /// Named conditions, used often.
    Named,
    /// Tests of activities.
    Did,
    /// Days and ages.
    Dates,
    /// Lookups that list values or prefixes, and rules that test them.
    Lookups,
    /// Deep nesting of `not`, `all` and `any`.
    Deep,
    /// Mistakes in names and values.
    Mistakes,
    /// Keys of one mapping: duplicates, unknown ones.
    Keys,
    /// YAML that is hard to read: long lines, comments, quotes, brackets.
    Yaml,
}

pub const KINDS: [Kind; 13] = [
    Kind::Ranges,
    Kind::Alternatives,
    Kind::Lists,
    Kind::Prefixes,
    Kind::Searches,
    Kind::Named,
    Kind::Did,
    Kind::Dates,
    Kind::Lookups,
    Kind::Deep,
    Kind::Mistakes,
    Kind::Keys,
    Kind::Yaml,
];

/// Entries of one kind. `fields`, `values`, `parts` and `wide` mean roughly the same for all kinds.
#[derive(Clone, Debug)]
pub struct Gene {
    pub kind: Kind,
    /// How many entries.
    pub count: usize,
    /// Out of how many fields to choose.
    pub fields: usize,
    /// Out of how many values to choose.
    pub values: usize,
    /// How many tests each has.
    pub parts: usize,
    /// How long lists are.
    pub wide: usize,
    /// The section: route, block, mql, fit.
    pub place: usize,
    pub seed: u64,
}

impl Gene {
    pub fn random(dice: &mut Random) -> Self {
        let kind = KINDS[dice.below(KINDS.len())];
        let mut size = |most: usize| {
            let bits = dice.below(most.ilog2() as usize + 1);
            1 + dice.below(1 << bits)
        };
        let (count, fields, values, parts, wide) = (size(65_536), size(4_096), size(16_384), size(512), size(16_384));
        Self { kind, count, fields, values, parts, wide, place: dice.below(4), seed: dice.next() }
    }

    #[allow(dead_code, reason = "only the search changes genes")]
    pub fn mutated(&self, dice: &mut Random) -> Self {
        let mut gene = self.clone();
        let which = dice.below(7);
        let mut changed = |number: usize| match dice.below(4) {
            0 => number * 2,
            1 => number / 2 + 1,
            2 => number + 1,
            _ => 1 + dice.below(number * 3),
        };
        match which {
            0 => gene.count = changed(gene.count),
            1 => gene.fields = changed(gene.fields),
            2 => gene.values = changed(gene.values),
            3 => gene.parts = changed(gene.parts),
            4 => gene.wide = changed(gene.wide),
            5 => gene.place = changed(gene.place) % 4,
            _ => gene.kind = KINDS[changed(7) % KINDS.len()],
        }
        gene.count = gene.count.min(200_000);
        gene.seed = dice.next();
        gene
    }
}

/// The text of a rulebook, section by section.
struct Text {
    sections: [String; 7],
    most: usize,
    names: usize,
}

const LOOKUPS: usize = 0;
const CONDITIONS: usize = 1;
const BLOCK: usize = 2;
const FIT: usize = 3;
const MQL: usize = 4;
const ROUTE: usize = 5;
const FIELDS: usize = 6;

impl Text {
    fn is_full(&self) -> bool {
        self.sections.iter().map(String::len).sum::<usize>() > self.most
    }

    /// Adds a rule or line with this condition.
    fn put(&mut self, place: usize, condition: &str) -> fmt::Result {
        self.names += 1;
        let name = self.names;
        match place {
            1 => writeln!(self.sections[BLOCK], "  - {{ rule: b{name}, if: {condition}, then: {{ hold: h }} }}"),
            2 => writeln!(self.sections[MQL], "  - {condition}"),
            3 => writeln!(self.sections[FIT], "      - {{ if: {condition}, points: 1 }}"),
            _ => {
                let pool = name % 3;
                writeln!(self.sections[ROUTE], "  - {{ rule: r{name}, if: {condition}, then: {{ pool: p{pool} }} }}")
            }
        }
    }
}

fn number(dice: &mut Random, gene: &Gene) -> String {
    let from = dice.below(gene.values);
    match dice.below(4) {
        0 => format!("{from}+"),
        1 => format!("{from}"),
        _ => format!("{from}-{}", from + dice.below(gene.values)),
    }
}

fn listed(dice: &mut Random, gene: &Gene, mut one: impl FnMut(&mut Random) -> String) -> String {
    let values: Vec<String> = (0..gene.wide.min(20_000)).map(|_| one(dice)).collect();
    if let [only] = values.as_slice() { only.clone() } else { format!("[{}]", values.join(", ")) }
}

/// Returns tests of different fields, as a mapping or a list of alternatives.
fn tests(dice: &mut Random, gene: &Gene, mut one: impl FnMut(&mut Random, usize) -> String) -> String {
    let parts: Vec<String> = (0..gene.parts.min(2_000))
        .map(|_| {
            let field = dice.below(gene.fields);
            one(dice, field)
        })
        .collect();
    match gene.seed % 3 {
        0 => {
            format!("{{ any: [{}] }}", parts.iter().map(|part| format!("{{ {part} }}")).collect::<Vec<_>>().join(", "))
        }
        1 => {
            format!("{{ all: [{}] }}", parts.iter().map(|part| format!("{{ {part} }}")).collect::<Vec<_>>().join(", "))
        }
        _ => {
            let mut parts = parts;
            parts.sort();
            parts.dedup_by(|one, other| one.split(':').next() == other.split(':').next());
            format!("{{ {} }}", parts.join(", "))
        }
    }
}

fn word(dice: &mut Random, gene: &Gene) -> String {
    format!("v{:x}", dice.below(gene.values))
}

fn nested(dice: &mut Random, gene: &Gene) -> String {
    let depth = gene.parts % 17;
    let mut inner = format!("{{ custom.n{}: {} }}", dice.below(gene.fields), number(dice, gene));
    for _ in 0..depth {
        let other = format!("{{ custom.w{}: {} }}", dice.below(gene.fields), word(dice, gene));
        inner = match dice.below(3) {
            0 => format!("{{ not: {inner} }}"),
            1 => format!("{{ all: [{inner}, {other}] }}"),
            _ => format!("{{ any: [{inner}, {other}] }}"),
        };
    }
    inner
}

fn rule(dice: &mut Random, gene: &Gene, at: usize) -> String {
    match gene.kind {
        Kind::Ranges => tests(dice, gene, |dice, field| format!("custom.n{field}: {}", number(dice, gene))),
        Kind::Alternatives => {
            let parts: Vec<String> = (0..gene.parts.min(500))
                .map(|at| {
                    let (one, other) = (dice.below(gene.fields), dice.below(gene.fields));
                    let low = number(dice, gene);
                    let any = format!("{{ any: [{{ custom.n{one}: {low} }}, {{ custom.w{other}: v{at} }}] }}");
                    if at % 3 == 0 { format!("{{ not: {any} }}") } else { any }
                })
                .collect();
            format!("{{ all: [{}] }}", parts.join(", "))
        }
        Kind::Lists => {
            tests(dice, gene, |dice, field| format!("custom.w{field}: {}", listed(dice, gene, |dice| word(dice, gene))))
        }
        Kind::Prefixes => tests(dice, gene, |dice, field| {
            let prefix = |dice: &mut Random| {
                let length = 1 + dice.below(gene.values.min(200));
                format!("starts with {}", "ab".repeat(length / 2 + 1).get(..length).unwrap())
            };
            format!("custom.w{field}: {}", listed(dice, gene, prefix))
        }),
        Kind::Searches => tests(dice, gene, |dice, field| {
            let search = |dice: &mut Random| {
                let how = ["contains ", "ends with ", "word ", "", "starts with "][dice.below(5)];
                format!("{how}{}", word(dice, gene))
            };
            format!("custom.w{field}: {}", listed(dice, gene, search))
        }),
        Kind::Named => {
            let names = gene.fields.min(500);
            format!("{{ is: {} }}", listed(dice, gene, |dice| format!("c{:x}-{}", gene.seed, dice.below(names))))
        }
        Kind::Did => {
            let days = 1 + dice.below(gene.values);
            format!("{{ did: {}, within: {days} days }}", listed(dice, gene, |dice| word(dice, gene)))
        }
        Kind::Dates => tests(dice, gene, |dice, field| match dice.below(3) {
            0 => format!("custom.d{field}: within {} days", 1 + dice.below(gene.values)),
            1 => format!("custom.d{field}: more than {} hours ago", 1 + dice.below(gene.values)),
            _ => format!("custom.d{field}: since 20{:02}-01-01", dice.below(100)),
        }),
        Kind::Lookups => {
            format!("{{ l{:x}: {} }}", gene.seed, listed(dice, gene, |dice| format!("k{}", dice.below(gene.values))))
        }
        Kind::Deep => nested(dice, gene),
        Kind::Mistakes => tests(dice, gene, |dice, field| match at % 6 {
            0 => format!("contry{field}: DE"),
            1 => format!("custom.n{field}: '>= {}'", dice.below(gene.values)),
            2 => format!("country: {}", listed(dice, gene, |dice| word(dice, gene))),
            3 => format!("custom.o{field}: {}", listed(dice, gene, |dice| word(dice, gene))),
            4 => format!("is: unknown-{field}"),
            _ => format!("job.level: {}", listed(dice, gene, |dice| word(dice, gene))),
        }),
        Kind::Keys => {
            let keys = (0..gene.wide.min(200_000)).map(|_| format!("a{}: '>= 1'", dice.below(gene.values)));
            format!("{{ {} }}", keys.collect::<Vec<String>>().join(", "))
        }
        Kind::Yaml => match gene.seed % 6 {
            0 => format!("{{ message: '{}' }}", "''".repeat(gene.wide)),
            1 => format!("{{ message: {} }}", "x ".repeat(gene.wide)),
            2 => format!("{}{}", "[".repeat(gene.parts % 40), "]".repeat(gene.parts % 40)),
            3 => format!("{{ message: \"{}\" }} {}", "\\n".repeat(gene.wide), " ".repeat(gene.wide)),
            4 => format!("{{ ? {{ a: b }} : c, message: &a {} }} # {}", "x".repeat(gene.wide), "#".repeat(gene.wide)),
            _ => format!("\n{}", "    # comment\n".repeat(gene.wide.min(2_000))),
        },
    }
}

/// Returns the text of a rulebook with these genes, of `most` bytes or a little more.
pub fn text(genes: &[Gene], most: usize) -> String {
    let mut text = Text { sections: Default::default(), most, names: 0 };
    grow(genes, &mut text).unwrap();
    let [lookups, conditions, block, fit, mql, route, fields] = text.sections;
    let section = |name: &str, of: String| if of.is_empty() { of } else { format!("{name}:\n{of}") };
    let (fields, lookups) = (section("fields", fields), section("lookups", lookups));
    let (conditions, block) = (section("conditions", conditions), section("block", block));
    let fit = if fit.is_empty() { fit } else { format!("    lines:\n{fit}") };
    format!(
        "company: {{ zone: Europe/Berlin, currency: EUR }}\n{fields}{lookups}{conditions}{block}score:\n  fit:\n    share: \
         100%\n{fit}mql:\n  - {{ source: present }}\n{mql}route:\n{route}  - {{ rule: last, then: {{ pool: p }} }}\n"
    )
}

fn grow(genes: &[Gene], text: &mut Text) -> fmt::Result {
    let fields = genes.iter().map(|gene| gene.fields).max().unwrap_or(1).min(200);
    for field in 0..fields {
        writeln!(text.sections[FIELDS], "  custom.n{field}: number\n  custom.d{field}: date")?;
    }
    for gene in genes {
        let mut dice = Random::new(gene.seed);
        if gene.kind == Kind::Named {
            for name in 0..gene.fields.min(500) {
                let kind = KINDS[dice.below(5)];
                let inner = Gene { kind, parts: gene.parts.min(300), wide: gene.wide.min(40), ..gene.clone() };
                let condition = if name > 0 && dice.below(3) == 0 {
                    format!("{{ is: [c{:x}-{}] }}", gene.seed, dice.below(name))
                } else {
                    rule(&mut dice, &inner, name)
                };
                writeln!(text.sections[CONDITIONS], "  c{:x}-{name}: {condition}", gene.seed)?;
                if text.is_full() {
                    break;
                }
            }
        }
        if gene.kind == Kind::Lookups {
            let prefix = if gene.seed % 2 == 0 { "starts with " } else { "" };
            writeln!(text.sections[LOOKUPS], "  l{:x}:\n    from: custom.w{}\n    values:", gene.seed, gene.fields)?;
            for key in 0..gene.values {
                let length = 1 + dice.below(gene.parts);
                let value = format!("{prefix}{}{key:x}", "a".repeat(length));
                writeln!(text.sections[LOOKUPS], "      k{key}: {value}")?;
                if text.is_full() {
                    break;
                }
            }
        }
        for at in 0..gene.count {
            let condition = rule(&mut dice, gene, at);
            text.put(gene.place, &condition)?;
            if text.is_full() {
                return Ok(());
            }
        }
    }
    Ok(())
}
