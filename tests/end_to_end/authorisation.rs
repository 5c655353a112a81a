//! Who may do what, for every route of the table and every kind of caller, as the gateway and the functions answer it.
//!
//! What is expected follows from the table ([`fairleader_api::route`]): a route without a key admits everybody, a
//! caller that nobody knows never gets past the gateway, a role that the table does not name is forbidden, and every
//! other caller gets past the question of rights. Reps and sources learn nothing of what belongs to others.

use std::collections::BTreeMap;

use fairleader_api::route::{Access, Method, Operation, operations};
use fairleader_api::{Code, Role};
use serde_json::{Value, json};

use crate::harness::{Caller, Reply, Stack};

/// What the gateway or a function makes of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// 401 of the gateway: there is no key.
    NoKey,
    /// 403 of the gateway: nobody has this key.
    UnknownKey,
    /// 403 of the function: the role does not allow it.
    Forbidden,
    Allowed,
}

/// A caller.
struct Someone<'a> {
    name: String,
    caller: Caller<'a>,
    /// Headers beside the key.
    headers: Vec<(&'static str, String)>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    NoKey,
    UnknownKey,
    Known(Role),
}

impl Kind {
    /// Returns what the table says about a caller of this kind.
    fn expected(self, access: Access) -> Verdict {
        match self {
            _ if access == Access::Anyone => Verdict::Allowed,
            Self::NoKey => Verdict::NoKey,
            Self::UnknownKey => Verdict::UnknownKey,
            Self::Known(role) if access.admits(role) => Verdict::Allowed,
            Self::Known(_) => Verdict::Forbidden,
        }
    }
}

/// Reads the verdict from a reply.
fn verdict(operation: &Operation, reply: &Reply) -> Verdict {
    let gateway = |message: &str| reply.body == json!({"message": message});
    let code = reply.body["code"].as_str().unwrap_or_default();
    match reply.status {
        401 if gateway("Unauthorized") => Verdict::NoKey,
        403 if gateway("Forbidden") => Verdict::UnknownKey,
        403 if code == Code::Forbidden.as_str() => Verdict::Forbidden,
        // Such as `not_a_person`: the role is right, but something else is missing.
        403 if operation.codes.iter().any(|known| known.status() == 403 && known.as_str() == code) => Verdict::Allowed,
        200..=299 | 400 | 404 | 409 | 412 | 422 => Verdict::Allowed,
        status => panic!("{operation}: {status} {}", reply.text),
    }
}

