//! What a backend brings to be tested, and what a rule is tested in.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::change::Change;
use domain::clock::Entropy;
use domain::event::{LoggedEvent, Seq};
use domain::ids::{StreamId, TenantId};
use domain::stream::EventStream;
use store::{Keyring, Log, ReadLimit, RestoredStream, State, StoreError, StreamState, StreamsVersion};

use crate::samples;

/// An empty store that can be opened, one process at a time, as often as a rule needs it.
pub(crate) trait Backend {
    /// The store under test.
    type Store: State + Log + 'static;

    /// A store of its own, with nothing in it.
    fn new() -> Self;

    /// Opens it; whoever had it open before has closed it.
    fn open(&self) -> impl Future<Output = Self::Store> {
        self.open_with(keyring())
    }

    /// Opens it with a keyring of the rule's own.
    fn open_with(&self, keyring: Arc<Keyring>) -> impl Future<Output = Self::Store>;
}

/// The master key of every backend here.
pub(crate) const MASTER_KEY: [u8; store::MASTER_KEY_BYTES] = [7; store::MASTER_KEY_BYTES];

pub(crate) fn keyring() -> Arc<Keyring> {
    Arc::new(Keyring::new(&MASTER_KEY))
}

/// Different bytes each time, the same ones each run.
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            // SplitMix64: its numbers do not repeat before 2^64 of them.
            let mut number = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            part.copy_from_slice(&(number ^ (number >> 31)).to_le_bytes()[..part.len()]);
        }
    }
}

/// Ends a test that waits for what never comes.
pub(crate) async fn bounded<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("this ends within a minute")
}

/// An open store with a tenant.
pub(crate) struct House<'a, B: Backend> {
    backend: &'a B,
    pub(crate) store: Arc<B::Store>,
    pub(crate) tenant: TenantId,
}

impl<'a, B: Backend> House<'a, B> {
    pub(crate) async fn open(backend: &'a B) -> Self {
        Self::open_with(backend, keyring()).await
    }

    pub(crate) async fn open_with(backend: &'a B, keyring: Arc<Keyring>) -> Self {
        let store = Arc::new(backend.open_with(keyring).await);
        let tenant = store.tenant_ensure(samples::TENANT).await.unwrap().id;
        Self { backend, store, tenant }
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(self) -> Self {
        self.reopen_with(keyring()).await
    }

    /// The same with another keyring.
    pub(crate) async fn reopen_with(self, keyring: Arc<Keyring>) -> Self {
        let store = Arc::into_inner(self.store).expect("nobody else uses the store any more");
        drop(store);
        Self::open_with(self.backend, keyring).await
    }

    pub(crate) async fn commit(&self, change: impl Into<Change>) -> Result<(), StoreError> {
        self.store.change_commit(self.tenant, change.into()).await
    }

    /// Appends `count` events, a change each; answers their positions.
    pub(crate) async fn append(&self, count: u64) -> Vec<Seq> {
        let first = self.end();
        for number in 0..count {
            let event = samples::event(first.0 + number);
            self.commit(Change { writes: Vec::new(), events: vec![event] }).await.unwrap();
        }
        (first.0..first.0 + count).map(Seq).collect()
    }

    /// The next position of the log.
    pub(crate) fn end(&self) -> Seq {
        self.store.heads().borrow().log
    }

    /// The whole log, as a reader from its first position on finds it. What the process has just written comes
    /// from memory, where the store keeps it there; after reopening, everything comes from the disk.
    pub(crate) async fn events(&self) -> Vec<Arc<LoggedEvent>> {
        read_between(&*self.store, Seq::ZERO.next(), self.end()).await
    }

    /// The positions of what the store still holds, whatever a reader may have in memory.
    pub(crate) async fn kept(&self) -> Vec<u64> {
        let all: Vec<Seq> = (1..self.end().0).map(Seq).collect();
        self.store.log_get(&all).await.unwrap().iter().map(|logged| logged.seq.0).collect()
    }

    /// The positions and ids of the whole log.
    pub(crate) async fn log(&self) -> Vec<(u64, String)> {
        self.events().await.iter().map(|logged| (logged.seq.0, logged.event.id.to_string())).collect()
    }

    /// The positions of the whole log.
    pub(crate) async fn seqs(&self) -> Vec<u64> {
        self.events().await.iter().map(|logged| logged.seq.0).collect()
    }

    /// Creates a stream.
    pub(crate) async fn stream(&self, number: u64) -> EventStream {
        let stream = samples::stream(number);
        self.commit(samples::created(&stream)).await.unwrap();
        stream
    }

    pub(crate) async fn restored(&self, id: StreamId) -> RestoredStream {
        self.store.stream_restore(id).await.unwrap().expect("the stream stands somewhere")
    }

    /// A stream as delivery sees it.
    pub(crate) async fn state(&self, id: StreamId) -> StreamState {
        let all = self.store.streams_changed(StreamsVersion::default()).await.unwrap().changed;
        all.into_iter().find(|state| state.stream.id == id).expect("there is such a stream")
    }
}

/// Reads a stretch in small steps.
pub(crate) async fn read_between<S: Log>(store: &S, mut from: Seq, until: Seq) -> Vec<Arc<LoggedEvent>> {
    let limit = ReadLimit { events: 7, bytes: 1024 * 1024 };
    let mut events = Vec::new();
    while from < until {
        let chunk = store.log_read(from, until, limit).await.unwrap();
        assert!(chunk.next > from, "a reader that goes on from {from} gets on");
        events.extend(chunk.events);
        from = chunk.next;
    }
    events
}
