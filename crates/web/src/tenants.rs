//! The tenants that are served. Which one a request is for, its host says; one with a host that is no tenant's
//! domain is for the default tenant.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use domain::account::{DEFAULT_TENANT, Tenant};
use domain::event::Source;
use domain::ids::TenantId;
use store::{Offsets, State, TenantOffsets};

use crate::settings::{PublicUrl, Settings};
use crate::state::{App, LoadError};
use crate::tokens::keys::Keys;
use crate::wire::resource_server::ManagementApi;

/// A tenant as it is served: what follows from its domain, and its keys.
pub(crate) struct ServedTenant {
    pub(crate) tenant: Tenant,
    /// How its clients reach it.
    pub(crate) public_url: PublicUrl,
    /// The tenant as events name it.
    pub(crate) source: Source,
    /// What its tokens are signed and checked with.
    keys: RwLock<Arc<Keys>>,
    /// What its offsets are made and read with.
    pub(crate) offsets: Arc<Offsets>,
    /// The one API there is.
    pub(crate) management_api: ManagementApi,
}

impl ServedTenant {
    async fn load(
        state: &dyn State,
        name: &str,
        public_url: &PublicUrl,
        settings: &Settings,
    ) -> Result<Self, LoadError> {
        let tenant = state.tenant_ensure(name).await?;
        let keys = Keys::load(&state.signing_keys(tenant.id).await?, public_url)?;
        Ok(Self {
            source: Source::new(&tenant.name, public_url.domain()),
            management_api: ManagementApi::new(public_url, settings.token_lifetime),
            offsets: Arc::new(state.offsets(tenant.id)),
            public_url: public_url.clone(),
            tenant,
            keys: RwLock::new(Arc::new(keys)),
        })
    }

    /// What its tokens are signed and checked with now.
    pub(crate) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes up its keys as they are stored.
    pub(crate) async fn keys_reload(&self, state: &dyn State) -> Result<(), LoadError> {
        let keys = Keys::load(&state.signing_keys(self.id()).await?, &self.public_url)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    pub(crate) fn id(&self) -> TenantId {
        self.tenant.id
    }

    /// Whether its clients reach it by HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.is_https()
    }

    /// The identifier of the Management API.
    pub(crate) fn audience(&self) -> &str {
        self.public_url.audience()
    }
}

/// The tenants, by their domains.
pub(crate) struct Tenants {
    default: Arc<ServedTenant>,
    by_domain: HashMap<String, Arc<ServedTenant>>,
    /// By the host alone, where it is that of one tenant only: a proxy may ask for it by another port, or by none.
    by_host: HashMap<String, Arc<ServedTenant>>,
}

impl Tenants {
    /// Loads the tenants of the settings, which [`crate::bootstrap`] has made.
    pub(crate) async fn load(state: &dyn State, settings: &Settings) -> Result<Self, LoadError> {
        let default = ServedTenant::load(state, DEFAULT_TENANT, &settings.public_url, settings).await?;
        let mut all = vec![Arc::new(default)];
        for each in &settings.tenants {
            all.push(Arc::new(ServedTenant::load(state, each.name.as_str(), &each.public_url, settings).await?));
        }
        Ok(Self::of(all))
    }

    /// The first one is the default tenant.
    fn of(all: Vec<Arc<ServedTenant>>) -> Self {
        let mut hosts: HashMap<String, Vec<&Arc<ServedTenant>>> = HashMap::new();
        for each in &all {
            hosts.entry(without_port(each.public_url.domain()).to_owned()).or_default().push(each);
        }
        let lone = hosts.into_iter().filter(|(_, tenants)| tenants.len() == 1);
        Self {
            by_host: lone.map(|(host, tenants)| (host, Arc::clone(tenants[0]))).collect(),
            by_domain: all.iter().map(|each| (each.public_url.domain().to_owned(), Arc::clone(each))).collect(),
            default: Arc::clone(all.first().expect("there is the default tenant")),
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<ServedTenant>> {
        self.by_domain.values()
    }

    /// The tenant whose host this is.
    fn of_host(&self, host: &str) -> &Arc<ServedTenant> {
        let host = host.to_ascii_lowercase();
        self.by_domain.get(&host).or_else(|| self.by_host.get(without_port(&host))).unwrap_or(&self.default)
    }

    /// The tenant that a request is for.
    pub(crate) fn of_request(&self, parts: &Parts) -> &Arc<ServedTenant> {
        if self.by_domain.len() == 1 {
            return &self.default;
        }
        let header = || parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        // What the target itself names goes before the header (RFC 9112, 3.2.2).
        let host = parts.uri.authority().map(axum::http::uri::Authority::as_str).or_else(header);
        host.map_or(&self.default, |host| self.of_host(host))
    }
}

/// A domain without its port.
pub(crate) fn without_port(domain: &str) -> &str {
    match domain.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => domain,
    }
}

/// The tenant that a request is for, where nobody has to be authenticated.
pub(crate) struct ForTenant(pub(crate) Arc<ServedTenant>);

impl FromRequestParts<Arc<App>> for ForTenant {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self(Arc::clone(app.tenants.of_request(parts))))
    }
}
