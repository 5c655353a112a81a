//! Rulebooks: checked before they are kept, kept before they are active.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_domain::approval::MAX_TEXT;
use fairleader_lead::id::{PersonId, PoolId, RulebookVersion};
use fairleader_lead::problem::FieldProblem;
use fairleader_rulebook::{Checked, Diagnostic, References, Rulebook};
use fairleader_runtime::http::{self, Caller, Problem};
use fairleader_store::Upload;
use serde_json::{Value, json};
use tracing::info;

use crate::activation::activations_view;
use crate::roster::invalid;
use crate::{Admin, AdminError, Answer};

/// Largest rulebook in bytes.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// What people call the text that they sent, in messages about it.
const NAME: &str = "rulebook.yaml";

impl Admin {
    /// Checks a text against the roster as it is now, and the tables that its version looks things up in.
    pub(crate) async fn check(
        &self,
        source: &str,
        tables: &BTreeMap<String, String>,
    ) -> Result<Result<Checked, Vec<Diagnostic>>, AdminError> {
        let references = References {
            pools: Some(self.pools.definitions().await?.into_iter().map(|pool| pool.pool_id).collect()),
            reps: Some(self.reps.all().await?.into_keys().collect::<BTreeSet<_>>()),
            tables: self.tables.load(tables).await?,
        };
        Ok(Rulebook::parse(source, &references))
    }

    /// Whether a version names a pool.
    pub(crate) async fn names(
        &self,
        source: &str,
        tables: &BTreeMap<String, String>,
        pool: &PoolId,
    ) -> Result<bool, AdminError> {
        let references = References { tables: self.tables.load(tables).await?, ..References::default() };
        Ok(Rulebook::reuse(source, &references).is_ok_and(|rulebook| rulebook.pools().contains(pool)))
    }

    /// What the tables that a text looks things up in hold now. One that is not there is left to the check.
    pub(crate) async fn pinned(&self, source: &str) -> Result<BTreeMap<String, String>, AdminError> {
        let mut pinned = BTreeMap::new();
        for name in Rulebook::tables_used(source) {
            if let Some(table) = self.tables.named(&name).await? {
                pinned.insert(name, table.sha256);
            }
        }
        Ok(pinned)
    }

    /// `POST /v1/rulebooks` (YAML): refused with all its problems at once, or kept as the next version.
    pub(crate) async fn post_rulebook(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let source = text_in(request)?;
        let upload = self.upload(request, caller, &source).await?;
        let checked = match self.check(&source, &upload.tables).await? {
            Ok(checked) => checked,
            Err(problems) => return Ok(refused(&source, &problems)),
        };
        let version = self.rulebooks.create(&source, &upload).await?;
        info!(rulebook = %version, "kept rulebook");
        let warnings = said(&source, &checked.warnings);
        let Upload { purpose, owner, tables, .. } = upload;
        Ok(http::json(
            201,
            &json!({
                "version": version,
                "warnings": warnings,
                "purpose": purpose,
                "owner": owner,
                "tables": tables,
                "approval": self.approval,
            }),
        ))
    }

    /// What is known of a rulebook that is sent: `?purpose=…`, what the change is for, and `?owner=…`, the person who
    /// is responsible for it; who sends it if that is left out.
    async fn upload(
        &self,
        request: &ApiGatewayV2httpRequest,
        caller: &Caller,
        source: &str,
    ) -> Result<Upload, AdminError> {
        let given = |name: &str| http::query(request, name).map(str::trim).filter(|text| !text.is_empty());
        let mut errors = Vec::new();
        let purpose = given("purpose").map(str::to_owned);
        if purpose.as_ref().is_some_and(|purpose| purpose.len() > MAX_TEXT) {
            errors.push(FieldProblem::field("purpose", format!("say it in {MAX_TEXT} bytes at most")));
        }
        let owner = given("owner").map_or_else(|| caller.subject.clone(), str::to_owned);
        if given("owner").is_some() && self.people.get(&PersonId::from(owner.as_str())).await?.is_none() {
            errors.push(FieldProblem::field("owner", format!("there is no person `{owner}`")));
        }
        if !errors.is_empty() {
            return Err(invalid(errors).into());
        }
        Ok(Upload {
            at: self.clock.now(),
            by: caller.subject.clone(),
            purpose,
            owner: Some(owner),
            tables: self.pinned(source).await?,
        })
    }

