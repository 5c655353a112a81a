//! Maps the texts that rules name to numbers: a lead's value is looked up once, and every test then compares integers.
//!
//! Each field has its own numbers. What a rule tests is a *key*: a text, a prefix, yes, no, or a missing value.

use crate::lead_value::Value;

/// The key of a lead without a value.
pub(crate) const ABSENT: u32 = 0;
const NO: u32 = 1;
const YES: u32 = 2;
/// The first key of a text; keys of whole texts and of prefixes alternate.
const FIRST: u32 = 3;
/// No key: no rule names the value.
pub(crate) const NONE: u32 = u32::MAX;

/// Numbers texts in the order of insertion, and finds them again.
///
/// A custom hash table, because the order of the standard one differs from run to run; this one is never iterated over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    /// Keys the hash.
    seed: u64,
    /// All texts, concatenated.
    letters: String,
    /// Where each text ends.
    ends: Vec<u32>,
    /// Hash and number of each text, at the position given by the hash or the next free one. The length is a power of
    /// two, and at most half of the places are taken.
    places: Vec<(u32, u32)>,
}

const FREE: (u32, u32) = (0, NONE);

/// Converts a number to a position; `u32` always fits on the supported platforms.
pub(crate) fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Converts a position to a number. A position that does not fit becomes [`NONE`], which is never found; a document of
/// a few megabytes cannot contain 4 billion of anything.
pub(crate) fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NONE)
}

/// Multiplies and folds, eight bytes at a time, as wyhash does. The seed comes from everything that the author wrote, so
/// nobody can choose texts that collide: any change of a text changes the seed.
fn hash(seed: u64, text: &str) -> u32 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let factor = seed.rotate_left(32) ^ ODD;
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(factor);
        let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or_default();
        u64::try_from(product >> 64).unwrap_or_default() ^ low
    };
    let mut words = text.as_bytes().chunks_exact(8);
    let mut hash = seed ^ u64::from(number(text.len()));
    for word in words.by_ref() {
        hash = mix(hash, <[u8; 8]>::try_from(word).map_or(0, u64::from_le_bytes));
    }
    hash = mix(hash, words.remainder().iter().fold(0, |rest, byte| (rest << 8) | u64::from(*byte)));
    u32::try_from(hash >> 32).unwrap_or_default()
}

impl Texts {
    /// Creates an empty table. `seed` keys its hash.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Returns the number of texts.
    pub(crate) const fn len(&self) -> usize {
        self.ends.len()
    }

    fn text(&self, number: u32) -> Option<&str> {
        let from = if number == 0 { 0 } else { at(*self.ends.get(at(number - 1))?) };
        self.letters.get(from..at(*self.ends.get(at(number))?))
    }

    /// Returns the number of a text, and whether it is new.
    pub(crate) fn insert(&mut self, text: &str) -> (u32, bool) {
        if let Some(known) = self.get(text) {
            return (known, false);
        }
        let new = number(self.ends.len());
        self.letters.push_str(text);
        self.ends.push(number(self.letters.len()));
        if self.places.len() < self.ends.len() * 2 {
            let known: Vec<(u32, u32)> = self.places.iter().copied().filter(|place| *place != FREE).collect();
            self.places = vec![FREE; (self.ends.len() * 4).next_power_of_two()];
            for place in known {
                self.put(place);
            }
        }
        self.put((hash(self.seed, text), new));
        (new, true)
    }

    fn put(&mut self, place: (u32, u32)) {
        let mask = self.places.len().wrapping_sub(1);
        let mut position = at(place.0) & mask;
        while self.places.get(position).is_some_and(|taken| *taken != FREE) {
            position = (position + 1) & mask;
        }
        if let Some(free) = self.places.get_mut(position) {
            *free = place;
        }
    }

    /// Returns the number of a text, if it is known.
    pub(crate) fn get(&self, text: &str) -> Option<u32> {
        if self.places.is_empty() {
            return None;
        }
        let hash = hash(self.seed, text);
        let mask = self.places.len().wrapping_sub(1);
        let mut position = at(hash) & mask;
        loop {
            let (known, number) = *self.places.get(position)?;
            if number == NONE {
                return None;
            }
            if known == hash && self.text(number) == Some(text) {
                return Some(number);
            }
            position = (position + 1) & mask;
        }
    }

    /// Returns the number of bytes on the heap.
    fn bytes(&self) -> usize {
        self.letters.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.places.capacity() * size_of::<(u32, u32)>()
    }
}

/// The keys that the rules of one rulebook test in one field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Symbols {
    is: Texts,
    begins: Texts,
    /// The lengths of the prefixes in bytes, longest first.
    lengths: Vec<usize>,
    /// For each prefix, the key of the longest shorter prefix that it starts with.
    shorter: Vec<u32>,
    /// For each whole text, the key of the longest prefix that it starts with.
    longest: Vec<u32>,
}

/// A lead's value in one field, in the form used to compare keys and ranges.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    /// A value with keys, or a missing value.
    Of {
        /// [`ABSENT`], the key of yes, no or the text, or [`NONE`].
        is: u32,
        /// The longest prefix it starts with, or [`NONE`]; [`Symbols::shorter`] gives the shorter ones.
        begins: u32,
    },
    /// A number.
    Number(u32),
    /// A value that only the condition itself can compare.
    Other,
}

impl Symbols {
    /// Creates an empty table. `seed` keys its hashes.
    pub(crate) fn new(seed: u64) -> Self {
        Self { is: Texts::new(seed), begins: Texts::new(seed), ..Self::default() }
    }