fn method(operation: &Operation) -> reqwest::Method {
    match operation.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// Returns the path of a route with these ids; `none` for other parameters.
fn path(operation: &Operation, ids: &BTreeMap<&str, String>) -> String {
    let segments = operation.path.split('/').map(|segment| {
        let Some(name) = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) else {
            return segment.to_owned();
        };
        let kind = operation.path.split('/').nth(2).unwrap_or_default();
        ids.get(name).or_else(|| ids.get(kind)).cloned().unwrap_or_else(|| "none".to_owned())
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn ask(someone: &Someone<'_>, operation: &Operation, path: &str) -> Reply {
    let headers: Vec<(&str, &str)> = someone.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Without a body nothing is changed, whoever may do it.
    someone.caller.send(method(operation), path, &headers, Vec::new()).await
}

/// Returns a caller of every kind.
async fn everybody(stack: &Stack) -> Vec<Someone<'_>> {
    let admin = stack.by(Role::Admin);
    let made = async |asked: Value| {
        let made = admin.post("/v1/keys", asked).await.expect(201);
        (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
    };
    let someone = |name: &str, key: &str, kind| Someone {
        name: name.to_owned(),
        caller: stack.with_key(key),
        headers: Vec::new(),
        kind,
    };
    let with = |name: &str, value: String, kind| Someone {
        headers: vec![("authorization", value)],
        ..someone(name, "", kind)
    };
    let admins = stack.machine().keys.of(Role::Admin).to_owned();
    let mut all = vec![
        someone("no key", "", Kind::NoKey),
        someone("a guessed key", "fl_0123456789abcdef", Kind::UnknownKey),
        someone("half an admin's key", &admins[..admins.len() / 2], Kind::UnknownKey),
        someone("an admin's key in capitals", &admins.to_uppercase(), Kind::UnknownKey),
        with("another scheme", format!("Basic {admins}"), Kind::UnknownKey),
        with("an admin's key without a scheme", admins.clone(), Kind::UnknownKey),
        with("a scheme without a key", "Bearer".to_owned(), Kind::UnknownKey),
    ];
    for role in [Role::Source, Role::Viewer, Role::Marketing, Role::Sales, Role::Admin] {
        let key = stack.machine().keys.of(role);
        all.push(someone(&format!("a program: {}", role.as_str()), key, Kind::Known(role)));
    }
    for (subject, role) in [("anna", Role::Rep), ("ben", Role::Rep), ("partner", Role::Source)] {
        let (key, _) = made(json!({"role": role, "subject": subject})).await;
        all.push(someone(&format!("{subject}, {}", role.as_str()), &key, Kind::Known(role)));
    }
    for role in [Role::Viewer, Role::Marketing, Role::Sales, Role::Admin] {
        let id = format!("person-{}", role.as_str());
        let about = json!({"name": id, "email": format!("{id}@fairleader.example"), "role": role});
        admin.put(&format!("/v1/people/{id}"), about).await.expect(200);
        let (key, _) = made(json!({"person": id})).await;
        all.push(someone(&format!("a person: {}", role.as_str()), &key, Kind::Known(role)));
    }
    let (revoked, id) = made(json!({"role": "admin", "subject": "gone"})).await;
    admin.delete(&format!("/v1/keys/{id}")).await;
    all.push(someone("a revoked key of an admin", &revoked, Kind::UnknownKey));
    let about = json!({"name": "Nils", "email": "nils@fairleader.example", "role": "admin"});
    admin.put("/v1/people/nils", about).await.expect(200);
    let (former, _) = made(json!({"person": "nils"})).await;
    admin.delete("/v1/people/nils").await;
    all.push(someone("a person who was deleted", &former, Kind::UnknownKey));
    let (former, _) = made(json!({"role": "rep", "subject": "frida"})).await;
    admin.delete("/v1/reps/frida").await;
    all.push(someone("a rep who was deleted", &former, Kind::UnknownKey));
    all
}

/// Returns ids that exist, by parameter or by the kind in the path.
async fn existing(stack: &Stack, lead: &str) -> BTreeMap<&'static str, String> {
    let admin = stack.by(Role::Admin);
    let import = admin.post("/v1/imports", json!({"name": "fair"})).await.expect(201);
    let key = admin.post("/v1/keys", json!({"role": "viewer", "subject": "screen"})).await.expect(201);
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    BTreeMap::from([
        ("lead_id", lead.to_owned()),
        ("pool_id", "inbound".to_owned()),
        ("version", "000001".to_owned()),
        ("reps", "anna".to_owned()),
        ("pools", "inbound".to_owned()),
        ("accounts", "acme".to_owned()),
        ("people", "mara".to_owned()),
        ("part", "1".to_owned()),
        ("imports", id(&import["import_id"])),
        ("keys", id(&key["id"])),
    ])
}

/// Returns all settings, to see that nothing has changed.
async fn settings(stack: &Stack) -> Vec<Value> {
    // Some of these read an index, which is late.
    stack.indexed().await;
    let admin = stack.by(Role::Admin);
    let mut all = Vec::new();
    for path in ["/v1/audit", "/v1/reps", "/v1/pools", "/v1/people", "/v1/keys", "/v1/rulebooks", "/v1/tables"] {
        all.push(admin.get(path).await.expect(200));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_admits_whom_the_table_names_and_nobody_else() {
    let stack = Stack::start().await;
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    let everybody = everybody(&stack).await;
    let (ids, none) = (existing(&stack, &lead).await, BTreeMap::new());
    let before = settings(&stack).await;
    let (mut wrong, mut verdicts) = (Vec::new(), BTreeMap::<Verdict, u32>::new());
    for operation in operations() {
        for someone in &everybody {
            let expected = someone.kind.expected(operation.access);
            // Who may do it does it to nothing; who may not must not be able to do it to anything.
            let paths = if expected == Verdict::Allowed { vec![&none] } else { vec![&none, &ids] };
            for ids in paths {
                let path = path(operation, ids);
                let reply = ask(someone, operation, &path).await;
                let found = verdict(operation, &reply);
                *verdicts.entry(found).or_default() += 1;
                if found != expected {
                    wrong.push(format!(
                        "{} {path}, {}: {found:?} instead of {expected:?}: {}",
                        operation.method.as_str(),
                        someone.name,
                        reply.text
                    ));
                }
            }
        }
    }
    println!("{} routes, {} callers: {verdicts:?}", operations().len(), everybody.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(verdicts.len(), 4, "every verdict occurs: {verdicts:?}");
    assert_eq!(before, settings(&stack).await, "refused calls change nothing");
    stack.finish().await;
}

/// Removes what differs between the replies about two leads.
fn about(reply: &Reply, lead: &str) -> (u16, String) {
    (reply.status, reply.text.replace(lead, "[lead]"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reps_and_sources_learn_nothing_of_the_leads_of_others() {
    let stack = Stack::start().await;
    // Spain is Carla's alone.
    let lead = stack.submit(json!({"email": "ada@lovelace.example", "country": "ES", "did": "demo"})).await;
    stack.at(&lead, "assigned").await;
    let unknown = "24c875e2-d32c-565d-a365-9f2e35ff9e4f";
    let everybody = everybody(&stack).await;
    let foreign = |name: &str| everybody.iter().find(|someone| someone.name == name).unwrap();
    let ids = |lead: &str| BTreeMap::from([("lead_id", lead.to_owned()), ("pool_id", "iberia".to_owned())]);
    let (mut leads, mut pools) = (0, 0);
    for operation in operations() {
        for (someone, role) in [(foreign("anna, rep"), Role::Rep), (foreign("partner, source"), Role::Source)] {
            if !operation.access.admits(role) || operation.access == Access::Anyone {
                continue;
            }
            if operation.path.contains("{lead_id}") {
                let theirs = ask(someone, operation, &path(operation, &ids(&lead))).await;
                let nobodys = ask(someone, operation, &path(operation, &ids(unknown))).await;
                assert_eq!(theirs.status, 404, "{operation}, {}: {}", someone.name, theirs.text);
                assert_eq!(about(&theirs, &lead), about(&nobodys, unknown), "{operation}, {}", someone.name);
                leads += 1;
            }
            if operation.codes.contains(&Code::NotAMember) {
                let refused = ask(someone, operation, &path(operation, &ids(&lead))).await;
                assert_eq!((refused.status, &refused.body["code"]), (403, &json!("not_a_member")), "{}", refused.text);
                pools += 1;
            }
        }
    }
    assert!(leads >= 5 && pools >= 1, "{leads} routes of leads and {pools} of pools were asked");

    // A rep gets their own inbox, whoever they ask for, and finds no lead of others by its address.
    let anna = stack.rep("anna").await;
    assert_eq!(anna.get("/v1/inbox?rep=carla").await.expect(200), anna.get("/v1/inbox").await.expect(200));
    assert_eq!(anna.get("/v1/leads?email=ada@lovelace.example").await.expect(200)["leads"], json!([]));
    // Who it belongs to sees it.
    let carla = stack.rep("carla").await;
    carla.get(&format!("/v1/leads/{lead}")).await.expect(200);
    assert_eq!(carla.get("/v1/inbox").await.expect(200)["leads"][0]["lead_id"], json!(lead));
    assert_eq!(carla.get("/v1/leads?email=ada@lovelace.example").await.expect(200)["leads"][0]["lead_id"], json!(lead));
    let stage = stack.by(Role::Source).get(&format!("/v1/leads/{lead}")).await.expect(200);
    assert_eq!(stage["stage"], "assigned");
    stack.finish().await;
}
