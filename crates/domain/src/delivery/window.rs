//! The bounded stretch of the log in which a stream's deliveries are unsettled.

use std::collections::BTreeSet;

use crate::event::Seq;

/// Everything below `frontier` has been looked at; of that, `open` is not settled yet.
///
/// The open positions are kept rather than a bitmap over the stretch: a stream that wants one event in a
/// thousand, with one of them waiting to be tried again, would need a bitmap as long as the log grows meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Window {
    frontier: Seq,
    open: BTreeSet<Seq>,
}

impl Window {
    pub(super) fn new(frontier: Seq, open: BTreeSet<Seq>) -> Self {
        debug_assert!(open.last().is_none_or(|last| *last < frontier), "open positions have been looked at");
        Self { frontier, open }
    }

    pub(super) fn frontier(&self) -> Seq {
        self.frontier
    }

    /// The lowest position that is not settled: the stream's cursor.
    pub(super) fn cursor(&self) -> Seq {
        self.open.first().copied().unwrap_or(self.frontier)
    }

    pub(super) fn open(&self) -> &BTreeSet<Seq> {
        &self.open
    }

    pub(super) fn admit(&mut self, seq: Seq) {
        debug_assert!(seq >= self.frontier, "positions are looked at once, in order");
        self.open.insert(seq);
        self.frontier = seq.next();
    }

    /// Everything below `frontier` has been looked at.
    pub(super) fn advance(&mut self, frontier: Seq) {
        self.frontier = self.frontier.max(frontier);
    }

    /// Everything below `frontier`, and nothing else, has been looked at.
    pub(super) fn seek(&mut self, frontier: Seq) {
        self.frontier = frontier;
        self.open.split_off(&frontier);
    }

    pub(super) fn settle(&mut self, seq: Seq) {
        let was_open = self.open.remove(&seq);
        debug_assert!(was_open, "a position is settled once");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_the_lowest_unsettled_position() {
        let mut window = Window::new(Seq(5), BTreeSet::new());
        assert_eq!(window.cursor(), Seq(5));
        window.admit(Seq(7));
        window.admit(Seq(9));
        assert_eq!((window.cursor(), window.frontier()), (Seq(7), Seq(10)));
        window.settle(Seq(7));
        assert_eq!(window.cursor(), Seq(9));
        window.settle(Seq(9));
        window.advance(Seq(20));
        assert_eq!(window.cursor(), Seq(20));
    }
}
