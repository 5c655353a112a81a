//! The functions' way to the proxy: the SDK's HTTP client passes signed requests on without a socket.
//!
//! The requests are the same as at the port, so they are checked and handled in the same way.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;

use super::Proxy;

/// A client of a proxy that may not exist yet. Clones share it.
///
/// The functions are built before the proxy, because the proxy needs the bus, which calls functions. The client does
/// not keep the proxy alive: the proxy owns the functions, and they own the client.
#[derive(Clone, Default)]
pub struct InProcess {
    proxy: Arc<OnceLock<Weak<Proxy>>>,
}

impl InProcess {
    /// Sends all requests to `proxy` from now on. Only the first call has an effect.
    pub fn connect(&self, proxy: &Arc<Proxy>) {
        self.proxy.get_or_init(|| Arc::downgrade(proxy));
    }

    /// Returns the client for an SDK configuration.
    pub fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(proxy) = self.proxy.get().and_then(Weak::upgrade) else {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("the AWS services are not running".into())));
        };
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|cause| ConnectorError::user(cause.into()))?;
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
            let response = proxy.answer(&head, body).await;
            HttpResponse::try_from(response.map(sent)).map_err(|cause| ConnectorError::other(cause.into(), None))
        })
    }
}

fn sent(body: Bytes) -> SdkBody {
    SdkBody::from(body)
}
