//! How often somebody may try to sign in: from an address, and as an operator.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::ids::TenantId;
use domain::operator::OperatorEmail;
use domain::rate_limit::{RateLimit, TokenBucket};

/// How many addresses and operators are remembered; whoever has not tried for longest is forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// So many tries at once, and then one in each period.
const FROM_ADDRESS: (u32, Duration) = (20, Duration::from_secs(6));
const AS_OPERATOR: (u32, Duration) = (10, Duration::from_secs(15));

/// The tries that are left.
#[derive(Default)]
pub(crate) struct Tries {
    from_address: Buckets<String>,
    as_operator: Buckets<(TenantId, OperatorEmail)>,
}

impl Tries {
    /// Whether there is one left; if so, it has been taken. `now` is of a clock that never goes back.
    pub(crate) fn take(&self, tenant: TenantId, address: &str, email: Option<&OperatorEmail>, now: Duration) -> bool {
        let from_address = self.from_address.take(address.to_owned(), FROM_ADDRESS, now);
        from_address && email.is_none_or(|email| self.as_operator.take((tenant, email.clone()), AS_OPERATOR, now))
    }
}

struct Buckets<K>(Mutex<HashMap<K, (TokenBucket, Duration)>>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    fn take(&self, key: K, (burst, period): (u32, Duration), now: Duration) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED_MAX && !buckets.contains_key(&key) {
            let oldest = buckets.iter().min_by_key(|(_, (_, tried))| *tried).map(|(key, _)| key.clone());
            oldest.map(|key| buckets.remove(&key));
        }
        // The bucket fills once a second, so it is told the time in periods.
        let limit = RateLimit { per_s: 1, burst };
        let periods = Duration::from_secs_f64(now.as_secs_f64() / period.as_secs_f64());
        let (bucket, tried) = buckets.entry(key).or_insert_with(|| (TokenBucket::full(limit, periods), now));
        *tried = now;
        bucket.take(limit, periods).is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_run_out_and_come_back() {
        let (tries, tenant) = (Tries::default(), TenantId(1));
        let email = OperatorEmail::parse("ops@acme.example").unwrap();
        let secs = Duration::from_secs;
        let take = |address: &str, at| tries.take(tenant, address, Some(&email), secs(at));
        assert!((0..10).all(|number| take(&number.to_string(), 0)), "from anywhere");
        assert!(!take("x", 0) && !take("x", 14) && take("x", 15) && !take("x", 15));
        let take = |address: &str, at| tries.take(tenant, address, None, secs(at));
        assert!((0..20).all(|_| take("one", 0)) && !take("one", 0) && take("other", 0) && take("one", 6));
    }

    #[test]
    fn the_memory_is_bounded() {
        let buckets = Buckets::default();
        for number in 0..REMEMBERED_MAX + 10 {
            assert!(buckets.take(number, FROM_ADDRESS, Duration::from_millis(number as u64)));
        }
        let known = buckets.0.lock().unwrap();
        assert!(known.len() == REMEMBERED_MAX && !known.contains_key(&0) && known.contains_key(&(REMEMBERED_MAX + 9)));
    }
}
