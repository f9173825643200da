//! What the engine's tasks share, and their settings.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use domain::clock::Clock;
use domain::delivery::{CatchUp, Head, Policy};
use domain::ids::{StreamId, TenantId};
use store::{CountsKept, Log, Offsets};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::destinations::Destinations;
use crate::live_stream::LiveStream;
use crate::probing::ProbeWaits;
use crate::window_budget::WindowBudget;

/// How the engine works. The defaults are those of the configuration.
pub struct EngineSettings {
    /// The rules that streams are delivered by.
    pub policy: Policy,
    /// What makes streams' destinations.
    pub destinations: Destinations,
    /// How long events stay in the log.
    pub retention: Duration,
    /// For how long what was counted is kept.
    pub counts_kept: CountsKept,
    /// Bytes that the windows of all streams hold together, about: from there on each is left an equal share of them.
    pub all_windows_bytes_max: usize,
    /// A stream with so many positions of the log before it catches up at the pace that live events leave it; one
    /// that is not so far behind just cannot keep up for a moment.
    pub far_behind: u64,
    /// When streams that are disabled are probed, if their owners want that.
    pub probe_waits: ProbeWaits,
    /// How often positions are saved.
    pub checkpoint_every: Duration,
    /// How long attempts in flight may take to end when the engine stops.
    pub drain_max: Duration,
}

impl EngineSettings {
    /// The default settings around what makes destinations.
    pub fn new(destinations: Destinations) -> Self {
        Self {
            policy: Policy::default(),
            destinations,
            retention: Duration::from_hours(7 * 24),
            counts_kept: CountsKept::default(),
            all_windows_bytes_max: 64 * 1024 * 1024,
            far_behind: 50_000,
            probe_waits: ProbeWaits::default(),
            checkpoint_every: Duration::from_millis(200),
            drain_max: Duration::from_secs(15),
        }
    }
}

/// How long a task waits after the store could not be read or written.
pub(crate) const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);

/// Waits that long; for ever, if there is nothing to wait for.
pub(crate) async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// What the engine's tasks share.
pub(crate) struct Shared {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: EngineSettings,
    pub(crate) windows: Arc<WindowBudget>,
    /// Locked before any stream, never after one.
    head: Mutex<Head<StreamId>>,
    streams: RwLock<HashMap<StreamId, Arc<LiveStream>>>,
    /// The offsets of the tenants that have streams: each is made once.
    offsets: Mutex<HashMap<TenantId, Arc<Offsets>>>,
    /// Streams' settings have changed: there may be snapshots to go on with.
    pub(crate) snapshots: Notify,
    /// Streams' settings have changed: there may be others to probe.
    pub(crate) probing: Notify,
    /// Streams' settings have changed: there may be partner event sources to make or to delete.
    pub(crate) partner_event_sources: Notify,
    /// The streams that have something to save.
    dirty: Mutex<Vec<Arc<LiveStream>>>,
    pub(crate) catch_up: Mutex<CatchUp>,
    /// A stream that catches up was held back.
    pub(crate) catching_up: Notify,
    /// A stream has so much to save that it should be saved now.
    pub(crate) save_due: Notify,
    /// Nothing new is begun.
    pub(crate) stopping: CancellationToken,
    pub(crate) stream_tasks: TaskTracker,
    /// A checkpoint that was taken could not be saved before the engine stopped.
    pub(crate) checkpoints_abandoned: AtomicBool,
    died: watch::Sender<Option<&'static str>>,
}

impl Shared {
    pub(crate) fn new(
        log: Arc<dyn Log>,
        clock: Arc<dyn Clock>,
        settings: EngineSettings,
        died: watch::Sender<Option<&'static str>>,
    ) -> Self {
        let end = log.heads().borrow().log;
        Self {
            log,
            clock,
            windows: WindowBudget::new(settings.all_windows_bytes_max),
            settings,
            head: Mutex::new(Head::new(end)),
            streams: RwLock::default(),
            offsets: Mutex::default(),
            snapshots: Notify::new(),
            probing: Notify::new(),
            partner_event_sources: Notify::new(),
            dirty: Mutex::default(),
            catch_up: Mutex::default(),
            catching_up: Notify::new(),
            save_due: Notify::new(),
            stopping: CancellationToken::new(),
            stream_tasks: TaskTracker::new(),
            checkpoints_abandoned: AtomicBool::new(false),
            died,
        }
    }

    pub(crate) fn head(&self) -> MutexGuard<'_, Head<StreamId>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offsets of a tenant.
    pub(crate) fn offsets(&self, tenant: TenantId) -> Arc<Offsets> {
        let mut all = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(tenant).or_insert_with(|| Arc::new(self.log.offsets(tenant))))
    }

    pub(crate) fn stream(&self, id: StreamId) -> Option<Arc<LiveStream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// All of them.
    pub(crate) fn streams(&self) -> Vec<Arc<LiveStream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn stream_insert(&self, stream: Arc<LiveStream>) {
        self.streams.write().unwrap_or_else(PoisonError::into_inner).insert(stream.id, stream);
    }

    pub(crate) fn stream_remove(&self, id: StreamId) -> Option<Arc<LiveStream>> {
        self.streams.write().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    /// Has the stream saved with the next checkpoint.
    pub(crate) fn mark_dirty(&self, stream: &Arc<LiveStream>) {
        if stream.become_dirty() {
            self.dirty.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(stream));
        }
    }

    /// The streams that have something to save. Whoever takes one makes it clean, or puts it back.
    pub(crate) fn take_dirty(&self) -> Vec<Arc<LiveStream>> {
        std::mem::take(&mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Streams that were taken and stay dirty.
    pub(crate) fn put_back_dirty(&self, mut streams: Vec<Arc<LiveStream>>) {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner).append(&mut streams);
    }

    /// Runs a task; should it panic, the engine has died.
    pub(crate) fn watched<F>(self: &Arc<Self>, name: &'static str, task: F) -> impl Future<Output = ()> + use<F>
    where
        F: Future<Output = ()>,
    {
        let watch = DeathWatch { name, died: Some(self.died.clone()) };
        async move {
            let mut watch = watch;
            task.await;
            watch.died = None;
        }
    }
}

/// Tells when it is dropped before its task has ended.
struct DeathWatch {
    name: &'static str,
    died: Option<watch::Sender<Option<&'static str>>>,
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        if let Some(died) = self.died.take().filter(|_| std::thread::panicking()) {
            died.send_replace(Some(self.name));
        }
    }
}
