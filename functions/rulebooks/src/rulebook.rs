//! Upload and reading of rulebooks. A rulebook is checked before it is stored, and stored before it can be activated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairleader_api::shape::rulebooks as shape;
use fairleader_api::shape::rulebooks::RulebookProblem;
use fairleader_api::{Call, Code, Problem, Reply, reply};
use fairleader_domain::approval::MAX_TEXT;
use fairleader_lead::id::{PersonId, RulebookVersion};
use fairleader_lead::limit;
use fairleader_lead::problem::FieldProblem;
use fairleader_rulebook::{Checked, Diagnostic, References, Rulebook};
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::{AllPools, Upload};
use tracing::info;

use crate::Rulebooks;
use crate::aside::aside;

/// Size limit of a rulebook, in bytes.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// File name of the uploaded text in messages.
const NAME: &str = "rulebook.yaml";

impl Rulebooks {
    /// Checks a rulebook against the current roster and these versions of its tables.
    pub(crate) async fn check(
        &self,
        call: &Call<'_>,
        source: &Arc<str>,
        tables: &BTreeMap<String, String>,
        pools: &AllPools,
    ) -> Result<Result<Usable, Refused>, Failure> {
        let references = References {
            pools: Some(pools.pools.iter().map(|pool| pool.value.pool_id.clone()).collect()),
            reps: Some(self.reps.all().await?.into_keys().collect::<BTreeSet<_>>()),
            tables: self.tables.load(tables).await?,
        };
        let source = Arc::clone(source);
        let checked = aside(call.deadline, move |work| match Rulebook::parse_with(&source, &references, work) {
            Ok(Checked { rulebook, warnings }) => {
                Ok(Usable { rulebook: Arc::new(rulebook), warnings: said(&source, &warnings) })
            }
            Err(problems) => Err(Refused {
                listed: problems.iter().filter(|problem| !problem.is_count()).count(),
                all: !problems.iter().any(Diagnostic::is_count),
                problems: said(&source, &problems),
            }),
        });
        checked.await
    }

    /// Returns the current hash of every table that a rulebook uses. A missing table is left to the check.
    pub(crate) async fn pinned(&self, call: &Call<'_>, source: &Arc<str>) -> Result<BTreeMap<String, String>, Failure> {
        let source = Arc::clone(source);
        let mut pinned = BTreeMap::new();
        for name in aside(call.deadline, move |_| Rulebook::tables_used(&source)).await? {
            if let Some(table) = self.tables.named(&name).await? {
                pinned.insert(name, table.sha256);
            }
        }
        Ok(pinned)
    }

    /// `POST /v1/rulebooks` (YAML): stores a rulebook as the next version, or rejects it with all its problems at once.
    pub(crate) async fn post_rulebook(&self, call: &Call<'_>) -> Answer {
        let source = text_in(call)?;
        let upload = self.upload(call, &source).await?;
        let checked = match self.check(call, &source, &upload.tables, &self.pools.all().await?).await? {
            Ok(checked) => checked,
            Err(refused) => return Ok(refused.reply()),
        };
        let version = self.versions.create(&source, &upload, call.deadline).await?;
        info!(rulebook = %version, "stored rulebook");
        let warnings = checked.warnings;
        let Upload { purpose, owner, tables, .. } = upload;
        let approval = self.approval.rule();
        let kept = shape::NewRulebook { version, warnings, purpose, owner, tables, approval };
        Ok(reply::json(201, &kept))
    }

