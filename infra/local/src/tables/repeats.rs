//! Replies of recent transactions, by their `ClientRequestToken`.
//!
//! The engine could do this itself, but it goes through all tokens of the last ten minutes for every transaction, and
//! writes each request a second time in a canonical order. Both cost more than the transaction once thousands have been
//! made.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::engine::Reply;

/// Time that a repeat gets the first reply, as on AWS.
const WINDOW: Duration = Duration::from_mins(10);

/// Longest token. The engine rejects longer ones, so they are left to it.
pub(super) const LONGEST_TOKEN: usize = 36;

type Hash = [u8; 32];

/// What is known about a token.
#[derive(Debug)]
pub(super) enum Seen {
    /// Nothing: the transaction is new.
    New(Hash),
    /// The same request: this was its reply.
    Repeat(Reply),
    /// Another request.
    Other,
}

/// Replies of recent transactions. A repeat has the same bytes, as the SDKs send it.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    replies: HashMap<String, (Hash, Reply)>,
    /// The tokens by age, the oldest first.
    order: VecDeque<(Instant, String)>,
}

impl Repeats {
    /// Looks up a token. Forgets tokens that are too old at `now`.
    pub(super) fn look(&mut self, token: &str, body: &[u8], now: Instant) -> Seen {
        while let Some((at, _)) = self.order.front() {
            if now.saturating_duration_since(*at) < WINDOW {
                break;
            }
            if let Some((_, old)) = self.order.pop_front() {
                self.replies.remove(&old);
            }
        }
        let hash: Hash = Sha256::digest(body).into();
        match self.replies.get(token) {
            None => Seen::New(hash),
            Some((known, reply)) if *known == hash => Seen::Repeat(reply.clone()),
            Some(_) => Seen::Other,
        }
    }

    /// Keeps the reply of a transaction that was committed at `now`.
    pub(super) fn keep(&mut self, token: String, hash: Hash, reply: Reply, now: Instant) {
        self.order.push_back((now, token.clone()));
        self.replies.insert(token, (hash, reply));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_gets_the_first_reply_for_ten_minutes() {
        let (mut repeats, begin) = (Repeats::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        let Seen::New(hash) = repeats.look("t", b"one", at(0)) else { panic!("nothing was kept") };
        let reply = Reply { status: 200, body: "{}".into() };
        repeats.keep("t".to_owned(), hash, reply, at(0));
        assert!(matches!(repeats.look("t", b"one", at(599)), Seen::Repeat(reply) if reply.body == "{}"));
        assert!(matches!(repeats.look("t", b"two", at(599)), Seen::Other));
        assert!(matches!(repeats.look("u", b"one", at(599)), Seen::New(_)));
        assert!(matches!(repeats.look("t", b"two", at(600)), Seen::New(_)));
        assert!(repeats.order.is_empty() && repeats.replies.is_empty());
    }
}
