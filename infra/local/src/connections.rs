//! Accepts HTTP connections, and bounds how many are open and how long a client may take to send a request.
//!
//! A client that opens connections and sends nothing, or half a request, takes one file each. So a connection that
//! waits for its client gives way: when too many are open, in all or from one address, the one that has waited longest
//! is closed for the new one. A connection whose request is being processed is never closed. If all of them are, the
//! new one is refused.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Sleep;

use crate::attack_log::{self, Kind};

/// How long accepting pauses when the system has no more files.
const PAUSE: Duration = Duration::from_millis(50);

/// Limits on the connections of a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Limit on open connections.
    pub(crate) all: usize,
    /// Limit on open connections from one address.
    pub(crate) per_address: usize,
    /// Time to send the request line and the headers, and the longest time between two requests of a connection.
    pub(crate) headers: Duration,
    /// Time to send a body.
    pub(crate) body: Duration,
}

impl Limits {
    /// Returns the limits of the API: at most five eighths of the files that this process may open.
    pub(crate) fn of_api() -> Self {
        Self::of(600_usize.min(files() / 8 * 5))
    }

    /// Returns the limits of the AWS services, which only tools call: at most an eighth of the files.
    pub(crate) fn of_aws() -> Self {
        Self::of(128_usize.min(files() / 8))
    }

    const fn of(all: usize) -> Self {
        let per_address = all / 6 * 5;
        Self { all, per_address, headers: Duration::from_secs(20), body: Duration::from_secs(30) }
    }
}

/// Returns how many files this process may open.
fn files() -> usize {
    let files = getrlimit(Resource::Nofile).current;
    files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX)
}

/// Serves connections on `listener` until `shutdown` is ready, then finishes running requests.
pub(crate) async fn serve<S, F>(
    listener: TcpListener,
    limits: Limits,
    service: S,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    S: Fn(Request, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let open = Arc::new(Open { limits, places: Mutex::default() });
    let (stop, stopped) = watch::channel(false);
    let mut running = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = running.join_next() => continue,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, from)) => match admit(&open, from.ip()) {
                Some(place) => _ = running.spawn(run(stream, from, place, service.clone(), stopped.clone())),
                None => attack_log::count(Kind::ConnectionRefused),
            },
            // The client is gone already.
            Err(cause) if matches!(cause.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {
            }
            Err(cause) => {
                attack_log::count(Kind::AcceptFailed);
                tracing::debug!(cause = %cause, "connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    while running.join_next().await.is_some() {}
    Ok(())
}

/// Serves one connection until it ends, gives way, or the server stops.
async fn run<S, F>(
    stream: TcpStream,
    from: SocketAddr,
    place: Arc<Place>,
    service: S,
    mut stopped: watch::Receiver<bool>,
) where
    S: Fn(Request, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Small replies must not wait for the client's delayed acknowledgement.
    if let Err(cause) = stream.set_nodelay(true) {
        tracing::debug!(cause = %cause, "TCP_NODELAY cannot be set");
    }
    let limits = place.open.limits;
    let served = service_fn(|request: hyper::Request<Incoming>| {
        place.works();
        let (place, within) = (Arc::clone(&place), limits.body);
        let request = request.map(|inner| {
            let (place, until) = (Arc::clone(&place), None);
            Body::new(Watched { inner, place, within, until })
        });
        let reply = service(request, from);
        async move {
            let reply = reply.await;
            place.waits();
            Ok::<_, Infallible>(reply)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.headers);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), served));
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                match ended {
                    // Clients may keep connections open without a further request.
                    Err(cause) if cause.is_timeout() && !place.is_first() => {}
                    Err(cause) if cause.is_timeout() => attack_log::count(Kind::RequestTooSlow),
                    Err(cause) if cause.is_parse() => attack_log::count(Kind::RequestUnreadable),
                    // The client is gone.
                    Ok(()) | Err(_) => {}
                }
                return;
            }
            () = place.gives_way.notified() => {
                attack_log::count(Kind::ConnectionDropped);
                return;
            }
            () = stop(&mut stopped), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Waits until the server stops.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the server is gone.
    stopped.wait_for(|stopped| *stopped).await.map(drop).unwrap_or_default();
}

