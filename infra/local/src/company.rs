//! A company as a folder of plain files: who sells, in which pools, to which accounts, by which rulebook.
//!
//! | file | columns; those in brackets may be left out |
//! |---|---|
//! | `roster.csv` | `rep,name,email,zone,hours,capacity` \[`manager,languages,skills`\] |
//! | `pools.csv` | `pool,name,members` \[`longest_wait_minutes,fallback`\]; members as `anna:2 ben`, weight after colon |
//! | `accounts.csv`, if there is one | `account,name` \[`domains,parent,owner,status,deal_owner,tier,score`\] |
//! | `people.csv`, if there is one | `person,name,email,role`; the role is `marketing`, `sales`, `admin` or `viewer` |
//! | `rulebook.yaml` | see [`fairleader_rulebook`] |
//! | `NAME.csv`, one for each table that the rulebook uses | see [`fairleader_rulebook::Table`] |
//! | `leads.csv`, if there is one | any list of leads, see [`fairleader_lead::submission::list`] |
//!
//! Several values in one cell are separated by blanks, commas or semicolons. Everything that is wrong with the folder
//! is said at once. What the rulebook and the leads mean is not looked at here: that is for those who read them.

mod accounts;
mod people;
mod pools;
mod roster;
mod sheet;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use fairleader_lead::account::Account;
use fairleader_lead::id::is_name;
use fairleader_lead::people::Person;
use fairleader_lead::pool::Pool;
use fairleader_lead::rep::Rep;
use fairleader_rulebook::{References, Rulebook, Table};

use self::sheet::Sheet;

const ROSTER: &str = "roster.csv";
const POOLS: &str = "pools.csv";
const ACCOUNTS: &str = "accounts.csv";
const PEOPLE: &str = "people.csv";
const RULEBOOK: &str = "rulebook.yaml";
const LEADS: &str = "leads.csv";

/// The files, in the order in which their problems are told.
const FILES: [&str; 6] = [ROSTER, POOLS, ACCOUNTS, PEOPLE, RULEBOOK, LEADS];

/// A company that can be set up: everything in it refers to something that is there.
#[derive(Clone, Debug)]
pub struct Company {
    /// The reps, in the roster's order.
    pub reps: Vec<Rep>,
    /// The pools, in the file's order.
    pub pools: Vec<Pool>,
    /// The accounts, in the file's order; none if there is no such file.
    pub accounts: Vec<Account>,
    /// The people who agree to rulebooks, in the file's order; none if there is no such file.
    pub people: Vec<Person>,
    /// The text of the rulebook, not yet checked.
    pub rulebook: String,
    /// The tables that the rulebook uses, by name, as text that [`Table::parse`] takes.
    pub tables: BTreeMap<String, String>,
    /// The list of leads as it is in the file, if there is one.
    pub leads: Option<Vec<u8>>,
}

/// One thing that is wrong with a company's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyProblem {
    /// The file, without the folder.
    pub file: Cow<'static, str>,
    /// Line of the file, from 1; absent if it is about the whole file.
    pub line: Option<u64>,
    /// The column's name; absent if it is about the whole line.
    pub column: Option<String>,
    /// What is wrong and what to do, in one sentence without a final stop.
    pub message: String,
}

impl fmt::Display for CompanyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ": {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for CompanyProblem {}

/// A company's files as they were read.
struct Files {
    roster: Vec<u8>,
    pools: Vec<u8>,
    accounts: Option<Vec<u8>>,
    people: Option<Vec<u8>>,
    rulebook: Vec<u8>,
    /// Of those that the rulebook uses: by name, those that are there.
    tables: BTreeMap<String, Vec<u8>>,
    leads: Option<Vec<u8>>,
}

/// A company's folder without its rulebook: who sells, in which pools, to which accounts.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The reps, in the roster's order.
    pub reps: Vec<Rep>,
    /// The pools, in the file's order.
    pub pools: Vec<Pool>,
    /// The accounts, in the file's order; none if there is no such file.
    pub accounts: Vec<Account>,
}

impl Roster {
    /// Reads `roster.csv`, `pools.csv` and, if it is there, `accounts.csv` in `folder`.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of files and lines.
    pub fn read(folder: &Path) -> Result<Self, Vec<CompanyProblem>> {
        let mut problems = Problems::default();
        let roster = read(folder, ROSTER, &mut problems);
        let pools = read(folder, POOLS, &mut problems);
        let accounts = read(folder, ACCOUNTS, &mut problems);
        let (Some(roster), Some(pools)) = (roster, pools) else { return Err(problems.finish()) };
        let roster = Self::from_files(&roster, &pools, accounts.as_deref(), &mut problems);
        let problems = problems.finish();
        if problems.is_empty() { Ok(roster) } else { Err(problems) }
    }

