//! A company as a folder of plain files: its reps, pools, accounts, people, rulebook and leads.
//!
//! | file | columns (in brackets: optional) |
//! |---|---|
//! | `roster.csv` | `rep,name,email,zone,hours,capacity` \[`manager,languages,skills`\] |
//! | `pools.csv` | `pool,name,members` \[`longest_wait_minutes,fallback`\]; members as `anna:2 ben`, weight after colon |
//! | `accounts.csv`, optional | `account,name` \[`domains,parent,owner,status,deal_owner,tier,score`\] |
//! | `people.csv`, optional | `person,name,email,role`; the role is `marketing`, `sales`, `admin` or `viewer` |
//! | `rulebook.yaml` | see [`fairleader_rulebook`] |
//! | `NAME.csv` for each table that the rulebook uses | see [`fairleader_rulebook::Table`] |
//! | `leads.csv`, optional | any list of leads, see [`fairleader_lead::submission::list`] |
//!
//! Several values in one cell are separated by blanks, commas or semicolons. All problems of the folder are reported at
//! once. The content of the rulebook and of the leads is not checked here.

mod accounts;
mod known;
mod people;
mod pools;
mod problems;
mod roster;
mod sheet;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use fairleader_lead::account::Account;
use fairleader_lead::id::is_name;
use fairleader_lead::people::Person;
use fairleader_lead::pool::Pool;
use fairleader_lead::rep::Rep;
use fairleader_rulebook::{References, Rulebook, Table};

use self::known::Known;
pub use self::problems::CompanyProblem;
use self::problems::{ACCOUNTS, LEADS, PEOPLE, POOLS, Problems, ROSTER, RULEBOOK};
use self::sheet::Sheet;

/// A company without broken references.
#[derive(Clone, Debug)]
pub struct Company {
    /// The reps, in the roster's order.
    pub reps: Vec<Rep>,
    /// The pools, in the file's order.
    pub pools: Vec<Pool>,
    /// The accounts, in the file's order; empty without the file.
    pub accounts: Vec<Account>,
    /// The people who approve rulebooks, in the file's order; empty without the file.
    pub people: Vec<Person>,
    /// The text of the rulebook, not yet checked.
    pub rulebook: String,
    /// The tables that the rulebook uses, by name, as text for [`Table::parse`].
    pub tables: BTreeMap<String, String>,
    /// The bytes of the list of leads, if there is one.
    pub leads: Option<Vec<u8>>,
}

/// The bytes of a company's files.
struct Files {
    roster: Vec<u8>,
    pools: Vec<u8>,
    accounts: Option<Vec<u8>>,
    people: Option<Vec<u8>>,
    rulebook: Vec<u8>,
    /// The tables that the rulebook uses and that exist, by name.
    tables: BTreeMap<String, Vec<u8>>,
    leads: Option<Vec<u8>>,
}

/// A company's reps, pools and accounts.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The reps, in the roster's order.
    pub reps: Vec<Rep>,
    /// The pools, in the file's order.
    pub pools: Vec<Pool>,
    /// The accounts, in the file's order; empty without the file.
    pub accounts: Vec<Account>,
}

impl Roster {
    /// Reads `roster.csv`, `pools.csv` and, if it exists, `accounts.csv` in `folder`.
    ///
    /// # Errors
    /// All problems, in the order of files and lines.
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

    /// Returns what a rulebook may refer to, without tables.
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

/// Reads a file of a company's folder. Returns `None` if it cannot be read; this is a problem unless the file is
/// optional and missing.
fn read(folder: &Path, file: &'static str, problems: &mut Problems) -> Option<Vec<u8>> {
    match std::fs::read(folder.join(file)) {
        Ok(bytes) => return Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound && matches!(file, ACCOUNTS | PEOPLE | LEADS) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("not found in `{}`; see infra/demo for an example", folder.display());
            problems.add(file, None, None, message);
        }
        Err(error) => {
            problems.add(file, None, None, format!("cannot be read in `{}`: {error}", folder.display()));
        }
    }
    None
}

/// Reads the file of a table that the rulebook uses.
fn read_table(folder: &Path, table: &str, problems: &mut Problems) -> Option<Vec<u8>> {
    let file = format!("{table}.csv");
    match std::fs::read(folder.join(&file)) {
        Ok(bytes) => return Some(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("not found in `{}`, but {RULEBOOK} uses this table", folder.display());
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
    /// All problems, in the order of files and lines.
    pub fn read(folder: &Path) -> Result<Self, Vec<CompanyProblem>> {
        let mut problems = Problems::default();
        let mut read = |file| read(folder, file, &mut problems);
        let (roster, pools, accounts, people) = (read(ROSTER), read(POOLS), read(ACCOUNTS), read(PEOPLE));
        let (rulebook, leads) = (read(RULEBOOK), read(LEADS));
        // Without a required file, every reference to its ids would be reported as unknown.
        let (Some(roster), Some(pools), Some(rulebook)) = (roster, pools, rulebook) else {
            return Err(problems.finish());
        };
        let used = std::str::from_utf8(&rulebook).map(Rulebook::tables_used).unwrap_or_default();
        // Other names cannot be file names. The check of the rulebook reports the missing table.
        let used = used.into_iter().filter(|table| is_name(table));
        let tables = used.filter_map(|table| {
            let bytes = read_table(folder, &table, &mut problems)?;
            Some((table, bytes))
        });
        let tables = tables.collect();
        Self::from_files(Files { roster, pools, accounts, people, rulebook, tables, leads }, problems)
    }

    /// Returns the demo's company, which is part of the binary.
    ///
    /// # Errors
    /// None: a test checks the files of `infra/demo`.
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

    /// Returns what the rulebook may refer to.
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

/// Returns the text of a file that must be UTF-8.
fn text(file: impl Into<Cow<'static, str>>, bytes: Vec<u8>, problems: &mut Problems) -> Option<String> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = before.split(|byte| *byte == b'\n').count();
            let message = "not UTF-8 text; save the file as UTF-8".to_owned();
            problems.add(file, u64::try_from(line).ok(), None, message);
            None
        }
    }
}

#[cfg(test)]
mod tests;
