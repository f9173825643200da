//! What this server does of SCIM (RFC 7644, 4): `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer;
use super::call::{ScimCall, ScimCaller};
use super::error::{ScimAnswer, ScimError};
use super::list::COUNT_MAX;
use super::{groups, users};
use crate::wire::reader::Field;

const ID: Field = Field::new("id", "The name of what is described.");

/// `GET …/ServiceProviderConfig`
pub(crate) async fn service_provider_config(caller: ScimCaller) -> ScimAnswer {
    let call = caller.any();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": COUNT_MAX},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "SCIM token",
            "description": "A token that was made for the connection's SCIM configuration, as bearer token",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": call.location("ServiceProviderConfig")},
    });
    Ok(answer::json(StatusCode::OK, &body))
}

/// `GET …/ResourceTypes`
pub(crate) async fn resource_types(caller: ScimCaller) -> ScimAnswer {
    let call = caller.any();
    let all = [resource_type(&call, "User"), resource_type(&call, "Group")];
    Ok(answer::list(&all, all.len() as u64, 1))
}

/// `GET …/ResourceTypes/{id}`
pub(crate) async fn one_resource_type(caller: ScimCaller) -> ScimAnswer {
    let call = caller.any();
    match call.segment(ID) {
        name @ ("User" | "Group") => Ok(answer::json(StatusCode::OK, &resource_type(&call, name))),
        _ => Err(ScimError::NotFound("the resource type")),
    }
}

fn resource_type(call: &ScimCall, name: &str) -> Value {
    let (schema, extensions) = match name {
        "User" => (users::SCHEMA, json!([{"schema": users::ENTERPRISE_SCHEMA, "required": false}])),
        _ => (groups::SCHEMA, json!([])),
    };
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name,
        "name": name,
        "endpoint": format!("/{name}s"),
        "schema": schema,
        "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": call.location(&format!("ResourceTypes/{name}"))},
    })
}

/// `GET …/Schemas`
pub(crate) async fn schemas(caller: ScimCaller) -> ScimAnswer {
    let call = caller.any();
    let all: Vec<Value> = SCHEMAS.iter().map(|schema| schema.described(&call)).collect();
    Ok(answer::list(&all, all.len() as u64, 1))
}

/// `GET …/Schemas/{id}`
pub(crate) async fn one_schema(caller: ScimCaller) -> ScimAnswer {
    let call = caller.any();
    let meant = SCHEMAS.iter().find(|schema| schema.id == call.segment(ID));
    let schema = meant.ok_or(ScimError::NotFound("the schema"))?;
    Ok(answer::json(StatusCode::OK, &schema.described(&call)))
}

/// A schema: what is looked at here. A user may have any other attribute, which is kept as it is.
struct Schema {
    id: &'static str,
    name: &'static str,
    attributes: &'static [Attribute],
}

#[derive(Clone, Copy)]
struct Attribute {
    name: &'static str,
    kind: &'static str,
    several: bool,
    required: bool,
    parts: &'static [Attribute],
}

const fn text(name: &'static str) -> Attribute {
    Attribute { name, kind: "string", several: false, required: false, parts: &[] }
}

const fn flag(name: &'static str) -> Attribute {
    Attribute { kind: "boolean", ..text(name) }
}

const fn required(name: &'static str) -> Attribute {
    Attribute { required: true, ..text(name) }
}

const fn complex(name: &'static str, parts: &'static [Attribute]) -> Attribute {
    Attribute { kind: "complex", parts, ..text(name) }
}

const fn several(name: &'static str, parts: &'static [Attribute]) -> Attribute {
    Attribute { several: true, ..complex(name, parts) }
}

const TYPED: &[Attribute] = &[text("value"), text("type"), flag("primary")];

const SCHEMAS: &[Schema] = &[
    Schema {
        id: users::SCHEMA,
        name: "User",
        attributes: &[
            required("userName"),
            text("externalId"),
            complex("name", &[text("formatted"), text("givenName"), text("familyName")]),
            text("displayName"),
            text("nickName"),
            flag("active"),
            several("emails", TYPED),
            several("phoneNumbers", TYPED),
            several("photos", TYPED),
        ],
    },
    Schema {
        id: users::ENTERPRISE_SCHEMA,
        name: "EnterpriseUser",
        attributes: &[
            text("employeeNumber"),
            text("costCenter"),
            text("organization"),
            text("division"),
            text("department"),
            complex("manager", &[text("value"), text("displayName")]),
        ],
    },
    Schema {
        id: groups::SCHEMA,
        name: "Group",
        attributes: &[
            required("displayName"),
            text("externalId"),
            several("members", &[required("value"), text("display")]),
        ],
    },
];

impl Schema {
    fn described(&self, call: &ScimCall) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "attributes": self.attributes.iter().map(Attribute::described).collect::<Vec<_>>(),
            "meta": {"resourceType": "Schema", "location": call.location(&format!("Schemas/{}", self.id))},
        })
    }
}

impl Attribute {
    fn described(&self) -> Value {
        let mut described = json!({
            "name": self.name,
            "type": self.kind,
            "multiValued": self.several,
            "required": self.required,
            "caseExact": self.name == "externalId",
            "mutability": "readWrite",
            "returned": "default",
            "uniqueness": "none",
        });
        if matches!(self.name, "userName" | "displayName") && self.required {
            described["uniqueness"] = json!("server");
        }
        if !self.parts.is_empty() {
            described["subAttributes"] = self.parts.iter().map(Self::described).collect();
        }
        described
    }
}