    /// Reads the details of an upload: `?purpose=…`, what the change is for, and `?owner=…`, the person who is
    /// responsible for it, by default the caller.
    async fn upload(&self, call: &Call<'_>, source: &Arc<str>) -> Result<Upload, Failure> {
        let caller = call.caller()?;
        let given = |name: &str| call.query(name).map(str::trim).filter(|text| !text.is_empty());
        let mut errors = Vec::new();
        let purpose = given("purpose").map(str::to_owned);
        if purpose.as_ref().is_some_and(|purpose| purpose.len() > MAX_TEXT) {
            errors.push(FieldProblem::field("purpose", format!("is too long; the limit is {MAX_TEXT} bytes")));
        }
        let owner = given("owner").map_or_else(|| caller.subject.clone(), str::to_owned);
        if let Some(wrong) = given("owner").and_then(|owner| limit::name("/owner", owner)) {
            errors.push(wrong);
        } else if given("owner").is_some() && self.people.get(&PersonId::from(owner.as_str())).await?.is_none() {
            errors.push(FieldProblem::field("owner", format!("there is no person `{owner}`")));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        Ok(Upload {
            at: self.clock.now(),
            by: caller.subject.clone(),
            purpose,
            owner: Some(owner),
            tables: self.pinned(call, source).await?,
        })
    }

    /// `GET /v1/rulebooks`: lists the versions, newest first, with past, current and planned activations.
    pub(crate) async fn list_rulebooks(&self, call: &Call<'_>) -> Answer {
        let page = self.versions.page(call.query("from")).await?;
        let now = self.clock.now();
        let activations = self.versions.activations().await?.activations.as_of(now);
        let rulebooks = shape::Rulebooks {
            active: activations.version(now).cloned(),
            approval: self.approval.rule(),
            activations: activations.into(),
            rulebooks: page.records.into_iter().map(|record| self.record_view(record)).collect(),
            next: page.next,
        };
        Ok(reply::json(200, &rulebooks))
    }

    /// `GET /v1/rulebooks/{version}`: returns a version, or `active`.
    pub(crate) async fn rulebook(&self, call: &Call<'_>) -> Answer {
        let named = call.path("version");
        let active = self.versions.active(self.clock.now()).await?;
        let version = if named == "active" {
            active.clone().ok_or_else(|| Problem::not_found("no rulebook is active yet"))?
        } else {
            numbered(named)?
        };
        let Some((source, record)) = self.versions.read(&version).await? else {
            return Err(no_such_rulebook(version.as_str()).into());
        };
        if call.header("accept").is_some_and(|types| types.contains("yaml")) {
            return Ok(reply::text(200, "application/yaml; charset=utf-8", source));
        }
        let active = active.as_ref() == Some(&version);
        let record = self.record_view(record);
        Ok(reply::json(200, &shape::Rulebook { version, active, rulebook: source, record }))
    }
}

/// Returns the rulebook in the body, as text.
pub(crate) fn text_in(call: &Call<'_>) -> Result<Arc<str>, Problem> {
    let body = call.body();
    if body.len() > MAX_BYTES {
        return Err(Problem::new(Code::TooLarge, format!("the rulebook is too large ({} bytes)", body.len()))
            .detail(format!("the limit is {MAX_BYTES} bytes")));
    }
    String::from_utf8(body).map(Arc::from).map_err(|cause| {
        Problem::new(Code::InvalidRulebook, "the rulebook is not text")
            .detail(format!("{}; save it as UTF-8", cause.utf8_error()))
    })
}

/// Returns the version in the path.
pub(crate) fn version_in(call: &Call<'_>) -> Result<RulebookVersion, Problem> {
    numbered(call.path("version"))
}

/// Reads the number of a version. Fails with `not_found` unless it has six digits.
pub(crate) fn numbered(name: &str) -> Result<RulebookVersion, Problem> {
    let is_version = name.len() == 6 && name.bytes().all(|b| b.is_ascii_digit());
    is_version.then(|| RulebookVersion::from(name)).ok_or_else(|| no_such_rulebook(name))
}

pub(crate) fn no_such_rulebook(name: &str) -> Problem {
    Problem::not_found(format!("there is no rulebook `{name}`"))
}

/// Converts problems for replies: as data, and as text for a terminal.
fn said(source: &str, diagnostics: &[Diagnostic]) -> Vec<RulebookProblem> {
    diagnostics.iter().map(|diagnostic| RulebookProblem::new(diagnostic, source, NAME)).collect()
}

/// A rulebook that passed the check.
pub(crate) struct Usable {
    pub(crate) rulebook: Arc<Rulebook>,
    pub(crate) warnings: Vec<RulebookProblem>,
}

/// The problems of a rulebook that did not pass the check.
pub(crate) struct Refused {
    problems: Vec<RulebookProblem>,
    listed: usize,
    /// Whether all of its problems are listed.
    all: bool,
}

impl Refused {
    pub(crate) fn reply(self) -> Reply {
        let more = if self.all { "" } else { "more than " };
        let s = if self.listed == 1 { "" } else { "s" };
        let title = format!("the rulebook has {more}{} problem{s}", self.listed);
        let mut problem = Problem::new(Code::InvalidRulebook, title)
            .detail("correct the lines listed in `problems` and send it again; nothing was stored");
        problem.problems = self.problems;
        problem.reply()
    }
}
