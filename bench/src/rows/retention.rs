//! Retention that removes old events beside full load.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use hyper::StatusCode;
use serde_json::Value;

use super::Bench;
use crate::clock::now_ns;
use crate::receiver::Records;
use crate::server::{NewStream, Setting};
use crate::session::Head;

/// Events are old at once; the server looks for old ones every ten seconds.
const SHORT: &[Setting] = &[("HEADWATER_RETENTION", "1s")];
/// Long enough that the server looks once at least meanwhile, and removes for a while.
const LASTS: Duration = Duration::from_secs(12);
/// How long the old events may still be there after the load.
const GONE_MAX: Duration = Duration::from_secs(60);
const GONE_POLL: Duration = Duration::from_millis(200);

impl Bench {
    /// Full load over a log that grows old, to the same over one that does not.
    pub(super) async fn retention(&mut self) -> Result<Vec<(&'static str, f64)>> {
        let kind = self.one_by_one();
        let mut keeping = self.session(&[]).await?;
        keeping.publish(self.in_bulk(), self.sizes.old, None).await?;
        let without = keeping.head(&mut self.receiver, kind, self.sizes.single).await?;
        drop(keeping);

        let mut session = self.session(SHORT).await?;
        session.publish(self.in_bulk(), self.sizes.old, None).await?;
        let stream = session.server.stream_create(NewStream::to(&self.receiver.url(0))).await?;
        // The place after the last of the old events: it is refused once they are removed.
        let answer = session.server.seek_dry(&stream, "now").await?;
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let end_of_old = json["to_offset"].as_str().with_context(|| format!("no offset: {}", answer.excerpt()))?;
        session.warm_up(&mut self.receiver, kind, 1).await?;
        self.receiver.reset(Records::Latencies).await?;
        let done = session.publish_for(kind, LASTS).await?;
        let beside = Head::of(&mut self.receiver, &done, done.requests).await?;
        let ended_ns = now_ns();
        loop {
            match session.server.seek_dry(&stream, end_of_old).await?.status {
                StatusCode::GONE => break,
                StatusCode::OK if Duration::from_nanos(now_ns() - ended_ns) < GONE_MAX => {}
                status => bail!("old events are not removed: moving to their end is answered with {status}"),
            }
            tokio::time::sleep(GONE_POLL).await;
        }
        Ok(vec![
            ("retention", beside.deliveries_per_s / without.deliveries_per_s),
            ("retention_p99", beside.p99_ms / without.p99_ms),
        ])
    }
}
