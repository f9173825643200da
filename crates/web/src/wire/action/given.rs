//! What a caller says of an action.

use domain::action::{
    ActionPatch, CODE_CHARS_MAX, GivenSecret, NAME_CHARS_MAX, Runtime, SECRET_NAME_CHARS_MAX, SECRET_VALUE_CHARS_MAX,
    SECRETS_MAX, SecretWithoutValue, TRIGGER_ID, TRIGGER_VERSION,
};
use domain::secret::Secret;
use serde_json::Value;

use crate::wire::reader::{Field, Invalid, ObjectReader, Part, Text};

const NAME: Text = Text::new("name", "The name of an action.").length(1, NAME_CHARS_MAX);
const CODE: Text = Text::new("code", "The source code of the action.").length(0, CODE_CHARS_MAX);
const RUNTIME: Field = Field::new("runtime", "The Node runtime: node22 or node18.");
const TRIGGERS: Field = Field::new("supported_triggers", "The one trigger that this action supports.");
const TRIGGER: Field = Field::new("id", "The trigger: event-stream, the only one that this server has.");
const VERSION: Field = Field::new("version", "The version of the trigger: v1.");
/// What else an answer of another server says of a trigger; whoever exports and imports actions gives it back.
const TRIGGER_OTHERS: [&str; 5] = ["status", "runtimes", "default_runtime", "compatible_triggers", "binding_policy"];
const DEPENDENCIES: Field = Field::new(
    "dependencies",
    "Packages of npm are not available to actions of this server; put what is needed into the code.",
);
const MODULES: Field = Field::new(
    "modules",
    "Action modules are not available to actions of this server; put what is needed into the code.",
);
const SECRETS: Field = Field::new("secrets", "The list of secrets of an action; a value is never answered.");
const SECRETS_PLACE: &str = "secrets";
const SECRET_NAME: Text = Text::new("name", "The name of the particular secret.")
    .length(1, SECRET_NAME_CHARS_MAX)
    .format("secret-name", |name| !name.chars().any(|each| each.is_control() || each.is_whitespace()));
const SECRET_VALUE_FIELD: Field = Field::new("value", "The value of the particular secret.");
const SECRET_VALUE: Text =
    Text::new(SECRET_VALUE_FIELD.name, SECRET_VALUE_FIELD.about).length(1, SECRET_VALUE_CHARS_MAX).secret();
const DEPLOY: Field = Field::new("deploy", "True if the action should be deployed after creation.");
const UPDATE_DRAFT: Field =
    Field::new("update_draft", "True if the draft of the action should be updated with the reverted version.");
const PAYLOAD: Field = Field::new("payload", "The event that the action sees, or its message.");

/// An action to create.
#[derive(Debug)]
pub(crate) struct NewAction {
    /// Its name.
    pub name: String,
    /// The rest of it.
    pub members: ActionPatch,
    /// Whether it is deployed at once.
    pub deploy: bool,
}

/// Reads the body of a creation.
pub(crate) fn read_new(mut body: ObjectReader) -> Result<NewAction, Invalid> {
    let name = body.text_required(&NAME)?;
    let triggers = read_triggers(&mut body)?;
    triggers.ok_or_else(|| body.missing(TRIGGERS))?;
    let deploy = body.boolean(DEPLOY)?.unwrap_or(false);
    let members = read_members(&mut body)?;
    body.finish()?;
    Ok(NewAction { name, members, deploy })
}

/// Reads the body of a change.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<ActionPatch, Invalid> {
    let name = body.text(&NAME)?;
    read_triggers(&mut body)?;
    let members = read_members(&mut body)?;
    body.finish()?;
    Ok(ActionPatch { name, ..members })
}

fn read_members(body: &mut ObjectReader) -> Result<ActionPatch, Invalid> {
    let patch = ActionPatch {
        name: None,
        code: body.text(&CODE)?,
        runtime: body.word(RUNTIME, Runtime::from_name)?,
        secrets: read_secrets(body)?,
    };
    refuse_entries(body, DEPENDENCIES)?;
    refuse_entries(body, MODULES)?;
    Ok(patch)
}

