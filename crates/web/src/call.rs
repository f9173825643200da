//! A call to the Management API on its way to its operation: first who calls, then whether it may, and only
//! then what is asked (management-api.md 1.2: 401, 403, 400).
//!
//! A handler takes [`Authenticated`], which can do nothing but become a [`Call`] by naming the scopes that
//! the operation needs. So no operation can forget to.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::{HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use domain::change::{Change, ClientContext, Origin, RequestContext};
use domain::clock::Timestamp;
use domain::ids::{ClientId, JobId, StreamId, TenantId};
use domain::operator::Operator;
use domain::redelivery::JobStart;
use serde_json::Map;
use store::{State, StoreError};

use crate::auth::authenticate;
use crate::dashboard::Visitor;
use crate::error::ApiError;
use crate::event_types::EventTypeNames;
use crate::principal::{Caller, Principal};
use crate::serve::PeerAddress;
use crate::state::App;
use crate::tenants::{ServedTenant, without_port};
use crate::wire::query::QueryReader;
use crate::wire::reader::{Field, Invalid, Part};

/// How often a change is computed anew because somebody else changed the same thing meanwhile.
pub(crate) const CHANGE_TRIES_MAX: usize = 5;

const STREAM_ID: Field = Field::new("id", "Unique identifier for the event stream.");

/// A request with a valid token.
pub(crate) struct Authenticated(Call);

/// A request whose token allows the operation.
pub(crate) struct Call {
    /// The application.
    pub app: Arc<App>,
    /// Whose state it is.
    pub served: Arc<ServedTenant>,
    principal: Arc<Principal>,
    asked: Arc<Asked>,
}

/// What a request says besides its body, and where it comes from.
pub(crate) struct Asked {
    segments: Option<RawPathParams>,
    query: Option<String>,
    method: Method,
    host: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    peer: Option<PeerAddress>,
}

impl Asked {
    /// What this request says.
    pub(crate) async fn of(parts: &mut Parts, app: &Arc<App>) -> Self {
        Self {
            segments: RawPathParams::from_request_parts(parts, app).await.ok(),
            query: parts.uri.query().map(str::to_owned),
            method: parts.method.clone(),
            host: parts.headers.get(HOST).cloned(),
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            peer: parts.extensions.get::<PeerAddress>().copied(),
        }
    }

    /// The query.
    pub(crate) fn query(&self) -> QueryReader {
        QueryReader::new(self.query.as_deref())
    }

    /// A segment of the path, decoded.
    pub(crate) fn segment(&self, field: Field) -> Result<&str, Invalid> {
        let found = self.segments.as_ref().and_then(|segments| segments.iter().find(|(name, _)| *name == field.name));
        found.map(|(_, value)| value).ok_or_else(|| {
            Invalid::new(Part::Path, "Object didn't pass validation for format utf-8", field.name, field.about)
        })
    }

    /// The browser or client, as it says.
    pub(crate) fn user_agent(&self) -> &str {
        text_of(self.user_agent.as_ref()).unwrap_or_default()
    }

    /// What events say of it.
    pub(crate) fn context(&self, served: &ServedTenant) -> Option<RequestContext> {
        let peer = self.peer?;
        let domain = served.public_url.domain();
        let host = text_of(self.host.as_ref()).unwrap_or(domain);
        Some(RequestContext {
            geo: Map::new(),
            hostname: without_port(host).to_owned(),
            ip: peer.0.ip().to_canonical().to_string(),
            method: self.method.as_str().to_owned(),
            user_agent: text_of(self.user_agent.as_ref()).unwrap_or_default().to_owned(),
        })
    }
}

impl FromRequestParts<Arc<App>> for Authenticated {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let served = Arc::clone(app.tenants.of_request(parts));
        let principal = authenticate(&app.checked_tokens, &served, app.now(), &parts.headers)?;
        Ok(Self(Call { app: Arc::clone(app), served, principal, asked: Arc::new(Asked::of(parts, app).await) }))
    }
}

