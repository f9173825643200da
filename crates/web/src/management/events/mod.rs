//! Events that somebody else raised (docs/extensions.md).

mod identity;
pub(crate) mod publish;
