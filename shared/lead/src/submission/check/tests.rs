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
fn a_lead_is_kept_in_the_senders_words() {
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
fn every_problem_is_said_at_once() {
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
    /address: is not a field of a lead, and an object cannot be kept as a custom field; send text, a number, true or false
    /tags: is not a field of a lead, and a list cannot be kept as a custom field; send text, a number, true or false
    /a~1b: is not a name for a custom field; use 1 to 64 letters, digits, blanks, `_`, `-` or `.`
    /: is not a name for a custom field; use 1 to 64 letters, digits, blanks, `_`, `-` or `.`
    /first_name: is given twice; send it once
    ");
}

#[test]
fn somebody_must_be_reachable() {
    for json in ["{}", r#"{"email": "", "phone": " "}"#, r#"{"email": null, "company": "Acme"}"#] {
        assert_eq!(
            problems(json),
            [
                "/email: is missing; give an e-mail address or a telephone number (`phone`), so that the person can be reached"
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
            "/phone: `030 901820` is not a number that can be called, and there is no e-mail address; write it with its country code, like +49 30 901820"
        ]
    );
    assert_eq!(problems(r#"{"email": 5}"#), ["/email: must be text, not a number; put it in quotes"]);
}

#[test]
fn lengths_are_counted_in_characters() {
    for (field, longest) in [("message", 5_000), ("company", 200), ("website", 300), ("anything", 1_000)] {
        let json = |length: usize| format!(r#"{{"email": "a@b.example", "{field}": "{}"}}"#, "é".repeat(length));
        ok(&json(longest));
        assert_eq!(
            problems(&json(longest + 1)),
            [format!("/{field}: has {} characters; at most {longest} are kept", longest + 1)]
        );
    }
    let long = format!(r#"{{"email": "{}"}}"#, "x".repeat(100));
    assert_eq!(
        problems(&long),
        [format!("/email: `{}…` is not an e-mail address; write it like name@company.example", "x".repeat(60))]
    );
}

#[test]
fn custom_fields_have_bounds() {
    let with = |count: usize| {
        let custom: Vec<_> = (0..count).map(|n| format!(r#", "c{n}": "x""#)).collect();
        let custom = custom.concat();
        format!(r#"{{"email": "a@b.example"{custom}}}"#)
    };
    ok(&with(MOST_CUSTOM));
    assert_eq!(
        problems(&with(MOST_CUSTOM + 1)),
        ["the submission has 51 fields that the lead schema does not know; at most 50 are kept as custom fields"]
    );
    assert_eq!(
        problems(r#"{"email": "a@b.example", "x": "1", " x": "2"}"#),
        ["/ x: is given twice, both times as the custom field `x`; send it once"]
    );
    let name = "n".repeat(65);
    assert_eq!(problems(&format!(r#"{{"email": "a@b.example", "{name}": "1"}}"#)).len(), 1);
}

#[test]
fn malformed_json_is_one_problem_with_its_place() {
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
    the body is not valid JSON: EOF while parsing a value at line 1 column 0
    the body is not valid JSON: EOF while parsing an object at line 1 column 1
    the body is not valid JSON: expected `:` at line 2 column 6
    the body must be an object like {"email": "name@company.example"}, not a list
    the body must be an object like {"email": "name@company.example"}, not text
    the body must be an object like {"email": "name@company.example"}, not a number
    the body must be an object like {"email": "name@company.example"}, not null
    the body is not valid JSON: trailing characters at line 1 column 4
    the body is not valid JSON: EOF while parsing a list at line 1 column 200
    the body is not valid JSON: recursion limit exceeded at line 1 column 133
    "#);
    assert_eq!(Submission::from_json(b"\xef\xbb\xbf{\"email\": \"a@b.example\"}").unwrap().fields.len(), 1);
    assert_eq!(Submission::from_json(b"{\"email\": \"\xff\"}").unwrap_err().len(), 1);
}

#[test]
fn the_hash_is_of_what_was_said() {
    let hash = |json: &str| Submission::from_json(json.as_bytes()).unwrap().payload_hash();
    let one = hash(r#"{"email": "a@b.example", "company": "Acme"}"#);
    assert_eq!(one, hash(r#"{ "company": " Acme", "email": "a@b.example", "city": null }"#));
    assert_ne!(one, hash(r#"{"email": "a@b.example", "company": "Acme2"}"#));
    assert_ne!(one, hash(r#"{"email": "a@b.example", "city": "Acme"}"#));
    insta::assert_snapshot!(one, @"089a19c4c85264c5205a0abe2acad0b600019b74d340d29ba0cb0b9dfb81c201");
}

#[test]
fn json_and_a_list_say_the_same() {
    let list = list::List::parse(b"email,company,Budget\na@b.example, Acme ,5\n").unwrap();
    let from_list = list.rows().next().unwrap().result.unwrap();
    let from_json = Submission::from_json(br#"{"email": "a@b.example", "company": "Acme", "Budget": 5}"#).unwrap();
    assert_eq!(from_list, from_json);
    assert_eq!(from_list.payload_hash(), from_json.payload_hash());
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Submission::from_json(&bytes).is_err());
    }

    #[test]
    fn no_object_is_too_strange(names in proptest::collection::vec(prop_oneof![proptest::sample::select(FIELDS).prop_map(|field| field.name.to_owned()), any::<String>()], 0..8), texts in proptest::collection::vec(any::<String>(), 8)) {
        let object: serde_json::Map<_, _> = names.into_iter().zip(texts.into_iter().map(Value::String)).collect();
        let bytes = serde_json::to_vec(&object).unwrap();
        if let Ok(submission) = Submission::from_json(&bytes) {
            // What is kept passes again: checking and keeping agree.
            let kept: serde_json::Map<_, _> = submission.fields.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
            prop_assert_eq!(Submission::from_json(&serde_json::to_vec(&kept).unwrap()), Ok(submission));
        }
    }
}
