//! Diff of two versions of the rulebook, and replay of past leads. Nothing is written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use fairleader_api::shape::rulebooks as shape;
use fairleader_api::{Call, Code, Problem, Reply, reply};
use fairleader_domain::replay;
use fairleader_domain::replay::{Desks, Past, Replay, Report};
use fairleader_lead::id::RulebookVersion;
use fairleader_rulebook::{Change, Rulebook, diff_with, renamed};
use fairleader_runtime::http::{Answer, Failure};
use fairleader_store::{RulebookError, StoreError};
use jiff::Timestamp;
use tracing::info;

use crate::aside::aside;
use crate::rulebook::{numbered, text_in, version_in};
use crate::{Rulebooks, last_page_at};

/// How far a replay looks back by default.
const SINCE: &str = "90d";
/// Limit on the pages of leads that are read in one call. A page is 250 items of the table, or some 200 KB.
const PAGES: usize = 40;

/// Limit on the texts of the differences in a reply, in bytes: far below the 6 MB of a reply. Their number has a limit
/// already.
const LONGEST_CHANGES: usize = 2 * 1024 * 1024;

/// Cursor of a replay: all its calls compare with the same active rulebook and look at the same leads.
struct Place {
    in_force: RulebookVersion,
    since: Timestamp,
    /// Cursor of the next page of leads. `None` for the first page.
    from: Option<String>,
}

impl Place {
    fn cursor(&self, from: &str) -> String {
        format!("{}.{}.{from}", self.in_force, self.since.as_millisecond())
    }

    fn read(cursor: &str) -> Option<Self> {
        let mut parts = cursor.splitn(3, '.');
        let (in_force, since, from) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            in_force: numbered(in_force).ok()?,
            since: Timestamp::from_millisecond(since.parse().ok()?).ok()?,
            from: Some(from.to_owned()),
        })
    }
}

/// A replay between two pages.
struct Replayed {
    in_force: Arc<Rulebook>,
    draft: Arc<Rulebook>,
    desks: Desks,
    renamed: BTreeMap<String, String>,
    report: Report,
}

impl Rulebooks {
    /// `GET /v1/rulebooks/{version}/diff?from=…`: compares a version with another one, by default the active one.
    pub(crate) async fn diff_rulebooks(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let from = match call.query("from") {
            None | Some("active") => self.in_force().await?,
            Some(from) => numbered(from)?,
        };
        let (old, new) = (self.compiled(&from).await?, self.compiled(&version).await?);
        let compared = aside(call.deadline, move |work| in_shape(diff_with(&old, &new, work)));
        let (changes, changes_left_out) = compared.await?;
        Ok(reply::json(200, &shape::RulebookDiff { from, version, changes, changes_left_out }))
    }

    /// `POST /v1/rulebooks/{version}/replay?since=90d`: replays past leads with a stored version.
    pub(crate) async fn replay_version(&self, call: &Call<'_>) -> Answer {
        let version = version_in(call)?;
        let draft = self.compiled(&version).await?;
        self.replay(call, draft, Some(version)).await
    }

    /// `POST /v1/rulebooks/replay?since=90d` (YAML): replays past leads with a draft that is not stored.
    pub(crate) async fn replay_draft(&self, call: &Call<'_>) -> Answer {
        let source = text_in(call)?;
        let tables = self.pinned(call, &source).await?;
        match self.check(call, &source, &tables, &self.pools.all().await?).await? {
            Ok(checked) => self.replay(call, checked.rulebook, None).await,
            Err(refused) => Ok(refused.reply()),
        }
    }

    async fn replay(
        &self,
        call: &Call<'_>,
        draft: Arc<Rulebook>,
        version: Option<RulebookVersion>,
    ) -> Result<Reply, Failure> {
        let end = last_page_at(call);
        let place = match call.query("cursor") {
            Some(cursor) => Place::read(cursor).ok_or_else(|| StoreError::Cursor(cursor.to_owned()))?,
            None => Place { in_force: self.in_force().await?, since: since(call, self.clock.now())?, from: None },
        };
        let in_force = self.compiled(&place.in_force).await?;
        let desks =
            Desks::new(self.pools.definitions().await?, self.reps.all().await?.into_values().map(|now| now.rep));
        let first = place.from.is_none();
        let (old, new) = (Arc::clone(&in_force), Arc::clone(&draft));
        let compared = aside(call.deadline, move |work| {
            let changes = first.then(|| in_shape(diff_with(&old, &new, work)));
            (changes, desks.capacity(&new), renamed(&old, &new, work), desks)
        });
        let (changes, capacity, renamed, desks) = compared.await?;
        let mut replayed = Replayed { in_force, draft, desks, renamed, report: Report::default() };
        let mut from = place.from.clone();
        for _ in 0..PAGES {
            (from, replayed) = self.replay_page(call, replayed, place.since, from.as_deref()).await?;
            if from.is_none() || Instant::now() > end {
                break;
            }
        }
        let report = replayed.report;
        info!(leads = report.leads, changed = report.changed.leads, done = from.is_none(), "replayed past leads");
        let (changes, left_out) = changes.unzip();
        let part = shape::Replay {
            changes,
            changes_left_out: left_out.flatten(),
            draft: version,
            since: place.since,
            capacity: capacity.into(),
            sentences: report.sentences(capacity),
            report,
            next: from.map(|from| place.cursor(&from)),
            in_force: place.in_force,
        };
        Ok(reply::json(200, &part))
    }

