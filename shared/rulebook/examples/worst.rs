//! Searches for the rulebook that takes longest to check, compile and compare:
//!
//! ```console
//! $ WORST_SECONDS=3600 cargo run --release -p fairleader-rulebook --example worst
//! ```
//!
//! Starts from random genes, keeps what is slowest and changes it (hill climbing, with a new start when nothing gets
//! slower). Prints every new worst one with its seed, size, time and steps. `WORST_SEED` sets the first seed,
//! `WORST_FOLDER` where the slowest texts are written. With a file as argument it measures that one.

#![allow(missing_docs, reason = "a program, not a library")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::unchecked_time_subtraction,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::format_push_string,
    unreachable_pub,
    reason = "a search stops at the first thing that is wrong, as a test does"
)]

#[path = "../tests/hostile/grown.rs"]
mod grown;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use fairleader_hostile::Random;
use fairleader_rulebook::{References, Rulebook, Work, diff_with};

use grown::{Gene, text};

/// Returns how long this thread has been running: on Linux, without the time that others took from it.
fn clock() -> Duration {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = ran.and_then(|text| text.split(' ').next()?.parse().ok());
    ran.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

/// The sizes of rulebooks, in turn: that of the largest upload, and smaller ones.
const SIZES: [usize; 4] = [2 * 1024 * 1024 - 300, 92 * 1024, 600 * 1024, 2 * 1024 * 1024 - 300];
/// After so many changes without success the search starts anew.
const PATIENCE: usize = 25;

/// What one rulebook costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    check: Duration,
    reuse: Duration,
    diff: Duration,
    steps: u64,
    problems: usize,
    valid: bool,
}

impl Cost {
    fn most(self) -> Duration {
        self.check.max(self.reuse).max(self.diff)
    }
}

fn cost(text: &str) -> Cost {
    let references = References::default();
    let work = Work::default();
    let begun = clock();
    let used = Rulebook::tables_used(text);
    let checked = Rulebook::parse_with(text, &references, &work);
    let rendered = |problems: &[fairleader_rulebook::Diagnostic]| {
        problems.iter().map(|problem| problem.render(text, "worst.yaml").len()).sum::<usize>()
    };
    let (problems, bytes) = match &checked {
        Ok(checked) => (checked.warnings.len(), rendered(&checked.warnings)),
        Err(problems) => (problems.len(), rendered(problems)),
    };
    let check = clock() - begun;
    assert!(problems <= 203 && bytes < 4_000_000 && used.len() <= 20, "{problems} problems, {bytes} bytes");
    let begun = clock();
    let reused = Rulebook::reuse(text, &references);
    let reuse = clock() - begun;
    let mut diff = Duration::ZERO;
    if let Ok(new) = &reused {
        let old = text.replace("p: ", "q: ").replace("rule: r1", "rule: s1").replace("v1", "v2");
        if let Ok(old) = Rulebook::reuse(&old, &references) {
            let begun = clock();
            diff_with(&old, new, &work);
            diff_with(new, &old, &Work::default());
            diff = (clock() - begun) / 2;
        }
    }
    Cost { check, reuse, diff, steps: work.steps(), problems, valid: checked.is_ok() }
}

fn main() {
    if let Some(file) = std::env::args().nth(1) {
        println!("{:.3?}", cost(&std::fs::read_to_string(file).unwrap()));
        return;
    }
    let number = |name: &str, other: u64| std::env::var(name).map_or(other, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(number("WORST_SECONDS", 60));
    let mut dice = Random::new(number("WORST_SEED", 1));
    let folder = std::env::var("WORST_FOLDER").map(PathBuf::from).ok();
    let mut worst: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut tried = 0_usize;
    for round in 0.. {
        let size = SIZES[round % SIZES.len()];
        let mut genes: Vec<Gene> = (0..=dice.below(4)).map(|_| Gene::random(&mut dice)).collect();
        let mut best = Duration::ZERO;
        let mut idle = 0;
        let mut next = genes.clone();
        while idle < PATIENCE {
            if Instant::now() > end {
                println!("tried {tried} rulebooks; the slowest: {worst:?}");
                return;
            }
            let source = text(&next, size);
            let mut cost = cost(&source);
            tried += 1;
            if cost.most() > best {
                // Another program may have been in the way.
                let again = self::cost(&source);
                if again.most() < cost.most() {
                    cost = again;
                }
            }
            if cost.most() > best {
                (best, genes, idle) = (cost.most(), next, 0);
            } else {
                idle += 1;
            }
            for (what, took) in [("check", cost.check), ("reuse", cost.reuse), ("diff", cost.diff)] {
                let known = worst.entry(what).or_default();
                if took > *known && took == cost.most() {
                    *known = took;
                    println!(
                        "{tried}: {what} {took:.3?}, {} bytes, {} steps, {} problems, valid {}, {cost:.3?} {genes:?}",
                        source.len(),
                        cost.steps,
                        cost.problems,
                        cost.valid
                    );
                    if let Some(folder) = &folder {
                        std::fs::write(folder.join(format!("{what}.yaml")), &source).unwrap();
                    }
                }
            }
            next = changed(&genes, &mut dice);
        }
    }
}

fn changed(genes: &[Gene], dice: &mut Random) -> Vec<Gene> {
    let mut next = genes.to_vec();
    let at = dice.below(next.len());
    match dice.below(10) {
        0 => next.push(Gene::random(dice)),
        1 if next.len() > 1 => drop(next.remove(at)),
        2 => next.rotate_left(at),
        3 => next.insert(at, next[at].mutated(dice)),
        _ => next[at] = next[at].mutated(dice),
    }
    next
}
