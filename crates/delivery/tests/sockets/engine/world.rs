//! A store in a temporary folder, an engine over it, and changes to feed them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use delivery::outbound::{Outbound, OutboundSettings};
use delivery::{Engine, EngineSettings};
use domain::catalog::EventType;
use domain::change::{self, Expect, Origin, StreamPatch, Write};
use domain::clock::{Clock, Entropy, Moment, Timestamp};
use domain::delivery::Policy;
use domain::destination::{Authorization, Destination, Endpoint, Webhook};
use domain::event::{Seq, Source};
use domain::ids::{StreamId, TenantId};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamStatus};
use domain::user::{User, UserProfile};
use store::sqlite::{Options, SqliteStore};
use store::{FailedDelivery, Keyring, Log, State};

use super::receiver::{PATIENCE, Receiver};

pub(crate) struct RealClock(Instant);

impl RealClock {
    #[allow(clippy::disallowed_methods, reason = "tests are at the edge, where time is read")]
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for RealClock {
    #[allow(clippy::disallowed_methods, reason = "tests are at the edge, where time is read")]
    fn now(&self) -> Moment {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Moment { wall: Timestamp::from_millis(wall.as_millis().try_into().unwrap()), steady: self.0.elapsed() }
    }
}

/// Distinct bytes, which is all that ids need here.
pub(crate) struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let mut number = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in bytes {
            number = number.rotate_left(13).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = number.to_le_bytes()[3];
        }
    }
}

pub(crate) struct World {
    _folder: tempfile::TempDir,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) tenant: TenantId,
    clock: Arc<RealClock>,
    entropy: Arc<Counter>,
}

pub(crate) fn open(folder: &Path) -> Arc<SqliteStore> {
    let options = Options { folder: folder.to_owned() };
    Arc::new(SqliteStore::open(options, Arc::new(Keyring::new(&[1; 32])), Arc::new(Counter(7.into()))).unwrap())
}

/// The contract's schedule, a hundred times as fast.
pub(crate) fn fast_policy() -> Policy {
    let mut policy = Policy::default();
    policy.schedule.waits = [10, 20, 40].map(Duration::from_millis).to_vec();
    policy
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let tenant = store.tenant_ensure("acme").await.unwrap().id;
        Self { _folder: folder, store, tenant, clock: RealClock::start(), entropy: Arc::new(Counter(1.into())) }
    }

    pub(crate) async fn engine_with(&self, policy: Policy) -> Engine {
        let settings = OutboundSettings {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            attempt_timeout: Duration::from_secs(5),
            ..OutboundSettings::default()
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let outbound = Outbound::new(settings, Arc::clone(&clock)).unwrap();
        let settings =
            EngineSettings { policy, checkpoint_every: Duration::from_millis(20), ..EngineSettings::new(outbound) };
        let log: Arc<dyn Log> = self.store.clone();
        Engine::start(log, clock, settings).await.unwrap()
    }

    pub(crate) async fn engine(&self) -> Engine {
        self.engine_with(fast_policy()).await
    }

    pub(crate) async fn stream(&self, receiver: &Receiver, types: &[EventType]) -> StreamId {
        let now = self.clock.now().wall;
        let stream = EventStream {
            id: StreamId::generate(now, &*self.entropy),
            name: None,
            status: StreamStatus::Enabled,
            subscriptions: types.to_vec(),
            destination: Destination::Webhook(Webhook {
                endpoint: Endpoint::parse(&format!("http://{}/in", receiver.address), true).unwrap(),
                authorization: Authorization::Bearer { token: Secret::new("t") },
            }),
            created_at: now,
            updated_at: now,
        };
        let id = stream.id;
        let write = Write::StreamPut(Expect::Absent, Box::new(stream));
        self.store.change_commit(self.tenant, write.into()).await.unwrap();
        id
    }

    pub(crate) async fn stream_patch(&self, id: StreamId, patch: StreamPatch) {
        let stored = self.store.stream_get(self.tenant, id).await.unwrap().unwrap();
        let (_, change) = change::stream_update(&stored, patch, self.clock.now().wall).unwrap();
        self.store.change_commit(self.tenant, change).await.unwrap();
    }

    pub(crate) async fn set_status(&self, id: StreamId, status: StreamStatus) {
        self.stream_patch(id, StreamPatch { status: Some(status), ..StreamPatch::default() }).await;
    }

    pub(crate) async fn status(&self, id: StreamId) -> StreamStatus {
        self.store.stream_get(self.tenant, id).await.unwrap().unwrap().value.status
    }

    fn with_origin<T>(&self, make: impl FnOnce(&Origin<'_>) -> T) -> T {
        let source = Source::new("acme", "acme.example");
        let now = self.clock.now().wall;
        make(&Origin { source: &source, now, entropy: &*self.entropy, client: None, request: None })
    }

    /// Creates a user whose id is `auth0|NAME`.
    pub(crate) async fn user(&self, name: &str) {
        let profile = UserProfile { email: Some(format!("{name}@example.com")), ..UserProfile::default() };
        let change = self.with_origin(|origin| {
            change::user_create(User::of_database("db", name.to_owned(), profile, origin.now), origin)
        });
        self.store.change_commit(self.tenant, change).await.unwrap();
    }

    /// Changes a user's nickname.
    pub(crate) async fn rename(&self, name: &str, nickname: &str) {
        let id = domain::ids::UserId::from_text(format!("auth0|{name}"));
        let stored = self.store.user_get(self.tenant, &id).await.unwrap().unwrap();
        let patch = UserProfile { nickname: Some(nickname.to_owned()), ..UserProfile::default() };
        let (_, change) = self.with_origin(|origin| change::user_update(&stored, patch, origin)).unwrap();
        self.store.change_commit(self.tenant, change).await.unwrap();
    }

    pub(crate) async fn failures(&self, id: StreamId) -> Vec<FailedDelivery> {
        self.store.failure_page(self.tenant, id, Seq::ZERO, 100).await.unwrap()
    }

    /// Waits until the store shows what `check` wants.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, what: &str, check: impl Fn() -> F) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !check().await {
                tokio::task::yield_now().await;
            }
        });
        assert!(waited.await.is_ok(), "waited in vain until {what}");
    }

    /// Waits until nothing of a stream is open and it has looked at the whole log.
    pub(crate) async fn until_settled(&self, id: StreamId) {
        let end = self.store.heads().borrow().log;
        let store = &self.store;
        self.until("the stream is settled", || async move {
            let restored = store.stream_restore(id).await.unwrap().unwrap();
            restored.position.open.is_empty() && restored.position.frontier >= end
        })
        .await;
    }
}
