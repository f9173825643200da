//! The reader at the head of the log: it reads each event once, for all streams that are there.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use domain::clock::Moment;
use domain::delivery::{Feed, StreamCore};
use domain::event::LoggedEvent;
use domain::ids::StreamId;
use store::{Heads, LogChunk, ReadLimit, StoreError, StreamState, StreamsVersion};
use tokio::sync::watch;

use crate::live_stream::{LiveState, LiveStream, phase_of, policy_of};
use crate::shared::{PAUSE_AFTER_ERROR, Shared};
use crate::stream_task::StreamTask;

/// What is read at once at the head.
const READ_LIMIT: ReadLimit = ReadLimit { events: 512, bytes: 4 * 1024 * 1024 };

/// A wake signal that got lost costs no more than this.
const POLL_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Reader {
    shared: Arc<Shared>,
    heads: watch::Receiver<Heads>,
    streams: StreamsVersion,
    redeliveries: Option<u64>,
    withdrawals: u64,
}

impl Reader {
    /// Starts the tasks of the streams that there are.
    pub(crate) async fn start(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let heads = shared.log.heads();
        let mut reader = Self { shared, heads, streams: StreamsVersion::default(), redeliveries: None, withdrawals: 0 };
        reader.sync_streams().await?;
        Ok(reader)
    }

