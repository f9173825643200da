//! How connections are provisioned with SCIM, and the tokens for it (management-api.md 6.5).

use std::time::Duration;

use domain::clock::Timestamp;
use domain::connection::Connection;
use domain::ids::ConnectionId;
use domain::scim::{
    MappingItem, SCIM_SCOPES, ScimConfiguration, ScimMapping, ScimPath, ScimToken, Target, user_id_attribute_default,
};
use serde::Serialize;

use super::reader::{Field, Invalid, ObjectReader, Text};

const USER_ID_ATTRIBUTE_FIELD: Field =
    Field::new("user_id_attribute", "User ID attribute for generating unique user ids");
const USER_ID_ATTRIBUTE: Text =
    Text::new(USER_ID_ATTRIBUTE_FIELD.name, USER_ID_ATTRIBUTE_FIELD.about).length(1, 255).format("scim-path", is_path);
const MAPPING: Field = Field::new("mapping", "The mapping between auth0 and SCIM");
const AUTH0: Text =
    Text::new("auth0", "The field location in the auth0 schema").length(1, 255).format("user-member", is_target);
const SCIM: Text =
    Text::new("scim", "The field location in the SCIM schema").length(1, 255).format("scim-path", is_path);
const SCOPES: Text = Text::new("scopes", "The scopes of the SCIM token").length(1, 64).format("scim-scope", is_scope);
const TOKEN_LIFETIME: Field = Field::new("token_lifetime", "Lifetime of the token in seconds, at least 900");

/// How many attributes a mapping may have.
const MAPPING_ITEMS_MAX: usize = 100;
const LIFETIME_MIN: Duration = Duration::from_secs(900);
/// A hundred years: what is longer is not meant to end.
const LIFETIME_MAX: Duration = Duration::from_secs(100 * 366 * 86_400);

fn is_path(text: &str) -> bool {
    ScimPath::parse(text).is_ok()
}

fn is_target(text: &str) -> bool {
    Target::from_name(text).is_some()
}

fn is_scope(text: &str) -> bool {
    SCIM_SCOPES.contains(&text)
}

/// What a caller says of how a connection is provisioned.
#[derive(Clone, Debug)]
pub(crate) struct ConfigurationRequest {
    user_id_attribute: Option<ScimPath>,
    mapping: Option<ScimMapping>,
}

impl ConfigurationRequest {
    /// The configuration of a connection that had none.
    pub(crate) fn into_configuration(self, connection: &Connection, now: Timestamp) -> ScimConfiguration {
        let unless_said = || {
            ScimPath::parse(user_id_attribute_default(connection.strategy)).expect("each default is an attribute path")
        };
        ScimConfiguration {
            connection_id: connection.id.clone(),
            user_id_attribute: self.user_id_attribute.unwrap_or_else(unless_said),
            mapping: self.mapping.unwrap_or_default(),
            created_at: now,
            updated_at: now,
        }
    }

    /// The configuration of a connection that had `stored`.
    pub(crate) fn applied_to(&self, stored: &ScimConfiguration, now: Timestamp) -> ScimConfiguration {
        let asked = self.clone();
        let mut changed = stored.clone();
        changed.user_id_attribute = asked.user_id_attribute.unwrap_or(changed.user_id_attribute);
        changed.mapping = asked.mapping.unwrap_or(changed.mapping);
        if changed != *stored {
            changed.updated_at = now;
        }
        changed
    }
}

/// Reads the body of a creation or a change.
pub(crate) fn read_configuration(mut body: ObjectReader) -> Result<ConfigurationRequest, Invalid> {
    let user_id_attribute = body.text(&USER_ID_ATTRIBUTE)?.and_then(|text| ScimPath::parse(&text).ok());
    let mapping = match body.objects(MAPPING)? {
        None => None,
        Some(items) if items.len() > MAPPING_ITEMS_MAX => {
            let reason = format!("Array is too long ({}), maximum {MAPPING_ITEMS_MAX}", items.len());
            return Err(body.fault_at(MAPPING, &reason));
        }
        Some(items) => Some(ScimMapping::new(items.into_iter().map(read_item).collect::<Result<_, _>>()?)),
    };
    body.finish()?;
    Ok(ConfigurationRequest { user_id_attribute, mapping })
}

