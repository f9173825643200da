//! A store in a temporary folder, an engine over it, and changes to feed them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use delivery::destinations::Destinations;
use delivery::outbound::{Outbound, OutboundSettings};
use delivery::{Engine, EngineSettings};
use domain::catalog::EventType;
use domain::change::{self, Expect, Origin, StreamPatch, Write};
use domain::clock::{Clock, Entropy, Moment, Timestamp};
use domain::delivery::Policy;
use domain::destination::{Authorization, Destination, Endpoint, Webhook};
use domain::event::{LoggedEvent, Seq, Source};
use domain::ids::{ClientId, JobId, StreamId, TenantId};
use domain::place::Place;
use domain::redelivery::{DeliveryFilter, JobStart};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamOptions, StreamStatus};
use domain::user::{User, UserProfile};
use store::sqlite::{Options, SqliteStore};
use store::{FailedDelivery, Keyring, Log, Moved, ReadLimit, SeekMode, State};

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
#[derive(Default)]
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
    folder: tempfile::TempDir,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) tenant: TenantId,
    pub(crate) clock: Arc<RealClock>,
    pub(crate) entropy: Arc<Counter>,
}

/// An engine that ends as a killed process does: nothing is finished, nothing more is saved.
pub(crate) struct MortalEngine {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
}

impl MortalEngine {
    pub(crate) async fn die(self) {
        let dying = tokio::task::spawn_blocking(move || {
            self.runtime.shutdown_timeout(PATIENCE);
            drop(self.engine);
        });
        dying.await.unwrap();
    }
}

