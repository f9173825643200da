//! Sorting (RFC 7644, 3.4.2.3).

use std::cmp::Ordering;

use serde_json::Value;

use super::ScimPath;
use super::filter::order;

/// What resources are sorted by.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimSort {
    /// The attribute: of one with several values, the primary one or the first.
    pub path: ScimPath,
    /// Whether the last comes first.
    pub is_descending: bool,
}

impl ScimSort {
    /// Sorts resources. What has no value comes last, or first if the last comes first; what is equal stays in its order.
    pub fn apply(&self, resources: &mut [Value]) {
        resources.sort_by(|left, right| {
            let found = match (self.value(left), self.value(right)) {
                (Some(left), Some(right)) => order(left, right).unwrap_or(Ordering::Equal),
                (left, right) => right.is_some().cmp(&left.is_some()),
            };
            if self.is_descending { found.reverse() } else { found }
        });
    }

    fn value<'a>(&self, resource: &'a Value) -> Option<&'a Value> {
        let value = self.path.value(resource.as_object()?)?;
        Some(value.get("value").unwrap_or(value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resources_are_sorted_and_those_without_the_attribute_come_last() {
        let resources =
            [json!({"n": 1, "name": "b"}), json!({"n": 2}), json!({"n": 3, "name": "A"}), json!({"n": 4, "name": "B"})];
        let sorted = |path: &str, is_descending| {
            let mut resources = resources.clone();
            ScimSort { path: ScimPath::parse(path).unwrap(), is_descending }.apply(&mut resources);
            resources.iter().map(|resource| resource["n"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(sorted("name", false), [3, 1, 4, 2]);
        assert_eq!(sorted("name", true), [2, 1, 4, 3]);
        assert_eq!(sorted("n", true), [4, 3, 2, 1]);
    }
}
