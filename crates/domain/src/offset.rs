//! Offsets: positions in the log as callers hold them. They are opaque: whoever has one gives it back as it is.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::event::Seq;
use crate::ids::TenantId;

/// The form of the bytes below, so that another one can be told from it.
const VERSION: u8 = 1;
/// Version, tenant, position, checksum.
const BYTES: usize = 1 + 4 + 8 + 3;

/// A position in a tenant's log as text: everything below it has been read.
///
/// It is bound to the tenant, because positions of different tenants are numbered together. The checksum is
/// there for typing errors and for texts that are something else; it is no secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offset {
    /// Whose log it is a position in.
    pub tenant: TenantId,
    /// The position to go on from.
    pub seq: Seq,
}

/// A text that is not an offset of this tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an offset of this tenant; use one as the server gave it")]
pub struct MalformedOffset;

impl Offset {
    /// The position `seq` in the log of `tenant`.
    pub const fn new(tenant: TenantId, seq: Seq) -> Self {
        Self { tenant, seq }
    }

    /// Reads an offset that was given to `tenant`.
    ///
    /// # Errors
    /// [`MalformedOffset`] if it is none, or one of another tenant.
    pub fn parse(text: &str, tenant: TenantId) -> Result<Self, MalformedOffset> {
        let mut bytes = [0_u8; BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| MalformedOffset)?;
        let seq = u64::from_be_bytes(bytes[5..13].try_into().expect("it is eight bytes"));
        let offset = Self::new(tenant, Seq(seq));
        // Stored positions are signed: nothing has a higher one.
        let possible = length == BYTES && seq <= i64::MAX.cast_unsigned() && bytes == offset.bytes();
        if possible { Ok(offset) } else { Err(MalformedOffset) }
    }

    fn bytes(self) -> [u8; BYTES] {
        let mut bytes = [0_u8; BYTES];
        bytes[0] = VERSION;
        bytes[1..5].copy_from_slice(&self.tenant.0.to_be_bytes());
        bytes[5..13].copy_from_slice(&self.seq.0.to_be_bytes());
        let checksum = checksum(&bytes[..13]).to_be_bytes();
        bytes[13..].copy_from_slice(&checksum[1..]);
        bytes
    }
}

/// FNV-1a: any single byte that differs changes it.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_read_as_it_was_written() {
        for seq in [0, 1, 77, 1 << 40, i64::MAX.cast_unsigned()] {
            let offset = Offset::new(TenantId(7), Seq(seq));
            let text = offset.to_string();
            assert_eq!(text.len(), 22);
            assert_eq!(Offset::parse(&text, TenantId(7)), Ok(offset));
            assert_eq!(Offset::parse(&text, TenantId(8)), Err(MalformedOffset), "it is another tenant's");
        }
    }

    #[test]
    fn what_is_not_an_offset_is_refused() {
        let text = Offset::new(TenantId(1), Seq(1000)).to_string();
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(Offset::parse(&changed, TenantId(1)), Err(MalformedOffset), "{changed}");
        }
        let longer = format!("{text}AA");
        for other in ["", "AAAA", "now", "2026-01-16T08:50:33Z", &text[..20], &longer, "****"] {
            assert_eq!(Offset::parse(other, TenantId(1)), Err(MalformedOffset), "{other}");
        }
        let beyond = Offset::new(TenantId(1), Seq(u64::MAX)).to_string();
        assert_eq!(Offset::parse(&beyond, TenantId(1)), Err(MalformedOffset));
    }
}
