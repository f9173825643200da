//! The event types, in our own words: the API's enum, the documents and the CLI's list come from here. Beside
//! them stand the types that tenants have registered ([`crate::registered_type`]).

mod operational;
mod samples;

use std::borrow::Cow;
use std::fmt;

use crate::ids::RegisteredTypeId;

pub use operational::schema;
pub use samples::sample;

macro_rules! event_types {
    (catalogue: { $($variant:ident, $name:literal, $about:literal;)* }
     operational: { $($said:ident, $said_name:literal, $said_about:literal;)* }) => {
        /// What happened: one of the 25 types of the contract (event-types.md), one of those by which the server tells of
        /// itself, or one that a tenant has registered.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $(#[doc = $about] $variant,)*
            $(#[doc = $said_about] $said,)*
            /// A type of a tenant's own, which knows its name and its schema.
            Registered(RegisteredTypeId),
        }

        impl EventType {
            /// Every type of the catalogue, in its order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The types by which the server tells of itself. Nobody else raises or publishes such events.
            pub const OPERATIONAL: &'static [Self] = &[$(Self::$said,)*];

            /// Its name, such as `user.created`. A registered type has its name from its tenant.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => Some($name),)*
                    $(Self::$said => Some($said_name),)*
                    Self::Registered(_) => None,
                }
            }

            /// One sentence on when it is raised, for a type that is not registered.
            pub const fn about(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => Some($about),)*
                    $(Self::$said => Some($said_about),)*
                    Self::Registered(_) => None,
                }
            }

            /// The type of the catalogue, or of the server, with this name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    $($said_name => Some(Self::$said),)*
                    _ => None,
                }
            }

            /// Whether the server tells of itself by it.
            pub const fn is_operational(self) -> bool {
                matches!(self, $(Self::$said)|*)
            }

            /// Its bit in a set, for a type that is not registered.
            const fn bit(self) -> u32 {
                /// The catalogue by itself, whose discriminants number it.
                #[allow(clippy::enum_variant_names, reason = "they are the catalogue's")]
                enum Place { $($variant,)* $($said,)* }
                match self {
                    $(Self::$variant => 1 << Place::$variant as u32,)*
                    $(Self::$said => 1 << Place::$said as u32,)*
                    Self::Registered(_) => 0,
                }
            }
        }
    };
}

event_types! {
catalogue: {
    UserCreated, "user.created", "A user was created.";
    UserUpdated, "user.updated", "A user's profile, metadata or identities changed.";
    UserDeleted, "user.deleted", "A user was deleted.";
    OrganizationCreated, "organization.created", "An organization was created.";
    OrganizationUpdated, "organization.updated", "An organization changed.";
    OrganizationDeleted, "organization.deleted", "An organization was deleted.";
    OrganizationMemberAdded, "organization.member.added", "A user joined an organization.";
    OrganizationMemberDeleted, "organization.member.deleted", "A user left an organization.";
    OrganizationMemberRoleAssigned, "organization.member.role.assigned", "A member of an organization was given a role.";
    OrganizationMemberRoleDeleted, "organization.member.role.deleted", "A role was taken from a member of an organization.";
    OrganizationConnectionAdded, "organization.connection.added", "A connection was enabled for an organization.";
    OrganizationConnectionUpdated, "organization.connection.updated", "A connection's settings in an organization changed.";
    OrganizationConnectionRemoved, "organization.connection.removed", "A connection was removed from an organization.";
    GroupCreated, "group.created", "A group was created.";
    GroupUpdated, "group.updated", "A group's name or external id changed.";
    GroupDeleted, "group.deleted", "A group was deleted.";
    GroupMemberAdded, "group.member.added", "A member was added to a group.";
    GroupMemberDeleted, "group.member.deleted", "A member was removed from a group.";
    GroupRoleAssigned, "group.role.assigned", "A group was given a role.";
    GroupRoleDeleted, "group.role.deleted", "A role was taken from a group.";
    OrganizationGroupRoleAssigned, "organization.group.role.assigned", "A group was given a role in an organization.";
    OrganizationGroupRoleDeleted, "organization.group.role.deleted", "A group's role in an organization was taken away.";
    ConnectionCreated, "connection.created", "An enterprise connection was created.";
    ConnectionUpdated, "connection.updated", "An enterprise connection changed.";
    ConnectionDeleted, "connection.deleted", "An enterprise connection was deleted.";
}
operational: {
    StreamFailing, "headwater.stream.failing", "Deliveries of an event stream keep failing: it is on the way to being disabled.";
    StreamDisabled, "headwater.stream.disabled", "The server has disabled an event stream because it keeps failing.";
    StreamRecovered, "headwater.stream.recovered", "An event stream that was failing or disabled delivers again.";
}
}

