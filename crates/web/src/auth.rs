//! Who calls: the bearer token of a request, checked once and then remembered until it expires.
//!
//! Checking an RS256 signature costs as much as the rest of a small call, and a client sends the same token
//! for a day. What is remembered is found by a digest of the tenant and the whole token, so nothing but the very
//! same token finds it, and only where it was checked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use domain::clock::Timestamp;
use domain::ids::TenantId;

use crate::error::AuthenticationError;
use crate::principal::Principal;
use crate::tenants::ServedTenant;

/// How many checked tokens are remembered.
const TOKENS_MAX: usize = 16 * 1024;
/// Parts of the memory that are locked apart from one another.
const SHARDS: usize = 16;
/// The longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

type Digest = [u8; SHA256_OUTPUT_LEN];
type Shard = HashMap<Digest, Arc<Principal>>;

/// The tokens that have been checked, by their digest. Bounded: a full part forgets what has expired, or
/// else one token, which is then checked again when it comes back.
#[derive(Default)]
pub(crate) struct TokenCache([Mutex<Shard>; SHARDS]);

impl TokenCache {
    fn with_shard<T>(&self, digest: &Digest, act: impl FnOnce(&mut Shard) -> T) -> T {
        let shard = &self.0[usize::from(digest[0]) % SHARDS];
        act(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn get(&self, digest: &Digest) -> Option<Arc<Principal>> {
        self.with_shard(digest, |shard| shard.get(digest).cloned())
    }

    /// Forgets all of them.
    pub(crate) fn forget(&self) {
        for shard in &self.0 {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn put(&self, digest: Digest, principal: Arc<Principal>, now: Timestamp) {
        self.with_shard(&digest, |shard| {
            if shard.len() >= TOKENS_MAX / SHARDS {
                shard.retain(|_, known| known.expires_at > now);
            }
            if shard.len() >= TOKENS_MAX / SHARDS
                && let Some(any) = shard.keys().next().copied()
            {
                shard.remove(&any);
            }
            shard.insert(digest, principal);
        });
    }
}

/// Checks the bearer token of a request to a tenant: a token of another one is none.
pub(crate) fn authenticate(
    checked: &TokenCache,
    served: &ServedTenant,
    now: Timestamp,
    headers: &HeaderMap,
) -> Result<Arc<Principal>, AuthenticationError> {
    let header = headers.get(AUTHORIZATION).ok_or(AuthenticationError::Missing)?;
    let (scheme, token) = header.as_bytes().split_at_checked(7).ok_or(AuthenticationError::Missing)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(AuthenticationError::Missing);
    }
    let token = token.trim_ascii();
    if token.len() > TOKEN_BYTES_MAX {
        return Err(AuthenticationError::Invalid);
    }
    let key = digest_of(served.id(), token);
    let principal = match checked.get(&key) {
        Some(known) => known,
        None => {
            let principal = Arc::new(served.keys().check(token)?);
            if principal.expires_at > now {
                checked.put(key, Arc::clone(&principal), now);
            }
            principal
        }
    };
    if principal.expires_at > now { Ok(principal) } else { Err(AuthenticationError::Expired) }
}

/// What a checked token is found by: the tenant that it was checked for, and all of it.
fn digest_of(tenant: TenantId, token: &[u8]) -> Digest {
    let mut text = Context::new(&SHA256);
    text.update(&tenant.0.to_be_bytes());
    text.update(token);
    text.finish().as_ref().try_into().expect("it is as long as a digest of SHA-256")
}

#[cfg(test)]
mod tests {
    use domain::ids::ClientId;

    use super::*;
    use crate::principal::Caller;

    fn principal(expires_at: i64) -> Arc<Principal> {
        let expires_at = Timestamp::from_millis(expires_at);
        let caller = Caller::Application(ClientId::from_text("c"));
        Arc::new(Principal { caller, scopes: ["read:users".into()].into(), expires_at })
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_expired_tokens_first() {
        let cache = TokenCache::default();
        let key = |number: usize| {
            let mut key = [0; SHA256_OUTPUT_LEN];
            key[8..16].copy_from_slice(&number.to_be_bytes());
            key
        };
        let now = Timestamp::from_millis(10);
        cache.put(key(0), principal(20), now);
        for number in 1..TOKENS_MAX / SHARDS {
            cache.put(key(number), principal(5), now);
        }
        cache.put(key(TOKENS_MAX), principal(20), now);
        assert!(cache.get(&key(0)).is_some() && cache.get(&key(TOKENS_MAX)).is_some());
        assert!(cache.get(&key(1)).is_none());
        for number in 0..TOKENS_MAX {
            cache.put(key(number), principal(20), now);
        }
        assert_eq!(cache.with_shard(&key(0), |shard| shard.len()), TOKENS_MAX / SHARDS);
    }
}
