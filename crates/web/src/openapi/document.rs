//! Makes the OpenAPI document of the areas: what is the same for many operations is written here once.

use std::collections::BTreeSet;

use domain::catalog::EventType;
use domain::connection::Strategy;
use domain::destination::AwsRegion;
use domain::scim::SCIM_SCOPES;
use domain::scope::SCOPES;
use serde_json::{Map, Value, json};

use super::area::{Area, Body, Family, Operation, Shared, areas, shared};

impl Family {
    const ALL: [Self; 3] = [Self::Management, Self::Scim, Self::Token];

    /// Its name among the meanings of errors.
    const fn name(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::Scim => "scim",
            Self::Token => "token",
            Self::Open => "open",
        }
    }

    /// What the names of its errors begin with, and the schema of their bodies.
    const fn error_schema(self) -> &'static str {
        match self {
            Self::Management | Self::Open => "Error",
            Self::Scim => "ScimError",
            Self::Token => "TokenError",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Scim => "application/scim+json",
            _ => "application/json",
        }
    }
}

/// The document, but for the server's address.
pub(super) fn document() -> Value {
    let (areas, mut shared) = (areas(), shared());
    let (mut paths, mut tags) = (Map::new(), Vec::new());
    fill_in(&mut shared.schemas);
    for area in &areas {
        tags.push(json!({"name": area.tag, "description": area.about}));
        shared.schemas.extend(area.schemas.clone());
        shared.schemas.extend(area.selectable.iter().map(|name| selected(area, name)));
        for (endpoint, operation) in &area.operations {
            let (method, path) = endpoint.split_once(' ').expect("tests read the description");
            let path = paths.entry(path).or_insert_with(|| json!({}));
            path[method.to_ascii_lowercase()] = described(area, &shared, endpoint, operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Headwater",
            "summary": "Event streams for identity, compatible with Auth0's Management API v2.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": shared.schemas,
            "parameters": shared.parameters,
            "headers": headers(),
            "responses": responses(&shared),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of POST /oauth/token; one of the scopes that are listed suffices.",
                },
                "scim": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A SCIM token of the connection in the path.",
                },
            },
        },
    })
}

/// Adds what the domain knows by name.
fn fill_in(schemas: &mut Map<String, Value>) {
    let event_types: Vec<_> = EventType::ALL.iter().filter_map(|event_type| event_type.name()).collect();
    let operational: Vec<_> = EventType::OPERATIONAL.iter().filter_map(|event_type| event_type.name()).collect();
    let scopes: Vec<_> = SCOPES.iter().map(|(name, _)| *name).collect();
    let strategies: Vec<_> = Strategy::all().map(Strategy::name).collect();
    for (name, about, values) in [
        ("CatalogueEventType", "An event type of the catalogue.", event_types),
        ("OperationalEventTypeName", "An event type by which the server tells of itself.", operational),
        ("Scope", "A permission of the Management API.", scopes),
        ("ScimScope", "What a SCIM token may allow.", SCIM_SCOPES.to_vec()),
        ("AwsRegion", "A region of AWS.", AwsRegion::NAMES.to_vec()),
        ("Strategy", "How the users of a connection prove who they are.", strategies),
    ] {
        schemas.insert(name.to_owned(), json!({"type": "string", "description": about, "enum": values}));
    }
}

/// The twin of a schema of which a caller may ask for some members.
fn selected(area: &Area, name: &str) -> (String, Value) {
    let mut schema = area.schemas[name].clone();
    schema["description"] = json!(format!("The members of {name} that `fields` asks for; all of them without it."));
    schema.as_object_mut().map(|members| members.remove("required"));
    (format!("Selected{name}"), schema)
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

fn content<'a>(schemas: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    schemas
        .map(|(media_type, schema)| (media_type.to_owned(), json!({"schema": reference("schemas", schema)})))
        .collect()
}

/// The names of what varies in a path.
fn segments(endpoint: &str) -> impl Iterator<Item = &str> {
    endpoint.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn described(area: &Area, shared: &Shared, endpoint: &str, operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [area.tag],
        "summary": operation.summary,
        "security": security(area, operation),
        "parameters": parameters(area, shared, endpoint, operation),
        "responses": answers(area, endpoint, operation),
    });
    if let Some(body) = &operation.body {
        let content = match body {
            Body::Json(schema) => content([(area.family.media_type(), schema.as_str())].into_iter()),
            Body::Typed(schemas) => content(schemas.iter().map(|(media_type, schema)| (&**media_type, &**schema))),
        };
        described["requestBody"] = json!({"required": !operation.body_optional, "content": content});
    }
    if area.extension || operation.extension {
        described["x-headwater-extension"] = json!(true);
    }
    described
}