    /// `GET /v1/rulebooks`: every version, newest first, a page at a time, and which are, were and will be active.
    pub(crate) async fn list_rulebooks(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let page = self.rulebooks.page(http::query(request, "from")).await?;
        let now = self.clock.now();
        let activations = self.rulebooks.activations().await?.activations.as_of(now);
        let mut reply = activations_view(&activations);
        if let Some(fields) = reply.as_object_mut() {
            let records: Vec<Value> = page.records.iter().map(|record| self.record_view(record)).collect();
            fields.insert("active".to_owned(), json!(activations.version(now)));
            fields.insert("approval".to_owned(), json!(self.approval));
            fields.insert("rulebooks".to_owned(), json!(records));
            fields.insert("next".to_owned(), json!(page.next));
        }
        Ok(http::json(200, &reply))
    }

    /// `GET /v1/rulebooks/{version}`, `active` among them.
    pub(crate) async fn rulebook(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let named = http::path(request, "version").unwrap_or_default();
        let active = self.rulebooks.active(self.clock.now()).await?;
        let version = if named == "active" {
            active.clone().ok_or_else(|| Problem::not_found("no rulebook is active yet"))?
        } else {
            numbered(named)?
        };
        let Some((source, record)) = self.rulebooks.read(&version).await? else {
            return Err(no_such_rulebook(version.as_str()).into());
        };
        if http::header(request, "accept").is_some_and(|types| types.contains("yaml")) {
            return Ok(http::text(200, "application/yaml; charset=utf-8", source));
        }
        let is_active = active.as_ref() == Some(&version);
        let record = self.record_view(&record);
        Ok(http::json(200, &json!({"version": version, "active": is_active, "rulebook": source, "record": record})))
    }
}

/// The rulebook that was sent, not yet read.
pub(crate) fn text_in(request: &ApiGatewayV2httpRequest) -> Result<String, Problem> {
    let body = http::body(request);
    if body.len() > MAX_BYTES {
        return Err(Problem::new(413, "too_large", format!("the rulebook has {} bytes", body.len()))
            .detail(format!("at most {MAX_BYTES} bytes are taken")));
    }
    String::from_utf8(body).map_err(|cause| {
        Problem::new(422, "invalid_rulebook", "the rulebook is not text")
            .detail(format!("{}; save it as UTF-8", cause.utf8_error()))
    })
}

/// The version in the path.
pub(crate) fn version_in(request: &ApiGatewayV2httpRequest) -> Result<RulebookVersion, Problem> {
    numbered(http::path(request, "version").unwrap_or_default())
}

/// The version called `name`; whatever is not six digits is none.
pub(crate) fn numbered(name: &str) -> Result<RulebookVersion, Problem> {
    let is_version = name.len() == 6 && name.bytes().all(|b| b.is_ascii_digit());
    is_version.then(|| RulebookVersion::from(name)).ok_or_else(|| no_such_rulebook(name))
}

pub(crate) fn no_such_rulebook(name: &str) -> Problem {
    Problem::not_found(format!("there is no rulebook `{name}`"))
}

/// Every problem as data, and as it would be shown in a terminal.
fn said(source: &str, diagnostics: &[Diagnostic]) -> Vec<Value> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let mut value = json!(diagnostic);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("rendered".to_owned(), json!(diagnostic.render(source, NAME)));
            }
            value
        })
        .collect()
}

pub(crate) fn refused(source: &str, problems: &[Diagnostic]) -> ApiGatewayV2httpResponse {
    let count = problems.len();
    http::problem_json(&json!({
        "status": 422,
        "code": "invalid_rulebook",
        "title": format!("the rulebook has {count} problem{}", if count == 1 { "" } else { "s" }),
        "detail": "mend what `problems` names, line by line, and send it again; nothing was kept",
        "problems": said(source, problems),
    }))
}
