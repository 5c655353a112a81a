//! Pools.

use fairleader_api::shape::roster as shape;
use fairleader_api::{Call, Code, Problem, Reply, reply, version};
use fairleader_domain::gate;
use fairleader_lead::id::{PoolId, RepId, is_name};
use fairleader_lead::pool;
use fairleader_lead::pool::{MAX_MEMBERS, Pool};
use fairleader_lead::problem::FieldProblem;
use fairleader_messaging::Outgoing;
use fairleader_runtime::http::{Answer, Failure, changed, edit};
use fairleader_store::{AllPools, Tries, Versioned};
use tracing::info;

use crate::{GROUP, Roster};

fn changed_since(id: &PoolId, wanted: Option<u64>, seen: Option<&Versioned<Pool>>) -> Option<Reply> {
    changed(&format!("pool `{id}`"), wanted, seen, |pool| shape::Pool::from(pool.clone()))
}

impl Roster {
    pub(crate) async fn pools(&self) -> Answer {
        let pools = self.pools.definitions().await?.into_iter().map(shape::Pool::from).collect();
        Ok(reply::json(200, &shape::Pools { pools }))
    }

    pub(crate) async fn pool(&self, call: &Call<'_>) -> Answer {
        let pool = PoolId::from(call.path("id"));
        match self.pools.find(&pool).await? {
            Some(found) => Ok(version::json(200, &shape::Pool::from(found.value), found.revision)),
            None => Err(Problem::not_found(format!("there is no pool `{pool}`")).into()),
        }
    }

    pub(crate) async fn put_pool(&self, call: &Call<'_>) -> Answer {
        let pool: Pool = call.named::<shape::Pool>("pool_id")?.into();
        let wanted = version::if_match(call)?;
        let mut tries = Tries::until(call.deadline, [pool.pool_id.as_str()]);
        let kept = loop {
            tries.again("writing a pool").await?;
            // Read the pools first: deleting a rep after this changes the directory, so the write below fails.
            let all = self.pools.all().await?;
            let seen = all.get(&pool.pool_id);
            if let Some(reply) = changed_since(&pool.pool_id, wanted, seen) {
                return Ok(reply);
            }
            let errors = self.wrong_with(&pool, &all).await?;
            if !errors.is_empty() {
                return Err(Problem::invalid_body(errors).into());
            }
            // A repeat changes nothing and is not audited.
            if let Some(seen) = seen.filter(|seen| seen.value == pool) {
                break seen.clone();
            }
            let edit = edit(call, self.clock.now())?;
            if let Some(kept) = self.pools.replace(&self.audit, &all, &pool, &edit).await? {
                info!(pool = %pool.pool_id, "changed pool");
                break kept;
            }
        };
        self.route.send(Outgoing::wake_pool(pool.pool_id.clone(), GROUP)?).await?;
        Ok(version::json(200, &shape::Pool::from(pool), kept.revision))
    }

    async fn wrong_with(&self, pool: &Pool, all: &AllPools) -> Result<Vec<FieldProblem>, Failure> {
        let mut errors = pool::problems(pool);
        let unknown = |pool: &&PoolId| is_name(pool.as_str()) && all.get(pool).is_none();
        if let Some(fallback) = pool.fallback.as_ref().filter(unknown) {
            let detail = format!("there is no pool `{fallback}`; create it first, or leave `fallback` out");
            errors.push(FieldProblem::field("fallback", detail));
        }
        let members = pool.members.iter().take(MAX_MEMBERS).enumerate().map(|(i, member)| (i, member.rep.clone()));
        let (places, members): (Vec<usize>, Vec<RepId>) = members.filter(|(_, rep)| is_name(rep.as_str())).unzip();
        let roster = if members.is_empty() { gate::Roster::new() } else { self.reps.roster(&members).await? };
        for (i, rep) in places.iter().zip(&members).filter(|(_, rep)| !roster.contains_key(rep)) {
            errors.push(FieldProblem {
                pointer: format!("/members/{i}/rep"),
                detail: format!("there is no rep `{rep}`; add them to the roster first"),
            });
        }
        Ok(errors)
    }

    /// `DELETE /v1/pools/{id}`. Fails while the active or planned rulebook or another pool names it, or its waiting
    /// list is not empty. A pool that does not exist counts as deleted.
    pub(crate) async fn delete_pool(&self, call: &Call<'_>) -> Answer {
        let pool = PoolId::from(call.path("id"));
        let wanted = version::if_match(call)?;
        let mut tries = Tries::until(call.deadline, [pool.as_str()]);
        loop {
            tries.again("deleting a pool").await?;
            let all = self.pools.all().await?;
            let seen = all.get(&pool);
            if let Some(reply) = changed_since(&pool, wanted, seen) {
                return Ok(reply);
            }
            let Some(seen) = seen else { return Ok(reply::no_content()) };
            let active = self.rulebooks.activations().await?;
            if let Some((which, version)) =
                self.rulebook_that_names(&active, |named| named.pools().contains(&pool)).await?
            {
                return Err(Problem::new(
                    Code::StillNamed,
                    format!("the {which} rulebook {version} names pool `{pool}`"),
                )
                .detail("first activate a rulebook that does not name it")
                .into());
            }
            let falls_back = |other: &&Versioned<Pool>| other.value.fallback.as_ref() == Some(&pool);
            if let Some(other) = all.pools.iter().find(falls_back) {
                let name = &other.value.pool_id;
                return Err(Problem::new(Code::StillNamed, format!("pool `{pool}` is the fallback of pool `{name}`"))
                    .detail("give that pool another fallback first")
                    .into());
            }
            if !self.leads.line(&pool, 1).await?.is_empty() {
                return Err(Problem::new(
                    Code::StillWaiting,
                    format!("leads are on the waiting list of pool `{pool}`"),
                )
                .detail("delete it when its waiting list is empty")
                .into());
            }
            let edit = edit(call, self.clock.now())?;
            if self.pools.remove(&self.audit, &all, &self.rulebooks, &active, seen, &edit).await? {
                info!(pool = %pool, "deleted pool");
                return Ok(reply::no_content());
            }
        }
    }
}
