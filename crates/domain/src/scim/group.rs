//! What a provider asks to become of a group, from a whole resource or from a partial change.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{PatchKind, PatchOperation, ScimDocument, ScimFault, ScimPath, ScimUserId};

/// How many members one request may name: each is an event.
const MEMBERS_MAX: usize = 10_000;
/// The longest name and external id.
const CHARS_MAX: usize = 255;

/// What is to become of a group; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupChanges {
    /// A new name.
    pub name: Option<String>,
    /// A new external id; none takes it away.
    pub external_id: Option<Option<String>>,
    /// Who joins and who leaves.
    pub members: MemberChanges,
}

/// Who joins and who leaves a group, whether they are members already or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberChanges {
    /// Whether all leave who do not join.
    pub cleared: bool,
    /// Who joins.
    pub joining: BTreeSet<ScimUserId>,
    /// Who leaves, besides.
    pub leaving: BTreeSet<ScimUserId>,
}

impl MemberChanges {
    fn join(&mut self, ids: Vec<ScimUserId>) {
        for id in ids {
            self.leaving.remove(&id);
            self.joining.insert(id);
        }
    }

    fn leave(&mut self, ids: Vec<ScimUserId>) {
        for id in ids {
            self.joining.remove(&id);
            self.leaving.insert(id);
        }
    }

    fn clear(&mut self) {
        *self = Self { cleared: true, ..Self::default() };
    }

    fn check(&self) -> Result<(), ScimFault> {
        if self.joining.len() + self.leaving.len() <= MEMBERS_MAX {
            return Ok(());
        }
        Err(ScimFault::value(format!("one request names at most {MEMBERS_MAX} members; send several")))
    }
}

impl GroupChanges {
    /// The whole resource takes the place of what is there.
    ///
    /// # Errors
    /// [`ScimFault`] that names what is missing or does not have its form.
    pub fn of_document(document: &ScimDocument) -> Result<Self, ScimFault> {
        let name = document.get("displayName").ok_or_else(|| ScimFault::value("displayName is required"))?;
        let mut members = MemberChanges { cleared: true, ..MemberChanges::default() };
        if let Some(given) = document.get("members") {
            members.join(member_ids(given)?);
        }
        members.check()?;
        let external_id = document.get("externalId").map(|id| text("externalId", id)).transpose()?;
        Ok(Self { name: Some(text("displayName", name)?), external_id: Some(external_id), members })
    }

    /// These operations, one after another.
    ///
    /// # Errors
    /// [`ScimFault`] for the first that cannot be done.
    pub fn of_operations(operations: Vec<PatchOperation>) -> Result<Self, ScimFault> {
        let mut changes = Self::default();
        for operation in operations {
            for (kind, path, value) in operation.with_paths()? {
                changes.add(kind, &path, value)?;
            }
        }
        changes.members.check()?;
        Ok(changes)
    }

    fn add(&mut self, kind: PatchKind, path: &ScimPath, value: Option<Value>) -> Result<(), ScimFault> {
        let value = value.filter(|value| !value.is_null());
        if path.is_of("members") {
            return self.add_members(kind, path, value);
        }
        if path.is_of("displayName") && path.filter().is_none() {
            let name = value.filter(|_| kind != PatchKind::Remove);
            let name = name.ok_or_else(|| ScimFault::value("displayName is required, so it cannot be removed"))?;
            self.name = Some(text("displayName", &name)?);
        } else if path.is_of("externalId") && path.filter().is_none() {
            let id = value.filter(|_| kind != PatchKind::Remove);
            self.external_id = Some(id.map(|id| text("externalId", &id)).transpose()?);
        } else if !["id", "meta", "schemas"].iter().any(|name| path.is_of(name)) {
            let detail = format!("a group has displayName, externalId and members, but not {path}");
            return Err(ScimFault::path(detail));
        }
        Ok(())
    }

    fn add_members(&mut self, kind: PatchKind, path: &ScimPath, value: Option<Value>) -> Result<(), ScimFault> {
        let named = value.as_ref().map(member_ids).transpose()?;
        match (kind, path.filter(), named) {
            (PatchKind::Remove, Some(_), _) => self.members.leave(filtered_ids(path)?),
            (PatchKind::Remove, None, Some(ids)) => self.members.leave(ids),
            (PatchKind::Remove, None, None) => self.members.clear(),
            (PatchKind::Add, None, Some(ids)) => self.members.join(ids),
            (PatchKind::Replace, None, ids) => {
                self.members.clear();
                self.members.join(ids.unwrap_or_default());
            }
            (PatchKind::Add, None, None) => {}
            (_, Some(_), _) => return Err(ScimFault::path("members can be added and replaced without a filter only")),
        }
        Ok(())
    }
}

