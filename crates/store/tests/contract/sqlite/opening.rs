//! Opening the folder: whose it is, which version it has, whether it can be written.

use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use store::{Keyring, StoreError};

use super::{Sqlite, open_in};
use crate::backend::{Backend, House, keyring};

fn refused(folder: &Path) -> StoreError {
    open_in(folder, keyring()).err().expect("the folder is refused")
}

#[tokio::test]
async fn a_folder_in_use_is_refused_until_it_is_free() {
    let backend = Sqlite::new();
    let store = backend.open().await;
    let error = refused(backend.folder.path());
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains(backend.folder.path().to_str().unwrap()), "it names the folder: {error}");
    drop(store);
    backend.open().await;
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let backend = Sqlite::new();
    drop(backend.open().await);
    let known: u32 = backend.raw().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    backend.raw().pragma_update(None, "user_version", known + 1).unwrap();
    match refused(backend.folder.path()) {
        StoreError::Newer { found, known: said } => assert_eq!((found, said), (known + 1, known)),
        other => panic!("{other:?}"),
    }
    let after: u32 = backend.raw().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(after, known + 1);
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let backend = Sqlite::new();
    drop(backend.open().await);
    let other = open_in(backend.folder.path(), Arc::new(Keyring::new(&[8; store::MASTER_KEY_BYTES])));
    assert!(matches!(other.err(), Some(StoreError::WrongMasterKey)));
    drop(backend.open().await);
}

#[test]
fn a_folder_that_cannot_be_made_is_unavailable_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    for place in [file.join("data"), file] {
        let error = refused(&place);
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert_eq!(error.to_string(), "the store cannot make its data folder");
        assert!(error.source().is_some_and(|source| !source.to_string().is_empty()));
    }
}

#[test]
fn a_folder_whose_files_cannot_be_written_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    // A folder in the place of the file: not even root can write that.
    std::fs::create_dir(folder.path().join("headwater.db")).unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the store cannot open its database");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("lock")).unwrap();
    assert_eq!(refused(folder.path()).to_string(), "the store cannot write to its data folder");
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("headwater.db"), "this is not a database\n".repeat(1000)).unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

fn schema(connection: &Connection) -> Vec<String> {
    let mut statement = connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn migrations_run_once() {
    let backend = Sqlite::new();
    let deep = backend.folder.path().join("made/with/its/parents");
    drop(open_in(&deep, keyring()).unwrap());
    let house = House::open(&backend).await;
    let raw = backend.raw();
    let before = schema(&raw);
    assert!(before.iter().any(|sql| sql.starts_with("CREATE TABLE log")));
    assert_eq!(schema(&Connection::open(deep.join("headwater.db")).unwrap()), before);
    let cookie = || raw.pragma_query_value(None, "schema_version", |row| row.get::<_, u32>(0)).unwrap();
    let first = cookie();
    house.append(1).await;
    let house = house.reopen().await;
    assert_eq!((schema(&raw), cookie()), (before, first), "nothing was migrated again");
    assert_eq!(house.seqs().await, [1]);
}

/// The statements of a migration, as they run on a store of before it.
const TENANT_KEYS: &str = include_str!("../../../migrations/sqlite/0005_tenant_keys.sql");

#[test]
fn signing_keys_of_before_there_were_several_tenants_belong_to_the_one() {
    let raw = Connection::open_in_memory().unwrap();
    raw.execute_batch(include_str!("../../../migrations/sqlite/0001_start.sql")).unwrap();
    raw.execute_batch(
        "INSERT INTO tenants VALUES (4, 'acme'), (7, 'default');
         INSERT INTO signing_keys VALUES ('z', x'01', 1), ('a', x'02', 2);",
    )
    .unwrap();
    raw.execute_batch(TENANT_KEYS).unwrap();
    let mut statement = raw.prepare("SELECT key_id, tenant_id FROM signing_keys ORDER BY rowid").unwrap();
    let keys = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let keys: Vec<(String, u32)> = keys.collect::<Result<_, _>>().unwrap();
    assert_eq!(keys, [("z".to_owned(), 7), ("a".to_owned(), 7)], "the newest is still the newest");
}

#[test]
fn streams_of_before_partner_event_sources_were_noted_want_theirs() {
    let raw = Connection::open_in_memory().unwrap();
    raw.execute_batch(include_str!("../../../migrations/sqlite/0001_start.sql")).unwrap();
    raw.execute_batch(
        r#"INSERT INTO tenants VALUES (1, 'acme');
         INSERT INTO streams (stream_id, tenant_id, revision, version, generation, status, subscriptions, destination,
           secret, options, spans, created_at, updated_at)
         SELECT column1, 1, 1, 1, 0, 'disabled', '[]', column2, x'', '{}', '[]', 0, 0 FROM (VALUES
           ('est_1', '{"type":"webhook","endpoint":"https://a.example","authorization":{"method":"bearer"}}'),
           ('est_2', '{"type":"eventbridge","account":"123456789012","region":"eu-west-1","partner_event_source":"s"}'));"#,
    )
    .unwrap();
    raw.execute_batch(include_str!("../../../migrations/sqlite/0018_partner_event_sources.sql")).unwrap();
    let sql = "SELECT stream_id, name, account, region, wanted, asked, settled FROM partner_event_sources";
    let mut statement = raw.prepare(sql).unwrap();
    let text = |row: &rusqlite::Row<'_>| {
        (0..7).map(|column| row.get::<_, rusqlite::types::Value>(column).map(|value| format!("{value:?}"))).collect()
    };
    let noted: Vec<Vec<String>> = statement.query_map([], text).unwrap().collect::<Result<_, _>>().unwrap();
    let expected = [
        r#"Text("est_2")"#,
        r#"Text("s")"#,
        r#"Text("123456789012")"#,
        r#"Text("eu-west-1")"#,
        "Integer(1)",
        "Integer(0)",
        "Integer(0)",
    ];
    assert_eq!(noted, [expected]);
}

