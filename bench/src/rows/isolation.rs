//! One good receiver beside 200 bad ones: how much longer its events take.

use anyhow::Result;

use super::{Bench, quantile};
use crate::receiver::Mode;
use crate::server::NewStream;
use crate::session::Session;

/// Receivers that hang, trickle and fail, a third each.
const BAD: usize = 200;
/// Events a second. Each goes to every receiver, and several times to those that fail: with more, it is the machine
/// that the good one shares with the bad ones.
const RATE: u32 = 20;
/// How much longer than other rows at a steady rate, so that there are enough events for a p99.
const LONGER: u64 = 2;

impl Bench {
    /// The good receiver's p99 beside the bad ones, to its p99 alone.
    pub(super) async fn isolation(&mut self) -> Result<Vec<(&'static str, f64)>> {
        let mut alone = self.session(&[]).await?;
        let alone_us = self.good_p99_us(&mut alone).await?;
        drop(alone);
        let mut beside = self.session(&[]).await?;
        let mut first = 1;
        for (kind, mode) in [Mode::Hang, Mode::Trickle, Mode::Fail(500)].into_iter().enumerate() {
            let count = (BAD + kind) / 3;
            self.receiver.set_mode(first, count, mode).await?;
            for slot in first..first + count {
                beside.server.stream_create(NewStream::to(&self.receiver.url(slot))).await?;
            }
            first += count;
        }
        let beside_us = self.good_p99_us(&mut beside).await?;
        drop(beside);
        self.settle().await?;
        Ok(vec![("isolation_p99", beside_us / alone_us)])
    }

    async fn good_p99_us(&mut self, session: &mut Session) -> Result<f64> {
        session.server.stream_create(NewStream::to(&self.receiver.url(0))).await?;
        let events = LONGER * self.sizes.steady_s * u64::from(RATE);
        let kind = self.one_by_one();
        let latencies_us = session.latencies_us(&mut self.receiver, kind, events, RATE).await?;
        quantile(&latencies_us, 0.99)
    }
}
