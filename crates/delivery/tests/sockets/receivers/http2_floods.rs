//! HTTP/2 peers that send whatever the protocol has a frame for, and those that do not speak it at all.

use domain::delivery::FailureKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fixture::{AMPLE, Conversation, deliver, failure};
use super::http2::World;

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

/// Reads the client's opening, sends settings, waits for the request, and then sends the same frames for ever.
async fn flood(mut conversation: Conversation, frames: Vec<u8>) {
    let mut preface = [0; 24];
    if conversation.stream.read_exact(&mut preface).await.is_err() {
        return;
    }
    conversation.stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    loop {
        let mut head = [0; 9];
        if conversation.stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let length = usize::from(head[1]) * 256 + usize::from(head[2]);
        conversation.stream.read_exact(&mut vec![0; length]).await.unwrap();
        if head[3] == HEADERS {
            break;
        }
    }
    conversation.write_bytes_endlessly(&frames).await;
}

#[tokio::test]
async fn floods_of_frames_are_cut_off() {
    let world = World::new();
    let name = |length: usize| {
        // A literal header that is not indexed, with the length in one byte.
        let mut header = vec![0, 1, b'x', u8::try_from(length).unwrap()];
        header.extend(std::iter::repeat_n(b'y', length));
        header
    };
    // `:status: 103`, as a literal with the name of the static table.
    let informational = [&[0x08, 3][..], b"103"].concat();
    for (what, frames) in [
        ("pings", frame(PING, 0, 0, &[0; 8]).repeat(500)),
        ("acknowledged pings", frame(PING, 1, 0, &[0; 8]).repeat(500)),
        ("settings", frame(SETTINGS, 0, 0, &[]).repeat(500)),
        ("windows", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(500)),
        ("informational answers", frame(HEADERS, 4, 1, &informational).repeat(500)),
        ("unknown frames", frame(0xfa, 0, 0, &[0; 100]).repeat(500)),
        ("continuations", [frame(HEADERS, 0, 1, &[0x88]), frame(CONTINUATION, 0, 1, &name(100)).repeat(5000)].concat()),
        ("empty continuations", [frame(HEADERS, 0, 1, &[0x88]), frame(CONTINUATION, 0, 1, &[]).repeat(5000)].concat()),
        ("headers", frame(HEADERS, 5, 1, &[&[0x88][..], &name(120).repeat(130)].concat())),
    ] {
        let mut receiver = world.receiver(move |conversation| flood(conversation, frames.clone())).await;
        let failure = failure(deliver(&*world.destination(&receiver, AMPLE)).await);
        assert_eq!(failure.kind, FailureKind::Unreachable, "{what}: {}", failure.message);
        assert!(failure.duration < AMPLE / 2, "{what}: its length ends it: {:?}", failure.duration);
        let written = receiver.closed().await;
        assert!(written < 10_000_000, "{what}: {written} bytes");
    }
}

#[tokio::test]
async fn garbage_instead_of_frames_is_not_an_answer() {
    let world = World::new();
    for garbage in ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "\0\0\0", "SSH-2.0-OpenSSH_9.2\r\n\r\n"] {
        let receiver = world
            .receiver(move |mut conversation| async move {
                conversation.write(garbage).await;
                conversation.read_some().await;
            })
            .await;
        let outcome = deliver(&*world.destination(&receiver, AMPLE)).await;
        let failure = failure(outcome);
        assert_eq!(failure.kind, FailureKind::Unreachable, "{garbage:?}: {}", failure.message);
    }
}
