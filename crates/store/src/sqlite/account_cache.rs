//! The applications and connections that were read last, for the requests that name the same ones again and
//! again: every change of a user names two. And tenants' registered types, for those who publish events of them.
//!
//! Exact, because there is one writer: it forgets them before it answers a change of any.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::account::Client;
use domain::change::Versioned;
use domain::connection::Connection;
use domain::ids::{ClientId, TenantId};
use domain::registered_type::RegisteredType;

/// How many are remembered of each kind; a full memory is emptied.
const ENTRIES_MAX: usize = 1024;

/// What was read last.
#[derive(Default)]
pub(super) struct AccountCache(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Counts how often everything was forgotten.
    era: u64,
    clients: HashMap<(TenantId, ClientId), Versioned<Client>>,
    connections: HashMap<(TenantId, String), Versioned<Connection>>,
    registered_types: HashMap<TenantId, Arc<[Versioned<RegisteredType>]>>,
}

/// When a read began: what was forgotten since then is not remembered from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Era(u64);

impl AccountCache {
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets everything: something of it has been changed.
    pub(super) fn forget(&self) {
        self.with(|inner| {
            inner.era += 1;
            inner.clients.clear();
            inner.connections.clear();
            inner.registered_types.clear();
        });
    }

    /// The application, or when to have begun reading it.
    pub(super) fn client(&self, key: &(TenantId, ClientId)) -> Result<Versioned<Client>, Era> {
        self.with(|inner| inner.clients.get(key).cloned().ok_or(Era(inner.era)))
    }

    /// Remembers what was read since `era`.
    pub(super) fn remember_client(&self, era: Era, key: (TenantId, ClientId), client: &Versioned<Client>) {
        self.with(|inner| remember(&mut inner.clients, era == Era(inner.era), key, client));
    }

    /// The connection, or when to have begun reading it.
    pub(super) fn connection(&self, key: &(TenantId, String)) -> Result<Versioned<Connection>, Era> {
        self.with(|inner| inner.connections.get(key).cloned().ok_or(Era(inner.era)))
    }

    /// Remembers what was read since `era`.
    pub(super) fn remember_connection(&self, era: Era, key: (TenantId, String), connection: &Versioned<Connection>) {
        self.with(|inner| remember(&mut inner.connections, era == Era(inner.era), key, connection));
    }

    /// The types that a tenant has registered, or when to have begun reading them.
    pub(super) fn registered_types(&self, tenant: TenantId) -> Result<Arc<[Versioned<RegisteredType>]>, Era> {
        self.with(|inner| inner.registered_types.get(&tenant).cloned().ok_or(Era(inner.era)))
    }

    /// Remembers what was read since `era`.
    pub(super) fn remember_registered_types(
        &self,
        era: Era,
        tenant: TenantId,
        types: &Arc<[Versioned<RegisteredType>]>,
    ) {
        self.with(|inner| remember(&mut inner.registered_types, era == Era(inner.era), tenant, types));
    }
}

fn remember<K: Eq + std::hash::Hash, V: Clone>(map: &mut HashMap<K, V>, is_current: bool, key: K, value: &V) {
    if !is_current {
        return;
    }
    if map.len() >= ENTRIES_MAX {
        map.clear();
    }
    map.insert(key, value.clone());
}

#[cfg(test)]
mod tests {
    use domain::account::{ClientSecret, SecretHash};
    use domain::change::Revision;
    use domain::secret::Secret;

    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let cache = AccountCache::default();
        let key = (TenantId(1), ClientId::from_text("c"));
        let client = Versioned {
            revision: Revision(1),
            value: Client {
                id: key.1.clone(),
                secret: ClientSecret::new(SecretHash::from_encoded("h"), Secret::new("s")),
                settings: serde_json::Map::new(),
            },
        };
        let era = cache.client(&key).unwrap_err();
        cache.forget();
        cache.remember_client(era, key.clone(), &client);
        let era = cache.client(&key).unwrap_err();
        cache.remember_client(era, key.clone(), &client);
        assert_eq!(cache.client(&key).unwrap(), client);
        cache.forget();
        assert!(cache.client(&key).is_err());
    }
}
