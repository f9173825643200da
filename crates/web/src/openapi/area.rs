//! The files of the description, as they are read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// What belongs together: a tag of the description.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Area {
    /// Its name.
    pub tag: String,
    /// One sentence on it.
    pub about: String,
    /// How its operations are authenticated, and what their errors look like.
    #[serde(default)]
    pub family: Family,
    /// Whether all of it is beyond the contract.
    #[serde(default)]
    pub extension: bool,
    /// What varies in paths, by the segment's name or by the name that an operation gives.
    #[serde(default)]
    pub path: BTreeMap<String, PathParameter>,
    /// Parameters that only this area has.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// By method and path.
    pub operations: BTreeMap<String, Operation>,
    /// Its schemas, by name.
    #[serde(default)]
    pub schemas: Map<String, Value>,
    /// Schemas of which a caller may ask for some members: each has a twin without required members.
    #[serde(default)]
    pub selectable: Vec<String>,
}

/// A family of operations.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Family {
    /// With an access token of the Management API.
    #[default]
    Management,
    /// With the SCIM token of a connection.
    Scim,
    /// With the credentials of an application.
    Token,
    /// Without anything.
    Open,
}

/// What varies in a path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PathParameter {
    /// The segment's name.
    pub name: String,
    /// What it names.
    pub description: String,
    /// Its form.
    pub schema: Value,
}

/// An endpoint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    /// Its unique name.
    pub id: String,
    /// One sentence on it.
    pub summary: String,
    /// One of these is asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What a SCIM token must allow.
    #[serde(default)]
    pub scim_scope: Option<String>,
    /// Whether it is beyond the contract.
    #[serde(default)]
    pub extension: bool,
    /// Which of the area's path parameters a segment is, where its name does not say so.
    #[serde(default)]
    pub path: BTreeMap<String, String>,
    /// Names of parameters of the query.
    #[serde(default)]
    pub query: Vec<String>,
    /// Names of headers.
    #[serde(default)]
    pub header: Vec<String>,
    /// The schema of the body.
    #[serde(default)]
    pub body: Option<Body>,
    /// Whether the body may be left out.
    #[serde(default)]
    pub body_optional: bool,
    /// The media type of its answers, where it is not that of the family.
    #[serde(default)]
    pub answer_type: Option<String>,
    /// Schemas by status; none where there is no body.
    pub answers: BTreeMap<String, Option<String>>,
    /// Statuses of errors beside those that follow from the rest.
    #[serde(default)]
    pub errors: Vec<u16>,
}

/// The schema of a body, which is JSON unless it says otherwise.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Body {
    /// JSON.
    Json(String),
    /// By media type.
    Typed(BTreeMap<String, String>),
}

/// What areas share.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shared {
    /// Parameters, by name.
    pub parameters: Map<String, Value>,
    /// Schemas, by name.
    pub schemas: Map<String, Value>,
    /// What the statuses of errors mean, by family.
    pub errors: BTreeMap<String, BTreeMap<u16, String>>,
}

const AREAS: [&str; 13] = [
    include_str!("areas/health.json"),
    include_str!("areas/tokens.json"),
    include_str!("areas/event_streams.json"),
    include_str!("areas/actions.json"),
    include_str!("areas/events.json"),
    include_str!("areas/headwater.json"),
    include_str!("areas/users.json"),
    include_str!("areas/connections.json"),
    include_str!("areas/organizations.json"),
    include_str!("areas/roles.json"),
    include_str!("areas/groups.json"),
    include_str!("areas/scim.json"),
    include_str!("areas/clients.json"),
];

/// The areas, in the order in which they are shown.
pub(super) fn areas() -> Vec<Area> {
    AREAS.iter().map(|text| serde_json::from_str(text).expect("tests read the description")).collect()
}

/// What they share.
pub(super) fn shared() -> Shared {
    serde_json::from_str(include_str!("areas/components.json")).expect("tests read the description")
}
