//! A change of state together with the events it implies: pure functions from what is and what is asked
//! to what will be. A store commits a [`Change`] whole or not at all. The functions are in a file a subject.

mod actions;
mod connections;
mod group_roles;
mod groups;
mod identities;
mod organizations;
mod resource_servers;
mod roles;
mod scim;
mod snapshots;
mod streams;
mod users;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::account::{Client, ClientGrant};
use crate::catalog::EventType;
use crate::clock::{Entropy, Timestamp};
use crate::connection::Connection;
use crate::event::{Event, Source, Subject, render_body};
use crate::ids::{ClientId, ConnectionId, EventId, GrantId, StreamId, UserId};
use crate::place::{Resume, StartFrom};
use crate::stream::EventStream;
use crate::user::User;

pub use actions::{
    ActionWrite, NotBuilt, action_create, action_create_deployed, action_delete, action_deploy, action_roll_back,
    action_stream_delete,
};
pub use connections::{ConnectionPatch, connection_create, connection_delete, connection_update};
pub use group_roles::{RoleScope, group_roles_assign, group_roles_delete};
pub use groups::{GroupPatch, GroupWrite, group_create, group_delete, group_update};
pub use identities::{IdentityWrite, identity_link, identity_unlink};
pub use organizations::{
    Member, OrganizationWrite, member_roles_assign, member_roles_remove, members_add, members_remove,
    organization_connection_add, organization_connection_remove, organization_connection_update, organization_create,
    organization_delete, organization_update,
};
pub use resource_servers::ResourceServerWrite;
pub use roles::{RolePatch, RoleWrite, roles_assign, roles_unassign};
pub use scim::{ScimWrite, scim_user_create, scim_user_update};
pub use snapshots::{Existing, SnapshotOf};
pub use streams::{StreamPatch, stream_update};
pub use users::{user_create, user_delete, user_erase, user_erase_absent, user_update};

/// How often an entity has been changed; the first is 1. A change names the revision it was computed from,
/// so that two clients cannot silently overwrite each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Revision(pub u64);

/// An entity at a revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// Which revision this is.
    pub revision: Revision,
    /// The entity.
    pub value: T,
}

/// What must hold of the stored entity for a write to go through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// There is none with this id.
    Absent,
    /// It is at this revision.
    At(Revision),
}

/// One entity's new state.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Creates or changes a user.
    UserPut(Expect, Box<User>),
    /// Removes a user.
    UserDelete(Revision, UserId),
    /// Has the data of a user who is not there (any more) erased from the events so far, asked at this time. It is
    /// done in steps, later.
    UserErase(UserId, Timestamp),
    /// Creates or changes an application.
    ClientPut(Expect, Client),
    /// Removes an application, and with it its grants.
    ClientDelete(Revision, ClientId),
    /// Creates or changes a grant.
    GrantPut(Expect, ClientGrant),
    /// Removes a grant.
    GrantDelete(Revision, GrantId),
    /// Creates or changes a connection.
    ConnectionPut(Expect, Connection),
    /// Something about users whom SCIM keeps up to date, or how.
    Scim(ScimWrite),
    /// Something about groups.
    Group(GroupWrite),
    /// Removes a connection with what belongs to it but its users.
    ConnectionDelete(Revision, ConnectionId),
    /// Something about who is an identity of whom.
    Identity(IdentityWrite),
    /// Something about actions.
    Action(ActionWrite),
    /// Something about APIs.
    ResourceServer(ResourceServerWrite),
    /// Something about roles.
    Role(RoleWrite),
    /// Something about organizations.
    Organization(OrganizationWrite),
    /// Creates or changes an event stream. A new one starts after the last event that the log holds when
    /// the change is committed; a changed status or subscription holds from there on.
    StreamPut(Expect, Box<EventStream>),
    /// Nothing, if the tenant has fewer event streams than this; else the change is refused.
    StreamsBelow(u32),
    /// Creates an event stream that starts elsewhere in the log.
    StreamStart(Box<EventStream>, StartFrom),
    /// Changes a disabled event stream into an enabled one that also gets what it has missed. What was not
    /// saved when it was disabled may be delivered once more.
    StreamResume(Revision, Box<EventStream>, Resume),
    /// Removes a stream, its position and its failed deliveries.
    StreamDelete(Revision, StreamId),
}

/// Writes and the events they imply, committed in one transaction.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Change {
    /// The writes, in order.
    pub writes: Vec<Write>,
    /// The events, in order.
    pub events: Vec<Event>,
}

impl From<Write> for Change {
    fn from(write: Write) -> Self {
        Self { writes: vec![write], events: Vec::new() }
    }
}

/// Why something changed: `data.context` of the events (event-types.md).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Context {
    tenant: TenantContext,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestContext>,
}

impl Context {
    /// That of a change that nobody in particular asked for.
    pub(crate) fn of_tenant(source: &Source) -> Self {
        Self { tenant: TenantContext { id: source.tenant_name.clone() }, client: None, request: None }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct TenantContext {
    id: String,
}

/// The application that asked for the change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientContext {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// Its metadata.
    pub metadata: Map<String, Value>,
}

/// The request that asked for the change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequestContext {
    /// Where the caller is; not looked up here, so empty.
    pub geo: Map<String, Value>,
    /// The host that was asked.
    pub hostname: String,
    /// The caller's address.
    pub ip: String,
    /// The HTTP method.
    pub method: String,
    /// The caller's `user-agent`.
    pub user_agent: String,
}

/// Who raises an event, when, and why: what every change needs besides its own subject.
pub struct Origin<'a> {
    /// The tenant as events name it.
    pub source: &'a Source,
    /// The wall clock.
    pub now: Timestamp,
    /// Random bytes for new ids.
    pub entropy: &'a dyn Entropy,
    /// The application, where one asked.
    pub client: Option<ClientContext>,
    /// The request, where there was one.
    pub request: Option<RequestContext>,
}

/// `data` of an event.
#[derive(Serialize)]
pub(crate) struct Data<'a, T, P> {
    pub(crate) object: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_object: Option<&'a P>,
    pub(crate) context: Context,
}

impl Origin<'_> {
    /// An event that this change raises about `subject`.
    pub(crate) fn event<T: Serialize, P: Serialize>(
        &self,
        event_type: EventType,
        subject: Subject,
        object: &T,
        previous_object: Option<&P>,
    ) -> Event {
        let id = EventId::generate(self.now, self.entropy);
        let context =
            Context { client: self.client.clone(), request: self.request.clone(), ..Context::of_tenant(self.source) };
        let data = Data { object, previous_object, context };
        let body = render_body(self.source, id, event_type, self.now, &data);
        Event { id, event_type, subject, time: self.now, body }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    /// An origin with nothing random in it.
    pub(crate) fn with_origin<T>(check: impl FnOnce(&Origin<'_>) -> T) -> T {
        let source = Source::new("acme", "acme.example");
        let now = Timestamp::from_millis(1_700_000_000_000);
        check(&Origin { source: &source, now, entropy: &Zeros, client: None, request: None })
    }

    /// The body of an event as JSON.
    pub(crate) fn body(event: &Event) -> Value {
        serde_json::from_slice(&event.body).unwrap()
    }
}
