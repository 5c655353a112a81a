//! Runs what takes long on threads of its own, so that the runtime's threads go on serving other calls. It ends with
//! the call that waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use fairleader_api::{Code, Problem};
use fairleader_rulebook::Work;
use fairleader_runtime::http::Failure;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long before its deadline a call stops waiting for a place.
const RESERVE: Duration = Duration::from_secs(3);

/// Places for what may run at once, in the whole process: half of the cores stay free for leads.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Arc::new(Semaphore::new((cores / 2).max(1)))
});

/// Sets the flag when the call ends, for whatever reason.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `run` on a thread of its own. A call waits for a place as long as its deadline allows, and is answered with 503
/// then. When the call ends before `run` does, its [`Work`] is stopped.
pub(crate) async fn aside<T: Send + 'static>(
    deadline: Instant,
    run: impl FnOnce(&Work) -> T + Send + 'static,
) -> Result<T, Failure> {
    let patience = deadline.saturating_duration_since(Instant::now()).saturating_sub(RESERVE);
    let place = timeout(patience, Arc::clone(&PLACES).acquire_owned()).await.map_err(|_| overloaded())??;
    let guard = StopOnDrop(Arc::default());
    let stop = Arc::clone(&guard.0);
    let ran = spawn_blocking(move || {
        let ran = run(&Work::until(stop));
        // The place is taken until the work has ended, even if the call has ended before.
        drop(place);
        ran
    });
    Ok(ran.await?)
}

fn overloaded() -> Problem {
    Problem::new(Code::Overloaded, "other rulebooks are being checked or replayed")
        .detail("nothing was stored; try again in a few seconds")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + RESERVE + Duration::from_millis(200)
    }

    /// One test, because the places belong to the process.
    #[tokio::test]
    async fn runs_aside_in_few_places_and_ends_with_the_call() {
        // The runtime of the test has one thread, which goes on while `run` blocks another.
        let (tell, told) = std::sync::mpsc::channel();
        let waiting = tokio::spawn(aside(soon(), move |_| told.recv().unwrap()));
        tokio::task::yield_now().await;
        tell.send(7).unwrap();
        assert_eq!(waiting.await.unwrap().ok(), Some(7));

        // All places are taken: the next call is answered before its deadline.
        let taken = PLACES.acquire_many(u32::try_from(PLACES.available_permits()).unwrap()).await.unwrap();
        let refused = aside(soon(), |_| ()).await;
        assert!(matches!(refused, Err(Failure::Problem(problem)) if problem.code == Code::Overloaded));
        drop(taken);

        // A call that ends stops its work and gives the place back.
        let (tell, told) = std::sync::mpsc::channel();
        let call = tokio::spawn(aside(soon(), move |work| {
            tell.send(()).unwrap();
            while !work.is_stopped() {
                std::thread::yield_now();
            }
        }));
        let begun = spawn_blocking(move || told.recv().unwrap());
        begun.await.unwrap();
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        assert!(aside(soon(), |_| ()).await.is_ok(), "the place is free again");
    }
}
