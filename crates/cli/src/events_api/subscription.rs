//! A reader of the Events API that goes on by itself, from the last offset, until it is told not to.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::time::Duration;

use domain::clock::{Entropy, Timestamp};
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::backoff;
use super::error::SubscribeError;
use super::frames::{Frame, FrameReader};
use super::message::{ErrorBody, ErrorData, StreamedEvent};
use super::refusal::Refusal;
use crate::client::{ClientError, ManagementClient};

/// Signals that nobody has looked at yet; then nothing more is read.
const SIGNALS_WAITING_MAX: usize = 64;

/// From where on events are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// From now on.
    Now,
    /// After the message with this offset.
    After(String),
    /// With the first event that is not older than this time, as the API takes it.
    At(String),
}

impl Start {
    /// With the first event that is not older.
    pub(crate) fn at(time: Timestamp) -> Self {
        // The API takes no more than whole seconds.
        Self::At(Timestamp::from_millis(time.as_secs() * 1000).to_string().replace(".000Z", "Z"))
    }

    /// With the oldest event that the log still has.
    pub(crate) fn oldest() -> Self {
        Self::At("1970-01-01T00:00:00Z".into())
    }
}

/// Whether a reader whose connection has ended connects again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reconnects {
    /// It does not.
    Never,
    /// Until so many attempts in a row have brought nothing.
    AtMost(NonZeroU32),
    /// Always.
    Always,
}

/// What somebody wants to read.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The types; all, if there are none.
    pub(crate) types: Vec<String>,
    /// From where on.
    pub(crate) start: Start,
    /// Whether to connect again.
    pub(crate) reconnects: Reconnects,
}

/// What a reader is told.
#[derive(Debug)]
pub(crate) enum Signal {
    /// A connection stands.
    Connected,
    /// An event.
    Event(StreamedEvent),
    /// Everything up to this offset has been looked at.
    Progress(String),
    /// The server says that something is wrong.
    Problem { code: String, message: String },
    /// The connection is lost, or there was none; the next attempt comes after this.
    Lost { reason: String, wait: Duration },
    /// The connection has ended, and that was it, as it was wished; why, if it did not end well.
    Ended(Option<String>),
}

/// How long a server may keep a reader waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until the head of an answer is there.
    pub(super) head: Duration,
    /// Within an answer. Servers send a heartbeat every half minute at the latest.
    pub(super) silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(20), silence: Duration::from_secs(45) }
    }
}

type Told = Result<Signal, SubscribeError>;

/// A reader at work: it goes on while [`Subscription::next`] is waited for, and ends when it is dropped.
pub(crate) struct Subscription<'a> {
    signals: mpsc::Receiver<Told>,
    reading: Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
    has_ended: bool,
}

impl<'a> Subscription<'a> {
    /// Begins to read, as soon as somebody waits for what comes.
    pub(crate) fn new(client: &'a ManagementClient, wish: Wish, entropy: &'a dyn Entropy) -> Self {
        Self::with_patience(client, wish, entropy, Patience::default())
    }

    fn with_patience(client: &'a ManagementClient, wish: Wish, entropy: &'a dyn Entropy, patience: Patience) -> Self {
        let (sender, signals) = mpsc::channel(SIGNALS_WAITING_MAX);
        let reader = Reader {
            client,
            types: wish.types,
            start: wish.start,
            reconnects: wish.reconnects,
            entropy,
            patience,
            signals: sender,
            asked: Duration::ZERO,
            failures: 0,
            was_connected: false,
        };
        Self { signals, reading: Box::pin(reader.run()), has_ended: false }
    }

    /// What comes next; `None` after the end. It may be given up at any time: nothing is lost.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        tokio::select! {
            biased;
            told = self.signals.recv() => told,
            () = &mut self.reading, if !self.has_ended => {
                self.has_ended = true;
                self.signals.recv().await
            }
        }
    }
}

