//! A backlog that waits for one stream, and how fast that gets it.

use anyhow::Result;
use serde_json::json;

use super::{Bench, per_second};
use crate::clock::{now_ns, seconds_between};
use crate::process::{Used, peak_memory_bytes};
use crate::receiver::Mode;
use crate::server::{NewStream, Setting};

/// Long enough that no held delivery is given up while the backlog is made.
const PATIENT: &[Setting] = &[("HEADWATER_DELIVERY_TIMEOUT", "10m")];

/// What came out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    pub(crate) deliveries_per_s: f64,
    pub(crate) cpu_s_per_1000: f64,
    /// The most memory that the server ever held.
    pub(crate) peak_mib: f64,
}

impl Bench {
    /// Makes a backlog and drains it. A server that cannot start a stream in the past gets its stream first, whose
    /// receiver holds its answers until the backlog is there.
    pub(crate) async fn drain(&mut self, backlog: u64) -> Result<Drain> {
        self.settle().await?;
        let mut session = self.session(PATIENT).await?;
        let url = self.receiver.url(0);
        if !self.abilities.start_from {
            self.receiver.set_mode(0, 1, Mode::Hold).await?;
            session.server.stream_create(NewStream::to(&url)).await?;
        }
        session.publish(self.in_bulk(), backlog, None).await?;
        let used = Used::of(session.server.pid())?;
        let began_ns = now_ns();
        if self.abilities.start_from {
            let extension = Some(json!({"start_from": "beginning"}));
            session.server.stream_create(NewStream { extension, ..NewStream::to(&url) }).await?;
        } else {
            self.receiver.set_mode(0, 1, Mode::Normal).await?;
        }
        let count = self.receiver.wait_for(backlog).await?;
        let used = Used::of(session.server.pid())?.since(used);
        Ok(Drain {
            deliveries_per_s: per_second(backlog, seconds_between(began_ns, count.last_ns)),
            cpu_s_per_1000: used.cpu_s / per_second(backlog, 1000.0),
            peak_mib: per_second(peak_memory_bytes(session.server.pid())?, f64::from(1 << 20)),
        })
    }
}
