//! Changing the master key while it is used: a new one is written down beside the former, everything is sealed anew, and
//! then the former goes. Whenever the process ends in between, the next start, or the next call, goes on.

use std::path::PathBuf;
use std::sync::Arc;

use domain::clock::Entropy;
use store::sqlite::SqliteStore;
use store::{Keyring, ResealPlace, Resealing, StoreError};
use tokio::sync::Mutex;

use crate::keys::{self, KeyError, MasterKeySource, MasterKeys};

/// How many texts are sealed anew in one transaction.
const TEXTS_A_STEP: u32 = 200;

/// How far sealing anew has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resealed {
    pub(crate) done: u64,
    pub(crate) total: u64,
}

/// What came of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rotated {
    /// Everything is sealed with the newest key, and the former ones are nowhere any more.
    Done,
    /// Everything is sealed with the newest key; the operator is to take the former ones away.
    FormerRemain { place: String },
}

/// Why the master key was not changed, or not completely. Nothing is lost.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotationError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(
        "the master key is given as HEADWATER_MASTER_KEY, so only you can change it: start the server with a new key \
         there (`openssl rand -base64 32`) and the present one as HEADWATER_MASTER_KEY_PREVIOUS"
    )]
    InConfiguration,
    #[error(
        "the master key file {file} cannot be replaced: {reason}; make it writable, or put a new key in front of the \
         present one yourself, a line each, and call this again"
    )]
    Unwritable { file: PathBuf, reason: std::io::Error },
    #[error(
        "the master key file {0} does not hold the key that is in use; put that one on a line after the new one, and \
         call this again"
    )]
    PresentMissing(PathBuf),
    #[error("not everything could be sealed anew, so the former key is still needed: {0}")]
    Store(#[from] StoreError),
}

/// Changes the master key of an open store.
pub(crate) struct MasterKeyRotation {
    source: MasterKeySource,
    store: Arc<SqliteStore>,
    keyring: Arc<Keyring>,
    entropy: Arc<dyn Entropy>,
    one_at_a_time: Mutex<()>,
}

impl MasterKeyRotation {
    pub(crate) fn new(
        source: MasterKeySource,
        store: Arc<SqliteStore>,
        keyring: Arc<Keyring>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { source, store, keyring, entropy, one_at_a_time: Mutex::new(()) }
    }

    /// Takes up a new master key: the one that the operator has put first in the file, or one that is made. One that has
    /// been taken up and not come to its end is gone on with.
    ///
    /// # Errors
    /// [`RotationError`], which says what to do.
    pub(crate) async fn rotate(&self, progress: &(dyn Fn(Resealed) + Sync)) -> Result<Rotated, RotationError> {
        let _one = self.one_at_a_time.lock().await;
        let file = self.source.file();
        let mut keys = self.source.load(&*self.entropy)?;
        match &file {
            _ if self.keyring.seals_with(&keys.newest) && !keys.previous.is_empty() => {}
            None => return Err(RotationError::InConfiguration),
            Some(file) if self.keyring.seals_with(&keys.newest) => {
                keys = keys.followed_by(MasterKeys::generate(&*self.entropy).newest);
                // Before anything is sealed with it, it is where the next start finds it.
                replace(file, &keys)?;
            }
            Some(file) if !keys.previous.iter().any(|key| self.keyring.seals_with(key)) => {
                return Err(RotationError::PresentMissing(file.clone()));
            }
            Some(_) => {}
        }
        self.keyring.renew(&keys.newest);
        self.finish(&keys, progress).await
    }

    /// Goes on with a rotation that a former process began, or that the configuration asks for.
    ///
    /// # Errors
    /// [`RotationError`], which says what to do.
    pub(crate) async fn resume(&self) -> Result<Rotated, RotationError> {
        let _one = self.one_at_a_time.lock().await;
        let keys = self.source.load(&*self.entropy)?;
        if keys.previous.is_empty() || !self.keyring.seals_with(&keys.newest) {
            return Ok(Rotated::Done);
        }
        self.finish(&keys, &|_| {}).await
    }

    /// Seals everything anew, and then gives up the former keys.
    async fn finish(&self, keys: &MasterKeys, progress: &(dyn Fn(Resealed) + Sync)) -> Result<Rotated, RotationError> {
        let total = self.store.sealed_texts().await?.former;
        let mut resealed = Resealed { done: 0, total };
        progress(resealed);
        let mut place = Some(ResealPlace::default());
        while let Some(from) = place {
            let step = self.store.reseal_step(from, TEXTS_A_STEP).await?;
            resealed.done += step.resealed;
            if step.resealed > 0 {
                progress(resealed);
            }
            place = step.next;
        }
        let Some(file) = self.source.file() else {
            return Ok(Rotated::FormerRemain { place: "HEADWATER_MASTER_KEY_PREVIOUS".to_owned() });
        };
        let newest = MasterKeys { newest: keys.newest, previous: Vec::new() };
        Ok(match replace(&file, &newest) {
            Ok(()) => Rotated::Done,
            Err(error) => {
                tracing::warn!(%error, "the former master keys stay in their file");
                Rotated::FormerRemain { place: format!("{} (all lines but the first)", file.display()) }
            }
        })
    }
}

fn replace(file: &std::path::Path, keys: &MasterKeys) -> Result<(), RotationError> {
    keys::replace(file, keys).map_err(|reason| RotationError::Unwritable { file: file.to_owned(), reason })
}
