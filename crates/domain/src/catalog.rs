//! The event types, in our own words: the API's enum, the documents and the CLI's list come from here.

use std::fmt;

macro_rules! catalogue {
    ($($variant:ident, $name:literal, $about:literal;)*) => {
        /// What happened. The 25 types of the contract (event-types.md).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum EventType {
            $(#[doc = $about] $variant,)*
        }

        impl EventType {
            /// Every type, in the catalogue's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire, such as `user.created`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence on when it is raised.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// The type with this name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

catalogue! {
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

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of event types.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct EventTypes(u32);

impl EventTypes {
    /// The set without members.
    pub const NONE: Self = Self(0);

    /// Whether `event_type` is a member.
    pub const fn contains(self, event_type: EventType) -> bool {
        self.0 & (1 << event_type as u32) != 0
    }

    /// Whether it has no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in the catalogue's order.
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        EventType::ALL.iter().copied().filter(move |event_type| self.contains(*event_type))
    }
}

impl FromIterator<EventType> for EventTypes {
    fn from_iter<I: IntoIterator<Item = EventType>>(types: I) -> Self {
        Self(types.into_iter().fold(0, |bits, event_type| bits | (1 << event_type as u32)))
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
            assert_eq!(EventType::from_name(event_type.name()), Some(*event_type));
        }
        let all: EventTypes = EventType::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), 25);
        assert!(!EventTypes::NONE.contains(EventType::UserCreated));
    }
}
