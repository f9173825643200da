//! The shapes of lists (management-api.md 1.4).

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use store::Page;

use super::answer;

/// A page by number: a bare list, or an object with the total.
pub(crate) fn by_offset<T: Serialize>(plural: &'static str, page: Page, total: Option<u64>, items: &[T]) -> Response {
    match total {
        None => answer::json(StatusCode::OK, &items),
        Some(total) => answer::json(StatusCode::OK, &Totals { plural, page, total, length: None, items }),
    }
}

/// As [`by_offset`], with the number of entries on this page.
pub(crate) fn by_offset_with_length<T: Serialize>(
    plural: &'static str,
    page: Page,
    total: Option<u64>,
    items: &[T],
) -> Response {
    match total {
        None => answer::json(StatusCode::OK, &items),
        Some(total) => answer::json(StatusCode::OK, &Totals { plural, page, total, length: Some(items.len()), items }),
    }
}

/// A page by checkpoint: an object, with `next` only while more follow.
pub(crate) fn by_checkpoint<T: Serialize>(plural: &'static str, items: &[T], next: Option<String>) -> Response {
    answer::json(StatusCode::OK, &Checkpointed { plural, items, next })
}

struct Totals<'a, T> {
    plural: &'static str,
    page: Page,
    total: u64,
    length: Option<usize>,
    items: &'a [T],
}

impl<T: Serialize> Serialize for Totals<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start", &self.page.offset)?;
        map.serialize_entry("limit", &self.page.limit)?;
        if let Some(length) = self.length {
            map.serialize_entry("length", &length)?;
        }
        map.serialize_entry(self.plural, self.items)?;
        map.serialize_entry("total", &self.total)?;
        map.end()
    }
}

struct Checkpointed<'a, T> {
    plural: &'static str,
    items: &'a [T],
    next: Option<String>,
}

impl<T: Serialize> Serialize for Checkpointed<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.plural, self.items)?;
        if let Some(next) = &self.next {
            map.serialize_entry("next", next)?;
        }
        map.end()
    }
}
