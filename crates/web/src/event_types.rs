//! The event types that a tenant knows, by name: the catalogue's and its own. The one place where a name becomes a
//! type, and a type's schema something to check data against.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::catalog::{EventType, sample, schema};
use domain::change::Versioned;
use domain::ids::RegisteredTypeId;
use domain::registered_type::{RegisteredType, TypeDefinition};
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::ApiError;

/// How many prepared schemas are kept; a full memory is emptied.
const SCHEMAS_MAX: usize = 1024;

/// The event types that a tenant knows.
pub(crate) struct EventTypeNames {
    registered: Arc<[Versioned<RegisteredType>]>,
}

impl EventTypeNames {
    /// The catalogue's, and those that the tenant has registered, by name.
    pub(crate) const fn new(registered: Arc<[Versioned<RegisteredType>]>) -> Self {
        Self { registered }
    }

    /// The type with this name.
    pub(crate) fn resolve(&self, name: &str) -> Option<EventType> {
        EventType::from_name(name).or_else(|| self.registered(name).map(|found| found.value.event_type()))
    }

    /// The name of a type; empty for a registered one that has gone, which no stream subscribes to.
    pub(crate) fn name_of(&self, event_type: EventType) -> Cow<'static, str> {
        match event_type.name() {
            Some(name) => Cow::Borrowed(name),
            None => self
                .versioned(event_type)
                .map(|found| found.value.definition.name.to_string())
                .unwrap_or_default()
                .into(),
        }
    }

    /// The registered type with this name.
    pub(crate) fn registered(&self, name: &str) -> Option<&Versioned<RegisteredType>> {
        let place = self.registered.binary_search_by(|each| each.value.definition.name.as_str().cmp(name)).ok()?;
        self.registered.get(place)
    }

    /// All types beside the catalogue's, by name.
    pub(crate) fn beside(&self) -> Vec<TypeBeside<'_>> {
        let operational = EventType::OPERATIONAL.iter().filter_map(|event_type| TypeBeside::operational(*event_type));
        let registered = self.registered.iter().map(|each| TypeBeside::Registered(&each.value.definition));
        let mut all: Vec<_> = operational.chain(registered).collect();
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all
    }

    /// What is known of a registered type.
    pub(crate) fn versioned(&self, event_type: EventType) -> Option<&Versioned<RegisteredType>> {
        self.registered.iter().find(|each| each.value.event_type() == event_type)
    }
}

/// A type beside the catalogue's: one that the tenant has registered, or one by which the server tells of itself.
#[derive(Clone, Copy)]
pub(crate) enum TypeBeside<'a> {
    /// The tenant's.
    Registered(&'a TypeDefinition),
    /// The server's.
    Operational { name: &'static str, description: &'static str, schema: &'static Value, sample: &'static RawValue },
}

impl TypeBeside<'_> {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Registered(definition) => definition.name.as_str(),
            Self::Operational { name, .. } => name,
        }
    }

    fn operational(event_type: EventType) -> Option<TypeBeside<'static>> {
        let (name, description) = (event_type.name()?, event_type.about()?);
        let (schema, sample) = (schema(event_type)?, sample(event_type)?);
        Some(TypeBeside::Operational { name, description, schema, sample })
    }
}

/// A schema, prepared for checking.
pub(crate) struct Schema(Validator);

/// What of data does not fit a schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Where: members and indexes, with dots between them; empty for the data as a whole.
    pub place: String,
    /// What was expected there, without what was found.
    pub reason: String,
}

impl Schema {
    /// Prepares a schema. It refers to nothing outside of it: nothing is fetched. Patterns run in linear time.
    pub(crate) fn new(schema: &Value) -> Result<Self, Misfit> {
        let options = jsonschema::options().offline().with_pattern_options(PatternOptions::regex());
        options.build(schema).map(Self).map_err(|error| misfit(&error))
    }

    /// The first thing about `data` that does not fit.
    pub(crate) fn check(&self, data: &Value) -> Result<(), Misfit> {
        self.0.validate(data).map_err(|error| misfit(&error))
    }
}

fn misfit(error: &jsonschema::ValidationError<'_>) -> Misfit {
    let place = error.instance_path().as_str().trim_start_matches('/').replace('/', ".");
    let place = place.replace("~1", "/").replace("~0", "~");
    // What was found may be anything, also what should not get into a log of messages.
    Misfit { place, reason: error.masked().to_string() }
}

/// The schemas that were prepared last: preparing one costs more than using it.
#[derive(Default)]
pub(crate) struct SchemaCache(Mutex<HashMap<(RegisteredTypeId, u64), Arc<Schema>>>);

impl SchemaCache {
    /// The schema of a registered type.
    pub(crate) fn of(&self, stored: &Versioned<RegisteredType>) -> Result<Arc<Schema>, ApiError> {
        let key = (stored.value.id, stored.revision.0);
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(known));
        }
        let schema = Schema::new(&stored.value.definition.schema)
            .map_err(|misfit| ApiError::Internal("a stored schema cannot be used", misfit.reason.into()))?;
        let schema = Arc::new(schema);
        let mut prepared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if prepared.len() >= SCHEMAS_MAX {
            prepared.clear();
        }
        prepared.insert(key, Arc::clone(&schema));
        Ok(schema)
    }
}
