//! Lists that can be paged both ways: by number, or by checkpoint (management-api.md 1.4).

use axum::response::Response;
use serde::Serialize;
use store::{Numbered, Slice};

use super::listing;
use super::query::{Checkpoint, Cursor, Offset, QueryReader, next_of};
use super::reader::Invalid;

/// The number of the entry that a page ended with.
pub(crate) struct Number(u64);

impl Cursor for Number {
    fn to_text(&self) -> String {
        self.0.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// How a caller pages.
pub(crate) enum Paging {
    /// `page`, `per_page`, `include_totals`.
    Offset(Offset),
    /// `take`, `from`.
    Checkpoint(Checkpoint<Number>),
}

impl Paging {
    /// Reads how; `take` or `from` say that it is by checkpoint.
    pub(crate) fn read(query: &QueryReader) -> Result<Self, Invalid> {
        if query.wants_checkpoint() {
            query.checkpoint().map(Self::Checkpoint)
        } else {
            query.offset().map(Self::Offset)
        }
    }

    /// What to read: by checkpoint one entry more, which tells whether more follow.
    pub(crate) fn slice(&self) -> Slice {
        match self {
            Self::Offset(offset) => Slice { after: 0, offset: offset.page.offset, limit: offset.page.limit },
            Self::Checkpoint(checkpoint) => {
                let after = checkpoint.after.as_ref().map_or(0, |number| number.0);
                Slice { after, offset: 0, limit: checkpoint.take + 1 }
            }
        }
    }

    /// Whether the answer says how many entries there are.
    pub(crate) fn wants_total(&self) -> bool {
        matches!(self, Self::Offset(offset) if offset.include_totals)
    }

    /// Answers what was read; `total` is there if it is wanted.
    pub(crate) fn answer<T, W: Serialize>(
        self,
        plural: &'static str,
        mut found: Vec<Numbered<T>>,
        total: Option<u64>,
        to_wire: impl Fn(T) -> W,
    ) -> Response {
        match self {
            Self::Offset(offset) => {
                let items: Vec<W> = found.into_iter().map(|each| to_wire(each.value)).collect();
                listing::by_offset(plural, offset.page, total, &items)
            }
            Self::Checkpoint(checkpoint) => {
                let take = checkpoint.take as usize;
                let more = found.len() > take;
                found.truncate(take);
                let next = found.last().filter(|_| more).map(|last| next_of(&Number(last.number)));
                let items: Vec<W> = found.into_iter().map(|each| to_wire(each.value)).collect();
                listing::by_checkpoint(plural, &items, next)
            }
        }
    }
}
