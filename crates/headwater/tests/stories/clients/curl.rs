//! The README's own commands, against `serve` and against `dev`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::{assert_success, is_prepared_for};
use crate::receiver::Receiver;
use crate::server::{CLIENT_ID, CLIENT_SECRET, Server, binary, free_port, output_of, repository};

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
