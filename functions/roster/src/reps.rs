//! Reps.

use fairleader_api::shape::roster as shape;
use fairleader_api::{Call, Code, Problem, Reply, reply, version};
use fairleader_domain::gate::RepNow;
use fairleader_lead::id::{PoolId, RepId};
use fairleader_lead::rep;
use fairleader_lead::rep::Rep;
use fairleader_messaging::Outgoing;
use fairleader_runtime::http::{Answer, changed, edit};
use fairleader_store::{AllPools, RepDeleted, Tries, Versioned};
use tracing::info;

use crate::{GROUP, Roster};

fn view(now: RepNow) -> shape::RepNow {
    shape::RepNow { rep: now.rep.into(), open: now.load.open, on: now.load.on }
}

fn changed_since(id: &RepId, wanted: Option<u64>, seen: Option<&Versioned<RepNow>>) -> Option<Reply> {
    changed(&format!("rep `{id}`"), wanted, seen, |now| shape::Rep::from(now.rep.clone()))
}

impl Roster {
    pub(crate) async fn reps(&self) -> Answer {
        let reps = self.reps.all().await?.into_values().map(view).collect();
        Ok(reply::json(200, &shape::Reps { reps }))
    }

    pub(crate) async fn rep(&self, call: &Call<'_>) -> Answer {
        let rep = RepId::from(call.path("id"));
        match self.reps.find(&rep).await? {
            Some(now) => Ok(version::json(200, &view(now.value), now.revision)),
            None => Err(Problem::not_found(format!("there is no rep `{rep}`")).into()),
        }
    }

    pub(crate) async fn put_rep(&self, call: &Call<'_>) -> Answer {
        let rep: Rep = call.named::<shape::Rep>("rep_id")?.into();
        let wanted = version::if_match(call)?;
        let errors = rep::problems(&rep);
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        let mut tries = Tries::until(call.deadline, [rep.rep_id.as_str()]);
        let kept = loop {
            tries.again("writing a rep").await?;
            let seen = self.reps.find(&rep.rep_id).await?;
            if let Some(reply) = changed_since(&rep.rep_id, wanted, seen.as_ref()) {
                return Ok(reply);
            }
            // A repeat changes nothing and is not audited.
            if let Some(seen) = seen.as_ref().filter(|seen| seen.value.rep == rep) {
                break seen.clone();
            }
            let edit = edit(call, self.clock.now())?;
            if let Some(kept) = self.reps.replace(&self.audit, seen.as_ref(), &rep, &edit).await? {
                info!(rep = %rep.rep_id, "changed rep");
                break kept;
            }
        };
        // A higher capacity or other hours may free a seat for waiting leads.
        self.route.send(Outgoing::wake_rep(rep.rep_id.clone(), GROUP)?).await?;
        Ok(version::json(200, &shape::Rep::from(rep), kept.revision))
    }

    /// `DELETE /v1/reps/{id}`. Fails while a pool, an account, or the active or planned rulebook or its tables name
    /// them.
    pub(crate) async fn delete_rep(&self, call: &Call<'_>) -> Answer {
        let rep = RepId::from(call.path("id"));
        let wanted = version::if_match(call)?;
        let mut tries = Tries::until(call.deadline, [rep.as_str()]);
        loop {
            tries.again("deleting a rep").await?;
            // The order matters: the transaction checks that what is read here did not change.
            let seen = self.reps.find(&rep).await?;
            if let Some(reply) = changed_since(&rep, wanted, seen.as_ref()) {
                return Ok(reply);
            }
            let Some(seen) = seen else { return Ok(reply::no_content()) };
            let all = self.pools.all().await?;
            let active = self.rulebooks.activations().await?;
            let pools = pools_of(&all, &rep);
            if !pools.is_empty() {
                let names: Vec<&str> = pools.iter().map(PoolId::as_str).collect();
                return Err(Problem::new(Code::StillAMember, format!("`{rep}` is a member of {}", names.join(", ")))
                    .detail("remove them from these pools first")
                    .into());
            }
            if let Some((which, version)) =
                self.rulebook_that_names(&active, |named| named.reps().contains(&rep)).await?
            {
                return Err(Problem::new(
                    Code::StillNamed,
                    format!("the {which} rulebook {version} names rep `{rep}`"),
                )
                .detail("first activate a rulebook that does not name them, directly or in its tables")
                .into());
            }
            let accounts = self.accounts.naming(&rep).await?;
            if let Some(first) = accounts.first() {
                let others = match accounts.len() {
                    1 => String::new(),
                    count => format!(" and {} more", count - 1),
                };
                let title = format!("`{rep}` is named by account `{first}`{others}");
                return Err(Problem::new(Code::StillNamed, title)
                    .detail("reassign their accounts and open deals first")
                    .into());
            }
            let edit = edit(call, self.clock.now())?;
            let gone = self.reps.remove(&self.audit, &self.pools, &all, &self.rulebooks, &active, &seen, &edit);
            match gone.await? {
                RepDeleted::Done => {
                    info!(rep = %rep, "deleted rep");
                    return Ok(reply::no_content());
                }
                RepDeleted::OpenLeads => {
                    let open = self.reps.get(&rep).await?.map_or(0, |now| now.load.open);
                    return Err(Problem::new(Code::OpenLeads, format!("`{rep}` still has open leads: {open}"))
                        .detail("set their capacity to 0, and delete them when these leads are finished")
                        .into());
                }
                RepDeleted::Stale => {}
            }
        }
    }
}

fn pools_of(all: &AllPools, rep: &RepId) -> Vec<PoolId> {
    let pools = all.pools.iter().map(|pool| &pool.value);
    pools.filter(|pool| pool.members.iter().any(|member| member.rep == *rep)).map(|pool| pool.pool_id.clone()).collect()
}
