//! `headwater listen`: events come to a program near by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use super::{Client, Running, restarted};
use crate::receiver::{Answer, Receiver};
use crate::server::Server;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn url(receiver: &Receiver) -> String {
    format!("http://{}/webhook", receiver.address)
}

/// `headwater listen`, up to when it is connected.
fn listening(client: &Client, receiver: &Receiver, words: &[&str]) -> Running {
    let target = url(receiver);
    let mut running = Running::start(client, &[&["listen", "--forward-to", &target][..], words].concat());
    running.wait_for_message("Press Ctrl+C to end.");
    running
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_posted_as_a_stream_posts_them_and_it_is_there_at_once() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let client = Client::of(&server);
    let by_stream = Receiver::start().await;
    server.create_stream(&format!("http://{}/in", by_stream.address), &["user.created"]).await;
    let started = now();
    let words = ["--types", "user.created", "--auth", "bearer:receiver-token", "--sign", SECRET];
    let mut running = listening(&client, &receiver, &words);
    let took = started.elapsed();
    assert!(took < Duration::from_millis(1500), "connected within {took:?}");

    server.create_user("jane").await;
    let line = running.wait_for("user.created");
    receiver.wait_for(1).await;
    by_stream.wait_for(1).await;
    let (mut ours, mut streams) = (receiver.bodies().remove(0), by_stream.bodies().remove(0));
    assert!(line.contains(ours["id"].as_str().unwrap()) && line.contains("  204  ") && line.contains("ms"), "{line}");
    // The Events API has an id of its own in the place of a stream's.
    for body in [&mut ours, &mut streams] {
        assert!(body.as_object_mut().unwrap().remove("a0stream").is_some());
    }
    assert_eq!(ours, streams);
    for name in ["content-type", "authorization", "headwater-offset", "user-agent"] {
        assert_eq!(receiver.headers(name), by_stream.headers(name), "{name}");
    }
    let header = |name| receiver.headers(name).remove(0).unwrap();
    assert_eq!(header("webhook-id"), ours["id"].as_str().unwrap());
    assert!(header("webhook-signature").starts_with("v1,") && header("webhook-timestamp").parse::<u64>().is_ok());
    let (code, _, said) = running.interrupt();
    assert_eq!(code, 0);
    assert!(said.join("\n").contains("Forwarded 1 events in "), "{said:?}");
}