/// The open connections of a port.
struct Open {
    limits: Limits,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    next: u64,
    taken: BTreeMap<u64, Taken>,
}

struct Taken {
    address: IpAddr,
    /// Since when the connection waits for its client; `None` while its request is processed.
    waits_since: Option<Instant>,
    /// Whether it had a request.
    used: bool,
    gives_way: Arc<Notify>,
}

/// Returns a place for a connection from `address`; another connection may have to give way. Returns `None` if too many
/// are open and all of them process a request.
fn admit(open: &Arc<Open>, address: IpAddr) -> Option<Arc<Place>> {
    let mut places = open.places();
    let from_there = places.taken.values().filter(|taken| taken.address == address).count();
    let of_this_address = from_there >= open.limits.per_address;
    if of_this_address || places.taken.len() >= open.limits.all {
        let waiting = places.taken.iter().filter(|(_, taken)| !of_this_address || taken.address == address);
        let longest = waiting.filter_map(|(id, taken)| Some((taken.waits_since?, *id))).min()?;
        if let Some(taken) = places.taken.remove(&longest.1) {
            taken.gives_way.notify_one();
        }
    }
    let id = places.next;
    places.next += 1;
    let gives_way = Arc::new(Notify::new());
    let taken = Taken { address, waits_since: Some(Instant::now()), used: false, gives_way: Arc::clone(&gives_way) };
    places.taken.insert(id, taken);
    Some(Arc::new(Place { id, gives_way, open: Arc::clone(open) }))
}

impl Open {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of an open connection. It is free again when the value is dropped.
struct Place {
    id: u64,
    gives_way: Arc<Notify>,
    open: Arc<Open>,
}

impl Place {
    /// Notes that the server works on a request.
    fn works(&self) {
        if let Some(taken) = self.open.places().taken.get_mut(&self.id) {
            taken.waits_since = None;
            taken.used = true;
        }
    }

    /// Notes that the connection waits for its client.
    fn waits(&self) {
        if let Some(taken) = self.open.places().taken.get_mut(&self.id) {
            taken.waits_since.get_or_insert_with(Instant::now);
        }
    }

    /// Returns whether the connection has had no request yet.
    fn is_first(&self) -> bool {
        self.open.places().taken.get(&self.id).is_some_and(|taken| !taken.used)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.places().taken.remove(&self.id);
    }
}

/// A request's body. While it waits for the client, the connection may have to give way; and it waits only so long.
struct Watched {
    inner: Incoming,
    place: Arc<Place>,
    within: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

/// A body did not arrive in time.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            this.place.works();
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        this.place.waits();
        let within = this.within;
        let until = this.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        match until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(TooSlow.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is larger than the limit.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The client disconnected or broke the protocol. It will not read the reply.
    Broken,
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(cause) if cause.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(cause) if cause.source().is_some_and(<dyn std::error::Error + 'static>::is::<TooSlow>) => {
            Err(BodyError::TooSlow)
        }
        Err(_) => Err(BodyError::Broken),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::{Semaphore, oneshot};

    use super::*;

    /// A running server. It replies with the length of a body, at `/slow` once `go` has a permit.
    struct Running {
        at: SocketAddr,
        entered: Arc<Semaphore>,
        go: Arc<Semaphore>,
        _stop: oneshot::Sender<()>,
    }

    async fn start(limits: Limits) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (entered, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let waiting = (Arc::clone(&entered), Arc::clone(&go));
        let service = move |request: Request, _| {
            let (entered, go) = waiting.clone();
            async move {
                if request.uri().path() == "/slow" {
                    entered.add_permits(1);
                    go.acquire().await.unwrap().forget();
                }
                let shown = read(request.into_body(), 100)
                    .await
                    .map_or_else(|failed| format!("{failed:?}"), |body| format!("{} bytes", body.len()));
                Response::new(Body::from(shown))
            }
        };
        tokio::spawn(serve(listener, limits, service, async { stopped.await.unwrap_or_default() }));
        Running { at, entered, go, _stop: stop }
    }

    fn limits(all: usize) -> Limits {
        let patient = Duration::from_mins(1);
        Limits { all, per_address: all, headers: patient, body: patient }
    }

    impl Running {
        async fn half(&self, text: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.at).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            stream
        }

        async fn post(&self, path: &str, body: &str) -> reqwest::Result<String> {
            let url = format!("http://{}{path}", self.at);
            reqwest::Client::new().post(url).body(body.to_owned()).send().await?.text().await
        }
    }

