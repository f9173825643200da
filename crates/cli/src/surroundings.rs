//! What a command finds around it. The binary reads it; here it is a value.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use domain::clock::{Clock, Entropy};
use jiff::tz::TimeZone;

use crate::profiles::{ProfileFile, folder};

/// What a command finds around it.
pub struct Surroundings {
    /// The variables that concern the client, by name. An empty one counts as not set.
    pub variables: BTreeMap<String, String>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Box<dyn Entropy>,
    /// In which times are shown to people.
    pub time_zone: TimeZone,
}

impl Surroundings {
    /// A variable's value, if it is set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where profiles are kept. `None` where nobody has a home.
    pub fn profile_file(&self) -> Option<ProfileFile> {
        folder(|name| self.variable(name)).map(ProfileFile::in_folder)
    }

    /// Whether a variable says yes.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no"))
    }
}

/// Variables may hold secrets.
impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("variables", &self.variables.keys()).finish_non_exhaustive()
    }
}