/// Any one of the scopes suffices, so each is a way of its own.
fn security(area: &Area, operation: &Operation) -> Value {
    match area.family {
        Family::Management => operation.scopes.iter().map(|scope| json!({"bearer": [scope]})).collect(),
        Family::Scim => json!([{"scim": operation.scim_scope.as_slice()}]),
        Family::Token | Family::Open => json!([]),
    }
}

fn parameters(area: &Area, shared: &Shared, endpoint: &str, operation: &Operation) -> Value {
    let of_path = segments(endpoint).map(|name| {
        let parameter = &area.path[operation.path.get(name).map_or(name, String::as_str)];
        assert_eq!(parameter.name, name, "{endpoint}: the parameter is another segment");
        let (description, schema) = (&parameter.description, &parameter.schema);
        json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
    });
    let others = operation.query.iter().chain(&operation.header).map(|name| match area.parameters.get(name) {
        Some(own) => own.clone(),
        None if shared.parameters.contains_key(name) => reference("parameters", name),
        None => panic!("{endpoint}: there is no parameter {name}"),
    });
    of_path.chain(others).collect()
}

fn answers(area: &Area, endpoint: &str, operation: &Operation) -> Value {
    let mut answers = Map::new();
    for (status, schema) in &operation.answers {
        let mut answer = json!({"description": operation.summary});
        if endpoint.contains(LIMITED) {
            answer["headers"] = limit_headers();
        }
        if let Some(schema) = schema {
            let media_type = operation.answer_type.as_deref().unwrap_or(area.family.media_type());
            answer["content"] = content([(media_type, schema.as_str())].into_iter());
        }
        answers.insert(status.clone(), answer);
    }
    for status in errors(area, endpoint, operation) {
        let name = format!("{}{status}", area.family.error_schema());
        answers.entry(status.to_string()).or_insert_with(|| reference("responses", &name));
    }
    Value::Object(answers)
}

/// The statuses of errors: those that are listed, and those that follow from what is authenticated and read.
fn errors(area: &Area, endpoint: &str, operation: &Operation) -> BTreeSet<u16> {
    let mut errors: BTreeSet<u16> = operation.errors.iter().copied().collect();
    let reads_path = area.family == Family::Management && segments(endpoint).next().is_some();
    let reads_query = area.family == Family::Management && !operation.query.is_empty();
    if operation.body.is_some() {
        errors.extend([400, 408, 413]);
    }
    if reads_path || reads_query {
        errors.insert(400);
    }
    match area.family {
        Family::Management => errors.extend([401, 403, 429, 500, 503]),
        Family::Scim => {
            errors.extend([401, 500, 503]);
            errors.extend(operation.scim_scope.as_ref().map(|_| 403));
        }
        Family::Token if operation.body.is_some() => errors.extend([500, 503]),
        Family::Token | Family::Open => {}
    }
    errors
}

/// The paths whose answers say how many requests there is room for.
const LIMITED: &str = " /api/v2/";

const LIMIT_HEADERS: [(&str, &str); 3] = [
    ("x-ratelimit-limit", "How many requests there is room for at most."),
    ("x-ratelimit-remaining", "How many more there is room for now."),
    ("x-ratelimit-reset", "When there is room for another, in seconds since 1970."),
];

fn headers() -> Value {
    let header = |(name, about): (&str, &str)| {
        (name.to_owned(), json!({"description": about, "required": true, "schema": {"type": "integer"}}))
    };
    LIMIT_HEADERS.into_iter().map(header).collect()
}

fn limit_headers() -> Value {
    LIMIT_HEADERS.into_iter().map(|(name, _)| (name.to_owned(), reference("headers", name))).collect()
}

/// The answers of errors, of each family and status.
fn responses(shared: &Shared) -> Value {
    let mut responses = Map::new();
    for family in Family::ALL {
        for (status, about) in &shared.errors[family.name()] {
            let schema = family.error_schema();
            let content = content([(family.media_type(), schema)].into_iter());
            let mut response = json!({"description": about, "content": content});
            let text = json!({"schema": {"type": "string"}, "required": true});
            response["headers"] = if family == Family::Management { limit_headers() } else { json!({}) };
            match status {
                401 => response["headers"]["WWW-Authenticate"] = text,
                429 | 503 => response["headers"]["Retry-After"] = text,
                _ => {}
            }
            responses.insert(format!("{schema}{status}"), response);
        }
    }
    Value::Object(responses)
}
