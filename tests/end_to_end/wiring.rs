//! The template wires exactly the routes of the table of routes.

use std::collections::{BTreeMap, BTreeSet};

use fairleader_api::route::{Access, operations};
use fairleader_local::machine::REGION;
use fairleader_local::stack::EventSource;
use fairleader_local::template::{self, Settings};
use serde_json::json;

use crate::harness::TEMPLATE;

fn functions() -> Vec<fairleader_local::stack::Function> {
    let settings = Settings {
        stack_name: "fairleader".to_owned(),
        region: REGION.to_owned(),
        account: "000000000000".to_owned(),
        endpoint_url: "http://127.0.0.1:3001".to_owned(),
        parameters: BTreeMap::new(),
    };
    template::read(TEMPLATE, "infra/template.yaml", &settings).unwrap().functions
}

#[test]
fn the_template_has_exactly_the_routes_of_the_table() {
    let mut wired = BTreeSet::new();
    for function in functions() {
        for source in function.sources {
            if let EventSource::Route { method, path, authorized } = source {
                wired.insert((format!("{method} {path}"), function.binary.clone(), authorized));
            }
        }
    }
    let table: BTreeSet<_> = operations()
        .into_iter()
        .map(|row| (row.key(), row.function.to_owned(), row.access != Access::Anyone))
        .collect();
    let only_wired: Vec<_> = wired.difference(&table).collect();
    let only_in_table: Vec<_> = table.difference(&wired).collect();
    assert!(only_wired.is_empty() && only_in_table.is_empty(), "template {only_wired:#?}, table {only_in_table:#?}");
    assert_eq!(table.len(), operations().len(), "no route stands in the table twice");
}

/// Largest resource policy of a function, in bytes: "Function resource-based policy: 20 KB" in the quotas of AWS
/// Lambda, <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>. It cannot be raised.
const LARGEST_POLICY: usize = 20 * 1024;

/// Returns the size of a function's resource policy, in bytes, for its routes and the longest names that AWS allows.
///
/// SAM makes one `AWS::Lambda::Permission` for every `HttpApi` event. Its source is the API, any stage, the method, and
/// the path with `*` for every parameter (`samtranslator/model/eventsources/push.py`). Lambda stores each as one
/// statement of the policy, in the form that `GetPolicy` shows; CloudFormation generates its `Sid`.
fn policy_size(routes: &[(String, String)]) -> usize {
    let statements: Vec<_> = routes
        .iter()
        .map(|(method, path)| {
            let path: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "*" } else { part }).collect();
            let region = "ap-southeast-1";
            json!({
                "Sid": "x".repeat(100),
                "Effect": "Allow",
                "Principal": { "Service": "apigateway.amazonaws.com" },
                "Action": "lambda:InvokeFunction",
                "Resource": format!("arn:aws-us-gov:lambda:{region}:123456789012:function:{}", "x".repeat(64)),
                "Condition": { "ArnLike": { "AWS:SourceArn": format!(
                    "arn:aws-us-gov:execute-api:{region}:123456789012:a1b2c3d4e5/*/{method}{}",
                    path.join("/")
                ) } },
            })
        })
        .collect();
    json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements }).to_string().len()
}

#[test]
fn no_function_has_more_routes_than_its_resource_policy_holds() {
    let mut sizes = BTreeMap::new();
    for function in functions() {
        let routes: Vec<(String, String)> = function
            .sources
            .into_iter()
            .filter_map(|source| match source {
                EventSource::Route { method, path, .. } => Some((method, path)),
                _ => None,
            })
            .collect();
        sizes.insert(function.binary, (routes.len(), policy_size(&routes)));
    }
    let largest = sizes.values().map(|(_, bytes)| *bytes).max().unwrap();
    // Leaves room for a third more routes.
    assert!(largest * 4 / 3 < LARGEST_POLICY, "{sizes:#?}");
    // All routes in one function would not fit, which shows that the measure works.
    let all: Vec<(String, String)> =
        operations().iter().map(|row| (row.method.as_str().to_owned(), row.path.to_owned())).collect();
    assert!(policy_size(&all) > LARGEST_POLICY, "{} routes take {} bytes", all.len(), policy_size(&all));
}
