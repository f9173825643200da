//! The process that runs actions, for this crate's tests: what `headwater action-runtime` is in the server.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use domain::clock::{Clock, Entropy, Moment, Timestamp};

struct TestClock(Instant);

impl Clock for TestClock {
    fn now(&self) -> Moment {
        Moment { wall: Timestamp::from_millis(0), steady: self.0.elapsed() }
    }
}

/// Distinct bytes, which is all that tests need.
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let mut number = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in bytes {
            number = number.rotate_left(13).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = number.to_le_bytes()[3];
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's clock is where its time comes from")]
fn main() -> ExitCode {
    let clock = Arc::new(TestClock(Instant::now()));
    delivery::actions::serve(clock, Arc::new(Counter(AtomicU64::new(1))))
}
