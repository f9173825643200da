//! Against a real server, where one is installed.

use std::sync::Arc;

use super::*;
use crate::Users;
use crate::users::tests::{keeps_the_newest, takes_one_of_many};

#[allow(dead_code, reason = "shared with the stories, which ask more of it")]
#[path = "../../../headwater/tests/stories/postgres.rs"]
mod server;

use server::Postgres;

fn email(postgres: &Postgres) -> Option<String> {
    Some(postgres.run("SELECT email FROM users WHERE NOT deleted")).filter(|email| !email.is_empty())
}

#[tokio::test]
async fn the_newest_of_each_user_is_kept_over_restarts_of_both() {
    let Some(postgres) = Postgres::start() else { return };
    let users = Users::in_postgres(&postgres.url()).await.unwrap();
    keeps_the_newest(&users, || async { email(&postgres) }).await;
    let document = postgres.run("SELECT document->>'email' FROM users");
    assert_eq!(document, "anew@x", "the whole user is there");
    drop(users);

    let users = Arc::new(Users::in_postgres(&postgres.url()).await.unwrap());
    postgres.stop();
    let arrival = Arrival::read(br#"{"id":"n","type":"t","time":"2026-01-16T08:50:33Z"}"#).unwrap();
    let error = users.take(&arrival).await.unwrap_err();
    assert!(error.to_string().contains("cannot be used"), "{error}");
    postgres.run_on();
    takes_one_of_many(&users).await;
    assert_eq!(email(&postgres).as_deref(), Some("once@x"), "the connection is made anew");
}

#[tokio::test]
async fn another_programs_table_is_left_alone() {
    let Some(postgres) = Postgres::start() else { return };
    postgres.run("CREATE TABLE users (id bigint)");
    let error = Users::in_postgres(&postgres.url()).await.unwrap_err();
    assert!(matches!(error, UsersError::OtherTable(_)), "{error}");
    assert_eq!(postgres.run("SELECT count(*) FROM pg_tables WHERE tablename = 'events_taken'"), "0", "nothing is made");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told() {
    let error = Users::in_postgres("postgres://nobody:hunter2@127.0.0.1:1/x").await.unwrap_err().to_string();
    assert!(error.contains("refused") && !error.contains("hunter2"), "{error}");
    let error = Users::in_postgres("postgres://a:hunter2@[").await.unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}
