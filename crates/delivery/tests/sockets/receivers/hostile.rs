//! The published ill-behaved receivers (`docs/hostile-receivers.md`, `cargo xtask hostile`), played against our sender.

#[path = "../../../examples/hostile_receivers/behaviours.rs"]
mod behaviours;
#[path = "../../../examples/hostile_receivers/bomb.rs"]
mod bomb;

use std::sync::Arc;
use std::time::Duration;

use behaviours::{BEHAVIOURS, Behaviour, Expected, Peer, Scheme, Seen, Surroundings};
use delivery::outbound::OutboundSettings;
use domain::delivery::{FailureKind, Outcome};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::fixture::{PATIENCE, Receiver, bearer, deliver, destination, outbound, settings};

/// One attempt against them.
const ATTEMPT: Duration = Duration::from_secs(2);

async fn listening(behaviour: &'static Behaviour, trap: &Receiver) -> (String, JoinSet<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scheme = if behaviour.scheme == Scheme::Https { "https" } else { "http" };
    let url = format!("{scheme}://{}/{}", listener.local_addr().unwrap(), behaviour.name);
    let surroundings = Arc::new(Surroundings { trap: trap.address });
    let mut playing = JoinSet::new();
    playing.spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        (behaviour.play)(Peer::new(socket, surroundings)).await
    });
    (url, playing)
}

fn is_as_expected(expected: Expected, outcome: &Outcome) -> bool {
    let kind = match outcome {
        Outcome::Delivered { .. } | Outcome::FilteredOut => None,
        Outcome::Failed(failure) => Some(failure.kind),
    };
    match expected {
        Expected::Delivered => kind.is_none(),
        Expected::Failed => matches!(kind, Some(FailureKind::Status { .. })),
        Expected::Unanswered => {
            matches!(
                kind,
                Some(FailureKind::Unreachable | FailureKind::Timeout | FailureKind::Status { status: 101, .. })
            )
        }
        Expected::Bounded => true,
    }
}

#[tokio::test]
async fn every_published_receiver_is_survived() {
    let trap = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let outbound = outbound(OutboundSettings { answer_body_timeout: ATTEMPT / 4, ..settings(ATTEMPT) });
    let mut attempts = JoinSet::new();
    for behaviour in BEHAVIOURS {
        let (url, mut playing) = listening(behaviour, &trap).await;
        let destination = destination(&outbound, &url, bearer());
        attempts.spawn(async move {
            let outcome = deliver(&*destination).await;
            drop(destination);
            let seen = tokio::time::timeout(PATIENCE, playing.join_next()).await;
            (behaviour, outcome, seen.expect("the sender leaves").unwrap().unwrap())
        });
    }
    for (behaviour, outcome, seen) in attempts.join_all().await {
        let name = behaviour.name;
        assert!(is_as_expected(behaviour.expected, &outcome), "{name}, {}: {outcome:?}", behaviour.does);
        assert!(outcome.duration() < ATTEMPT * 2, "{name}: {outcome:?}");
        assert!(seen.bytes < 10_000_000 && seen.said.is_none(), "{name}: {seen:?}");
        if let Outcome::Failed(failure) = &outcome {
            assert!(failure.answer.as_ref().is_none_or(|answer| answer.len() <= 3 * 1024), "{name}");
        }
    }
    assert_eq!(trap.accepted(), 0, "a redirect was followed");
}

#[tokio::test]
async fn a_compressed_answer_is_kept_as_it_is() {
    let trap = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let behaviour = BEHAVIOURS.iter().find(|behaviour| behaviour.name == "compressed_bomb_failure").unwrap();
    let (url, _playing) = listening(behaviour, &trap).await;
    let outbound = outbound(settings(ATTEMPT));
    let failure = super::fixture::failure(deliver(&*destination(&outbound, &url, bearer())).await);
    let answer = failure.answer.unwrap();
    assert!(answer.starts_with('\u{1f}') || answer.starts_with(' '), "{answer:?}");
    assert!(answer.len() <= 1024, "it was not unpacked");
}

#[test]
fn the_bomb_is_one() {
    let bomb = bomb::gzip_of_zeros(1_600_000);
    assert!(bomb.len() < 12_000, "{}", bomb.len());
    assert_eq!(&bomb[..3], &[0x1f, 0x8b, 8]);
}
