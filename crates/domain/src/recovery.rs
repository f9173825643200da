//! How a stream comes back after the server has disabled it because it kept failing.

/// What its owner wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Recovery {
    /// Its owner enables it.
    #[default]
    Manual,
    /// One of its deliveries is made again now and then; when one succeeds, the stream is enabled.
    Probe,
}

impl Recovery {
    /// The word for it in the API and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Probe => "probe",
        }
    }

    /// Reads the word for it.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Manual, Self::Probe].into_iter().find(|each| each.name() == name)
    }
}
