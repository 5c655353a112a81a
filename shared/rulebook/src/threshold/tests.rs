use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::references::References;
use fairleader_lead::activity::Activity;
use fairleader_lead::id::{ActivityId, SourceId};
use fairleader_lead::profile::{JobLevel, Profile};

/// Lines of `mql`, with a threshold instead of each `FROM`, `UPTO` and `NOT_UNDER`.
const LINES: &[&str] = &[
    "{ score: FROM }",
    "{ score: UPTO }",
    "{ score: [10, FROM] }",
    "{ score: FROM, country: DE }",
    "{ any: [{ score: FROM, country: DE }, { fit: 60+ }] }",
    "{ engagement: 50+ }",
    "{ fit: 70+, score: under 90 }",
    "{ score: 40 }",
    "{ score: under 30, did: demo }",
    "{ grade: A }",
    "{ interest.points: 30+ }",
    "{ NOT_UNDER }",
    "{ country: FR, NOT_UNDER }",
    "{ not: { score: 60+ }, did: demo }",
    "{ not: { any: [{ score: [15, UNDER] }, { country: DE }] } }",
    "{ is: keen }",
    "{ not: { is: cold } }",
];

/// The rulebook with these lines, every threshold of them at `threshold`; `None` if no line is left.
fn rulebook(lines: &[&str], threshold: u8) -> Rulebook {
    let text = format!(
        "\
company: {{ zone: Europe/Berlin, currency: EUR }}
conditions:
  keen: {{ score: FROM, did: demo }}
  cold: {{ any: [{{ score: UNDER }}, {{ country: FR }}] }}
score:
  fit:
    share: 50%
    lines:
      - {{ if: {{ job.level: vp }}, points: 50 }}
      - {{ if: {{ company.employees: 1000+ }}, points: 30 }}
      - {{ if: {{ country: DE }}, points: 20 }}
  engagement:
    share: 50%
    lines:
      - {{ did: demo, points: 40 }}
      - {{ did: webinar, points: 15 }}
  grades: {{ A: 60+, B: 30+ }}
mql:
{}
route:
  - {{ rule: rest, then: {{ pool: inbound }} }}
",
        lines.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n")
    );
    // A range cannot start above its end, and no score is under 0.
    let up_to = if threshold > 80 { "absent".to_owned() } else { format!("{threshold}-80") };
    let under = if threshold == 0 { "absent".to_owned() } else { format!("under {threshold}") };
    let text = text
        .replace("NOT_UNDER", &format!("not: {{ score: {under} }}"))
        .replace("UNDER", &under)
        .replace("FROM", &format!("{threshold}+"))
        .replace("UPTO", &up_to);
    Rulebook::parse(&text, &References::default()).unwrap_or_else(|problems| panic!("{text}{problems:#?}")).rulebook
}

fn profile(country: &str, boss: bool, employees: u32, did: &[&str]) -> Profile {
    let mut profile = Profile::default();
    profile.place.country = Some(country.to_owned());
    profile.company.employees = Some(employees);
    profile.contact.job_level = boss.then_some(JobLevel::Vp);
    let activity = |(number, did): (usize, &&str)| Activity {
        id: ActivityId::new(format!("a-{number}")),
        did: (*did).to_owned(),
        at: "2026-03-01T10:00:00Z".parse().unwrap(),
        channel: None,
        spend: None,
        response: None,
        product: Some("keel".to_owned()),
    };
    profile.activities = did.iter().enumerate().map(activity).collect();
    profile
}

/// Returns the threshold up to which the lead is an MQL of this rulebook.
fn up_to(rulebook: &Rulebook, profile: &Profile) -> MqlUpTo {
    with_facts(profile, |facts| rulebook.mql_up_to(facts))
}

fn with_facts<T>(profile: &Profile, then: impl Fn(&Facts<'_>) -> T) -> T {
    let now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
    let source = SourceId::from("web");
    then(&Facts { profile, source: &source, received_at: now, account: None, score: None, now })
}

#[test]
fn other_tests_of_a_line_apply_at_every_threshold() {
    let german = profile("DE", true, 50, &[]);
    let french = profile("FR", true, 50, &[]);
    let one = |line: &str, lead: &Profile| up_to(&rulebook(&[line], 60), lead);
    assert_eq!(one("{ score: 60+ }", &german), MqlUpTo::Threshold(35));
    assert_eq!(one("{ score: 60+, country: DE }", &german), MqlUpTo::Threshold(35));
    assert_eq!(one("{ score: 60+, country: DE }", &french), MqlUpTo::Never);
    assert_eq!(one("{ fit: 70+ }", &german), MqlUpTo::Always, "its fit is real");
    assert_eq!(one("{ score: under 50 }", &german), MqlUpTo::Always);
    assert_eq!(one("{ score: under 30 }", &german), MqlUpTo::Never, "its score is real");
    assert_eq!(one("{ score: 20-30 }", &german), MqlUpTo::Never, "the upper end stays");
}

fn lead() -> impl Strategy<Value = Profile> {
    let did = proptest::collection::vec(prop::sample::select(vec!["demo", "webinar"]), 0..4);
    (prop::sample::select(vec!["DE", "FR"]), any::<bool>(), prop::sample::select(vec![50, 2_000]), did)
        .prop_map(|(country, boss, employees, did)| profile(country, boss, employees, &did))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn agrees_with_scoring_at_other_thresholds(
        lines in prop::sample::subsequence(LINES, 1..4),
        // `80-80` would be an exact score.
        written in 1_u8..80,
        lead in lead(),
    ) {
        let found = up_to(&rulebook(&lines, written), &lead);
        for threshold in (0..=100).step_by(5) {
            let other = rulebook(&lines, threshold);
            let mql = with_facts(&lead, |facts| other.score(facts).mql);
            prop_assert_eq!(found.includes(threshold), mql, "at {} of {:?}, by {:?}", threshold, lines, found);
        }
    }
}