struct Reader<'a> {
    client: &'a ManagementClient,
    types: Vec<String>,
    start: Start,
    reconnects: Reconnects,
    entropy: &'a dyn Entropy,
    patience: Patience,
    signals: mpsc::Sender<Told>,
    /// How long the server would like a reader to wait before it comes again.
    asked: Duration,
    /// Attempts in a row that brought nothing.
    failures: u32,
    was_connected: bool,
}

/// Whoever listens to the signals has gone.
struct NobodyListens;

/// How a connection ended.
enum End {
    /// As connections do after some minutes.
    Well,
    /// It broke, or never stood.
    Badly { reason: String, asked: Duration },
    /// Reading cannot go on.
    ForGood(SubscribeError),
}

impl End {
    fn badly(reason: impl Into<String>) -> Self {
        Self::Badly { reason: reason.into(), asked: Duration::ZERO }
    }
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Final(error) => Self::ForGood(error.into()),
            Refusal::Expired(words) => Self::ForGood(SubscribeError::Expired(words)),
            Refusal::UnknownOffset(words) => Self::ForGood(SubscribeError::UnknownOffset(words)),
            Refusal::Later { reason, asked } => Self::Badly { reason, asked },
        }
    }
}

impl Reader<'_> {
    async fn run(mut self) {
        // Nobody listens any more: there is nobody to tell.
        let _ = self.read_on().await;
    }

    async fn read_on(&mut self) -> Result<(), NobodyListens> {
        loop {
            let end = match self.connect().await {
                Ok(response) => self.read(response).await?,
                Err(end) => end,
            };
            let (failure, asked) = match end {
                End::ForGood(error) => return self.signals.send(Err(error)).await.map_err(|_| NobodyListens),
                End::Well => (None, Duration::ZERO),
                End::Badly { reason, asked } => (Some(reason), asked),
            };
            if self.reconnects == Reconnects::Never {
                return self.tell(Signal::Ended(failure)).await;
            }
            let wait = match failure {
                None => backoff::wait(0, self.asked, self.random()),
                Some(reason) => match self.failed(reason, asked) {
                    Ok((reason, wait)) => {
                        self.tell(Signal::Lost { reason, wait }).await?;
                        wait
                    }
                    Err(error) => return self.signals.send(Err(error)).await.map_err(|_| NobodyListens),
                },
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Counts a failure; answers how long to wait after it.
    fn failed(&mut self, reason: String, asked: Duration) -> Result<(String, Duration), SubscribeError> {
        self.failures = self.failures.saturating_add(1);
        match self.reconnects {
            Reconnects::AtMost(most) if self.failures > most.get() => {
                Err(SubscribeError::GaveUp { attempts: most.get(), reason })
            }
            _ => Ok((reason, backoff::wait(self.failures, self.asked.max(asked), self.random()))),
        }
    }

    /// Connects. The client has a new token where the old one is not taken any more.
    async fn connect(&mut self) -> Result<Response, End> {
        let query = self.query();
        let opening = self.client.open(Method::GET, "events", &query, None);
        let response = match timeout(self.patience.head, opening).await {
            Err(_) => return Err(End::badly(format!("no answer within {} s", self.patience.head.as_secs_f32()))),
            Ok(Err(error)) => return Err(self.not_opened(error)),
            Ok(Ok(response)) => response,
        };
        if response.status() == StatusCode::OK {
            self.was_connected = true;
            return Ok(response);
        }
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        match timeout(self.patience.head, self.client.read(response)).await {
            Ok(Ok(reply)) => Err(Refusal::of(reply, seconds.map(Duration::from_secs)).into()),
            Ok(Err(error)) => Err(self.not_opened(error)),
            Err(_) => Err(End::badly("the answer did not end")),
        }
    }

    /// A server that has never been reached is perhaps none; one that has been comes back.
    fn not_opened(&self, error: ClientError) -> End {
        match error {
            ClientError::Unreachable { reason, .. } if self.was_connected => End::badly(reason),
            // The token endpoint answers by itself, and may be overloaded or starting.
            ClientError::Refused { status: 408 | 429 | 500..=599, message, .. } => End::badly(message),
            error => End::ForGood(error.into()),
        }
    }

    fn query(&self) -> Vec<(String, String)> {
        let mut query: Vec<_> = self.types.iter().map(|name| ("event_type".to_owned(), name.clone())).collect();
        match &self.start {
            Start::Now => {}
            Start::After(offset) => query.push(("from".into(), offset.clone())),
            Start::At(time) => query.push(("from_timestamp".into(), time.clone())),
        }
        query
    }

    /// Reads one answer to its end.
    async fn read(&mut self, mut response: Response) -> Result<End, NobodyListens> {
        self.tell(Signal::Connected).await?;
        let (mut reader, mut frames) = (FrameReader::default(), VecDeque::new());
        loop {
            let bytes = match timeout(self.patience.silence, response.chunk()).await {
                Err(_) => {
                    let seconds = self.patience.silence.as_secs_f32();
                    return Ok(End::badly(format!("nothing was heard for {seconds} s")));
                }
                Ok(Err(error)) => return Ok(End::badly(self.client.unreachable(&error).to_string())),
                Ok(Ok(None)) => return Ok(End::badly("the connection ended without a word")),
                Ok(Ok(Some(bytes))) => bytes,
            };
            let taken = reader.take(&bytes, &mut frames);
            for frame in frames.drain(..) {
                if let Some(end) = self.frame(frame).await? {
                    return Ok(end);
                }
            }
            if let Err(error) = taken {
                return Ok(End::badly(error.to_string()));
            }
        }
    }

    async fn frame(&mut self, frame: Frame) -> Result<Option<End>, NobodyListens> {
        let (event, id, data) = match frame {
            Frame::Comment => return Ok(None),
            Frame::Retry(asked) => {
                self.asked = asked;
                return Ok(None);
            }
            Frame::Message { event, id, data } => (event, id, data),
        };
        if event == "error" {
            return self.error(&data).await.map(Some);
        }
        self.failures = 0;
        let signal = match (event.as_str(), id) {
            ("offset-only", Some(offset)) => {
                self.start = Start::After(offset.clone());
                Signal::Progress(offset)
            }
            (_, id) => match StreamedEvent::read(event, &data) {
                Some(event) => {
                    self.start = Start::After(event.offset.clone());
                    Signal::Event(event)
                }
                None => {
                    self.start = id.map_or(self.start.clone(), Start::After);
                    let message = format!("a message cannot be read, and is passed over: {data}");
                    Signal::Problem { code: "unreadable".into(), message }
                }
            },
        };
        self.tell(signal).await?;
        Ok(None)
    }

    /// The server's last word of a connection.
    async fn error(&mut self, data: &str) -> Result<End, NobodyListens> {
        let error = serde_json::from_str(data).map(|ErrorData { error }| error);
        let ErrorBody { code, message, offset } =
            error.unwrap_or_else(|_| ErrorBody { code: "unreadable".into(), message: data.to_owned(), offset: None });
        if let Some(offset) = offset {
            self.start = Start::After(offset);
        }
        match code.as_str() {
            "connection_timeout" => Ok(End::Well),
            "cursor_expired" => Ok(End::ForGood(SubscribeError::Expired(message))),
            "invalid_cursor" => Ok(End::ForGood(SubscribeError::UnknownOffset(message))),
            _ => {
                self.tell(Signal::Problem { code, message: message.clone() }).await?;
                Ok(End::badly(message))
            }
        }
    }

    async fn tell(&self, signal: Signal) -> Result<(), NobodyListens> {
        self.signals.send(Ok(signal)).await.map_err(|_| NobodyListens)
    }

    fn random(&self) -> u16 {
        let mut bytes = [0; 2];
        self.entropy.fill(&mut bytes);
        u16::from_be_bytes(bytes)
    }
}

#[cfg(test)]
mod tests;
