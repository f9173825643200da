//! Destinations of type `webhook`: an endpoint and how requests to it are authorized.

use domain::destination::{Authorization, Endpoint, HEADERS_RESERVED, Webhook, is_header_name};
use domain::secret::Secret;
use serde::Serialize;

use crate::wire::reader::{Field, Invalid, ObjectReader, Part, Text};

const ENDPOINT_FIELD: Field = Field::new("webhook_endpoint", "Target HTTP endpoint URL.");
const ENDPOINT: Text = Text::new(ENDPOINT_FIELD.name, ENDPOINT_FIELD.about);
const AUTHORIZATION: Field = Field::new("webhook_authorization", "HTTP authorization of the webhook.");
const AUTHORIZATION_PLACE: &str = "destination.configuration.webhook_authorization";
const METHOD: Field = Field::new("method", "Type of authorization: bearer, basic or custom_header.");
const TOKEN: Text = Text::new("token", "HTTP Authorization token.").secret().format("printable", is_printable);
const USERNAME: Text = Text::new("username", "Username.")
    .length(1, 128)
    .pattern("^[^:]+$", |text| !text.contains(':') && is_printable(text));
const PASSWORD: Text = Text::new("password", "Password.").secret().format("printable", is_printable);
const HEADER_KEY: Text = Text::new("header_key", "HTTP header name; not one that the server itself sets.")
    .length(1, 256)
    .pattern(r"^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$", is_header_name);
const HEADER_VALUE: Text =
    Text::new("header_value", "HTTP header value.").secret().format("printable", is_header_value);

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Header values are sent as they are, so only what HTTP carries unchanged is taken.
fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && text.trim() == text
}

/// A webhook as it is given: without its secret, the stored one is meant.
#[derive(Clone, Debug)]
pub(crate) struct GivenWebhook {
    endpoint: Endpoint,
    authorization: GivenAuthorization,
}

#[derive(Clone, Debug)]
enum GivenAuthorization {
    Bearer { token: Option<Secret> },
    Basic { username: String, password: Option<Secret> },
    CustomHeader { header_key: String, header_value: Option<Secret> },
}

impl GivenWebhook {
    /// Refuses to keep the stored secret where the endpoint has another scheme, host or port than it was given for.
    pub(super) fn bound_to_origin(&self, stored: &Webhook) -> Result<(), Invalid> {
        let secret = match &self.authorization {
            GivenAuthorization::Bearer { token: None } => &TOKEN,
            GivenAuthorization::Basic { password: None, .. } => &PASSWORD,
            GivenAuthorization::CustomHeader { header_value: None, .. } => &HEADER_VALUE,
            _ => return Ok(()),
        };
        let (before, now) = (stored.endpoint.url().origin(), self.endpoint.url().origin());
        if before == now {
            return Ok(());
        }
        let reason = format!(
            "Missing required property: {}; this server keeps a secret for {} only, and has to be given it again for {}",
            secret.name(),
            before.ascii_serialization(),
            now.ascii_serialization()
        );
        Err(Invalid::new(Part::Payload, &reason, AUTHORIZATION_PLACE, AUTHORIZATION.about))
    }

    /// The webhook, with the stored secret where none is given and the method is the same.
    pub(super) fn completed(self, stored: Option<&Authorization>) -> Result<Webhook, Invalid> {
        let missing = |secret: &Text| {
            let reason = format!("Missing required property: {}", secret.name());
            Invalid::new(Part::Payload, &reason, AUTHORIZATION_PLACE, AUTHORIZATION.about)
        };
        let authorization = match (self.authorization, stored) {
            (GivenAuthorization::Bearer { token: Some(token) }, _) => Authorization::Bearer { token },
            (GivenAuthorization::Bearer { token: None }, Some(Authorization::Bearer { token })) => {
                Authorization::Bearer { token: token.clone() }
            }
            (GivenAuthorization::Bearer { token: None }, _) => return Err(missing(&TOKEN)),
            (GivenAuthorization::Basic { username, password: Some(password) }, _) => {
                Authorization::Basic { username, password }
            }
            (GivenAuthorization::Basic { username, password: None }, Some(Authorization::Basic { password, .. })) => {
                Authorization::Basic { username, password: password.clone() }
            }
            (GivenAuthorization::Basic { password: None, .. }, _) => return Err(missing(&PASSWORD)),
            (GivenAuthorization::CustomHeader { header_key, header_value: Some(header_value) }, _) => {
                Authorization::CustomHeader { header_key, header_value }
            }
            (
                GivenAuthorization::CustomHeader { header_key, header_value: None },
                Some(Authorization::CustomHeader { header_value, .. }),
            ) => Authorization::CustomHeader { header_key, header_value: header_value.clone() },
            (GivenAuthorization::CustomHeader { header_value: None, .. }, _) => return Err(missing(&HEADER_VALUE)),
        };
        Ok(Webhook { endpoint: self.endpoint, authorization })
    }
}

/// Reads a webhook's configuration. `http_allowed` is the operator's choice.
pub(super) fn read(mut configuration: ObjectReader, http_allowed: bool) -> Result<GivenWebhook, Invalid> {
    let given = configuration.text_required(&ENDPOINT)?;
    let endpoint = Endpoint::parse(&given, http_allowed)
        .map_err(|error| configuration.fault_at(ENDPOINT_FIELD, &error.to_string()))?;
    let authorization = read_authorization(configuration.object_required(AUTHORIZATION)?)?;
    configuration.finish()?;
    Ok(GivenWebhook { endpoint, authorization })
}

fn read_authorization(mut given: ObjectReader) -> Result<GivenAuthorization, Invalid> {
    let is_method = |word: &str| ["bearer", "basic", "custom_header"].into_iter().find(|method| *method == word);
    let method = given.word(METHOD, is_method)?.ok_or_else(|| given.missing(METHOD))?;
    let authorization = match method {
        "bearer" => GivenAuthorization::Bearer { token: given.text(&TOKEN)?.map(Secret::new) },
        "basic" => GivenAuthorization::Basic {
            username: given.text_required(&USERNAME)?,
            password: given.text(&PASSWORD)?.map(Secret::new),
        },
        _ => {
            let header_key = given.text_required(&HEADER_KEY)?;
            if HEADERS_RESERVED.contains(&header_key.to_ascii_lowercase().as_str()) {
                let reason = format!("The header {header_key} is set by the server");
                return Err(given.fault_at(Field::new(HEADER_KEY.name(), "HTTP header name."), &reason));
            }
            let header_value = given.text(&HEADER_VALUE)?.map(Secret::new);
            GivenAuthorization::CustomHeader { header_key, header_value }
        }
    };
    given.finish()?;
    Ok(authorization)
}

/// A webhook's configuration as it is answered.
#[derive(Serialize)]
pub(super) struct WebhookAnswer {
    webhook_endpoint: String,
    webhook_authorization: AuthorizationAnswer,
}

#[derive(Serialize)]
struct AuthorizationAnswer {
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header_key: Option<String>,
}

impl From<Webhook> for WebhookAnswer {
    fn from(webhook: Webhook) -> Self {
        let method = webhook.authorization.method();
        let (username, header_key) = match webhook.authorization {
            Authorization::Bearer { .. } => (None, None),
            Authorization::Basic { username, .. } => (Some(username), None),
            Authorization::CustomHeader { header_key, .. } => (None, Some(header_key)),
        };
        Self {
            webhook_endpoint: webhook.endpoint.as_str().to_owned(),
            webhook_authorization: AuthorizationAnswer { method, username, header_key },
        }
    }
}
