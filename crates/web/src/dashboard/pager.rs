//! Pages of a list by position: older, newer. A position stays where it is while entries come and go, so nothing is shown
//! twice or left out, and a page far back costs what the first one costs.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// How to get to the pages around this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pager {
    /// What is shown, in words: "214 failed deliveries".
    pub(crate) shown: String,
    /// The query of the page with newer entries, if there are any.
    pub(crate) newer: Option<String>,
    /// The query of the page with older entries, if there are any.
    pub(crate) older: Option<String>,
}

impl Pager {
    /// A pager for a page that says `shown` of itself; the other fields of `kept` stay in the queries.
    pub(crate) fn new(shown: impl Into<String>) -> Self {
        Self { shown: shown.into(), ..Self::default() }
    }

    /// There are older entries, before this position.
    #[must_use]
    pub(crate) fn with_older(self, kept: &[(&str, &str)], before: &str) -> Self {
        Self { older: Some(query(kept, "before", before)), ..self }
    }

    /// There are newer entries, after this position.
    #[must_use]
    pub(crate) fn with_newer(self, kept: &[(&str, &str)], after: &str) -> Self {
        Self { newer: Some(query(kept, "after", after)), ..self }
    }
}

fn query(kept: &[(&str, &str)], name: &str, position: &str) -> String {
    let last = (name, position);
    let filled = kept.iter().filter(|(_, value)| !value.is_empty());
    let pairs = filled.chain(std::iter::once(&last));
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{}={}", escaped(*name), escaped(*value))).collect();
    format!("?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stay() {
        let pager = Pager::new("1").with_older(&[("type", "user.created"), ("q", "")], "12 3");
        assert_eq!(pager.older.as_deref(), Some("?type=user%2Ecreated&before=12%203"));
        assert_eq!(pager.newer, None);
    }
}
