//! What may be sent: what comes with the log first, what is delivered beside it in a bounded share.

use std::collections::VecDeque;

use super::lanes::{BESIDE_EVERY, Flow, Ticket};

/// The entries whose turn it is in their lane, in the order in which it came.
///
/// New events are not held up by redeliveries, however many there are and however long their receiver takes: what is
/// delivered beside the log leaves a quarter of the requests in flight free; while new events wait to be sent it holds
/// no more than an eighth (one at least), and of what is sent one in [`BESIDE_EVERY`] is of it, so that it gets on.
#[derive(Debug, Default)]
pub(super) struct Ready {
    log: VecDeque<Ticket>,
    beside: VecDeque<Ticket>,
    passed: u32,
}

impl Ready {
    pub(super) fn push(&mut self, ticket: Ticket, flow: Flow) {
        match flow {
            Flow::Log => self.log.push_back(ticket),
            Flow::Beside => self.beside.push_back(ticket),
        }
    }

    /// The next to be sent, with `beside_in_flight` of `limit` requests in flight delivered beside the log.
    pub(super) fn pop(&mut self, beside_in_flight: usize, limit: usize) -> Option<Ticket> {
        let idle = self.log.is_empty();
        let share = if idle { limit - (limit / 4).max(1).min(limit) } else { limit / 8 };
        if beside_in_flight < share.max(1) && (idle || self.passed + 1 >= BESIDE_EVERY) && !self.beside.is_empty() {
            self.passed = 0;
            return self.beside.pop_front();
        }
        let next = self.log.pop_front()?;
        self.passed = (self.passed + 1).min(BESIDE_EVERY);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(log: u64, beside: u64) -> Ready {
        let mut ready = Ready::default();
        (0..log).for_each(|number| ready.push(Ticket(number), Flow::Log));
        (0..beside).for_each(|number| ready.push(Ticket(1000 + number), Flow::Beside));
        ready
    }

    /// Fills `limit` slots; answers how many of them are delivered beside the log.
    fn fill(ready: &mut Ready, limit: usize) -> (usize, usize) {
        let (mut all, mut beside) = (0, 0);
        while all < limit
            && let Some(ticket) = ready.pop(beside, limit)
        {
            all += 1;
            beside += usize::from(ticket.0 >= 1000);
        }
        (all, beside)
    }

    #[test]
    fn a_share_stays_free_for_what_comes_with_the_log() {
        assert_eq!(fill(&mut ready(0, 500), 64), (48, 48));
        assert_eq!(fill(&mut ready(500, 500), 64), (64, 8));
        assert_eq!(fill(&mut ready(0, 500), 2), (1, 1));
        assert_eq!(fill(&mut ready(0, 500), 1), (1, 1));
    }

    #[test]
    fn with_one_request_at_a_time_both_get_on() {
        let mut ready = ready(70, 20);
        let sent: Vec<bool> = std::iter::from_fn(|| ready.pop(0, 1)).map(|ticket| ticket.0 >= 1000).collect();
        assert_eq!(sent.len(), 90);
        assert_eq!(sent[..70].iter().filter(|beside| **beside).count(), 8);
    }
}
