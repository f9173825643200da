//! The shell around the delivery core: it starts and stops the tasks that feed the core and obey it.
//!
//! One [`reader`](crate::reader) follows the head of the log for all streams; each stream has a task of its
//! own ([`stream_task`](crate::stream_task)), so that none can hold up another; [`checkpoints`], [`snapshots`],
//! [`erasures`], [`jobs`], [`partner_event_sources`], [`probing`] and [`retention`] run beside them. All talk through [`Shared`].

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use store::{Log, StoreError};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::shared::{EngineSettings, Shared};
use crate::{catch_up, checkpoints, erasures, jobs, partner_event_sources, probing, reader, retention, snapshots};

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
        let closed = shared.settings.destinations.end_idle();
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
        let shared = Arc::new(Shared::new(log, clock, settings, sender));
        let end = shared.head().frontier();
        shared.log.events_count_rest(end).await?;
        let reader = reader::Reader::start(Arc::clone(&shared)).await?;
        let tasks = TaskTracker::new();
        tasks.spawn(shared.watched("reader", reader.run()));
        tasks.spawn(shared.watched("checkpoints", checkpoints::run(Arc::clone(&shared))));
        tasks.spawn(shared.watched("catching up", catch_up::run(Arc::clone(&shared))));
        tasks.spawn(shared.watched("snapshots", snapshots::run(Arc::clone(&shared))));
        tasks.spawn(shared.watched("erasures", erasures::run(Arc::clone(&shared))));
        tasks.spawn(shared.watched("redelivery jobs", jobs::run(Arc::clone(&shared))));
        let partner_event_sources = partner_event_sources::run(Arc::clone(&shared));
        tasks.spawn(shared.watched("partner event sources", partner_event_sources));
        tasks.spawn(shared.watched("probing", probing::run(Arc::clone(&shared))));
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
