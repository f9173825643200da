//! Actions in real processes: what they can do, what they cannot, and what becomes of those that misbehave.

mod api;
mod confinement;
mod fetching;
mod limits;
mod processes;
pub(crate) mod world;
