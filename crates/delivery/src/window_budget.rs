//! What the windows of all streams hold in memory together. Each has a limit of its own; where many are full, each
//! is left an equal share of what there is for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What there is for all windows, and how much of it is used.
pub(crate) struct WindowBudget {
    bytes_max: usize,
    bytes: AtomicUsize,
    windows: AtomicUsize,
}

impl WindowBudget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, bytes: AtomicUsize::new(0), windows: AtomicUsize::new(0) })
    }

    /// One more window, empty, which may hold so much where there is enough for all.
    pub(crate) fn window(self: &Arc<Self>, bytes_max: usize) -> WindowShare {
        self.windows.fetch_add(1, Ordering::Relaxed);
        WindowShare { budget: Arc::clone(self), bytes_max, bytes: 0 }
    }
}

/// The part of one window. Dropping it gives it back.
pub(crate) struct WindowShare {
    budget: Arc<WindowBudget>,
    bytes_max: usize,
    bytes: usize,
}

impl WindowShare {
    /// The window holds so much now.
    pub(crate) fn hold(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes > before {
            self.budget.bytes.fetch_add(bytes - before, Ordering::Relaxed);
        } else if bytes < before {
            self.budget.bytes.fetch_sub(before - bytes, Ordering::Relaxed);
        }
    }

    /// How many bytes more may be taken in now. As with the limit of one window, the last event may go beyond.
    pub(crate) fn room(&self) -> usize {
        self.limit().saturating_sub(self.bytes)
    }

    /// Whether at least half of it is free: who reads for itself waits for that, so that it reads large pieces.
    pub(crate) fn is_half_free(&self) -> bool {
        self.bytes <= self.limit() / 2
    }

    fn limit(&self) -> usize {
        let budget = &self.budget;
        if budget.bytes.load(Ordering::Relaxed) < budget.bytes_max {
            return self.bytes_max;
        }
        let share = budget.bytes_max / budget.windows.load(Ordering::Relaxed).max(1);
        self.bytes_max.min(share.max(1))
    }
}

impl Drop for WindowShare {
    fn drop(&mut self) {
        self.hold(0);
        self.budget.windows.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_hold_what_is_its_own_until_all_are_too_much() {
        let budget = WindowBudget::new(100);
        let (mut one, mut other) = (budget.window(60), budget.window(60));
        one.hold(50);
        assert_eq!((one.room(), other.room()), (10, 60));
        other.hold(60);
        assert_eq!((one.room(), other.room()), (0, 0), "each has its half of a hundred, or more");
        one.hold(20);
        assert_eq!((one.room(), other.room()), (40, 0));
    }

    #[test]
    fn one_that_holds_little_has_room_whatever_the_others_hold() {
        let budget = WindowBudget::new(100);
        let mut greedy: Vec<_> = (0..9).map(|_| budget.window(60)).collect();
        greedy.iter_mut().for_each(|window| window.hold(60));
        let mut modest = budget.window(60);
        assert_eq!((modest.room(), modest.is_half_free()), (10, true));
        modest.hold(6);
        assert_eq!((modest.room(), modest.is_half_free()), (4, false));
        assert!(greedy.iter().all(|window| window.room() == 0));
        greedy.truncate(1);
        assert_eq!(modest.room(), 54, "what is dropped is given back");
    }

    #[test]
    fn what_all_hold_is_bounded() {
        let budget = WindowBudget::new(1000);
        let mut windows: Vec<_> = (0..7).map(|_| budget.window(400)).collect();
        for _ in 0..100 {
            for window in &mut windows {
                if window.room() > 0 {
                    window.hold(window.bytes + 10);
                }
            }
        }
        let bytes = budget.bytes.load(Ordering::Relaxed);
        assert!((1000..2000).contains(&bytes), "{bytes}");
        assert_eq!(bytes, windows.iter().map(|window| window.bytes).sum::<usize>());
    }
}
