//! A client of Fairleader's API, for the commands of this program.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// Client of the API with one key.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    url: String,
    key: String,
}

/// Why a call had no result.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The API could not be reached, or the connection broke.
    #[error("no reply to {method} {path}: {}", innermost(source))]
    NoAnswer {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The API replied with an error.
    #[error("{method} {path} failed with {status}: {said}")]
    Refused {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// HTTP status.
        status: StatusCode,
        /// The body of the reply.
        said: String,
    },
}

/// Returns the innermost cause. The outer ones only say that a request failed.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

impl Api {
    /// Returns a client of the API at `url` with `key`.
    pub fn new(url: &str, key: &str) -> Result<Self, reqwest::Error> {
        let client = Client::builder().timeout(Duration::from_mins(1)).no_proxy().build()?;
        Ok(Self { client, url: url.to_owned(), key: key.to_owned() })
    }

    /// Returns a client of the same API with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// Sends `GET path`.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::GET, path, &[], Vec::new()).await
    }

    /// Sends `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::PUT, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    /// Sends `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::POST, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    /// Sends any call with these headers and body. Returns the reply as JSON, or null if it is empty.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Value, ApiError> {
        let no_answer = {
            let (method, path) = (method.clone(), path.to_owned());
            move |source| ApiError::NoAnswer { method: method.clone(), path: path.clone(), source }
        };
        let mut request =
            self.client.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(&self.key).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.map_err(&no_answer)?;
        let status = answer.status();
        let said = answer.text().await.map_err(&no_answer)?;
        if !status.is_success() {
            return Err(ApiError::Refused { method, path: path.to_owned(), status, said });
        }
        Ok(serde_json::from_str(&said).unwrap_or(Value::Null))
    }
}
