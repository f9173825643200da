//! Names whose addresses change between two questions, and names that lie.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delivery::outbound::{Names, Outbound, OutboundSettings};
use domain::delivery::FailureKind;

use super::fixture::{AMPLE, Receiver, TestClock, assert_delivered, bearer, deliver, destination, failure};

const OK: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

/// A resolver that answers what it is told, one answer a question, and the last one from then on.
struct Fickle {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Fickle {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().rev().map(parse).collect()), asked: AtomicUsize::new(0) })
    }
}

impl Names for Fickle {
    fn addresses(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop().unwrap() } else { answers[0].clone() };
        Ok(answer.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

/// An operator who allows one address of loopback, and a resolver that cannot be trusted.
fn outbound(names: &Arc<Fickle>) -> (Outbound, Arc<TestClock>) {
    let clock = TestClock::new();
    let allow = vec!["127.0.0.1/32".parse().unwrap()];
    let names: Arc<dyn Names> = Arc::<Fickle>::clone(names);
    let limits = OutboundSettings { allow, names, attempt_timeout: AMPLE, ..OutboundSettings::default() };
    (Outbound::new(limits, clock.clone()).unwrap(), clock)
}

fn url(receiver: &Receiver) -> String {
    format!("http://rebinding.example:{}/", receiver.address.port())
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let receiver = Receiver::answering(OK).await;
    // The second answer would lead elsewhere: nobody asks for it within an attempt.
    let names = Fickle::new(&[&["127.0.0.1"], &["10.0.0.5"]]);
    let (outbound, _) = outbound(&names);
    assert_delivered(&deliver(&*destination(&outbound, &url(&receiver), bearer())).await);
    assert_eq!((names.asked.load(Ordering::SeqCst), receiver.accepted()), (1, 1));
}

#[tokio::test]
async fn every_new_answer_is_checked_anew() {
    let receiver = Receiver::answering(OK).await;
    for rebound in
        ["127.0.0.2", "10.0.0.5", "169.254.169.254", "::ffff:10.0.0.5", "64:ff9b::a00:5", "2002:a00:5::1", "2001::1"]
    {
        let before = receiver.accepted();
        let names = Fickle::new(&[&["127.0.0.1"], &[rebound]]);
        let (outbound, clock) = outbound(&names);
        let destination = destination(&outbound, &url(&receiver), bearer());
        assert_delivered(&deliver(&*destination).await);
        clock.skip(Duration::from_secs(60));
        let failure = failure(deliver(&*destination).await);
        assert_eq!(failure.kind, FailureKind::Refused, "{rebound}: {}", failure.message);
        assert_eq!(receiver.accepted(), before + 1);
    }
}

#[tokio::test]
async fn among_several_addresses_only_allowed_ones_are_connected_to() {
    let receiver = Receiver::answering(OK).await;
    let names = Fickle::new(&[&["10.0.0.5", "169.254.169.254", "127.0.0.1", "::1"]]);
    let (outbound, _) = outbound(&names);
    assert_delivered(&deliver(&*destination(&outbound, &url(&receiver), bearer())).await);
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_name_of_metadata_is_not_even_asked_for() {
    let names = Fickle::new(&[&["127.0.0.1"]]);
    let (outbound, _) = outbound(&names);
    for name in ["metadata.google.internal", "METADATA.google.internal.", "instance-data.ec2.internal"] {
        let failure = failure(deliver(&*destination(&outbound, &format!("http://{name}/"), bearer())).await);
        assert_eq!(failure.kind, FailureKind::Refused, "{}", failure.message);
        assert!(failure.message.ends_with("cloud metadata, which nothing allows"), "{}", failure.message);
    }
    assert_eq!(names.asked.load(Ordering::SeqCst), 0);
}
