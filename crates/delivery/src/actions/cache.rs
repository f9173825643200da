//! `api.cache`: what an action keeps between its runs. It may be empty at any time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::clock::Timestamp;
use serde_json::{Value, json};

use super::frames::CacheAsk;

/// Keys and values of one action together, in bytes.
const BYTES_MAX: usize = 64 * 1024;

/// How long a value is kept, if the action does not say: as at Auth0.
const TTL: Duration = Duration::from_mins(15);

/// How long a value is kept at most.
const TTL_MAX: Duration = Duration::from_hours(24);

/// One action's cache.
#[derive(Default)]
pub(super) struct ActionCache(Mutex<HashMap<String, Entry>>);

struct Entry {
    value: String,
    expires_at: Timestamp,
}

impl ActionCache {
    /// Does what the action asks; answers what it sees.
    pub(super) fn answer(&self, ask: CacheAsk, now: Timestamp) -> Value {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.expires_at > now);
        match ask {
            CacheAsk::Get { key } => entries
                .get(&key)
                .map_or(Value::Null, |entry| json!({"value": entry.value, "expires_at": entry.expires_at.as_millis()})),
            CacheAsk::Delete { key } => {
                entries.remove(&key);
                json!({"type": "success"})
            }
            CacheAsk::Set { key, value, ttl_ms } => {
                let ttl = ttl_ms.map_or(TTL, Duration::from_millis).min(TTL_MAX);
                let others = entries.iter().filter(|(other, _)| **other != key);
                let held: usize = others.map(|(key, entry)| key.len() + entry.value.len()).sum();
                if held + key.len() + value.len() > BYTES_MAX {
                    return json!({"type": "error", "code": "CacheSizeExceeded"});
                }
                if ttl.is_zero() {
                    return json!({"type": "error", "code": "InvalidExpiry"});
                }
                entries.insert(key, Entry { value, expires_at: now.plus(ttl) });
                json!({"type": "success"})
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, value: &str, ttl_ms: Option<u64>) -> CacheAsk {
        CacheAsk::Set { key: key.to_owned(), value: value.to_owned(), ttl_ms }
    }

    fn get(key: &str) -> CacheAsk {
        CacheAsk::Get { key: key.to_owned() }
    }

    #[test]
    fn what_was_set_is_there_until_it_expires_or_is_deleted() {
        let cache = ActionCache::default();
        let at = Timestamp::from_millis;
        assert_eq!(cache.answer(set("k", "v", Some(1000)), at(0))["type"], "success");
        assert_eq!(cache.answer(get("k"), at(999)), json!({"value": "v", "expires_at": 1000}));
        assert_eq!(cache.answer(get("k"), at(1000)), Value::Null);
        cache.answer(set("k", "w", None), at(0));
        assert_eq!(cache.answer(get("k"), at(1))["value"], "w");
        cache.answer(CacheAsk::Delete { key: "k".to_owned() }, at(1));
        assert_eq!(cache.answer(get("k"), at(1)), Value::Null);
    }

    #[test]
    fn it_is_bounded_and_says_so() {
        let cache = ActionCache::default();
        let now = Timestamp::from_millis(0);
        let large = "x".repeat(BYTES_MAX / 2);
        assert_eq!(cache.answer(set("a", &large, None), now)["type"], "success");
        assert_eq!(cache.answer(set("b", &large, None), now)["code"], "CacheSizeExceeded");
        assert_eq!(cache.answer(set("a", &large, None), now)["type"], "success");
        assert_eq!(cache.answer(set("c", "v", Some(0)), now)["code"], "InvalidExpiry");
    }
}
