//! Stopping: SIGTERM drains and exits 0; a second signal ends at once.

use std::sync::Arc;

use crate::receiver::{Answer, Receiver};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_drains_and_nothing_is_sent_twice() {
    let receiver = Receiver::start().await;
    let mut server = Server::start().await;
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    for number in 0..50 {
        server.create_user(&format!("u{number}")).await;
    }
    server.signal("TERM");
    assert!(server.ended().await.success());
    let again = Server::start_in(Arc::clone(&server.folder)).await;
    again.create_user("after").await;
    receiver.wait_for(51).await;
    let mut users = receiver.users();
    users.sort();
    users.dedup();
    assert_eq!((users.len(), receiver.bodies().len()), (51, 51));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_at_once() {
    let receiver = Receiver::start().await;
    receiver.otherwise(Answer::Hang);
    let mut server = Server::start().await;
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    server.create_user("jane").await;
    receiver.wait_for(1).await;
    server.signal("TERM");
    server.until_draining().await;
    server.signal("TERM");
    assert!(!server.ended().await.success(), "work was left undone");
}
