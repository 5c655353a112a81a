//! Checks IAM policies, as far as the template can write them.
//!
//! A statement that denies wins over those that allow. What no statement mentions is not allowed.

use crate::aws_error::AwsError;
use crate::stack::Statement;

/// Verdict of a policy on one action on one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement mentions it.
    NotAllowed,
}

/// Returns the verdict of `policy` on `action` (`dynamodb:GetItem`) on the resource.
pub fn verdict(policy: &[Statement], action: &str, resource_arn: &str) -> Verdict {
    let applies = |statement: &&Statement| {
        statement.actions.iter().any(|pattern| matches(pattern, action, false))
            && statement.resources.iter().any(|pattern| matches(pattern, resource_arn, true))
    };
    let mut verdict = Verdict::NotAllowed;
    for statement in policy.iter().filter(applies) {
        if !statement.allow {
            return Verdict::Denied;
        }
        verdict = Verdict::Allowed;
    }
    verdict
}

/// Returns whether `policy` allows `action` (`dynamodb:GetItem`) on the resource.
pub fn allows(policy: &[Statement], action: &str, resource_arn: &str) -> bool {
    verdict(policy, action, resource_arn) == Verdict::Allowed
}

/// Returns AWS's error for a call that the policy of `function` does not allow. Each service has its own shape.
pub fn denied(function: &str, action: &str, resource_arn: &str, verdict: Verdict) -> AwsError {
    let because = match verdict {
        Verdict::Denied => "with an explicit deny in an identity-based policy".to_owned(),
        Verdict::Allowed | Verdict::NotAllowed => {
            format!("because no identity-based policy allows the {action} action")
        }
    };
    let message = format!(
        "User: arn:aws:sts::000000000000:assumed-role/{function}/{function} is not authorized to perform: {action} on \
         resource: {resource_arn} {because}"
    );
    match action.split(':').next() {
        Some("sqs") => {
            let error = AwsError::client("com.amazon.coral.service#AccessDeniedException", message);
            AwsError { status: 403, ..error }.query_code("AccessDenied;Sender")
        }
        Some("events") => AwsError::client("AccessDeniedException", message),
        _ => AwsError::client("com.amazon.coral.service#AccessDeniedException", message),
    }
}

/// Returns whether `text` matches `pattern`: `*` stands for any characters, `?` for one character.
fn matches(pattern: &str, text: &str, case_matters: bool) -> bool {
    let same = |a: u8, b: u8| if case_matters { a == b } else { a.eq_ignore_ascii_case(&b) };
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where the last `*` is, and how much of the text it covers so far.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(at_text) {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(&wanted) if wanted == b'?' || same(wanted, byte) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match star {
                Some((pattern_at, text_at)) => {
                    star = Some((pattern_at, text_at + 1));
                    at_pattern = pattern_at + 1;
                    at_text = text_at + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at_pattern..).is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEADS: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/leads";

    fn statement(allow: bool, actions: &[&str], resources: &[&str]) -> Statement {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Statement { allow, actions: owned(actions), resources: owned(resources) }
    }

    #[test]
    fn allows_only_what_a_statement_names() {
        let policy = [statement(true, &["dynamodb:GetItem"], &[LEADS])];
        assert!(allows(&policy, "dynamodb:GetItem", LEADS));
        assert!(!allows(&policy, "dynamodb:PutItem", LEADS));
        assert!(!allows(&policy, "dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:000000000000:table/leads2"));
        assert!(!allows(&[], "dynamodb:GetItem", LEADS));
    }

    #[test]
    fn permission_on_a_table_does_not_cover_its_indexes() {
        let policy = [statement(true, &["dynamodb:Query"], &[LEADS])];
        assert!(!allows(&policy, "dynamodb:Query", &format!("{LEADS}/index/due")));
        let policy = [statement(true, &["dynamodb:Query"], &[&format!("{LEADS}/index/*")])];
        assert!(allows(&policy, "dynamodb:Query", &format!("{LEADS}/index/due")));
        assert!(!allows(&policy, "dynamodb:Query", LEADS));
    }

    #[test]
    fn a_deny_wins_in_any_order() {
        let allow = statement(true, &["dynamodb:*"], &["*"]);
        let deny = statement(false, &["dynamodb:Delete*"], &[LEADS]);
        for policy in [[allow.clone(), deny.clone()], [deny, allow]] {
            assert_eq!(verdict(&policy, "dynamodb:DeleteItem", LEADS), Verdict::Denied);
            assert_eq!(verdict(&policy, "dynamodb:GetItem", LEADS), Verdict::Allowed);
        }
    }

    #[test]
    fn actions_ignore_case_and_resources_do_not() {
        let policy = [statement(true, &["DynamoDB:getitem"], &[LEADS])];
        assert!(allows(&policy, "dynamodb:GetItem", LEADS));
        assert!(!allows(&policy, "dynamodb:GetItem", &LEADS.to_uppercase()));
    }

    #[test]
    fn matches_wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcb", false),
            ("*b*b", "abab", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("abc", "abcd", false),
            ("abc*", "abc", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text, true), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_denial_names_function_action_and_resource() {
        let error = denied("fl-route", "dynamodb:GetItem", LEADS, Verdict::NotAllowed);
        assert_eq!(
            error.message,
            "User: arn:aws:sts::000000000000:assumed-role/fl-route/fl-route is not authorized to perform: dynamodb:GetItem \
             on resource: arn:aws:dynamodb:us-east-1:000000000000:table/leads because no identity-based policy allows the \
             dynamodb:GetItem action"
        );
        assert_eq!((error.status, error.code.as_str()), (400, "com.amazon.coral.service#AccessDeniedException"));
        let error = denied("fl-intake", "sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:q", Verdict::NotAllowed);
        assert_eq!((error.status, error.query_code.as_deref()), (403, Some("AccessDenied;Sender")));
    }
}
