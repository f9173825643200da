//! Changes of APIs. They raise nothing.

use super::{Change, Expect, Revision, Write};
use crate::ids::ResourceServerId;
use crate::resource_server::ResourceServer;

/// A write about APIs.
#[derive(Clone, Debug, PartialEq)]
pub enum ResourceServerWrite {
    /// Creates or changes an API.
    Put(Expect, Box<ResourceServer>),
    /// Removes an API, and with it the grants for it.
    Delete(Revision, ResourceServerId),
}

impl From<ResourceServerWrite> for Change {
    fn from(write: ResourceServerWrite) -> Self {
        Write::ResourceServer(write).into()
    }
}
