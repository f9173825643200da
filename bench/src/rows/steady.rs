//! A steady rate far below what the server can take: how long an event takes from being sent to being received.

use anyhow::Result;

use super::{Bench, Session, quantile};
use crate::bodies::Kind;
use crate::receiver::Receiver;
use crate::server::NewStream;

/// Events a second.
const RATE: u32 = 600;

impl Bench {
    /// p50 and p99 in milliseconds.
    pub(super) async fn steady(&mut self) -> Result<Vec<(&'static str, f64)>> {
        let kind = self.one_by_one();
        let mut session = self.session(&[]).await?;
        session.server.stream_create(NewStream::to(&self.receiver.url(0))).await?;
        session.warm_up(&mut self.receiver, kind, 1).await?;
        let events = self.sizes.steady_s * u64::from(RATE);
        let latencies_us = session.latencies_us(&mut self.receiver, kind, events, RATE).await?;
        Ok(vec![
            ("latency_p50", quantile(&latencies_us, 0.5)? / 1000.0),
            ("latency_p99", quantile(&latencies_us, 0.99)? / 1000.0),
        ])
    }
}

impl Session {
    /// The times of so many events at this rate to slot 0, in order of size.
    pub(super) async fn latencies_us(
        &mut self,
        receiver: &mut Receiver,
        kind: Kind,
        events: u64,
        rate: u32,
    ) -> Result<Vec<u32>> {
        receiver.reset(true).await?;
        self.publish(kind, events, Some(f64::from(rate))).await?;
        receiver.wait_for_slot(0, events).await?;
        let mut latencies_us = receiver.latencies_us().await?;
        latencies_us.sort_unstable();
        Ok(latencies_us)
    }
}
