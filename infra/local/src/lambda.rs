//! Runs functions as Lambda does: instances, limits, timeouts, and isolated failures.
//!
//! An instance is one built function and handles one call at a time. Idle instances are reused, the most recently used
//! first. A call keeps running even if its caller is gone, as on AWS.
//!
//! All functions share the concurrency of an account. Reserved concurrency is taken out of it: a function that has some
//! can always use it, and never more. The other functions share the rest.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fairleader_runtime::{Env, Invocation, Invoke, InvokeError, Load, SetupError};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::lane::Lane;
use crate::stack::Function;

/// Limit on the payload of a call, in bytes.
pub const LARGEST_REQUEST: usize = 6 * 1024 * 1024;

/// Limit on an answer, in bytes; AWS adds a little room for the envelope.
const LARGEST_RESPONSE: usize = 6_291_556;

/// Limit on concurrent calls of all functions together. An account on AWS starts with 1,000; on one machine more than
/// this has no benefit.
pub const ACCOUNT_CONCURRENCY: usize = 200;

/// Calls functions. Clones share their instances.
#[derive(Clone)]
pub struct Lambda {
    hosts: Arc<BTreeMap<String, Arc<Host>>>,
}

/// A function and its idle instances.
struct Host {
    function: Function,
    load: Load,
    env: Env,
    idle: Mutex<Vec<Box<dyn Invoke>>>,
    permits: Arc<Semaphore>,
}

