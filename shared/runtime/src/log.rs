//! Structured logs: JSON lines on Lambda, filtered by `LOG_LEVEL`.

use tracing_subscriber::EnvFilter;

/// Starts logging for this process. Later calls have no effect.
pub(crate) fn init() {
    let filter = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().json().with_env_filter(filter).with_current_span(false).finish();
    // Fails only if logging was already started.
    if tracing::subscriber::set_global_default(logs).is_err() {}
}
