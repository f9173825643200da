//! Offsets: positions in the log as callers hold them. They are opaque, and they are sealed.
//!
//! The positions of all tenants are numbered together. Whoever could read one would know how much others do, and whoever
//! could make one could find out. So an offset is one block of a cipher under a key of the tenant's own: it reads as
//! nothing, another tenant's is none, and none can be made up. An offset of a *place*, such as the end of the log, looks
//! different each time, or that it stays the same would say that nobody does anything. One of an *event* may always
//! look the same: whose event it is knows it anyway.

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::clock::Entropy;
use domain::event::Seq;
use domain::ids::TenantId;

use crate::tenant_keys::{DERIVED_KEY_BYTES, TenantKeys};

/// The form of what follows, so that another one can be told from it.
const VERSION: u8 = 2;
/// The bytes of a block, and within it those of the position, of the salt, and of zeros that tell a true offset.
const BLOCK: usize = 16;
const POSITION: usize = 7;
const SALT: usize = 3;
/// The version and a block, and both as text.
const BYTES: usize = 1 + BLOCK;
const TEXT_BYTES: usize = 23;
/// The first position that has no offset: far beyond what any log comes to.
const POSITION_END: u64 = 1 << (8 * POSITION);

/// A text that is not an offset of this tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an offset of this tenant; use one as the server gave it")]
pub struct MalformedOffset;

/// Whoever can make and read the offsets of tenants.
pub trait TenantOffsets {
    /// The offsets of a tenant.
    fn offsets(&self, tenant: TenantId) -> Offsets;
}

impl<S: TenantKeys + ?Sized> TenantOffsets for S {
    fn offsets(&self, tenant: TenantId) -> Offsets {
        Offsets::new(&self.offset_key(tenant))
    }
}

/// An offset as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetText([u8; TEXT_BYTES]);

impl OffsetText {
    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64 is ASCII")
    }

    /// The text's bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Makes and reads the offsets of one tenant.
pub struct Offsets {
    seal: EncryptingKey,
    open: DecryptingKey,
}

impl Offsets {
    /// Those under a tenant's key.
    pub fn new(key: &[u8; DERIVED_KEY_BYTES]) -> Self {
        // One block on its own is what this mode is right for.
        let key = || UnboundCipherKey::new(&AES_256, key).expect("AES-256 takes 32 bytes");
        Self {
            seal: EncryptingKey::ecb(key()).expect("AES has this mode"),
            open: DecryptingKey::ecb(key()).expect("AES has this mode"),
        }
    }

    /// The offset of the position right after an event of the tenant's own.
    pub fn after_event(&self, event: Seq) -> String {
        self.text_after_event(event).as_str().to_owned()
    }

    /// The same without taking memory, for every delivery has one.
    pub fn text_after_event(&self, event: Seq) -> OffsetText {
        self.sealed(event.next(), [0; SALT])
    }

    /// The offset of a position that the log has come to.
    pub fn of_place(&self, position: Seq, entropy: &dyn Entropy) -> String {
        let mut salt = [0; SALT];
        entropy.fill(&mut salt);
        self.sealed(position, salt).as_str().to_owned()
    }

    fn sealed(&self, position: Seq, salt: [u8; SALT]) -> OffsetText {
        debug_assert!(position.0 < POSITION_END, "no log comes to {position}");
        let mut bytes = [0; BYTES];
        bytes[0] = VERSION;
        let block = &mut bytes[1..];
        block[..POSITION].copy_from_slice(&position.0.to_be_bytes()[8 - POSITION..]);
        block[POSITION..POSITION + SALT].copy_from_slice(&salt);
        self.seal.encrypt(block).expect("it is one block");
        let mut text = [0; TEXT_BYTES];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        debug_assert_eq!(written, Ok(TEXT_BYTES), "17 bytes are 23 letters");
        OffsetText(text)
    }

    /// The position of an offset that was given to the tenant: everything below it has been read.
    ///
    /// # Errors
    /// [`MalformedOffset`] if it is none, or one of another tenant.
    pub fn read(&self, text: &str) -> Result<Seq, MalformedOffset> {
        let mut bytes = [0; BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| MalformedOffset)?;
        if length != BYTES || bytes[0] != VERSION {
            return Err(MalformedOffset);
        }
        let block = &mut bytes[1..];
        self.open.decrypt(block, DecryptionContext::None).map_err(|_| MalformedOffset)?;
        if block[POSITION + SALT..].iter().any(|byte| *byte != 0) {
            return Err(MalformedOffset);
        }
        Ok(Seq(block[..POSITION].iter().fold(0, |position, byte| (position << 8) | u64::from(*byte))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    #[test]
    fn an_offset_is_read_as_it_was_written_by_its_own_tenant() {
        let (offsets, others, entropy) = (Offsets::new(&[7; 32]), Offsets::new(&[8; 32]), Counting::default());
        for seq in [0, 1, 77, 1 << 40, POSITION_END - 1].map(Seq) {
            let text = offsets.of_place(seq, &entropy);
            assert_eq!(text.len(), 23);
            assert_eq!(Offsets::new(&[7; 32]).read(&text), Ok(seq), "also after a restart");
            assert_eq!(others.read(&text), Err(MalformedOffset));
        }
        assert_eq!(offsets.read(&offsets.after_event(Seq(41))), Ok(Seq(42)));
    }

    #[test]
    fn what_is_written_stays_readable() {
        // Callers hold it: the form must not change from version to version.
        let text = Offsets::new(&[7; 32]).after_event(Seq(41));
        assert_eq!(text, "AiJto1sXYf86MtGcnHj6zbE");
        assert_eq!(Offsets::new(&[7; 32]).read("AiJto1sXYf86MtGcnHj6zbE"), Ok(Seq(42)));
    }

    #[test]
    fn a_place_looks_different_each_time_and_an_event_the_same() {
        let (offsets, entropy) = (Offsets::new(&[7; 32]), Counting::default());
        let texts: HashSet<_> = (0..200).map(|_| offsets.of_place(Seq(5), &entropy)).collect();
        assert_eq!(texts.len(), 200);
        assert_eq!(offsets.after_event(Seq(5)), offsets.after_event(Seq(5)));
        // What follows one another has nothing in common.
        let near: Vec<_> = (5..7).map(|seq| offsets.after_event(Seq(seq))).collect();
        let alike = near[0].bytes().zip(near[1].bytes()).skip(2).filter(|(one, other)| one == other).count();
        assert!(alike < 6, "{near:?}");
    }

    #[test]
    fn what_is_not_an_offset_is_refused() {
        let (offsets, entropy) = (Offsets::new(&[7; 32]), Counting::default());
        let text = offsets.of_place(Seq(1000), &entropy);
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(offsets.read(&changed), Err(MalformedOffset), "{changed}");
        }
        let longer = format!("{text}AA");
        for other in ["", "AAAA", "now", "2026-01-16T08:50:33Z", &text[..20], &longer, "****"] {
            assert_eq!(offsets.read(other), Err(MalformedOffset), "{other}");
        }
    }
}
