//! The receiver as the run sees it: a child process with a control port.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::control::{Reset, SetMode};
use super::{Mode, Ports, Records};
use crate::clock::now_ns;
use crate::connection::Connection;
use crate::load::Target;

/// How often the count is asked for while it grows; the times themselves are the receiver's own.
const POLL: Duration = Duration::from_millis(20);
/// How long the count may stand still.
const STILL_MAX: Duration = Duration::from_secs(20);
/// How long nothing may come after all that was expected, so that what is repeated is counted too.
const STILL_AFTER_ALL: Duration = Duration::from_millis(500);

/// What was counted since the last reset, by the receiver's clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Count {
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
    pub(crate) first_ns: u64,
    pub(crate) last_ns: u64,
    /// Requests of each slot.
    pub(crate) slots: Vec<u64>,
    /// When the last one came to each.
    pub(crate) slots_last_ns: Vec<u64>,
}

/// How a set of events fared.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Missing {
    /// How many of the set have not come.
    pub(crate) missing: u64,
    /// When the last of the set came first.
    pub(crate) last_ns: u64,
    /// How many different events came, of the set or not.
    pub(crate) received: u64,
    /// How many came again.
    pub(crate) repeated: u64,
}

/// The running process; it ends when this is dropped.
pub(crate) struct Receiver {
    child: Child,
    ports: Ports,
    control: Connection,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn loopback(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

impl Receiver {
    pub(crate) async fn start(threads: usize) -> Result<Self> {
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let mut command = Command::new(program);
        command.args(["receiver", "--threads", &threads.to_string()]);
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
        let output = child.stdout.take().context("the receiver's output is a pipe")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ports: Ports = serde_json::from_str(&line).context("the receiver did not start")?;
        let control = Connection::open(loopback(ports.control)).await?;
        Ok(Self { child, ports, control })
    }

    /// The address of a slot, as a stream's endpoint.
    pub(crate) fn url(&self, slot: usize) -> String {
        format!("http://{}/{slot}", loopback(self.ports.deliveries))
    }

    /// The receiver as a target of the bare load generator.
    pub(crate) fn target(&self) -> Target {
        Target {
            address: loopback(self.ports.deliveries),
            path: "/0",
            headers: HeaderMap::new(),
            accepts: StatusCode::NO_CONTENT,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn call(&mut self, method: Method, path: &str, body: Bytes) -> Result<Bytes> {
        let request = Request::builder().method(method).uri(path).body(Full::new(body))?;
        let answer = self.control.call(request).await.context("the receiver's control port is gone")?;
        if answer.status != StatusCode::OK {
            bail!("the receiver answered {} to {path}: {}", answer.status, answer.excerpt());
        }
        Ok(answer.body)
    }

    async fn ask<T: DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        Ok(serde_json::from_slice(&self.call(Method::GET, path, Bytes::new()).await?)?)
    }

    async fn tell<T: Serialize>(&mut self, path: &str, what: &T) -> Result<()> {
        self.call(Method::POST, path, serde_json::to_vec(what)?.into()).await.map(drop)
    }

    /// Forgets what was counted, and records this from now on.
    pub(crate) async fn reset(&mut self, records: Records) -> Result<()> {
        self.tell("/reset", &Reset { records }).await
    }

    /// Sets the mode of `count` slots from `first` on.
    pub(crate) async fn set_mode(&mut self, first: usize, count: usize, mode: Mode) -> Result<()> {
        self.tell("/mode", &SetMode { first, count, mode }).await
    }

    pub(crate) async fn count(&mut self) -> Result<Count> {
        self.ask("/count").await
    }

    pub(crate) async fn latencies_us(&mut self) -> Result<Vec<u32>> {
        self.ask("/latencies").await
    }

    /// Waits until so many requests have come.
    ///
    /// # Errors
    /// If none comes for a while, or if more come than were expected.
    pub(crate) async fn wait_for(&mut self, requests: u64) -> Result<Count> {
        let count = self.wait_until(requests, |count| count.requests).await?;
        if count.requests > requests {
            bail!("{} requests came, {requests} were expected", count.requests);
        }
        Ok(count)
    }

    /// Waits until so many requests have come, or a few more.
    pub(crate) async fn wait_for_at_least(&mut self, requests: u64) -> Result<Count> {
        self.wait_until(requests, |count| count.requests).await
    }

    /// Waits until so many requests have come to one slot.
    pub(crate) async fn wait_for_slot(&mut self, slot: usize, requests: u64) -> Result<Count> {
        self.wait_until(requests, |count| count.slots[slot]).await
    }

    /// Waits until nothing comes any more: what was in flight to a stream that is gone.
    pub(crate) async fn wait_until_still(&mut self) -> Result<()> {
        let mut come = (u64::MAX, now_ns());
        while Duration::from_nanos(now_ns().saturating_sub(come.1)) < STILL_AFTER_ALL {
            let requests = self.count().await?.requests;
            if requests != come.0 {
                come = (requests, now_ns());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// How these events fare now.
    pub(crate) async fn events(&mut self, numbers: &[u64]) -> Result<Missing> {
        let fared = self.call(Method::POST, "/missing", bits_of(numbers)).await?;
        Ok(serde_json::from_slice(&fared)?)
    }

    async fn wait_until(&mut self, requests: u64, figure: impl Fn(&Count) -> u64) -> Result<Count> {
        let mut grown = (0, now_ns());
        loop {
            let count = self.count().await?;
            let come = figure(&count);
            if come >= requests {
                return Ok(count);
            }
            if come > grown.0 {
                grown = (come, now_ns());
            }
            if Duration::from_nanos(now_ns() - grown.1) > STILL_MAX {
                bail!("{come} of {requests} requests came, then none for {} s", STILL_MAX.as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until every event of this set has come and no more do, or until none comes any more; answers how
    /// they fared.
    pub(crate) async fn wait_for_events(&mut self, numbers: &[u64]) -> Result<Missing> {
        let bits = bits_of(numbers);
        let mut grown = (0, now_ns());
        loop {
            let fared = self.call(Method::POST, "/missing", bits.clone()).await?;
            let fared: Missing = serde_json::from_slice(&fared)?;
            let come = fared.received + fared.repeated;
            if come > grown.0 {
                grown = (come, now_ns());
            }
            let still_max = if fared.missing == 0 { STILL_AFTER_ALL } else { STILL_MAX };
            if Duration::from_nanos(now_ns() - grown.1) > still_max {
                return Ok(fared);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

fn bits_of(numbers: &[u64]) -> Bytes {
    let mut bits = Vec::new();
    for number in numbers {
        let Ok(byte) = usize::try_from(number / 8) else { continue };
        if bits.len() <= byte {
            bits.resize(byte + 1, 0_u8);
        }
        bits[byte] |= 1 << (number % 8);
    }
    bits.into()
}
