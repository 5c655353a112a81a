//! Requests byte by byte, because an HTTP client would not send most of them.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for a reply: longer than the longest call.
const PATIENCE: Duration = Duration::from_secs(40);

/// A request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    pub(crate) method: String,
    /// Path and query, as they are sent.
    pub(crate) target: String,
    /// Headers apart from those about the connection and the body's length.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// A reply.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads a reply. The reply to a `HEAD` request has no body.
    fn read(bytes: &[u8], is_head: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        if bytes.starts_with(b"HTTP/1.1 100 ") {
            return Self::read(&bytes[end + 4..], is_head);
        }
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let body = &bytes[end + 4..];
        let answer = Self { status, headers, body: String::from_utf8_lossy(body).into_owned() };
        let whole = is_head || answer.header("content-length").is_none_or(|length| length == body.len().to_string());
        whole.then_some(answer)
    }
}

impl Wire {
    /// Sends the request to `address` (`127.0.0.1:3000`). `None` if the connection ends without a whole reply.
    pub(crate) async fn send(&self, address: &str) -> io::Result<Option<Answer>> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n", self.method, self.target);
        write!(bytes, "content-length: {}\r\n", self.body.len()).unwrap();
        let mut bytes = bytes.into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        exchange(address, &bytes, PATIENCE).await
    }

    /// Returns a command that sends the request again. `$KEY` stands for the key.
    pub(crate) fn curl(&self, url: &str) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let mut command =
            format!("curl -sS -i --path-as-is -X {} {}", self.method, quoted(&format!("{url}{}", self.target)));
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value);
            let value = if name == "authorization" { "Bearer $KEY".into() } else { value };
            write!(command, " -H {}", quoted(&format!("{name}: {value}"))).unwrap();
        }
        if !self.body.is_empty() {
            write!(command, " --data-binary @<(base64 -d <<< {})", BASE64.encode(&self.body)).unwrap();
        }
        command
    }
}

/// Sends bytes on a connection of their own and returns the reply. `None` if there was none within `patience`.
pub(crate) async fn exchange(address: &str, bytes: &[u8], patience: Duration) -> io::Result<Option<Answer>> {
    let mut stream = TcpStream::connect(address).await?;
    // The server may reply and close before it has read everything.
    stream.write_all(bytes).await.unwrap_or_default();
    let mut read = Vec::new();
    // A connection that is reset after the reply has still brought it.
    timeout(patience, stream.read_to_end(&mut read)).await.map_or_else(|_| 0, Result::unwrap_or_default);
    Ok(Answer::read(&read, bytes.starts_with(b"HEAD ")))
}
