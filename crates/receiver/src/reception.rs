//! What becomes of a request.

use std::sync::Arc;

use domain::clock::{Clock, Timestamp};
use http::{HeaderMap, StatusCode, header};

use crate::arrival::Arrival;
use crate::check::Check;
use crate::users::{Taken, Users};

/// The content type of a payload that is encrypted (RFC 7516).
const ENCRYPTED: &str = "application/jose";

/// Takes in what is delivered.
pub struct Reception {
    check: Check,
    users: Users,
    clock: Arc<dyn Clock>,
}

/// What became of a request, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// An event has been taken in.
    Taken {
        /// Its `type`.
        event_type: String,
        /// Its `id`.
        id: String,
        /// Its `time`.
        time: Timestamp,
        /// Whom it is about; empty if it is not about a user.
        user_id: String,
        /// What became of it.
        taken: Taken,
    },
    /// It was refused, or could not be taken in.
    Refused {
        /// What was answered.
        status: StatusCode,
        /// Why.
        reason: String,
    },
}

impl Told {
    pub(crate) fn refused(status: StatusCode, reason: impl Into<String>) -> Self {
        Self::Refused { status, reason: reason.into() }
    }

    /// What is answered.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Taken { .. } => StatusCode::NO_CONTENT,
            Self::Refused { status, .. } => *status,
        }
    }
}

impl Reception {
    /// Takes in what passes the check.
    pub const fn new(check: Check, users: Users, clock: Arc<dyn Clock>) -> Self {
        Self { check, users, clock }
    }

    /// Takes in the body of a request, or says why not.
    pub(crate) async fn take(&self, headers: &HeaderMap, body: &[u8]) -> Told {
        if let Err(reason) = self.check.check(headers, body, self.clock.now().wall) {
            return Told::refused(StatusCode::UNAUTHORIZED, reason);
        }
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|value| value.starts_with(ENCRYPTED)) {
            let reason = "the payload is encrypted, and this receiver has no key: take encryption off the stream";
            return Told::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
        }
        let arrival = match Arrival::read(body) {
            Ok(arrival) => arrival,
            Err(reason) => return Told::refused(StatusCode::BAD_REQUEST, reason),
        };
        match self.users.take(&arrival).await {
            Ok(taken) => {
                let user_id = arrival.user_id().to_owned();
                Told::Taken { event_type: arrival.event_type, id: arrival.id, time: arrival.time, user_id, taken }
            }
            // The sender tries again: nothing is lost.
            Err(error) => Told::refused(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        }
    }
}
