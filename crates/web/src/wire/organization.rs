//! Organizations, and what is in them, as callers give them (management-api.md 6.3). Organizations are answered as the
//! domain writes them.

use domain::ids::{ConnectionId, UserId};
use domain::organization::{AccessLevel, Branding, Colors, Organization, OrganizationPatch, SettingsPatch};
use domain::user::Metadata;
use serde::Serialize;
use serde_json::Value;
use store::EnabledConnection;

use super::reader::{Field, Invalid, ObjectReader, Text};

const NAME: Text = Text::new("name", "The name of this organization.")
    .length(1, Organization::NAME_MAX)
    .pattern("^(?!org_)[a-z0-9]([a-z0-9-_]*[a-z0-9])?$", Organization::is_name);
const DISPLAY_NAME: Text = Text::new("display_name", "Friendly name of this organization.").length(1, 255);
const BRANDING: Field = Field::new("branding", "Theme defines how to style the login pages.");
const LOGO_URL: Text =
    Text::new("logo_url", "URL of logo to display on login page.").length(1, 2048).format("uri", is_url);
const COLORS: Field = Field::new("colors", "Color scheme used to customize the login pages.");
const PRIMARY: Text = Text::new("primary", "HEX Color for primary elements.").pattern(COLOR_PATTERN, is_color);
const PAGE_BACKGROUND: Text =
    Text::new("page_background", "HEX Color for background.").pattern(COLOR_PATTERN, is_color);
const COLOR_PATTERN: &str = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$";
const METADATA: Field = Field::new("metadata", "Metadata associated with the organization: at most 25 texts.");
const ENABLED_CONNECTIONS: Field =
    Field::new("enabled_connections", "Connections that will be enabled for this organization.");
const MEMBERS: Text = Text::new("members", "List of user IDs.").length(1, 300);

const CONNECTION_ID: Text = Text::new("connection_id", "ID of the connection.").length(1, 50);
const CONNECTION_NAME: Text =
    Text::new("organization_connection_name", "Name of the connection in the scope of this organization.")
        .length(1, 50);
const ASSIGN_MEMBERSHIP: Field =
    Field::new("assign_membership_on_login", "Whether users who log in become members automatically.");
const SHOW_AS_BUTTON: Field = Field::new("show_as_button", "Whether the connection is shown on the login page.");
const IS_SIGNUP_ENABLED: Field = Field::new("is_signup_enabled", "Whether one can sign up through the connection.");
const ACCESS_LEVEL: Field = Field::new(
    "organization_access_level",
    "What members may do with the connection: none, readonly, limited or full.",
);
const IS_ENABLED: Field = Field::new("is_enabled", "Whether the connection is enabled for the organization.");

/// Entries of metadata at most, and the longest of their keys and values.
const METADATA_ENTRIES_MAX: usize = 25;
const METADATA_CHARS_MAX: usize = 255;
/// Connections that can be enabled while creating at most.
const CONNECTIONS_MAX: usize = 10;
/// Members in one call at most.
const MEMBERS_MAX: usize = 10;

/// Which of the two sets of members a connection's settings have: the early-access one has more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionForm {
    /// `…/enabled_connections`
    Enabled,
    /// `…/connections`
    EarlyAccess,
}

/// A connection to enable.
#[derive(Debug)]
pub(crate) struct NewConnection {
    /// Which.
    pub connection_id: ConnectionId,
    /// What is not at its default.
    pub settings: SettingsPatch,
}

/// An organization to create.
#[derive(Debug)]
pub(crate) struct NewOrganization {
    /// Unique in the tenant.
    pub name: String,
    /// What people call it.
    pub display_name: Option<String>,
    /// What its pages look like.
    pub branding: Option<Branding>,
    /// Texts that its owner chose.
    pub metadata: Option<Metadata>,
    /// Its first connections, each once.
    pub connections: Vec<NewConnection>,
}

/// Reads the body of a creation.
pub(crate) fn read_new(mut body: ObjectReader) -> Result<NewOrganization, Invalid> {
    let name = body.text_required(&NAME)?;
    let display_name = body.text(&DISPLAY_NAME)?;
    let branding = read_branding(&mut body)?;
    let metadata = read_metadata(&mut body)?;
    let connections = read_connections(&mut body)?;
    body.finish()?;
    Ok(NewOrganization { name, display_name, branding, metadata, connections })
}

/// Reads the body of a change.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<OrganizationPatch, Invalid> {
    let patch = OrganizationPatch {
        name: body.text(&NAME)?,
        display_name: body.text(&DISPLAY_NAME)?,
        branding: read_branding(&mut body)?,
        metadata: read_metadata(&mut body)?,
    };
    body.finish()?;
    Ok(patch)
}

fn read_branding(body: &mut ObjectReader) -> Result<Option<Branding>, Invalid> {
    let Some(mut branding) = body.object(BRANDING)? else { return Ok(None) };
    let logo_url = branding.text(&LOGO_URL)?;
    let colors = match branding.object(COLORS)? {
        None => None,
        Some(mut colors) => {
            let read = Colors { primary: colors.text(&PRIMARY)?, page_background: colors.text(&PAGE_BACKGROUND)? };
            colors.finish()?;
            Some(read)
        }
    };
    branding.finish()?;
    Ok(Some(Branding { logo_url, colors }))
}

