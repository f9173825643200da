//! A server of a run's own, and what it is asked to do.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::bodies::Kind;
use crate::clock::seconds_between;
use crate::load::{self, Amount, Done};
use crate::receiver::{Receiver, Records};
use crate::rows::{per_second, quantile};
use crate::server::{NewStream, Server};

/// Events that are delivered before anything is measured.
const WARM_UP: u64 = 640;

/// A server and the numbers of the events that it got.
pub(crate) struct Session {
    pub(crate) server: Server,
    next: u64,
    /// Of the load generator.
    pub(crate) connections: usize,
}

/// As much load as the server takes, to one stream at the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) deliveries_per_s: f64,
    pub(crate) p99_ms: f64,
}

/// How long an event takes at a steady rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steady {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Session {
    pub(crate) const fn new(server: Server, connections: usize) -> Self {
        Self { server, next: 0, connections }
    }

    /// How many events it got.
    pub(crate) const fn events(&self) -> u64 {
        self.next
    }

    /// Raises so many events over all connections, at a rate or as fast as they are answered.
    pub(crate) async fn publish(&mut self, kind: Kind, events: u64, rate: Option<f64>) -> Result<Done> {
        let amount = self.amount(kind, events, rate);
        load::run(self.server.target(kind), kind, amount).await
    }

    /// The numbers of the next events.
    pub(crate) const fn amount(&mut self, kind: Kind, events: u64, rate: Option<f64>) -> Amount {
        let requests = events.div_ceil(kind.events());
        let first = self.next.div_ceil(kind.events());
        self.next = (first + requests) * kind.events();
        Amount { connections: self.connections, first, requests, rate, lasts: None }
    }

    /// Raises single events for so long, as fast as they are answered.
    pub(crate) async fn publish_for(&mut self, kind: Kind, lasts: Duration) -> Result<Done> {
        let first = self.next;
        let amount =
            Amount { connections: self.connections, first, requests: u64::MAX, rate: None, lasts: Some(lasts) };
        let done = load::run(self.server.target(kind), kind, amount).await?;
        self.next = first + done.requests;
        Ok(done)
    }

    /// Delivers some events to each of `streams` before anything is measured.
    pub(crate) async fn warm_up(&mut self, receiver: &mut Receiver, kind: Kind, streams: usize) -> Result<()> {
        receiver.reset(Records::Nothing).await?;
        let events = WARM_UP.next_multiple_of(kind.events());
        self.publish(kind, events, None).await?;
        for slot in 0..streams {
            receiver.wait_for_slot(slot, events).await?;
        }
        receiver.reset(Records::Nothing).await
    }

    /// Creates a stream that begins at the beginning of the log, to this slot.
    pub(crate) async fn stream_from_beginning(&self, receiver: &Receiver, slot: usize) -> Result<String> {
        let extension = Some(json!({"start_from": "beginning"}));
        self.server.stream_create(NewStream { extension, ..NewStream::to(&receiver.url(slot)) }).await
    }

    /// Deletes a stream, and waits until nothing of it is in flight.
    pub(crate) async fn stream_end(&self, receiver: &mut Receiver, id: &str) -> Result<()> {
        self.server.stream_delete(id).await?;
        receiver.wait_until_still().await
    }

    /// As many events as it takes, to a new stream at the head, whose receiver is slot 0.
    pub(crate) async fn head(&mut self, receiver: &mut Receiver, kind: Kind, events: u64) -> Result<Head> {
        let stream = self.server.stream_create(NewStream::to(&receiver.url(0))).await?;
        self.warm_up(receiver, kind, 1).await?;
        receiver.reset(Records::Latencies).await?;
        let done = self.publish(kind, events, None).await?;
        let head = Head::of(receiver, &done, events).await?;
        self.server.stream_delete(&stream).await?;
        Ok(head)
    }

    /// A steady rate, to a new stream at the head, whose receiver is slot 0.
    pub(crate) async fn steady(
        &mut self,
        receiver: &mut Receiver,
        kind: Kind,
        events: u64,
        rate: u32,
    ) -> Result<Steady> {
        let stream = self.server.stream_create(NewStream::to(&receiver.url(0))).await?;
        self.warm_up(receiver, kind, 1).await?;
        let steady = Steady::of(&self.latencies_us(receiver, kind, events, rate).await?)?;
        self.server.stream_delete(&stream).await?;
        Ok(steady)
    }

    /// The times of so many events at this rate to slot 0, in order of size.
    pub(crate) async fn latencies_us(
        &mut self,
        receiver: &mut Receiver,
        kind: Kind,
        events: u64,
        rate: u32,
    ) -> Result<Vec<u32>> {
        receiver.reset(Records::Latencies).await?;
        self.publish(kind, events, Some(f64::from(rate))).await?;
        receiver.wait_for_slot(0, events).await?;
        sorted_latencies_us(receiver).await
    }
}

impl Head {
    /// What a load came to of which slot 0 gets every event; waits until it has.
    pub(crate) async fn of(receiver: &mut Receiver, done: &Done, events: u64) -> Result<Self> {
        let count = receiver.wait_for_slot(0, events).await?;
        let seconds = seconds_between(done.first_ns, count.slots_last_ns[0]);
        let latencies_us = sorted_latencies_us(receiver).await?;
        Ok(Self { deliveries_per_s: per_second(events, seconds), p99_ms: quantile(&latencies_us, 0.99)? / 1000.0 })
    }
}

impl Steady {
    pub(crate) fn of(sorted_us: &[u32]) -> Result<Self> {
        Ok(Self { p50_ms: quantile(sorted_us, 0.5)? / 1000.0, p99_ms: quantile(sorted_us, 0.99)? / 1000.0 })
    }
}

async fn sorted_latencies_us(receiver: &mut Receiver) -> Result<Vec<u32>> {
    let mut latencies_us = receiver.latencies_us().await?;
    latencies_us.sort_unstable();
    Ok(latencies_us)
}
