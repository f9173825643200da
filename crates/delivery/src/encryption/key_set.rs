//! The key set that a receiver publishes (RFC 7517): read when it is needed, kept for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::clock::Clock;
use domain::encryption::EncryptionKey;
use domain::transport::Transport;
use hyper::header::{self, HeaderMap, HeaderValue};
use tokio::sync::Mutex as TurnMutex;
use url::Url;

use super::jwe::Recipient;
use crate::outbound::{EndpointClient, Outbound, SendError};

/// How long the last reading of a set serves while it cannot be read anew, before that is tried once more.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How long a failure stands for those who come after it and have no key: a set is read once a second at most.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);

/// The set of one stream's receiver.
pub(crate) struct KeySet {
    client: EndpointClient,
    kid: Option<String>,
    fresh_for: Duration,
    age_max: Duration,
    clock: Arc<dyn Clock>,
    /// Held by whoever reads the set.
    turn: TurnMutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// The last try that failed: when it ended, and why.
    failed: Option<(Duration, SendError)>,
    /// Counts the tries.
    tries: u64,
}

/// The key to encrypt to, and when the set was read that it is from.
struct Known {
    recipient: Arc<Recipient>,
    read_at: Duration,
}

impl KeySet {
    pub(super) fn new(
        url: &Url,
        kid: Option<String>,
        transport: &Transport,
        outbound: &Outbound,
        attempt_timeout: Duration,
    ) -> Result<Self, SendError> {
        let settings = outbound.settings();
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/jwk-set+json, application/json"));
        let client = outbound.reading_client(url, headers, transport, settings.key_set_bytes_max)?;
        Ok(Self {
            client: client.with_attempt_timeout(attempt_timeout),
            kid,
            fresh_for: settings.key_set_fresh_for,
            age_max: settings.key_set_age_max,
            clock: outbound.clock(),
            turn: TurnMutex::default(),
            state: Mutex::default(),
        })
    }

    /// The key to encrypt to now. One that is no longer fresh serves while the set cannot be read anew, but never
    /// when it is older than the limit, and never when the set has been read and does not hold it any more.
    pub(super) async fn recipient(&self, spent: Duration) -> Result<Arc<Recipient>, SendError> {
        let began = self.clock.now().steady;
        let (usable, tries) = {
            let state = self.state();
            if let Some(recipient) = state.fresh(began, self.fresh_for) {
                return Ok(recipient);
            }
            (state.usable(began, self.fresh_for, self.age_max), state.tries)
        };
        let _turn = match &usable {
            // It is being read: what there is serves until then.
            Some(Usable::WhileReading(recipient)) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(Arc::clone(recipient)),
            },
            Some(Usable::WhileFailing(recipient)) => return Ok(Arc::clone(recipient)),
            None => self.turn.lock().await,
        };
        let now = self.clock.now().steady;
        {
            let state = self.state();
            if let Some(recipient) = state.fresh(now, self.fresh_for) {
                return Ok(recipient);
            }
            if let Some(error) = state.failure_of(tries, now) {
                let known = state.known.as_ref().filter(|_| usable.is_some());
                return known.map(|known| Arc::clone(&known.recipient)).ok_or(error);
            }
        }
        let read = self.read(spent + now.saturating_sub(began)).await;
        self.learn(read, usable)
    }

    /// Remembers what came of reading the set.
    fn learn(
        &self,
        read: Result<Option<Arc<Recipient>>, SendError>,
        usable: Option<Usable>,
    ) -> Result<Arc<Recipient>, SendError> {
        let now = self.clock.now().steady;
        let mut state = self.state();
        state.tries += 1;
        let error = match read {
            Ok(Some(recipient)) => {
                state.failed = None;
                state.known = Some(Known { recipient: Arc::clone(&recipient), read_at: now });
                return Ok(recipient);
            }
            Ok(None) => {
                state.known = None;
                self.no_key()
            }
            Err(error) => SendError::KeySet(Box::new(error)),
        };
        state.failed = Some((now, error.clone()));
        match usable {
            Some(Usable::WhileReading(recipient)) if state.known.is_some() => Ok(recipient),
            _ => Err(error),
        }
    }

    fn no_key(&self) -> SendError {
        let which = self.kid.as_ref().map_or_else(String::new, |kid| format!(" with the kid {kid:?}"));
        SendError::Broken(format!("the key set holds no key{which} that can be encrypted to"))
    }

    /// Reads the set; `None` if it holds no key to encrypt to.
    async fn read(&self, spent: Duration) -> Result<Option<Arc<Recipient>>, SendError> {
        let answer = self.client.send([Bytes::new(), Bytes::new()], &[], spent).await?;
        if !answer.status.is_success() {
            return Err(SendError::Broken(format!("the server answered {}", answer.status)));
        }
        if !answer.complete {
            return Err(SendError::Broken("it is too long, or broke off".to_owned()));
        }
        let set = serde_json::from_slice(&answer.body).map_err(|_| SendError::Broken("it is not JSON".to_owned()))?;
        let key = EncryptionKey::choose(&set, self.kid.as_deref());
        Ok(key.and_then(|key| Recipient::new(&key).ok()).map(Arc::new))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that is no longer fresh, but may be used.
enum Usable {
    /// While somebody reads the set anew.
    WhileReading(Arc<Recipient>),
    /// Without trying that: it has just failed.
    WhileFailing(Arc<Recipient>),
}

impl State {
    fn fresh(&self, now: Duration, fresh_for: Duration) -> Option<Arc<Recipient>> {
        let known = self.known.as_ref()?;
        (now.saturating_sub(known.read_at) < fresh_for).then(|| Arc::clone(&known.recipient))
    }

    /// The failure of the last try, for whoever waited for it since there were so many `tries`, or comes right after it.
    fn failure_of(&self, tries: u64, now: Duration) -> Option<SendError> {
        let (at, error) = self.failed.as_ref()?;
        (self.tries != tries || now.saturating_sub(*at) < FAILURE_HOLDS).then(|| error.clone())
    }

    fn usable(&self, now: Duration, fresh_for: Duration, age_max: Duration) -> Option<Usable> {
        let known = self.known.as_ref()?;
        if now.saturating_sub(known.read_at) >= age_max.max(fresh_for) {
            return None;
        }
        let recipient = Arc::clone(&known.recipient);
        let failing = self.failed.as_ref().is_some_and(|(at, _)| now.saturating_sub(*at) < RETRY_AFTER);
        Some(if failing { Usable::WhileFailing(recipient) } else { Usable::WhileReading(recipient) })
    }
}
