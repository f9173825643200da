//! Checks events against the published catalogue, and what is derived for the types that it lacks, where they are
//! at hand (`HEADWATER_EVENTS_SCHEMA` names the first; the other lies beside it).

use std::path::Path;

use serde_json::{Value, json};

/// Whether the schemas are at hand.
fn read(name: &str) -> Option<Value> {
    let path = std::env::var("HEADWATER_EVENTS_SCHEMA").ok()?;
    let text = std::fs::read_to_string(Path::new(&path).with_file_name(name)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

/// Nothing that a derived schema does not list may be there, as in the published ones.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let lists_any =
                members.get("properties").and_then(Value::as_object).is_some_and(|listed| !listed.is_empty());
            members.values_mut().for_each(close);
            if lists_any {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn schema_of(event_type: &str) -> Option<Value> {
    let published = read("events-schema.json")?;
    if let Some(schema) = published["components"]["schemas"].get(event_type) {
        return Some(schema.clone());
    }
    let mut derived = read("events-schema-derived.json")?;
    close(&mut derived["schemas"][event_type]);
    // The context is shared and open at some places, so only what is about connections is closed.
    close(&mut derived["$defs"]["connection"]);
    let mut schema = derived["schemas"][event_type].take();
    assert!(schema.is_object(), "{event_type} has a schema");
    schema["$defs"] = derived["$defs"].take();
    Some(schema)
}

/// Checks each event as a stream would get it.
#[track_caller]
pub(crate) fn check(events: &[Value]) {
    for event in events {
        let name = event["type"].as_str().unwrap();
        let Some(schema) = schema_of(name) else { return };
        let mut sent = event.clone();
        sent["a0stream"] = json!("est_1111111111111111111111");
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&sent).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name} does not fit its schema: {errors:?}\n{sent:#}");
    }
}
