//! Examples of requests in the OpenAPI document.

use serde_json::{Value, json};

/// Returns an example of a body of this type.
pub(super) fn of(kind: &str) -> Option<Value> {
    Some(match kind {
        "Submission" => json!({
            "email": "ada@lovelace.example", "first_name": "Ada", "last_name": "Lovelace", "job_title": "CTO",
            "company": "Lovelace Engines", "country": "GB", "employees": 400, "did": "demo"
        }),
        "ActivityReport" => json!({"email": "ada@lovelace.example", "did": "webinar", "response": "attended"}),
        "Accept" => json!({"assignment": 1}),
        "Availability" => json!({"on": true}),
        "Rep" => json!({
            "name": "Anna Berg", "email": "anna@fairleader.example", "zone": "Europe/Berlin",
            "hours": "mon-fri 09:00-17:00", "languages": ["de", "en"], "capacity": 20
        }),
        "Pool" => json!({"name": "Inbound", "members": [{"rep": "anna"}, {"rep": "ben", "weight": 2}]}),
        "Account" => json!({"name": "Acme", "domains": ["acme.example"], "owner": "anna", "status": "customer"}),
        "NewComment" => json!({"text": "Who takes Liechtenstein?"}),
        "NewApproval" => json!({"comment": "Agreed with the Nordics team"}),
        "NewObjection" => json!({"reason": "Spain is not staffed before May"}),
        "Withdraw" => json!({"person": "otto"}),
        "NewActivation" => json!({"at": "2027-04-01T06:00:00Z"}),
        "RollBack" => json!({"from": "000002", "reason": "Leads from Spain go to the wrong pool"}),
        "NewReroute" => json!({"preview": true}),
        "RedriveMany" => json!({"reason": "failed_in_fairleader-enrich"}),
        "NewImport" => json!({"name": "Hannover fair", "source": "fair", "dry_run": true}),
        "Person" => json!({"name": "Mara Lind", "email": "mara@fairleader.example", "role": "marketing"}),
        "NewKey" => json!({"role": "source", "subject": "website"}),
        "Csv" => json!("email,company\nada@lovelace.example,Lovelace Engines\n"),
        "Yaml" => json!("company: { zone: Europe/Berlin, currency: EUR }\n"),
        _ => return None,
    })
}

/// Returns an example of a path parameter.
pub(super) fn of_path(path: &str, name: &str) -> &'static str {
    match name {
        "lead_id" => "24c875e2-d32c-565d-a365-9f2e35ff9e4f",
        "pool_id" => "inbound",
        "version" => "000001",
        "name" => "territories",
        "part" => "1",
        _ if path.starts_with("/v1/imports") => "019580f2-6c1e-7d3a-9b52-0242ac120002",
        _ if path.starts_with("/v1/keys") => "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        _ if path.starts_with("/v1/pools") => "inbound",
        _ if path.starts_with("/v1/accounts") => "acme",
        _ if path.starts_with("/v1/people") => "mara",
        _ => "anna",
    }
}
