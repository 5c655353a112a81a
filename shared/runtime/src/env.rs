//! A function's environment: its variables, its clock, and the AWS clients' configuration made from them.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::{RetryConfig, TimeoutConfig};

use crate::Clock;

/// The environment a function is built from. On Lambda it is the process's; on one machine every function has its own.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    clock: Clock,
    http_client: Option<SharedHttpClient>,
}

/// A function cannot start because its environment is incomplete.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A variable the function needs is not there.
    #[error("environment variable `{0}` is not set; infra/template.yaml sets it for every function that needs it")]
    Missing(String),
    /// A variable has a value that cannot be used.
    #[error("environment variable `{name}` is `{value}`, but {expected}")]
    Invalid {
        /// The variable.
        name: String,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
}

impl Env {
    /// An environment of its own.
    pub fn new(variables: BTreeMap<String, String>, clock: Clock) -> Self {
        Self { variables, clock, http_client: None }
    }

    /// The process's environment and the machine's clock.
    pub fn from_process() -> Self {
        Self::new(std::env::vars().collect(), Clock::System)
    }

    /// The same environment, whose AWS clients send their requests by `client` and not over the network.
    #[must_use]
    pub fn with_http_client(self, client: SharedHttpClient) -> Self {
        Self { http_client: Some(client), ..self }
    }

    /// The variable `name`.
    pub fn get(&self, name: &str) -> Result<&str, SetupError> {
        self.optional(name).ok_or_else(|| SetupError::Missing(name.to_owned()))
    }

    /// The variable `name`, if it is set and not empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Configuration for the AWS clients: region and credentials as Lambda sets them (`AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), the endpoint from `AWS_ENDPOINT_URL`.
    ///
    /// A call that has no answer after 2.5 seconds is given up and tried again, 3 times in all and for 8 seconds at
    /// most: the functions themselves have 10.
    pub fn sdk_config(&self) -> Result<SdkConfig, SetupError> {
        let credentials = Credentials::new(
            self.get("AWS_ACCESS_KEY_ID")?,
            self.get("AWS_SECRET_ACCESS_KEY")?,
            self.optional("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "environment",
        );
        let endpoint = self.optional("AWS_ENDPOINT_URL");
        let over_network = || {
            let client = aws_smithy_http_client::Builder::new();
            // Plain HTTP is one machine's loopback: without TLS there are no root certificates to load either.
            if endpoint.is_some_and(|url| url.starts_with("http://")) {
                client.build_http()
            } else {
                client.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
            }
        };
        let client = self.http_client.clone().unwrap_or_else(over_network);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_millis(2_500))
            .operation_timeout(Duration::from_secs(8))
            .build();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.get("AWS_REGION")?.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(client)
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(timeouts);
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(config.build())
    }
}
