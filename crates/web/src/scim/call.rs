//! A SCIM request on its way to its operation: which token it shows, whether that is of the connection in the path and
//! allows the operation, and only then what is asked.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use domain::change::{Change, Origin, Revision, Versioned};
use domain::connection::Connection;
use domain::ids::{ConnectionId, TenantId};
use domain::scim::{ScimConfiguration, ScimToken, ScimTokenHash};
use store::{State, StoreError};

use super::answer::version_of;
use super::error::ScimError;
use crate::call::Asked;
use crate::state::App;
use crate::tenants::ServedTenant;
use crate::wire::query::QueryReader;
use crate::wire::reader::Field;

const CONNECTION_ID: Field = Field::new("connection_id", "The id of the connection.");
/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 1024;
/// How exactly it is noted when a token was last shown: noting it is a write.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// The hash that a token is kept and found by.
pub(crate) fn hash_of(token: &str) -> ScimTokenHash {
    let mut hash = [0; SHA256_OUTPUT_LEN];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    ScimTokenHash(hash)
}

/// A request with a token of the connection in its path.
pub(crate) struct ScimCaller {
    call: ScimCall,
    token: ScimToken,
}

/// A request whose token allows the operation.
pub(crate) struct ScimCall {
    /// The application.
    pub app: Arc<App>,
    /// Whose state it is.
    pub served: Arc<ServedTenant>,
    /// Whose users and groups these are.
    pub connection: Connection,
    /// How they are provisioned.
    pub configuration: ScimConfiguration,
    asked: Asked,
    if_match: Option<HeaderValue>,
    if_none_match: Option<HeaderValue>,
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (1..=TOKEN_BYTES_MAX).contains(&token.len())).then_some(token)
}

impl FromRequestParts<Arc<App>> for ScimCaller {
    type Rejection = ScimError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ScimError> {
        let asked = Asked::of(parts, app).await;
        let served = Arc::clone(app.tenants.of_request(parts));
        let (tenant, now) = (served.id(), app.now());
        let token = bearer(&parts.headers).ok_or(ScimError::Unauthenticated)?;
        let token = app.state.scim_token_by_hash(tenant, hash_of(token)).await?;
        let id = asked.segment(CONNECTION_ID).map(ConnectionId::from_text).ok();
        let holds = |token: &ScimToken| token.is_valid(now) && Some(&token.connection_id) == id.as_ref();
        let token = token.filter(holds).ok_or(ScimError::Unauthenticated)?;
        // A token goes with its configuration, and that with its connection.
        let configuration = app.state.scim_configuration_get(tenant, &token.connection_id).await?;
        let connection = app.state.connection_get(tenant, &token.connection_id).await?;
        let (Some(configuration), Some(connection)) = (configuration, connection) else {
            return Err(ScimError::Unauthenticated);
        };
        let is_noted = token.last_used_at.is_some_and(|at| now.since(at) < USE_NOTED_EVERY);
        if !is_noted && let Err(error) = app.state.scim_token_used(tenant, &token.id, now).await {
            // Reading goes on where nothing can be written.
            tracing::warn!(error = &error as &dyn std::error::Error, "the use of a SCIM token is not noted");
        }
        let call = ScimCall {
            app: Arc::clone(app),
            served,
            connection: connection.value,
            configuration: configuration.value,
            asked,
            if_match: parts.headers.get(IF_MATCH).cloned(),
            if_none_match: parts.headers.get(IF_NONE_MATCH).cloned(),
        };
        Ok(Self { call, token })
    }
}

impl ScimCaller {
    /// Lets the request go on if its token allows it.
    pub(super) fn authorise(self, scope: &'static str) -> Result<ScimCall, ScimError> {
        if self.token.allows(scope) { Ok(self.call) } else { Err(ScimError::NotAllowed(scope)) }
    }

    /// Lets the request go on whatever its token allows.
    pub(super) fn any(self) -> ScimCall {
        self.call
    }
}

impl ScimCall {
    /// The store.
    pub(super) fn state(&self) -> &dyn State {
        &*self.app.state
    }

    /// Whose state it is.
    pub(super) fn tenant(&self) -> TenantId {
        self.served.id()
    }

    /// The query.
    pub(super) fn query(&self) -> QueryReader {
        self.asked.query()
    }

    /// A segment of the path, decoded; empty if it cannot be.
    pub(super) fn segment(&self, field: Field) -> &str {
        self.asked.segment(field).unwrap_or_default()
    }

    /// The address of what is at `path` of the connection.
    pub(super) fn location(&self, path: &str) -> String {
        format!("{}scim/v2/connections/{}/{path}", self.served.public_url.issuer(), self.connection.id)
    }

    /// What the events of a change say of where it comes from: of no application, but of the request.
    pub(super) fn origin(&self) -> Origin<'_> {
        Origin {
            source: &self.served.source,
            now: self.app.now(),
            entropy: &*self.app.entropy,
            client: None,
            request: self.asked.context(&self.served),
        }
    }

    /// Commits a change; `false` if what it was computed from has been changed meanwhile.
    pub(super) async fn commit(&self, change: Change) -> Result<bool, StoreError> {
        match self.state().change_commit(self.tenant(), change).await {
            Ok(()) => Ok(true),
            Err(StoreError::Stale) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Refuses to change a resource that the caller knows at another version (`If-Match`).
    pub(super) fn check_version<T>(&self, stored: &Versioned<T>) -> Result<(), ScimError> {
        match &self.if_match {
            Some(versions) if !names(versions, stored.revision) => Err(ScimError::Changed),
            _ => Ok(()),
        }
    }

    /// Whether the caller knows a resource as it is (`If-None-Match`).
    pub(super) fn knows<T>(&self, stored: &Versioned<T>) -> bool {
        self.if_none_match.as_ref().is_some_and(|versions| names(versions, stored.revision))
    }
}

/// Whether a list of versions has this one.
fn names(versions: &HeaderValue, revision: Revision) -> bool {
    let version = version_of(revision);
    let given = versions.to_str().unwrap_or_default();
    given.split(',').map(str::trim).any(|given| given == "*" || given == version)
}