    /// What a rulebook may name, tables aside.
    pub fn references(&self) -> References {
        References {
            pools: Some(self.pools.iter().map(|pool| pool.pool_id.clone()).collect()),
            reps: Some(self.reps.iter().map(|rep| rep.rep_id.clone()).collect()),
            tables: BTreeMap::new(),
        }
    }

    fn from_files(roster: &[u8], pools: &[u8], accounts: Option<&[u8]>, problems: &mut Problems) -> Self {
        let roster = Sheet::read(ROSTER, roster, roster::COLUMNS, problems);
        let known = Known::of(&roster, "rep");
        let reps = roster::read(&roster, &known, problems);
        let sheet = Sheet::read(POOLS, pools, pools::COLUMNS, problems);
        let pools = pools::read(&sheet, &known, problems);
        let accounts = accounts.map_or_else(Vec::new, |bytes| {
            let sheet = Sheet::read(ACCOUNTS, bytes, accounts::COLUMNS, problems);
            accounts::read(&sheet, &known, problems)
        });
        Self { reps, pools, accounts }
    }
}

/// A file of a company's folder; `None` if it cannot be read, which is no problem only for those that need not be
/// there.
fn read(folder: &Path, file: &'static str, problems: &mut Problems) -> Option<Vec<u8>> {
    match std::fs::read(folder.join(file)) {
        Ok(bytes) => return Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound && matches!(file, ACCOUNTS | PEOPLE | LEADS) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!(
                "there is no such file in `{}`; the files of infra/demo show how it is written",
                folder.display()
            );
            problems.add(file, None, None, message);
        }
        Err(error) => {
            problems.add(file, None, None, format!("cannot be read in `{}`: {error}", folder.display()));
        }
    }
    None
}

/// The file of a table that the rulebook uses.
fn read_table(folder: &Path, table: &str, problems: &mut Problems) -> Option<Vec<u8>> {
    let file = format!("{table}.csv");
    match std::fs::read(folder.join(&file)) {
        Ok(bytes) => return Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("there is no such file in `{}`, and {RULEBOOK} uses the table", folder.display());
            problems.add(file, None, None, message);
        }
        Err(error) => {
            problems.add(file, None, None, format!("cannot be read in `{}`: {error}", folder.display()));
        }
    }
    None
}

impl Company {
    /// Reads the company in `folder`.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of files and lines.
    pub fn read(folder: &Path) -> Result<Self, Vec<CompanyProblem>> {
        let mut problems = Problems::default();
        let mut read = |file| read(folder, file, &mut problems);
        let (roster, pools, accounts, people) = (read(ROSTER), read(POOLS), read(ACCOUNTS), read(PEOPLE));
        let (rulebook, leads) = (read(RULEBOOK), read(LEADS));
        // With a file missing the others cannot be held against it, so what they name would all seem unknown.
        let (Some(roster), Some(pools), Some(rulebook)) = (roster, pools, rulebook) else {
            return Err(problems.finish());
        };
        let used = std::str::from_utf8(&rulebook).map(Rulebook::tables_used).unwrap_or_default();
        // Anything else is no file's name; that there is no such table is said by the rulebook's check.
        let used = used.into_iter().filter(|table| is_name(table));
        let tables = used.filter_map(|table| {
            let bytes = read_table(folder, &table, &mut problems)?;
            Some((table, bytes))
        });
        let tables = tables.collect();
        Self::from_files(Files { roster, pools, accounts, people, rulebook, tables, leads }, problems)
    }

    /// The company of the demo, which the binary carries along.
    ///
    /// # Errors
    /// None; a test holds the files of `infra/demo` to that.
    pub fn embedded() -> Result<Self, Vec<CompanyProblem>> {
        let files = Files {
            roster: include_bytes!("../../demo/roster.csv").to_vec(),
            pools: include_bytes!("../../demo/pools.csv").to_vec(),
            accounts: Some(include_bytes!("../../demo/accounts.csv").to_vec()),
            people: Some(include_bytes!("../../demo/people.csv").to_vec()),
            rulebook: include_bytes!("../../demo/rulebook.yaml").to_vec(),
            tables: [("territories".to_owned(), include_bytes!("../../demo/territories.csv").to_vec())].into(),
            leads: Some(include_bytes!("../../demo/leads.csv").to_vec()),
        };
        Self::from_files(files, Problems::default())
    }

