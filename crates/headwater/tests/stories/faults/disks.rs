//! Disks that are full, or may not be written.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::mounts::Mount;
use super::{assert_found, assert_readable, doctor, stopped_with_users};
use crate::load::{Answered, Refusals, crash, delivered, load, until};
use crate::receiver::{PATIENCE, Receiver};
use crate::server::{Server, free_port, output_of, serve_command};
use crate::starting::assert_refused;

/// How long a file may become on the small disk.
const SMALL_DISK_BYTES: u64 = 1024 * 1024;

/// `headwater serve` that can write no file beyond that, as if the disk were full then.
fn serve_on_a_small_disk(folder: &Path, port: u16) -> Command {
    let serve = serve_command(folder, port);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" serve", SMALL_DISK_BYTES / 512));
    command.arg(serve.get_program()).stdin(Stdio::null()).stderr(Stdio::null());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn assert_refused_for_now(refused: &Refusals) {
    for (status, body) in refused.lock().unwrap().iter() {
        assert_eq!(*status, 503, "{body}");
        assert_eq!((&body["statusCode"], &body["error"]), (&json!(503), &json!("Service Unavailable")), "{body}");
        assert!(body["message"].as_str().is_some_and(|message| message.contains("Try again")), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_changes_and_loses_none_that_was_answered() {
    let receiver = Receiver::start().await;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let port = free_port();
    let child = serve_on_a_small_disk(folder.path(), port).spawn().unwrap();
    let server = Server::started(child, format!("http://127.0.0.1:{port}"), Arc::clone(&folder)).await;
    let server = Arc::new(server);
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let (answered, enough, refused) = (Answered::default(), Arc::default(), Refusals::default());
    let clients = load(&server, &answered, &enough, &refused);
    // When the database itself has no more room, folding cannot make any in the write-ahead file.
    let database = folder.path().join("headwater.db");
    let is_full = || std::fs::metadata(&database).unwrap().len() >= SMALL_DISK_BYTES;
    until("the disk is full", || is_full() && refused.lock().unwrap().len() >= 50).await;
    enough.store(true, Ordering::Release);
    clients.join_all().await;
    assert_refused_for_now(&refused);
    server.until_draining().await;
    let ready = reqwest::get(format!("{}/readyz", server.url)).await.unwrap();
    assert_eq!(ready.status().as_u16(), 503, "it is not ready while it cannot write");
    assert!(ready.text().await.unwrap().contains("store"), "it says what is missing");
    let alive = reqwest::get(format!("{}/healthz", server.url)).await.unwrap();
    assert!(alive.status().is_success(), "restarting it would not help");

    let server = Server::start_in(crash(server)).await;
    let answered = answered.lock().unwrap().clone();
    assert!(!answered.is_empty());
    assert_readable(&server, &answered).await;
    let repeated = delivered(&receiver, &answered).await;
    let after = server.create_user("after").await;
    delivered(&receiver, &BTreeSet::from([after["user_id"].as_str().unwrap().to_owned()])).await;
    let refused = refused.lock().unwrap().len();
    println!("full disk: {} answered, {refused} refused, lost 0, repeated {repeated}", answered.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_may_not_be_written_is_refused() {
    let folder = stopped_with_users().await;
    let database = folder.path().join("headwater.db");
    let attribute = |change: &str| {
        let changed = Command::new("chattr").arg(change).arg(&database).stderr(Stdio::null()).status();
        changed.is_ok_and(|status| status.success())
    };
    // Permissions do not bind root; this attribute does, where the file system has it.
    if !attribute("+i") {
        println!("skipped: files cannot be made immutable here");
        return;
    }
    let serve = output_of(serve_command(folder.path(), free_port()));
    let examined = doctor(folder.path());
    assert!(attribute("-i"), "the folder can be removed again");
    assert_refused(&serve, "readonly database");
    assert_found(&examined, "readonly database");
    let server = Server::start_in(folder).await;
    server.create_user("after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_was_full_is_used_again_once_it_has_room() {
    let Some(mount) = Mount::memory("4m") else { return };
    let receiver = Receiver::start().await;
    let server = Arc::new(Server::start_in(mount.folder()).await);
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let (answered, enough, refused) = (Answered::default(), Arc::default(), Refusals::default());
    let clients = load(&server, &answered, &enough, &refused);
    until("the disk is full", || refused.lock().unwrap().len() >= 50).await;
    enough.store(true, Ordering::Release);
    clients.join_all().await;
    assert_refused_for_now(&refused);
    let answered = answered.lock().unwrap().clone();
    assert!(!answered.is_empty());
    // Reading goes on, and so does delivering.
    assert_readable(&server, &answered).await;
    let repeated = delivered(&receiver, &answered).await;
    assert_eq!(repeated, 0);
    mount.grow("64m");
    let name = "after-the-disk-was-full";
    let body = || Some(Server::user_body(name));
    let taken = tokio::time::timeout(PATIENCE, async {
        loop {
            let (status, user) = server.call("POST", "users", body()).await;
            if status == 201 {
                return user["user_id"].as_str().unwrap().to_owned();
            }
            assert_eq!(status, 503, "{user}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let after = taken.await.expect("changes are taken again, without a restart");
    delivered(&receiver, &BTreeSet::from([after])).await;
    let server = Server::start_in(crash(server)).await;
    assert_readable(&server, &answered).await;
    let refused = refused.lock().unwrap().len();
    println!("a disk of 4 MiB: {} answered, {refused} refused, lost 0, repeated {repeated}", answered.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_system_that_is_read_only_is_refused() {
    let Some(mount) = Mount::memory("64m") else { return };
    let folder = mount.folder();
    let mut server = Server::start_in(Arc::clone(&folder)).await;
    server.create_user("before").await;
    server.signal("TERM");
    assert!(server.ended().await.success());
    drop(server);
    mount.make_read_only();
    let serve = output_of(serve_command(folder.path(), free_port()));
    assert_refused(&serve, "Read-only file system");
    let (in_order, said) = doctor(folder.path());
    assert!(!in_order && said.contains("Read-only file system"), "{said}");
    mount.make_writable();
    Server::start_in(folder).await.create_user("after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_system_that_becomes_read_only_refuses_changes_and_loses_none_answered_before() {
    let Some(mount) = Mount::file_system() else { return };
    let receiver = Receiver::start().await;
    let server = Arc::new(Server::start_in(mount.folder()).await);
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let (answered, enough, refused) = (Answered::default(), Arc::default(), Refusals::default());
    let clients = load(&server, &answered, &enough, &refused);
    until("some users exist", || answered.lock().unwrap().len() >= 200).await;
    let before = answered.lock().unwrap().clone();
    mount.fail();
    until("changes are refused", || refused.lock().unwrap().len() >= 50).await;
    enough.store(true, Ordering::Release);
    clients.join_all().await;
    assert_refused_for_now(&refused);
    let answered = answered.lock().unwrap().clone();
    // Reading and delivering go on; a file system that has failed is repaired and mounted by somebody, and the server
    // started again.
    assert_readable(&server, &answered).await;
    delivered(&receiver, &answered).await;
    let folder = crash(server);
    mount.repair();
    let server = Server::start_in(folder).await;
    // The kernel may report a flush as done whose journal it gives up in that moment; then nobody can know.
    assert_readable(&server, &before).await;
    let after = server.create_user("after").await;
    let after = BTreeSet::from([after["user_id"].as_str().unwrap().to_owned()]);
    delivered(&receiver, &after).await;
    let repeated = delivered(&receiver, &answered).await;
    let refused = refused.lock().unwrap().len();
    println!("read-only: {} answered before, lost 0; {refused} refused, repeated {repeated}", before.len());
}
