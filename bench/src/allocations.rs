//! Heap allocations of the server for each delivery, counted by valgrind.
//!
//! A server under valgrind is slow, but what it allocates is the same. It is started again over the same data for each
//! amount of events; what differs between two lives is divided by the events that differ.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::bodies::Kind;
use crate::receiver::{Receiver, Records};
use crate::rows::{Bench, per_second};
use crate::server::{NewStream, Program, Server};
use crate::session::Session;

const VALGRIND: &str = "valgrind";
/// How many events every life has.
const WARM_UP: u64 = 200;
/// How many more one has than another.
const EVENTS: u64 = 1000;

impl Bench {
    /// Allocations for each event that is accepted and delivered: at full load and one at a time; and of those how
    /// many are for the delivery alone. Says why not where there is no valgrind.
    pub(crate) async fn allocations(&mut self) -> Result<Result<Vec<(&'static str, f64)>, String>> {
        if !is_there() {
            return Ok(Err("valgrind is not installed (apt-get install valgrind)".into()));
        }
        self.settle().await?;
        let kind = self.one_by_one();
        let log = self.work.join("valgrind.log");
        let log_option = format!("--log-file={}", log.display());
        // Nothing but its count: no checks, which cost time.
        let under = [VALGRIND, "--tool=memcheck", "--undef-value-errors=no", "--leak-check=no", &log_option];
        let program =
            Program { binary: self.binary.clone(), under: under.map(str::to_owned).to_vec(), ..Program::default() };
        let server = Server::start(program, &self.work).await?;
        let mut lives = Lives { session: Session::new(server, self.options.connections), log: &log };
        // The first life makes keys and tables.
        lives.begin_again().await?;
        let accepted = lives.per_event(&mut self.receiver, kind, EVENTS, 0).await?;
        lives.session.server.stream_create(NewStream::to(&self.receiver.url(0))).await?;
        let delivered = lives.per_event(&mut self.receiver, kind, EVENTS, 1).await?;
        lives.session.connections = 1;
        let one_by_one = lives.per_event(&mut self.receiver, kind, EVENTS, 1).await?;
        if delivered < 1.0 {
            bail!("valgrind sees no allocation for {EVENTS} deliveries: it cannot watch this server's allocator");
        }
        fs::remove_file(&log)?;
        Ok(Ok(vec![
            ("allocations", delivered),
            ("allocations_delivery", delivered - accepted),
            ("allocations_one", one_by_one),
        ]))
    }
}

/// A server that lives again and again.
struct Lives<'a> {
    session: Session,
    log: &'a Path,
}

impl Lives<'_> {
    /// Ends this life and begins another; answers how many allocations it had.
    async fn begin_again(&mut self) -> Result<u64> {
        self.session.server.stop().await?;
        let text = fs::read_to_string(self.log).with_context(|| format!("{} cannot be read", self.log.display()))?;
        let count = allocations_in(&text).context("valgrind did not say how much was allocated")?;
        self.session.server.restart().await?;
        Ok(count)
    }

    /// How many allocations each event costs that goes to so many streams.
    async fn per_event(&mut self, receiver: &mut Receiver, kind: Kind, events: u64, streams: u64) -> Result<f64> {
        let mut counts = [0; 2];
        for (count, events) in counts.iter_mut().zip([WARM_UP, WARM_UP + events]) {
            receiver.reset(Records::Nothing).await?;
            self.session.publish(kind, events, None).await?;
            receiver.wait_for(events * streams).await?;
            *count = self.begin_again().await?;
        }
        Ok(per_second(counts[1].saturating_sub(counts[0]), per_second(events, 1.0)))
    }
}

fn is_there() -> bool {
    let mut command = Command::new(VALGRIND);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// `==1==   total heap usage: 8,963 allocs, …`
fn allocations_in(log: &str) -> Option<u64> {
    let (_, rest) = log.split_once("total heap usage: ")?;
    let (count, _) = rest.split_once(" allocs")?;
    count.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_valgrind_says() {
        let log = "==1== HEAP SUMMARY:\n==1==   total heap usage: 1,008,963 allocs, 8,876 frees, 2 bytes allocated\n";
        assert_eq!(allocations_in(log), Some(1_008_963));
        assert_eq!(allocations_in("==1== Command: headwater"), None);
    }
}
