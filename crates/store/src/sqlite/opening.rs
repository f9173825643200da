//! Opening the file: the lock, the settings, the migrations, the master key's check.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Entropy;
use domain::event::Seq;
use domain::secret::Secret;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use tokio::sync::watch;

use super::account_cache::AccountCache;
use super::folding::{Folding, PAGES_MAX, Signals};
use super::published::Published;
use super::readers::Readers;
use super::rows::unavailable;
use super::tail::Tail;
use super::tenant_keys::OffsetKeys;
use super::writer::{Shared, Writer};
use super::{Options, SqliteStore};
use crate::{Heads, Keyring, StoreError, StreamsVersion};

/// Forward only; one that has been released is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_start.sql"),
    include_str!("../../migrations/sqlite/0002_connections.sql"),
    include_str!("../../migrations/sqlite/0003_registered_types.sql"),
    include_str!("../../migrations/sqlite/0004_scim.sql"),
    include_str!("../../migrations/sqlite/0005_tenant_keys.sql"),
    include_str!("../../migrations/sqlite/0006_organizations.sql"),
    include_str!("../../migrations/sqlite/0007_snapshots.sql"),
    include_str!("../../migrations/sqlite/0008_group_roles.sql"),
    include_str!("../../migrations/sqlite/0009_recovery.sql"),
    include_str!("../../migrations/sqlite/0010_group_numbers.sql"),
    include_str!("../../migrations/sqlite/0012_actions.sql"),
    include_str!("../../migrations/sqlite/0013_stream_options.sql"),
    include_str!("../../migrations/sqlite/0015_keys.sql"),
    include_str!("../../migrations/sqlite/0016_alerts.sql"),
    include_str!("../../migrations/sqlite/0017_client_secrets.sql"),
    include_str!("../../migrations/sqlite/0018_partner_event_sources.sql"),
    include_str!("../../migrations/sqlite/0020_counts.sql"),
    include_str!("../../migrations/sqlite/0019_operators.sql"),
];

const DATABASE_FILE: &str = "headwater.db";
/// Where the file says how large its pages are (www.sqlite.org/fileformat.html).
const PAGE_SIZE_AT: usize = 16;
const LOCK_FILE: &str = "lock";
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements kept prepared on each connection.
pub(super) const STATEMENTS_MAX: usize = 64;

/// Opens the store, or says that its file is damaged.
pub(super) fn open(
    options: &Options,
    keyring: Arc<Keyring>,
    entropy: Arc<dyn Entropy>,
) -> Result<SqliteStore, StoreError> {
    try_open(options, keyring, entropy).map_err(|error| match error {
        StoreError::Unavailable { source, .. } if is_damage(&*source) => {
            StoreError::Damaged { file: database_file(&options.folder), finding: source.to_string() }
        }
        error => error,
    })
}

fn database_file(folder: &Path) -> String {
    folder.join(DATABASE_FILE).display().to_string()
}

