//! The rows of the table: each measures its figures once.

pub(crate) mod drain;
mod erasure;
mod isolation;
mod recovery;
mod retention;
pub(crate) mod steady;
pub(crate) mod throughput;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use hyper::{Method, StatusCode};
use serde_json::json;

use crate::bodies::{Kind, Template};
use crate::clock::seconds_between;
use crate::load::{self, Amount};
use crate::options::{Options, Sizes};
use crate::receiver::{Mode, Receiver, Records};
use crate::server::{NewStream, Program, Server, Setting};
use crate::session::{Head, Session};
use throughput::Scenario;

/// How many events a batch holds.
pub(crate) const BATCH: u64 = 100;
const FAN_OUT: usize = 10;

/// A row, by its name on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Row {
    /// Nothing but what every run measures: B and the disk.
    Yardsticks,
    /// Single events; also CPU and bytes written.
    Single,
    /// Users.
    Users,
    /// Batches of 100 events.
    Batch,
    /// A backlog; also memory.
    Drain,
    /// Ten streams.
    Fanout,
    /// A steady rate.
    Latency,
    /// SIGKILL under load.
    Recovery,
    /// One good receiver beside 200 bad ones.
    Isolation,
    /// Old events are removed beside full load.
    Retention,
    /// Users are erased beside full load.
    Erasure,
    /// A log of ten million events; measured once after all runs, like the next two.
    Backlog,
    /// A stream that is ten million events behind, beside one at the head.
    Behind,
    /// Allocations of the server, counted by valgrind.
    Allocations,
}

impl Row {
    /// The rows that each run measures, in their order.
    pub(crate) const EACH_RUN: [Self; 10] = [
        Self::Single,
        Self::Users,
        Self::Batch,
        Self::Drain,
        Self::Fanout,
        Self::Latency,
        Self::Recovery,
        Self::Isolation,
        Self::Retention,
        Self::Erasure,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Yardsticks => "yardsticks",
            Self::Single => "single",
            Self::Users => "users",
            Self::Batch => "batch",
            Self::Drain => "drain",
            Self::Fanout => "fanout",
            Self::Latency => "latency",
            Self::Recovery => "recovery",
            Self::Isolation => "isolation",
            Self::Retention => "retention",
            Self::Erasure => "erasure",
            Self::Backlog => "backlog",
            Self::Behind => "behind",
            Self::Allocations => "allocations",
        }
    }

    /// Whether it is compared with B.
    pub(crate) const fn is_ratio(self) -> bool {
        matches!(self, Self::Single | Self::Users | Self::Batch | Self::Drain | Self::Fanout)
    }
}

/// What a row found.
pub(crate) enum Measured {
    Figures(Vec<(&'static str, f64)>),
    Skipped(String),
}

/// What this server can do.
pub(crate) struct Abilities {
    /// `POST /api/v2/events` takes events; else how it answers.
    pub(crate) events: Result<(), String>,
    /// A stream may start at the beginning of the log.
    pub(crate) start_from: bool,
}

/// Everything that rows share.
pub(crate) struct Bench {
    pub(crate) options: Options,
    pub(crate) sizes: Sizes,
    pub(crate) binary: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) receiver: Receiver,
    pub(crate) abilities: Abilities,
}

impl Bench {
    pub(crate) async fn new(options: Options) -> Result<Self> {
        let (binary, work) = (options.server_binary()?, options.work_folder()?);
        let receiver = Receiver::start(options.threads).await?;
        let abilities = Abilities { events: Ok(()), start_from: false };
        let mut bench = Self { sizes: options.sizes(), options, binary, work, receiver, abilities };
        bench.abilities = bench.probe().await?;
        Ok(bench)
    }

    /// Finds out what this server can do.
    async fn probe(&self) -> Result<Abilities> {
        let session = self.session(&[]).await?;
        let body = Template::new(Kind::Event).body(0);
        let (path, content_type) = (Kind::Event.path(), Kind::Event.content_type());
        let answer = session.server.call(Method::POST, path, content_type, body).await?;
        let events = match answer.status {
            StatusCode::ACCEPTED => Ok(()),
            status => Err(format!("POST {path} answers {status}: {}", answer.excerpt())),
        };
        let extension = Some(json!({"start_from": "beginning"}));
        let url = self.receiver.url(0);
        let answer = session.server.stream_post(NewStream { extension, ..NewStream::to(&url) }).await?;
        Ok(Abilities { events, start_from: answer.status == StatusCode::CREATED })
    }

    /// Starts a server with no events.
    pub(crate) async fn session(&self, settings: &[Setting]) -> Result<Session> {
        let program = Program { binary: self.binary.clone(), settings: settings.to_vec(), ..Program::default() };
        Ok(Session::new(Server::start(program, &self.work).await?, self.options.connections))
    }

