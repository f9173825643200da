//! What lies in the files: nothing that opens a door, and nothing of who was erased.

use std::path::Path;
use std::sync::Arc;

use domain::change::{Expect, Write};
use domain::ids::ConnectionId;
use domain::secret::Secret;
use store::{Connections, Keyring, ResealPlace, Resealing, State, StoreError, TenantKeys};

use super::{Sqlite, open_in};
use crate::backend::{Backend, House, MASTER_KEY};
use crate::erasure::{erase, erase_all, three_users};
use crate::resealing::{NEXT_KEY, steps};
use crate::samples::{user, user_created};
use crate::secrets::{MARK, SIGNING_MARK, client_with_secret, fill, streams_with_secrets};

/// The bytes of every file of the store, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn no_file_has_a_secret_in_plain() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    fill(&house).await;
    let check = |expected: &str| {
        let files = files(backend.folder.path());
        let written = files.iter().any(|(name, bytes)| name == expected && contains(bytes, "x-key"));
        assert!(written, "the settings are in {expected}");
        for (name, bytes) in files {
            let plain = [&MARK[..12], &SIGNING_MARK[..12]].map(|mark| contains(&bytes, mark));
            assert_eq!(plain, [false; 2], "{name} has a secret in plain");
        }
    };
    check("headwater.db-wal");
    drop(house);
    check("headwater.db");
}

#[tokio::test]
async fn a_sealed_secret_opens_in_its_own_row_only() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    fill(&house).await;
    let [first, second, ..] = &streams_with_secrets()[..] else { panic!("there are three") };
    let (own, others) = (first.id.to_string(), second.id.to_string());
    let raw = backend.raw();
    let copy = "UPDATE streams SET secret = (SELECT secret FROM streams WHERE stream_id = ?1) WHERE stream_id = ?2";
    assert_eq!(raw.execute(copy, [&own, &others]).unwrap(), 1);
    match house.store.stream_get(house.tenant, second.id).await {
        Err(StoreError::Corrupt { table, column, row }) => {
            assert_eq!((table, column, row), ("streams", "secret", others))
        }
        other => panic!("{other:?}"),
    }
    let read = house.store.stream_get(house.tenant, first.id).await.unwrap().unwrap();
    assert_eq!(read.value, *first);
    // Nor do the secrets of a stream's options, neither in another row nor in the other column.
    let third = streams_with_secrets()[2].id.to_string();
    let moves = ["options_secret FROM streams WHERE stream_id = ?1", "secret FROM streams WHERE stream_id = ?2"];
    for from in moves {
        let copy = format!("UPDATE streams SET options_secret = (SELECT {from}) WHERE stream_id = ?2");
        assert_eq!(raw.execute(&copy, [&own, &third]).unwrap(), 1);
        let moved = house.store.stream_get(house.tenant, streams_with_secrets()[2].id).await;
        let is_corrupt = matches!(&moved, Err(StoreError::Corrupt { column: "options_secret", .. }));
        assert!(is_corrupt, "{moved:?}");
    }
    // Nor do the options of one connection open as those of another.
    raw.execute("UPDATE connections SET connection_id = 'con_2'", []).unwrap();
    let moved = house.store.connection_get(house.tenant, &ConnectionId::from_text("con_2")).await;
    assert!(matches!(moved, Err(StoreError::Corrupt { table: "connections", column: "options", .. })), "{moved:?}");
    // Nor does a signing key's text open as another key's.
    raw.execute("UPDATE signing_keys SET key_id = 'k2'", []).unwrap();
    let keys = house.store.signing_keys(house.tenant).await;
    assert!(matches!(keys, Err(StoreError::Corrupt { table: "signing_keys", .. })), "{keys:?}");
}

#[tokio::test]
async fn a_secret_does_not_open_as_that_of_another_tenants_application_with_the_same_id() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let other = house.store.tenant_ensure("globex").await.unwrap().id;
    let client = client_with_secret();
    for tenant in [house.tenant, other] {
        let write = Write::ClientPut(Expect::Absent, client.clone());
        house.store.change_commit(tenant, write.into()).await.unwrap();
    }
    let copy = "UPDATE clients SET secret = (SELECT secret FROM clients WHERE tenant_id = ?1) WHERE tenant_id = ?2";
    assert_eq!(backend.raw().execute(copy, [house.tenant.0, other.0]).unwrap(), 1);
    let moved = house.store.client_get(other, &client.id).await;
    assert!(matches!(moved, Err(StoreError::Corrupt { table: "clients", column: "secret", .. })), "{moved:?}");
    assert_eq!(house.store.client_get(house.tenant, &client.id).await.unwrap().unwrap().value, client);
}

/// Columns of bytes that hold no secret.
const PLAIN: &[&str] = &[
    "log.body",
    "log.published",
    "published_runs.filter",
    "published_keys.keys",
    "cursors.open",
    // Of tokens that are random.
    "scim_tokens.hash",
    "operator_sessions.token_digest",
    "sign_in_links.token_digest",
];

