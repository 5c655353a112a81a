//! Receipt handles. They are opaque to clients and hold the queue, the row and the number of the receive.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::errors::bad_receipt;
use super::store::Receipt;
use crate::aws_error::AwsError;

/// Encodes the handle of a receive.
pub(super) fn receipt_handle(receipt: &Receipt) -> String {
    let Receipt { queue, row, receive } = receipt;
    BASE64.encode(format!("{queue}/{row}/{receive}"))
}

/// Decodes a handle and checks that it belongs to this queue.
pub(super) fn receipt(queue: usize, handle: &str) -> Result<Receipt, AwsError> {
    let decoded = BASE64.decode(handle).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let mut parts = text.split('/');
    match (
        parts.next().and_then(|part| part.parse::<usize>().ok()),
        parts.next().and_then(|part| part.parse().ok()),
        parts.next().and_then(|part| part.parse().ok()),
        parts.next(),
    ) {
        (Some(of), Some(row), Some(receive), None) if of == queue => Ok(Receipt { queue, row, receive }),
        _ => Err(bad_receipt(handle)),
    }
}