/// An action has exactly one trigger, and there is only one.
fn read_triggers(body: &mut ObjectReader) -> Result<Option<()>, Invalid> {
    let Some(given) = body.objects(TRIGGERS)? else { return Ok(None) };
    let Ok([mut trigger]) = <[ObjectReader; 1]>::try_from(given) else {
        return Err(body.fault_at(TRIGGERS, "Expected exactly one trigger"));
    };
    let is = |expected: &'static str| move |word: &str| (word == expected).then_some(());
    trigger.word(TRIGGER, is(TRIGGER_ID))?.ok_or_else(|| trigger.missing(TRIGGER))?;
    trigger.word(VERSION, is(TRIGGER_VERSION))?;
    for name in TRIGGER_OTHERS {
        let _ = trigger.value(Field::new(name, ""));
    }
    trigger.finish()?;
    Ok(Some(()))
}

/// Refuses what cannot be honoured: an empty list says that nothing is wanted.
fn refuse_entries(body: &mut ObjectReader, field: Field) -> Result<(), Invalid> {
    match body.objects(field)? {
        Some(given) if !given.is_empty() => {
            Err(body.fault_at(field, &format!("Array is too long ({}), maximum 0", given.len())))
        }
        _ => Ok(()),
    }
}

fn read_secrets(body: &mut ObjectReader) -> Result<Option<Vec<GivenSecret>>, Invalid> {
    const UPDATED_AT: Field = Field::new("updated_at", "");
    let Some(given) = body.objects(SECRETS)? else { return Ok(None) };
    if given.len() > SECRETS_MAX {
        return Err(body.fault_at(SECRETS, &format!("Array is too long ({}), maximum {SECRETS_MAX}", given.len())));
    }
    let mut secrets: Vec<GivenSecret> = Vec::with_capacity(given.len());
    for (index, mut each) in given.into_iter().enumerate() {
        let name = each.text_required(&SECRET_NAME)?;
        let value = each.text(&SECRET_VALUE)?.map(Secret::new);
        // What the server answers may be given back.
        let _ = each.value(UPDATED_AT);
        each.finish()?;
        if let Some(first) = secrets.iter().position(|earlier| earlier.name == name) {
            let reason = format!("Array items are not unique (indexes {first} and {index})");
            return Err(body.fault_at(SECRETS, &reason));
        }
        secrets.push(GivenSecret { name, value });
    }
    Ok(Some(secrets))
}

impl From<SecretWithoutValue> for Invalid {
    fn from(SecretWithoutValue { index }: SecretWithoutValue) -> Self {
        let place = format!("{SECRETS_PLACE}[{index}]");
        let reason = format!("Missing required property: {}", SECRET_VALUE_FIELD.name);
        Self::new(Part::Payload, &reason, &place, "A secret named without a value keeps the stored one")
    }
}

/// Reads the body of a roll back: whether the draft follows.
pub(crate) fn read_roll_back(mut body: ObjectReader) -> Result<bool, Invalid> {
    let update_draft = body.boolean(UPDATE_DRAFT)?.unwrap_or(false);
    body.finish()?;
    Ok(update_draft)
}

/// Reads the body of a test: `event.message`. Given is the event as the action sees it, with or without a name, or the
/// message alone.
pub(crate) fn read_test(mut body: ObjectReader) -> Result<Value, Invalid> {
    let mut payload = body.map(PAYLOAD)?.ok_or_else(|| body.missing(PAYLOAD))?;
    body.finish()?;
    for name in ["event", "message"] {
        match payload.remove(name) {
            Some(Value::Object(inner)) => payload = inner,
            Some(other) => drop(payload.insert(name.to_owned(), other)),
            None => {}
        }
    }
    Ok(Value::Object(payload))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn root(value: Value) -> ObjectReader {
        ObjectReader::root(value).unwrap()
    }

    #[test]
    fn the_message_of_a_test_comes_in_three_forms() {
        let message = json!({"id": "evt_1", "type": "user.created"});
        for payload in [json!({"event": {"message": message}}), json!({"message": message}), message.clone()] {
            assert_eq!(read_test(root(json!({ "payload": payload }))).unwrap(), message);
        }
        assert!(read_test(root(json!({}))).is_err());
    }

    #[test]
    fn a_trigger_of_another_server_is_refused_by_name() {
        let triggers = json!([{"id": "post-login", "version": "v3"}]);
        let fault = read_new(root(json!({"name": "n", "supported_triggers": triggers}))).unwrap_err();
        assert_eq!(
            fault.message(),
            "Payload validation error: 'No enum match for: post-login' on property supported_triggers[0].id (The \
             trigger: event-stream, the only one that this server has)."
        );
    }
}
