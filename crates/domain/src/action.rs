//! Actions: code of a tenant's own, which runs for each event of the streams that have it as their destination.
//!
//! What is edited is a draft. Deploying takes a snapshot of it, a version, which never changes; only the deployed
//! version runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{Entropy, Timestamp};
use crate::delivery::ConsoleLine;
use crate::ids::{ActionId, ActionVersionId};
use crate::secret::Secret;

/// The longest name, in characters.
pub const NAME_CHARS_MAX: usize = 255;
/// The longest code, in characters.
pub const CODE_CHARS_MAX: usize = 100_000;
/// How many secrets an action may have.
pub const SECRETS_MAX: usize = 30;
/// The longest name of a secret, in characters.
pub const SECRET_NAME_CHARS_MAX: usize = 128;
/// The longest secret, in characters.
pub const SECRET_VALUE_CHARS_MAX: usize = 4096;
/// How many versions of an action are kept: the newest, and the deployed one.
pub const VERSIONS_KEPT: u32 = 100;

/// The only trigger that actions of this server have.
pub const TRIGGER_ID: &str = "event-stream";
/// Its version.
pub const TRIGGER_VERSION: &str = "v1";

/// The runtime that an action asks for. It is kept and answered; what runs is this server's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Runtime {
    /// Node 22.
    #[default]
    Node22,
    /// Node 18.
    Node18,
}

impl Runtime {
    /// All of them, the default one first.
    pub const ALL: [Self; 2] = [Self::Node22, Self::Node18];

    /// The contract's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node22 => "node22",
            Self::Node18 => "node18",
        }
    }

    /// Reads the contract's word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == name)
    }
}

/// A secret that code reads as `event.secrets.NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionSecret {
    /// Its name.
    pub name: String,
    /// Never shown.
    pub value: Secret,
    /// When its value was last changed.
    pub updated_at: Timestamp,
}

/// A secret as a caller gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenSecret {
    /// Its name.
    pub name: String,
    /// Left out, the stored value is meant.
    pub value: Option<Secret>,
}

/// A secret was given without a value, and there is no stored one of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("secret {index} needs a value")]
pub struct SecretWithoutValue {
    /// Which of the given ones it is.
    pub index: usize,
}

/// What runs: code with its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// JavaScript.
    pub code: String,
    /// What it was written for.
    pub runtime: Runtime,
    /// Each name once.
    pub secrets: Vec<ActionSecret>,
}

impl Program {
    /// What a run needs of it.
    pub fn code(&self) -> ActionCode {
        let secret = |secret: &ActionSecret| (secret.name.clone(), secret.value.clone());
        ActionCode { code: self.code.clone(), secrets: self.secrets.iter().map(secret).collect() }
    }
}

/// Code and the secrets that it sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionCode {
    /// JavaScript.
    pub code: String,
    /// By name.
    pub secrets: Vec<(String, Secret)>,
}

/// What is known of whether a draft can run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Build {
    /// It has not been looked at yet.
    Pending,
    /// It can.
    Built {
        /// Since when that is known.
        at: Timestamp,
    },
    /// It cannot: it does not parse, or does not export what is called.
    Failed {
        /// What is wrong, and where.
        reason: String,
    },
}

impl Build {
    /// The contract's word.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Built { .. } => "built",
            Self::Failed { .. } => "failed",
        }
    }
}

/// A snapshot of a draft, made when it was deployed. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionVersion {
    /// A UUID.
    pub id: ActionVersionId,
    /// The first of an action is 1.
    pub number: u32,
    /// What runs.
    pub program: Program,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// A UUID.
    pub id: ActionId,
    /// Several may have the same.
    pub name: String,
    /// The draft.
    pub draft: Program,
    /// What is known of the draft.
    pub build: Build,
    /// How many versions were made of it.
    pub versions: u32,
    /// What runs, once something was deployed.
    pub deployed: Option<ActionVersion>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the draft was last changed.
    pub updated_at: Timestamp,
}

/// What a caller wants changed of an action; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ActionPatch {
    /// A new name.
    pub name: Option<String>,
    /// Other code.
    pub code: Option<String>,
    /// Another runtime.
    pub runtime: Option<Runtime>,
    /// The whole new list of secrets.
    pub secrets: Option<Vec<GivenSecret>>,
}

