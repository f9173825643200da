//! An application as commands show one: without its secret, unless somebody asks for it.

use clap::ValueEnum;
use serde_json::Value;

use crate::document::Document;
use crate::entity::Entity;
use crate::exit::Failure;
use crate::output::Format;
use crate::session::Session;

/// How applications are spoken of.
pub(super) const APPS: Entity = Entity {
    one: "application",
    many: "applications",
    path: "clients",
    id: "client_id",
    name: "name",
    hint: "Use 'headwater apps create' to add one",
};

const SECRET: &str = "client_secret";
/// What stands for the secret of which the server tells nothing.
const SECRET_UNREADABLE: &str = "(not readable: this takes the scope read:client_keys)";

/// What an application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AppType {
    Native,
    Spa,
    Regular,
    M2m,
}

impl AppType {
    pub(super) const ALL: [Self; 4] = [Self::Native, Self::Spa, Self::Regular, Self::M2m];

    /// As the API calls it.
    pub(super) const fn app_type(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Spa => "spa",
            Self::Regular => "regular_web",
            Self::M2m => "non_interactive",
        }
    }

    /// As people call it.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Native => "Native",
            Self::Spa => "Single Page Web Application",
            Self::Regular => "Regular Web Application",
            Self::M2m => "Machine to Machine",
        }
    }

    /// What it may get tokens by, unless somebody says.
    pub(super) const fn default_grants(self) -> &'static [&'static str] {
        match self {
            Self::Native | Self::Spa => &["implicit", "authorization_code", "refresh_token"],
            Self::Regular => &["implicit", "authorization_code", "refresh_token", "client_credentials"],
            Self::M2m => &["client_credentials"],
        }
    }
}

/// An application, as the server told of it.
#[derive(Debug)]
pub(super) struct App<'a>(pub(super) &'a Document);

impl App<'_> {
    pub(super) fn type_label(&self) -> String {
        let given = self.0.member("app_type");
        let known = AppType::ALL.into_iter().find(|each| each.app_type() == given);
        known.map_or_else(|| given.to_owned(), |known| known.label().to_owned())
    }

    /// The secret, in the words of a cell.
    pub(super) fn secret(&self) -> String {
        match self.0.member(SECRET) {
            "" => SECRET_UNREADABLE.to_owned(),
            secret => secret.to_owned(),
        }
    }

    fn joined(&self, member: &str) -> String {
        let list = self.0.value()[member].as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    }

    fn metadata(&self) -> String {
        let members = self.0.value()["client_metadata"].as_object();
        let pairs = members.into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
        pairs.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn rows(&self, reveal: bool) -> Vec<(&'static str, String)> {
        let text = |member| self.0.member(member).to_owned();
        let mut rows = vec![
            ("CLIENT ID", text("client_id")),
            ("NAME", text("name")),
            ("DESCRIPTION", text("description")),
            ("TYPE", self.type_label()),
        ];
        if reveal {
            rows.push(("CLIENT SECRET", self.secret()));
        }
        rows.extend([
            ("CALLBACKS", self.joined("callbacks")),
            ("ALLOWED ORIGINS", self.joined("allowed_origins")),
            ("ALLOWED WEB ORIGINS", self.joined("web_origins")),
            ("ALLOWED LOGOUT URLS", self.joined("allowed_logout_urls")),
            ("TOKEN ENDPOINT AUTH", text("token_endpoint_auth_method")),
            ("GRANTS", self.joined("grant_types")),
            ("METADATA", self.metadata()),
        ]);
        rows
    }
}

/// The document as it may be shown.
pub(super) fn shown(app: &Document, reveal: bool) -> Document {
    if reveal { app.clone() } else { app.without(SECRET) }
}

/// Shows an application, with the scopes that it has been granted just now.
pub(super) fn show(
    session: &Session,
    format: Format,
    heading: &str,
    app: &Document,
    reveal: bool,
    scopes: Option<&[String]>,
) -> Result<(), Failure> {
    let mut rows = App(app).rows(reveal);
    rows.extend(scopes.map(|scopes| ("SCOPES", scopes.join(" "))));
    session.show_one(format, heading, &rows, &shown(app, reveal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"name":"a","client_secret":"hush","app_type":"non_interactive","client_id":"i","grant_types":["client_credentials"],"client_metadata":{"k":"v"}}"#;

    #[test]
    fn the_secret_is_shown_to_those_who_ask_only() {
        let app = Document::parse(TEXT).unwrap();
        let rows = |reveal| format!("{:?}", App(&app).rows(reveal));
        assert!(rows(true).contains("hush") && !rows(false).contains("hush"));
        assert!(shown(&app, true).text().contains("hush"));
        assert_eq!(shown(&app, false).text(), TEXT.replace(r#""client_secret":"hush","#, ""));
        let without = app.without(SECRET);
        assert!(App(&without).secret().contains("read:client_keys"));
    }

    #[test]
    fn types_have_names() {
        let app = |text: &str| App(&Document::parse(text).unwrap()).type_label();
        assert_eq!(app(TEXT), "Machine to Machine");
        assert_eq!(app(r#"{"app_type":"box"}"#), "box");
    }
}
