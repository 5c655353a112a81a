//! The entries of a `PutEvents` call: AWS's checks, and the events built from them.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws_error::AwsError;

const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    #[serde(default)]
    entries: Vec<Entry>,
}

/// An entry of the request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entry {
    source: Option<String>,
    detail_type: Option<String>,
    detail: Option<String>,
    event_bus_name: Option<String>,
    /// Seconds since the Unix epoch.
    time: Option<f64>,
    #[serde(default)]
    resources: Option<Vec<String>>,
}

/// A valid entry.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) bus: String,
    source: String,
    detail_type: String,
    detail: Value,
    time: Timestamp,
    resources: Vec<String>,
}

/// Reads the entries of a request. An error concerns the whole request.
pub(super) fn read(body: Value) -> Result<Vec<Entry>, AwsError> {
    let request: Request =
        serde_json::from_value(body).map_err(|cause| AwsError::client("SerializationException", cause.to_string()))?;
    let number = request.entries.len();
    if number == 0 || number > MOST_ENTRIES {
        let bound = if number == 0 { "greater than or equal to 1" } else { "less than or equal to 10" };
        return Err(AwsError::client(
            "ValidationException",
            format!(
                "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length {bound}"
            ),
        ));
    }
    if request.entries.iter().map(Entry::size).sum::<usize>() > MOST_BYTES {
        return Err(AwsError::client(
            "ValidationException",
            "Total size of the entries in the request is over the limit.",
        ));
    }
    Ok(request.entries)
}

impl Entry {
    /// Returns the size as AWS counts it: 14 bytes for a time, and the UTF-8 length of the rest.
    fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.time.map_or(0, |_| 14)
            + text(&self.source)
            + text(&self.detail_type)
            + text(&self.detail)
            + self.resources.iter().flatten().map(String::len).sum::<usize>()
    }

    /// Checks the entry. An error has its code and message.
    pub(super) fn check(self, buses: &[String]) -> Result<Accepted, (&'static str, String)> {
        let needed = |name: &str, value: Option<String>| {
            value.filter(|value| !value.is_empty()).ok_or_else(|| {
                ("InvalidArgument", format!("Parameter {name} is not valid. Reason: {name} is a required argument."))
            })
        };
        let source = needed("Source", self.source)?;
        let detail_type = needed("DetailType", self.detail_type)?;
        let detail = needed("Detail", self.detail)?;
        let detail: Value = serde_json::from_str(&detail)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
        let named = self.event_bus_name.unwrap_or_else(|| "default".to_owned());
        // A name, or an ARN that ends in `event-bus/NAME`.
        let bus = if named.starts_with("arn:") { named.rsplit('/').next().unwrap_or_default() } else { &named };
        if !buses.iter().any(|known| known == bus) {
            return Err(("ResourceNotFoundException", format!("Event bus {bus} does not exist.")));
        }
        let time = match self.time {
            None => Timestamp::now(),
            Some(seconds) => format!("{seconds:.0}")
                .parse()
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .ok_or_else(|| ("InvalidArgument", "Parameter Time is not valid.".to_owned()))?,
        };
        Ok(Accepted {
            bus: bus.to_owned(),
            source,
            detail_type,
            detail,
            time,
            resources: self.resources.unwrap_or_default(),
        })
    }
}

impl Accepted {
    /// Returns the event in EventBridge's envelope.
    pub(super) fn event(&self, id: &str, region: &str, account: &str) -> Value {
        json!({
            "version": "0",
            "id": id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": account,
            "time": self.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": region,
            "resources": self.resources,
            "detail": self.detail,
        })
    }
}
