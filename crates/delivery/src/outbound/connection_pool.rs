//! The idle connections of one stream. No other stream ever sees them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::connection::Connection;

/// How many connections may wait, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolLimits {
    pub(super) idle_max: usize,
    pub(super) idle_for_max: Duration,
    pub(super) age_max: Duration,
}

/// Connections that wait for their next request; the one used last is used next, so that the others can end.
pub(super) struct ConnectionPool {
    limits: PoolLimits,
    #[expect(clippy::vec_box, reason = "a connection moves in and out with every request; its box does not")]
    idle: Mutex<Vec<Box<Connection>>>,
}

impl ConnectionPool {
    pub(super) const fn new(limits: PoolLimits) -> Self {
        Self { limits, idle: Mutex::new(Vec::new()) }
    }

    /// A connection that looks usable. The other side may have closed it all the same.
    pub(super) fn take(&self, now: Duration) -> Option<Box<Connection>> {
        loop {
            let mut connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if !self.is_over(&connection, now) && connection.is_usable() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request, if it can take one.
    pub(super) fn put(&self, mut connection: Box<Connection>, now: Duration) {
        connection.idle_since = now;
        if self.is_over(&connection, now) || !connection.is_usable() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.limits.idle_max {
            idle.push(connection);
        }
    }

    /// Closes connections that have waited too long or were closed by the other side; how many.
    pub(super) fn close_idle(&self, now: Duration) -> usize {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let before = idle.len();
        idle.retain_mut(|connection| !self.is_over(connection, now) && connection.is_usable());
        before - idle.len()
    }

    fn is_over(&self, connection: &Connection, now: Duration) -> bool {
        now.saturating_sub(connection.idle_since) >= self.limits.idle_for_max
            || now.saturating_sub(connection.opened_at) >= self.limits.age_max
    }
}
