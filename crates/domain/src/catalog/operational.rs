//! The JSON Schemas of the data by which the server tells of itself, kept like those of registered types.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::EventType;

static SCHEMAS: LazyLock<HashMap<&'static str, Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("operational.json"))
        .expect("the schemas are an object of types and their schemas")
});

/// The schema of the `data` of events of this type, if the server tells of itself by it.
pub fn schema(event_type: EventType) -> Option<&'static Value> {
    SCHEMAS.get(event_type.name()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_server_has_a_schema() {
        assert_eq!(SCHEMAS.len(), EventType::OPERATIONAL.len());
        assert!(EventType::OPERATIONAL.iter().all(|event_type| schema(*event_type).is_some()));
        assert!(schema(EventType::UserCreated).is_none());
    }
}
