use proptest::prelude::*;

use super::*;
use crate::submission::schema::FIELDS;

fn ok(json: &str) -> Vec<(String, String)> {
    Submission::from_json(json.as_bytes()).expect(json).fields.into_iter().collect()
}

fn problems(json: &str) -> Vec<String> {
    Submission::from_json(json.as_bytes()).expect_err(json).iter().map(ToString::to_string).collect()
}

#[test]
fn keeps_the_senders_own_values() {
    let json = r#"{
        "email": " Ada@Acme.example ", "phone": "call me", "country": "Atlantis", "employees": 200, "consent_email": true, "consent_phone": "no",
        "message": " Hello,\r\n\tworld\u0000 ", "company": "Acme \n  GmbH\u200b", "city": "", "state": "   ", "product": null, "emial": "typo", "budget": 1.5, "vip": false, " my field ": "x", "custom.size": "L"
    }"#;
    let expected = [
        ("company", "Acme GmbH"),
        ("consent_email", "true"),
        ("consent_phone", "no"),
        ("country", "Atlantis"),
        ("custom.budget", "1.5"),
        ("custom.emial", "typo"),
        ("custom.my field", "x"),
        ("custom.size", "L"),
        ("custom.vip", "false"),
        ("email", "Ada@Acme.example"),
        ("employees", "200"),
        ("message", "Hello,\n world"),
        ("phone", "call me"),
    ];
    assert_eq!(ok(json), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn reports_every_problem_at_once() {
    let json = r#"{
        "email": "anna(at)x", "phone": 4930901820, "employees": [200], "consent_email": "perhaps", "consent_phone": 1, "preferred_channel": "pigeon", "postal_code": 1067, "address": {"street": "x"}, "tags": [],
        "a/b": "x", "": "x", "first_name": "A", "first_name": "B"
    }"#;
    insta::assert_snapshot!(problems(json).join("\n"), @"
    /email: `anna(at)x` is not an e-mail address; write it like name@company.example
    /phone: must be text, not a number; put it in quotes
    /employees: must be a number or text, not a list
    /consent_email: `perhaps` is neither yes nor no; write true or false
    /consent_phone: must be true, false or text, not a number
    /preferred_channel: `pigeon` is not a channel; write email, phone, sms or whatsapp
    /postal_code: must be text, not a number; put it in quotes
    /address: is not a lead field, and a custom field cannot hold an object; send text, a number, true or false
    /tags: is not a lead field, and a custom field cannot hold a list; send text, a number, true or false
    /a~1b: is not a valid name for a custom field; use 1 to 64 letters, digits, spaces, `_`, `-` or `.`
    /: is not a valid name for a custom field; use 1 to 64 letters, digits, spaces, `_`, `-` or `.`
    /first_name: `first_name` appears twice; send it once
    ");
}

#[test]
fn requires_an_address_or_a_valid_phone_number() {
    for json in ["{}", r#"{"email": "", "phone": " "}"#, r#"{"email": null, "company": "Acme"}"#] {
        assert_eq!(
            problems(json),
            [
                "/email: is missing; send an e-mail address or a phone number (`phone`) so that the person can be reached"
            ]
        );
    }
    for json in [
        r#"{"phone": "+49 30 901820"}"#,
        r#"{"phone": "030 901820", "country": "Deutschland"}"#,
        r#"{"email": "a@b.example", "phone": "?"}"#,
    ] {
        ok(json);
    }
    assert_eq!(
        problems(r#"{"phone": "030 901820"}"#),
        [
            "/phone: `030 901820` is not a valid phone number, and there is no e-mail address; write the number with its country code, like +49 30 901820"
        ]
    );
    assert_eq!(problems(r#"{"email": 5}"#), ["/email: must be text, not a number; put it in quotes"]);
}

#[test]
fn counts_lengths_in_characters() {
    for (field, longest) in [("message", 5_000), ("company", 200), ("website", 300), ("anything", 1_000)] {
        let json = |length: usize| format!(r#"{{"email": "a@b.example", "{field}": "{}"}}"#, "é".repeat(length));
        ok(&json(longest));
        assert_eq!(
            problems(&json(longest + 1)),
            [format!("/{field}: has {} characters; the limit is {longest}", longest + 1)]
        );
    }
    let long = format!(r#"{{"email": "{}"}}"#, "x".repeat(100));
    assert_eq!(
        problems(&long),
        [format!("/email: `{}…` is not an e-mail address; write it like name@company.example", "x".repeat(60))]
    );
}

#[test]
fn limits_custom_fields() {
    let with = |count: usize| {
        let custom: Vec<_> = (0..count).map(|n| format!(r#", "c{n}": "x""#)).collect();
        let custom = custom.concat();
        format!(r#"{{"email": "a@b.example"{custom}}}"#)
    };
    ok(&with(MOST_CUSTOM));
    assert_eq!(
        problems(&with(MOST_CUSTOM + 1)),
        ["the submission has 51 fields that are not in the lead schema; the limit is 50 custom fields"]
    );
    assert_eq!(
        problems(r#"{"email": "a@b.example", "x": "1", " x": "2"}"#),
        ["/ x: is a duplicate of the custom field `x`; send it once"]
    );
    let name = "n".repeat(65);
    assert_eq!(problems(&format!(r#"{{"email": "a@b.example", "{name}": "1"}}"#)).len(), 1);
}

#[test]
fn reports_malformed_json_with_its_position() {
    let said: Vec<_> = [
        "",
        "{",
        "{\"email\": \"a@b.example\",\n \"x\" 1}",
        "[]",
        "\"secret\"",
        "7",
        "null",
        "{} x",
        &"[".repeat(200),
        &format!(r#"{{"a": {}}}"#, "[".repeat(200) + &"]".repeat(200)),
    ]
    .map(|json| problems(json).join("; "))
    .into();
    insta::assert_snapshot!(said.join("\n"), @r#"
    the body is not JSON: it is empty
    the body is not JSON: it ends at line 1, column 1
    the body is not JSON: `:` is missing at line 2, column 6
    the body must be an object like {"email": "name@company.example"}, not a list
    the body must be an object like {"email": "name@company.example"}, not text
    the body must be an object like {"email": "name@company.example"}, not a number
    the body must be an object like {"email": "name@company.example"}, not null
    the body is not JSON: text follows its end at line 1, column 4
    the body is not JSON: it ends at line 1, column 200
    the body is not JSON: it is nested too deeply at line 1, column 133
    "#);
    assert_eq!(Submission::from_json(b"\xef\xbb\xbf{\"email\": \"a@b.example\"}").unwrap().fields.len(), 1);
    assert_eq!(Submission::from_json(b"{\"email\": \"\xff\"}").unwrap_err().len(), 1);
}

#[test]
fn hashes_the_fields_not_the_layout() {
    let hash = |json: &str| Submission::from_json(json.as_bytes()).unwrap().payload_hash();
    let one = hash(r#"{"email": "a@b.example", "company": "Acme"}"#);
    assert_eq!(one, hash(r#"{ "company": " Acme", "email": "a@b.example", "city": null }"#));
    assert_ne!(one, hash(r#"{"email": "a@b.example", "company": "Acme2"}"#));
    assert_ne!(one, hash(r#"{"email": "a@b.example", "city": "Acme"}"#));
    insta::assert_snapshot!(one, @"089a19c4c85264c5205a0abe2acad0b600019b74d340d29ba0cb0b9dfb81c201");
}

#[test]
fn reads_json_and_lists_alike() {
    let list = list::List::parse(b"email,company,Budget\na@b.example, Acme ,5\n").unwrap();
    let from_list = list.rows().next().unwrap().result.unwrap();
    let from_json = Submission::from_json(br#"{"email": "a@b.example", "company": "Acme", "Budget": 5}"#).unwrap();
    assert_eq!(from_list, from_json);
    assert_eq!(from_list.payload_hash(), from_json.payload_hash());
}

proptest! {
    #[test]
    fn rejects_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Submission::from_json(&bytes).is_err());
    }

    #[test]
    fn accepts_again_what_it_kept(names in proptest::collection::vec(prop_oneof![proptest::sample::select(FIELDS).prop_map(|field| field.name.to_owned()), any::<String>()], 0..8), texts in proptest::collection::vec(any::<String>(), 8)) {
        let object: serde_json::Map<_, _> = names.into_iter().zip(texts.into_iter().map(Value::String)).collect();
        let bytes = serde_json::to_vec(&object).unwrap();
        if let Ok(submission) = Submission::from_json(&bytes) {
            // What was kept must pass the checks again.
            let kept: serde_json::Map<_, _> = submission.fields.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
            prop_assert_eq!(Submission::from_json(&serde_json::to_vec(&kept).unwrap()), Ok(submission));
        }
    }
}
