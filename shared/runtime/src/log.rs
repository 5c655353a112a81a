//! Structured logs: JSON lines on Lambda, filtered by `LOG_LEVEL`.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

/// How the names of libraries begin that log requests, replies or items at a low level. They hold personal data.
const TELL_TOO_MUCH: [&str; 9] =
    ["aws_", "dynoxide", "h2", "hyper", "lambda_", "reqwest", "rustack", "rusqlite", "rustls"];

/// Returns whether an event may be logged, whatever the level that was asked for: libraries that log what they send and
/// receive only warn.
pub fn is_loggable(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::WARN || !TELL_TOO_MUCH.iter().any(|name| metadata.target().starts_with(name))
}

/// Starts logging for this process. Later calls have no effect.
pub(crate) fn init() {
    let filter = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().json().with_current_span(false).with_filter(filter.and(filter_fn(is_loggable)));
    // Fails only if logging was already started.
    if tracing::subscriber::set_global_default(registry().with(lines)).is_err() {}
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn libraries_never_log_what_they_send_and_receive() {
        let written = Written::default();
        let writer = written.clone();
        let asked = EnvFilter::new("trace,aws_smithy_runtime::client=trace,hyper=trace");
        let lines = fmt::layer().with_writer(move || writer.clone()).with_filter(asked.and(filter_fn(is_loggable)));
        tracing::subscriber::with_default(registry().with(lines), || {
            tracing::trace!(target: "aws_smithy_runtime::client::orchestrator", body = "ada@lovelace.example", "request");
            tracing::debug!(target: "hyper::proto", body = "ada@lovelace.example", "request");
            tracing::info_span!(target: "aws_sdk_dynamodb::operation", "call", body = "ada@lovelace.example")
                .in_scope(|| tracing::trace!(target: "fairleader_route", "own line"));
            tracing::warn!(target: "aws_smithy_runtime::client", "library's warning");
        });
        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(!written.contains("ada@"), "{written}");
        assert!(written.contains("own line") && written.contains("library's warning"), "{written}");
    }
}
