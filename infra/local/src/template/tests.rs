use insta::{assert_debug_snapshot, assert_snapshot};

use super::*;
use crate::stack::{EventSource, TargetInput, TargetTo};

fn settings() -> Settings {
    Settings {
        stack_name: "fairleader".to_owned(),
        region: "us-east-1".to_owned(),
        account: "000000000000".to_owned(),
        endpoint_url: "http://127.0.0.1:9000".to_owned(),
        parameters: BTreeMap::new(),
    }
}

fn stack(text: &str) -> Stack {
    read(text, "template.yaml", &settings()).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
}

fn problems(text: &str) -> String {
    shown(&read(text, "template.yaml", &settings()).expect_err("the template has problems"))
}

fn shown(problems: &[TemplateProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn function(stack: &Stack, id: &str) -> crate::stack::Function {
    stack.functions.iter().find(|function| function.id == id).unwrap().clone()
}

const OWN: &str = include_str!("../../../template.yaml");

#[test]
fn the_projects_own_template_reads() {
    let stack = stack(OWN);
    let table = stack.tables.iter().find(|table| table.name == "fairleader-leads").unwrap();
    assert_eq!(table.arn, "arn:aws:dynamodb:us-east-1:000000000000:table/fairleader-leads");
    assert_eq!(table.create["KeySchema"][1]["AttributeName"], "part");
    assert_eq!(table.create["StreamSpecification"]["StreamEnabled"], true);
    assert!(table.stream_arn.as_deref().unwrap().starts_with(&format!("{}/stream/", table.arn)));

    let queue = stack.queues.iter().find(|queue| queue.id == "EnrichQueue").unwrap();
    assert_eq!(queue.url, "http://127.0.0.1:9000/000000000000/fairleader-enrich");
    assert_eq!(queue.visibility_timeout.as_secs(), 60);
    assert_eq!(queue.redrive.as_ref().unwrap().dead_letter_queue, "fairleader-dead-letters");

    let intake = function(&stack, "IntakeFunction");
    assert_eq!((intake.binary.as_str(), intake.timeout.as_secs()), ("intake", 10));
    assert_eq!(intake.environment["ENRICH_QUEUE_URL"], queue.url);
    assert_eq!(intake.environment["LOG_LEVEL"], "info", "the globals are merged in");
    assert!(crate::iam::allows(&intake.policy, "sqs:SendMessage", &queue.arn));
    assert!(!crate::iam::allows(&intake.policy, "dynamodb:GetItem", &table.arn));

    let publish = function(&stack, "PublishFunction");
    let Some(EventSource::Stream(stream)) = publish.sources.first() else { panic!("{publish:?}") };
    assert_eq!((stream.table.as_str(), stream.batch_size, stream.maximum_retries), ("fairleader-leads", 100, Some(10)));
    assert!(stream.bisect && stream.from_horizon && stream.partial_failures);
    assert_eq!(stream.on_failure_queue.as_deref(), Some("fairleader-publish-dead-letters"));

    let api = stack.api.as_ref().unwrap();
    assert_eq!(api.authorizer.as_ref().unwrap().function, "AuthorizeFunction");
    assert_eq!(api.rate_limit, Some(2000));
    assert_eq!(stack.buses, ["fairleader-events"]);
    let rule = &stack.rules[0];
    assert_eq!(rule.targets[0].to, TargetTo::Queue("fairleader-route".to_owned()));
    assert!(matches!(rule.targets[0].input, TargetInput::Transformer { .. }));
    assert_snapshot!(rule.pattern, @r#"{"detail":{"freed_pool":[{"exists":true}]},"detail-type":["LeadMerged"],"source":["fairleader"]}"#);
}

#[test]
fn what_has_no_meaning_on_one_machine_is_noticed_once() {
    assert_snapshot!(stack(OWN).notices.join("\n"), @"");
}

#[test]
fn every_problem_is_reported_at_once_with_its_place_and_what_to_do() {
    assert_snapshot!(problems(include_str!("tests/mistakes.yaml")), @"");
}

#[test]
fn a_yaml_mistake_says_where() {
    assert_snapshot!(problems("Resources:\n  A: [1, 2\n  B: c\n"), @"");
    assert_snapshot!(problems(""), @"");
    assert_snapshot!(problems("Resources: {}\nResources: {}\n"), @"");
}

#[test]
fn parameters_are_checked_and_may_be_given() {
    let text = "
Parameters:
  Seconds: { Type: Number, Default: 30, MinValue: 1, MaxValue: 60 }
  Size: { Type: String, Default: small, AllowedValues: [small, large] }
  Key: { Type: String }
Resources: {}
";
    let with = |pairs: &[(&str, &str)]| {
        let parameters = pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        match read(text, "t.yaml", &Settings { parameters, ..settings() }) {
            Ok(_) => "fine".to_owned(),
            Err(problems) => shown(&problems),
        }
    };
    assert_snapshot!(with(&[("Key", "x"), ("Size", "large")]), @"fine");
    assert_snapshot!(with(&[("Seconds", "90"), ("Size", "lrge"), ("Secnds", "5")]), @"");
}

#[test]
fn conditions_choose() {
    let text = |flag: &str| {
        format!(
            "
Parameters: {{ Flag: {{ Type: String, Default: '{flag}' }} }}
Conditions:
  On: !Equals [!Ref Flag, 'on']
  Off: !Not [!Condition On]
  Either: !Or [!Condition On, {{ Condition: Off }}]
Resources:
  Extra:
    Type: AWS::SQS::Queue
    Condition: On
    Properties: {{ QueueName: extra }}
  Main:
    Type: AWS::SQS::Queue
    Condition: Either
    Properties:
      QueueName: !Join ['-', [main, !If [On, a, b]]]
      DelaySeconds: !If [On, 5, !Ref AWS::NoValue]
      RedrivePolicy:
        Fn::If:
          - On
          - {{ deadLetterTargetArn: {{ 'Fn::GetAtt': [Extra, Arn] }}, maxReceiveCount: '3' }}
          - Ref: AWS::NoValue
"
        )
    };
    let on = stack(&text("on"));
    let main = on.queues.iter().find(|queue| queue.id == "Main").unwrap();
    assert_eq!((main.name.as_str(), main.delay.as_secs()), ("main-a", 5));
    assert_eq!(
        main.redrive,
        Some(crate::stack::Redrive { dead_letter_queue: "extra".to_owned(), max_receive_count: 3 })
    );
    let off = stack(&text("off"));
    assert_eq!(off.queues.len(), 1);
    assert_eq!((off.queues[0].name.as_str(), off.queues[0].delay.as_secs()), ("main-b", 0));
}

#[test]
fn events_of_a_function() {
    let stack = stack(
        r#"
Globals: { Function: { Environment: { Variables: { A: global, B: global } } } }
Resources:
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: bus } }
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth: { DefaultAuthorizer: Key, Authorizers: { Key: { FunctionArn: !GetAtt F.Arn, AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true } } }
  F:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: f } }
    Properties:
      FunctionName: !Sub "${AWS::StackName}-${Bus}-${!literal}"
      Environment: { Variables: { B: own } }
      Events:
        Often: { Type: Schedule, Properties: { Schedule: rate(2 hours), Input: '{}' } }
        Open: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: "/open", Auth: { Authorizer: NONE } } }
        Rest: { Type: HttpApi, Properties: { ApiId: !Ref Api } }
        Heard: { Type: EventBridgeRule, Properties: { EventBusName: !Ref Bus, Pattern: { source: [x], detail: { n: [{ numeric: [">", 5] }] } } } }
"#,
    );
    let f = function(&stack, "F");
    assert_eq!(f.name, "fairleader-bus-${literal}");
    assert_eq!(
        f.environment,
        BTreeMap::from([("A".to_owned(), "global".to_owned()), ("B".to_owned(), "own".to_owned())])
    );
    assert_debug_snapshot!(f.sources, @"");
    assert_debug_snapshot!(stack.rules, @"");
}
