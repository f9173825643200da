//! A webhook receiver that records what it gets and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// How long a test waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    Status(u16),
    /// 302 to this address.
    #[allow(dead_code, reason = "only the stories redirect")]
    Redirect(&'static str),
    /// This status, with the wish to be asked again after so many seconds.
    #[allow(dead_code, reason = "the stories do not say it")]
    Later(u16, u64),
    Hang,
    /// 204, once the receiver is released.
    Held,
}

#[derive(Default)]
struct State {
    bodies: Vec<serde_json::Value>,
    /// The lines of the requests' heads.
    heads: Vec<Vec<String>>,
    script: VecDeque<Answer>,
    otherwise: Option<Answer>,
    answering: usize,
    most_at_once: usize,
}

/// Answers 204 unless told otherwise.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    count: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
            count: watch::Sender::new(0),
            released: watch::Sender::new(false),
        };
        let tracker = TaskTracker::new();
        let accepting = receiver.clone();
        let connections = tracker.clone();
        tracker.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let receiver = accepting.clone();
                connections.spawn(async move { receiver.serve(socket).await });
            }
        });
        receiver
    }

    /// What the next requests get, one each.
    pub(crate) fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().unwrap().script.extend(answers);
    }

    /// What every request beyond the script gets.
    pub(crate) fn otherwise(&self, answer: Answer) {
        self.state.lock().unwrap().otherwise = Some(answer);
    }

    /// Answers what it has held, and whatever it would hold from now on.
    pub(crate) fn release(&self) {
        self.released.send_replace(true);
    }

    /// How many requests it had not answered at the same time, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.state.lock().unwrap().most_at_once
    }

    pub(crate) fn bodies(&self) -> Vec<serde_json::Value> {
        self.state.lock().unwrap().bodies.clone()
    }

    /// A header of what arrived, in order.
    pub(crate) fn headers(&self, name: &str) -> Vec<Option<String>> {
        let value = |line: &String| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        self.state.lock().unwrap().heads.iter().map(|head| head.iter().find_map(value)).collect()
    }

    /// The members `data.object.user_id` of what arrived, in order.
    pub(crate) fn users(&self) -> Vec<String> {
        self.bodies().iter().map(|body| body["data"]["object"]["user_id"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn wait_for(&self, requests: usize) {
        let mut count = self.count.subscribe();
        let waited = tokio::time::timeout(PATIENCE, count.wait_for(|count| *count >= requests)).await;
        assert!(waited.is_ok(), "waited for {requests} requests, got {}", *self.count.borrow());
    }

    async fn serve(&self, socket: TcpStream) {
        let (read, mut write) = socket.into_split();
        let mut read = BufReader::new(read);
        loop {
            let mut length = 0;
            let mut head = Vec::new();
            let mut line = String::new();
            loop {
                line.clear();
                if !matches!(read.read_line(&mut line).await, Ok(1..)) {
                    return;
                }
                if line == "\r\n" {
                    break;
                }
                head.push(line.clone());
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            if read.read_exact(&mut body).await.is_err() {
                return;
            }
            let answer = {
                let mut state = self.state.lock().unwrap();
                state.bodies.push(serde_json::from_slice(&body).unwrap());
                state.heads.push(head);
                state.answering += 1;
                state.most_at_once = state.most_at_once.max(state.answering);
                let otherwise = state.otherwise.unwrap_or(Answer::Status(204));
                state.script.pop_front().unwrap_or(otherwise)
            };
            self.count.send_modify(|count| *count += 1);
            let head = match answer {
                Answer::Status(status) => format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"),
                Answer::Redirect(to) => format!("HTTP/1.1 302 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"),
                Answer::Later(status, seconds) => {
                    format!("HTTP/1.1 {status} X\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n")
                }
                Answer::Hang => std::future::pending().await,
                Answer::Held => {
                    let _ = self.released.subscribe().wait_for(|released| *released).await;
                    "HTTP/1.1 204 X\r\ncontent-length: 0\r\n\r\n".to_owned()
                }
            };
            self.state.lock().unwrap().answering -= 1;
            if write.write_all(head.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
