//! A member that a change may give, set back, or leave alone.

use crate::wire::reader::{Field, Invalid, ObjectReader};

/// What a request says of a member.
#[derive(Clone, Debug, Default)]
pub(super) enum Given<T> {
    /// Nothing: it stays.
    #[default]
    Absent,
    /// `null`: it goes back to its default.
    Default,
    /// A value: it replaces what there was.
    Value(T),
}

impl<T> Given<T> {
    /// Reads a member by `read`, which is not asked where it is `null`.
    pub(super) fn read(
        object: &mut ObjectReader,
        field: Field,
        read: impl FnOnce(&mut ObjectReader) -> Result<Option<T>, Invalid>,
    ) -> Result<Self, Invalid> {
        if object.take_null(field) {
            return Ok(Self::Default);
        }
        Ok(read(object)?.map_or(Self::Absent, Self::Value))
    }
}

impl<T: Default> Given<T> {
    /// Lays it over what there was.
    pub(super) fn lay_over(self, stored: &mut T) {
        match self {
            Self::Absent => {}
            Self::Default => *stored = T::default(),
            Self::Value(value) => *stored = value,
        }
    }
}
