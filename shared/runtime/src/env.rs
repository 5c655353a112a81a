//! The environment of a function: its variables, its clock, and the configuration of its AWS clients.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use aws_types::sdk_config::{RetryConfig, TimeoutConfig};

use crate::Clock;

/// Environment of a function. On Lambda it is that of the process; on one machine each function has its own.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    clock: Clock,
    http_client: Option<SharedHttpClient>,
}

/// Reason why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A required variable is missing.
    #[error("environment variable `{0}` is not set; infra/template.yaml sets it for every function that needs it")]
    Missing(String),
    /// A variable has an invalid value.
    #[error("environment variable `{name}` is `{value}`, but {expected}")]
    Invalid {
        /// The variable.
        name: String,
        /// Its value.
        value: String,
        /// The valid values, as the end of a sentence.
        expected: &'static str,
    },
}

impl Env {
    /// Creates an environment from variables and a clock.
    pub fn new(variables: BTreeMap<String, String>, clock: Clock) -> Self {
        Self { variables, clock, http_client: None }
    }

    /// Returns the environment of the process, with the machine's clock.
    pub fn from_process() -> Self {
        Self::new(std::env::vars().collect(), Clock::System)
    }

    /// Makes the AWS clients send their requests through `client` instead of the network.
    #[must_use]
    pub fn with_http_client(self, client: SharedHttpClient) -> Self {
        Self { http_client: Some(client), ..self }
    }

    /// Returns the variable `name`. Fails if it is missing or empty.
    pub fn get(&self, name: &str) -> Result<&str, SetupError> {
        self.optional(name).ok_or_else(|| SetupError::Missing(name.to_owned()))
    }

    /// Returns the variable `name`, if it is set and not empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the clock.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Builds the configuration of the AWS clients from the variables that Lambda sets: `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, and `AWS_ENDPOINT_URL`.
    ///
    /// A request times out after 2.5 seconds and is retried: at most 3 attempts and 8 seconds in total. The functions
    /// themselves have 10 seconds.
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
            // Plain HTTP is used on the loopback interface only. Without TLS no root certificates have to be loaded.
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
            .timeout_config(timeouts)
            // Not needed: requests and replies are small, and every attempt has a timeout.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        Ok(config.build())
    }
}
