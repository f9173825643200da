//! Actions, versions and runs as they are answered; the members' order is the contract's.

use axum::http::StatusCode;
use axum::response::Response;
use domain::action::{Action, ActionVersion, Build, Program, TRIGGER_ID, TRIGGER_VERSION, TestRunReport};
use domain::clock::Timestamp;
use domain::delivery::ConsoleLine;
use domain::ids::{ActionId, ActionVersionId};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use store::Page;

use crate::wire::answer;

/// Packages, of which there are none.
type Dependencies = [(); 0];

#[derive(Clone, Copy, Serialize)]
struct Trigger {
    id: &'static str,
    version: &'static str,
}

const TRIGGERS: [Trigger; 1] = [Trigger { id: TRIGGER_ID, version: TRIGGER_VERSION }];

#[derive(Serialize)]
struct SecretAnswer<'a> {
    name: &'a str,
    updated_at: Timestamp,
}

fn secrets(program: &Program) -> Vec<SecretAnswer<'_>> {
    program.secrets.iter().map(|secret| SecretAnswer { name: &secret.name, updated_at: secret.updated_at }).collect()
}

/// An action.
#[derive(Serialize)]
pub(crate) struct ActionAnswer<'a> {
    id: ActionId,
    name: &'a str,
    supported_triggers: [Trigger; 1],
    created_at: Timestamp,
    updated_at: Timestamp,
    code: &'a str,
    dependencies: Dependencies,
    runtime: &'static str,
    status: &'static str,
    secrets: Vec<SecretAnswer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    built_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<CurrentVersion<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployed_version: Option<VersionAnswer<'a>>,
    all_changes_deployed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    headwater: Option<ExtensionAnswer<'a>>,
}

/// What the contract does not have: why the draft is not built.
#[derive(Serialize)]
struct ExtensionAnswer<'a> {
    build_error: &'a str,
}

/// The deployed version in an older form, which the service still answers.
#[derive(Serialize)]
struct CurrentVersion<'a> {
    id: ActionVersionId,
    code: &'a str,
    runtime: &'static str,
    status: &'static str,
    number: u32,
    build_time: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> From<&'a ActionVersion> for CurrentVersion<'a> {
    fn from(version: &'a ActionVersion) -> Self {
        Self {
            id: version.id,
            code: &version.program.code,
            runtime: version.program.runtime.name(),
            status: "BUILT",
            number: version.number,
            build_time: version.created_at,
            created_at: version.created_at,
            updated_at: version.created_at,
        }
    }
}

impl<'a> From<&'a Action> for ActionAnswer<'a> {
    fn from(action: &'a Action) -> Self {
        let (built_at, headwater) = match &action.build {
            Build::Pending => (None, None),
            Build::Built { at } => (Some(*at), None),
            Build::Failed { reason } => (None, Some(ExtensionAnswer { build_error: reason })),
        };
        Self {
            id: action.id,
            name: &action.name,
            supported_triggers: TRIGGERS,
            created_at: action.created_at,
            updated_at: action.updated_at,
            code: &action.draft.code,
            dependencies: [],
            runtime: action.draft.runtime.name(),
            status: action.build.status(),
            secrets: secrets(&action.draft),
            built_at,
            current_version: action.deployed.as_ref().map(CurrentVersion::from),
            deployed_version: action.deployed.as_ref().map(|version| VersionAnswer::new(version, true)),
            all_changes_deployed: action.all_changes_deployed(),
            headwater,
        }
    }
}

/// A version of an action.
#[derive(Serialize)]
pub(crate) struct VersionAnswer<'a> {
    code: &'a str,
    dependencies: Dependencies,
    id: ActionVersionId,
    deployed: bool,
    number: u32,
    built_at: Timestamp,
    secrets: Vec<SecretAnswer<'a>>,
    status: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
    runtime: &'static str,
    supported_triggers: [Trigger; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<OfAction<'a>>,
}

/// The action that a version is of.
#[derive(Serialize)]
struct OfAction<'a> {
    id: ActionId,
    name: &'a str,
    supported_triggers: [Trigger; 1],
    created_at: Timestamp,
    updated_at: Timestamp,
    all_changes_deployed: bool,
}

impl<'a> VersionAnswer<'a> {
    fn new(version: &'a ActionVersion, deployed: bool) -> Self {
        let program = &version.program;
        Self {
            code: &program.code,
            dependencies: [],
            id: version.id,
            deployed,
            number: version.number,
            built_at: version.created_at,
            secrets: secrets(program),
            // Nothing else has ever become a version.
            status: "built",
            created_at: version.created_at,
            updated_at: version.created_at,
            runtime: program.runtime.name(),
            supported_triggers: TRIGGERS,
            action: None,
        }
    }

    /// A version, and of which action it is.
    pub(crate) fn of(version: &'a ActionVersion, action: &'a Action) -> Self {
        let of = OfAction {
            id: action.id,
            name: &action.name,
            supported_triggers: TRIGGERS,
            created_at: action.created_at,
            updated_at: action.updated_at,
            all_changes_deployed: action.all_changes_deployed(),
        };
        Self { action: Some(of), ..Self::new(version, action.runs(version.id)) }
    }
}

/// What came of a run that somebody wanted to see.
#[derive(Serialize)]
pub(crate) struct RunAnswer {
    payload: RunPayload,
}

#[derive(Serialize)]
struct RunPayload {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    console: Vec<ConsoleLine>,
    duration: f64,
}

impl From<TestRunReport> for RunAnswer {
    fn from(report: TestRunReport) -> Self {
        let payload = RunPayload {
            status: if report.error.is_none() { "success" } else { "failed" },
            error_message: report.error,
            console: report.console,
            duration: report.duration.as_secs_f64() * 1000.0,
        };
        Self { payload }
    }
}

/// Answers a page: always an object; `page` is left out on the first one (management-api.md 1.4).
pub(crate) fn paged<T: Serialize>(plural: &'static str, page: Page, total: u64, items: &[T]) -> Response {
    answer::json(StatusCode::OK, &Paged { plural, page, total, items })
}

struct Paged<'a, T> {
    plural: &'static str,
    page: Page,
    total: u64,
    items: &'a [T],
}

impl<T: Serialize> Serialize for Paged<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.plural, self.items)?;
        map.serialize_entry("total", &self.total)?;
        map.serialize_entry("per_page", &self.page.limit)?;
        let number = self.page.offset / self.page.limit;
        if number > 0 {
            map.serialize_entry("page", &number)?;
        }
        map.end()
    }
}
