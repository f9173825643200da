//! A steady rate far below what the server can take: how long an event takes from being sent to being received.

use anyhow::Result;

use super::Bench;

/// Events a second.
pub(crate) const RATE: u32 = 600;

impl Bench {
    /// p50 and p99 in milliseconds.
    pub(super) async fn steady(&mut self) -> Result<Vec<(&'static str, f64)>> {
        let kind = self.one_by_one();
        let mut session = self.session(&[]).await?;
        let events = self.sizes.steady_s * u64::from(RATE);
        let steady = session.steady(&mut self.receiver, kind, events, RATE).await?;
        Ok(vec![("latency_p50", steady.p50_ms), ("latency_p99", steady.p99_ms)])
    }
}
