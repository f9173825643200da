//! A server that is killed under load and started again: what was accepted arrives, and how soon.

use anyhow::{Result, bail};

use super::{Bench, per_second};
use crate::clock::{now_ns, seconds_between};
use crate::load;
use crate::receiver::Records;
use crate::server::NewStream;

impl Bench {
    pub(super) async fn recovery(&mut self) -> Result<Vec<(&'static str, f64)>> {
        let kind = self.one_by_one();
        let mut session = self.session(&[]).await?;
        session.server.stream_create(NewStream::to(&self.receiver.url(0))).await?;
        self.receiver.reset(Records::Numbers).await?;
        // More than are sent until the end.
        let amount = session.amount(kind, 100 * self.sizes.crash, None);
        let target = session.server.target(kind);
        let mut under_load = tokio::task::JoinSet::new();
        under_load.spawn(load::run_until_gone(target, kind, amount));
        self.receiver.wait_for_at_least(self.sizes.crash).await?;
        session.server.kill()?;
        let killed_ns = now_ns();
        let Some(done) = under_load.join_next().await else { bail!("the load was spawned") };
        let accepted = done??.accepted;
        session.server.restart().await?;
        let fared = self.receiver.wait_for_events(&accepted).await?;
        let whole = |count: u64| per_second(count, 1.0);
        Ok(vec![
            ("recovery", seconds_between(session.server.ready_ns, fared.last_ns)),
            ("recovery_lost", whole(fared.missing)),
            ("recovery_repeated", whole(fared.repeated)),
            ("recovery_ready", seconds_between(killed_ns, session.server.ready_ns)),
        ])
    }
}
