//! The main job played by real clients: the official Node SDK over HTTPS, and curl from the README.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::receiver::Receiver;
use crate::server::{
    CLIENT_ID, CLIENT_SECRET, Server, binary, free_port, output_of, repository, serve_command, variable,
};

/// Whether the machine has been prepared for a client by `cargo xtask test`.
fn is_prepared_for(name: &str) -> bool {
    let prepared = variable(&format!("HEADWATER_TEST_{name}")).is_some();
    if !prepared {
        println!("skipped: run `cargo xtask test`, which prepares the machine for it");
    }
    prepared
}

fn assert_success(command: Command, what: &str) -> String {
    let output = output_of(command);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what} failed\nstdout:\n{stdout}\nstderr:\n{stderr}");
    stdout
}

#[test]
fn the_official_node_sdk_plays_the_main_job() {
    if !is_prepared_for("NODE") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tls = folder.path().join("tls");
    let mut certs = binary();
    certs.arg("certs").arg("--out").arg(&tls).args(["localhost", "127.0.0.1"]);
    assert_success(certs, "headwater certs");
    let port = free_port();
    let mut serve = serve_command(&folder.path().join("data"), port);
    serve
        .env("HEADWATER_PUBLIC_URL", format!("https://localhost:{port}"))
        .env("HEADWATER_TLS_CERT", tls.join("cert.pem"))
        .env("HEADWATER_TLS_KEY", tls.join("key.pem"));
    let mut server = serve.spawn().unwrap();
    let mut story = Command::new("node");
    story
        .arg("main_job.mjs")
        .current_dir(repository().join("crates/headwater/tests/node"))
        .env("NODE_EXTRA_CA_CERTS", tls.join("ca.pem"))
        .env("HEADWATER_DOMAIN", format!("localhost:{port}"))
        .env("HEADWATER_CLIENT_ID", CLIENT_ID)
        .env("HEADWATER_CLIENT_SECRET", CLIENT_SECRET);
    let output = output_of(story);
    server.kill().unwrap();
    server.wait().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stderr}", String::from_utf8_lossy(&output.stdout));
}

/// The commands between the README's marks.
fn first_stream_of_the_readme() -> String {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- first-stream:begin -->").expect("the README has a first stream");
    let (block, _) = rest.split_once("<!-- first-stream:end -->").expect("the README's first stream ends");
    block.lines().filter(|line| !line.starts_with("```")).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_plays_the_readmes_first_stream() {
    if !is_prepared_for("CURL") {
        return;
    }
    let (server, receiver) = (Arc::new(Server::start().await), Receiver::start().await);
    let mut shell = Command::new("sh");
    shell
        .args(["-eu", "-c", &first_stream_of_the_readme()])
        .env("HEADWATER_URL", &server.url)
        .env("HEADWATER_CLIENT_ID", CLIENT_ID)
        .env("HEADWATER_CLIENT_SECRET", CLIENT_SECRET)
        .env("RECEIVER_URL", format!("http://{}/", receiver.address))
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || assert_success(shell, "the README's first stream"));
    let output = output.await.unwrap();
    receiver.wait_for(1).await;
    assert_eq!(receiver.bodies()[0]["type"], "user.created", "{output}");
}

#[test]
fn the_demo_plays_it_by_itself() {
    let mut command = binary();
    command.arg("demo");
    let shown = assert_success(command, "headwater demo");
    for part in ["POST", "content-type: application/json", "user.created", "redeliver"] {
        assert!(shown.contains(part), "the demo shows {part:?}:\n{shown}");
    }
}

/// What `headwater dev` prints for the other terminal: `export NAME=VALUE`.
fn exports_of(dev: &mut Child) -> Vec<(String, String)> {
    let lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let mut exports = Vec::new();
    for line in lines.map_while(Result::ok) {
        if let Some((name, value)) = line.trim().strip_prefix("export ").and_then(|export| export.split_once('=')) {
            exports.push((name.to_owned(), value.trim_matches(['\'', '"']).to_owned()));
        }
        if exports.iter().any(|(name, _)| name == "RECEIVER_URL") && exports.len() == 4 {
            return exports;
        }
    }
    panic!("dev prints four exports, not {exports:?}");
}

#[test]
fn curl_plays_the_readmes_first_stream_with_dev() {
    if !is_prepared_for("CURL") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.arg("dev").args(["--listen", &format!("127.0.0.1:{}", free_port())]);
    command.args(["--receiver", &format!("127.0.0.1:{}", free_port())]).current_dir(folder.path());
    let mut dev = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let exports = exports_of(&mut dev);
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", &first_stream_of_the_readme()]).envs(exports).stdin(Stdio::null());
    let played = output_of(shell);
    dev.kill().unwrap();
    dev.wait().unwrap();
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
}
