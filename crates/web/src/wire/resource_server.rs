//! APIs (management-api.md 6.8): those of the tenant, and the Management API itself.

use std::fmt::Write;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use domain::account::MANAGEMENT_API_NAME;
use domain::resource_server::{ApiScope, ResourceServer, ResourceServerPatch, SigningAlgorithm};
use domain::scope::SCOPES;
use domain::secret::Secret;
use serde::Serialize;

use super::reader::{Field, Invalid, ObjectReader, Text};
use crate::settings::PublicUrl;

const NAME: Text = Text::new("name", "Friendly name for this resource server.")
    .length(1, 200)
    .format("resource-server-name", |name| !name.contains(['<', '>']));
const IDENTIFIER: Text =
    Text::new("identifier", "Unique identifier for the API used as the audience parameter on authorization calls.")
        .length(1, 600);
const SCOPES_FIELD: Field = Field::new("scopes", "List of permissions (scopes) that this API uses.");
const SCOPE_VALUE: Text = Text::new("value", "Value of this scope.")
    .length(1, 280)
    .format("scope", |scope| scope.bytes().all(|byte| byte.is_ascii_graphic()));
const SCOPE_DESCRIPTION: Text = Text::new("description", "User-friendly description of this scope.").length(1, 500);
const SIGNING_ALG: Field = Field::new("signing_alg", "Algorithm used to sign JWTs: RS256 or HS256.");
const SIGNING_SECRET: Text =
    Text::new("signing_secret", "Secret used to sign tokens when using symmetric algorithms.").length(16, 512).secret();
const ALLOW_OFFLINE: Field = Field::new("allow_offline_access", "Whether refresh tokens can be issued for this API.");
const LIFETIME: Field = Field::new("token_lifetime", "Expiration value (in seconds) for access tokens.");
const LIFETIME_FOR_WEB: Field = Field::new(
    "token_lifetime_for_web",
    "Expiration value (in seconds) for access tokens issued for this API in browsers.",
);
const SKIP_CONSENT: Field =
    Field::new("skip_consent_for_verifiable_first_party_clients", "Whether to skip user consent.");
const ENFORCE_POLICIES: Field = Field::new("enforce_policies", "Whether to enforce authorization policies.");
const TOKEN_DIALECT: Text =
    Text::new("token_dialect", "Dialect of access tokens.").length(1, 64).format("token-dialect", |name| {
        matches!(name, "access_token" | "access_token_authz" | "rfc9068_profile" | "rfc9068_profile_authz")
    });
const SUBJECT_TYPES: Field = Field::new("subject_type_authorization", "Application access permissions.");

/// 30 days.
const LIFETIME_MAX: u64 = 2_592_000;

/// Half of the id's 24 hexadecimal digits.
const ID_BYTES: usize = 12;

/// An API to create.
#[derive(Debug)]
pub(crate) struct NewResourceServer {
    /// The audience of its tokens.
    pub identifier: String,
    /// What is not at its default.
    pub members: ResourceServerPatch,
}

/// Reads the body of a creation.
pub(crate) fn read_new(mut body: ObjectReader) -> Result<NewResourceServer, Invalid> {
    let identifier = body.text_required(&IDENTIFIER)?;
    Ok(NewResourceServer { identifier, members: read_changes(body)? })
}

/// Reads the body of a change.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<ResourceServerPatch, Invalid> {
    let patch = ResourceServerPatch {
        name: body.text(&NAME)?,
        scopes: read_scopes(&mut body)?,
        signing_alg: body.word(SIGNING_ALG, SigningAlgorithm::from_name)?,
        signing_secret: body.text(&SIGNING_SECRET)?.map(Secret::new),
        allow_offline_access: body.boolean(ALLOW_OFFLINE)?,
        token_lifetime: body.number(LIFETIME, 1, LIFETIME_MAX)?,
        token_lifetime_for_web: body.number(LIFETIME_FOR_WEB, 1, LIFETIME_MAX)?,
        skip_consent_for_verifiable_first_party_clients: body.boolean(SKIP_CONSENT)?,
        enforce_policies: body.boolean(ENFORCE_POLICIES)?,
        token_dialect: body.text(&TOKEN_DIALECT)?,
        subject_type_authorization: body.map(SUBJECT_TYPES)?,
    };
    body.finish()?;
    Ok(patch)
}

fn read_scopes(body: &mut ObjectReader) -> Result<Option<Vec<ApiScope>>, Invalid> {
    let Some(given) = body.objects(SCOPES_FIELD)? else { return Ok(None) };
    let mut scopes: Vec<ApiScope> = Vec::with_capacity(given.len());
    for (index, mut each) in given.into_iter().enumerate() {
        let scope = ApiScope { value: each.text_required(&SCOPE_VALUE)?, description: each.text(&SCOPE_DESCRIPTION)? };
        each.finish()?;
        if let Some(first) = scopes.iter().position(|earlier| earlier.value == scope.value) {
            let reason = format!("Array items are not unique (indexes {first} and {index})");
            return Err(body.fault_at(SCOPES_FIELD, &reason));
        }
        scopes.push(scope);
    }
    Ok(Some(scopes))
}

/// An API of the tenant as it is answered to who may see its secret.
#[derive(Serialize)]
pub(crate) struct ResourceServerAnswer<'a> {
    #[serde(flatten)]
    server: &'a ResourceServer,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<&'a str>,
}

impl<'a> From<&'a ResourceServer> for ResourceServerAnswer<'a> {
    fn from(server: &'a ResourceServer) -> Self {
        Self { server, signing_secret: server.signing_secret.as_ref().map(Secret::expose) }
    }
}

/// The Management API as it is answered.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ManagementApi {
    /// 24 hexadecimal digits.
    pub id: String,
    name: &'static str,
    /// The audience of its tokens.
    pub identifier: String,
    is_system: bool,
    signing_alg: &'static str,
    /// For how many seconds its tokens hold.
    pub token_lifetime: u64,
    scopes: Vec<Scope>,
}

#[derive(Clone, Debug, Serialize)]
struct Scope {
    value: &'static str,
    description: &'static str,
}

impl ManagementApi {
    /// The Management API. Its id follows from its identifier, so it is the same on every node.
    pub(crate) fn new(public_url: &PublicUrl, token_lifetime: Duration) -> Self {
        let identifier = public_url.audience().to_owned();
        let mut id = String::with_capacity(2 * ID_BYTES);
        for byte in &digest(&SHA256, identifier.as_bytes()).as_ref()[..ID_BYTES] {
            write!(id, "{byte:02x}").expect("writing to a string cannot fail");
        }
        Self {
            id,
            name: MANAGEMENT_API_NAME,
            identifier,
            is_system: true,
            signing_alg: SigningAlgorithm::Rs256.name(),
            token_lifetime: token_lifetime.as_secs(),
            scopes: SCOPES.iter().map(|(value, description)| Scope { value, description }).collect(),
        }
    }
}