    /// Reads until the server closes the connection.
    async fn rest(mut stream: TcpStream) -> String {
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.unwrap();
        read.map(|_| String::from_utf8(bytes).unwrap()).unwrap_or_default()
    }

    const HALF_HEADERS: &str = "POST / HTTP/1.1\r\nHost: x\r\n";
    const HALF_BODY: &str = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{";

    #[tokio::test]
    async fn half_sent_requests_give_way_to_whole_ones() {
        let running = start(limits(8)).await;
        for half in ["", HALF_HEADERS, HALF_BODY] {
            let mut halves = Vec::new();
            for _ in 0..50 {
                halves.push(running.half(half).await);
                if halves.len() % 10 == 0 {
                    assert_eq!(running.post("/", "abc").await.unwrap(), "3 bytes");
                }
            }
            // The server closed the oldest.
            assert_eq!(rest(halves.remove(0)).await, "", "{half}");
        }
    }

    #[tokio::test]
    async fn a_running_request_is_never_closed() {
        let running = start(limits(2)).await;
        let (one, two, ()) = tokio::join!(running.post("/slow", "a"), running.post("/slow", "ab"), async {
            running.entered.acquire_many(2).await.unwrap().forget();
            assert!(running.post("/", "abc").await.is_err());
            running.go.add_permits(2);
        });
        assert_eq!((one.unwrap().as_str(), two.unwrap().as_str()), ("1 bytes", "2 bytes"));
        assert_eq!(running.post("/", "abc").await.unwrap(), "3 bytes");
    }

    #[tokio::test]
    async fn requests_that_do_not_arrive_in_time_are_ended() {
        let short = Duration::from_millis(100);
        let running = start(Limits { headers: short, body: short, ..limits(8) }).await;
        assert_eq!(rest(running.half(HALF_HEADERS).await).await, "");
        let reply = rest(running.half(HALF_BODY).await).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK") && reply.ends_with("TooSlow"), "{reply}");
        assert_eq!(running.post("/", &"x".repeat(101)).await.unwrap(), "TooLarge");
    }

    #[test]
    fn one_address_leaves_room_for_others() {
        let open = Arc::new(Open { limits: Limits { per_address: 2, ..limits(3) }, places: Mutex::default() });
        let [greedy, other] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let theirs = admit(&open, other).unwrap();
        let mine: Vec<_> = (0..3).map(|_| admit(&open, greedy).unwrap()).collect();
        // The connection of the other address waits longest, and stays: the first of this one gave way.
        assert!(open.places().taken.contains_key(&theirs.id));
        assert!(!open.places().taken.contains_key(&mine[0].id));
        mine[1].works();
        mine[2].works();
        assert!(admit(&open, greedy).is_none());
        let third = admit(&open, other).unwrap();
        assert!(!open.places().taken.contains_key(&theirs.id), "it waited longest of all");
        drop((mine, third));
        assert!(open.places().taken.is_empty());
    }
}