/// Why the functions cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template names a binary that is not linked in.
    #[error("function `{function}` runs the binary `{binary}`, which does not exist; the binaries are {known}")]
    UnknownBinary {
        /// Logical id of the function.
        function: String,
        /// The unknown binary.
        binary: String,
        /// The known binaries, in words.
        known: String,
    },
    /// The functions reserve so much concurrency that none is left for the others.
    #[error(
        "the functions reserve {reserved} concurrent calls, but all functions together can make only {account}; lower \
         ReservedConcurrentExecutions in the template, so that the other functions can run"
    )]
    AllReserved {
        /// Sum of the reserved concurrency.
        reserved: usize,
        /// Concurrency of the account.
        account: usize,
    },
    /// A function's environment is incomplete.
    #[error("function `{function}` cannot be set up: {cause}")]
    Setup {
        /// Logical id of the function.
        function: String,
        /// The cause.
        #[source]
        cause: SetupError,
    },
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no such function.
    #[error("there is no function `{0}`")]
    UnknownFunction(String),
    /// The payload is larger than 6 MB.
    #[error("{0} byte payload is too large for the RequestResponse invocation type (limit {LARGEST_REQUEST} bytes)")]
    RequestTooLarge(usize),
    /// The function's concurrency is used up.
    #[error("Rate Exceeded.")]
    Throttled,
    /// The instance cannot be built.
    #[error("the function cannot be set up: {0}")]
    Setup(#[source] SetupError),
    /// The call took too long.
    #[error("{request_id} Task timed out after {}.{:02} seconds", after.as_secs(), after.subsec_millis() / 10)]
    TimedOut {
        /// Id of the call.
        request_id: String,
        /// The function's timeout.
        after: Duration,
    },
    /// The function answered with an error.
    #[error("{0}")]
    Function(#[source] InvokeError),
    /// The function panicked.
    #[error("the function panicked: {0}")]
    Panicked(String),
    /// The answer is larger than 6 MB.
    #[error("Response payload size ({0} bytes) exceeded maximum allowed payload size ({LARGEST_RESPONSE} bytes).")]
    ResponseTooLarge(usize),
}

impl Failure {
    /// Returns whether the function was called, as opposed to not being called at all.
    pub fn was_called(&self) -> bool {
        match self {
            Self::UnknownFunction(_) | Self::RequestTooLarge(_) | Self::Throttled => false,
            Self::Setup(_)
            | Self::TimedOut { .. }
            | Self::Function(_)
            | Self::Panicked(_)
            | Self::ResponseTooLarge(_) => true,
        }
    }

    /// Returns Lambda's error document for the caller.
    pub fn document(&self) -> Value {
        let kind = match self {
            Self::UnknownFunction(_) => "ResourceNotFoundException",
            Self::RequestTooLarge(_) => "RequestTooLargeException",
            Self::Throttled => "TooManyRequestsException",
            Self::Setup(_) => "Runtime.InitError",
            Self::TimedOut { .. } => "Sandbox.Timedout",
            Self::Function(_) => "Function.Error",
            Self::Panicked(_) => "Runtime.Panic",
            Self::ResponseTooLarge(_) => "Function.ResponseSizeTooLarge",
        };
        json!({ "errorType": kind, "errorMessage": self.to_string() })
    }
}

impl Lambda {
    /// Builds a host for every function. `registry` has the linked functions by the name of the binary; `env_for`
    /// returns each function's environment; `account` limits the concurrent calls of all functions together.
    pub fn new(
        functions: &[Function],
        registry: &BTreeMap<&'static str, Load>,
        env_for: impl Fn(&Function) -> Env,
        account: usize,
    ) -> Result<Self, StartError> {
        let reserved = functions.iter().filter_map(|function| function.reserved_concurrency).sum();
        let shared = account.checked_sub(reserved).filter(|left| *left > 0);
        let shared = shared.ok_or(StartError::AllReserved { reserved, account })?;
        let shared = Arc::new(Semaphore::new(shared));
        let mut hosts = BTreeMap::new();
        for function in functions {
            let load = registry.get(function.binary.as_str()).copied().ok_or_else(|| StartError::UnknownBinary {
                function: function.id.clone(),
                binary: function.binary.clone(),
                known: registry.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            })?;
            let permits = match function.reserved_concurrency {
                Some(reserved) => Arc::new(Semaphore::new(reserved.min(Semaphore::MAX_PERMITS))),
                None => Arc::clone(&shared),
            };
            let env = env_for(function);
            let host = Host { function: function.clone(), load, env, idle: Mutex::default(), permits };
            hosts.insert(function.id.clone(), Arc::new(host));
        }
        Ok(Self { hosts: Arc::new(hosts) })
    }

    /// Builds one instance of every function, so that an incomplete environment is reported at the start and not at the
    /// first call.
    pub fn warm(&self) -> Result<(), StartError> {
        for (id, host) in self.hosts.as_ref() {
            let instance = (host.load)(&host.env).map_err(|cause| StartError::Setup { function: id.clone(), cause })?;
            host.keep(instance);
        }
        Ok(())
    }

    /// Returns the function with this logical id.
    pub fn function(&self, function_id: &str) -> Option<&Function> {
        self.hosts.get(function_id).map(|host| &host.function)
    }

    /// Calls a function and waits for its answer. Failures are logged here, once.
    pub async fn invoke(&self, function_id: &str, payload: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let request_id = Uuid::now_v7().to_string();
        let answer = self.run(function_id, payload, request_id.clone()).await;
        match &answer {
            Ok(_) => {}
            // Callers wait and retry. That is normal under load.
            Err(Failure::Throttled) => tracing::debug!(function = function_id, "call throttled"),
            Err(cause) => {
                tracing::error!(function = function_id, request.id = %request_id, cause = %cause, "call failed");
            }
        }
        answer
    }

    async fn run(&self, function_id: &str, payload: Vec<u8>, request_id: String) -> Result<Vec<u8>, Failure> {
        let host = self.hosts.get(function_id).ok_or_else(|| Failure::UnknownFunction(function_id.to_owned()))?;
        if payload.len() > LARGEST_REQUEST {
            return Err(Failure::RequestTooLarge(payload.len()));
        }
        let permit = Arc::clone(&host.permits).try_acquire_owned().map_err(|_| Failure::Throttled)?;
        let host = Arc::clone(host);
        let call = tokio::spawn(Lane::current().run(async move {
            let answer = host.call(&payload, request_id).await;
            drop(permit);
            answer
        }));
        match call.await {
            Ok(answer) => answer,
            Err(ended) => Err(Failure::Panicked(match ended.try_into_panic() {
                Ok(panic) => panic_text(panic.as_ref()),
                Err(_) => "the call was cancelled".to_owned(),
            })),
        }
    }
}

impl Host {
    /// Runs one call on one instance. The instance is kept unless the call timed out or panicked.
    async fn call(&self, payload: &[u8], request_id: String) -> Result<Vec<u8>, Failure> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let instance = match idle {
            Some(instance) => instance,
            None => (self.load)(&self.env).map_err(Failure::Setup)?,
        };
        let after = self.function.timeout;
        let invocation = Invocation::new(request_id.clone(), after);
        let answer = tokio::time::timeout(after, instance.invoke(payload, invocation))
            .await
            .map_err(|_| Failure::TimedOut { request_id, after })?;
        self.keep(instance);
        let answer = answer.map_err(Failure::Function)?;
        if answer.len() > LARGEST_RESPONSE {
            return Err(Failure::ResponseTooLarge(answer.len()));
        }
        Ok(answer)
    }

    fn keep(&self, instance: Box<dyn Invoke>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Returns the region and account of an ARN (`arn:aws:lambda:eu-central-1:000000000000:…`).
pub(crate) fn place(arn: &str) -> (&str, &str) {
    let mut parts = arn.split(':').skip(3);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// Functions with scripted behaviour, for tests.
#[cfg(test)]
pub(crate) mod fakes {
    use futures::future::BoxFuture;

    use super::*;

    pub(crate) type Script =
        Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, fairleader_runtime::FunctionError>> + Send + Sync>;

    /// Scripts by name. A `Load` is a plain function pointer, so a scripted function finds its script by a variable.
    static SCRIPTS: Mutex<BTreeMap<String, Script>> = Mutex::new(BTreeMap::new());

    pub(crate) struct Scripted(Script);

    impl fairleader_runtime::Function for Scripted {
        type Event = Value;
        type Reply = Value;

        fn new(env: &Env) -> Result<Self, SetupError> {
            Ok(Self(Arc::clone(&SCRIPTS.lock().unwrap()[env.get("SCRIPT")?])))
        }

        async fn call(&self, event: Value, _: Invocation) -> Result<Value, fairleader_runtime::FunctionError> {
            (self.0)(event).await
        }
    }

    pub(crate) fn script<F, O>(act: F) -> Script
    where
        F: Fn(Value) -> O + Send + Sync + 'static,
        O: Future<Output = Result<Value, fairleader_runtime::FunctionError>> + Send + 'static,
    {
        Arc::new(move |event| Box::pin(act(event)))
    }

    pub(crate) fn function(id: &str) -> Function {
        Function {
            id: id.to_owned(),
            name: id.to_lowercase(),
            arn: format!("arn:aws:lambda:eu-central-1:000000000000:function:{}", id.to_lowercase()),
            binary: "scripted".to_owned(),
            timeout: Duration::from_secs(10),
            memory_mb: 256,
            reserved_concurrency: None,
            environment: BTreeMap::new(),
            policy: Vec::new(),
            sources: Vec::new(),
        }
    }

    pub(crate) fn lambda(functions: Vec<(Function, Script)>) -> Lambda {
        in_account(functions, ACCOUNT_CONCURRENCY).unwrap()
    }

    pub(crate) fn in_account(functions: Vec<(Function, Script)>, account: usize) -> Result<Lambda, StartError> {
        let stack = Uuid::now_v7();
        let key = |id: &str| format!("{stack}/{id}");
        let mut declared = Vec::new();
        for (function, script) in functions {
            SCRIPTS.lock().unwrap().insert(key(&function.id), script);
            declared.push(function);
        }
        let load: Load = fairleader_runtime::load::<Scripted>;
        let registry = BTreeMap::from([("scripted", load)]);
        Lambda::new(
            &declared,
            &registry,
            |function| {
                Env::new(BTreeMap::from([("SCRIPT".to_owned(), key(&function.id))]), fairleader_runtime::Clock::System)
            },
            account,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::fakes::{function, lambda, script};
    use super::*;

    async fn call(lambda: &Lambda, payload: &str) -> Result<String, Failure> {
        lambda.invoke("F", payload.as_bytes().to_vec()).await.map(|answer| String::from_utf8(answer).unwrap())
    }

    #[tokio::test]
    async fn a_function_answers() {
        let lambda = lambda(vec![(function("F"), script(|event| async move { Ok(json!({ "got": event })) }))]);
        lambda.warm().unwrap();
        assert_eq!(call(&lambda, r#"{"a":1}"#).await.unwrap(), r#"{"got":{"a":1}}"#);
        assert!(matches!(lambda.invoke("G", Vec::new()).await, Err(Failure::UnknownFunction(_))));
        let unreadable = call(&lambda, "{").await.unwrap_err();
        assert!(unreadable.to_string().starts_with("the event cannot be read"), "{unreadable}");
    }

    #[tokio::test]
    async fn an_error_or_panic_fails_only_its_call() {
        let lambda = lambda(vec![(
            function("F"),
            script(|event| async move {
                match event.as_str() {
                    Some("error") => Err("no".into()),
                    Some("panic") => panic!("boom"),
                    _ => Ok(event),
                }
            }),
        )]);
        assert_eq!(call(&lambda, "\"error\"").await.unwrap_err().to_string(), "the function failed: no");
        assert_eq!(call(&lambda, "\"panic\"").await.unwrap_err().to_string(), "the function panicked: boom");
        assert_eq!(call(&lambda, "1").await.unwrap(), "1");
    }

    #[tokio::test]
    async fn a_slow_call_times_out() {
        let mut slow = function("F");
        slow.timeout = Duration::from_millis(20);
        let lambda = lambda(vec![(slow, script(|_| std::future::pending()))]);
        let failure = call(&lambda, "1").await.unwrap_err();
        assert!(failure.to_string().ends_with("Task timed out after 0.02 seconds"), "{failure}");
    }

    #[tokio::test]
    async fn rejects_large_payloads_and_answers() {
        let lambda =
            lambda(vec![(function("F"), script(|_| async { Ok(Value::String("x".repeat(LARGEST_RESPONSE))) }))]);
        assert!(matches!(lambda.invoke("F", vec![b' '; LARGEST_REQUEST + 1]).await, Err(Failure::RequestTooLarge(_))));
        assert!(matches!(call(&lambda, "1").await, Err(Failure::ResponseTooLarge(_))));
    }

    #[tokio::test]
    async fn limits_concurrency_and_calls_per_instance() {
        let (reached, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
        let mut limited = function("F");
        limited.reserved_concurrency = Some(2);
        let lambda = lambda(vec![(
            limited,
            script({
                let (reached, now) = (Arc::clone(&reached), Arc::clone(&now));
                move |event| {
                    let (reached, now) = (Arc::clone(&reached), Arc::clone(&now));
                    async move {
                        reached.fetch_add(1, Ordering::SeqCst);
                        now.notified().await;
                        Ok(event)
                    }
                }
            }),
        )]);
        let calls: Vec<_> = (0..2)
            .map(|n| {
                let lambda = lambda.clone();
                tokio::spawn(async move { call(&lambda, &n.to_string()).await })
            })
            .collect();
        while reached.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(call(&lambda, "3").await, Err(Failure::Throttled)));
        now.notify_waiters();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(lambda.hosts["F"].idle.lock().unwrap().len(), 2);
        now.notify_one();
        call(&lambda, "4").await.unwrap();
        assert_eq!(lambda.hosts["F"].idle.lock().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn reserved_concurrency_is_always_free_for_its_function() {
        let slow = || script(|_| std::future::pending());
        let mut reserved = function("F");
        reserved.reserved_concurrency = Some(1);
        let functions =
            vec![(reserved, script(|event| async { Ok(event) })), (function("G"), slow()), (function("H"), slow())];
        let lambda = fakes::in_account(functions, 3).unwrap();
        // A call keeps running when its caller is gone.
        while !matches!(
            tokio::time::timeout(Duration::from_millis(20), lambda.invoke("G", b"1".to_vec())).await,
            Ok(Err(Failure::Throttled))
        ) {}
        assert!(matches!(lambda.invoke("H", b"1".to_vec()).await, Err(Failure::Throttled)));
        assert_eq!(call(&lambda, "2").await.unwrap(), "2");
        let mut greedy = function("F");
        greedy.reserved_concurrency = Some(3);
        let refused = fakes::in_account(vec![(greedy, script(|event| async { Ok(event) }))], 3).err().unwrap();
        assert!(refused.to_string().starts_with("the functions reserve 3 concurrent calls"), "{refused}");
    }

    #[test]
    fn reports_an_unknown_binary_and_the_known_ones() {
        let mut wrong = function("F");
        wrong.binary = "intak".to_owned();
        let load: Load = fairleader_runtime::load::<fakes::Scripted>;
        let registry = BTreeMap::from([("intake", load)]);
        let error = Lambda::new(&[wrong], &registry, |_| Env::default(), 1).err().unwrap();
        assert_eq!(
            error.to_string(),
            "function `F` runs the binary `intak`, which does not exist; the binaries are `intake`"
        );
    }
}