/// Every column of bytes, with the number of its texts that are sealed, and of those with this key's id.
fn sealed_columns(raw: &rusqlite::Connection, key_id: &[u8]) -> Vec<(String, u64, u64)> {
    let sql = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.type = 'BLOB'";
    let mut columns = raw.prepare(sql).unwrap();
    let columns = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let count = |column: rusqlite::Result<(String, String)>| {
        let (table, column) = column.unwrap();
        let sql = format!("SELECT count({column}), count(*) FILTER (WHERE substr({column}, 2, 4) = ?1) FROM {table}");
        let (all, with) = raw.query_row(&sql, [key_id], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        (format!("{table}.{column}"), all, with)
    };
    columns.map(count).filter(|(name, ..)| !PLAIN.contains(&name.as_str())).collect()
}

#[tokio::test]
async fn every_column_of_secrets_is_sealed_anew() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    fill(&house).await;
    let key_id = |sealed: Vec<u8>| sealed[1..5].to_vec();
    let seal = |keyring: &Keyring| key_id(keyring.seal(&Secret::new("x"), "x", &crate::backend::Counting::default()));
    let (former, next) = (seal(&crate::backend::keyring()), seal(&Keyring::new(&NEXT_KEY)));
    for (column, all, with_former) in sealed_columns(&backend.raw(), &former) {
        assert!(all > 0, "{column} has nothing in it: have `fill` put a secret there, or say that it is PLAIN");
        assert_eq!(with_former, all, "{column}");
    }
    let house = house.reopen_with(Arc::new(Keyring::with_previous(&NEXT_KEY, &[MASTER_KEY]))).await;
    assert_eq!(steps(&house, ResealPlace::default(), 1000).await, None);
    for (column, all, with_next) in sealed_columns(&backend.raw(), &next) {
        assert_eq!(with_next, all, "{column} is not in the list of sealed columns");
    }
}

#[tokio::test]
async fn the_former_key_is_needed_until_everything_has_been_sealed_anew() {
    let backend = Sqlite::new();
    let mut house = House::open(&backend).await;
    fill(&house).await;
    let mut from = ResealPlace::default();
    loop {
        drop(house);
        let without = open_in(backend.folder.path(), Arc::new(Keyring::new(&NEXT_KEY)));
        assert!(matches!(without.err(), Some(StoreError::WrongMasterKey)));
        house = House::open_with(&backend, Arc::new(Keyring::with_previous(&NEXT_KEY, &[MASTER_KEY]))).await;
        match steps(&house, from, 1).await {
            Some(next) if house.store.sealed_texts().await.unwrap().former > 0 => from = next,
            _ => break,
        }
    }
    drop(house);
    open_in(backend.folder.path(), Arc::new(Keyring::new(&NEXT_KEY))).unwrap();
}

#[tokio::test]
async fn a_text_that_no_key_opens_keeps_the_former_key() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    fill(&house).await;
    let house = house.reopen_with(Arc::new(Keyring::with_previous(&NEXT_KEY, &[MASTER_KEY]))).await;
    backend.raw().execute("UPDATE connections SET options = x'01020304050607080910111213141516171819'", []).unwrap();
    let error = house.store.reseal_step(ResealPlace::default(), 1000).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { table: "connections", column: "options", .. }), "{error:?}");
    assert!(house.store.sealed_texts().await.unwrap().former > 0);
}

#[tokio::test]
async fn a_tenant_of_an_older_version_keeps_its_offsets() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let (tenant, key) = (house.tenant, house.store.offset_key(house.tenant));
    drop(house);
    // As it was before the keys were stored: they followed from the master key, which is changed with the version.
    backend.raw().execute("DELETE FROM offset_keys", []).unwrap();
    let store = backend.open_with(Arc::new(Keyring::with_previous(&NEXT_KEY, &[MASTER_KEY]))).await;
    assert_eq!(store.offset_key(tenant), key);
    assert_eq!(key, crate::backend::keyring().derive(&format!("offsets/{}", tenant.0)));
}

#[tokio::test]
async fn the_same_secret_is_never_sealed_the_same() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    fill(&house).await;
    let stream = &streams_with_secrets()[0];
    let sealed = || {
        let sql = "SELECT secret FROM streams WHERE stream_id = ?1";
        backend.raw().query_row(sql, [stream.id.to_string()], |row| row.get::<_, Vec<u8>>(0)).unwrap()
    };
    let before = sealed();
    house.commit(crate::samples::changed(2, stream)).await.unwrap();
    assert_ne!(sealed(), before, "the same secret under a fresh nonce");
    let context = format!("streams/{}", stream.id);
    assert!(crate::backend::keyring().open(&sealed(), &context).is_ok());
    assert!(Keyring::new(&[8; store::MASTER_KEY_BYTES]).open(&sealed(), &context).is_err());
}

#[tokio::test]
async fn no_file_has_anything_of_who_was_erased() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    three_users(&house).await;
    // One whose documents and bodies take several pages, which are freed.
    let mut large = user(4);
    let notes = "note of user4@example.com ".repeat(1000);
    large.user_metadata = Some(serde_json::Map::from_iter([("notes".to_owned(), notes.into())]));
    house.commit(user_created(large, 20)).await.unwrap();
    let house = house.reopen().await;
    let has = |text: &str| files(backend.folder.path()).iter().any(|(_, bytes)| contains(bytes, text));
    assert!(has("user2@") && has("user4@"));
    erase(&house, 2, 21).await;
    erase(&house, 4, 22).await;
    erase_all(&house, 100).await;
    drop(house);
    assert!(has("user1@") && has("user3@"));
    assert!(!has("user2@") && !has("user4@"));
}
