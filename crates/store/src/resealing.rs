//! Sealing everything anew after the master key was changed.

use async_trait::async_trait;

use crate::StoreError;

/// How far sealing anew has come: a place among all sealed texts. It need not be kept: from the start again, it passes
/// quickly over what has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ResealPlace {
    pub(crate) column: usize,
    pub(crate) row: i64,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResealStep {
    /// Texts that were sealed anew.
    pub resealed: u64,
    /// Where to go on; `None` when everything has been looked at.
    pub next: Option<ResealPlace>,
}

/// How many sealed texts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SealedTexts {
    /// All of them.
    pub total: u64,
    /// Those that were sealed with another key than the newest.
    pub former: u64,
}

/// Seals everything anew with the newest key of the store's [`Keyring`](crate::Keyring), step by step beside all other
/// changes. What is written meanwhile is sealed with that key anyway.
#[async_trait]
pub trait Resealing: Send + Sync {
    /// Looks at no more than `most` sealed texts from a place on, and seals anew, durably, what was sealed with another
    /// key.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the first text that no key of the keyring opens. What other keys have sealed is not
    /// to be given up then.
    async fn reseal_step(&self, from: ResealPlace, most: u32) -> Result<ResealStep, StoreError>;

    /// Counts the sealed texts.
    async fn sealed_texts(&self) -> Result<SealedTexts, StoreError>;
}
