//! A sample of each event type, in our own words: what test events carry, and the documents show.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::value::RawValue;

use super::EventType;

static SAMPLES: LazyLock<HashMap<&'static str, &'static RawValue>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("samples.json")).expect("the samples are an object of types and their data")
});

/// The `data` of a sample event of this type, if it is not a registered one.
pub fn sample(event_type: EventType) -> Option<&'static RawValue> {
    SAMPLES.get(event_type.name()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_sample_of_its_own() {
        let types = EventType::ALL.iter().chain(EventType::OPERATIONAL);
        assert_eq!(SAMPLES.len(), types.clone().count());
        for event_type in types {
            let data: serde_json::Value = serde_json::from_str(sample(*event_type).unwrap().get()).unwrap();
            assert!(data["object"].is_object(), "{event_type}");
        }
    }
}
