//! Names to addresses, for one stream.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use url::Host;

use super::error::SendError;

/// How long an answer is used again: long enough that deliveries that start together ask once.
const ANSWER_AGE_MAX: Duration = Duration::from_secs(5);

/// Addresses of one name that are considered.
const ADDRESSES_MAX: usize = 8;

/// How names become addresses. It is asked on a thread that may block, and no answer is trusted.
pub trait Names: Send + Sync {
    /// The addresses of `host`, each with `port`.
    ///
    /// # Errors
    /// If it has none, or nobody answers for it.
    fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system's resolver.
pub(super) struct SystemNames;

impl Names for SystemNames {
    #[expect(clippy::disallowed_methods, reason = "the one place; every address is checked before use")]
    fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }
}

/// Resolves the host of one stream.
pub(super) struct Resolver {
    host: Host<String>,
    port: u16,
    names: Arc<dyn Names>,
    /// One lookup at a time. The permit is held by the lookup itself, which may outlive the attempt that asked:
    /// a resolver that hangs costs one thread a stream, not one a delivery.
    lookup: Arc<Semaphore>,
    latest: Mutex<Option<Resolved>>,
}

struct Resolved {
    at: Duration,
    addresses: Arc<[SocketAddr]>,
}

impl Resolver {
    pub(super) fn new(host: Host<String>, port: u16, names: Arc<dyn Names>) -> Self {
        Self { host, port, names, lookup: Arc::new(Semaphore::new(1)), latest: Mutex::new(None) }
    }

    /// The host's addresses in the order in which to try them; none of them has been checked.
    pub(super) async fn addresses(&self, now: Duration) -> Result<Arc<[SocketAddr]>, SendError> {
        let name = match &self.host {
            Host::Ipv4(address) => return Ok(Arc::new([SocketAddr::new(IpAddr::V4(*address), self.port)])),
            Host::Ipv6(address) => return Ok(Arc::new([SocketAddr::new(IpAddr::V6(*address), self.port)])),
            Host::Domain(name) => name,
        };
        if let Some(addresses) = self.recent(now) {
            return Ok(addresses);
        }
        let unresolved = |detail: &str| SendError::Unresolved { host: name.clone(), detail: detail.to_owned() };
        let permit = Arc::clone(&self.lookup).acquire_owned().await.expect("the semaphore is never closed");
        if let Some(addresses) = self.recent(now) {
            return Ok(addresses);
        }
        let (host, port, names) = (name.clone(), self.port, Arc::clone(&self.names));
        let lookup = tokio::task::spawn_blocking(move || {
            let _held_until_answered = permit;
            names.addresses(&host, port)
        });
        let found = match lookup.await {
            Ok(Ok(mut found)) => {
                found.truncate(ADDRESSES_MAX);
                found
            }
            Ok(Err(error)) => {
                let detail = error.to_string();
                let reason = detail.strip_prefix("failed to lookup address information: ").unwrap_or(&detail);
                return Err(unresolved(reason));
            }
            Err(_) => return Err(unresolved("the lookup was cancelled")),
        };
        if found.is_empty() {
            return Err(unresolved("it has no address"));
        }
        let addresses: Arc<[SocketAddr]> = found.into();
        let resolved = Resolved { at: now, addresses: Arc::clone(&addresses) };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(resolved);
        Ok(addresses)
    }

    /// None of them could be reached: ask again the next time.
    pub(super) fn forget(&self) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn recent(&self, now: Duration) -> Option<Arc<[SocketAddr]>> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let resolved = latest.as_ref()?;
        (now.saturating_sub(resolved.at) < ANSWER_AGE_MAX).then(|| Arc::clone(&resolved.addresses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(host: &str) -> Resolver {
        Resolver::new(Host::parse(host).unwrap(), 443, Arc::new(SystemNames))
    }

    #[tokio::test]
    async fn literals_are_not_looked_up() {
        let resolver = resolver("[::1]");
        let _lookup_hangs = Arc::clone(&resolver.lookup).try_acquire_owned().unwrap();
        assert_eq!(*resolver.addresses(Duration::ZERO).await.unwrap(), ["[::1]:443".parse().unwrap()]);
    }

    #[tokio::test]
    async fn an_answer_is_used_again_for_a_while() {
        let resolver = resolver("localhost");
        let first = resolver.addresses(Duration::ZERO).await.unwrap();
        let again = resolver.addresses(ANSWER_AGE_MAX / 2).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let later = resolver.addresses(ANSWER_AGE_MAX).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &later));
        resolver.forget();
        assert!(!Arc::ptr_eq(&later, &resolver.addresses(ANSWER_AGE_MAX).await.unwrap()));
    }

    #[tokio::test]
    async fn a_lookup_that_hangs_holds_up_its_own_stream_only() {
        let hanging = resolver("localhost");
        let lookup = Arc::clone(&hanging.lookup).try_acquire_owned().unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(50), hanging.addresses(Duration::ZERO));
        assert!(waiting.await.is_err());
        assert!(resolver("localhost").addresses(Duration::ZERO).await.is_ok());
        drop(lookup);
        assert!(hanging.addresses(Duration::ZERO).await.is_ok());
    }
}
