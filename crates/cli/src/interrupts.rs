//! Ctrl+C.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ctrl+C ends a command, unless the command says that it ends by itself.
#[derive(Debug, Default)]
pub struct Interrupts {
    taken_over: AtomicBool,
}

impl Interrupts {
    /// From now on Ctrl+C is the command's own concern: it waits for [`Interrupts::next`], and ends in good order.
    pub fn take_over(&self) {
        self.taken_over.store(true, Ordering::Relaxed);
    }

    /// Waits for the next Ctrl+C.
    pub async fn next(&self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // No signals here: then there is nothing to wait for.
            pending::<()>().await;
        }
    }

    /// Waits for a Ctrl+C that ends the command.
    pub(crate) async fn ending(&self) {
        loop {
            self.next().await;
            if !self.taken_over.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}
