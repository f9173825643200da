//! Changes of actions. They raise nothing.

use super::{Change, Expect, Revision, StreamPatch, Versioned, Write, stream_update};
use crate::action::{Action, ActionVersion, Build, Program};
use crate::clock::{Entropy, Timestamp};
use crate::ids::{ActionId, ActionVersionId, StreamId};
use crate::stream::{EventStream, StreamStatus};

/// A write about actions.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionWrite {
    /// Creates or changes an action: all of it but its versions.
    Put(Expect, Box<Action>),
    /// Nothing, if the tenant has fewer actions than this; else the change is refused.
    Below(u32),
    /// Adds a version, which is to run from now on, and forgets the oldest if there are too many.
    VersionAdd(ActionId, Box<ActionVersion>),
    /// Nothing, if exactly these streams, in the order of their ids, have the action as their destination.
    UsedBy(ActionId, Vec<StreamId>),
    /// Removes an action with its versions.
    Delete(Revision, ActionId),
}

impl From<ActionWrite> for Write {
    fn from(write: ActionWrite) -> Self {
        Self::Action(write)
    }
}

impl From<ActionWrite> for Change {
    fn from(write: ActionWrite) -> Self {
        Write::from(write).into()
    }
}

/// An action is created, one of at most `actions_max`.
pub fn action_create(action: Action, actions_max: u32) -> Change {
    let writes = [ActionWrite::Below(actions_max), ActionWrite::Put(Expect::Absent, Box::new(action))];
    Change { writes: writes.map(Write::from).into(), events: Vec::new() }
}