fn read_item(mut item: ObjectReader) -> Result<MappingItem, Invalid> {
    let (auth0, scim) = (item.text_required(&AUTH0)?, item.text_required(&SCIM)?);
    item.finish()?;
    let target = Target::from_name(&auth0).expect("the reader has checked the form");
    let path = ScimPath::parse(&scim).expect("the reader has checked the form");
    Ok(MappingItem { target, path })
}

/// A token to create.
#[derive(Debug)]
pub(crate) struct NewToken {
    /// What it allows.
    pub scopes: Vec<String>,
    /// How long it holds; for ever, if nothing is said.
    pub lifetime: Option<Duration>,
}

/// Reads the body of a creation. A token that nothing is said of allows everything, for ever.
pub(crate) fn read_token(mut body: ObjectReader) -> Result<NewToken, Invalid> {
    let scopes = body.texts(&SCOPES)?.filter(|scopes| !scopes.is_empty());
    let lifetime = match body.value(TOKEN_LIFETIME) {
        None | Some(serde_json::Value::Null) => None,
        Some(given) => {
            let lifetime = given.as_u64().map(Duration::from_secs);
            let fits = |lifetime: &Duration| (LIFETIME_MIN..=LIFETIME_MAX).contains(lifetime);
            let fault = || {
                let (min, max) = (LIFETIME_MIN.as_secs(), LIFETIME_MAX.as_secs());
                body.fault_at(TOKEN_LIFETIME, &format!("Expected an integer from {min} to {max}"))
            };
            Some(lifetime.filter(fits).ok_or_else(fault)?)
        }
    };
    body.finish()?;
    let all = || SCIM_SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
    Ok(NewToken { scopes: scopes.unwrap_or_else(all), lifetime })
}

/// A configuration as it is answered.
#[derive(Serialize)]
pub(crate) struct ConfigurationAnswer<'a> {
    connection_id: &'a ConnectionId,
    connection_name: &'a str,
    strategy: &'static str,
    tenant_name: &'a str,
    user_id_attribute: &'a str,
    mapping: &'a ScimMapping,
    created_at: Timestamp,
    updated_on: Timestamp,
}

impl<'a> ConfigurationAnswer<'a> {
    /// The configuration of `connection`.
    pub(crate) fn new(connection: &'a Connection, configuration: &'a ScimConfiguration, tenant_name: &'a str) -> Self {
        Self {
            connection_id: &connection.id,
            connection_name: &connection.name,
            strategy: connection.strategy.name(),
            tenant_name,
            user_id_attribute: configuration.user_id_attribute.as_str(),
            mapping: &configuration.mapping,
            created_at: configuration.created_at,
            updated_on: configuration.updated_at,
        }
    }
}

/// The mapping of a connection that says nothing of it.
#[derive(Serialize)]
pub(crate) struct MappingAnswer {
    /// What becomes of users' attributes.
    pub mapping: ScimMapping,
}

/// A token as it is answered: itself only once.
#[derive(Serialize)]
pub(crate) struct TokenAnswer {
    token_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    scopes: Vec<String>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
}

impl TokenAnswer {
    /// A token that has just been made.
    pub(crate) fn made(token: ScimToken, text: &str) -> Self {
        Self { token: Some(text.to_owned()), ..token.into() }
    }
}

impl From<ScimToken> for TokenAnswer {
    fn from(token: ScimToken) -> Self {
        Self {
            token_id: token.id.as_str().to_owned(),
            token: None,
            scopes: token.scopes,
            created_at: token.created_at,
            valid_until: token.valid_until,
            last_used_at: token.last_used_at,
        }
    }
}