fn read_metadata(body: &mut ObjectReader) -> Result<Option<Metadata>, Invalid> {
    let Some(metadata) = body.map(METADATA)? else { return Ok(None) };
    let fault = |reason: String| Err(body.fault_at(METADATA, &reason));
    if metadata.len() > METADATA_ENTRIES_MAX {
        return fault(format!("Too many properties defined ({}), maximum {METADATA_ENTRIES_MAX}", metadata.len()));
    }
    for (key, value) in &metadata {
        let Value::String(text) = value else {
            return fault(format!("Expected type string for every value, but {key} is another"));
        };
        let longest = key.chars().count().max(text.chars().count());
        if longest > METADATA_CHARS_MAX {
            return fault(format!("String is too long ({longest} chars), maximum {METADATA_CHARS_MAX}"));
        }
    }
    Ok(Some(metadata))
}

fn read_connections(body: &mut ObjectReader) -> Result<Vec<NewConnection>, Invalid> {
    let given = body.objects(ENABLED_CONNECTIONS)?.unwrap_or_default();
    let fault = |reason: String| body.fault_at(ENABLED_CONNECTIONS, &reason);
    if given.len() > CONNECTIONS_MAX {
        return Err(fault(format!("Array is too long ({}), maximum {CONNECTIONS_MAX}", given.len())));
    }
    let mut connections: Vec<NewConnection> = Vec::with_capacity(given.len());
    for (index, each) in given.into_iter().enumerate() {
        let new = read_connection(each, ConnectionForm::Enabled)?;
        if let Some(first) = connections.iter().position(|earlier| earlier.connection_id == new.connection_id) {
            return Err(fault(format!("Array items are not unique (indexes {first} and {index})")));
        }
        connections.push(new);
    }
    Ok(connections)
}

/// Reads a connection to enable.
pub(crate) fn read_connection(mut body: ObjectReader, form: ConnectionForm) -> Result<NewConnection, Invalid> {
    let connection_id = ConnectionId::from_text(body.text_required(&CONNECTION_ID)?);
    Ok(NewConnection { connection_id, settings: read_settings(body, form)? })
}

/// Reads what is to be changed of a connection's settings, and that there is nothing else.
pub(crate) fn read_settings(mut body: ObjectReader, form: ConnectionForm) -> Result<SettingsPatch, Invalid> {
    let mut settings = SettingsPatch {
        assign_membership_on_login: body.boolean(ASSIGN_MEMBERSHIP)?,
        show_as_button: body.boolean(SHOW_AS_BUTTON)?,
        is_signup_enabled: body.boolean(IS_SIGNUP_ENABLED)?,
        ..SettingsPatch::default()
    };
    if form == ConnectionForm::EarlyAccess {
        settings.organization_connection_name = body.text(&CONNECTION_NAME)?;
        settings.organization_access_level = body.word(ACCESS_LEVEL, AccessLevel::from_name)?;
        settings.is_enabled = body.boolean(IS_ENABLED)?;
    }
    body.finish()?;
    Ok(settings)
}

/// Reads a body that names members.
pub(crate) fn read_members(mut body: ObjectReader) -> Result<Vec<UserId>, Invalid> {
    let members = body.texts_required(&MEMBERS, 1, MEMBERS_MAX)?;
    body.finish()?;
    Ok(members.into_iter().map(UserId::from_text).collect())
}

/// A connection of an organization as it is answered.
#[derive(Serialize)]
pub(crate) struct ConnectionAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_connection_name: Option<String>,
    connection_id: ConnectionId,
    assign_membership_on_login: bool,
    show_as_button: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_signup_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_access_level: Option<AccessLevel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_enabled: Option<bool>,
    connection: ConnectionSummary,
}

#[derive(Serialize)]
struct ConnectionSummary {
    name: String,
    strategy: String,
}

impl ConnectionAnswer {
    /// A connection in one of the two forms.
    pub(crate) fn new(found: EnabledConnection, form: ConnectionForm) -> Self {
        let EnabledConnection { connection, name, strategy } = found;
        let settings = connection.settings;
        let is_early = form == ConnectionForm::EarlyAccess;
        Self {
            organization_connection_name: settings.organization_connection_name.filter(|_| is_early),
            connection_id: connection.connection_id,
            assign_membership_on_login: settings.assign_membership_on_login,
            show_as_button: settings.show_as_button,
            is_signup_enabled: settings.is_signup_enabled,
            organization_access_level: settings.organization_access_level.filter(|_| is_early),
            is_enabled: is_early.then_some(settings.is_enabled),
            connection: ConnectionSummary { name, strategy },
        }
    }
}

fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    matches!(digits.len(), 3 | 6) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_and_logos() {
        assert!(is_color("#fff") && is_color("#00AAff") && !is_color("fff") && !is_color("#ffff") && !is_color("#ggg"));
        assert!(is_url("https://example.com/logo.gif") && !is_url("javascript:alert(1)") && !is_url("logo.gif"));
    }
}
