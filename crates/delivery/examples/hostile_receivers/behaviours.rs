//! What each ill-behaved receiver does on a connection. The tests of Headwater's own sender play the same ones.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

use super::bomb::gzip_of_zeros;

/// What the receivers know of each other.
pub(crate) struct Surroundings {
    /// Where a redirect leads that nobody should follow.
    pub(crate) trap: SocketAddr,
}

/// What was seen of the sender.
#[derive(Debug)]
pub(crate) struct Seen {
    /// How much it let be written to it.
    pub(crate) bytes: usize,
    /// What it did that it should not.
    pub(crate) said: Option<String>,
}

/// What a sender should make of a receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    /// The status was a success: what comes after it does not matter.
    Delivered,
    /// An answer that is no success.
    Failed,
    /// No answer that counts, or none in time.
    Unanswered,
    /// One or the other.
    Bounded,
}

impl Expected {
    #[allow(dead_code, reason = "the tests only compare")]
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Delivered => "delivered, and the rest is not taken in",
            Self::Failed => "a failure with that status, and nothing else is done",
            Self::Unanswered => "a failure without an answer, in bounded time and memory",
            Self::Bounded => "either outcome, in bounded time and memory",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    Http,
    Https,
}

type Playing = Pin<Box<dyn Future<Output = Seen> + Send>>;

/// One receiver.
pub(crate) struct Behaviour {
    pub(crate) name: &'static str,
    pub(crate) does: &'static str,
    pub(crate) expected: Expected,
    pub(crate) scheme: Scheme,
    pub(crate) play: fn(Peer) -> Playing,
}

/// The sender at the other end.
pub(crate) struct Peer {
    socket: TcpStream,
    surroundings: Arc<Surroundings>,
    written: usize,
}

macro_rules! behaviours {
    ($($scheme:ident $name:ident $expected:ident $does:literal $play:expr;)+) => {
        &[$(Behaviour {
            name: stringify!($name),
            does: $does,
            expected: Expected::$expected,
            scheme: Scheme::$scheme,
            play: |peer| Box::pin($play(peer)),
        }),+]
    };
}