fn text(name: &str, value: &Value) -> Result<String, ScimFault> {
    let fits = |text: &&str| !text.trim().is_empty() && text.chars().count() <= CHARS_MAX;
    let text = value.as_str().filter(fits).map(str::to_owned);
    text.ok_or_else(|| ScimFault::value(format!("{name} must be a text of 1 to {CHARS_MAX} characters")))
}

/// Members as they are listed: `[{"value": "…"}]`.
fn member_ids(members: &Value) -> Result<Vec<ScimUserId>, ScimFault> {
    let items = match members {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(members),
        _ => return Err(ScimFault::value("members must be a list of objects with a value each")),
    };
    if items.len() > MEMBERS_MAX {
        return Err(ScimFault::value(format!("one request names at most {MEMBERS_MAX} members; send several")));
    }
    let id_of = |(index, item): (usize, &Value)| {
        if item.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("group")) {
            return Err(ScimFault::value(format!("members[{index}] is a group: only users can be members")));
        }
        let id = item.get("value").and_then(Value::as_str);
        let id = id.ok_or_else(|| ScimFault::value(format!("members[{index}].value is required: the id of a user")))?;
        Ok(ScimUserId::from_text(id))
    };
    items.iter().enumerate().map(id_of).collect()
}

/// The member that a path such as `members[value eq "…"]` names.
fn filtered_ids(path: &ScimPath) -> Result<Vec<ScimUserId>, ScimFault> {
    let fault = || ScimFault::path(format!("expected a path such as members[value eq \"…\"], found: {path}"));
    let filter = path.filter().filter(|filter| filter.is_of_equalities()).ok_or_else(fault)?;
    match filter.equalities()[..] {
        [(name, Value::String(id))] if name.is_of("value") => Ok(vec![ScimUserId::from_text(id)]),
        _ => Err(fault()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation(kind: &str, path: Option<&str>, value: Value) -> PatchOperation {
        PatchOperation {
            kind: PatchKind::from_name(kind).unwrap(),
            path: path.map(|path| ScimPath::parse(path).unwrap()),
            value: Some(value),
        }
    }

    fn ids(names: &[&str]) -> BTreeSet<ScimUserId> {
        names.iter().map(|name| ScimUserId::from_text(*name)).collect()
    }

    #[test]
    fn operations_take_effect_one_after_another() {
        let changes = GroupChanges::of_operations(vec![
            operation("Add", Some("members"), json!([{"value": "a"}, {"value": "b", "display": "B"}])),
            operation("Remove", Some("members[value eq \"a\"]"), Value::Null),
            operation("Remove", Some("members"), json!([{"value": "c"}])),
            operation("replace", None, json!({"id": "grp_1", "displayName": "new"})),
        ]);
        let members = MemberChanges { cleared: false, joining: ids(&["b"]), leaving: ids(&["a", "c"]) };
        assert_eq!(changes.unwrap(), GroupChanges { name: Some("new".into()), external_id: None, members });
        let changes = GroupChanges::of_operations(vec![
            operation("add", Some("members"), json!({"value": "a"})),
            operation("replace", Some("members"), json!([{"value": "b"}])),
            operation("remove", Some("externalId"), Value::Null),
        ]);
        let members = MemberChanges { cleared: true, joining: ids(&["b"]), leaving: ids(&[]) };
        assert_eq!(changes.unwrap(), GroupChanges { name: None, external_id: Some(None), members });
        let all = GroupChanges::of_operations(vec![operation("remove", Some("members"), Value::Null)]).unwrap();
        assert!(all.members.cleared);
    }

    #[test]
    fn faults_say_what_was_expected() {
        let fault = |operation: PatchOperation| GroupChanges::of_operations(vec![operation]).unwrap_err();
        for (kind, path, value, scim_type) in [
            ("add", Some("members"), json!([{"value": "a", "type": "Group"}]), "invalidValue"),
            ("add", Some("members"), json!([{"display": "a"}]), "invalidValue"),
            ("add", Some("members[value eq \"a\"]"), json!([{"value": "a"}]), "invalidPath"),
            ("remove", Some("members[display eq \"a\"]"), Value::Null, "invalidPath"),
            ("remove", Some("displayName"), Value::Null, "invalidValue"),
            ("replace", Some("displayName"), json!(" "), "invalidValue"),
            ("replace", Some("title"), json!("x"), "invalidPath"),
            ("remove", None, json!({}), "noTarget"),
        ] {
            let found = fault(operation(kind, path, value));
            assert_eq!(found.scim_type, scim_type, "{path:?}: {found}");
        }
        let many: Vec<Value> = (0..=MEMBERS_MAX).map(|number| json!({"value": number.to_string()})).collect();
        assert_eq!(fault(operation("add", Some("members"), json!(many))).scim_type, "invalidValue");
    }
}