/// Closes a store. What an engine has begun may hold it for a moment longer than the engine is there.
fn close(mut store: Arc<SqliteStore>) {
    let pause = Duration::from_millis(10);
    for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
        match Arc::try_unwrap(store) {
            Ok(last) => return drop(last),
            Err(shared) => store = shared,
        }
        std::thread::sleep(pause);
    }
    panic!("an engine still uses the store");
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
        Self { folder, store, tenant, clock: RealClock::start(), entropy: Arc::new(Counter(1.into())) }
    }

    pub(crate) async fn engine_with(&self, policy: Policy) -> Engine {
        self.engine_of(|settings| settings.policy = policy).await
    }

    /// An engine with other settings than most tests have.
    pub(crate) async fn engine_of(&self, change: impl FnOnce(&mut EngineSettings)) -> Engine {
        let settings = OutboundSettings {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            attempt_timeout: Duration::from_secs(5),
            ..OutboundSettings::default()
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let outbound = Outbound::new(settings, Arc::clone(&clock)).unwrap();
        let mut settings = EngineSettings {
            policy: fast_policy(),
            checkpoint_every: Duration::from_millis(20),
            ..EngineSettings::new(Destinations::new(outbound))
        };
        change(&mut settings);
        let log: Arc<dyn Log> = self.store.clone();
        Engine::start(log, clock, settings).await.unwrap()
    }

    pub(crate) async fn engine(&self) -> Engine {
        self.engine_with(fast_policy()).await
    }

    /// An engine in a runtime of its own, which can die with everything in it.
    pub(crate) async fn mortal_engine(self: &Arc<Self>) -> MortalEngine {
        self.mortal_engine_of(|_| {}).await
    }

    /// The same with other settings than most tests have.
    pub(crate) async fn mortal_engine_of(
        self: &Arc<Self>,
        change: impl FnOnce(&mut EngineSettings) + Send + 'static,
    ) -> MortalEngine {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let world = Arc::clone(self);
        let engine = runtime.spawn(async move { world.engine_of(change).await }).await.unwrap();
        MortalEngine { engine, runtime }
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(self: Arc<Self>) -> Arc<Self> {
        let Self { folder, store, tenant, clock, entropy } = Arc::into_inner(self).expect("nobody uses it any more");
        close(store);
        Arc::new(Self { store: open(folder.path()), folder, tenant, clock, entropy })
    }

    pub(crate) async fn stream(&self, receiver: &Receiver, types: &[EventType]) -> StreamId {
        let stream = self.new_stream(receiver, types);
        self.stream_create(Write::StreamPut(Expect::Absent, Box::new(stream.clone()))).await;
        stream.id
    }

    pub(crate) async fn stream_create(&self, write: Write) {
        self.store.change_commit(self.tenant, write.into()).await.unwrap();
    }

    /// An enabled stream, yet to be created.
    pub(crate) fn new_stream(&self, receiver: &Receiver, types: &[EventType]) -> EventStream {
        let now = self.clock.now().wall;
        EventStream {
            id: StreamId::generate(now, &*self.entropy),
            name: None,
            status: StreamStatus::Enabled,
            subscriptions: types.to_vec(),
            destination: Destination::Webhook(Webhook {
                endpoint: Endpoint::parse(&format!("http://{}/in", receiver.address), true).unwrap(),
                authorization: Authorization::Bearer { token: Secret::new("t") },
            }),
            options: StreamOptions::default(),
            created_at: now,
            updated_at: now,
        }
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

    /// Raises so many events about users who are not there, a thousand at once.
    pub(crate) async fn raise(&self, count: u64) {
        let names: Vec<String> = (0..count).map(|number| format!("r{number}")).collect();
        for names in names.chunks(1000) {
            let raise = |name: &String, origin: &Origin<'_>| {
                let profile = UserProfile { email: Some(format!("{name}@example.com")), ..UserProfile::default() };
                change::user_create(User::of_database("db", name.clone(), profile, origin.now), origin).events
            };
            let events = self.with_origin(|origin| names.iter().flat_map(|name| raise(name, origin)).collect());
            self.store.change_commit(self.tenant, change::Change { writes: Vec::new(), events }).await.unwrap();
        }
    }

    /// Changes a user's nickname.
    pub(crate) async fn rename(&self, name: &str, nickname: &str) {
        let id = domain::ids::UserId::from_text(format!("auth0|{name}"));
        let stored = self.store.user_get(self.tenant, &id).await.unwrap().unwrap();
        let patch = UserProfile { nickname: Some(nickname.to_owned()), ..UserProfile::default() };
        let (_, change) = self.with_origin(|origin| change::user_update(&stored, patch, origin)).unwrap();
        self.store.change_commit(self.tenant, change).await.unwrap();
    }

    /// Removes a user.
    pub(crate) async fn remove(&self, name: &str) {
        let id = domain::ids::UserId::from_text(format!("auth0|{name}"));
        let stored = self.store.user_get(self.tenant, &id).await.unwrap().unwrap();
        let change = self.with_origin(|origin| change::user_delete(&stored, origin));
        self.store.change_commit(self.tenant, change).await.unwrap();
    }

    /// Removes a user and has what the log says of them erased.
    pub(crate) async fn erase(&self, name: &str) {
        let id = domain::ids::UserId::from_text(format!("auth0|{name}"));
        let stored = self.store.user_get(self.tenant, &id).await.unwrap().unwrap();
        let change = self.with_origin(|origin| change::user_erase(&stored, origin));
        self.store.change_commit(self.tenant, change).await.unwrap();
    }

    /// Everything in the log.
    pub(crate) async fn log(&self) -> Vec<Arc<LoggedEvent>> {
        let until = self.store.heads().borrow().log;
        let limit = ReadLimit { events: usize::MAX, bytes: usize::MAX };
        self.store.log_read(Seq::ZERO, until, limit).await.unwrap().events
    }

    pub(crate) async fn seek(&self, id: StreamId, to: Place) -> Moved {
        self.store.stream_seek(self.tenant, id, to, SeekMode::Apply).await.unwrap().unwrap()
    }

    /// Who starts a redelivery job now.
    pub(crate) fn start(&self) -> JobStart {
        let at = self.clock.now().wall;
        JobStart { id: JobId::generate(at, &*self.entropy), started_by: ClientId::from_text("client".to_owned()), at }
    }

    pub(crate) async fn failures(&self, id: StreamId) -> Vec<FailedDelivery> {
        self.store.failure_page(self.tenant, id, DeliveryFilter::default(), Seq::ZERO, 100).await.unwrap()
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

    /// Waits until nothing of a stream is open as far as the log went, or it is disabled.
    pub(crate) async fn until_settled_or_disabled(&self, id: StreamId) {
        let end = self.store.heads().borrow().log;
        self.until("the stream is settled, or disabled", || async move {
            let restored = self.store.stream_restore(id).await.unwrap().unwrap();
            let settled = restored.position.open.is_empty() && restored.position.frontier >= end;
            settled || self.status(id).await == StreamStatus::Disabled
        })
        .await;
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
