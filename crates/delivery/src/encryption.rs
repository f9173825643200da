//! Encryption of what is sent, to the public key of its receiver: nothing goes out in clear because a key is missing.

mod jwe;
mod key_set;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::encryption::Encryption;
use domain::transport::Transport;

use crate::outbound::{Outbound, SendError};
use jwe::Recipient;
use key_set::KeySet;

/// The media type of what is sent instead.
pub(crate) const CONTENT_TYPE: &str = "application/jose";

/// To whom a stream encrypts.
pub(crate) enum Encrypter {
    /// Always to the same key.
    Key(Arc<Recipient>),
    /// To the key of a set that is published.
    KeySet(Box<KeySet>),
}

impl Encrypter {
    /// Prepares the encryption that a stream wants. A key set is read by the same way as its endpoint is reached.
    ///
    /// # Errors
    /// If the key cannot be used.
    pub(crate) fn new(
        encryption: &Encryption,
        transport: &Transport,
        outbound: &Outbound,
        attempt_timeout: Duration,
    ) -> Result<Self, SendError> {
        match encryption {
            Encryption::Key(key) => {
                let recipient = Recipient::new(key).map_err(|error| SendError::Unsendable(error.to_string()))?;
                Ok(Self::Key(Arc::new(recipient)))
            }
            Encryption::KeySet { url, kid } => {
                let set = KeySet::new(url.url(), kid.clone(), transport, outbound, attempt_timeout)?;
                Ok(Self::KeySet(Box::new(set)))
            }
        }
    }

    /// The body, encrypted; or why it cannot be, within the time of an attempt, of which `spent` is over.
    pub(crate) async fn encrypt(&self, body: &[Bytes; 2], spent: Duration) -> Result<[Bytes; 2], SendError> {
        let recipient = match self {
            Self::Key(recipient) => Arc::clone(recipient),
            Self::KeySet(set) => set.recipient(spent).await?,
        };
        let encrypted = recipient.encrypt(&[&body[0], &body[1]]);
        let encrypted = encrypted.map_err(|error| SendError::Broken(error.to_string()))?;
        Ok([Bytes::from(encrypted), Bytes::new()])
    }
}