impl Authenticated {
    /// A call that an operator makes from a page of the dashboard, with those of the scopes of their role that `grant`
    /// lets through.
    pub(crate) fn of_operator(visitor: &Visitor, person: &Operator, grant: impl Fn(&str) -> bool) -> Self {
        let scopes = person.role.scopes().filter(|scope| grant(scope)).map(Box::from).collect();
        let caller = Caller::Operator(person.email.clone());
        let principal = Principal { caller, scopes, expires_at: Timestamp::from_millis(i64::MAX) };
        Self(Call {
            app: Arc::clone(&visitor.app),
            served: Arc::clone(&visitor.served),
            principal: Arc::new(principal),
            asked: visitor.asked(),
        })
    }

    /// Lets the call go on if its token carries one of the scopes.
    pub(crate) fn authorise(self, any_of: &'static [&'static str]) -> Result<Call, ApiError> {
        if self.0.principal.has_any(any_of) { Ok(self.0) } else { Err(ApiError::InsufficientScope(any_of)) }
    }
}

impl Call {
    /// Checks that the token carries one of the scopes too: for what only some requests ask of an operation.
    pub(crate) fn require(&self, any_of: &'static [&'static str]) -> Result<(), ApiError> {
        if self.principal.has_any(any_of) { Ok(()) } else { Err(ApiError::InsufficientScope(any_of)) }
    }

    /// Whether the token carries the scope too: for what only some callers are shown.
    pub(crate) fn allows(&self, scope: &'static str) -> bool {
        self.principal.has_any(&[scope])
    }

    /// The store.
    pub(crate) fn state(&self) -> &dyn State {
        &*self.app.state
    }

    /// Whose state it is.
    pub(crate) fn tenant(&self) -> TenantId {
        self.served.id()
    }

    /// Until when the token is valid.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.principal.expires_at
    }

    /// The query.
    pub(crate) fn query(&self) -> QueryReader {
        self.asked.query()
    }

    /// A segment of the path, decoded.
    pub(crate) fn segment(&self, field: Field) -> Result<&str, Invalid> {
        self.asked.segment(field)
    }

    /// A segment of the path that must have the form of an id.
    pub(crate) fn segment_id<T, E>(
        &self,
        field: Field,
        format: &str,
        parse: fn(&str) -> Result<T, E>,
    ) -> Result<T, Invalid> {
        let text = self.segment(field)?;
        parse(text).map_err(|_| {
            let reason = format!("Object didn't pass validation for format {format}: {text}");
            Invalid::new(Part::Path, &reason, field.name, field.about)
        })
    }

    /// The event stream that the path names.
    pub(crate) fn stream_id(&self) -> Result<StreamId, Invalid> {
        self.segment_id(STREAM_ID, "event-stream-id", StreamId::parse)
    }

    /// The event types that the tenant knows, by name.
    pub(crate) async fn event_types(&self) -> Result<EventTypeNames, StoreError> {
        Ok(EventTypeNames::new(self.state().registered_types(self.tenant()).await?))
    }

    /// Who starts a redelivery now.
    pub(crate) fn job_start(&self) -> JobStart {
        let at = self.app.now();
        JobStart { id: JobId::generate(at, &*self.app.entropy), started_by: self.started_by(), at }
    }

    /// What is known of whoever starts a redelivery: the id of an application, or the address of an operator.
    fn started_by(&self) -> ClientId {
        match &self.principal.caller {
            Caller::Application(id) => id.clone(),
            Caller::Operator(email) => ClientId::from_text(email.as_str()),
        }
    }

    /// Commits a change; `false` if what it was computed from has been changed meanwhile.
    pub(crate) async fn commit(&self, change: Change) -> Result<bool, StoreError> {
        match self.state().change_commit(self.tenant(), change).await {
            Ok(()) => Ok(true),
            Err(StoreError::Stale) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The application that calls, as events name it; `None` if it has been deleted since it got its token, or an operator
    /// calls.
    pub(crate) async fn client_context(&self) -> Result<Option<ClientContext>, StoreError> {
        let Caller::Application(id) = &self.principal.caller else { return Ok(None) };
        let client = self.state().client_get(self.tenant(), id).await?;
        Ok(client.map(|client| ClientContext {
            name: client.value.name().to_owned(),
            metadata: client.value.metadata(),
            id: client.value.id,
        }))
    }

    /// What the events of a change say of where it comes from.
    pub(crate) fn origin(&self, client: Option<ClientContext>) -> Origin<'_> {
        Origin {
            source: &self.served.source,
            now: self.app.now(),
            entropy: &*self.app.entropy,
            client,
            request: self.asked.context(&self.served),
        }
    }
}

fn text_of(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}
