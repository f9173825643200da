//! The server keeps to its description (`GET /api/v2/openapi.json`), whatever it is asked: schemathesis makes requests of
//! the description, some that it allows and some that it does not. What it does is in the folder `clients/schemathesis`.

use std::process::Command;
use std::sync::Arc;

use crate::clients::{assert_success, is_prepared_for};
use crate::server::{CLIENT_ID, CLIENT_SECRET, Server, repository, variable};

/// No 500, no status that is not described, and no answer, media type or header that is otherwise than described.
#[tokio::test]
async fn whatever_it_is_asked_the_server_answers_as_it_is_described() {
    let Some(python) = variable("HEADWATER_TEST_SCHEMATHESIS").filter(|_| is_prepared_for("SCHEMATHESIS")) else {
        return;
    };
    let server = Server::start_in(Arc::new(tempfile::tempdir().unwrap())).await;
    let mut play = Command::new(python);
    play.arg("play.py")
        .current_dir(repository().join("clients/schemathesis"))
        .env("HEADWATER_URL", &server.url)
        .env("HEADWATER_CLIENT_ID", CLIENT_ID)
        .env("HEADWATER_CLIENT_SECRET", CLIENT_SECRET);
    let told = tokio::task::spawn_blocking(move || assert_success(play, "schemathesis")).await.unwrap();
    println!("{told}");
}
