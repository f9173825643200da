//! Events that somebody else raised and published here: what makes two of them the same one, and where the
//! thing that each is about is named.

use std::fmt;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::event::{Envelope, Event};
use crate::ids::EventId;

/// What makes a published event the same as another: its tenant, `source` and `id`, condensed to 128 bits by
/// a cryptographic digest, so that no two different events meet in one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishKey(u128);

impl PublishKey {
    /// The key with this number.
    pub const fn from_number(number: u128) -> Self {
        Self(number)
    }

    /// The key as a number, evenly distributed.
    pub const fn number(self) -> u128 {
        self.0
    }
}

impl fmt::Debug for PublishKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// An event to be appended to the log, unless one with its key is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedEvent {
    /// What makes it the same as another.
    pub key: PublishKey,
    /// The event; its `time` is when it was taken, whatever the producer says in the body.
    pub event: Event,
}

/// The members of a published event as they are delivered.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// `source`, as the producer gave it.
    pub source: &'a str,
    /// `a0tenant`.
    pub tenant_name: &'a str,
    /// The id that receivers know it by.
    pub id: EventId,
    /// `type`: the name of what happened.
    pub type_name: &'a str,
    /// When it happened, by the producer's clock.
    pub time: Timestamp,
    /// `data`, byte for byte as the producer gave it.
    pub data: &'a RawValue,
}

impl Publication<'_> {
    /// The body to log: the members in the catalogue's order, the data as it was given.
    pub fn body(&self) -> Bytes {
        let envelope = Envelope {
            specversion: "1.0",
            event_type: self.type_name,
            source: self.source,
            id: self.id,
            time: self.time,
            data: self.data,
            a0purpose: None,
            a0tenant: self.tenant_name,
        };
        envelope.render(self.data.get().len() + self.source.len() + self.tenant_name.len() + MEMBERS_BYTES_USUAL)
    }
}

/// What the members of an envelope take besides data, source and tenant: names, type, id and time.
const MEMBERS_BYTES_USUAL: usize = 192;

/// Where the data of an event name the thing whose state changes, by which events are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectPlace {
    /// The kind of thing: `user`, `organization`, `group` or `connection`.
    pub kind: &'static str,
    /// The members of `data` that lead to its id, from the outermost on.
    pub path: &'static [&'static str],
}

impl EventType {
    /// Where events of this type name their subject. A member, role or connection that comes or goes is a
    /// change of the organization or group that it comes to. The data of a registered type are its tenant's: what
    /// they are about is said beside them, if at all.
    pub const fn subject_place(self) -> Option<SubjectPlace> {
        let place = match self {
            Self::UserCreated | Self::UserUpdated | Self::UserDeleted => {
                SubjectPlace { kind: "user", path: &["object", "user_id"] }
            }
            Self::OrganizationCreated | Self::OrganizationUpdated | Self::OrganizationDeleted => {
                SubjectPlace { kind: "organization", path: &["object", "id"] }
            }
            Self::OrganizationMemberAdded
            | Self::OrganizationMemberDeleted
            | Self::OrganizationMemberRoleAssigned
            | Self::OrganizationMemberRoleDeleted
            | Self::OrganizationConnectionAdded
            | Self::OrganizationConnectionUpdated
            | Self::OrganizationConnectionRemoved
            | Self::OrganizationGroupRoleAssigned
            | Self::OrganizationGroupRoleDeleted => {
                SubjectPlace { kind: "organization", path: &["object", "organization", "id"] }
            }
            Self::GroupCreated | Self::GroupUpdated | Self::GroupDeleted => {
                SubjectPlace { kind: "group", path: &["object", "id"] }
            }
            Self::GroupMemberAdded | Self::GroupMemberDeleted | Self::GroupRoleAssigned | Self::GroupRoleDeleted => {
                SubjectPlace { kind: "group", path: &["object", "group", "id"] }
            }
            Self::ConnectionCreated | Self::ConnectionUpdated | Self::ConnectionDeleted => {
                SubjectPlace { kind: "connection", path: &["object", "id"] }
            }
            Self::StreamFailing | Self::StreamDisabled | Self::StreamRecovered | Self::Registered(_) => return None,
        };
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::type_name;
    use crate::ids::RegisteredTypeId;

    #[test]
    fn every_type_is_about_the_thing_it_is_named_after() {
        for event_type in EventType::ALL {
            let place = event_type.subject_place().unwrap();
            let words: Vec<_> = event_type.name().unwrap().split('.').collect();
            assert_eq!(words[0], place.kind);
            // `user.created` is about the object itself, `group.member.added` about the group in it.
            let id = if place.kind == "user" { "user_id" } else { "id" };
            let path = if words.len() > 2 { vec!["object", place.kind, id] } else { vec!["object", id] };
            assert_eq!(place.path, path, "{event_type}");
        }
    }

    #[test]
    fn a_published_body_is_in_the_catalogues_order_with_its_data_untouched() {
        let data = r#"{ "object" : {"user_id":"\u0061", "n": 1.50} }"#;
        let publication = Publication {
            source: "urn:\"crm\"",
            tenant_name: "acme",
            id: EventId::from_number(7),
            type_name: "user.created",
            time: Timestamp::from_millis(0),
            data: serde_json::from_str(data).unwrap(),
        };
        let expected = format!(
            r#"{{"specversion":"1.0","type":"user.created","source":"urn:\"crm\"","id":"{}","time":"1970-01-01T00:00:00.000Z","data":{data},"a0tenant":"acme"}}"#,
            publication.id
        );
        assert_eq!(std::str::from_utf8(&publication.body()).unwrap(), expected);
        // A registered type's name is found again in what was logged.
        let registered = EventType::Registered(RegisteredTypeId(7));
        let body = Publication { type_name: "com.example.paid", ..publication }.body();
        assert_eq!(type_name(registered, &body), "com.example.paid");
        assert_eq!(type_name(registered, b"{}"), "");
    }
}
