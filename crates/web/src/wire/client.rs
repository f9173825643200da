//! Applications (management-api.md 6.6). What the server does not know is stored and answered as it came.

use domain::account::{CLIENT_CREDENTIALS, Client};
use serde_json::{Map, Value, json};

use super::reader::{Field, Invalid, ObjectReader, Text};

const NAME_FIELD: Field =
    Field::new("name", "Name of this client (min length: 1 character, does not allow `<` or `>`)");
const NAME: Text =
    Text::new(NAME_FIELD.name, NAME_FIELD.about).length(1, 256).pattern("^[^<>]+$", |text| !text.contains(['<', '>']));
const DESCRIPTION: Text = Text::new("description", "Free text description of this client").length(0, 140);
const APP_TYPE: Text = Text::new("app_type", "Type of client used to determine which settings are applicable");
const GRANT_TYPES: Text = Text::new("grant_types", "List of grant types supported for this application");
const CLIENT_METADATA: Field = Field::new("client_metadata", "Metadata associated with the client");

/// Members that the server decides; a caller cannot.
const SERVERS_OWN: [Field; 4] = [
    Field::new("client_id", "ID of this client"),
    Field::new("client_secret", "Client secret"),
    Field::new("tenant", "Name of the tenant this client belongs to"),
    Field::new("global", "Whether this is your global client"),
];

/// Reads the settings of a new application.
pub(crate) fn read_new(body: ObjectReader) -> Result<Map<String, Value>, Invalid> {
    let mut settings = read_changes(body)?;
    if !settings.contains_key(NAME_FIELD.name) {
        let empty = ObjectReader::root(Value::Object(Map::new()))?;
        return Err(empty.missing(NAME_FIELD));
    }
    settings.retain(|_, value| !value.is_null());
    if let Some(Value::Object(metadata)) = settings.get_mut(CLIENT_METADATA.name) {
        metadata.retain(|_, value| !value.is_null());
    }
    settings.entry("app_type").or_insert_with(|| json!("non_interactive"));
    settings.entry("grant_types").or_insert_with(|| json!([CLIENT_CREDENTIALS]));
    Ok(settings)
}

/// Reads what to change of an application.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<Map<String, Value>, Invalid> {
    let mut known = Map::new();
    for text in [&NAME, &DESCRIPTION, &APP_TYPE] {
        if let Some(given) = body.text(text)? {
            known.insert(text.name().to_owned(), Value::String(given));
        }
    }
    if let Some(given) = body.texts(&GRANT_TYPES)? {
        known.insert(GRANT_TYPES.name().to_owned(), json!(given));
    }
    if let Some(given) = body.map(CLIENT_METADATA)? {
        if !given.values().all(|value| value.is_string() || value.is_null()) {
            return Err(body.fault_at(CLIENT_METADATA, "Expected values of type string"));
        }
        known.insert(CLIENT_METADATA.name.to_owned(), Value::Object(given));
    }
    for field in SERVERS_OWN {
        if body.value(field).is_some() {
            return Err(body.fault(&format!("Additional properties not allowed: {}", field.name)));
        }
    }
    let mut settings = body.into_rest();
    settings.append(&mut known);
    Ok(settings)
}

/// The settings after a change: members given replace those stored, `null` removes one; `client_metadata`
/// is merged by the same rule on its own level.
pub(crate) fn merge(stored: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (name, value) in changes {
        match (value, stored.get_mut(&name)) {
            (Value::Null, _) => drop(stored.remove(&name)),
            (Value::Object(given), Some(Value::Object(kept))) if name == CLIENT_METADATA.name => {
                for (key, value) in given {
                    if value.is_null() {
                        kept.remove(&key);
                    } else {
                        kept.insert(key, value);
                    }
                }
            }
            (value, _) => drop(stored.insert(name, value)),
        }
    }
}

/// An application as it is answered to those who may not read its secret.
pub(crate) fn to_wire(client: Client, tenant_name: &str) -> Map<String, Value> {
    let mut object = client.settings;
    object.insert("client_id".to_owned(), json!(client.id));
    object.insert("tenant".to_owned(), json!(tenant_name));
    object.insert("global".to_owned(), json!(false));
    object
}

/// An application as it is answered to those who may read its secret.
pub(crate) fn to_wire_with_secret(mut client: Client, tenant_name: &str) -> Map<String, Value> {
    let secret = client.secret.kept.take();
    let mut object = to_wire(client, tenant_name);
    if let Some(secret) = secret {
        object.insert("client_secret".to_owned(), json!(secret.expose()));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn changes_are_merged() {
        let mut stored = object(json!({"name": "a", "x": 1, "client_metadata": {"k": "v", "l": "w"}}));
        merge(&mut stored, object(json!({"name": "b", "x": null, "y": [2], "client_metadata": {"k": null, "m": "z"}})));
        assert_eq!(stored, object(json!({"name": "b", "y": [2], "client_metadata": {"l": "w", "m": "z"}})));
    }

    #[test]
    fn a_caller_cannot_choose_what_the_server_decides() {
        for name in ["client_id", "client_secret", "tenant", "global"] {
            let body = ObjectReader::root(json!({"name": "a", name: "hush"})).unwrap();
            let message = read_new(body).unwrap_err().message().to_owned();
            assert_eq!(message, format!("Payload validation error: 'Additional properties not allowed: {name}'."));
        }
    }
}
