//! What a first start makes, and every later start finds: the tenants, and of each its database connection, a
//! signing key, and the application of the operator's choice with every scope.

use std::time::Duration;

use domain::account::{CLIENT_CREDENTIALS, Client, ClientGrant, ClientSecret, DEFAULT_TENANT};
use domain::change::{Change, Expect, Write};
use domain::clock::{Clock, Entropy};
use domain::connection::{Connection, DATABASE_CONNECTION, Strategy};
use domain::event::Source;
use domain::ids::{ClientId, ConnectionId, GrantId, TenantId};
use domain::scope::SCOPES;
use serde_json::{Map, json};
use store::{Page, Retire, State, StoreError};

use crate::settings::{Bootstrap, PublicUrl, Settings};
use crate::tokens::keys::{KeyError, generate_key};
use crate::tokens::secret_hash::{hash_secret, matches};

/// Why a start could not make what it needs.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The store does not answer as it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No signing key could be made.
    #[error("no key to sign tokens with could be made")]
    Key(#[from] KeyError),
    /// An id or secret that no client could send.
    #[error(
        "the bootstrap application needs an id of 1 to 64 letters, digits, '-' or '_' and a secret that is not empty"
    )]
    Application,
}

/// Makes what is missing of: the default tenant and those of the settings, and of each its database connection, a
/// signing key, and its first application with every scope. Doing it again changes nothing, but a new secret or
/// scope is taken up.
///
/// # Errors
/// [`BootstrapError`] if the store does not answer, or the bootstrap application cannot be.
pub async fn bootstrap(
    state: &dyn State,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    settings: &Settings,
    application: Option<Bootstrap>,
) -> Result<(), BootstrapError> {
    let lifetime = settings.token_lifetime;
    tenant_make(state, clock, entropy, DEFAULT_TENANT, &settings.public_url, lifetime, application).await?;
    for each in &settings.tenants {
        let application = each.application.clone();
        tenant_make(state, clock, entropy, each.name.as_str(), &each.public_url, lifetime, application).await?;
    }
    Ok(())
}

async fn tenant_make(
    state: &dyn State,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    name: &str,
    public_url: &PublicUrl,
    token_lifetime: Duration,
    application: Option<Bootstrap>,
) -> Result<(), BootstrapError> {
    let tenant = state.tenant_ensure(name).await?.id;
    if state.signing_keys(tenant).await?.is_empty() {
        state.signing_key_add(tenant, generate_key(clock.now().wall, entropy)?, Retire::WhenExpired).await?;
    }
    state.alert_source_note(tenant, Source::new(name, public_url.domain())).await?;
    state.token_lifetime_note(tenant, token_lifetime.as_secs()).await?;
    let client_id = match &application {
        None => None,
        Some(application) => Some(application_ensure(state, entropy, tenant, application).await?),
    };
    connection_ensure(state, clock, entropy, tenant, client_id.as_ref()).await?;
    if let Some(client_id) = client_id {
        grant_ensure(state, entropy, tenant, client_id, public_url.audience()).await?;
    }
    Ok(())
}

async fn application_ensure(
    state: &dyn State,
    entropy: &dyn Entropy,
    tenant: TenantId,
    application: &Bootstrap,
) -> Result<ClientId, BootstrapError> {
    let given = &application.client_id;
    let is_sendable = given.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !is_sendable || !(1..=64).contains(&given.len()) || application.client_secret.expose().is_empty() {
        return Err(BootstrapError::Application);
    }
    let id = ClientId::from_text(given.clone());
    let secret = &application.client_secret;
    let new_secret = || ClientSecret::new(hash_secret(secret, entropy), secret.clone());
    // One of which only a hash was kept is taken up too.
    let is_stored = |stored: &ClientSecret| stored.kept.is_some() && matches(&stored.hash, secret);
    let write = match state.client_get(tenant, &id).await? {
        Some(stored) if is_stored(&stored.value.secret) => return Ok(id),
        Some(stored) => Write::ClientPut(Expect::At(stored.revision), Client { secret: new_secret(), ..stored.value }),
        None => {
            let mut settings = Map::new();
            settings.insert("name".to_owned(), json!("Bootstrap"));
            settings.insert("description".to_owned(), json!("Made at the first start, with every scope."));
            settings.insert("app_type".to_owned(), json!("non_interactive"));
            settings.insert("grant_types".to_owned(), json!([CLIENT_CREDENTIALS]));
            Write::ClientPut(Expect::Absent, Client { id: id.clone(), secret: new_secret(), settings })
        }
    };
    state.change_commit(tenant, Change::from(write)).await?;
    Ok(id)
}

async fn connection_ensure(
    state: &dyn State,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    tenant: TenantId,
    client_id: Option<&ClientId>,
) -> Result<(), StoreError> {
    let write = match state.connection_by_name(tenant, DATABASE_CONNECTION).await? {
        None => {
            let id = ConnectionId::generate(entropy);
            let mut connection = Connection::new(id, DATABASE_CONNECTION, Strategy::DATABASE, clock.now().wall);
            connection.enabled_clients = client_id.into_iter().cloned().collect();
            Write::ConnectionPut(Expect::Absent, connection)
        }
        Some(stored) => {
            let mut connection = stored.value;
            match client_id {
                Some(client_id) if !connection.enabled_clients.contains(client_id) => {
                    connection.enabled_clients.push(client_id.clone());
                }
                _ => return Ok(()),
            }
            Write::ConnectionPut(Expect::At(stored.revision), connection)
        }
    };
    state.change_commit(tenant, Change::from(write)).await
}

async fn grant_ensure(
    state: &dyn State,
    entropy: &dyn Entropy,
    tenant: TenantId,
    client_id: ClientId,
    audience: &str,
) -> Result<(), StoreError> {
    let only = Page { offset: 0, limit: 1 };
    let found = state.grant_page(tenant, Some(&client_id), Some(audience), only).await?.pop();
    let stored = match found {
        Some(grant) => state.grant_get(tenant, &grant.id).await?,
        None => None,
    };
    let write = match stored {
        None => {
            let scope = SCOPES.iter().map(|(name, _)| (*name).to_owned()).collect();
            let id = GrantId::generate(entropy);
            Write::GrantPut(Expect::Absent, ClientGrant { id, client_id, audience: audience.to_owned(), scope })
        }
        Some(stored) => {
            let mut grant = stored.value;
            let granted = grant.scope.len();
            for (name, _) in SCOPES {
                if !grant.scope.iter().any(|scope| scope == name) {
                    grant.scope.push((*name).to_owned());
                }
            }
            if grant.scope.len() == granted {
                return Ok(());
            }
            Write::GrantPut(Expect::At(stored.revision), grant)
        }
    };
    state.change_commit(tenant, Change::from(write)).await
}