impl Action {
    /// A new action without code.
    pub fn new(name: String, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: ActionId::generate(entropy),
            name,
            draft: Program { code: String::new(), runtime: Runtime::default(), secrets: Vec::new() },
            build: Build::Pending,
            versions: 0,
            deployed: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The action after `patch`. Other code has yet to be looked at.
    ///
    /// # Errors
    /// [`SecretWithoutValue`] if a new secret has no value.
    pub fn patched(&self, patch: ActionPatch, now: Timestamp) -> Result<Self, SecretWithoutValue> {
        let mut action = self.clone();
        action.name = patch.name.unwrap_or(action.name);
        action.draft.runtime = patch.runtime.unwrap_or(action.draft.runtime);
        if let Some(given) = patch.secrets {
            action.draft.secrets = secrets_after(&self.draft.secrets, given, now)?;
        }
        if let Some(code) = patch.code.filter(|code| *code != action.draft.code) {
            action.draft.code = code;
            action.build = Build::Pending;
        }
        if action != *self {
            action.updated_at = now;
        }
        Ok(action)
    }

    /// Whether what runs is what the draft says.
    pub fn all_changes_deployed(&self) -> bool {
        self.deployed.as_ref().is_some_and(|deployed| deployed.program == self.draft)
    }

    /// Whether `version` is what runs.
    pub fn runs(&self, version: ActionVersionId) -> bool {
        self.deployed.as_ref().is_some_and(|deployed| deployed.id == version)
    }
}

/// The secrets that are given, with the stored values where none are. A value that is the same is not changed.
fn secrets_after(
    stored: &[ActionSecret],
    given: Vec<GivenSecret>,
    now: Timestamp,
) -> Result<Vec<ActionSecret>, SecretWithoutValue> {
    let after = |(index, given): (usize, GivenSecret)| {
        let stored = stored.iter().find(|secret| secret.name == given.name);
        match (stored, given.value) {
            (Some(stored), None) => Ok(stored.clone()),
            (Some(stored), Some(value)) if stored.value == value => Ok(stored.clone()),
            (_, Some(value)) => Ok(ActionSecret { name: given.name, value, updated_at: now }),
            (None, None) => Err(SecretWithoutValue { index }),
        }
    };
    given.into_iter().enumerate().map(after).collect()
}

/// The version of an action that runs now, as delivery needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployedAction {
    /// The action.
    pub action: ActionId,
    /// Another one was deployed when this is another.
    pub version: ActionVersionId,
    /// Its number: the first of an action is 1.
    pub number: u32,
    /// JavaScript.
    pub code: String,
    /// What it sees as `event.secrets`, by name.
    pub secrets: Vec<(String, Secret)>,
}

/// Whether code can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// It parses, and exports what is called.
    Runs,
    /// It does not; the text says what is wrong, and where.
    Fails(String),
    /// That could not be found out now.
    Unchecked,
}

impl CodeCheck {
    /// What is known of the draft after it.
    pub fn build(self, now: Timestamp) -> Build {
        match self {
            Self::Runs => Build::Built { at: now },
            Self::Fails(reason) => Build::Failed { reason },
            Self::Unchecked => Build::Pending,
        }
    }
}

/// A run of a draft that somebody wants to see.
#[derive(Clone, Debug, PartialEq)]
pub struct TestRun {
    /// What runs.
    pub code: ActionCode,
    /// What it sees as `event.message`.
    pub message: Value,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRunReport {
    /// What went wrong, if anything did.
    pub error: Option<String>,
    /// What it wrote.
    pub console: Vec<ConsoleLine>,
    /// How long it took.
    pub duration: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn given(name: &str, value: Option<&str>) -> GivenSecret {
        GivenSecret { name: name.to_owned(), value: value.map(Secret::new) }
    }

    fn action(secrets: Vec<GivenSecret>) -> Action {
        let patch = ActionPatch { code: Some("x".to_owned()), secrets: Some(secrets), ..ActionPatch::default() };
        let made = Action::new("sync".to_owned(), at(1), &Zeros).patched(patch, at(1)).unwrap();
        Action { build: Build::Built { at: at(1) }, ..made }
    }

    #[test]
    fn a_secret_named_without_a_value_stays() {
        let stored = action(vec![given("A", Some("a")), given("B", Some("b"))]);
        let secrets = vec![given("B", None), given("A", Some("changed")), given("C", Some("c"))];
        let patch = ActionPatch { secrets: Some(secrets), ..ActionPatch::default() };
        let changed = stored.patched(patch, at(2)).unwrap();
        let found: Vec<_> =
            changed.draft.secrets.iter().map(|s| (s.name.as_str(), s.value.expose(), s.updated_at)).collect();
        assert_eq!(found, [("B", "b", at(1)), ("A", "changed", at(2)), ("C", "c", at(2))]);
        assert_eq!(changed.build, stored.build, "the code is the same");
    }

    #[test]
    fn a_new_secret_needs_a_value() {
        let patch = ActionPatch { secrets: Some(vec![given("A", None), given("D", None)]), ..ActionPatch::default() };
        let faulty = action(vec![given("A", Some("a"))]).patched(patch, at(2));
        assert_eq!(faulty, Err(SecretWithoutValue { index: 1 }));
    }

    #[test]
    fn other_code_is_pending_and_the_same_is_not() {
        let stored = action(Vec::new());
        let patch = |code: &str| ActionPatch { code: Some(code.to_owned()), ..ActionPatch::default() };
        assert_eq!(stored.patched(patch("x"), at(2)).unwrap(), stored);
        let changed = stored.patched(patch("y"), at(2)).unwrap();
        assert_eq!((changed.build.status(), changed.updated_at), ("pending", at(2)));
    }

    #[test]
    fn no_secret_is_shown() {
        let stored = action(vec![given("A", Some("hunter2"))]);
        assert!(!format!("{stored:?} {:?}", stored.draft.code()).contains("hunter2"));
    }
}