/// What stands before the number of a registered type where it is stored. No name begins with it.
const NUMBER_MARK: char = '#';

impl EventType {
    /// As a store keeps it, wherever it does: its name, or `#` and the number of a registered type.
    /// Whoever reads it back needs to know no tenant.
    pub fn stored(self) -> Cow<'static, str> {
        match self {
            Self::Registered(RegisteredTypeId(number)) => format!("{NUMBER_MARK}{number}").into(),
            named => named.name().expect("all others have names of their own").into(),
        }
    }

    /// Reads the stored form.
    pub fn from_stored(text: &str) -> Option<Self> {
        match text.strip_prefix(NUMBER_MARK) {
            Some(number) => number.parse().ok().map(|number| Self::Registered(RegisteredTypeId(number))),
            None => Self::from_name(text),
        }
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stored())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stored())
    }
}

/// A set of event types: a bit for each of the catalogue and of the server, and the numbers of registered ones, in order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct EventTypes {
    catalogue: u32,
    registered: Box<[RegisteredTypeId]>,
}

impl EventTypes {
    /// Whether `event_type` is a member.
    pub fn contains(&self, event_type: EventType) -> bool {
        match event_type {
            EventType::Registered(id) => self.registered.binary_search(&id).is_ok(),
            catalogued => self.catalogue & catalogued.bit() != 0,
        }
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.catalogue == 0 && self.registered.is_empty()
    }

    /// The members: those of the catalogue in its order, those of the server, then registered ones in that of their registration.
    pub fn iter(&self) -> impl Iterator<Item = EventType> + '_ {
        let named = EventType::ALL.iter().chain(EventType::OPERATIONAL).copied();
        let catalogued = named.filter(|event_type| self.contains(*event_type));
        catalogued.chain(self.registered.iter().copied().map(EventType::Registered))
    }
}

impl FromIterator<EventType> for EventTypes {
    fn from_iter<I: IntoIterator<Item = EventType>>(types: I) -> Self {
        let (mut catalogue, mut registered) = (0, Vec::new());
        for event_type in types {
            match event_type {
                EventType::Registered(id) => registered.push(id),
                catalogued => catalogue |= catalogued.bit(),
            }
        }
        registered.sort_unstable();
        registered.dedup();
        Self { catalogue, registered: registered.into() }
    }
}

impl fmt::Debug for EventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_found_again() {
        assert_eq!(EventType::ALL.len(), 25);
        for event_type in EventType::ALL {
            assert_eq!(EventType::from_name(event_type.name().unwrap()), Some(*event_type));
            assert_eq!(EventType::from_stored(&event_type.stored()), Some(*event_type));
        }
        let all: EventTypes = EventType::ALL.iter().copied().collect();
        assert_eq!(all.iter().collect::<Vec<_>>(), EventType::ALL);
        assert!(!EventTypes::default().contains(EventType::UserCreated));
    }

    #[test]
    fn the_types_of_the_server_stand_beside_the_catalogue() {
        for event_type in EventType::OPERATIONAL {
            assert!(event_type.is_operational() && !EventType::ALL.contains(event_type));
            assert!(event_type.name().unwrap().starts_with("headwater."));
            assert_eq!(EventType::from_stored(&event_type.stored()), Some(*event_type));
        }
        assert!(!EventType::UserCreated.is_operational());
        let set: EventTypes = [EventType::StreamFailing, EventType::UserCreated].into_iter().collect();
        assert!(set.contains(EventType::StreamFailing) && !set.contains(EventType::StreamDisabled));
        assert_eq!(set.iter().collect::<Vec<_>>(), [EventType::UserCreated, EventType::StreamFailing]);
    }

    #[test]
    fn registered_types_stand_beside_the_catalogue() {
        let registered = |number| EventType::Registered(RegisteredTypeId(number));
        let types = [registered(9), EventType::UserDeleted, registered(4), registered(9), EventType::UserCreated];
        let set: EventTypes = types.into_iter().collect();
        let members = [EventType::UserCreated, EventType::UserDeleted, registered(4), registered(9)];
        assert_eq!(set.iter().collect::<Vec<_>>(), members);
        assert!(set.contains(registered(4)) && !set.contains(registered(5)));
        let only: EventTypes = [registered(4)].into_iter().collect();
        assert!(!only.is_empty() && !only.contains(EventType::UserCreated));
        assert_eq!(EventType::from_stored(&registered(4).stored()), Some(registered(4)));
        for text in ["#", "#x", "#-1", "4", "#4294967296"] {
            assert_eq!(EventType::from_stored(text), None, "{text}");
        }
    }
}
