//! Faults below the server: disks that are full or may not be written, files that are damaged, clocks that jump, crashes
//! beside a failing receiver. Nothing that was answered is lost, and what cannot go on says what to do.

mod clocks;
mod damage;
mod disks;
mod mounts;
mod receivers;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::server::{Server, binary, free_port, output_of};

async fn assert_readable(server: &Server, answered: &BTreeSet<String>) {
    for id in answered {
        let (status, user) = server.call("GET", &format!("users/{}", id.replace('|', "%7C")), None).await;
        assert_eq!((status, &user["user_id"]), (200, &json!(id)));
    }
}

/// A folder that a server was stopped in, with some users.
async fn stopped_with_users() -> Arc<tempfile::TempDir> {
    let mut server = Server::start().await;
    for number in 0..200 {
        server.create_user(&format!("u{number}")).await;
    }
    server.signal("TERM");
    assert!(server.ended().await.success());
    Arc::clone(&server.folder)
}

/// Whether `headwater doctor` finds a data folder in order, and what it says.
fn doctor(folder: &Path) -> (bool, String) {
    let mut command = binary();
    command
        .arg("doctor")
        .env("HEADWATER_DATA_DIR", folder)
        .env("HEADWATER_LISTEN", format!("127.0.0.1:{}", free_port()));
    let output = output_of(command);
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// The doctor fails, with this in one line.
fn assert_found((in_order, said): &(bool, String), finding: &str) {
    let found = said.lines().any(|line| line.contains("fail") && line.contains(finding));
    assert!(found && !in_order, "expected {finding:?} in {said}");
}
