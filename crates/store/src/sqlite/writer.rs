//! The one writer: a thread that takes the changes that wait and commits them together.
//!
//! Each change runs in a savepoint of its own, so that one that is refused fails alone; all of a group become
//! durable with one flush; nobody is answered before.

use std::sync::Arc;
use std::thread::JoinHandle;

use domain::clock::Entropy;
use domain::event::{Event, LoggedEvent, Seq};
use domain::ids::{StreamId, TenantId};
use domain::publish::PublishKey;
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot, watch};

use super::account_cache::AccountCache;
use super::folding;
use super::published::{Published, key_bytes};
use super::rows::{seq_value, unavailable};
use super::tail::Tail;
use crate::{Heads, Keyring, StoreError, StreamsVersion};

/// Changes in one commit at most.
const GROUP_MAX: usize = 256;

/// With so many bytes of bodies in it, a commit takes in no further change.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Changes that wait at most; whoever comes then waits to be let in.
const QUEUE_MAX: usize = 1024;

/// What the writer shares with the rest of the store.
pub(super) struct Shared {
    pub(super) keyring: Arc<Keyring>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) tail: Arc<Tail>,
    pub(super) accounts: Arc<AccountCache>,
    pub(super) folding: Arc<folding::Signals>,
    pub(super) heads: watch::Sender<Heads>,
}

/// What a change works on: the open transaction, and what will be published when it is durable.
pub(super) struct Writing<'a> {
    pub(super) connection: &'a Connection,
    pub(super) keyring: &'a Keyring,
    pub(super) entropy: &'a dyn Entropy,
    pub(super) published: &'a mut Published,
    heads: Heads,
    appended: Vec<Arc<LoggedEvent>>,
    rewritten: Vec<Arc<LoggedEvent>>,
    /// Bytes of the bodies written, also of what was refused then.
    bytes: usize,
    accounts_changed: bool,
}

impl Writing<'_> {
    /// Appends an event to the log.
    pub(super) fn append(&mut self, tenant: TenantId, event: Event) -> Result<(), StoreError> {
        self.append_row(tenant, event, None, None)
    }

    /// Appends an event that was published with this key.
    pub(super) fn append_published(
        &mut self,
        tenant: TenantId,
        key: PublishKey,
        event: Event,
    ) -> Result<(), StoreError> {
        let seq = self.heads.log;
        self.append_row(tenant, event, Some(key), None)?;
        self.published.add(seq, key);
        Ok(())
    }

    /// Appends an event for one stream only.
    pub(super) fn append_for(&mut self, stream: StreamId, tenant: TenantId, event: Event) -> Result<(), StoreError> {
        self.append_row(tenant, event, None, Some(stream))
    }

    fn append_row(
        &mut self,
        tenant: TenantId,
        event: Event,
        published: Option<PublishKey>,
        only_stream: Option<StreamId>,
    ) -> Result<(), StoreError> {
        let seq = self.heads.log;
        let failed = unavailable("append to its log");
        let sql = "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let mut insert = self.connection.prepare_cached(sql).map_err(&failed)?;
        let body: &[u8] = &event.body;
        insert
            .execute(params![
                seq_value(seq),
                tenant.0,
                event.id.to_string(),
                event.event_type.stored(),
                event.subject.as_str(),
                event.time.as_millis(),
                published.map(key_bytes),
                only_stream.map(|stream| stream.to_string()),
                body
            ])
            .map_err(&failed)?;
        self.bytes += body.len();
        self.appended.push(Arc::new(LoggedEvent { seq, tenant, only_stream, event }));
        self.heads.log = seq.next();
        Ok(())
    }

    /// Gives an event of the log another body.
    pub(super) fn rewrite(&mut self, logged: Arc<LoggedEvent>) -> Result<(), StoreError> {
        let body: &[u8] = &logged.event.body;
        let values = params![seq_value(logged.seq), body];
        super::rows::run(self.connection, "UPDATE log SET body = ?2 WHERE seq = ?1", values)?;
        self.bytes += body.len();
        self.rewritten.push(logged);
        Ok(())
    }

    /// The next position of the log.
    pub(super) fn log_end(&self) -> Seq {
        self.heads.log
    }

    /// The version of the stream that was changed last.
    pub(super) fn streams_version(&self) -> StreamsVersion {
        self.heads.streams
    }

    /// A version for a changed stream.
    pub(super) fn next_streams_version(&mut self) -> StreamsVersion {
        self.heads.streams.0 += 1;
        self.heads.streams
    }

    /// An application, a connection or a registered type is changed: what was read of them is not to be used again.
    pub(super) fn accounts_changed(&mut self) {
        self.accounts_changed = true;
    }

    /// Wakes whoever makes redeliveries.
    pub(super) fn redelivery_requested(&mut self) {
        self.heads.redeliveries += 1;
    }

    /// Wakes whoever has redeliveries in hand that nobody wants any more.
    pub(super) fn redelivery_withdrawn(&mut self) {
        self.heads.withdrawals += 1;
    }

    /// Writes something, to see whether that is possible.
    pub(super) fn touch(&self) -> Result<(), StoreError> {
        // SQLite writes nothing where nothing differs, so it is moved away and back.
        super::rows::run(self.connection, "UPDATE head SET frontier = frontier + 1", &[])?;
        super::rows::run(self.connection, "UPDATE head SET frontier = frontier - 1", &[]).map(|_| ())
    }
}

