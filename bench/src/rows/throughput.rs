//! As many events as the server takes, from the first post to the last delivery received.

use anyhow::Result;

use super::{Bench, per_second};
use crate::bodies::Kind;
use crate::clock::seconds_between;
use crate::process::{Used, disk_written};
use crate::receiver::Mode;
use crate::server::{NewStream, OTHER_TYPE};
use crate::session::{Session, Steady};

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) kind: Kind,
    pub(crate) events: u64,
    /// Streams that get every event.
    pub(crate) streams: usize,
    /// Streams that get none.
    pub(crate) idle_streams: usize,
    /// How long the receiver takes for each answer.
    pub(crate) receiver_ms: u64,
}

/// What came out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throughput {
    pub(crate) deliveries_per_s: f64,
    pub(crate) cpu_s_per_1000: f64,
    /// By the server.
    pub(crate) written_kb: f64,
    /// By everybody.
    pub(crate) disk_written_kb: f64,
}

impl Scenario {
    /// One stream, a receiver that answers at once.
    pub(crate) const fn new(kind: Kind, events: u64) -> Self {
        Self { kind, events, streams: 1, idle_streams: 0, receiver_ms: 0 }
    }
}

impl Bench {
    /// Measures a scenario on a server of its own.
    pub(crate) async fn throughput(&mut self, scenario: Scenario) -> Result<Throughput> {
        let mut session = self.prepare(scenario).await?;
        self.saturate(&mut session, scenario).await
    }

    /// The same, and then how long events take at a steady rate.
    pub(crate) async fn throughput_and_steady(
        &mut self,
        scenario: Scenario,
        rate: u32,
    ) -> Result<(Throughput, Steady)> {
        let mut session = self.prepare(scenario).await?;
        let throughput = self.saturate(&mut session, scenario).await?;
        let events = self.sizes.steady_s * u64::from(rate) / 2;
        let latencies_us = session.latencies_us(&mut self.receiver, scenario.kind, events, rate).await?;
        Ok((throughput, Steady::of(&latencies_us)?))
    }

    /// A server with the streams of a scenario.
    async fn prepare(&mut self, scenario: Scenario) -> Result<Session> {
        self.settle().await?;
        let mut session = self.session(&[]).await?;
        for slot in 0..scenario.streams {
            session.server.stream_create(NewStream::to(&self.receiver.url(slot))).await?;
        }
        let url = self.receiver.url(scenario.streams);
        for _ in 0..scenario.idle_streams {
            let stream = NewStream { event_type: OTHER_TYPE, ..NewStream::to(&url) };
            session.server.stream_create(stream).await?;
        }
        session.warm_up(&mut self.receiver, scenario.kind, scenario.streams).await?;
        if scenario.receiver_ms > 0 {
            self.receiver.set_mode(0, scenario.streams, Mode::Delay(scenario.receiver_ms)).await?;
        }
        Ok(session)
    }

    async fn saturate(&mut self, session: &mut Session, scenario: Scenario) -> Result<Throughput> {
        let Scenario { kind, events, streams, .. } = scenario;
        let (used, disk) = (Used::of(session.server.pid())?, disk_written(&self.work));
        let done = session.publish(kind, events, None).await?;
        let deliveries = events * streams as u64;
        let count = self.receiver.wait_for(deliveries).await?;
        let used = Used::of(session.server.pid())?.since(used);
        let disk = disk_written(&self.work).zip(disk).map_or(0, |(after, before)| after - before);
        let seconds = seconds_between(done.first_ns, count.last_ns);
        Ok(Throughput {
            deliveries_per_s: per_second(deliveries, seconds),
            cpu_s_per_1000: used.cpu_s / per_second(deliveries, 1000.0),
            written_kb: per_second(used.written, 1000.0) / per_second(events, 1.0),
            disk_written_kb: per_second(disk, 1000.0) / per_second(events, 1.0),
        })
    }
}
