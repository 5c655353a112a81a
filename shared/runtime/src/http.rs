//! HTTP as an HTTP API sends it to a function: who calls, what they sent, and replies as JSON or as RFC 9457 problems.

use aws_lambda_events::encodings::Body;
use aws_lambda_events::event::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use fairleader_lead::id::PersonId;
use fairleader_lead::people::PersonRole;
use fairleader_lead::problem::FieldProblem;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

/// What a person or program may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends leads.
    Source,
    /// Works on their own leads.
    Rep,
    /// Looks, changes nothing.
    Viewer,
    /// Looks after rules, lists and nurture.
    Marketing,
    /// Looks after reps, pools and leads.
    Sales,
    /// May do everything.
    Admin,
}

impl Role {
    /// The role as it is written in keys and replies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Rep => "rep",
            Self::Viewer => "viewer",
            Self::Marketing => "marketing",
            Self::Sales => "sales",
            Self::Admin => "admin",
        }
    }
}

impl From<PersonRole> for Role {
    fn from(role: PersonRole) -> Self {
        match role {
            PersonRole::Marketing => Self::Marketing,
            PersonRole::Sales => Self::Sales,
            PersonRole::Admin => Self::Admin,
            PersonRole::Viewer => Self::Viewer,
        }
    }
}

/// Who is calling, as the authorizer found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What they may do.
    pub role: Role,
    /// Who they are: a source, a rep, a person, or a name.
    pub subject: String,
    /// The person, if it is one and not a program.
    pub person: Option<PersonId>,
}

impl Caller {
    /// Whether the caller has one of `roles`; `admin` always may.
    pub fn may(&self, roles: &[Role]) -> bool {
        self.role == Role::Admin || roles.contains(&self.role)
    }
}

/// Who is calling, from the authorizer's context.
pub fn caller(request: &ApiGatewayV2httpRequest) -> Option<Caller> {
    let fields = &request.request_context.authorizer.as_ref()?.fields;
    Some(Caller {
        role: serde_json::from_value(fields.get("role")?.clone()).ok()?,
        subject: fields.get("subject")?.as_str()?.to_owned(),
        person: fields.get("person").and_then(serde_json::Value::as_str).map(PersonId::from),
    })
}

/// The body as bytes, undoing the gateway's base64.
pub fn body(request: &ApiGatewayV2httpRequest) -> Vec<u8> {
    let text = request.body.as_deref().unwrap_or_default();
    Body::from_maybe_encoded(request.is_base64_encoded, text).as_ref().to_vec()
}

/// The header `name`, if it is there and is text.
pub fn header<'a>(request: &'a ApiGatewayV2httpRequest, name: &str) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

/// The query parameter `name`, its first value.
pub fn query<'a>(request: &'a ApiGatewayV2httpRequest, name: &str) -> Option<&'a str> {
    request.query_string_parameters.first(name)
}

/// The path parameter `name`.
pub fn path<'a>(request: &'a ApiGatewayV2httpRequest, name: &str) -> Option<&'a str> {
    request.path_parameters.get(name).map(String::as_str)
}

/// The route as the template writes it: `POST /v1/leads`.
pub fn route(request: &ApiGatewayV2httpRequest) -> &str {
    request.route_key.as_deref().unwrap_or_default()
}

/// A reply with a JSON body.
pub fn json(status: u16, body: &impl Serialize) -> ApiGatewayV2httpResponse {
    match serde_json::to_string(body) {
        Ok(text) => reply(status, "application/json", text),
        Err(cause) => {
            tracing::error!(cause = %cause, "reply cannot be written");
            Problem::internal().reply()
        }
    }
}

/// A text reply of this type.
pub fn text(status: u16, content_type: &'static str, body: String) -> ApiGatewayV2httpResponse {
    reply(status, content_type, body)
}

/// A problem reply with more in it than [`Problem`] has; its `status` is the reply's.
pub fn problem_json(problem: &serde_json::Value) -> ApiGatewayV2httpResponse {
    let status =
        problem.get("status").and_then(serde_json::Value::as_u64).and_then(|status| u16::try_from(status).ok());
    reply(status.unwrap_or(500), "application/problem+json", problem.to_string())
}

/// A reply without a body.
pub fn no_content() -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = 204;
    response
}

/// Adds a header to a reply; a value that cannot stand in a header is left out.
#[must_use]
pub fn with_header(
    mut response: ApiGatewayV2httpResponse,
    name: &'static str,
    value: &str,
) -> ApiGatewayV2httpResponse {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers.insert(HeaderName::from_static(name), value);
    }
    response
}

fn reply(status: u16, content_type: &'static str, body: String) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(status);
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.body = Some(Body::Text(body));
    response
}

/// What went wrong with a request, in the form of RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable word for programs (`invalid_submission`).
    pub code: &'static str,
    /// What is wrong, for people.
    pub title: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

impl Problem {
    /// A problem without a detail.
    pub fn new(status: u16, code: &'static str, title: impl Into<String>) -> Self {
        Self { status, code, title: title.into(), detail: None, errors: Vec::new() }
    }

    /// Says what to do.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what is wrong field by field.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.errors = errors;
        self
    }

    /// Something failed on our side; the cause is in the log only.
    pub fn internal() -> Self {
        Self::new(500, "internal", "something failed on our side")
            .detail("try again; if it stays, ask whoever runs Fairleader")
    }

    /// The caller's role may not do this.
    pub fn forbidden(caller: Option<&Caller>, roles: &[Role]) -> Self {
        let needed: Vec<&str> = roles.iter().map(|role| role.as_str()).chain(["admin"]).collect();
        let problem = Self::new(403, "forbidden", "this key may not do that");
        match caller {
            Some(caller) => problem.detail(format!(
                "the key of `{}` has the role {}; needed is {}",
                caller.subject,
                caller.role.as_str(),
                needed.join(" or ")
            )),
            None => problem,
        }
    }

    /// There is no such thing.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(404, "not_found", what)
    }

    /// The reply that says so.
    pub fn reply(&self) -> ApiGatewayV2httpResponse {
        let text = serde_json::to_string(self).unwrap_or_else(|_| r#"{"status":500,"code":"internal"}"#.to_owned());
        reply(self.status, "application/problem+json", text)
    }
}