    /// Adds a whole text and returns its key.
    pub(crate) fn insert_is(&mut self, text: &str) -> u32 {
        Self::is(self.is.insert(text).0)
    }

    /// Adds a prefix and returns its key.
    pub(crate) fn insert_begins(&mut self, text: &str) -> u32 {
        Self::begins(self.begins.insert(text).0)
    }

    /// Returns the key of yes or no.
    pub(crate) const fn yes_no(yes: bool) -> u32 {
        if yes { YES } else { NO }
    }

    const fn is(number: u32) -> u32 {
        number.saturating_mul(2).saturating_add(FIRST)
    }

    const fn begins(number: u32) -> u32 {
        Self::is(number).saturating_add(1)
    }

    /// Completes the table, once all keys were added.
    pub(crate) fn finish(&mut self) {
        let texts: Vec<&str> = (0..number(self.begins.len())).filter_map(|number| self.begins.text(number)).collect();
        self.lengths = texts.iter().map(|text| text.len()).collect();
        self.lengths.sort_unstable_by(|a, b| b.cmp(a));
        self.lengths.dedup();
        self.shorter = texts.iter().map(|text| self.longest(text, text.len())).collect();
        let texts = (0..number(self.is.len())).filter_map(|number| self.is.text(number));
        self.longest = texts.map(|text| self.longest(text, usize::MAX)).collect();
    }

    /// Returns all keys that a lead with this key has, shorter prefixes last. For the key of a prefix, these are the
    /// keys that it implies.
    pub(crate) fn all(&self, key: u32) -> impl Iterator<Item = u32> {
        let number = key.checked_sub(FIRST);
        let next = move |known: u32| match number {
            // `key` is the key of a whole text.
            Some(number) if known == key && number.is_multiple_of(2) => {
                self.longest.get(at(number / 2)).copied().unwrap_or(NONE)
            }
            Some(_) => self.shorter(known),
            None => NONE,
        };
        std::iter::successors(Some(key), move |known| Some(next(*known)).filter(|key| *key != NONE))
    }

    /// Returns the longest prefix of `text` that is shorter than `below`.
    fn longest(&self, text: &str, below: usize) -> u32 {
        let below = below.min(text.len().saturating_add(1));
        let shorter = self.lengths.partition_point(|length| *length >= below);
        let within = self.lengths.get(shorter..).unwrap_or_default().iter();
        let found = within.filter_map(|length| self.begins.get(text.get(..*length)?));
        found.map(Self::begins).next().unwrap_or(NONE)
    }

    /// Returns the longest shorter prefix of the prefix with this key, or [`NONE`].
    pub(crate) fn shorter(&self, begins: u32) -> u32 {
        let number = begins.saturating_sub(FIRST) / 2;
        self.shorter.get(at(number)).copied().unwrap_or(NONE)
    }

    /// Returns the key of a value.
    pub(crate) fn key(&self, value: Option<&Value<'_>>) -> Key {
        match value {
            None => Key::Of { is: ABSENT, begins: NONE },
            Some(Value::YesNo(yes)) => Key::Of { is: Self::yes_no(*yes), begins: NONE },
            Some(Value::Number(number)) => Key::Number(*number),
            Some(Value::Text { folded, .. }) => Key::Of {
                is: self.is.get(folded).map_or(NONE, Self::is),
                begins: if self.lengths.is_empty() { NONE } else { self.longest(folded, usize::MAX) },
            },
            Some(Value::Date { .. }) => Key::Other,
        }
    }

    /// Returns the number of bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let numbers = self.shorter.capacity() + self.longest.capacity();
        let lists = self.lengths.capacity() * size_of::<usize>() + numbers * size_of::<u32>();
        self.is.bytes() + self.begins.bytes() + lists
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_inserted_texts() {
        let mut texts = Texts::default();
        assert_eq!(texts.get(""), None);
        let words: Vec<String> =
            (0..1_000).map(|n| format!("{}{n}", "x".repeat(n % 20))).chain([String::new()]).collect();
        for (number, word) in (0_u32..).zip(&words) {
            assert_eq!(texts.insert(word), (number, true));
            assert_eq!(texts.insert(word), (number, false));
        }
        for (number, word) in (0_u32..).zip(&words) {
            assert_eq!((texts.get(word), texts.text(number)), (Some(number), Some(word.as_str())));
        }
        assert_eq!(texts.get("xx"), None);
    }

    #[test]
    fn a_text_has_the_keys_of_all_its_prefixes() {
        let mut symbols = Symbols::default();
        let is = symbols.insert_is("01067");
        let [long, short, other] = ["010", "0", "02"].map(|text| symbols.insert_begins(text));
        symbols.finish();
        let Key::Of { is: found, begins } = symbols.key(Some(&Value::text("01067"))) else { panic!("a text") };
        assert_eq!((found, begins, symbols.shorter(begins), symbols.shorter(short)), (is, long, short, NONE));
        assert_eq!(symbols.shorter(other), short);
        assert_eq!(symbols.all(is).collect::<Vec<u32>>(), [is, long, short]);
        assert_eq!(symbols.all(other).collect::<Vec<u32>>(), [other, short]);
        assert_eq!(symbols.all(ABSENT).collect::<Vec<u32>>(), [ABSENT]);
        // The second character takes two bytes; a length between them is not a prefix.
        assert!(matches!(symbols.key(Some(&Value::text("0٣"))), Key::Of { is: NONE, begins } if begins == short));
        assert!(matches!(symbols.key(None), Key::Of { is: ABSENT, begins: NONE }));
    }
}
