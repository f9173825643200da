//! A receiver that lost events heals the gap: it pulls from the offset of the last delivery that it still has.

use serde_json::Value;

use crate::receiver::{PATIENCE, Receiver};
use crate::server::Server;

/// Users, of whom the receiver keeps the first few.
const USERS: usize = 10;
const KEPT: usize = 4;

/// The events that the Events API has after an offset, so many of them.
async fn pulled(server: &Server, from: &str, count: usize) -> Vec<Value> {
    let url = format!("{}/api/v2/events?event_type=user.created&from={from}", server.url);
    let reading = async {
        let mut answer = reqwest::Client::new().get(url).bearer_auth(server.token()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut text = String::new();
        loop {
            text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
            let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
            let frames = whole.split("\n\n").filter(|frame| frame.contains("event: user.created"));
            let data = |frame: &str| frame.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
            let events: Vec<Value> = frames.map(|frame| serde_json::from_str(&data(frame)).unwrap()).collect();
            if events.len() >= count {
                return events;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the events arrive")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_lost_events_heals_the_gap_by_pulling() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    for number in 1..=USERS {
        server.create_user(&format!("u{number}")).await;
        receiver.wait_for(number).await;
    }
    let delivered: Vec<Value> = receiver.bodies().iter().map(|body| body["id"].clone()).collect();
    let offsets: Vec<String> = receiver.headers("headwater-offset").into_iter().map(Option::unwrap).collect();
    // It goes back to a backup that has the first few only.
    let events = pulled(&server, &offsets[KEPT - 1], USERS - KEPT).await;
    let ids: Vec<Value> = events.iter().map(|data| data["event"]["id"].clone()).collect();
    assert_eq!(ids, delivered[KEPT..], "exactly what is missing, in order, with the same ids");
    // The offset of the last one is the end of the log.
    server.create_user("later").await;
    let after_last = pulled(&server, &offsets[USERS - 1], 1).await;
    assert_eq!(after_last[0]["event"]["data"]["object"]["email"], "later@example.com");
}
