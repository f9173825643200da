//! The master key and signing keys are changed while the server runs, and when it is killed meanwhile.

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::load::Dice;
use crate::receiver::{PATIENCE, Receiver};
use crate::server::{Server, binary, output_of};

const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const OTHER_KEY: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";

/// `headwater keys rotate` for a data folder, with more settings.
fn rotate(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Child {
    let mut command = binary();
    command.args(["keys", "rotate"]).args(arguments).env("HEADWATER_DATA_DIR", folder);
    command.envs(settings.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// Runs it, and answers what it says.
async fn rotated(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> String {
    let child = rotate(folder, arguments, settings);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

/// The keys in the file of the data folder.
fn keys_in(folder: &Path) -> Vec<String> {
    std::fs::read_to_string(folder.join("master.key")).unwrap().lines().map(str::to_owned).collect()
}

/// How many streams there are; a secret that does not open would be an error.
async fn count_streams(server: &Server) -> usize {
    let (mut count, mut path) = (0, "event-streams?take=100".to_owned());
    loop {
        let (status, page) = server.call("GET", &path, None).await;
        assert_eq!(status, 200, "{page}");
        count += page["eventStreams"].as_array().unwrap().len();
        match page["next"].as_str() {
            Some(next) => path = format!("event-streams?take=100&from={next}"),
            None => return count,
        }
    }
}

async fn end_offset(server: &Server, stream: &str) -> String {
    let body = json!({"to": "now", "dry_run": true});
    let (status, answer) = server.call("POST", &format!("event-streams/{stream}/headwater/seek"), Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    answer["to_offset"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_is_changed_while_the_server_runs() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    server.create_user("jane").await;
    receiver.wait_for(1).await;
    let offset = end_offset(&server, &stream).await;
    let folder = Arc::clone(&server.folder);
    let before = keys_in(folder.path());
    let told = rotated(folder.path(), &[], &[]).await;
    let sealed = "a stream, an application, a signing key, an offset key, the check";
    assert!(told.contains("sealed anew: 5 of 5"), "{sealed}: {told}");
    assert!(told.contains("the former one has gone"), "{told}");
    let after = keys_in(folder.path());
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
    // It goes on with what it had, and with what comes.
    server.create_user("john").await;
    receiver.wait_for(2).await;
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.deleted"]).await;
    assert_eq!(count_streams(&server).await, 2);
    let server = Server::start_in(server.crash()).await;
    assert_eq!(count_streams(&server).await, 2);
    server.create_user("jim").await;
    receiver.wait_for(3).await;
    let body = json!({"to": offset, "dry_run": true});
    let (status, answer) = server.call("POST", &format!("event-streams/{stream}/headwater/seek"), Some(body)).await;
    assert_eq!((status, &answer["events"]), (200, &json!(2)), "an offset from before is valid: {answer}");
    // And once more, without a server.
    let folder = server.crash();
    let told = rotated(folder.path(), &[], &[]).await;
    assert!(told.contains("the former one has gone"), "{told}");
    assert_ne!(keys_in(folder.path()), after);
    assert_eq!(count_streams(&Server::start_in(folder).await).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_the_master_key_is_changed_it_loses_no_secret() {
    /// Enough for several transactions.
    const STREAMS: usize = 450;
    const KILLS: usize = 10;
    let mut server = Server::start().await;
    for _ in 0..STREAMS {
        server.create_stream("http://127.0.0.1:9/in", &["user.created"]).await;
    }
    let (mut dice, mut under_way) = (Dice(0x5ea1), 0);
    let first = keys_in(server.folder.path());
    for kill in 0..KILLS {
        let folder = Arc::clone(&server.folder);
        let mut child = rotate(folder.path(), &[], &[]);
        // The command starts, asks, and the server is at it: somewhere in there.
        tokio::time::sleep(Duration::from_millis(dice.below(40))).await;
        let folder = server.crash();
        let _ = child.wait();
        under_way += usize::from(keys_in(folder.path()).len() > 1);
        if kill % 3 == 0 {
            // The command by itself is killed as well.
            let mut child = rotate(folder.path(), &[], &[]);
            tokio::time::sleep(Duration::from_millis(dice.below(40))).await;
            child.kill().unwrap();
            child.wait().unwrap();
            under_way += usize::from(keys_in(folder.path()).len() > 1);
        }
        server = Server::start_in(folder).await;
        assert_eq!(count_streams(&server).await, STREAMS);
    }
    println!("{KILLS} kills, {under_way} of them with two keys in the file");
    rotated(server.folder.path(), &[], &[]).await;
    let last = keys_in(server.folder.path());
    assert!(last.len() == 1 && last != first);
    let server = Server::start_in(server.crash()).await;
    assert_eq!(count_streams(&server).await, STREAMS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_cut_off_ends_with_the_next_start() {
    let server = Server::start().await;
    server.create_stream("http://127.0.0.1:9/in", &["user.created"]).await;
    let folder = server.crash();
    // As a kill right after the new key was written down leaves it.
    let path = folder.path().join("master.key");
    std::fs::write(&path, format!("{OTHER_KEY}\n{}\n", keys_in(folder.path())[0])).unwrap();
    let server = Server::start_in(folder).await;
    let ended = tokio::time::timeout(PATIENCE, async {
        while keys_in(server.folder.path()) != [OTHER_KEY] {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    ended.await.expect("the former key goes");
    assert_eq!(count_streams(&Server::start_in(server.crash()).await).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_the_configuration_is_changed_by_who_gave_it() {
    let settings = [("HEADWATER_MASTER_KEY", KEY)];
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &settings).await;
    server.create_stream("http://127.0.0.1:9/in", &["user.created"]).await;
    let refused = rotate(server.folder.path(), &[], &settings).wait_with_output().unwrap();
    assert!(!refused.status.success() && text(&refused).contains("HEADWATER_MASTER_KEY_PREVIOUS"));
    let settings = [("HEADWATER_MASTER_KEY", OTHER_KEY), ("HEADWATER_MASTER_KEY_PREVIOUS", KEY)];
    let server = Server::start_with(server.crash(), &settings).await;
    // The server does it by itself; the command says when it is done.
    let told = rotated(server.folder.path(), &[], &settings).await;
    assert!(told.contains("take the former one away: HEADWATER_MASTER_KEY_PREVIOUS"), "{told}");
    let server = Server::start_with(server.crash(), &settings[..1]).await;
    assert_eq!(count_streams(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_a_file_is_changed_by_a_line_in_front() {
    let keys = tempfile::tempdir().unwrap();
    let file = keys.path().join("some.key");
    std::fs::write(&file, KEY).unwrap();
    let settings = [("HEADWATER_MASTER_KEY_FILE", file.to_str().unwrap())];
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &settings).await;
    server.create_stream("http://127.0.0.1:9/in", &["user.created"]).await;
    // A file without the present key is not taken.
    std::fs::write(&file, OTHER_KEY).unwrap();
    let refused = rotate(server.folder.path(), &[], &settings).wait_with_output().unwrap();
    assert!(!refused.status.success() && text(&refused).contains("some.key"), "{}", text(&refused));
    std::fs::write(&file, format!("{OTHER_KEY}\n{KEY}\n")).unwrap();
    rotated(server.folder.path(), &[], &settings).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{OTHER_KEY}\n"));
    let server = Server::start_with(server.crash(), &settings).await;
    assert_eq!(count_streams(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_keys_are_changed_while_tokens_of_the_former_hold() {
    let server = Server::start().await;
    let told = rotated(server.folder.path(), &["--signing"], &[]).await;
    assert!(told.contains("default: tokens are signed with key ") && told.contains("stays published until "), "{told}");
    assert_eq!(server.call("GET", "users", None).await.0, 200, "the token of before holds");
    assert_eq!(published(&server).await, 2);
    let unknown = rotate(server.folder.path(), &["--signing", "--tenant", "acme"], &[]).wait_with_output().unwrap();
    assert!(text(&unknown).contains("no tenant acme is served; there are default"), "{}", text(&unknown));
    let server = Server::start_in(server.crash()).await;
    assert_eq!(published(&server).await, 2);
    rotated(server.folder.path(), &["--signing", "--at-once"], &[]).await;
    assert_eq!(server.call("GET", "users", None).await.0, 401, "the token of before does not hold");
    assert_eq!(published(&server).await, 1);
    let folder = server.crash();
    rotated(folder.path(), &["--signing"], &[]).await;
    assert_eq!(published(&Server::start_in(folder).await).await, 2);
}

async fn published(server: &Server) -> usize {
    let url = format!("{}/.well-known/jwks.json", server.url);
    let set: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    set["keys"].as_array().unwrap().len()
}

#[test]
fn without_a_store_there_is_nothing_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = binary();
    command.args(["keys", "rotate"]).env("HEADWATER_DATA_DIR", folder.path());
    let output = output_of(command);
    assert!(!output.status.success() && text(&output).contains("there is no store"), "{}", text(&output));
}
