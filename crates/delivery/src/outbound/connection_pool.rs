//! The connections of one stream that wait for requests. No other stream ever sees them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::connection::Connection;
use super::shared_connection::SharedConnection;

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
    /// Where HTTP/2 is wanted.
    shared: Option<SharedConnection>,
}

impl ConnectionPool {
    pub(super) fn new(limits: PoolLimits, http2: bool) -> Self {
        let shared = http2.then(|| SharedConnection::new(limits));
        Self { limits, idle: Mutex::default(), shared }
    }

    /// The connection that requests share, where HTTP/2 is wanted.
    pub(super) const fn shared(&self) -> Option<&SharedConnection> {
        self.shared.as_ref()
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
        before - idle.len() + self.shared.as_ref().map_or(0, |shared| shared.close_idle(now))
    }

    fn is_over(&self, connection: &Connection, now: Duration) -> bool {
        now.saturating_sub(connection.idle_since) >= self.limits.idle_for_max
            || now.saturating_sub(connection.opened_at) >= self.limits.age_max
    }
}
