//! Checks conditions on a person's activities.

use crate::time_span;
use jiff::tz::TimeZone;

use super::Checker;
use crate::ast::{Did as WrittenDid, Text};
use crate::diagnostic::WrongValue;
use crate::did::Did;
use crate::field::Kind;
use crate::matcher::{How, Matcher};
use crate::time_span::LENGTH_HELP;
use crate::value;
use fairleader_lead::activity::Spend;
use fairleader_lead::normalise::choice;

impl Checker<'_, '_> {
    pub(super) fn length(&mut self, text: &Text, what: &str) -> Option<time_span::Length> {
        let length = time_span::length(&text.text);
        if length.is_none() {
            let message = format!("{what} is `{}`, which is not a duration", text.text);
            let meant = value::span_meant(&text.text).map(|span| format!("write `{span}`"));
            self.problems.error_help(text.span, "length", message, meant.unwrap_or_else(|| LENGTH_HELP.to_owned()));
        }
        length
    }

    /// Checks a condition on a person's activities.
    pub(super) fn did(&mut self, written: &WrittenDid, what: &str) -> Option<Did> {
        let within = written.within.as_ref().map(|text| self.length(text, "`within`"));
        let times = written.times.as_ref().map(|text| self.times(text));
        let spend: Vec<Option<Spend>> = written.spend.iter().map(|text| self.spend(text)).collect();
        let mut words = |key: &str, texts: &[Text]| {
            let words: Vec<Option<Matcher>> = texts.iter().map(|text| self.did_word(key, text, what)).collect();
            words.into_iter().collect::<Option<Vec<Matcher>>>()
        };
        let did = words("did", &written.words);
        let response = words("response", &written.response);
        let channel = words("channel", &written.channel);
        let product = words("product", &written.product);
        // `parse` has already reported what could not be read.
        let did = did.filter(|did| !did.is_empty())?;
        if did.len() > 1 && did.iter().any(|matcher| matches!(matcher, Matcher::Absent | Matcher::Present)) {
            let message = format!("{what} mixes `absent` or `present` with other values of `did`");
            let help = "use `any` with two conditions".to_owned();
            self.problems.error_help(written.key.span, "did", message, help);
            return None;
        }
        let did = Did {
            words: did,
            within: match within {
                Some(within) => Some(within?),
                None => None,
            },
            spend: spend.into_iter().collect::<Option<_>>()?,
            response: response?,
            channel: channel?,
            product: product?,
            times: match times {
                Some(times) => Some(times?),
                None => None,
            },
        };
        if did.wants_nothing() && did.times.is_some() {
            let message = format!("{what} says both `did: absent` and `times`");
            self.problems.error_help(written.key.span, "did", message, "remove one of them".to_owned());
            return None;
        }
        Some(did)
    }

    pub(super) fn times(&mut self, text: &Text) -> Option<(u32, u32)> {
        let most = u32::try_from(fairleader_lead::activity::MAX_REMEMBERED).unwrap_or(u32::MAX);
        match value::read(self.problems.work(), Kind::Number { most }, &text.text, None, &TimeZone::UTC) {
            Ok(Matcher::Number { from, to }) if from > 0 => Some((from, to)),
            Ok(_) => {
                let message = format!("`times` is `{}`, which holds even if nothing was done", text.text);
                let help = "write `times: 2+`, or `not: { did: … }` for never".to_owned();
                self.problems.error_help(text.span, "times", message, help);
                None
            }
            Err(WrongValue { message, help, .. }) => {
                let message = format!("`times` is `{}`, {message}", text.text);
                self.problems.error_help(text.span, "times", message, help);
                None
            }
        }
    }

    pub(super) fn spend(&mut self, text: &Text) -> Option<Spend> {
        match text.text.as_str() {
            "low" => Some(Spend::Low),
            "medium" => Some(Spend::Medium),
            "high" => Some(Spend::High),
            other => {
                let message = format!("unknown `spend` `{other}`");
                let help = "write `low`, `medium` or `high`".to_owned();
                self.problems.error_help(text.span, "unknown-value", message, help);
                None
            }
        }
    }

    /// Reads a word of an activity as intake normalises it, so `Request a demo` is `demo`.
    pub(super) fn did_word(&mut self, key: &str, text: &Text, what: &str) -> Option<Matcher> {
        match value::read(self.problems.work(), Kind::Word, &text.text, None, &TimeZone::UTC) {
            Ok(Matcher::Text { how: How::Is, .. }) if key == "did" => {
                Some(Matcher::text(How::Is, &choice::did(&text.text)?, false))
            }
            Ok(Matcher::Text { how: How::Is, .. }) if key != "product" => {
                let words = fairleader_lead::normalise::fold::words(&text.text).join("_");
                Some(Matcher::text(How::Is, &words, false))
            }
            Ok(matcher) => Some(matcher),
            Err(WrongValue { code, message, help }) => {
                let message = format!("{what} compares `{key}` with `{}`, {message}", text.text);
                self.problems.error_help(text.span, code, message, help);
                None
            }
        }
    }
}
