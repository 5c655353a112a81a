//! Generates rulebooks of any size, and leads for them, deterministically, like those of companies that route by
//! territory. Rules test country, state, postal code, industry and employees, with lists, ranges, negations and
//! alternatives. The narrowest rules come first, as people order them, so no rule is covered by an earlier one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fairleader_lead::profile::Profile;
use fairleader_rulebook::{References, Rulebook, Severity};

/// Pseudo-random numbers that are the same every time (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        u32::try_from(z % u64::from(end)).expect("below a u32")
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// Returns a number below `end`; low numbers are more frequent.
    fn skewed(&mut self, end: u32) -> u32 {
        self.below(end).min(self.below(end))
    }

    fn several(&mut self, most: u32, end: u32) -> BTreeSet<u32> {
        (0..=self.skewed(most)).map(|_| self.skewed(end)).collect()
    }
}

pub(crate) const COUNTRIES: [&str; 40] = [
    "DE", "US", "GB", "FR", "NL", "CH", "AT", "ES", "IT", "SE", "NO", "DK", "FI", "PL", "BE", "CZ", "IE", "PT", "CA",
    "AU", "BR", "IN", "JP", "SG", "ZA", "MX", "AE", "IL", "TR", "GR", "HU", "RO", "BG", "HR", "SK", "SI", "LT", "LV",
    "EE", "LU",
];
pub(crate) const INDUSTRIES: [&str; 30] = [
    "software",
    "banking",
    "insurance",
    "retail",
    "automotive",
    "chemicals",
    "pharma",
    "hospitals",
    "education",
    "public sector",
    "energy",
    "utilities",
    "telecom",
    "media",
    "logistics",
    "aviation",
    "shipping",
    "construction",
    "real estate",
    "food",
    "agriculture",
    "mining",
    "steel",
    "machinery",
    "electronics",
    "consulting",
    "legal",
    "tourism",
    "textiles",
    "paper",
];
/// Typical company size limits.
pub(crate) const SIZES: [u32; 24] = [
    1, 5, 10, 15, 20, 25, 35, 50, 75, 100, 150, 200, 250, 350, 500, 750, 1_000, 1_500, 2_500, 5_000, 7_500, 10_000,
    25_000, 50_000,
];

pub(crate) fn state(country: u32, number: u32) -> String {
    let country = COUNTRIES[usize::try_from(country).expect("an index")];
    format!("{country} State {number}")
}

/// How many states each country has here.
const STATES: u32 = 16;

/// A rule; an empty set is not tested.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    /// Positions in [`COUNTRIES`].
    pub(crate) countries: BTreeSet<u32>,
    /// States of the country, if there is only one.
    pub(crate) states: BTreeSet<u32>,
    /// Postal code prefixes: digits, and how many.
    pub(crate) codes: BTreeSet<(u32, usize)>,
    /// Positions in [`INDUSTRIES`].
    pub(crate) industries: BTreeSet<u32>,
    /// Whether it matches all industries except these.
    pub(crate) others: bool,
    /// Positions in [`SIZES`]; without a second one there is no upper limit.
    pub(crate) employees: Option<(usize, Option<usize>)>,
    /// Any of these industries, or at least that many employees.
    pub(crate) either: Option<(BTreeSet<u32>, usize)>,
}

/// Returns the prefixes that do not start with another one.
fn apart(codes: &BTreeSet<(u32, usize)>) -> BTreeSet<(u32, usize)> {
    let text = |(code, digits): &(u32, usize)| format!("{code:0digits$}");
    let within = |code: &&(u32, usize)| {
        let begins = |other: &(u32, usize)| other != *code && text(code).starts_with(&text(other));
        !codes.iter().any(begins)
    };
    codes.iter().filter(within).copied().collect()
}