/// All of them.
pub(crate) const BEHAVIOURS: &[Behaviour] = behaviours! {
    Http redirect_to_private Failed "307 to a private address, the trap"
        async |mut peer: Peer| {
            let location = format!("http://{}/", peer.surroundings.trap);
            peer.answer(&format!("HTTP/1.1 307 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")).await
        };
    Http redirect_to_metadata Failed "302 to the cloud's metadata, with credentials in the URL"
        |peer| answer(peer, "HTTP/1.1 302 Found\r\nlocation: http://a:b@169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\n\r\n");
    Http redirect_to_itself Failed "301 to itself, for ever"
        |peer| answer(peer, "HTTP/1.1 301 Moved\r\nlocation: /redirect_to_itself\r\ncontent-length: 0\r\n\r\n");
    Http endless_body Delivered "200, and a body that never ends"
        |peer| endless(peer, "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n", "xxxxxxxxxxxxxxxx");
    Http endless_failure Failed "500, and a body that never ends"
        |peer| endless(peer, "HTTP/1.1 500 No\r\ncontent-length: 1000000000000\r\n\r\n", "xxxxxxxxxxxxxxxx");
    Http endless_headers Unanswered "headers that never end"
        |peer| endless(peer, "HTTP/1.1 200 OK\r\n", "x-more: and more\r\n");
    Http endless_header Unanswered "one header that never ends"
        |peer| endless(peer, "HTTP/1.1 200 OK\r\nx-more: ", "and more ");
    Http endless_status_line Unanswered "a status line that never ends"
        |peer| endless(peer, "HTTP/1.1 200 ", "OK ");
    Http endless_empty_lines Unanswered "empty lines before an answer that never comes"
        |peer| endless(peer, "", "\r\n");
    Http informational_flood Unanswered "103, again and again"
        |peer| endless(peer, "", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n");
    Http continue_flood Unanswered "100, again and again"
        |peer| endless(peer, "", "HTTP/1.1 100 Continue\r\n\r\n");
    Http endless_chunks Delivered "200, and chunks of one byte that never end"
        |peer| endless(peer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n");
    Http endless_chunk_extension Delivered "200, and a chunk whose extension never ends"
        |peer| endless(peer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "extension");
    Http endless_trailers Delivered "200, and trailers that never end"
        |peer| endless(peer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x-trailer: and more\r\n");
    Http bad_chunk_size Delivered "200, and a chunk size that is no number"
        |peer| answer(peer, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nhalf\r\n0\r\n\r\n");
    Http overflowing_chunk_size Failed "502, and a chunk size of 18 digits"
        |peer| answer(peer, "HTTP/1.1 502 Bad\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhalf");
    Http negative_length Unanswered "a length below zero"
        |peer| answer(peer, "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n");
    Http two_lengths Unanswered "two lengths that differ"
        |peer| answer(peer, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 4\r\n\r\nokok");
    Http smuggled_answer Delivered "an answer, and another one that nobody asked for"
        |peer| answer(peer, "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n");
    Http compressed_bomb Delivered "200, and 10 kB of gzip that are 1.6 MB of zeros"
        |peer| bomb(peer, "HTTP/1.1 200 OK");
    Http compressed_bomb_failure Failed "500, with the same"
        |peer| bomb(peer, "HTTP/1.1 500 No");
    Http trickled_head Unanswered "a head that comes a byte every 50 ms"
        |peer| trickled(peer, "", "HTTP/1.1 200 OK\r\nserver: slow\r\n");
    Http trickled_body Delivered "200, and a body that comes a byte every 50 ms"
        |peer| trickled(peer, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", "x");
    Http silence Unanswered "takes the request and never answers"
        silence;
    Http deafness Unanswered "accepts and never reads"
        deafness;
    Http closed_at_once Unanswered "closes without a word"
        |peer| answer(peer, "");
    Http reset_at_once Unanswered "resets the connection before it has read"
        reset;
    Http half_a_head Unanswered "closes in the middle of the head"
        |peer| answer(peer, "HTTP/1.1 200 OK\r\ncontent-le");
    Http half_a_body Delivered "closes in the middle of the body"
        |peer| answer(peer, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    Http another_protocol Unanswered "is an SSH server"
        |peer| answer(peer, "SSH-2.0-OpenSSH_9.2\r\n");
    Http control_characters Bounded "a header with control characters in it"
        |peer| answer(peer, "HTTP/1.1 200 OK\r\nx-evil: \u{1}\u{2}\r\ncontent-length: 0\r\n\r\n");
    Http upgrade Unanswered "101, and talks another protocol"
        |peer| answer(peer, "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\u{1}");
    Http retry_after_ages Failed "429, and wants to be asked again in 300 million years"
        |peer| answer(peer, "HTTP/1.1 429 Busy\r\nretry-after: 9999999999999999\r\ncontent-length: 0\r\n\r\n");
    Http wants_credentials Failed "401, and asks for other credentials"
        |peer| answer(peer, "HTTP/1.1 401 Who\r\nwww-authenticate: Negotiate, Basic realm=\"x\"\r\ncontent-length: 0\r\n\r\n");
    Http sets_a_cookie Delivered "sets a cookie, which must not come back"
        cookie;
    Http early_answer Failed "413 before the request was read"
        early;
    Https stalled_handshake Unanswered "takes the TLS handshake and says nothing"
        silence;
    Https plain_handshake Unanswered "answers a TLS handshake with plain HTTP"
        |peer| answer(peer, "HTTP/1.1 400 Bad Request\r\n\r\n");
    Https endless_handshake Unanswered "answers a TLS handshake with records that never end"
        |peer| endless(peer, "", "\u{16}\u{3}\u{3}\u{0}\u{4}\u{0}\u{0}\u{0}\u{0}");
};

impl Peer {
    pub(crate) const fn new(socket: TcpStream, surroundings: Arc<Surroundings>) -> Self {
        Self { socket, surroundings, written: 0 }
    }

    /// Reads what there is of a request; a sender that says nothing is waited for, but not for ever.
    async fn request(&mut self) -> Vec<u8> {
        let mut request = Vec::new();
        while !request.windows(4).any(|window| window == b"\r\n\r\n") {
            let reading = self.socket.read_buf(&mut request);
            match tokio::time::timeout(Duration::from_millis(500), reading).await {
                Ok(Ok(bytes)) if bytes > 0 => {}
                _ => break,
            }
        }
        request
    }

    /// Writes; false if the sender has gone.
    async fn write(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.socket.write(rest).await {
                Ok(written) if written > 0 => {
                    self.written += written;
                    rest = &rest[written..];
                }
                _ => return false,
            }
        }
        true
    }

    /// Waits until the sender has gone.
    async fn gone(mut self) -> Seen {
        let mut rest = [0; 4096];
        while self.socket.read(&mut rest).await.is_ok_and(|bytes| bytes > 0) {}
        self.seen()
    }

    const fn seen(&self) -> Seen {
        Seen { bytes: self.written, said: None }
    }

    async fn answer(&mut self, answer: &str) -> Seen {
        self.request().await;
        self.write(answer.as_bytes()).await;
        self.seen()
    }
}

/// Answers, and closes.
async fn answer(mut peer: Peer, answer: &str) -> Seen {
    peer.answer(answer).await
}

/// Begins an answer and goes on with it for as long as somebody reads.
async fn endless(mut peer: Peer, start: &str, more: &str) -> Seen {
    peer.request().await;
    peer.write(start.as_bytes()).await;
    let more = more.repeat(16 * 1024 / more.len());
    while peer.write(more.as_bytes()).await && peer.written < 200_000_000 {}
    peer.seen()
}

/// Begins an answer and goes on with it a byte at a time, again and again.
async fn trickled(mut peer: Peer, start: &str, more: &'static str) -> Seen {
    peer.request().await;
    peer.write(start.as_bytes()).await;
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for byte in more.bytes().cycle() {
        pace.tick().await;
        if !peer.write(&[byte]).await {
            break;
        }
    }
    peer.seen()
}

async fn silence(mut peer: Peer) -> Seen {
    peer.request().await;
    peer.gone().await
}

/// Leaves the request in the sockets' buffers, until the sender has gone.
async fn deafness(peer: Peer) -> Seen {
    while let Ok(ready) = peer.socket.ready(Interest::READABLE).await {
        if ready.is_read_closed() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    peer.seen()
}

async fn reset(peer: Peer) -> Seen {
    // Closing with unread bytes in the buffer resets the connection.
    let _something = tokio::time::timeout(Duration::from_millis(500), peer.socket.readable()).await;
    peer.seen()
}

async fn early(mut peer: Peer) -> Seen {
    peer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    peer.gone().await
}

async fn bomb(mut peer: Peer, status: &str) -> Seen {
    let body = gzip_of_zeros(1_600_000);
    let head = format!("{status}\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
    let request = peer.request().await;
    peer.write(head.as_bytes()).await;
    peer.write(&body).await;
    let mut seen = peer.seen();
    let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
    if request.lines().any(|line| line.starts_with("accept-encoding:") && line.contains("gzip")) {
        seen.said = Some("it asks for compressed answers".to_owned());
    }
    seen
}

async fn cookie(mut peer: Peer) -> Seen {
    static GIVEN: AtomicBool = AtomicBool::new(false);
    let request = peer.request().await;
    let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
    peer.write(b"HTTP/1.1 200 OK\r\nset-cookie: follow=me\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    let mut seen = peer.seen();
    if GIVEN.swap(true, Ordering::SeqCst) && request.contains("follow=me") {
        seen.said = Some("it sends the cookie back".to_owned());
    }
    seen
}
