//! A bounded run of a check over a corpus, mutations of it, and noise.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::{Random, mutated};

/// Longest time of a check of one input, also on a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

/// Returns a number from the environment, or `otherwise`.
pub fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// Returns the files of a target's corpus, in the order of their names.
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Gives `check` every input of the target's corpus and of `more`, and then mutations of them. Input on which it fails
/// is stored in a file, to become part of the corpus.
pub fn examine(target: &str, more: &[&[u8]], mut check: impl FnMut(&[u8])) {
    let (cases, seed) = (setting("FAIRLEADER_FUZZ_CASES", 1_000), setting("FAIRLEADER_FUZZ_SEED", 1));
    let mut all = corpus(target);
    all.extend(more.iter().map(|input| input.to_vec()));
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut run = |input: &[u8]| slowest = slowest.max(one(target, input, &mut check));
    for input in &all {
        run(input);
    }
    for case in 0..cases {
        run(&mutated(&mut Random::of_case(seed, case), &all));
    }
    println!(
        "{target}: {} files and {cases} mutations in {:?}, the slowest took {slowest:?}; FAIRLEADER_FUZZ_SEED={seed}",
        all.len(),
        begun.elapsed()
    );
}

fn one(target: &str, input: &[u8], check: &mut impl FnMut(&[u8])) -> Duration {
    let begun = Instant::now();
    let checked = catch_unwind(AssertUnwindSafe(|| check(input)));
    let took = begun.elapsed();
    if checked.is_ok() && took < LONGEST {
        return took;
    }
    let file = std::env::temp_dir().join(format!("fairleader-{target}-{}.input", std::process::id()));
    std::fs::write(&file, input).unwrap();
    println!("{target}: failed after {took:?} on the input that is now in {}", file.display());
    match checked {
        Err(panic) => resume_unwind(panic),
        Ok(()) => panic!("{target}: one check took {took:?}"),
    }
}
