//! Mutations of good input.

use std::ops::Range;

use crate::{Random, hostile_json, hostile_text, mutated_json};

/// Limit on the size of mutated input.
const LARGEST: usize = 64 * 1024;
/// Most mutations of one input.
const MOST: usize = 6;

/// Returns noise: any bytes, ASCII, or hostile texts one after the other.
pub fn noise(random: &mut Random) -> Vec<u8> {
    let length = random.below(300);
    match random.below(3) {
        0 => (0..length).map(|_| byte(random)).collect(),
        1 => (0..length).map(|_| b' ' + byte(random) % 95).collect(),
        _ => (0..length / 8).flat_map(|_| hostile_text(random).into_bytes()).take(LARGEST).collect(),
    }
}

/// Returns input of the corpus with a few mutations, or noise once in twenty. JSON mostly stays JSON.
pub fn mutated(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    if corpus.is_empty() || random.one_in(20) {
        return noise(random);
    }
    let mut input = random.pick(corpus).clone();
    if !random.one_in(3)
        && let Ok(json) = serde_json::from_slice(&input)
    {
        return mutated_json(random, &json).into_bytes();
    }
    for _ in 0..=random.below(MOST) {
        mutate(&mut input, random, corpus);
        input.truncate(LARGEST);
    }
    input
}

fn byte(random: &mut Random) -> u8 {
    random.next().to_le_bytes()[0]
}

fn mutate(input: &mut Vec<u8>, random: &mut Random, corpus: &[Vec<u8>]) {
    let at = random.below(input.len() + 1);
    match random.below(16) {
        0 => {
            if let Some(one) = input.get_mut(at) {
                *one = byte(random);
            }
        }
        1 => {
            let gone = range(random, input, 40);
            replace(input, gone, b"");
        }
        2 => {
            let again = input[range(random, input, 80)].to_vec();
            insert(input, at, &again);
        }
        3 => insert(input, at, hostile_text(random).as_bytes()),
        4..=6 => {
            let with = if random.one_in(3) { hostile_json(random) } else { hostile_text(random) };
            replace_word(input, random, with.as_bytes());
        }
        7 | 8 => {
            let other = random.pick(corpus);
            let taken = other[word(random, other)].to_vec();
            replace_word(input, random, &taken);
        }
        9 => {
            let again = input[line(random, input)].to_vec();
            let at = line(random, input).start;
            insert(input, at, &again);
        }
        10 => {
            let gone = line(random, input);
            replace(input, gone, b"");
        }
        11 => {
            let from = line(random, input);
            let moved: Vec<u8> = input.drain(from).collect();
            let at = line(random, input).start;
            insert(input, at, &moved);
        }
        12 => {
            let part = input[range(random, input, 60)].to_vec();
            let times = *random.pick(&[3, 30, 300, 3_000]);
            insert(input, at, &part.repeat(times.min(LARGEST / part.len().max(1))));
        }
        13 => {
            let other = random.pick(corpus);
            input.truncate(at);
            input.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        14 => {
            let start = line(random, input).start;
            let spaces = b"        ";
            insert(input, start, &spaces[..random.below(spaces.len())]);
        }
        _ => {
            let all: [&[u8]; 6] =
                [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xff\xfe"];
            let at = if random.one_in(3) { 0 } else { at };
            insert(input, at, random.pick::<&[u8]>(&all));
        }
    }
}

fn replace_word(input: &mut Vec<u8>, random: &mut Random, with: &[u8]) {
    let place = word(random, input);
    replace(input, place, with);
}

fn insert(input: &mut Vec<u8>, at: usize, what: &[u8]) {
    replace(input, at..at, what);
}

fn replace(input: &mut Vec<u8>, range: Range<usize>, what: &[u8]) {
    input.splice(range, what.iter().copied());
}

/// Returns a range of at most `most` bytes.
fn range(random: &mut Random, input: &[u8], most: usize) -> Range<usize> {
    let start = random.below(input.len() + 1);
    start..input.len().min(start + random.below(most + 1))
}

/// Returns the range of a word: letters, digits and what joins them in names.
fn word(random: &mut Random, input: &[u8]) -> Range<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@' | b'%');
    let at = random.below(input.len() + 1);
    let start = input[at..].iter().position(is_part).map_or(input.len(), |more| at + more);
    let begins = input[..start].iter().rposition(|byte| !is_part(byte)).map_or(0, |before| before + 1);
    let length = input[start..].iter().position(|byte| !is_part(byte)).unwrap_or(input.len() - start);
    begins.min(start)..start + length
}

/// Returns the range of a line with its end.
fn line(random: &mut Random, input: &[u8]) -> Range<usize> {
    let at = random.below(input.len() + 1);
    let start = input[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
    let end = input[at..].iter().position(|byte| *byte == b'\n').map_or(input.len(), |more| at + more + 1);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_input_again() {
        let corpus = [b"name: Ada\nemail: ada@lovelace.example\n".to_vec(), b"{}".to_vec()];
        let all = |seed| (0..500).map(|case| mutated(&mut Random::of_case(seed, case), &corpus)).collect::<Vec<_>>();
        let (first, other) = (all(1), all(2));
        assert_eq!(first, all(1));
        assert_ne!(first, other);
        assert!(first.iter().all(|input| input.len() < 1_000_000));
        let changed = first.iter().filter(|input| !corpus.contains(input)).count();
        assert!(changed > 400, "{changed}");
    }
}
