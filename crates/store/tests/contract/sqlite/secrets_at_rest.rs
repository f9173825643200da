//! What lies in the files: nothing that opens a door, and nothing of who was erased.

use std::path::Path;

use domain::ids::ConnectionId;
use store::{Connections, Keyring, State, StoreError, TenantKeys};

use super::Sqlite;
use crate::backend::{Backend, House};
use crate::erasure::{erase, erase_all, three_users};
use crate::samples::{user, user_created};
use crate::secrets::{MARK, SIGNING_MARK, fill, streams_with_secrets};

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
async fn each_secret_is_sealed_anew() {
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
