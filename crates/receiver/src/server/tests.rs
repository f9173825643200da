//! The receiver over real sockets.

use std::net::SocketAddr;
use std::sync::Mutex;

use domain::clock::{Clock, Moment};
use domain::destination::Authorization;
use domain::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::*;
use crate::{Check, Taken, Users};

struct Stopped;
impl Clock for Stopped {
    fn now(&self) -> Moment {
        Moment::default()
    }
}

struct Running {
    address: SocketAddr,
    told: Arc<Mutex<Vec<Told>>>,
    _task: JoinSet<()>,
}

impl Running {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let authorization = Authorization::Bearer { token: Secret::new("t0ken") };
        let check = Check::new(Some(&authorization), Vec::new()).unwrap();
        let reception = Reception::new(check, Users::in_memory().unwrap(), Arc::new(Stopped));
        let told = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&told);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let watch = move |told: &Told| noted.lock().unwrap().push(told.clone());
            serve(listener, reception, watch, std::future::pending()).await.unwrap();
        });
        Self { address, told, _task: task }
    }

    /// What a request is answered: everything that comes over the wire.
    #[allow(clippy::disallowed_methods, reason = "a sender connects to the receiver under test")]
    async fn answer(&self, method: &str, headers: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} /any/path HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

const AUTHORIZED: &str = "authorization: Bearer t0ken\r\n";
const EVENT: &str = r#"{"id":"e1","type":"user.created","time":"2026-01-16T08:50:33Z","data":{"object":{"user_id":"auth0|1","email":"a@b"}}}"#;

#[tokio::test]
async fn an_event_is_taken_in_once_and_its_sender_is_content_each_time() {
    let running = Running::start().await;
    for _ in 0..2 {
        let answer = running.answer("POST", AUTHORIZED, EVENT).await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }
    let told = running.told.lock().unwrap();
    let taken = |told: &Told| match told {
        Told::Taken { user_id, taken, .. } => (user_id.clone(), *taken),
        Told::Refused { reason, .. } => panic!("{reason}"),
    };
    assert_eq!(taken(&told[0]), ("auth0|1".into(), Taken::Applied));
    assert_eq!(taken(&told[1]), ("auth0|1".into(), Taken::Duplicate));
}

#[tokio::test]
async fn what_is_refused_is_told_why() {
    let running = Running::start().await;
    let encrypted = format!("{AUTHORIZED}content-type: application/jose\r\n");
    for (method, headers, body, status, words) in [
        ("POST", "", EVENT, 401, "authorization"),
        ("POST", "", "not even JSON", 401, "authorization"),
        ("POST", AUTHORIZED, "not JSON", 400, "expected JSON"),
        ("POST", AUTHORIZED, "{}", 400, "expected a CloudEvent"),
        ("POST", &encrypted, "a.b.c.d.e", 415, "encrypted"),
        ("GET", AUTHORIZED, "", 405, "POST"),
        ("POST", AUTHORIZED, &"x".repeat(BODY_BYTES_MAX + 1), 413, "length limit"),
    ] {
        let answer = running.answer(method, headers, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(words), "{answer}");
        assert!(!answer.contains("t0ken"));
    }
    let told = running.told.lock().unwrap();
    assert_eq!(told.len(), 7);
    assert!(told.iter().all(|told| matches!(told, Told::Refused { .. })));
}
