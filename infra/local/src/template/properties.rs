//! Lists of what is run, inert and refused, per resource type and property.
//!
//! *Run* properties take effect and their values are checked. *Inert* ones have no effect on one machine; each is noted
//! once, in one sentence. Everything else is refused: some properties with advice on what to do instead, the rest as
//! unsupported.

/// One property.
#[derive(Clone, Copy, Debug)]
pub(super) struct Property {
    pub name: &'static str,
    pub fate: Fate,
    /// Whether it is required.
    pub needed: bool,
}

/// How a property is treated.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// Takes effect.
    Run(Shape),
    /// Has no effect on one machine; the reason, as a sentence.
    Inert(&'static str),
    /// Not supported; what to do instead.
    Refused(&'static str),
}

/// Values that a property accepts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Text, or any other scalar.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words. Others exist but are not supported, for the given reason.
    Only(&'static [&'static str], &'static str),
    /// A whole number of `unit` from `least` to `most`.
    Whole { least: i64, most: i64, unit: &'static str },
    /// `true` or `false`.
    YesNo,
    /// A list.
    List(&'static Shape),
    /// One value, or a list of them.
    OneOrMany(&'static Shape),
    /// A mapping with these names only.
    Record(&'static [Property]),
    /// A mapping with any names.
    Names(&'static Shape),
    /// JSON, as YAML or as text.
    Json,
    /// Anything; checked elsewhere.
    Any,
}

/// A resource type.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResourceType {
    pub name: &'static str,
    pub fate: TypeFate,
}

/// How a resource is treated.
#[derive(Clone, Copy, Debug)]
pub(super) enum TypeFate {
    /// Is started, with these properties.
    Run(&'static [Property]),
    /// Has no effect on one machine; the reason.
    Inert(&'static str),
    /// Not supported; what to do instead.
    Refused(&'static str),
}

const fn run(name: &'static str, shape: Shape) -> Property {
    Property { name, fate: Fate::Run(shape), needed: false }
}

const fn needed(name: &'static str, shape: Shape) -> Property {
    Property { name, fate: Fate::Run(shape), needed: true }
}

const fn inert(name: &'static str, why: &'static str) -> Property {
    Property { name, fate: Fate::Inert(why), needed: false }
}

const fn refused(name: &'static str, instead: &'static str) -> Property {
    Property { name, fate: Fate::Refused(instead), needed: false }
}

const fn whole(least: i64, most: i64, unit: &'static str) -> Shape {
    Shape::Whole { least, most, unit }
}

const TEXT: Shape = Shape::Text;
const TEXTS: Shape = Shape::List(&Shape::Text);
const YES_NO: Shape = Shape::YesNo;

const TAGS: Property = inert("Tags", "tags: nothing on one machine is billed or grouped by them");
const LATER_GROUPS: &str = "FIFO queues come with a later version; use a standard queue";
const NO_RETRY_POLICY: &str = "retry policies of rules and schedules: on one machine an event is delivered at once or goes to the dead-letter queue";
const KEY: &str =
    "encryption keys: on one machine the data folder is protected by its owner's account and the disk's encryption";
const NAMES_ONLY: &str = "descriptions and titles: they are for the AWS console";

/// The sections of a template.
pub(super) const SECTIONS: &[Property] = &[
    run("AWSTemplateFormatVersion", Shape::OneOf(&["2010-09-09"])),
    run(
        "Transform",
        Shape::OneOrMany(&Shape::Only(&["AWS::Serverless-2016-10-31"], "other macros run in AWS only; remove it")),
    ),
    run("Description", TEXT),
    run("Metadata", Shape::Any),
    run("Parameters", Shape::Any),
    run("Conditions", Shape::Any),
    run("Globals", Shape::Any),
    needed("Resources", Shape::Any),
    run("Outputs", Shape::Any),
    refused("Mappings", "use parameters and conditions"),
    refused("Rules", "use `AllowedValues`, `MinValue` and `MaxValue` of the parameters"),
    refused("Hooks", "deployment hooks run in AWS only; remove the section"),
];

/// Attributes of a resource beside its properties.
pub(super) const RESOURCE: &[Property] = &[
    needed("Type", Shape::Any),
    run("Properties", Shape::Any),
    run("Condition", Shape::Any),
    run("DependsOn", Shape::Any),
    run("Metadata", Shape::Any),
    inert("DeletionPolicy", "deletion policies: on one machine only removing the data folder deletes data"),
    inert("UpdateReplacePolicy", "deletion policies: on one machine only removing the data folder deletes data"),
    refused("CreationPolicy", "it waits for signals from other machines; remove it"),
    refused("UpdatePolicy", "it controls how AWS rolls out a change; remove it"),
    refused("Connectors", "write the function's `Policies` instead of SAM connectors"),
];

/// Attributes of a parameter.
pub(super) const PARAMETER: &[Property] = &[
    needed(
        "Type",
        Shape::Only(
            &["String", "Number", "CommaDelimitedList"],
            "parameter types that are looked up in AWS cannot be read on one machine; use `String`",
        ),
    ),
    run("Default", TEXT),
    run("AllowedValues", TEXTS),
    run("MinValue", whole(i64::MIN, i64::MAX, "")),
    run("MaxValue", whole(i64::MIN, i64::MAX, "")),
    run("MinLength", whole(0, i64::MAX, "characters")),
    run("MaxLength", whole(0, i64::MAX, "characters")),
    run("Description", TEXT),
    run("ConstraintDescription", TEXT),
    run("NoEcho", YES_NO),
    inert("AllowedPattern", "patterns of parameters: they are checked when the template is deployed"),
];

/// Sections of `Globals`.
pub(super) const GLOBALS: &[Property] = &[
    run("Function", Shape::Any),
    refused("Api", "only `Globals.Function` is supported; set these on the API itself"),
    refused("HttpApi", "only `Globals.Function` is supported; set these on the API itself"),
    refused("SimpleTable", "only `Globals.Function` is supported; set these on the table itself"),
];

/// Properties that SAM does not allow in `Globals.Function`.
pub(super) const NOT_GLOBAL: &[&str] = &["Events", "Policies", "FunctionName", "Role", "Description"];

/// Resource types.
pub(super) const TYPES: &[ResourceType] = &[
    ResourceType { name: "AWS::DynamoDB::Table", fate: TypeFate::Run(TABLE) },
    ResourceType { name: "AWS::SQS::Queue", fate: TypeFate::Run(QUEUE) },
    ResourceType { name: "AWS::Events::EventBus", fate: TypeFate::Run(BUS) },
    ResourceType { name: "AWS::Events::Rule", fate: TypeFate::Run(RULE) },
    ResourceType { name: "AWS::Serverless::Function", fate: TypeFate::Run(FUNCTION) },
    ResourceType { name: "AWS::Serverless::HttpApi", fate: TypeFate::Run(HTTP_API) },
    ResourceType {
        name: "AWS::SQS::QueuePolicy",
        fate: TypeFate::Inert("queue policies: on one machine the rules of the template may send to their targets"),
    },
    ResourceType {
        name: "AWS::Lambda::Permission",
        fate: TypeFate::Inert(
            "Lambda permissions: on one machine the event sources of the template may call their functions",
        ),
    },
    ResourceType {
        name: "AWS::Logs::LogGroup",
        fate: TypeFate::Inert("log groups: on one machine logs go to the terminal"),
    },
    ResourceType { name: "AWS::CloudWatch::Alarm", fate: TypeFate::Inert("alarms: one machine raises none") },
    ResourceType { name: "AWS::CloudWatch::CompositeAlarm", fate: TypeFate::Inert("alarms: one machine raises none") },
    ResourceType {
        name: "AWS::CloudWatch::Dashboard",
        fate: TypeFate::Inert("dashboards: one machine sends no metrics"),
    },
    ResourceType {
        name: "AWS::Serverless::SimpleTable",
        fate: TypeFate::Refused("write it as `AWS::DynamoDB::Table`"),
    },
    ResourceType { name: "AWS::Serverless::Api", fate: TypeFate::Refused("write it as `AWS::Serverless::HttpApi`") },
    ResourceType { name: "AWS::ApiGatewayV2::Api", fate: TypeFate::Refused("write it as `AWS::Serverless::HttpApi`") },
    ResourceType { name: "AWS::Lambda::Function", fate: TypeFate::Refused("write it as `AWS::Serverless::Function`") },
    ResourceType {
        name: "AWS::Lambda::EventSourceMapping",
        fate: TypeFate::Refused("write it under `Events` of its function"),
    },
    ResourceType {
        name: "AWS::Scheduler::Schedule",
        fate: TypeFate::Refused("write it under `Events` of its function, as `ScheduleV2`"),
    },
    ResourceType {
        name: "AWS::IAM::Role",
        fate: TypeFate::Refused("write the function's permissions under its `Policies`"),
    },
    ResourceType {
        name: "AWS::IAM::Policy",
        fate: TypeFate::Refused("write the function's permissions under its `Policies`"),
    },
];

const TABLE: &[Property] = &[
    run("TableName", TEXT),
    needed("AttributeDefinitions", Shape::List(&Shape::Record(ATTRIBUTE))),
    needed("KeySchema", Shape::List(&Shape::Record(KEY_PART))),
    run("GlobalSecondaryIndexes", Shape::List(&Shape::Record(INDEX))),
    run("LocalSecondaryIndexes", Shape::List(&Shape::Record(INDEX))),
    run("BillingMode", Shape::OneOf(&["PAY_PER_REQUEST", "PROVISIONED"])),
    run(
        "StreamSpecification",
        Shape::Record(&[needed(
            "StreamViewType",
            Shape::OneOf(&["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]),
        )]),
    ),
    run("TimeToLiveSpecification", Shape::Record(&[needed("AttributeName", TEXT), needed("Enabled", YES_NO)])),
    inert("ProvisionedThroughput", "read and write capacity: on one machine tables are as fast as the disk"),
    inert("OnDemandThroughput", "read and write capacity: on one machine tables are as fast as the disk"),
    inert("WarmThroughput", "read and write capacity: on one machine tables are as fast as the disk"),
    inert(
        "PointInTimeRecoverySpecification",
        "point-in-time recovery: on one machine copy the data folder while the program is stopped",
    ),
    inert("SSESpecification", KEY),
    inert("DeletionProtectionEnabled", "deletion policies: on one machine only removing the data folder deletes data"),
    inert("TableClass", "storage classes: one machine has one disk"),
    inert("ContributorInsightsSpecification", "metrics of tables and APIs: one machine sends none"),
    TAGS,
    refused("KinesisStreamSpecification", "there is no Kinesis on one machine; use `StreamSpecification`"),
    refused("ImportSourceSpecification", "imports from S3 run in AWS only; remove it"),
    refused("ResourcePolicy", "write each function's permissions under its `Policies`"),
];

const ATTRIBUTE: &[Property] =
    &[needed("AttributeName", TEXT), needed("AttributeType", Shape::OneOf(&["S", "N", "B"]))];
const KEY_PART: &[Property] = &[needed("AttributeName", TEXT), needed("KeyType", Shape::OneOf(&["HASH", "RANGE"]))];
const INDEX: &[Property] = &[
    needed("IndexName", TEXT),
    needed("KeySchema", Shape::List(&Shape::Record(KEY_PART))),
    needed(
        "Projection",
        Shape::Record(&[
            needed("ProjectionType", Shape::OneOf(&["ALL", "KEYS_ONLY", "INCLUDE"])),
            run("NonKeyAttributes", TEXTS),
        ]),
    ),
    inert("ProvisionedThroughput", "read and write capacity: on one machine tables are as fast as the disk"),
    inert("OnDemandThroughput", "read and write capacity: on one machine tables are as fast as the disk"),
    inert("WarmThroughput", "read and write capacity: on one machine tables are as fast as the disk"),
    inert("ContributorInsightsSpecification", "metrics of tables and APIs: one machine sends none"),
];

const QUEUE: &[Property] = &[
    run("QueueName", TEXT),
    run("VisibilityTimeout", whole(0, 43_200, "seconds")),
    run("DelaySeconds", whole(0, 900, "seconds")),
    run("MessageRetentionPeriod", whole(60, 1_209_600, "seconds")),
    run("MaximumMessageSize", whole(1_024, 1_048_576, "bytes")),
    run("ReceiveMessageWaitTimeSeconds", whole(0, 20, "seconds")),
    run(
        "RedrivePolicy",
        Shape::Record(&[needed("deadLetterTargetArn", TEXT), needed("maxReceiveCount", whole(1, 1_000, "receives"))]),
    ),
    inert(
        "RedriveAllowPolicy",
        "access to dead-letter queues: on one machine the redrive policies of the template decide",
    ),
    inert("SqsManagedSseEnabled", KEY),
    inert("KmsMasterKeyId", KEY),
    inert("KmsDataKeyReusePeriodSeconds", KEY),
    TAGS,
    run("FifoQueue", Shape::Only(&["false"], LATER_GROUPS)),
    refused("ContentBasedDeduplication", LATER_GROUPS),
    refused("DeduplicationScope", LATER_GROUPS),
    refused("FifoThroughputLimit", LATER_GROUPS),
];

const BUS: &[Property] = &[
    needed("Name", TEXT),
    inert("Description", NAMES_ONLY),
    inert("KmsKeyIdentifier", KEY),
    TAGS,
    refused("EventSourceName", "partner events exist only on AWS; remove it"),
    refused("DeadLetterConfig", "give each target of each rule its own `DeadLetterConfig`"),
    refused("Policy", "write each function's permissions under its `Policies`"),
];

const RULE: &[Property] = &[
    run("Name", TEXT),
    run("EventBusName", TEXT),
    needed("EventPattern", Shape::Json),
    run("State", Shape::Only(&["ENABLED"], "remove the rule, or give it a `Condition`")),
    needed("Targets", Shape::List(&Shape::Record(TARGET))),
    inert("Description", NAMES_ONLY),
    TAGS,
    refused("ScheduleExpression", "write schedules under `Events` of a function, as `ScheduleV2`"),
    refused("RoleArn", "on one machine rules need no role; remove it"),
];

const TARGET: &[Property] = &[
    needed("Id", TEXT),
    needed("Arn", TEXT),
    run("Input", TEXT),
    run("InputPath", TEXT),
    run(
        "InputTransformer",
        Shape::Record(&[run("InputPathsMap", Shape::Names(&Shape::Text)), needed("InputTemplate", TEXT)]),
    ),
    run("DeadLetterConfig", Shape::Record(&[needed("Arn", TEXT)])),
    inert("RetryPolicy", NO_RETRY_POLICY),
    refused("RoleArn", "targets on one machine need no role; remove it"),
    refused("SqsParameters", LATER_GROUPS),
];

const HTTP_API: &[Property] = &[
    run(
        "Auth",
        Shape::Record(&[run("DefaultAuthorizer", TEXT), run("Authorizers", Shape::Names(&Shape::Record(AUTHORIZER)))]),
    ),
    run(
        "DefaultRouteSettings",
        Shape::Record(&[
            run("ThrottlingRateLimit", whole(1, 1_000_000, "requests a second")),
            run("ThrottlingBurstLimit", whole(1, 1_000_000, "requests")),
            inert("DetailedMetricsEnabled", "metrics of tables and APIs: one machine sends none"),
        ]),
    ),
    inert("Name", NAMES_ONLY),
    inert("Description", NAMES_ONLY),
    inert("StageName", "stages: on one machine the API has one, at the root"),
    inert("AccessLogSettings", "log groups: on one machine logs go to the terminal"),
    inert("FailOnWarnings", "deployment settings: on one machine nothing is deployed"),
    inert("DisableExecuteApiEndpoint", "domains: on one machine the API is at localhost"),
    inert("Domain", "domains: on one machine the API is at localhost"),
    TAGS,
    refused("CorsConfiguration", "CORS comes with a later version; call the API from a server"),
    refused("DefinitionBody", "write routes under `Events` of their functions"),
    refused("DefinitionUri", "write routes under `Events` of their functions"),
    refused("RouteSettings", "limits of single routes come with a later version; use `DefaultRouteSettings`"),
    refused("StageVariables", "give the function an environment variable instead"),
];

const AUTHORIZER: &[Property] = &[
    needed("FunctionArn", TEXT),
    needed("AuthorizerPayloadFormatVersion", Shape::Only(&["2.0"], "use `2.0` instead of version 1.0")),
    needed(
        "EnableSimpleResponses",
        Shape::Only(&["true"], "authorizers that return an IAM policy are not supported; use `true`"),
    ),
    inert(
        "EnableFunctionDefaultPermissions",
        "Lambda permissions: on one machine the event sources of the template may call their functions",
    ),
    inert(
        "FunctionInvokeRole",
        "Lambda permissions: on one machine the event sources of the template may call their functions",
    ),
    run(
        "Identity",
        Shape::Record(&[
            run("Headers", TEXTS),
            run("Context", Shape::List(&Shape::Only(&["routeKey", "$context.routeKey"], "use `routeKey`"))),
            run("ReauthorizeEvery", whole(0, 3_600, "seconds")),
            refused("QueryStrings", "put the credential in a header"),
            refused("StageVariables", "put the credential in a header"),
        ]),
    ),
    refused("JwtConfiguration", "tokens are checked by the authorizer function; see `FunctionArn`"),
    refused("IdentitySource", "write `Identity: { Headers: [...] }`"),
];

pub(super) const FUNCTION: &[Property] = &[
    run("FunctionName", TEXT),
    run("Timeout", whole(1, 900, "seconds")),
    run("MemorySize", whole(128, 10_240, "MB")),
    run("ReservedConcurrentExecutions", whole(0, 100_000, "calls")),
    run("Environment", Shape::Record(&[run("Variables", Shape::Names(&Shape::Text))])),
    run("Policies", Shape::Any),
    run("Events", Shape::Any),
    run(
        "Runtime",
        Shape::Only(
            &["provided.al2023", "provided.al2", "provided"],
            "functions are Rust binaries here; use `provided.al2023`",
        ),
    ),
    run("Handler", TEXT),
    run("CodeUri", TEXT),
    inert("Architectures", "processor architectures: on one machine functions use its processor"),
    inert("LoggingConfig", "log groups: on one machine logs go to the terminal"),
    inert("Tracing", "tracing with X-Ray: on one machine read the logs"),
    inert("EphemeralStorage", "temporary storage: on one machine functions share its disk"),
    inert("Description", NAMES_ONLY),
    inert("AutoPublishAlias", "versions and aliases: one machine runs only the functions it was built with"),
    inert("DeploymentPreference", "versions and aliases: one machine runs only the functions it was built with"),
    inert("ProvisionedConcurrencyConfig", "provisioned concurrency: on one machine functions are always started"),
    inert("KmsKeyArn", KEY),
    inert("PermissionsBoundary", "permission boundaries: on one machine the function's `Policies` decide"),
    inert("RecursiveLoop", "loop detection: on one machine watch the logs"),
    TAGS,
    refused("Role", "write the function's permissions under its `Policies`"),
    refused("InlineCode", "functions are Rust binaries here; name the binary in `Metadata.BuildProperties.Binary`"),
    refused("ImageUri", "functions are Rust binaries here; name the binary in `Metadata.BuildProperties.Binary`"),
    refused("PackageType", "functions are Rust binaries here; name the binary in `Metadata.BuildProperties.Binary`"),
    refused("Layers", "one machine loads no layers; link what the function needs"),
    refused("VpcConfig", "one machine has no private network; put it in an `!If`"),
    refused("FileSystemConfigs", "one machine mounts no file systems for functions; remove it"),
    refused("FunctionUrlConfig", "give the function an `HttpApi` event"),
    refused("EventInvokeConfig", "functions are not called asynchronously here; use a queue"),
    refused("DeadLetterQueue", "functions are not called asynchronously here; give its queue a `RedrivePolicy`"),
    refused("SnapStart", "functions are Rust binaries here, which start in milliseconds; remove it"),
];

/// Event types of functions.
pub(super) const EVENTS: &[ResourceType] = &[
    ResourceType { name: "SQS", fate: TypeFate::Run(SQS_EVENT) },
    ResourceType { name: "DynamoDB", fate: TypeFate::Run(STREAM_EVENT) },
    ResourceType { name: "Schedule", fate: TypeFate::Run(SCHEDULE_EVENT) },
    ResourceType { name: "ScheduleV2", fate: TypeFate::Run(SCHEDULE_V2_EVENT) },
    ResourceType { name: "HttpApi", fate: TypeFate::Run(HTTP_API_EVENT) },
    ResourceType { name: "EventBridgeRule", fate: TypeFate::Run(BUS_EVENT) },
    ResourceType { name: "Api", fate: TypeFate::Refused("use `HttpApi`") },
    ResourceType { name: "CloudWatchEvent", fate: TypeFate::Refused("use its newer name, `EventBridgeRule`") },
    ResourceType { name: "CloudWatchLogs", fate: TypeFate::Refused("one machine keeps no log groups; remove it") },
    ResourceType { name: "S3", fate: TypeFate::Refused("there is no S3 on one machine; use a queue") },
    ResourceType {
        name: "SNS",
        fate: TypeFate::Refused("there is no SNS on one machine; use `EventBridgeRule` or a queue"),
    },
    ResourceType {
        name: "Kinesis",
        fate: TypeFate::Refused("there is no Kinesis on one machine; use a table's stream or a queue"),
    },
];

const FILTERS: Property = run(
    "FilterCriteria",
    Shape::Record(&[needed("Filters", Shape::List(&Shape::Record(&[needed("Pattern", Shape::Json)])))]),
);
const PARTIAL: Property = run("FunctionResponseTypes", Shape::List(&Shape::OneOf(&["ReportBatchItemFailures"])));
const WINDOW: Property = run("MaximumBatchingWindowInSeconds", whole(0, 300, "seconds"));
const ENABLED: Property =
    run("Enabled", Shape::Only(&["true"], "remove the event, or give its function a `Condition`"));

const SQS_EVENT: &[Property] = &[
    needed("Queue", TEXT),
    run("BatchSize", whole(1, 10_000, "messages")),
    WINDOW,
    PARTIAL,
    run("ScalingConfig", Shape::Record(&[needed("MaximumConcurrency", whole(2, 1_000, "calls"))])),
    FILTERS,
    ENABLED,
    inert("MetricsConfig", "metrics of tables and APIs: one machine sends none"),
    inert("KmsKeyArn", KEY),
];

const STREAM_EVENT: &[Property] = &[
    needed("Stream", TEXT),
    needed("StartingPosition", Shape::OneOf(&["TRIM_HORIZON", "LATEST"])),
    run("BatchSize", whole(1, 10_000, "records")),
    WINDOW,
    PARTIAL,
    run("BisectBatchOnFunctionError", YES_NO),
    run("MaximumRetryAttempts", whole(-1, 10_000, "attempts")),
    run(
        "DestinationConfig",
        Shape::Record(&[needed(
            "OnFailure",
            Shape::Record(&[
                run("Type", Shape::Only(&["SQS"], "failures can go only to a queue; use `SQS`")),
                needed("Destination", TEXT),
            ]),
        )]),
    ),
    FILTERS,
    ENABLED,
    inert(
        "ParallelizationFactor",
        "parallel batches of a shard: on one machine a stream has one shard and one call at a time",
    ),
    inert("MetricsConfig", "metrics of tables and APIs: one machine sends none"),
    inert("KmsKeyArn", KEY),
    refused("MaximumRecordAgeInSeconds", "records here are kept for 24 hours; use `MaximumRetryAttempts`"),
    refused("TumblingWindowInSeconds", "keep the state in a table"),
];

const SCHEDULE_EVENT: &[Property] = &[
    needed("Schedule", TEXT),
    run("Input", TEXT),
    ENABLED,
    run("State", Shape::Only(&["ENABLED"], "remove the event, or give its function a `Condition`")),
    inert("Name", NAMES_ONLY),
    inert("Description", NAMES_ONLY),
    inert("RetryPolicy", NO_RETRY_POLICY),
    refused("DeadLetterConfig", "a failed schedule runs again after its period; remove it"),
];

const SCHEDULE_V2_EVENT: &[Property] = &[
    needed("ScheduleExpression", TEXT),
    run("Input", TEXT),
    run("State", Shape::Only(&["ENABLED"], "remove the event, or give its function a `Condition`")),
    inert("Name", NAMES_ONLY),
    inert("Description", NAMES_ONLY),
    inert("FlexibleTimeWindow", "flexible time windows: on one machine schedules are on time"),
    inert("RetryPolicy", NO_RETRY_POLICY),
    inert("PermissionsBoundary", "permission boundaries: on one machine the function's `Policies` decide"),
    refused("DeadLetterConfig", "a failed schedule runs again after its period; remove it"),
    refused("StartDate", "schedules here run from the start; remove it"),
    refused("EndDate", "schedules here run until the end; remove it"),
    refused("ScheduleExpressionTimezone", "`rate()` has no time zone; remove it"),
    refused("GroupName", "one machine has no schedule groups; remove it"),
    refused("RoleArn", "on one machine schedules need no role; remove it"),
];

const HTTP_API_EVENT: &[Property] = &[
    run("ApiId", TEXT),
    run("Method", TEXT),
    run("Path", TEXT),
    run(
        "Auth",
        Shape::Record(&[
            run("Authorizer", TEXT),
            refused("AuthorizationScopes", "scopes are checked by the authorizer function; remove it"),
        ]),
    ),
    run("PayloadFormatVersion", Shape::Only(&["2.0"], "use `2.0` instead of version 1.0")),
    inert("TimeoutInMillis", "timeouts of the API: on one machine the function's `Timeout` decides"),
    refused(
        "RouteSettings",
        "limits of single routes come with a later version; use `DefaultRouteSettings` of the API",
    ),
];

const BUS_EVENT: &[Property] = &[
    run("EventBusName", TEXT),
    needed("Pattern", Shape::Json),
    run("Input", TEXT),
    run("InputPath", TEXT),
    run(
        "InputTransformer",
        Shape::Record(&[run("InputPathsMap", Shape::Names(&Shape::Text)), needed("InputTemplate", TEXT)]),
    ),
    run("RuleName", TEXT),
    run("DeadLetterConfig", Shape::Record(&[needed("Arn", TEXT)])),
    run("State", Shape::Only(&["ENABLED"], "remove the event, or give its function a `Condition`")),
    inert("RetryPolicy", NO_RETRY_POLICY),
    inert("Target", NAMES_ONLY),
];

/// A statement of a policy.
pub(super) const STATEMENT: &[Property] = &[
    run("Sid", TEXT),
    needed("Effect", Shape::OneOf(&["Allow", "Deny"])),
    needed("Action", Shape::OneOrMany(&Shape::Text)),
    needed("Resource", Shape::OneOrMany(&Shape::Text)),
    refused("NotAction", "name the actions in `Action`"),
    refused("NotResource", "name the resources in `Resource`"),
    refused(
        "Condition",
        "conditions are not evaluated here, so the function would get more rights than on AWS; remove it",
    ),
    refused("Principal", "a function's own policy has no principal; remove it"),
];

/// A policy of a function.
pub(super) const POLICY: &[Property] = &[
    run("Version", Shape::OneOf(&["2012-10-17", "2008-10-17"])),
    run("Id", TEXT),
    needed("Statement", Shape::OneOrMany(&Shape::Record(STATEMENT))),
];