#[allow(clippy::disallowed_methods, reason = "tests are at the edge, where the clock is read")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_tried_again_as_a_stream_does_and_what_has_failed_can_be_forwarded_again() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let client = Client::of(&server);
    let mut running = listening(&client, &receiver, &[]);
    receiver.script([Answer::Status(500), Answer::Status(503), Answer::Status(204), Answer::Status(422)]);
    let first = server.create_user("again").await;
    let line = running.wait_for("  500  ");
    assert!(line.contains("it answered 500") && line.contains("(attempt 1 of 4, again in 1s)"), "{line}");
    running.wait_for("(attempt 2 of 4, again in 2s)");
    running.wait_for("  204  ");
    let ids: Vec<Value> = receiver.bodies().iter().map(|body| body["id"].clone()).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(receiver.bodies()[0]["data"]["object"]["user_id"], first["user_id"]);

    let second = server.create_user("refused").await;
    let line = running.wait_for("  422  ");
    assert!(line.contains("(failed: trying again would not help)"), "{line}");
    let (code, _, said) = running.interrupt();
    let said = said.join("\n");
    assert!(code == 0 && said.contains("Forwarded 1 events") && said.contains("1 failed"), "{said}");
    let id = receiver.bodies()[3]["id"].as_str().unwrap().to_owned();
    assert!(said.contains(&format!("headwater listen --forward-to {} --event {id}", url(&receiver))), "{said}");

    let target = url(&receiver);
    let again = client.run(&["listen", "--forward-to", &target, "--event", &id]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(receiver.bodies().len(), 5);
    assert_eq!(receiver.bodies()[4]["data"]["object"]["user_id"], second["user_id"]);
    receiver.script([Answer::Status(410)]);
    let failed = client.run(&["listen", "--forward-to", &target, "--event", &id, "--json-compact"]);
    assert!(failed.code == 1 && failed.stderr.contains("1 of 1 events have failed"), "{failed:?}");
    let line: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!((&line["outcome"], &line["status"], &line["id"]), (&"failed".into(), &410.into(), &id.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_while_it_was_off_is_forwarded_the_next_time_and_nothing_twice() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let client = Client::of(&server);
    let running = listening(&client, &receiver, &[]);
    server.create_user("seen").await;
    receiver.wait_for(1).await;
    assert_eq!(running.interrupt().0, 0);
    for number in 0..3 {
        server.create_user(&format!("missed{number}")).await;
    }
    let mut running = listening(&client, &receiver, &[]);
    running.wait_for_message("· going on from where it stopped ");
    receiver.wait_for(4).await;
    server.create_user("live").await;
    receiver.wait_for(5).await;
    running.wait_for_message("· those were 3 events from before; what follows happens now");
    let emails: Vec<Value> = receiver.bodies().iter().map(|body| body["data"]["object"]["email"].clone()).collect();
    let names = ["seen", "missed0", "missed1", "missed2", "live"].map(|name| format!("{name}@example.com"));
    let mut sorted: Vec<&str> = emails.iter().map(|email| email.as_str().unwrap()).collect();
    assert_eq!((sorted[0], sorted[4]), (names[0].as_str(), names[4].as_str()));
    sorted[1..4].sort_unstable();
    assert_eq!(sorted, names, "different users may overtake each other");
    assert_eq!(running.interrupt().0, 0);

    let other = Receiver::start().await;
    let all = listening(&client, &other, &["--since", "1h"]);
    other.wait_for(5).await;
    assert_eq!(all.interrupt().0, 0);
    // A program that was listened for the first time gets what happens from then on.
    let third = Receiver::start().await;
    let running = listening(&client, &third, &[]);
    server.create_user("only").await;
    third.wait_for(1).await;
    assert_eq!(third.bodies()[0]["data"]["object"]["email"], "only@example.com");
    assert_eq!(running.interrupt().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_silent_while_the_server_is_killed_under_load_and_each_users_events_are_in_order() {
    let (mut server, receiver) = (Server::start().await, Receiver::start().await);
    let client = Client::of(&server);
    let mut running = listening(&client, &receiver, &["--types", "user.created,user.updated"]);
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for round in 0..3 {
        for number in 0..4 {
            let user = server.create_user(&format!("r{round}n{number}")).await;
            let id = user["user_id"].as_str().unwrap().to_owned();
            let mut names = vec![user["name"].as_str().unwrap().to_owned()];
            for change in 0..3 {
                let name = format!("name {change}");
                let body = Some(serde_json::json!({"name": name}));
                let path = format!("users/{}", id.replace('|', "%7C"));
                let (status, answer) = server.call("PATCH", &path, body).await;
                assert_eq!(status, 200, "{answer}");
                names.push(name);
            }
            expected.insert(id, names);
        }
        if round < 2 {
            server = restarted(server, || {
                running.wait_for_message("connection lost, reconnecting in ");
            })
            .await;
            running.wait_for_message("· connected again");
        }
    }
    receiver.wait_for(expected.values().map(Vec::len).sum()).await;
    let mut got: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for body in receiver.bodies() {
        let user = &body["data"]["object"];
        let name = user["name"].as_str().unwrap().to_owned();
        got.entry(user["user_id"].as_str().unwrap().to_owned()).or_default().push(name);
    }
    assert_eq!(got, expected);
    assert_eq!(running.interrupt().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_either() {
    let (server, receiver) = (Arc::new(Server::start().await), Receiver::start().await);
    let client = Client::of(&server);
    let running = listening(&client, &receiver, &[]);
    let ending = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    let (loading, is_ending) = (Arc::clone(&server), Arc::clone(&ending));
    load.spawn(async move {
        let mut made = 0;
        while !is_ending.load(Ordering::Acquire) {
            loading.create_user(&format!("u{made}")).await;
            made += 1;
        }
        made
    });
    receiver.wait_for(5).await;
    // Killed when it is dropped.
    drop(running);
    let again = listening(&client, &receiver, &[]);
    receiver.wait_for(receiver.bodies().len() + 5).await;
    ending.store(true, Ordering::Release);
    let made: usize = load.join_all().await[0];
    let all = tokio::time::timeout(crate::receiver::PATIENCE, async {
        loop {
            let users: std::collections::BTreeSet<String> = receiver.users().into_iter().collect();
            if users.len() == made {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    all.await.expect("every user arrives");
    assert_eq!(again.interrupt().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_servers_place_is_told_and_it_begins_with_the_oldest() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let client = Client::of(&server);
    let running = listening(&client, &receiver, &[]);
    server.create_user("first").await;
    receiver.wait_for(1).await;
    assert_eq!(running.interrupt().0, 0);
    // The same address, with another data folder.
    let url = server.url.clone();
    drop(server);
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let child = crate::server::serve_command(folder.path(), port).spawn().unwrap();
    let server = Server::started(child, url, folder).await;
    server.create_user("newer").await;
    let mut running = listening(&client, &receiver, &[]);
    running.wait_for_message("is none of this server's");
    receiver.wait_for(2).await;
    assert_eq!(receiver.bodies()[1]["data"]["object"]["email"], "newer@example.com");
    assert_eq!(running.interrupt().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_lines_that_make_no_sense() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let target = ["listen", "--forward-to", "http://localhost:9/"];
    for (words, says) in [
        (&["--auth", "hunter2"][..], "--auth: expected bearer:TOKEN"),
        (&["--sign", "hunter2"], "--sign: A secret is whsec_"),
        (&["--since", "hunter2"], "expected a number and one of s, m, h and d"),
        (&["--since", "1h", "--from-time", "2026-01-16T08:50:33Z"], "cannot be used with"),
        (&["--event", "evt_1"], "expected the id of an event"),
    ] {
        let wrong = client.run(&[&target[..], words].concat());
        assert_eq!(wrong.code, 2, "{words:?}: {}", wrong.stderr);
        assert!(wrong.stderr.contains(says), "{}", wrong.stderr);
        assert!(words[0].starts_with("--since") || !wrong.stderr.contains("hunter2"), "{}", wrong.stderr);
    }
    assert_eq!(client.run(&["listen"]).code, 2);
    let missing = client.run(&[&target[..], &["--types", "nonsense"]].concat());
    assert!(missing.code == 1 && missing.stderr.contains("invalid --types value"), "{}", missing.stderr);
}
