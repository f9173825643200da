//! Registered event types (docs/extensions.md): what a tenant says of them, and the answer.

use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::registered_type::{TypeDefinition, TypeName};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::query::Cursor;
use super::reader::{Field, Invalid, ObjectReader, Part, Text};
use crate::event_types::{Misfit, Schema, TypeBeside};

const NAME: Text = Text::new("name", "Name of the event type; it never changes.");
const DESCRIPTION: Text = Text::new("description", "When such events are raised.").length(0, 1024);
const SCHEMA: Field =
    Field::new("schema", "JSON Schema of the data of such events; it refers to nothing outside of it.");
const EXAMPLE: Field = Field::new("example", "Data of such an event, which fit the schema.");
/// The longest schema, and the longest example, as JSON.
const DOCUMENT_BYTES_MAX: usize = 32 * 1024;

/// What to change of a registered type; what is absent stays.
#[derive(Clone, Debug)]
pub(crate) struct TypeChanges {
    description: Option<String>,
    schema: Option<Value>,
    /// Null takes the example away.
    example: Option<Value>,
}

/// Reads the body of a registration.
pub(crate) fn read_new(mut body: ObjectReader, now: Timestamp) -> Result<TypeDefinition, Invalid> {
    let given = body.text_required(&NAME)?;
    let name = TypeName::parse(&given).map_err(|error| body.fault_at(NAME.field(), &error.to_string()))?;
    let given = read_members(&mut body)?;
    let schema = given.schema.clone().ok_or_else(|| body.missing(SCHEMA))?;
    body.finish()?;
    let definition =
        TypeDefinition { name, description: String::new(), schema, example: None, created_at: now, updated_at: now };
    given.applied(&definition, now)
}

/// Reads the body of a change.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<TypeChanges, Invalid> {
    let changes = read_members(&mut body)?;
    body.finish()?;
    Ok(changes)
}

fn read_members(body: &mut ObjectReader) -> Result<TypeChanges, Invalid> {
    let changes = TypeChanges {
        description: body.text(&DESCRIPTION)?,
        schema: document(body, SCHEMA)?,
        example: document(body, EXAMPLE)?,
    };
    if let Some(other) = changes.schema.as_ref().filter(|schema| !schema.is_object() && !schema.is_boolean()) {
        return Err(body.fault_at(SCHEMA, &format!("Expected type object but found {other}")));
    }
    Ok(changes)
}

fn document(body: &mut ObjectReader, field: Field) -> Result<Option<Value>, Invalid> {
    let Some(given) = body.value(field) else { return Ok(None) };
    let bytes = given.to_string().len();
    if bytes > DOCUMENT_BYTES_MAX {
        let reason = format!("Object is too large ({bytes} bytes), maximum {DOCUMENT_BYTES_MAX}");
        return Err(body.fault_at(field, &reason));
    }
    Ok(Some(given))
}

impl TypeChanges {
    /// The definition after the changes, whose example fits its schema.
    pub(crate) fn applied(self, stored: &TypeDefinition, now: Timestamp) -> Result<TypeDefinition, Invalid> {
        let example = match self.example {
            None => stored.example.clone(),
            Some(Value::Null) => None,
            Some(given) => Some(given),
        };
        let definition = TypeDefinition {
            description: self.description.unwrap_or_else(|| stored.description.clone()),
            schema: self.schema.unwrap_or_else(|| stored.schema.clone()),
            example,
            updated_at: now,
            ..stored.clone()
        };
        let fault = |field: Field, misfit: Misfit| {
            let place = if misfit.place.is_empty() { String::new() } else { format!(".{}", misfit.place) };
            Invalid::new(Part::Payload, &misfit.reason, &format!("{}{place}", field.name), field.about)
        };
        let schema = Schema::new(&definition.schema).map_err(|misfit| fault(SCHEMA, misfit))?;
        if let Some(example) = &definition.example {
            schema.check(example).map_err(|misfit| fault(EXAMPLE, misfit))?;
        }
        Ok(definition)
    }
}

/// A type beside the catalogue's as it is answered.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum TypeAnswer<'a> {
    /// One that the tenant has registered.
    Registered {
        name: &'a str,
        description: &'a str,
        schema: &'a Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        example: Option<&'a Value>,
        created_at: Timestamp,
        updated_at: Timestamp,
    },
    /// One by which the server tells of itself.
    Operational { name: &'a str, description: &'a str, schema: &'a Value, example: &'a RawValue, operational: bool },
}

impl<'a> From<&'a TypeDefinition> for TypeAnswer<'a> {
    fn from(definition: &'a TypeDefinition) -> Self {
        Self::Registered {
            name: definition.name.as_str(),
            description: &definition.description,
            schema: &definition.schema,
            example: definition.example.as_ref(),
            created_at: definition.created_at,
            updated_at: definition.updated_at,
        }
    }
}

impl<'a> From<&TypeBeside<'a>> for TypeAnswer<'a> {
    fn from(found: &TypeBeside<'a>) -> Self {
        match *found {
            TypeBeside::Registered(definition) => Self::from(definition),
            TypeBeside::Operational { name, description, schema, sample } => {
                Self::Operational { name, description, schema, example: sample, operational: true }
            }
        }
    }
}

/// A place in the list of types, by name.
pub(crate) struct TypePlace(pub(crate) String);

impl Cursor for TypePlace {
    fn to_text(&self) -> String {
        self.0.clone()
    }

    fn from_text(text: &str) -> Option<Self> {
        let is_known = EventType::from_name(text).is_some_and(EventType::is_operational);
        (is_known || TypeName::parse(text).is_ok()).then(|| Self(text.to_owned()))
    }
}
