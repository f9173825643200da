//! Erasures of users that are under way beside full load.

use std::time::Duration;

use anyhow::{Result, bail};
use http_body_util::Full;
use hyper::{Request, StatusCode};
use tokio::sync::oneshot;

use super::{Bench, per_second};
use crate::bodies::{Kind, user_id};
use crate::clock::{now_ns, seconds_between};
use crate::connection::Connection;
use crate::load::Target;
use crate::receiver::Records;

/// How often one is asked for.
const EVERY: Duration = Duration::from_millis(50);
/// How long an erasure may take after the load.
const END_MAX: Duration = Duration::from_secs(60);
const END_POLL: Duration = Duration::from_millis(20);
/// What the server logs when there is nothing more to erase.
const ENDED: &str = "everything that was to be erased is erased";
/// The slot of the stream that shows what was erased.
const PROOF: usize = 1;

impl Bench {
    /// Full load beside erasures, to the same without; and that they end, with nothing left of those users.
    pub(super) async fn erasure(&mut self) -> Result<Vec<(&'static str, f64)>> {
        let mut session = self.session(&[]).await?;
        session.publish(self.in_bulk(), self.sizes.old, None).await?;
        let without = session.head(&mut self.receiver, Kind::Event, self.sizes.single).await?;
        let (stop, told) = oneshot::channel();
        let mut under_way = tokio::task::JoinSet::new();
        under_way.spawn(erase_until(told, session.server.target(Kind::Event)));
        let beside = session.head(&mut self.receiver, Kind::Event, self.sizes.single).await?;
        let ends_before = ends_in(&session.server.log());
        let _ = stop.send(());
        let Some(erased) = under_way.join_next().await else { bail!("the erasures were spawned") };
        let Erased { numbers, last_ns } = erased??;
        let ended_ns = loop {
            if ends_in(&session.server.log()) > ends_before {
                break now_ns();
            }
            if Duration::from_nanos(now_ns() - last_ns) > END_MAX {
                bail!("erasures do not end");
            }
            tokio::time::sleep(END_POLL).await;
        };
        self.receiver.reset(Records::Numbers).await?;
        session.stream_from_beginning(&self.receiver, PROOF).await?;
        self.receiver.wait_for_slot(PROOF, session.events()).await?;
        let left = per_second(numbers.len() as u64 - self.receiver.events(&numbers).await?.missing, 1.0);
        Ok(vec![
            ("erasure", beside.deliveries_per_s / without.deliveries_per_s),
            ("erasure_p99", beside.p99_ms / without.p99_ms),
            ("erasure_ends", seconds_between(last_ns, ended_ns)),
            ("erasure_left", left),
        ])
    }
}

/// The users whose erasure was accepted.
struct Erased {
    numbers: Vec<u64>,
    /// When the last of them was.
    last_ns: u64,
}

/// Asks for one erasure after another, and for a last one once it is told to end.
async fn erase_until(mut told: oneshot::Receiver<()>, target: Target) -> Result<Erased> {
    let mut connection = Connection::open(target.address).await?;
    let mut turns = tokio::time::interval(EVERY);
    let mut numbers = Vec::new();
    loop {
        let is_last = tokio::select! {
            _ = turns.tick() => false,
            _ = &mut told => true,
        };
        let number = numbers.len() as u64;
        let mut request =
            Request::delete(format!("/api/v2/users/{}?headwater.erase=true", user_id(number).replace('|', "%7C")))
                .body(Full::default())?;
        request.headers_mut().extend(target.headers.clone());
        let answer = connection.call(request).await?;
        if answer.status != StatusCode::NO_CONTENT {
            bail!("an erasure was refused with {}: {}", answer.status, answer.excerpt());
        }
        numbers.push(number);
        if is_last {
            return Ok(Erased { numbers, last_ns: now_ns() });
        }
    }
}

/// How often erasing has come to its end.
fn ends_in(log: &str) -> usize {
    log.matches(ENDED).count()
}
