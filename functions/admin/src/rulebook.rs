//! Rulebooks: checked before they are kept, kept before they are active.

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_domain::id::RulebookVersion;
use fairleader_domain::rulebook::{Diagnostic, References, Rulebook};
use fairleader_runtime::http::{self, Caller, Problem};
use serde_json::{Value, json};
use tracing::info;

use crate::{Admin, AdminError, Answer};

/// Largest rulebook in bytes.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// What people call the text that they sent, in messages about it.
const NAME: &str = "rulebook.yaml";

impl Admin {
    /// Everything a rulebook may refer to.
    async fn references(&self) -> Result<References, AdminError> {
        Ok(References {
            pools: Some(self.pools.definitions().await?.into_iter().map(|pool| pool.pool_id).collect()),
            reps: Some(self.reps.all().await?.into_keys().collect::<BTreeSet<_>>()),
            tables: BTreeMap::new(),
        })
    }

    /// `POST /v1/rulebooks` (YAML): refused with all its problems at once, or kept as the next version.
    pub(crate) async fn post_rulebook(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let body = http::body(request);
        if body.len() > MAX_BYTES {
            return Err(Problem::new(413, "too_large", format!("the rulebook has {} bytes", body.len()))
                .detail(format!("at most {MAX_BYTES} bytes are taken"))
                .into());
        }
        let source = String::from_utf8(body).map_err(|cause| {
            Problem::new(422, "invalid_rulebook", "the rulebook is not text")
                .detail(format!("{}; save it as UTF-8", cause.utf8_error()))
        })?;
        let checked = match Rulebook::parse(&source, &self.references().await?) {
            Ok(checked) => checked,
            Err(problems) => return Ok(refused(&source, &problems)),
        };
        let version = self.rulebooks.create(&source, &caller.subject, self.clock.now()).await?;
        info!(rulebook = %version, "kept rulebook");
        let warnings = said(&source, &checked.warnings);
        Ok(http::json(201, &json!({"version": version, "warnings": warnings})))
    }

    /// `GET /v1/rulebooks/{version}`, `active` among them.
    pub(crate) async fn rulebook(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let named = http::path(request, "version").unwrap_or_default();
        let active = self.rulebooks.active().await?;
        let version = if named == "active" {
            active.clone().ok_or_else(|| Problem::not_found("no rulebook is active yet"))?
        } else {
            numbered(named)?
        };
        let Some(source) = self.rulebooks.source(&version).await? else {
            return Err(no_such_rulebook(version.as_str()).into());
        };
        let is_active = active.as_ref() == Some(&version);
        Ok(http::json(200, &json!({"version": version, "active": is_active, "rulebook": source})))
    }

    /// `POST /v1/rulebooks/{version}/activate`: checked once more, because the roster may have changed since.
    pub(crate) async fn activate_rulebook(&self, request: &ApiGatewayV2httpRequest) -> Answer {
        let version = numbered(http::path(request, "version").unwrap_or_default())?;
        let Some(source) = self.rulebooks.source(&version).await? else {
            return Err(no_such_rulebook(version.as_str()).into());
        };
        if let Err(problems) = Rulebook::parse(&source, &self.references().await?) {
            return Ok(refused(&source, &problems));
        }
        self.rulebooks.activate(&version).await?;
        info!(rulebook = %version, "activated rulebook");
        Ok(http::json(200, &json!({"version": version, "active": true})))
    }
}

/// The version called `name`; whatever is not six digits is none.
fn numbered(name: &str) -> Result<RulebookVersion, Problem> {
    let is_version = name.len() == 6 && name.bytes().all(|b| b.is_ascii_digit());
    is_version.then(|| RulebookVersion::from(name)).ok_or_else(|| no_such_rulebook(name))
}

fn no_such_rulebook(name: &str) -> Problem {
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

fn refused(source: &str, problems: &[Diagnostic]) -> aws_lambda_events::event::apigw::ApiGatewayV2httpResponse {
    let count = problems.len();
    http::problem_json(&json!({
        "status": 422,
        "code": "invalid_rulebook",
        "title": format!("the rulebook has {count} problem{}", if count == 1 { "" } else { "s" }),
        "detail": "mend what `problems` names, line by line, and send it again; nothing was kept",
        "problems": said(source, problems),
    }))
}
