//! The shell around the delivery core: it starts and stops the tasks that feed the core and obey it.
//!
//! One [`reader`](crate::reader) follows the head of the log for all streams; each stream has a task of its
//! own ([`stream_task`](crate::stream_task)), so that none can hold up another; [`checkpoints`] and
//! [`retention`] run beside them. All talk through [`Shared`].

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use domain::clock::Clock;
use domain::delivery::{Head, Policy};
use domain::ids::StreamId;
use store::{Log, StoreError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::live_stream::LiveStream;
use crate::outbound::Outbound;
use crate::{checkpoints, reader, retention};

/// How the engine works. The defaults are those of the configuration.
pub struct EngineSettings {
    /// The rules that streams are delivered by.
    pub policy: Policy,
    /// The client for customers' addresses.
    pub outbound: Outbound,
    /// How long events stay in the log.
    pub retention: Duration,
    /// How often positions are saved.
    pub checkpoint_every: Duration,
    /// How long attempts in flight may take to end when the engine stops.
    pub drain_max: Duration,
}

impl EngineSettings {
    /// The default settings around a client.
    pub fn new(outbound: Outbound) -> Self {
        Self {
            policy: Policy::default(),
            outbound,
            retention: Duration::from_hours(7 * 24),
            checkpoint_every: Duration::from_millis(200),
            drain_max: Duration::from_secs(15),
        }
    }
}

/// What the engine's tasks share.
pub(crate) struct Shared {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: EngineSettings,
    /// Locked before any stream, never after one.
    head: Mutex<Head<StreamId>>,
    streams: RwLock<HashMap<StreamId, Arc<LiveStream>>>,
    /// The streams that have something to save.
    dirty: Mutex<Vec<Arc<LiveStream>>>,
    /// Nothing new is begun.
    pub(crate) stopping: CancellationToken,
    pub(crate) stream_tasks: TaskTracker,
    /// A checkpoint that was taken could not be saved before the engine stopped.
    pub(crate) checkpoints_abandoned: AtomicBool,
    died: watch::Sender<Option<&'static str>>,
}

impl Shared {
    pub(crate) fn head(&self) -> MutexGuard<'_, Head<StreamId>> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stream(&self, id: StreamId) -> Option<Arc<LiveStream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
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

    pub(crate) fn take_dirty(&self) -> Vec<Arc<LiveStream>> {
        std::mem::take(&mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner))
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

/// One of the engine's tasks has died; the process should end, to be started again.
#[derive(Debug, thiserror::Error)]
#[error("the delivery engine's {task} died; see the log for the panic")]
pub struct EngineDied {
    task: &'static str,
}

/// How often connections that nobody uses any more are looked for: they have no task that would notice.
const CLOSE_IDLE_EVERY: Duration = Duration::from_secs(5);

async fn close_idle_connections(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            () = tokio::time::sleep(CLOSE_IDLE_EVERY) => {}
        }
        let closed = shared.settings.outbound.close_idle();
        if closed > 0 {
            tracing::debug!(closed, "closed idle connections");
        }
    }
}

/// The running engine.
pub struct Engine {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    died: watch::Receiver<Option<&'static str>>,
}

impl Engine {
    /// Starts delivering what is in the log, from where each stream stands.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn start(log: Arc<dyn Log>, clock: Arc<dyn Clock>, settings: EngineSettings) -> Result<Self, StoreError> {
        let (sender, died) = watch::channel(None);
        let end = log.heads().borrow().log;
        let shared = Arc::new(Shared {
            log,
            clock,
            settings,
            head: Mutex::new(Head::new(end)),
            streams: RwLock::default(),
            dirty: Mutex::default(),
            stopping: CancellationToken::new(),
            stream_tasks: TaskTracker::new(),
            checkpoints_abandoned: AtomicBool::new(false),
            died: sender,
        });
        let reader = reader::Reader::start(Arc::clone(&shared)).await?;
        let tasks = TaskTracker::new();
        tasks.spawn(shared.watched("reader", reader.run()));
        tasks.spawn(shared.watched("checkpoints", checkpoints::run(Arc::clone(&shared))));
        tasks.spawn(shared.watched("retention", retention::run(Arc::clone(&shared))));
        tasks.spawn(shared.watched("idle connections", close_idle_connections(Arc::clone(&shared))));
        tasks.close();
        Ok(Self { shared, tasks, died })
    }

    /// Ends when one of the engine's tasks has died, which none of them should.
    pub async fn died(&self) -> EngineDied {
        let mut died = self.died.clone();
        match died.wait_for(Option::is_some).await {
            Ok(task) => EngineDied { task: task.unwrap_or("task") },
            // The sender lives as long as the engine does.
            Err(_) => std::future::pending().await,
        }
    }

    /// Stops without losing anything: reads no further, lets attempts in flight end (for a bounded time),
    /// and saves where every stream stands.
    pub async fn stop(self) {
        self.shared.stopping.cancel();
        self.tasks.wait().await;
        self.shared.stream_tasks.close();
        let drained = tokio::time::timeout(self.shared.settings.drain_max, self.shared.stream_tasks.wait()).await;
        if drained.is_err() {
            tracing::warn!("attempts in flight did not end in time; their events will be sent again");
        }
        checkpoints::save_last(&self.shared).await;
    }
}
