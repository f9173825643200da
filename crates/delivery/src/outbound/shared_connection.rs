//! The HTTP/2 connection that a stream's requests share, where its receiver speaks that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as TurnMutex, MutexGuard as Turn};
use tokio::task::JoinSet;

use super::connection_pool::PoolLimits;
use super::connector::Protocol;
use super::http2::Http2Connection;

/// One stream's connection, and the tasks that drive it and those before it that still have answers to bring.
pub(super) struct SharedConnection {
    limits: PoolLimits,
    /// Held by whoever connects while the others wait for the same connection.
    turn: TurnMutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Arc<Http2Connection>>,
    /// When the current one was last taken.
    used_at: Duration,
    /// What the receiver agreed to the last time.
    spoken: Option<Protocol>,
    /// Dropping it closes all connections.
    drivers: JoinSet<()>,
}

impl SharedConnection {
    pub(super) fn new(limits: PoolLimits) -> Self {
        Self { limits, turn: TurnMutex::default(), state: Mutex::default() }
    }

    /// The connection, if there is one that takes requests.
    pub(super) fn take(&self, now: Duration) -> Option<Arc<Http2Connection>> {
        let mut state = self.state();
        let current = state.current.clone()?;
        if self.is_over(&state, &current, now) {
            state.current = None;
            return None;
        }
        state.used_at = now;
        Some(current)
    }

    /// Waits to be the one who connects, unless the receiver does not share connections: then all connect at once.
    pub(super) async fn turn(&self) -> Option<Turn<'_, ()>> {
        if self.state().spoken == Some(Protocol::Http1) { None } else { Some(self.turn.lock().await) }
    }

    /// Remembers what the receiver agreed to.
    pub(super) fn spoken(&self, protocol: Protocol) {
        self.state().spoken = Some(protocol);
    }

    /// Takes over a connection that was just made, with what drives it.
    pub(super) fn put<F>(&self, connection: Http2Connection, driver: F, now: Duration) -> Arc<Http2Connection>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let connection = Arc::new(connection);
        let mut state = self.state();
        while state.drivers.try_join_next().is_some() {}
        state.drivers.spawn(driver);
        state.current = Some(Arc::clone(&connection));
        state.used_at = now;
        connection
    }

    /// Closes the connection if nobody uses it any more; how many it closed.
    pub(super) fn close_idle(&self, now: Duration) -> usize {
        let mut state = self.state();
        while state.drivers.try_join_next().is_some() {}
        let over = state.current.as_ref().is_some_and(|current| self.is_over(&state, current, now));
        if over {
            state.current = None;
        }
        usize::from(over)
    }

    fn is_over(&self, state: &State, connection: &Http2Connection, now: Duration) -> bool {
        let idle_too_long = now.saturating_sub(state.used_at) >= self.limits.idle_for_max && connection.is_idle();
        idle_too_long || now.saturating_sub(connection.opened_at) >= self.limits.age_max || !connection.is_usable()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
