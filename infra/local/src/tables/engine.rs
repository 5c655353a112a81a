//! Runs one DynamoDB call: in this process if possible, else through the engine's own server.

use std::time::Instant;

use bytes::Bytes;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::repeats::{LONGEST_TOKEN, Repeats, Seen};

/// Limit on the items of a page of a query or scan whose caller sets none. DynamoDB ends such a page at 1 MB. The engine
/// does too, but only after it has read the rest of the table: for 145,000 leads, 1.9 s a page in which nothing else
/// runs. Callers must follow `LastEvaluatedKey` anyway.
const LONGEST_PAGE: usize = 250;

/// Reply of DynamoDB.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON body.
    pub body: Bytes,
}

impl Reply {
    /// Builds the reply for a failure of the engine, and logs it.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        let error = DynoxideError::InternalServerError(message.into());
        tracing::error!(cause = %error, "the tables failed");
        Self { status: 500, body: error.to_json().into() }
    }
}

/// Returns whether a successful call may have changed something.
pub(crate) fn writes(operation: &str) -> bool {
    !matches!(
        operation,
        "GetItem"
            | "Query"
            | "Scan"
            | "BatchGetItem"
            | "TransactGetItems"
            | "DescribeTable"
            | "ListTables"
            | "DescribeTimeToLive"
            | "ListTagsOfResource"
            | "ListStreams"
            | "DescribeStream"
            | "GetShardIterator"
            | "GetRecords"
    )
}

/// Runs the call on this thread. Returns `None`, with nothing written, if it must go through the engine's server.
pub(crate) fn in_process(database: &Database, operation: &str, body: &[u8]) -> Option<Reply> {
    match operation {
        "GetItem" => run(body, |request| database.get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "Query" => run(body, |mut request: QueryRequest| {
            request.limit.get_or_insert(LONGEST_PAGE);
            database.query(request)
        }),
        "Scan" => run(body, |mut request: ScanRequest| {
            request.limit.get_or_insert(LONGEST_PAGE);
            database.scan(request)
        }),
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        _ => None,
    }
}

/// Runs a transaction on this thread, once for each of its tokens. Returns `None`, with nothing written, if it must go
/// through the engine's server.
pub(super) fn transact(database: &Database, repeats: &mut Repeats, body: &[u8], now: Instant) -> Option<Reply> {
    let mut request: TransactWriteItemsRequest = serde_json::from_slice(body).ok()?;
    let token = request.client_request_token.take_if(|token| (1..=LONGEST_TOKEN).contains(&token.len()));
    let Some(token) = token else { return answered(database.transact_write_items(request)) };
    match repeats.look(&token, body, now) {
        Seen::Repeat(reply) => Some(reply),
        Seen::Other => answered::<()>(Err(DynoxideError::IdempotentParameterMismatchException(
            "Request rejected because it uses the same client token as a previous, successful transaction request."
                .to_owned(),
        ))),
        Seen::New(hash) => {
            let reply = answered(database.transact_write_items(request))?;
            if reply.status == 200 {
                repeats.keep(token, hash, reply.clone(), now);
            }
            Some(reply)
        }
    }
}

fn run<Q: DeserializeOwned, R: Serialize>(
    body: &[u8],
    call: impl FnOnce(Q) -> Result<R, DynoxideError>,
) -> Option<Reply> {
    answered(call(serde_json::from_slice(body).ok()?))
}

fn answered<R: Serialize>(answer: Result<R, DynoxideError>) -> Option<Reply> {
    match answer {
        Ok(response) => match serde_json::to_vec(&response) {
            Ok(json) => Some(Reply { status: 200, body: json.into() }),
            Err(error) => Some(Reply::internal(format!("the reply cannot be written: {error}"))),
        },
        // Rejected as malformed before anything was written. Only the server words these as AWS does.
        Err(
            DynoxideError::ValidationException(_)
            | DynoxideError::KeyEmptyValueValidation(_)
            | DynoxideError::EnvelopedValidation(_)
            | DynoxideError::SerializationException(_)
            | DynoxideError::ConversionError(_),
        ) => None,
        Err(error) => Some(Reply { status: error.status_code(), body: error.to_json().into() }),
    }
}

/// Runs the call through the engine's own server, which runs for this request only.
pub(super) async fn through_server(database: &Database, operation: &str, body: Bytes) -> Reply {
    match served_once(database.clone(), operation, body).await {
        Ok(reply) => reply,
        Err(error) => Reply::internal(format!("{operation} did not reach the engine: {error}")),
    }
}

async fn served_once(database: Database, operation: &str, body: Bytes) -> anyhow::Result<Reply> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (done, shutdown) = oneshot::channel::<()>();
    // Ends when `done` is dropped, however this function ends.
    let server = tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, async {
        shutdown.await.unwrap_or_default();
    }));
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let service = if matches!(operation, "ListStreams" | "DescribeStream" | "GetShardIterator" | "GetRecords") {
        "DynamoDBStreams_20120810"
    } else {
        "DynamoDB_20120810"
    };
    let request = Request::post("/")
        .header("host", address.to_string())
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("{service}.{operation}"))
        .header("x-amz-date", "20260101T000000Z")
        // The proxy has checked the caller. The engine only checks that the header exists.
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(Full::new(body))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    drop((sender, done));
    connection.abort();
    if let Err(error) = server.await? {
        tracing::warn!(cause = %error, "the engine's server failed");
    }
    Ok(Reply { status, body })
}