/// Answers a caller once the fate of the commit is known.
type Answer = Box<dyn FnOnce(Result<(), Arc<rusqlite::Error>>) + Send>;
/// A change: runs in its savepoint, tells whether to keep what it did, and how to answer. It is given no
/// transaction to work on when that of its group is lost: then it cannot be answered with more than that.
type Job = Box<dyn FnOnce(Option<&mut Writing<'_>>) -> (Keep, Answer) + Send>;

#[derive(PartialEq, Eq)]
enum Keep {
    Yes,
    No,
}

pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, published: Published, shared: Shared) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, published, &shared, jobs))
            .map_err(|error| StoreError::Unavailable { doing: "start its writer", source: error.into() })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Runs `change` in the next group and answers when that is durable.
    pub(super) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Writing<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let gone = || StoreError::Unavailable { doing: "take a change", source: "its writer has ended".into() };
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |writing| {
            let result = writing.map(change);
            let keep = if matches!(result, Some(Ok(_))) { Keep::Yes } else { Keep::No };
            let answer: Answer = Box::new(move |committed| {
                let answer = match (committed, result) {
                    (Ok(()), Some(result)) => result,
                    (Ok(()), None) => Err(gone()),
                    (Err(error), _) => Err(StoreError::Unavailable { doing: "commit a change", source: error.into() }),
                };
                // Whoever asked may have gone; the change stands all the same.
                let _ = sender.send(answer);
            });
            (keep, answer)
        });
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(job).await.map_err(|_| gone())?;
        receiver.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

fn run(connection: &Connection, mut published: Published, shared: &Shared, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.blocking_recv() {
        let group = std::iter::once(first).chain(std::iter::from_fn(|| jobs.try_recv().ok()));
        commit_group(connection, &mut published, shared, group.take(GROUP_MAX));
        shared.folding.committed();
        if shared.folding.take_rest_due()
            && let Err(error) = folding::fold(connection)
        {
            tracing::debug!(%error, "the write-ahead file cannot be folded now");
        }
        let end = shared.heads.borrow().log;
        if let Err(error) = published.close_runs(connection, end) {
            tracing::error!(error = &error as &dyn std::error::Error, "published keys stay in memory for now");
        }
    }
}

fn commit_group(connection: &Connection, published: &mut Published, shared: &Shared, group: impl Iterator<Item = Job>) {
    let mut writing = Writing {
        connection,
        keyring: &shared.keyring,
        entropy: &*shared.entropy,
        published,
        heads: *shared.heads.borrow(),
        appended: Vec::new(),
        rewritten: Vec::new(),
        bytes: 0,
        accounts_changed: false,
    };
    let mut answers = Vec::new();
    let mut result = execute(connection, "BEGIN IMMEDIATE");
    let begun = result.is_ok();
    for job in group {
        let before = (writing.heads, writing.appended.len(), writing.rewritten.len());
        if result.is_ok() {
            result = execute(connection, "SAVEPOINT change");
        }
        // Without the transaction, each statement would be one of its own, and stay although it is refused.
        let (keep, answer) = job(result.is_ok().then_some(&mut writing));
        if keep == Keep::No {
            writing.heads = before.0;
            writing.appended.truncate(before.1);
            writing.rewritten.truncate(before.2);
            writing.published.forget_from(before.0.log);
            result = result.and_then(|()| execute(connection, "ROLLBACK TO change"));
        }
        result = result.and_then(|()| execute(connection, "RELEASE change"));
        answers.push(answer);
        // A transaction that is lost midway takes nobody else along; where none can be begun, all hear of it at once.
        if writing.bytes >= GROUP_BYTES_MAX || (begun && result.is_err()) {
            break;
        }
    }
    result = result.and_then(|()| execute(connection, "COMMIT"));
    match result {
        Ok(()) => {
            if writing.accounts_changed {
                shared.accounts.forget();
            }
            shared.tail.append(writing.appended);
            shared.tail.replace(writing.rewritten);
            let heads = writing.heads;
            shared.heads.send_if_modified(|current| std::mem::replace(current, heads) != heads);
            answers.into_iter().for_each(|answer| answer(Ok(())));
        }
        Err(error) => {
            tracing::error!(%error, changes = answers.len(), "a commit failed; its changes were refused");
            if !connection.is_autocommit()
                && let Err(error) = execute(connection, "ROLLBACK")
            {
                tracing::error!(%error, "rolling back failed too");
            }
            writing.published.forget_from(shared.heads.borrow().log);
            let error = Arc::new(error);
            answers.into_iter().for_each(|answer| answer(Err(Arc::clone(&error))));
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}
