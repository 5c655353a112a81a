//! The ledger of a pool: what each member is owed, and every turn.

use std::collections::BTreeMap;

use fairleader_api::shape::desk::{Ledger, LedgerEntry, Standing};
use fairleader_api::{Call, Code, Problem, Role, reply};
use fairleader_domain::routing::turns;
use fairleader_lead::id::{PoolId, RepId};
use fairleader_runtime::http::Answer;

use crate::Desk;

/// Turns on a page.
const PAGE: i32 = 100;

impl Desk {
    /// `GET /v1/pools/{pool_id}/ledger`: returns the ledger to members of the pool and to people who see every lead.
    pub(crate) async fn ledger(&self, call: &Call<'_>) -> Answer {
        let caller = call.caller()?;
        let pool = PoolId::from(call.path("pool_id"));
        let now = self.pools.now(std::slice::from_ref(&pool)).await?.remove(&pool);
        let Some(now) = now else { return Err(Problem::not_found(format!("there is no pool `{pool}`")).into()) };
        let member = now.pool.members.iter().any(|member| member.rep.as_str() == caller.subject);
        if caller.role == Role::Rep && !member {
            return Err(Problem::new(Code::NotAMember, format!("you are not a member of pool `{pool}`")).into());
        }
        let page = self.pools.turns_page(&pool, PAGE, call.query("from")).await?;
        let in_turns = |amounts: &BTreeMap<RepId, i64>| -> BTreeMap<String, String> {
            amounts.iter().map(|(rep, amount)| (rep.to_string(), turns(*amount))).collect()
        };
        let standings: Vec<_> = now
            .rotation
            .standings
            .iter()
            .map(|(rep, standing)| Standing {
                rep: rep.clone(),
                got: standing.got,
                share: turns(standing.share),
                owed: turns(standing.lag),
                owed_billionths: standing.lag,
            })
            .collect();
        let entries: Vec<_> = page
            .entries
            .into_iter()
            .map(|entry| LedgerEntry {
                turn: entry.turn.number,
                credits: in_turns(&entry.turn.credits),
                owed_before: in_turns(&entry.turn.lags_before),
                taken_by: entry.turn.taken_by,
                lead_id: entry.lead_id,
                assignment: entry.assignment,
                given_back: entry.given_back,
            })
            .collect();
        let ledger = Ledger { pool, turns: now.rotation.turns, standings, entries, next: page.next };
        Ok(reply::json(200, &ledger))
    }
}