    /// What the rulebook may name.
    pub fn references(&self) -> References {
        let tables = self.tables.iter().filter_map(|(name, csv)| {
            let table = Table::parse(name, csv).ok()?;
            Some((name.clone(), Arc::new(table)))
        });
        References {
            pools: Some(self.pools.iter().map(|pool| pool.pool_id.clone()).collect()),
            reps: Some(self.reps.iter().map(|rep| rep.rep_id.clone()).collect()),
            tables: tables.collect(),
        }
    }

    fn from_files(files: Files, mut problems: Problems) -> Result<Self, Vec<CompanyProblem>> {
        let Roster { reps, pools, accounts } =
            Roster::from_files(&files.roster, &files.pools, files.accounts.as_deref(), &mut problems);
        let people = files.people.as_deref().map_or_else(Vec::new, |bytes| {
            let sheet = Sheet::read(PEOPLE, bytes, people::COLUMNS, &mut problems);
            people::read(&sheet, &mut problems)
        });
        let rulebook = text(RULEBOOK, files.rulebook, &mut problems).unwrap_or_default();
        let mut tables = BTreeMap::new();
        for (name, bytes) in files.tables {
            let file = format!("{name}.csv");
            let Some(csv) = text(file.clone(), bytes, &mut problems) else { continue };
            for row in Table::parse(&name, &csv).err().unwrap_or_default() {
                problems.add(file.clone(), Some(row.line), row.column.as_deref(), row.message);
            }
            tables.insert(name, csv);
        }
        let problems = problems.finish();
        if problems.is_empty() {
            Ok(Self { reps, pools, accounts, people, rulebook, tables, leads: files.leads })
        } else {
            Err(problems)
        }
    }
}

/// A file that has to be UTF-8, as text.
fn text(file: impl Into<Cow<'static, str>>, bytes: Vec<u8>, problems: &mut Problems) -> Option<String> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            let message = "is not UTF-8 text from here on; save the file as UTF-8".to_owned();
            problems.add(file, u64::try_from(line).ok(), None, message);
            None
        }
    }
}

/// Collects problems.
#[derive(Debug, Default)]
struct Problems(Vec<CompanyProblem>);

impl Problems {
    fn add(&mut self, file: impl Into<Cow<'static, str>>, line: Option<u64>, column: Option<&str>, message: String) {
        self.0.push(CompanyProblem { file: file.into(), line, column: column.map(str::to_owned), message });
    }

    /// In the order of files and lines, tables last.
    fn finish(mut self) -> Vec<CompanyProblem> {
        let place = |file: &str| FILES.iter().position(|known| *known == file).unwrap_or(FILES.len());
        self.0.sort_by(|a, b| (place(&a.file), &a.file, a.line).cmp(&(place(&b.file), &b.file, b.line)));
        self.0
    }
}

/// The ids a sheet gives, each with the line it is first given in.
///
/// They are known whatever else is wrong in their line, and of a sheet that lost rows any id may be one: a mistake is
/// told once, not once more by all who refer to it.
struct Known {
    lines: BTreeMap<String, u64>,
    /// Whether there are no others.
    all: bool,
}

impl Known {
    fn of(sheet: &Sheet, column: &str) -> Self {
        let mut lines = BTreeMap::new();
        for row in sheet.rows() {
            if let Some(id) = row.cell(column) {
                lines.entry(id.to_owned()).or_insert_with(|| row.line());
            }
        }
        Self { lines, all: sheet.is_whole() }
    }

    fn has(&self, id: &str) -> bool {
        !self.all || self.lines.contains_key(id)
    }

    /// The line in which `id` was given first, if `line` is a later one.
    fn before(&self, id: &str, line: u64) -> Option<u64> {
        self.lines.get(id).copied().filter(|first| *first < line)
    }

    /// `; did you mean …?` for an id that is not there, or what to do instead.
    fn hint(&self, id: &str, instead: &str) -> String {
        match sheet::nearest(id, self.lines.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => instead.to_owned(),
        }
    }
}

/// Who stands above whom, followed upwards from each until somebody comes again. Each circle is found once, from the
/// first of `links` that is in it.
fn circles(links: &[(String, String)]) -> Vec<Vec<&str>> {
    let above: BTreeMap<&str, &str> = links.iter().map(|(below, above)| (below.as_str(), above.as_str())).collect();
    let mut found: Vec<Vec<&str>> = Vec::new();
    for (start, _) in links {
        if found.iter().flatten().any(|seen| seen == start) {
            continue;
        }
        let mut chain = vec![start.as_str()];
        while let Some(next) = chain.last().and_then(|last| above.get(last)) {
            if *next == start {
                found.push(chain);
                break;
            }
            if chain.contains(next) {
                break;
            }
            chain.push(next);
        }
    }
    found
}

#[cfg(test)]
mod tests;
