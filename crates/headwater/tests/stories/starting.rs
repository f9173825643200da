//! What keeps a server from starting is said in one line, and the exit code is not 0.

use std::process::Output;

use crate::server::{Server, binary, free_port, output_of, serve_command};

pub(crate) fn assert_refused(output: &Output, says: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it should not have started");
    let lines: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(lines.len(), 1, "one line says what is wrong: {stderr}");
    assert!(lines[0].contains(says), "expected {says:?} in {:?}", lines[0]);
}

#[test]
fn on_a_taken_port() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = output_of(serve_command(folder.path(), port));
    assert_refused(&output, &format!("127.0.0.1:{port}"));
}

#[test]
fn with_a_corrupted_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("some.key");
    std::fs::write(&key, "not a key").unwrap();
    let mut command = serve_command(folder.path(), free_port());
    command.env("HEADWATER_MASTER_KEY_FILE", &key);
    assert_refused(&output_of(command), "some.key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_another_master_key() {
    let folder = Server::start().await.crash();
    let mut command = serve_command(folder.path(), free_port());
    command.env("HEADWATER_MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
    assert_refused(&output_of(command), "master key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_data_folder_in_use() {
    let server = Server::start().await;
    let output = output_of(serve_command(server.folder.path(), free_port()));
    assert_refused(&output, "in use");
}

#[test]
fn with_a_data_folder_that_cannot_be_written() {
    // A folder below a file can be made by nobody, not even by root.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_refused(&output_of(serve_command(&file.join("data"), free_port())), "data");
}

#[test]
fn with_an_unknown_key_in_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("headwater.toml");
    std::fs::write(&file, "retenton = \"7d\"\n").unwrap();
    let mut command = serve_command(folder.path(), free_port());
    command.arg("--config").arg(&file);
    assert_refused(&output_of(command), "retention");
}

#[test]
fn doctor_finds_nothing_wrong_with_a_fresh_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary();
    command
        .arg("doctor")
        .env("HEADWATER_DATA_DIR", folder.path().join("data"))
        .env("HEADWATER_LISTEN", format!("127.0.0.1:{}", free_port()));
    let output = output_of(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_a_destination_that_may_not_be_reached() {
    let server = Server::start().await;
    let stream = server.create_stream("http://10.255.0.1:9/", &["user.created"]).await;
    let folder = server.crash();
    let mut command = binary();
    command
        .arg("doctor")
        .env("HEADWATER_DATA_DIR", folder.path())
        .env("HEADWATER_LISTEN", format!("127.0.0.1:{}", free_port()));
    let said = String::from_utf8(output_of(command).stdout).unwrap();
    let line = said.lines().find(|line| line.contains(&stream) && line.contains("10.255.0.1"));
    assert!(line.is_some_and(|line| line.contains("not allowed")), "{said}");
}