    pub(crate) async fn run(mut self) {
        let stopping = self.shared.stopping.clone();
        while !stopping.is_cancelled() {
            let pause = match self.follow().await {
                Ok(()) => POLL_EVERY,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the log cannot be read; trying again");
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::select! {
                () = stopping.cancelled() => {}
                changed = self.heads.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Hands out everything up to the end of the log as it is now. Settings first: they hold for events that
    /// were committed with them or later, and none beyond `target` is handed out.
    async fn follow(&mut self) -> Result<(), StoreError> {
        let target = *self.heads.borrow_and_update();
        if target.streams > self.streams {
            self.sync_streams().await?;
        }
        if self.redeliveries != Some(target.redeliveries) {
            for stream in self.shared.log.redelivery_streams().await? {
                self.wake_for_redeliveries(stream);
            }
            self.redeliveries = Some(target.redeliveries);
        }
        if self.withdrawals != target.withdrawals {
            for stream in self.shared.streams() {
                stream.withdrawn.store(true, Ordering::Release);
                stream.wake.notify_one();
            }
            self.withdrawals = target.withdrawals;
        }
        loop {
            let from = self.shared.head().frontier();
            if from >= target.log || self.shared.stopping.is_cancelled() {
                return Ok(());
            }
            let chunk = self.shared.log.log_read(from, target.log, READ_LIMIT).await?;
            self.hand_out(&chunk);
        }
    }

    fn wake_for_redeliveries(&self, id: StreamId) {
        if let Some(stream) = self.shared.stream(id) {
            stream.redeliveries_waiting.store(true, Ordering::Release);
            stream.wake.notify_one();
        }
    }

    /// Offers each event to the streams at the head that want its type; first to those that hold nothing, whose
    /// receivers keep up: they do not wait for any number of others whose receivers do not. Streams are marked before
    /// the head moves on, so that no checkpoint has the head's new place without their open positions.
    fn hand_out(&self, chunk: &LogChunk) {
        let now = self.shared.clock.now();
        let mut head = self.shared.head();
        let (mut busy, mut full) = (Vec::new(), Vec::new());
        let mut served = false;
        for logged in &chunk.events {
            head.count(logged);
            for id in head.subscribers(logged.tenant, logged.event.event_type) {
                let Some(stream) = self.shared.stream(*id).filter(|stream| logged.is_for(stream.id)) else { continue };
                served = true;
                let state = stream.state();
                if state.core.held() > 0 {
                    drop(state);
                    busy.push(stream);
                } else {
                    full.extend(self.offer(now, logged, &stream, state));
                }
            }
            for stream in busy.drain(..) {
                full.extend(self.offer(now, logged, &stream, stream.state()));
            }
            for id in full.drain(..) {
                head.leave(id);
            }
        }
        head.advance(chunk.next);
        drop(head);
        if served {
            self.shared.catch_up.lock().unwrap_or_else(PoisonError::into_inner).head_served(now);
        }
    }

    /// Offers an event to a stream at the head; answers the stream if it is full, and so reads on for itself.
    fn offer(
        &self,
        now: Moment,
        logged: &Arc<LoggedEvent>,
        stream: &Arc<LiveStream>,
        mut state: MutexGuard<'_, LiveState>,
    ) -> Option<StreamId> {
        state.core.advance(logged.seq);
        let is_full = state.offer(now, logged) == Feed::Full;
        if is_full {
            state.set_at_head(false);
        }
        drop(state);
        self.shared.mark_dirty(stream);
        stream.wake.notify_one();
        is_full.then_some(stream.id)
    }

    /// Takes over what has changed of the streams' settings.
    async fn sync_streams(&mut self) -> Result<(), StoreError> {
        let changes = self.shared.log.streams_changed(self.streams).await?;
        for id in changes.removed {
            if let Some(stream) = self.shared.stream_remove(id) {
                self.shared.head().leave(id);
                stream.removed.cancel();
            }
        }
        for changed in changes.changed {
            match self.shared.stream(changed.stream.id) {
                Some(stream) => self.change(&stream, changed),
                None => self.add(changed).await?,
            }
        }
        self.streams = changes.version;
        self.shared.snapshots.notify_one();
        self.shared.probing.notify_one();
        self.shared.partner_event_sources.notify_one();
        Ok(())
    }

    async fn add(&self, added: StreamState) -> Result<(), StoreError> {
        let id = added.stream.id;
        let Some(restored) = self.shared.log.stream_restore(id).await? else { return Ok(()) };
        if restored.seeks != added.seek.count {
            // Moved since its settings were read: where it stands does not fit what they say that it wants. It is
            // added with its settings as they are now, which are read next.
            return Ok(());
        }
        let policy = policy_of(&added.stream, &self.shared.settings.policy);
        let mut core = StreamCore::restore(policy, phase_of(added.stream.status), restored.into());
        // What is saved may still say that it is at the head, which it is not yet: the next checkpoint, which
        // saves a new place of the head, has to correct that.
        core.touch();
        let state = LiveState {
            core,
            window: self.shared.windows.window(self.shared.settings.policy.limits.window_bytes_max),
            spans: added.spans,
            generation: added.generation,
            destination: self.shared.settings.destinations.of(&added.stream, self.shared.offsets(added.tenant)),
            at_head: false,
            saves: 0,
            look_after_saving: false,
            seeks: added.seek.count,
            sampled: None,
        };
        let stream = Arc::new(LiveStream::new(id, added.tenant, state));
        // It may have missed being woken for those that it has.
        stream.redeliveries_waiting.store(true, Ordering::Release);
        self.shared.stream_insert(Arc::clone(&stream));
        self.shared.mark_dirty(&stream);
        let task = StreamTask::new(Arc::clone(&self.shared), stream);
        self.shared.stream_tasks.spawn(self.shared.watched("stream task", task.run()));
        Ok(())
    }

    fn change(&self, stream: &Arc<LiveStream>, changed: StreamState) {
        let offsets = self.shared.offsets(changed.tenant);
        let destination = self.shared.settings.destinations.of(&changed.stream, offsets);
        let policy = policy_of(&changed.stream, &self.shared.settings.policy);
        let mut head = self.shared.head();
        let mut state = stream.state();
        if head.leave(stream.id) {
            state.core.advance(head.frontier());
        }
        state.set_at_head(false);
        state.change(self.shared.clock.now(), changed, policy, destination);
        drop(state);
        drop(head);
        self.shared.mark_dirty(stream);
        stream.wake.notify_one();
    }
}