pub(crate) fn names(of: &BTreeSet<u32>, names: &[&'static str]) -> Vec<&'static str> {
    of.iter().map(|at| names[usize::try_from(*at).expect("an index")]).collect()
}

impl Rule {
    /// Most rules test postal codes, some test states, and few test whole countries; the latter are narrow in other
    /// ways. The larger a rulebook, the more local its rules.
    fn roll(dice: &mut Dice, alternatives: bool) -> Self {
        let kind = dice.below(100);
        let local = kind >= 30;
        let countries = if kind < 5 { dice.several(3, 40) } else { [dice.skewed(40)].into() };
        let states = if (5..30).contains(&kind) { dice.several(3, STATES) } else { BTreeSet::new() };
        let code = |dice: &mut Dice| match dice.below(10) {
            0 => (dice.below(100), 2),
            1..5 => (dice.below(1_000), 3),
            _ => (dice.below(100_000), 5),
        };
        let codes = if local { apart(&(0..=dice.skewed(4)).map(|_| code(dice)).collect()) } else { BTreeSet::new() };
        if local && alternatives && dice.chance(20) {
            let either = Some((dice.several(4, 30), 16));
            let industries = BTreeSet::new();
            return Self { countries, states, codes, industries, others: false, employees: None, either };
        }
        let industries = if !local || dice.chance(60) { dice.several(3, 30) } else { BTreeSet::new() };
        let others = local && !industries.is_empty() && dice.chance(20);
        let employees = (!local || dice.chance(70)).then(|| {
            let from = usize::try_from(dice.below(24)).expect("a size");
            let to = from + 1 + usize::try_from(dice.below(5)).expect("a size");
            (from, (to < SIZES.len()).then_some(to))
        });
        Self { countries, states, codes, industries, others, employees, either: None }
    }

    /// Returns how many leads it matches if they are evenly distributed. Exact, so that a rule within another matches
    /// fewer.
    fn width(&self) -> u64 {
        let count = |length: usize| u64::try_from(length).expect("a length");
        let part = |found: usize, of: u64| if found == 0 { 240 } else { count(found) * 240 / of };
        let code = |digits: usize| 10_u64.pow(5 - u32::try_from(digits).expect("few"));
        let codes = self.codes.iter().map(|(_, digits)| code(*digits)).sum();
        let industries = part(self.industries.len(), 30);
        part(self.countries.len(), 40)
            * part(self.states.len(), 16)
            * if codes == 0 { code(0) } else { codes }
            * if self.others { 240 - industries } else { industries }
            * self.employees.map_or(2_401, |(from, to)| count(to.unwrap_or(SIZES.len()) - from) * 100)
            * self.either.as_ref().map_or(240, |(industries, _)| 80 + part(industries.len(), 30) * 2 / 3)
    }

    pub(crate) fn codes(&self) -> impl Iterator<Item = String> {
        self.codes.iter().map(|(code, digits)| format!("{code:0digits$}"))
    }

    pub(crate) fn country(&self) -> u32 {
        self.countries.first().copied().expect("a country")
    }

    /// Returns the `if` of the rule.
    fn yaml(&self) -> String {
        let mut tests = vec![format!("country: [{}]", names(&self.countries, &COUNTRIES).join(", "))];
        if !self.states.is_empty() {
            let states: Vec<String> = self.states.iter().map(|number| state(self.country(), *number)).collect();
            tests.push(format!("state: [{}]", states.join(", ")));
        }
        if !self.codes.is_empty() {
            let codes: Vec<String> = self.codes().map(|code| format!("starts with {code}")).collect();
            tests.push(format!("postal_code: [{}]", codes.join(", ")));
        }
        if !self.industries.is_empty() {
            let test = format!("industry: [{}]", names(&self.industries, &INDUSTRIES).join(", "));
            tests.push(if self.others { format!("not: {{ {test} }}") } else { test });
        }
        match self.employees {
            Some((from, Some(to))) => tests.push(format!("company.employees: {}-{}", SIZES[from], SIZES[to] - 1)),
            Some((from, None)) => tests.push(format!("company.employees: {}+", SIZES[from])),
            None => {}
        }
        if let Some((industries, from)) = &self.either {
            let industries = names(industries, &INDUSTRIES).join(", ");
            tests.push(format!("any: [{{ industry: [{industries}] }}, {{ company.employees: {}+ }}]", SIZES[*from]));
        }
        format!("{{ {} }}", tests.join(", "))
    }

    /// Returns a lead that it may match.
    fn lead(&self, dice: &mut Dice) -> Profile {
        let mut lead = stranger(dice);
        let pick = |dice: &mut Dice, of: &BTreeSet<u32>| {
            let nth = usize::try_from(dice.below(u32::try_from(of.len()).expect("few"))).expect("few");
            of.iter().nth(nth).copied().expect("one of them")
        };
        let country = pick(dice, &self.countries);
        lead.place.country = Some(names(&[country].into(), &COUNTRIES).concat());
        let number = if self.states.is_empty() { dice.skewed(STATES) } else { pick(dice, &self.states) };
        lead.place.state = Some(state(country, number));
        if let Some(code) = self.codes().next() {
            let rest = 5 - code.len();
            lead.place.postal_code = Some(
                format!("{code}{:0rest$}", dice.below(10_u32.pow(u32::try_from(rest).expect("few"))))
                    .chars()
                    .take(5)
                    .collect(),
            );
        }
        if !self.industries.is_empty() && !self.others {
            lead.company.industry = Some(names(&[pick(dice, &self.industries)].into(), &INDUSTRIES).concat());
        }
        if let Some((from, _)) = self.employees {
            lead.company.employees = Some(SIZES[from] + dice.below(1 + SIZES[from] / 4));
        }
        lead
    }
}

/// Returns a lead from anywhere.
fn stranger(dice: &mut Dice) -> Profile {
    let mut lead = Profile::default();
    let country = dice.skewed(40);
    lead.place.country = Some(names(&[country].into(), &COUNTRIES).concat());
    lead.place.state = Some(state(country, dice.skewed(STATES)));
    lead.place.postal_code = Some(format!("{:05}", dice.below(100_000)));
    lead.company.industry = Some(names(&[dice.skewed(30)].into(), &INDUSTRIES).concat());
    let size = SIZES[usize::try_from(dice.below(24)).expect("a size")];
    lead.company.employees = Some(size + dice.below(size));
    lead
}

/// Returns `count` different rules, narrowest first. `alternatives` adds conditions over several fields, which a
/// decision table cannot express.
pub(crate) fn rules(count: usize, alternatives: bool) -> Vec<Rule> {
    let mut dice = Dice(7);
    let mut rules = BTreeSet::new();
    while rules.len() < count {
        rules.insert(Rule::roll(&mut dice, alternatives));
    }
    let mut rules: Vec<Rule> = rules.into_iter().collect();
    rules.sort_by_cached_key(Rule::width);
    rules
}

/// Returns the rulebook as text. It has no `block` rules and no score lines; every lead is an MQL.
pub(crate) fn rulebook(rules: &[Rule]) -> String {
    let mut text = "company: { zone: Europe/Berlin, currency: EUR }\nscore: { fit: { share: 100% } }\n\
                    mql: [{ source: present }]\nroute:\n"
        .to_owned();
    for (number, rule) in rules.iter().enumerate() {
        let pool = number % 50;
        writeln!(text, "  - {{ rule: r{number}, if: {}, then: {{ pool: pool-{pool} }} }}", rule.yaml())
            .expect("a string");
    }
    text.push_str("  - { rule: everyone else, then: { pool: inbound } }\n");
    text
}

/// Returns a rulebook of `count` rules and its rules. A few generated rules can never win, because several others
/// together take all their leads; the check names them, and they are left out.
pub(crate) fn checked(count: usize, alternatives: bool) -> (Vec<Rule>, Rulebook) {
    let mut rules = rules(count, alternatives);
    loop {
        let text = rulebook(&rules);
        let found = match Rulebook::parse(&text, &References::default()) {
            Ok(checked) => return (rules, checked.rulebook),
            Err(found) => found,
        };
        let errors = found.iter().filter(|found| found.severity == Severity::Error);
        let dead: BTreeSet<String> = errors
            .map(|found| match &found.rule {
                Some(rule) if found.code == "never-wins" => rule.clone(),
                _ => panic!("{}", found.render(&text, "rulebook")),
            })
            .collect();
        let mut number = 0..;
        rules.retain(|_| !dead.contains(&format!("r{}", number.next().expect("without an end"))));
    }
}

/// Returns `count` leads, each made for a rule somewhere in the rulebook.
pub(crate) fn leads(rules: &[Rule], count: usize) -> Vec<Profile> {
    let mut dice = Dice(11);
    let all = u32::try_from(rules.len()).expect("few");
    (0..count).map(|_| rules[usize::try_from(dice.below(all)).expect("an index")].lead(&mut dice)).collect()
}

/// Returns `count` leads from countries that no rule names.
pub(crate) fn strangers(count: usize) -> Vec<Profile> {
    let mut dice = Dice(13);
    let far = |mut lead: Profile| {
        lead.place.country = Some("NZ".to_owned());
        lead
    };
    (0..count).map(|_| far(stranger(&mut dice))).collect()
}

/// Returns `count` leads from anywhere.
pub(crate) fn anyone(count: usize) -> Vec<Profile> {
    let mut dice = Dice(17);
    (0..count).map(|_| stranger(&mut dice)).collect()
}