#[test]
fn groups_of_before_they_had_numbers_are_kept_with_what_is_in_them() {
    let raw = Connection::open_in_memory().unwrap();
    raw.pragma_update(None, "foreign_keys", true).unwrap();
    for script in [
        include_str!("../../../migrations/sqlite/0001_start.sql"),
        include_str!("../../../migrations/sqlite/0002_connections.sql"),
        include_str!("../../../migrations/sqlite/0004_scim.sql"),
        include_str!("../../../migrations/sqlite/0006_organizations.sql"),
        include_str!("../../../migrations/sqlite/0008_group_roles.sql"),
    ] {
        raw.execute_batch(script).unwrap();
    }
    raw.execute_batch(
        "INSERT INTO tenants VALUES (1, 'acme');
         INSERT INTO users (number, tenant_id, user_id, revision, connection, document) VALUES
           (1, 1, 'u1', 1, 'corp', '{}');
         INSERT INTO connections (tenant_id, connection_id, revision, name, strategy, enabled_clients) VALUES
           (1, 'con_1', 1, 'corp', 'oidc', '[]');
         INSERT INTO roles VALUES (1, 1, 'rol_1', 1, 'admin', NULL);
         INSERT INTO organizations VALUES (1, 1, 'org_1', 1, 'acme', '{}');
         INSERT INTO groups VALUES ('grp_2', 1, 'con_1', 4, 'B', 'b', 'x', 2, 2), ('grp_1', 1, 'con_1', 3, 'A', 'a', NULL, 1, 1);
         INSERT INTO group_members VALUES ('grp_2', 1, 7), ('grp_1', 1, 6);
         INSERT INTO group_roles VALUES ('grp_2', 1, NULL, 8), ('grp_1', 1, 1, 9);",
    )
    .unwrap();
    raw.execute_batch(concat!("BEGIN;", include_str!("../../../migrations/sqlite/0010_group_numbers.sql"), "COMMIT;"))
        .unwrap();
    let rows = |sql: &str| {
        let mut statement = raw.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let groups = "SELECT concat_ws(' ', number, group_id, connection_id, revision, name, external_id) FROM groups";
    assert_eq!(rows(groups), ["1 grp_1 con_1 3 A", "2 grp_2 con_1 4 B x"]);
    let members = "SELECT concat_ws(' ', number, group_id, user_number, added_at) FROM group_members";
    assert_eq!(rows(members), ["1 grp_1 1 6", "2 grp_2 1 7"]);
    let roles =
        "SELECT concat_ws(' ', number, group_id, role_number, organization_number, assigned_at) FROM group_roles";
    assert_eq!(rows(roles), ["1 grp_2 1 8", "2 grp_1 1 1 9"]);
    raw.execute_batch("DELETE FROM connections").unwrap();
    assert_eq!(rows("SELECT group_id FROM group_members UNION ALL SELECT group_id FROM group_roles"), [""; 0]);
}
