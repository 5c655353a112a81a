// functions/roster/src/lib.rs: instead of `mod roster`:
mod accounts;
mod audit;
mod named;
mod pools;
mod reps;

/// Message group of what is sent here.
const GROUP: &str = "roster";

// In `Roster` and `new`: audit: Audit::new(table("AUDIT_TABLE")?)
// In `answer`: Route::ListAudit => self.audit(call).await,

/// Who changes something, and when.
fn edit<'c>(call: &'c Call<'_>, at: Timestamp) -> Result<Edit<'c>, Problem> {
    Ok(Edit { by: &call.caller()?.subject, at })
}

/// Whether what is there is what the caller says they saw; without a word of that anything is.
fn is_as_seen<T>(wanted: Option<u64>, seen: Option<&Versioned<T>>) -> bool {
    wanted.is_none_or(|wanted| seen.is_some_and(|seen| seen.revision == wanted))
}

// functions/access/src/people.rs
    pub(crate) async fn put_person(&self, call: &Call<'_>) -> Answer {
        let person: Person = call.named("person_id")?;
        let wanted = version::if_match(call)?;
        let errors = people::problems(&person);
        if !errors.is_empty() {
            return Err(Problem::invalid_body(errors).into());
        }
        let mut tries = Tries::until(call.deadline, [person.person_id.as_str()]);
        loop {
            tries.again("writing a person").await?;
            let seen = self.people.find(&person.person_id).await?;
            if !is_as_seen(wanted, seen.as_ref()) {
                return Ok(changed_since(&person.person_id, seen.as_ref()));
            }
            if let Some(seen) = seen.as_ref().filter(|seen| seen.value.person == person) {
                return Ok(version::json(200, &person, seen.revision));
            }
            let (enrolled, edit) = (Uuid::now_v7().to_string(), edit(call, self.clock.now())?);
            if let Some(kept) = self.people.replace(&self.audit, seen.as_ref(), &person, &enrolled, &edit).await? {
                info!(person = %person.person_id, role = person.role.as_str(), "changed person");
                return Ok(version::json(200, &kept.value.person, kept.revision));
            }
        }
    }
// delete_person: find -> is_as_seen -> people.remove(&audit, &seen, &edit), in the same loop.
// keys: post_key: keys.create(&audit, &id, &record, &edit); delete_key: loop keys.remove(&audit, id, &edit).
// tables: PutTable: loop tables.find -> is_as_seen -> tables.replace(&audit, seen.as_ref(), &table, csv, &edit);
//         DeleteTable: tables.find -> tables.remove(&audit, &seen, &edit).

// shared/api route rows: ListAudit: Get "/v1/audit", Access::Only(&[Role::Sales]); query kind, id, from;
//         gives 200 [AuditPage] fails [InvalidCursor, InvalidFilter]; code InvalidFilter 400 "invalid_filter";
//         If-Match header and PreconditionFailed, InvalidIfMatch for every PUT and DELETE of the roster.
//
// template: AuditTable, key subject (S, HASH) and at (N, RANGE), attributes kind (S), log (S); indexes
//         `kind` (kind, at) and `time` (log, at), both ProjectionType ALL. AUDIT_TABLE for roster, access, rulebooks;
//         each PutItem and Query on the table; roster also Query on both indexes.
//         roster: Scan on accounts; UpdateItem, ConditionCheckItem on reps; UpdateItem on pools;
//         ConditionCheckItem on rulebooks (the active pointer). access: ConditionCheckItem not needed; people PutItem,
//         keys PutItem, DeleteItem, Scan.
//
// recovery (redrive of events): a message of which `GivenUp::read` knows the place goes to the publish queue as it is.
// After that: remove the verbs of store that `tell the audit nothing` (put, delete in accounts, reps, pools, people, keys,
// lookup_tables), and `deny_unknown_fields` on Rep, Pool, Member, Account, Person.
