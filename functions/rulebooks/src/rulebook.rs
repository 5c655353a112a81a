//! Upload and reading of rulebooks. A rulebook is checked before it is stored, and stored before it can be activated.

use std::collections::{BTreeMap, BTreeSet};

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

/// Size limit of a rulebook, in bytes.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// File name of the uploaded text in messages.
const NAME: &str = "rulebook.yaml";

impl Rulebooks {
    /// Checks a rulebook against the current roster and these versions of its tables.
    pub(crate) async fn check(
        &self,
        source: &str,
        tables: &BTreeMap<String, String>,
        pools: &AllPools,
    ) -> Result<Result<Checked, Vec<Diagnostic>>, Failure> {
        let references = References {
            pools: Some(pools.pools.iter().map(|pool| pool.value.pool_id.clone()).collect()),
            reps: Some(self.reps.all().await?.into_keys().collect::<BTreeSet<_>>()),
            tables: self.tables.load(tables).await?,
        };
        Ok(Rulebook::parse(source, &references))
    }

    /// Returns the current hash of every table that a rulebook uses. A missing table is left to the check.
    pub(crate) async fn pinned(&self, source: &str) -> Result<BTreeMap<String, String>, Failure> {
        let mut pinned = BTreeMap::new();
        for name in Rulebook::tables_used(source) {
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
        let checked = match self.check(&source, &upload.tables, &self.pools.all().await?).await? {
            Ok(checked) => checked,
            Err(problems) => return Ok(refused(&source, &problems)),
        };
        let version = self.versions.create(&source, &upload, call.deadline).await?;
        info!(rulebook = %version, "stored rulebook");
        let warnings = said(&source, &checked.warnings);
        let Upload { purpose, owner, tables, .. } = upload;
        let approval = self.approval.rule();
        let kept = shape::NewRulebook { version, warnings, purpose, owner, tables, approval };
        Ok(reply::json(201, &kept))
    }

    /// Reads the details of an upload: `?purpose=…`, what the change is for, and `?owner=…`, the person who is
    /// responsible for it, by default the caller.
    async fn upload(&self, call: &Call<'_>, source: &str) -> Result<Upload, Failure> {
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
            tables: self.pinned(source).await?,
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
pub(crate) fn text_in(call: &Call<'_>) -> Result<String, Problem> {
    let body = call.body();
    if body.len() > MAX_BYTES {
        return Err(Problem::new(Code::TooLarge, format!("the rulebook is too large ({} bytes)", body.len()))
            .detail(format!("the limit is {MAX_BYTES} bytes")));
    }
    String::from_utf8(body).map_err(|cause| {
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

pub(crate) fn refused(source: &str, problems: &[Diagnostic]) -> Reply {
    let count = problems.len();
    {
        let title = format!("the rulebook has {count} problem{}", if count == 1 { "" } else { "s" });
        let mut problem = Problem::new(Code::InvalidRulebook, title)
            .detail("correct the lines listed in `problems` and send it again; nothing was stored");
        problem.problems = said(source, problems);
        problem.reply()
    }
}
