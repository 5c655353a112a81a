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
fn reads_the_projects_own_template() {
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
    assert_eq!(stream.on_failure_queue.as_deref(), Some("fairleader-publish"));

    let api = stack.api.as_ref().unwrap();
    assert_eq!(api.authorizer.as_ref().unwrap().function, "AuthorizeFunction");
    assert_eq!(api.rate_limit, Some(2000));
    assert_eq!(stack.buses, ["fairleader-events"]);
    let rule = &stack.rules[0];
    assert_eq!(rule.targets[0].to, TargetTo::Queue("fairleader-route".to_owned()));
    assert!(matches!(rule.targets[0].input, TargetInput::Transformer { .. }));
    assert_snapshot!(rule.pattern, @r#"{"detail":{"freed_owner":[{"exists":true}]},"detail-type":["LeadMerged","LeadAssigned","LeadWaiting"],"source":["fairleader"]}"#);
}

#[test]
fn notes_inert_properties_once() {
    assert_snapshot!(stack(OWN).notices.join("\n"), @r"
    processor architectures: on one machine functions use its processor
    log groups: on one machine logs go to the terminal
    deletion policies: on one machine only removing the data folder deletes data
    point-in-time recovery: on one machine copy the data folder while the program is stopped
    encryption keys: on one machine the data folder is protected by its owner's account and the disk's encryption
    queue policies: on one machine the rules of the template may send to their targets
    Lambda permissions: on one machine the event sources of the template may call their functions
    alarms: one machine raises none
    ");
}

#[test]
fn reports_all_problems_with_their_place_and_a_fix() {
    assert_snapshot!(problems(include_str!("tests/mistakes.yaml")), @r#"
    template.yaml:5:14: Globals.Function.Timeout: found `ten`, expected a whole number of seconds from 1 to 900
    template.yaml:6:5: Globals.Function.Policies: SAM does not allow `Policies` in globals; set it on each function
    template.yaml:7:1: Mappings: `Mappings` is not supported on one machine: use parameters and conditions
    template.yaml:11:16: Resources.EnrichQueue.DependsOn: there is no resource `EnrichTable`; remove it
    template.yaml:13:7: Resources.EnrichQueue.Properties.VisibilityTimout: AWS::SQS::Queue does not support `VisibilityTimout`; did you mean `VisibilityTimeout`?
    template.yaml:14:31: Resources.EnrichQueue.Properties.MessageRetentionPeriod: found `2w`, expected a whole number of seconds from 60 to 1209600
    template.yaml:15:18: Resources.EnrichQueue.Properties.FifoQueue: `true` is not supported on one machine: FIFO queues come with a later version; use a standard queue
    template.yaml:16:45: Resources.EnrichQueue.Properties.RedrivePolicy.deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:lost` is not the ARN of a queue in this template; write `!GetAtt Queue.Arn`
    template.yaml:16:105: Resources.EnrichQueue.Properties.RedrivePolicy.maxReceiveCount: found `0`, expected a whole number of receives from 1 to 1000
    template.yaml:19:30: Resources.Ordered.Properties.QueueName: there is no resource or parameter `Stack`; use a logical id from `Resources` or `Parameters`
    template.yaml:19:63: Resources.Ordered.Properties.DelaySeconds: there is no resource or parameter `Second`; did you mean `Seconds`?
    template.yaml:19:76: Resources.Ordered.Properties.ContentBasedDeduplication: `ContentBasedDeduplication` is not supported on one machine: FIFO queues come with a later version; use a standard queue
    template.yaml:23:88: Resources.Leads.Properties: the attribute `spare` is in no key; only key attributes are defined here, so remove it
    template.yaml:23:110: Resources.Leads.Properties.AttributeDefinitions[1].AttributeType: `X` is not one of `S`, `N` or `B`
    template.yaml:24:74: Resources.Leads.Properties: the key attribute `part` is not in `AttributeDefinitions`; add it there with its type
    template.yaml:25:7: Resources.Leads.Properties.Colour: AWS::DynamoDB::Table does not support `Colour`; correct its name, or remove it
    template.yaml:26:18: Resources.Topic.Type: `AWS::SNS::Topic` is not a supported resource type; give it a `Condition` that holds only on AWS
    template.yaml:27:16: Resources.Bus.Type: `AWS::Events::EventBos` is not a supported resource type; did you mean `AWS::Events::EventBus`?
    template.yaml:31:7: Resources.Heard.Properties.EventBusName: `EventBusName` is missing: the account's default bus is not supported; write `!Ref` of a bus in this template
    template.yaml:31:21: Resources.Heard.Properties.EventPattern: this event pattern cannot be read: field "prefix" value must be an array or object
    template.yaml:32:31: Resources.Heard.Properties.Targets[0].Arn: `http://127.0.0.1:9000/000000000000/fairleader-EnrichQueue` is not the ARN of a queue in this template; write `!GetAtt Queue.Arn`
    template.yaml:33:56: Resources.Api.Properties.CorsConfiguration: `CorsConfiguration` is not supported on one machine: CORS comes with a later version; call the API from a server
    template.yaml:38:16: Resources.Intake.Properties.Runtime: `nodejs22.x` is not supported on one machine: functions are Rust binaries here; use `provided.al2023`
    template.yaml:40:11: Resources.Intake.Properties.Policies[0]: the managed policy `AmazonDynamoDBFullAccess` is not supported; write out what the function needs as `Statement`
    template.yaml:41:11: Resources.Intake.Properties.Policies[1]: the SAM policy template `DynamoDBReadPolicy` is not supported; write out what the function needs as `Statement`
    template.yaml:42:33: Resources.Intake.Properties.Policies[2].Statement[0].Effect: `Alow` is not one of `Allow` or `Deny`; did you mean `Allow`?
    template.yaml:43:71: Resources.Intake.Properties.Policies[3].Statement[0].Condition: `Condition` is not supported on one machine: conditions are not evaluated here, so the function would get more rights than on AWS; remove it
    template.yaml:46:60: Resources.Intake.Properties.Events.Nightly.Properties.Schedule: `cron(0 3 * * ? *)` is not supported on one machine: write `rate(1 minute)` instead of `cron()`, and let the function decide whether it is time
    template.yaml:47:41: Resources.Intake.Properties.Events.Batch.Properties: a batch of 100 takes time to collect; set `MaximumBatchingWindowInSeconds` to 1 or more, or use at most 10 messages
    template.yaml:48:58: Resources.Intake.Properties.Events.Changes.Properties.Stream: `Leads` has no stream; give it a `StreamSpecification`
    template.yaml:50:5: Resources.Desk: `Metadata.BuildProperties.Binary` is missing; it names the crate under `functions/`
    template.yaml:54:9: Resources.Desk.Properties.Events.Post.Properties: `POST /v1/leads/{lead_id}` already belongs to `Intake`; a route belongs to one function
    template.yaml:55:50: Resources.Desk.Properties.Events.Again.Properties.Queue: messages of `fairleader-Ordered` are delivered again after 30 s, but `Desk` may take 900 s; raise `VisibilityTimeout`, ideally to six times that
    template.yaml:56:51: Resources.Desk.Properties.Events.Circle.Properties.Queue: messages of `http://127.0.0.1:9000/000000000000/fairleader-RoundA` are delivered again after 30 s, but `Desk` may take 900 s; raise `VisibilityTimeout`, ideally to six times that
    template.yaml:57:61: Resources.RoundA.Properties.QueueName: this name refers to itself; break the cycle
    template.yaml:59:22: Outputs.Url.Value: there is no condition `IsProduction`; add it to the section `Conditions`
    "#);
}

#[test]
fn reports_the_place_of_a_yaml_mistake() {
    assert_snapshot!(problems("Resources:\n  A: [1, 2\n  B: c\n"), @"template.yaml:3:4: the YAML cannot be read: illegal placement of ':' indicator");
    assert_snapshot!(problems(""), @"template.yaml:1:1: the template is empty");
    assert_snapshot!(problems("Resources: {}\nResources: {}\n"), @"template.yaml:2:1: `Resources` appears twice; keep one of them");
}

#[test]
fn checks_parameters_and_their_overrides() {
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
    assert_snapshot!(with(&[("Seconds", "90"), ("Size", "lrge"), ("Secnds", "5")]), @r"
    t.yaml:2:1: Parameters: the template has no parameter `Secnds`; did you mean `Seconds`?
    t.yaml:3:3: Parameters.Seconds: the value `90` of `Seconds` is not allowed; it must be at most 60
    t.yaml:4:3: Parameters.Size: the value `lrge` of `Size` is not allowed; it must be `small` or `large`
    t.yaml:5:3: Parameters.Key: `Key` has no default; give it a value
    ");
}

#[test]
fn conditions_choose_resources_and_values() {
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
    assert_debug_snapshot!(f.sources, @r#"
    [
        Schedule {
            name: "Often",
            every: 7200s,
            input: Some(
                "{}",
            ),
        },
        Route {
            method: "GET",
            path: "/open",
            authorized: false,
        },
        Route {
            method: "ANY",
            path: "$default",
            authorized: true,
        },
    ]
    "#);
    assert_debug_snapshot!(stack.rules, @r#"
    [
        Rule {
            name: "fairleader-FHeard",
            bus: "bus",
            pattern: "{\"detail\":{\"n\":[{\"numeric\":[\">\",5]}]},\"source\":[\"x\"]}",
            targets: [
                Target {
                    id: "F",
                    to: Function(
                        "F",
                    ),
                    input: Event,
                    dead_letter_queue: None,
                },
            ],
        },
    ]
    "#);
}
