use super::*;

const EVENT_BODY: &str = r#"{"specversion":"1.0","type":"user.updated","id":"evt_1","data":{"object":{
  "user_id":"auth0|1","email":"jane@example.com","email_verified":true,"logins_count":7,"score":0.5,
  "identities":[{"provider":"auth0","isSocial":false},{"provider":"google-oauth2","isSocial":true}]}}}"#;

fn event() -> EventValue {
    EventValue::read(EVENT_BODY.as_bytes()).unwrap()
}

fn passes(filter: &str) -> Result<bool, EvaluationError> {
    Filter::parse(filter).unwrap().passes(&event())
}

fn sent(transform: &str) -> Result<String, EvaluationError> {
    let payload = Transform::parse(transform).unwrap().apply(&event())?;
    Ok(String::from_utf8(payload.to_vec()).unwrap())
}

fn refused(text: &str) -> ExpressionError {
    Filter::parse(text).map(|filter| filter.as_str().len()).unwrap_err()
}

#[test]
fn filters_say_which_events_pass() {
    for (filter, expected) in [
        (r#"event.type == "user.updated""#, true),
        (r#"event.data.object.email.endsWith("@example.com") && event.data.object.email_verified"#, true),
        (r#"event.data.object.email.contains("@test.")"#, false),
        ("event.data.object.logins_count + 1 > 7", true),
        ("event.data.object.score < 1", true),
        (r#"has(event.data.object.phone_number)"#, false),
        (r#"event.type in ["user.created", "user.deleted"]"#, false),
        (r#"event.data.object.identities.exists(identity, identity.isSocial)"#, true),
        (r#"event.data.object.identities.all(identity, identity.isSocial)"#, false),
        (r#"event["type"].upperAscii() == "USER.UPDATED""#, true),
        (r#"size(event.data.object.identities.filter(one, one.provider == "auth0")) == 1"#, true),
    ] {
        assert_eq!(passes(filter), Ok(expected), "{filter}");
    }
}

#[test]
fn what_cannot_be_said_is_an_error_that_says_why() {
    let missing = passes("event.data.object.phone_number == '1'").unwrap_err();
    assert!(missing.to_string().contains("phone_number"), "{missing}");
    assert_eq!(passes("event.data.object.email"), Err(EvaluationError::NotBoolean("string".to_owned())));
    assert!(matches!(passes("event.data.object.email < 1"), Err(EvaluationError::Failed(_))));
    assert!(matches!(passes("1 / 0 == 1"), Err(EvaluationError::Failed(_))));
    assert!(matches!(passes("9223372036854775807 + 1 > 0"), Err(EvaluationError::Failed(_))));
}

#[test]
fn transformations_say_what_is_sent() {
    let shaped = r#"{"text": event.data.object.email + " changed", "id": event.id, "verified": event.data.object.email_verified,
      "providers": event.data.object.identities.map(identity, identity.provider), "none": null, "half": 0.5}"#;
    assert_eq!(
        sent(shaped).unwrap(),
        r#"{"half":0.5,"id":"evt_1","none":null,"providers":["auth0","google-oauth2"],"text":"jane@example.com changed","verified":true}"#
    );
    assert_eq!(sent("event.data.object.user_id").unwrap(), r#""auth0|1""#);
    assert_eq!(sent("b'abc'"), Err(EvaluationError::NotJsonValue("bytes".to_owned())));
}

#[test]
fn the_whole_event_comes_out_as_it_went_in() {
    let back: serde_json::Value = serde_json::from_str(&sent("event").unwrap()).unwrap();
    assert_eq!(back, serde_json::from_str::<serde_json::Value>(EVENT_BODY).unwrap());
}

#[test]
fn what_is_no_expression_is_refused_when_it_is_given() {
    assert!(matches!(refused("event.type =="), ExpressionError::Syntax(_)));
    assert!(matches!(refused(""), ExpressionError::Syntax(_)));
    assert_eq!(refused("user.email == 'a'"), ExpressionError::UnknownVariable("user".to_owned()));
    assert_eq!(refused("event.type.matches('a+')"), ExpressionError::UnknownFunction("matches".to_owned()));
    assert_eq!(refused("fetch(event.type)"), ExpressionError::UnknownFunction("fetch".to_owned()));
    assert_eq!(refused(&"1".repeat(EXPRESSION_BYTES_MAX + 1)), ExpressionError::TooLong);
}

#[test]
fn an_expression_is_bounded_before_it_is_run() {
    let too_much = |text: &str| matches!(refused(text), ExpressionError::TooMuch(_));
    assert!(too_much("event.a.map(x, event.a.map(y, y)) == []"));
    assert!(too_much("event.a.map(x, event.text + x) == []"));
    assert!(too_much(&format!("{} == 1", ["1"; 200].join(" + "))));
    assert!(too_much(&format!("[{}] == []", "event.a.map(x, x), ".repeat(9).trim_end_matches(", "))));
    assert_eq!(refused("event.a.replace('a', 'aa') == ''"), ExpressionError::UnknownFunction("replace".to_owned()));
    for deep in ["(", "[", "{'a': ", "!", "- ", "true ? 1 : "] {
        assert!(too_much(&format!("{}1", deep.repeat(300))), "{deep}");
    }
}

#[test]
fn an_event_that_is_too_large_for_it_is_an_error() {
    let long = format!(r#"{{"list":[{}0]}}"#, "0,".repeat(ENTRIES_MAX));
    let long = EventValue::read(long.as_bytes()).unwrap();
    let through = Filter::parse("event.list.all(x, x == 0)").unwrap();
    assert_eq!(through.passes(&long), Err(EvaluationError::TooManyEntries));
    assert_eq!(Filter::parse("size(event.list) > 1").unwrap().passes(&long), Ok(true));
    let large = format!(r#"{{"text":"{}"}}"#, "a".repeat(EVENT_BYTES_MAX));
    assert!(matches!(EventValue::read(large.as_bytes()), Err(EvaluationError::EventTooLarge)));
}

#[test]
fn a_result_that_is_too_large_is_an_error() {
    let event = format!(r#"{{"text":"{}","list":[1,2,3,4,5]}}"#, "a".repeat(EVENT_BYTES_MAX - 100));
    let event = EventValue::read(event.as_bytes()).unwrap();
    let many = Transform::parse("event.list.map(x, event.text)").unwrap();
    assert_eq!(many.apply(&event), Err(EvaluationError::PayloadTooLarge));
}

/// Random texts of the language's own words: nothing of it panics, or takes the stack with it.
#[test]
fn whatever_is_given_is_an_expression_or_an_error() {
    const WORDS: &[&str] = &[
        "event",
        ".",
        "data",
        "object",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"a\"",
        "'",
        "1",
        "-1",
        "1.5",
        "u",
        "+",
        "-",
        "*",
        "/",
        "%",
        "==",
        "<",
        "&&",
        "||",
        "!",
        "?",
        ":",
        ",",
        " in ",
        "has(",
        ".map(x, ",
        ".filter(x, x",
        ".all(x, ",
        "size(",
        "null",
        "true",
        "b'a'",
        "r'",
        "\"\"\"",
        "\\",
        "é",
        "\u{0}",
        "@result",
        "0x",
        "9223372036854775808",
        ".substring(",
        "string(",
    ];
    let event = event();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..(state % 14) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(WORDS[usize::try_from(state >> 33).unwrap() % WORDS.len()]);
        }
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        if let Ok(transform) = Transform::parse(&text) {
            let _ = transform.apply(&event);
        }
    }
}
