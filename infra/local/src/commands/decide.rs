//! `fairleader decide`: shows where a rulebook sends the leads in a file.
//!
//! Every lead is checked, normalised and matched to its account by the functions that the pipeline uses. The output
//! does not name the pool member who would get the lead: that depends on availability and the rotation at the time.

mod tell;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use fairleader_intake::MAX_BODY;
use fairleader_lead::matching::Accounts;
use fairleader_lead::problem::FieldProblem;
use fairleader_lead::submission::list::List;
use fairleader_lead::submission::sample::Sample;
use fairleader_runtime::Clock;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use self::tell::{Tell, Totals};
use super::process::Failed;
use crate::offline::decide::decide;
use crate::offline::{OfflineError, RulebookFile, STDIN, counted};

/// Size limit of a CSV list, in bytes: what fits into memory everywhere. JSON lines are read one by one.
const LONGEST_LIST: u64 = 100_000_000;

/// Options of `decide`.
#[derive(Debug, Args)]
pub(super) struct Decide {
    /// The rulebook (YAML); `-` for standard input.
    #[arg(value_name = "RULEBOOK")]
    rulebook: PathBuf,
    /// The leads: one JSON object per line, as for POST /v1/leads, or a CSV list with a header; `-` for standard input.
    /// A JSON object may also have `source`, `received_at` and `activities`.
    #[arg(value_name = "LEADS")]
    leads: PathBuf,
    /// Folder with roster.csv, pools.csv and accounts.csv. Reps and pools that the rulebook names must be in it.
    #[arg(long, value_name = "DIR")]
    roster: Option<PathBuf>,
    /// Decide as of this time, such as 2026-03-03T10:00, in the rulebook's time zone unless it has one. [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Explain each decision in plain sentences.
    #[arg(long)]
    explain: bool,
    /// Print one JSON object per lead.
    #[arg(long)]
    json: bool,
}

/// Decides on every lead in a file and prints where it goes.
pub(super) fn run(asked: &Decide) -> Result<(), Failed> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let wrong = decide_all(asked, Clock::System.now(), &mut out, &mut io::stderr().lock())?;
    out.flush()?;
    if wrong > 0 { Err(format!("{} could not be read", counted(wrong, "line")).into()) } else { Ok(()) }
}

/// Decides on every lead in a file and writes where it goes. Returns the number of invalid lines.
fn decide_all(ask: &Decide, now: Timestamp, out: &mut impl Write, err: &mut impl Write) -> Result<usize, OfflineError> {
    let stdin = Path::new("-");
    if ask.rulebook == stdin && ask.leads == stdin {
        let message = "the rulebook and the leads cannot both come from standard input; give a file for one of them";
        return Err(OfflineError::Usage(message.to_owned()));
    }
    let (file, rulebook) = RulebookFile::usable(&ask.rulebook, ask.roster.as_deref(), now)?;
    let now = ask.at.as_deref().map_or(Ok(now), |at| instant(at, rulebook.zone()))?;
    let accounts = file.roster.map(|roster| Accounts::new(&roster.accounts)).unwrap_or_default();
    let mut tell = Tell { out, err, explain: ask.explain, json: ask.json, begun: false };
    let mut totals = Totals::default();
    let mut one = |number: usize, line: u64, sample: Result<Sample, Vec<FieldProblem>>| match sample {
        Ok(sample) => {
            let decided = decide(&rulebook, &accounts, &sample, now);
            totals.count(&decided);
            tell.lead(number, line, &decided)
        }
        Err(problems) => {
            totals.wrong += 1;
            tell.wrong(line, &problems)
        }
    };
    let mut leads = Leads::open(&ask.leads)?;
    if leads.are_csv()? {
        let bytes = leads.rest()?;
        let list = List::parse(&bytes).map_err(|cause| OfflineError::List { file: leads.name, cause })?;
        for row in list.rows() {
            let number = usize::try_from(row.number).unwrap_or(usize::MAX);
            one(number, row.line, row.result.map(|submission| Sample::new(submission, now)))?;
        }
    } else {
        leads.lines(|number, line, bytes| one(number, line, sample(bytes, now)))?;
    }
    tell.totals(&totals)?;
    Ok(totals.wrong)
}

/// The leads that are decided on: a file or standard input.
struct Leads {
    name: String,
    reader: Box<dyn BufRead>,
}

impl Leads {
    fn open(file: &Path) -> Result<Self, OfflineError> {
        if file == Path::new("-") {
            return Ok(Self { name: STDIN.to_owned(), reader: Box::new(io::stdin().lock()) });
        }
        let name = file.display().to_string();
        match std::fs::File::open(file) {
            Ok(opened) => Ok(Self { name, reader: Box::new(BufReader::new(opened)) }),
            Err(cause) => Err(OfflineError::Unreadable { file: name, cause }),
        }
    }