fn is_damage(error: &(dyn std::error::Error + 'static)) -> bool {
    let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn try_open(options: &Options, keyring: Arc<Keyring>, entropy: Arc<dyn Entropy>) -> Result<SqliteStore, StoreError> {
    std::fs::create_dir_all(&options.folder)
        .map_err(|error| StoreError::Unavailable { doing: "make its data folder", source: error.into() })?;
    let lock = take_lock(&options.folder)?;
    let path = options.folder.join(DATABASE_FILE);
    check_whole(&options.folder)?;
    let mut connection = connect(&path)?;
    migrate(&mut connection)?;
    let check = check_master_key(&connection, &keyring, &*entropy)?;
    let offset_keys = OffsetKeys::load(&connection, &keyring, &check, &*entropy)?;
    // Nobody remembers an older version than the process that starts now.
    connection.execute("DELETE FROM stream_removals", []).map_err(unavailable("start"))?;
    let published = Published::load(&connection)?;
    let heads = read_heads(&connection)?;
    let (sender, receiver) = watch::channel(heads);
    let tail = Arc::new(Tail::new(heads.log));
    let accounts = Arc::new(AccountCache::default());
    let signals = Arc::new(Signals::default());
    let shared = Shared {
        folding: Arc::clone(&signals),
        keyring: Arc::clone(&keyring),
        entropy,
        tail: Arc::clone(&tail),
        accounts: Arc::clone(&accounts),
        heads: sender,
    };
    Ok(SqliteStore {
        _folding: Folding::start(&path, signals)?,
        writer: Writer::start(connection, published, shared)?,
        readers: Readers::new(path),
        tail,
        accounts,
        keyring,
        offset_keys,
        heads: receiver,
        folder: options.folder.clone(),
        _lock: lock,
    })
}

/// Refuses a database that ends within a page. `SQLite` would read what is missing of it as zeros. While there is a
/// write-ahead file, a page may have been cut off by a crash, and is written again from there.
fn check_whole(folder: &Path) -> Result<(), StoreError> {
    let cannot = |error: std::io::Error| StoreError::Unavailable { doing: "open its database", source: error.into() };
    let path = folder.join(DATABASE_FILE);
    let ahead = std::fs::metadata(folder.join(format!("{DATABASE_FILE}-wal"))).is_ok_and(|ahead| ahead.len() > 0);
    if ahead || !path.is_file() {
        return Ok(());
    }
    let mut file = File::open(&path).map_err(cannot)?;
    let length = file.metadata().map_err(cannot)?.len();
    let mut header = [0; PAGE_SIZE_AT + 2];
    if length < header.len() as u64 {
        // An empty file is a new database; SQLite knows what else is none.
        return Ok(());
    }
    file.read_exact(&mut header).map_err(cannot)?;
    let page = match u16::from_be_bytes([header[PAGE_SIZE_AT], header[PAGE_SIZE_AT + 1]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    if !header.starts_with(b"SQLite format 3") || page == 0 || length.is_multiple_of(page) {
        return Ok(());
    }
    let finding = format!("it has {length} bytes, which is no whole number of its pages of {page}");
    Err(StoreError::Damaged { file: database_file(folder), finding })
}

fn take_lock(folder: &Path) -> Result<File, StoreError> {
    let cannot =
        |error: std::io::Error| StoreError::Unavailable { doing: "write to its data folder", source: error.into() };
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK_FILE)).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(unavailable("open its database"))?;
    let configure = || {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A commit that was answered survives the loss of power, not only of the process.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", PAGES_MAX)?;
        // What is deleted is overwritten where that costs no page more to write; see `erasures.rs` for the rest.
        connection.pragma_update(None, "secure_delete", "FAST")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -32 * 1024)?;
        connection.pragma_update(None, "journal_size_limit", 256 * 1024 * 1024)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(())
    };
    configure().map_err(unavailable("open its database"))?;
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn connect_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unavailable("open its database"))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(unavailable("open its database"))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Whether the whole file is as it was written; reads all of it.
pub(super) fn verify(connection: &Connection, folder: &Path) -> Result<(), StoreError> {
    check_whole(folder)?;
    let damaged = |finding: String| StoreError::Damaged { file: database_file(folder), finding };
    // The first finding suffices.
    match connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(finding) => Err(damaged(finding.replace('\n', " "))),
        Err(error) if is_damage(&error) => Err(damaged(error.to_string())),
        Err(error) => Err(unavailable("check its database")(error)),
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).expect("there are few migrations");
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(unavailable("read its version"))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, script) in (1_u32..).zip(MIGRATIONS).skip(found as usize) {
        let migration = connection.transaction().and_then(|transaction| {
            transaction.execute_batch(script)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()
        });
        migration.map_err(unavailable("migrate its database"))?;
        tracing::info!(version, "migrated the store");
    }
    Ok(())
}

/// Answers the known text as it is sealed.
fn check_master_key(connection: &Connection, keyring: &Keyring, entropy: &dyn Entropy) -> Result<Vec<u8>, StoreError> {
    const CONTEXT: &str = "master_key_check";
    let sealed: Option<Vec<u8>> = connection
        .query_row("SELECT sealed FROM master_key_check", [], |row| row.get(0))
        .optional()
        .map_err(unavailable("check its master key"))?;
    if let Some(sealed) = sealed {
        return keyring.open(&sealed, CONTEXT).map(|_| sealed).map_err(|_| StoreError::WrongMasterKey);
    }
    let sealed = keyring.seal(&Secret::new("headwater"), CONTEXT, entropy);
    connection
        .execute("INSERT INTO master_key_check VALUES (1, ?1)", params![sealed])
        .map_err(unavailable("write to its database"))?;
    Ok(sealed)
}

fn read_heads(connection: &Connection) -> Result<Heads, StoreError> {
    let read = || -> rusqlite::Result<Heads> {
        let newest: u64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM log", [], |row| row.get(0))?;
        let version: u64 =
            connection.query_row("SELECT coalesce(max(version), 0) FROM streams", [], |row| row.get(0))?;
        Ok(Heads { log: Seq(newest).next(), streams: StreamsVersion(version), redeliveries: 0, withdrawals: 0 })
    };
    read().map_err(unavailable("read its log"))
}
