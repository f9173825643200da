//! What an action sees of an event.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

/// The members of `event.message` (management-api.md 5.6).
const MEMBERS: [&str; 6] = ["id", "type", "source", "specversion", "time", "data"];

/// `event.message` of an event's body.
pub(crate) fn message_of(body: &[u8]) -> Result<Bytes, serde_json::Error> {
    let mut event: BTreeMap<&str, &RawValue> = serde_json::from_slice(body)?;
    event.retain(|member, _| MEMBERS.contains(member));
    serde_json::to_vec(&event).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_sees_what_the_contract_names() {
        let body = br#"{"specversion":"1.0","type":"user.created","source":"urn:x","id":"evt_1","time":"t","data":{"a":[1.0]},"a0tenant":"acme"}"#;
        assert_eq!(
            message_of(body).unwrap(),
            r#"{"data":{"a":[1.0]},"id":"evt_1","source":"urn:x","specversion":"1.0","time":"t","type":"user.created"}"#
        );
    }
}
