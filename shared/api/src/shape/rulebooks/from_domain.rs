//! Conversion of reviews, activations, differences and reroutes for replies.

use fairleader_domain::{activation, approval, replay, reroute};
use fairleader_rulebook as rulebook;

use super::{
    Activation, Activations, Approval, Capacity, Cause, Change, Comment, Objection, Part, PlannedActivation, Reroute,
    RulebookProblem, Severity, Signature, What, Withdrawal,
};

impl RulebookProblem {
    /// Converts a diagnostic of `source`. `name` is the file name in the rendered text.
    pub fn new(of: &rulebook::Diagnostic, source: &str, name: &str) -> Self {
        Self {
            severity: match of.severity {
                rulebook::Severity::Error => Severity::Error,
                rulebook::Severity::Warning => Severity::Warning,
                rulebook::Severity::Note => Severity::Note,
            },
            line: of.line,
            column: of.column,
            length: of.length,
            code: of.code.to_string(),
            message: of.message.clone(),
            help: of.help.clone(),
            rule: of.rule.clone(),
            rendered: of.render(source, name),
        }
    }
}

impl From<approval::Signature> for Signature {
    fn from(of: approval::Signature) -> Self {
        // The address is only compared, and shown to no one.
        let approval::Signature { person, name, role, address: _ } = of;
        Self { person, name, role }
    }
}

impl From<approval::Withdrawal> for Withdrawal {
    fn from(of: approval::Withdrawal) -> Self {
        let approval::Withdrawal { at, by } = of;
        Self { at, by }
    }
}

impl From<approval::Approval> for Approval {
    fn from(of: approval::Approval) -> Self {
        Self { by: of.by.into(), at: of.at, comment: of.comment, withdrawn: of.withdrawn.map(Withdrawal::from) }
    }
}

impl From<approval::Objection> for Objection {
    fn from(of: approval::Objection) -> Self {
        Self { by: of.by.into(), at: of.at, reason: of.reason, withdrawn: of.withdrawn.map(Withdrawal::from) }
    }
}

impl From<approval::Comment> for Comment {
    fn from(of: approval::Comment) -> Self {
        Self { by: of.by.into(), at: of.at, text: of.text }
    }
}

impl From<activation::Activations> for Activations {
    fn from(of: activation::Activations) -> Self {
        let planned = of.next.map(|activation::Planned { version, at, by }| PlannedActivation { version, at, by });
        Self { history: of.history.into_iter().map(Activation::from).collect(), planned }
    }
}

impl From<activation::Activation> for Activation {
    fn from(of: activation::Activation) -> Self {
        let cause = match of.cause {
            activation::Cause::Activated => Cause::Activated,
            activation::Cause::Planned => Cause::Planned,
            activation::Cause::RolledBack => Cause::RolledBack,
        };
        Self { version: of.version, since: of.since, by: of.by, cause, reason: of.reason }
    }
}

impl From<rulebook::Change> for Change {
    fn from(of: rulebook::Change) -> Self {
        let about = match of.about {
            rulebook::About::Company => Part::Company,
            rulebook::About::Field => Part::Field,
            rulebook::About::Lookup => Part::Lookup,
            rulebook::About::Table => Part::Table,
            rulebook::About::Condition => Part::Condition,
            rulebook::About::Rule => Part::Rule,
            rulebook::About::Score => Part::Score,
            rulebook::About::Grade => Part::Grade,
            rulebook::About::Mql => Part::Mql,
        };
        let what = match of.what {
            rulebook::What::Added => What::Added,
            rulebook::What::Removed => What::Removed,
            rulebook::What::Renamed => What::Renamed,
            rulebook::What::Moved => What::Moved,
            rulebook::What::Changed => What::Changed,
        };
        Self { about, name: of.name, was: of.was, what, touches: of.touches, sentence: of.sentence }
    }
}

impl From<replay::Capacity> for Capacity {
    fn from(of: replay::Capacity) -> Self {
        Self { reps: of.reps, seats: of.seats }
    }
}

impl From<&reroute::Reroute> for Reroute {
    fn from(of: &reroute::Reroute) -> Self {
        use reroute::Progress;
        let (state, queued, ended_at) = match of.progress {
            Progress::Planned => ("planned", None, None),
            Progress::Running { queued, .. } => ("running", Some(queued), None),
            Progress::Done { queued, ended_at } => ("done", Some(queued), Some(ended_at)),
            Progress::Superseded { queued, ended_at } => ("superseded", Some(queued), Some(ended_at)),
            Progress::Cancelled { queued, ended_at } => ("cancelled", Some(queued), Some(ended_at)),
        };
        Self {
            version: of.version.clone(),
            at: of.at,
            by: of.by.clone(),
            state: state.to_owned(),
            queued,
            ended_at,
            begins_after: of.at.checked_add(reroute::SETTLES).unwrap_or(of.at),
        }
    }
}
