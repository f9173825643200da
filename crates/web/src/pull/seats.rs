//! How many readers of each tenant are connected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::TenantId;

/// The seats that each tenant has for readers.
pub(crate) struct Seats {
    max: usize,
    taken: Mutex<HashMap<TenantId, usize>>,
}

/// One reader's seat. It is free again when this is dropped: when the answer ends, or whoever reads it has gone.
pub(super) struct Seat {
    seats: Arc<Seats>,
    tenant: TenantId,
}

impl Seats {
    /// So many for each tenant.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, taken: Mutex::default() }
    }

    /// Takes one; `None` if all are taken.
    pub(super) fn take(self: &Arc<Self>, tenant: TenantId) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(tenant).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Seat { seats: Arc::clone(self), tenant })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_its_own_and_nobody_is_remembered() {
        let seats = Arc::new(Seats::new(2));
        let first = seats.take(TenantId(1)).unwrap();
        let second = seats.take(TenantId(1)).unwrap();
        assert!(seats.take(TenantId(1)).is_none());
        let other = seats.take(TenantId(2)).unwrap();
        drop(first);
        let third = seats.take(TenantId(1)).unwrap();
        assert!(seats.take(TenantId(1)).is_none());
        drop((second, third, other));
        assert!(seats.taken.lock().unwrap().is_empty());
    }
}
