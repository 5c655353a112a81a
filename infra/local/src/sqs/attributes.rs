//! Message attributes, with the checksum that clients compare.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::store::hex;
use crate::aws_error::AwsError;

/// The attributes of a message, by name. Sorted, as the checksum requires.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(pub BTreeMap<String, AttributeValue>);

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeValue {
    /// `String`, `Number` or `Binary`, optionally with a suffix after a full stop.
    pub data_type: String,
    /// The value, unless it is binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value in base64, if it is binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl AttributeValue {
    /// Builds a string value.
    pub fn string(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), string_value: Some(value.into()), binary_value: None }
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.string_value, &self.binary_value) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(encoded)) => BASE64.decode(encoded).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }
}

impl Attributes {
    /// Returns whether there are no attributes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns their part of the size of a message: names, types and values.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.data_type.len() + value.bytes().len()).sum()
    }

    /// Checks the attributes as SQS does.
    pub(super) fn check(&self) -> Result<(), AwsError> {
        if self.0.len() > 10 {
            return Err(invalid(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [10].",
                self.0.len()
            )));
        }
        for (name, value) in &self.0 {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let lower = name.to_ascii_lowercase();
            if name.is_empty()
                || name.len() > 256
                || !name.chars().all(known)
                || name.starts_with('.')
                || name.ends_with('.')
                || name.contains("..")
                || lower.starts_with("aws.")
                || lower.starts_with("amazon.")
            {
                return Err(invalid(format!("Message attribute name '{name}' is invalid.")));
            }
            let kind = value.data_type.split('.').next().unwrap_or_default();
            let fits = match kind {
                "String" => value.string_value.as_deref().is_some_and(|text| !text.is_empty()),
                "Number" => value.string_value.as_deref().is_some_and(|text| text.parse::<f64>().is_ok()),
                "Binary" => value
                    .binary_value
                    .as_deref()
                    .is_some_and(|text| BASE64.decode(text).is_ok_and(|bytes| !bytes.is_empty())),
                _ => {
                    return Err(invalid(format!(
                        "The message attribute '{name}' has an invalid message attribute type, the set of supported \
                         type prefixes is Binary, Number, and String."
                    )));
                }
            };
            if !fits {
                return Err(invalid(format!(
                    "The message attribute '{name}' must contain a non-empty value of its type {kind}."
                )));
            }
        }
        Ok(())
    }

    /// Returns the MD5 that SQS returns and some clients compare; `None` without attributes.
    ///
    /// For each attribute in the order of names: name, data type, one byte for the kind of value (1 text, 2 binary),
    /// value. All but that byte are preceded by their length in four bytes, most significant first (SQS Developer
    /// Guide, "Calculating the MD5 message digest for message attributes").
    pub fn md5(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut digest = Md5::new();
        let mut part = |bytes: &[u8], travels: Option<u8>| {
            if let Some(kind) = travels {
                digest.update([kind]);
            }
            digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            digest.update(bytes);
        };
        for (name, value) in &self.0 {
            part(name.as_bytes(), None);
            part(value.data_type.as_bytes(), None);
            part(&value.bytes(), Some(if value.string_value.is_some() { 1 } else { 2 }));
        }
        Some(hex(&digest.finalize()))
    }

    /// Keeps the attributes that a receive asked for: names, `All` or `.*`, or `prefix.*`.
    pub(super) fn select(mut self, names: &[String]) -> Self {
        self.0.retain(|name, _| {
            names.iter().any(|asked| {
                asked == "All"
                    || asked == ".*"
                    || asked == name
                    || asked.strip_suffix(".*").is_some_and(|prefix| name.starts_with(prefix))
            })
        });
        self
    }

    pub(super) fn to_stored(&self) -> Result<Option<String>, AwsError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        serde_json::to_string(self).map(Some).map_err(|cause| AwsError::server(cause.to_string()))
    }

    pub(super) fn from_stored(stored: Option<&str>) -> Result<Self, AwsError> {
        match stored {
            None => Ok(Self::default()),
            Some(text) => serde_json::from_str(text)
                .map_err(|cause| AwsError::server(format!("stored attributes cannot be read: {cause}"))),
        }
    }
}

fn invalid(message: String) -> AwsError {
    super::errors::invalid_parameter(message)
}