    /// Adds a page of leads to the report. Returns the cursor of the next page.
    async fn replay_page(
        &self,
        call: &Call<'_>,
        mut replayed: Replayed,
        since: Timestamp,
        from: Option<&str>,
    ) -> Result<(Option<String>, Replayed), Failure> {
        let page = self.leads.past(since, from).await?;
        let accounts = self.accounts_of(page.leads.iter().filter_map(|lead| lead.profile.account_id.clone())).await?;
        let (leads, next) = (page.leads, page.next);
        let added = aside(call.deadline, move |work| {
            let Replayed { in_force, draft, desks, renamed, report } = &mut replayed;
            let replay = Replay::with(in_force, draft, desks, renamed);
            for lead in leads.iter().take_while(|_| !work.is_stopped()) {
                let account = lead.profile.account_id.as_ref().and_then(|id| accounts.get(id));
                replay.add(report, Past { state: &lead.state, profile: &lead.profile, account });
            }
            replayed
        });
        Ok((next, added.await?))
    }

    async fn in_force(&self) -> Result<RulebookVersion, Failure> {
        let active = self.versions.active(self.clock.now()).await?;
        Ok(active.ok_or_else(|| {
            Problem::new(Code::NoneActive, "no rulebook is active yet")
                .detail("activate a version first; there is nothing to compare with")
        })?)
    }

    /// Compiles a stored version with the tables that it was uploaded with.
    pub(crate) async fn compiled(&self, version: &RulebookVersion) -> Result<Arc<Rulebook>, Failure> {
        self.compiled.get(version).await.map_err(|cause| match cause {
            RulebookError::Store(cause) => cause.into(),
            RulebookError::NoneActive | RulebookError::NoSuchVersion(_) => {
                crate::rulebook::no_such_rulebook(version.as_str()).into()
            }
            RulebookError::Unreadable { problem, .. } => {
                Problem::new(Code::UnreadableRulebook, format!("rulebook {version} can no longer be read"))
                    .detail(format!("{problem}; upload it again"))
                    .into()
            }
        })
    }
}

/// Returns as many changes as fit into a reply, and the number of the others.
fn in_shape(changes: Vec<Change>) -> (Vec<shape::Change>, Option<u64>) {
    let all = changes.len();
    let mut shown = Vec::new();
    let mut bytes = 0;
    for change in changes.into_iter().map(shape::Change::from) {
        let names = change.touches.iter().chain(&change.name).chain(&change.was);
        bytes += names.map(String::len).sum::<usize>() + change.sentence.len();
        if bytes > LONGEST_CHANGES {
            break;
        }
        shown.push(change);
    }
    let left_out = u64::try_from(all - shown.len()).ok().filter(|left_out| *left_out > 0);
    (shown, left_out)
}

/// Returns the time from which on leads are replayed, from `?since=`.
fn since(call: &Call<'_>, now: Timestamp) -> Result<Timestamp, Problem> {
    let text = call.query("since").unwrap_or(SINCE);
    replay::since(text, now).ok_or_else(|| {
        Problem::new(Code::InvalidSince, format!("`{text}` is not a duration"))
            .detail("write a number of days, weeks or hours, like `90d`, `12w` or `36h`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_keeps_the_start_of_the_replay() {
        let place = Place {
            in_force: RulebookVersion::from("000007"),
            since: Timestamp::from_millisecond(1_772_528_400_123).unwrap(),
            from: None,
        };
        let read = Place::read(&place.cursor("4.a.b#state")).unwrap();
        assert_eq!((read.in_force, read.since), (place.in_force, place.since));
        assert_eq!(read.from.as_deref(), Some("4.a.b#state"));
        for wrong in ["", "000007", "000007.1", "7.1.x", "000007.y.x", "000007.99999999999999999.x"] {
            assert!(Place::read(wrong).is_none(), "{wrong}");
        }
    }
}
