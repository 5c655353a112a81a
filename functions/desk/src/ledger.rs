//! What the members of a pool are owed, and every turn that led there.

use std::collections::BTreeMap;

use aws_lambda_events::event::apigw::ApiGatewayV2httpRequest;
use fairleader_domain::routing::turns;
use fairleader_lead::id::{PoolId, RepId};
use fairleader_runtime::http::{self, Caller, Problem, Role};
use serde_json::json;

use crate::{Answer, Desk, OVERSEERS, only};

/// Transactions on a page of turns.
const PAGE: i32 = 100;

impl Desk {
    /// `GET /v1/pools/{pool_id}/ledger`: for its members, and for those who oversee them.
    pub(crate) async fn ledger(&self, request: &ApiGatewayV2httpRequest, caller: &Caller) -> Answer {
        let pool = PoolId::from(http::path(request, "pool_id").unwrap_or_default());
        let now = self.pools.now(std::slice::from_ref(&pool)).await?.remove(&pool);
        let Some(now) = now else { return Err(Problem::not_found(format!("there is no pool `{pool}`")).into()) };
        let member = now.pool.members.iter().any(|member| member.rep.as_str() == caller.subject);
        if caller.role == Role::Rep && !member {
            return Err(Problem::new(403, "not_a_member", format!("you are not a member of pool `{pool}`")).into());
        }
        if caller.role != Role::Rep {
            only(caller, &OVERSEERS)?;
        }
        let page = self.pools.turns_page(&pool, PAGE, http::query(request, "from")).await?;
        let in_turns = |amounts: &BTreeMap<RepId, i64>| -> BTreeMap<String, String> {
            amounts.iter().map(|(rep, amount)| (rep.to_string(), turns(*amount))).collect()
        };
        let standings: Vec<_> = now
            .rotation
            .standings
            .iter()
            .map(|(rep, standing)| {
                json!({
                    "rep": rep,
                    "got": standing.got,
                    "share": turns(standing.share),
                    "owed": turns(standing.lag),
                    "owed_billionths": standing.lag,
                })
            })
            .collect();
        let entries: Vec<_> = page
            .entries
            .iter()
            .map(|entry| {
                json!({
                    "turn": entry.turn.number,
                    "lead_id": entry.lead_id,
                    "assignment": entry.assignment,
                    "given_back": entry.given_back,
                    "taken_by": entry.turn.taken_by,
                    "credits": in_turns(&entry.turn.credits),
                    "owed_before": in_turns(&entry.turn.lags_before),
                })
            })
            .collect();
        Ok(http::json(
            200,
            &json!({
                "pool": pool,
                "turns": now.rotation.turns,
                "standings": standings,
                "entries": entries,
                "next": page.next,
            }),
        ))
    }
}