/// An action is created, one of at most `actions_max`, and its draft becomes what runs.
///
/// # Errors
/// [`NotBuilt`] if the draft has not been looked at, or cannot run: then nothing is created.
pub fn action_create_deployed(
    action: Action,
    actions_max: u32,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(Action, Change), NotBuilt> {
    let program = built(&action)?.clone();
    let (action, version) = with_version(action, program, now, entropy);
    let mut change = action_create(action.clone(), actions_max);
    change.writes.push(ActionWrite::VersionAdd(action.id, Box::new(version)).into());
    Ok((action, change))
}

/// A draft that cannot be deployed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the draft is not built")]
pub struct NotBuilt;

/// The draft of an action becomes what runs.
///
/// # Errors
/// [`NotBuilt`] if it has not been looked at, or cannot run.
pub fn action_deploy(
    stored: &Versioned<Action>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(Action, Change), NotBuilt> {
    let program = built(&stored.value)?.clone();
    Ok(deployed(stored, stored.value.clone(), program, now, entropy))
}

/// What an earlier version says becomes what runs, as a new version; and the draft too, if `update_draft` says so.
pub fn action_roll_back(
    stored: &Versioned<Action>,
    version: &ActionVersion,
    update_draft: bool,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> (Action, Change) {
    let mut action = stored.value.clone();
    if update_draft && action.draft != version.program {
        action.draft = version.program.clone();
        // Only what was built has ever become a version.
        action.build = Build::Built { at: now };
        action.updated_at = now;
    }
    deployed(stored, action, version.program.clone(), now, entropy)
}

/// The draft of an action that is built.
const fn built(action: &Action) -> Result<&Program, NotBuilt> {
    match action.build {
        Build::Built { .. } => Ok(&action.draft),
        Build::Pending | Build::Failed { .. } => Err(NotBuilt),
    }
}

/// The action with another version of it, which runs.
fn with_version(
    mut action: Action,
    program: Program,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> (Action, ActionVersion) {
    action.versions += 1;
    let id = ActionVersionId::generate(entropy);
    let version = ActionVersion { id, number: action.versions, program, created_at: now };
    action.deployed = Some(version.clone());
    (action, version)
}

fn deployed(
    stored: &Versioned<Action>,
    action: Action,
    program: Program,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> (Action, Change) {
    let (action, version) = with_version(action, program, now, entropy);
    let add = ActionWrite::VersionAdd(action.id, Box::new(version));
    let put = ActionWrite::Put(Expect::At(stored.revision), Box::new(action.clone()));
    (action, Change { writes: vec![add.into(), put.into()], events: Vec::new() })
}

/// An action is removed while `streams` have it as their destination: they are disabled, and miss what is raised.
pub fn action_delete(stored: &Versioned<Action>, streams: &[Versioned<EventStream>], now: Timestamp) -> Change {
    let id = stored.value.id;
    let used_by = ActionWrite::UsedBy(id, streams.iter().map(|stream| stream.value.id).collect());
    let disable = StreamPatch { status: Some(StreamStatus::Disabled), ..StreamPatch::default() };
    let disabled = streams.iter().filter_map(|stream| stream_update(stream, disable.clone(), now));
    let mut writes = vec![used_by.into()];
    writes.extend(disabled.flat_map(|(_, change)| change.writes));
    writes.push(ActionWrite::Delete(stored.revision, id).into());
    Change { writes, events: Vec::new() }
}

/// A stream is removed whose destination is `action`, and with it the action unless one of `others` uses it too.
pub fn action_stream_delete(
    stream: &Versioned<EventStream>,
    action: ActionId,
    found: Option<&Versioned<Action>>,
    others: Vec<StreamId>,
) -> Change {
    let unused = others.is_empty();
    let mut writes = vec![
        Write::StreamDelete(stream.revision, stream.value.id),
        // Two streams that are removed at once must not both leave the action to the other.
        ActionWrite::UsedBy(action, others).into(),
    ];
    writes.extend(found.filter(|_| unused).map(|found| ActionWrite::Delete(found.revision, action).into()));
    Change { writes, events: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ActionPatch;
    use crate::subscription::tests::stream;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn with_code(code: &str, entropy: &Counting) -> Versioned<Action> {
        let patch = ActionPatch { code: Some(code.to_owned()), ..ActionPatch::default() };
        let action = Action::new("sync".to_owned(), at(1), entropy).patched(patch, at(1)).unwrap();
        Versioned { revision: Revision(1), value: Action { build: Build::Built { at: at(1) }, ..action } }
    }

    #[test]
    fn deploying_takes_a_snapshot_of_the_draft() {
        let entropy = Counting(0.into());
        let stored = with_code("one", &entropy);
        let (action, change) = action_deploy(&stored, at(2), &entropy).unwrap();
        assert!(action.all_changes_deployed());
        let version = action.deployed.clone().unwrap();
        assert_eq!((version.number, version.program.code.as_str(), version.created_at), (1, "one", at(2)));
        let put = ActionWrite::Put(Expect::At(Revision(1)), Box::new(action.clone()));
        assert_eq!(change.writes, [ActionWrite::VersionAdd(action.id, Box::new(version)).into(), put.into()]);
    }

    #[test]
    fn what_is_not_built_is_not_deployed() {
        let entropy = Counting(0.into());
        let mut stored = with_code("one", &entropy);
        for build in [Build::Pending, Build::Failed { reason: "SyntaxError".to_owned() }] {
            stored.value.build = build;
            assert_eq!(action_deploy(&stored, at(2), &entropy), Err(NotBuilt));
        }
    }

    #[test]
    fn rolling_back_makes_a_new_version_and_leaves_the_draft_unless_asked() {
        let entropy = Counting(0.into());
        let (first, _) = action_deploy(&with_code("one", &entropy), at(2), &entropy).unwrap();
        let version = first.deployed.clone().unwrap();
        let patch = ActionPatch { code: Some("two".to_owned()), ..ActionPatch::default() };
        let stored = Versioned { revision: Revision(3), value: first.patched(patch, at(3)).unwrap() };
        let (back, _) = action_roll_back(&stored, &version, false, at(4), &entropy);
        let deployed = back.deployed.clone().unwrap();
        assert_eq!((deployed.number, deployed.program.code.as_str()), (2, "one"));
        assert_ne!(deployed.id, version.id);
        assert_eq!((back.draft.code.as_str(), back.all_changes_deployed()), ("two", false));
        let (back, _) = action_roll_back(&stored, &version, true, at(4), &entropy);
        assert_eq!((back.draft.code.as_str(), back.all_changes_deployed()), ("one", true));
        assert_eq!(back.build.status(), "built");
    }

    #[test]
    fn deleting_an_action_disables_the_streams_that_use_it() {
        let stored = with_code("one", &Counting(0.into()));
        let enabled = Versioned { revision: Revision(7), value: stream(StreamStatus::Enabled) };
        let change = action_delete(&stored, std::slice::from_ref(&enabled), at(5));
        let [used_by, disabled, deleted] = change.writes.try_into().unwrap();
        assert_eq!(used_by, ActionWrite::UsedBy(stored.value.id, vec![enabled.value.id]).into());
        let Write::StreamPut(Expect::At(Revision(7)), put) = disabled else { panic!("{disabled:?}") };
        assert_eq!(put.status, StreamStatus::Disabled);
        assert_eq!(deleted, ActionWrite::Delete(Revision(1), stored.value.id).into());
    }

    #[test]
    fn an_action_goes_with_its_last_stream() {
        let action = with_code("one", &Counting(0.into()));
        let id = action.value.id;
        let stored = Versioned { revision: Revision(7), value: stream(StreamStatus::Enabled) };
        let is_deleted = |others: Vec<StreamId>| {
            let change = action_stream_delete(&stored, id, Some(&action), others);
            change.writes.contains(&ActionWrite::Delete(Revision(1), id).into())
        };
        assert!(is_deleted(Vec::new()));
        assert!(!is_deleted(vec![StreamId::from_number(9)]));
    }
}