    /// Returns whether they are a CSV list. JSON lines begin with a brace, whatever the file is called.
    fn are_csv(&mut self) -> Result<bool, OfflineError> {
        let unreadable = |cause| OfflineError::Unreadable { file: self.name.clone(), cause };
        let begin = self.reader.fill_buf().map_err(unreadable)?;
        let begin = begin.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begin).trim_ascii_start();
        Ok(begin.first().is_some_and(|first| !matches!(first, b'{' | b'[')))
    }

    /// Reads everything that is left, at most [`LONGEST_LIST`] bytes. The encoding of a list shows only in all of it.
    fn rest(&mut self) -> Result<Vec<u8>, OfflineError> {
        let mut bytes = Vec::new();
        match self.reader.by_ref().take(LONGEST_LIST + 1).read_to_end(&mut bytes) {
            Ok(read) if u64::try_from(read).is_ok_and(|read| read <= LONGEST_LIST) => Ok(bytes),
            Ok(_) => Err(OfflineError::Usage(format!(
                "`{}` is a list of more than {LONGEST_LIST} bytes; split it, each part with the header line, or write one \
                 JSON object per line",
                self.name
            ))),
            Err(cause) => Err(OfflineError::Unreadable { file: self.name.clone(), cause }),
        }
    }

    /// Calls `each` for every line that is not empty, with the lead's number, the line's number and its text.
    fn lines(
        mut self,
        mut each: impl FnMut(usize, u64, &[u8]) -> Result<(), OfflineError>,
    ) -> Result<(), OfflineError> {
        let unreadable = |cause| OfflineError::Unreadable { file: self.name.clone(), cause };
        let (mut number, mut line) = (0, 0);
        let mut bytes = Vec::new();
        while self.reader.read_until(b'\n', &mut bytes).map_err(unreadable)? > 0 {
            line += 1;
            let text = bytes.strip_prefix(b"\xEF\xBB\xBF").filter(|_| line == 1).unwrap_or(&bytes).trim_ascii();
            if !text.is_empty() {
                number += 1;
                each(number, line, text)?;
            }
            bytes.clear();
        }
        Ok(())
    }
}

fn sample(line: &[u8], now: Timestamp) -> Result<Sample, Vec<FieldProblem>> {
    if line.len() > MAX_BODY {
        let detail = format!("the line has {} bytes; the limit is {MAX_BODY}", line.len());
        return Err(vec![FieldProblem { pointer: String::new(), detail }]);
    }
    Sample::from_json(line, now).map_err(|mut problems| {
        for problem in problems.iter_mut().filter(|problem| problem.pointer.is_empty()) {
            // The messages of the API speak of the body; here it is one line of many.
            problem.detail =
                problem.detail.replacen("the body", "the line", 1).replace(" at line 1, column", " at column");
        }
        problems
    })
}

/// Reads a timestamp, or a date and time in the company's time zone.
fn instant(text: &str, zone: &str) -> Result<Timestamp, OfflineError> {
    let wrong = || {
        OfflineError::Usage(format!(
            "--at `{text}` is not a time: write 2026-03-03T10:00, or with an offset 2026-03-03T10:00:00+01:00"
        ))
    };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let local: DateTime = text.parse().map_err(|_| wrong())?;
    let zone = TimeZone::get(zone).map_err(|_| wrong())?;
    Ok(local.to_zoned(zone).map_err(|_| wrong())?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_known_by_how_it_begins() {
        let begins = |text: &'static str| {
            let mut leads = Leads { name: "leads".to_owned(), reader: Box::new(text.as_bytes()) };
            leads.are_csv().unwrap()
        };
        assert!(begins("email,name\nada@lovelace.example,Ada\n"));
        assert!(begins("\u{feff}\n\"E-Mail\";Name\n"));
        for json in ["{\"email\": \"ada@lovelace.example\"}", "\u{feff} \n{}", "[1]", "", "\n\n"] {
            assert!(!begins(json), "{json}");
        }
    }

    #[test]
    fn a_list_has_a_limit() {
        let mut leads = Leads { name: "leads".to_owned(), reader: Box::new(BufReader::new(io::repeat(b'a'))) };
        let refused = leads.rest().unwrap_err().to_string();
        assert!(refused.starts_with("`leads` is a list of more than 100000000 bytes; split it"), "{refused}");
    }

    #[test]
    fn a_time_without_an_offset_is_in_the_companys_zone() {
        let at =
            |text: &str| instant(text, "Europe/Berlin").map(|at| at.to_string()).map_err(|error| error.to_string());
        assert_eq!(at("2026-03-03T10:00").unwrap(), "2026-03-03T09:00:00Z");
        assert_eq!(at("2026-07-03").unwrap(), "2026-07-02T22:00:00Z");
        assert_eq!(at("2026-03-03T10:00:00Z").unwrap(), "2026-03-03T10:00:00Z");
        assert!(at("soon").unwrap_err().contains("`soon` is not a time"));
    }
}