    /// B: the load generator straight to the receiver, in requests a second.
    pub(crate) async fn bare(&mut self) -> Result<f64> {
        self.settle().await?;
        let requests = self.sizes.bare;
        let amount = Amount { connections: self.options.connections, first: 0, requests, rate: None, lasts: None };
        let warm_up = Amount { requests: requests / 10, ..amount };
        load::run(self.receiver.target(), Kind::Event, warm_up).await?;
        self.receiver.reset(Records::Nothing).await?;
        let done = load::run(self.receiver.target(), Kind::Event, amount).await?;
        let count = self.receiver.wait_for(requests).await?;
        Ok(per_second(requests, seconds_between(done.first_ns, count.last_ns)))
    }

    /// Full load to a stream at the head of an empty log.
    pub(crate) async fn empty_head(&mut self) -> Result<Head> {
        self.settle().await?;
        let (kind, events) = (self.one_by_one(), self.sizes.single);
        let mut session = self.session(&[]).await?;
        session.head(&mut self.receiver, kind, events).await
    }

    /// Puts the receiver back to normal.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        self.receiver.set_mode(0, usize::MAX, Mode::Normal).await?;
        self.receiver.reset(Records::Nothing).await
    }

    /// Measures a row once; `bare` is B.
    pub(crate) async fn measure(&mut self, row: Row, bare: f64) -> Result<Measured> {
        self.settle().await?;
        if let (Row::Single | Row::Batch | Row::Erasure, Err(why)) = (row, &self.abilities.events) {
            return Ok(Measured::Skipped(why.clone()));
        }
        let sizes = self.sizes;
        let figures = match row {
            Row::Yardsticks | Row::Backlog | Row::Behind | Row::Allocations => Vec::new(),
            Row::Single => {
                let found = self.throughput(Scenario::new(Kind::Event, sizes.single)).await?;
                vec![
                    ("single", found.deliveries_per_s / bare),
                    ("cpu", found.cpu_s_per_1000),
                    ("written", found.written_kb),
                    ("disk_written", found.disk_written_kb),
                ]
            }
            Row::Users => {
                let found = self.throughput(Scenario::new(Kind::User, sizes.users)).await?;
                vec![
                    ("users", found.deliveries_per_s / bare),
                    ("users_cpu", found.cpu_s_per_1000),
                    ("users_written", found.written_kb),
                ]
            }
            Row::Batch => {
                let found = self.throughput(Scenario::new(Kind::Batch(BATCH), sizes.batched)).await?;
                vec![("batch", found.deliveries_per_s / bare)]
            }
            Row::Fanout => {
                let scenario = Scenario { streams: FAN_OUT, ..Scenario::new(self.one_by_one(), sizes.fanned_out) };
                let found = self.throughput(scenario).await?;
                vec![("fanout", found.deliveries_per_s / bare)]
            }
            Row::Drain => {
                let found = self.drain(sizes.backlog).await?;
                vec![
                    ("drain", found.deliveries_per_s / bare),
                    ("memory", found.peak_mib),
                    ("drain_cpu", found.cpu_s_per_1000),
                ]
            }
            Row::Latency => self.steady().await?,
            Row::Recovery => self.recovery().await?,
            Row::Isolation => self.isolation().await?,
            Row::Retention => self.retention().await?,
            Row::Erasure => self.erasure().await?,
        };
        Ok(Measured::Figures(figures))
    }

    /// How single events are raised: as such where the server takes them, else as users.
    pub(crate) const fn one_by_one(&self) -> Kind {
        if self.abilities.events.is_ok() { Kind::Event } else { Kind::User }
    }

    /// How many events are raised quickly.
    pub(crate) const fn in_bulk(&self) -> Kind {
        if self.abilities.events.is_ok() { Kind::Batch(BATCH) } else { Kind::User }
    }
}

/// How many a second.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(1e-9)
}

/// The sample below which this share of them lies.
pub(crate) fn quantile(sorted: &[u32], share: f64) -> Result<f64> {
    if sorted.is_empty() {
        bail!("nothing arrived whose time could be told");
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let at = ((sorted.len() - 1) as f64 * share).round() as usize;
    Ok(f64::from(sorted[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let sorted: Vec<u32> = (0..=100).collect();
        assert!((quantile(&sorted, 0.99).unwrap() - 99.0).abs() < 1e-9);
        assert!((quantile(&[7], 0.5).unwrap() - 7.0).abs() < 1e-9);
        assert!(quantile(&[], 0.5).is_err());
    }
}
