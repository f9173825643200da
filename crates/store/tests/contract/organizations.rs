//! Organizations, roles and linked users: what goes with what, and that an event tells a name that held.

use domain::catalog::EventType;
use domain::change::{
    Change, Expect, Member, Origin, RoleWrite, Versioned, Write, identity_link, identity_unlink, member_roles_assign,
    members_add, members_remove, organization_connection_add, organization_create, organization_delete,
    organization_update, roles_assign, user_create, user_delete,
};
use domain::connection::Connection;
use domain::event::Source;
use domain::ids::{OrganizationId, RoleId};
use domain::organization::{Organization, OrganizationConnection, OrganizationConnectionSettings, OrganizationPatch};
use domain::role::Role;
use domain::user::User;
use store::{
    ConnectionsView, OrganizationConnections, OrganizationMembers, Organizations, Page, Roles, Slice, State, StoreError,
};

use crate::backend::{Backend, Counting, House};
use crate::samples::{self, TENANT, at, user, user_created};

pub(crate) const ALL: Slice = Slice { after: 0, offset: 0, limit: 1000 };
pub(crate) const PAGE: Page = Page { offset: 0, limit: 1000 };

/// Computes a change with an origin of its own: each has other event ids.
pub(crate) fn from_origin<T>(compute: impl FnOnce(&Origin<'_>) -> T) -> T {
    static ENTROPY: std::sync::LazyLock<Counting> = std::sync::LazyLock::new(Counting::default);
    let source = Source::new(TENANT, "acme.example");
    compute(&Origin { source: &source, now: at(0), entropy: &*ENTROPY, client: None, request: None })
}

pub(crate) fn organization(number: u64) -> Organization {
    Organization {
        id: OrganizationId::from_text(format!("org_{number}")),
        name: format!("name{number}"),
        display_name: None,
        branding: None,
        metadata: None,
    }
}

pub(crate) fn role(number: u64) -> Role {
    Role { id: RoleId::from_text(format!("rol_{number}")), name: format!("role {number}"), description: None }
}

fn connection(number: u64) -> Connection {
    samples::connection(number, &format!("connection{number}"))
}

pub(crate) fn enabled(number: u64) -> OrganizationConnection {
    OrganizationConnection { connection_id: connection(number).id, settings: OrganizationConnectionSettings::default() }
}

pub(crate) fn member(organization_number: u64, user_number: u64) -> Member {
    Member { organization: organization(organization_number).id, user: user(user_number).user_id }
}

impl<B: Backend> House<'_, B> {
    pub(crate) async fn organization(&self, number: u64) -> Versioned<Organization> {
        self.store.organization_get(self.tenant, &organization(number).id).await.unwrap().unwrap()
    }

    pub(crate) async fn role(&self, number: u64) -> Versioned<Role> {
        self.store.role_get(self.tenant, &role(number).id).await.unwrap().unwrap()
    }

    async fn stored_user(&self, number: u64) -> Versioned<User> {
        self.store.user_get(self.tenant, &user(number).user_id).await.unwrap().unwrap()
    }

    pub(crate) async fn create_organization(&self, number: u64) {
        self.commit(from_origin(|origin| organization_create(organization(number), Vec::new(), origin))).await.unwrap();
    }

    pub(crate) async fn create_role(&self, number: u64) {
        self.commit(Change::from(RoleWrite::Put(Expect::Absent, role(number)))).await.unwrap();
    }

    pub(crate) async fn create_connection(&self, number: u64) {
        self.commit(Change::from(Write::ConnectionPut(Expect::Absent, connection(number)))).await.unwrap();
    }

    pub(crate) async fn rename_organization(&self, number: u64, name: &str) {
        let stored = self.organization(number).await;
        let patch = OrganizationPatch { name: Some(name.to_owned()), ..OrganizationPatch::default() };
        let change = from_origin(|origin| organization_update(&stored, patch, origin)).unwrap().1;
        self.commit(change).await.unwrap();
    }

    pub(crate) async fn join(&self, organization: u64, users: &[u64]) {
        let stored = self.organization(organization).await;
        let users = users.iter().map(|number| user(*number).user_id).collect();
        self.commit(from_origin(|origin| members_add(&stored, users, origin))).await.unwrap();
    }

    pub(crate) async fn enable(&self, organization: u64, connection: u64) {
        let stored = self.organization(organization).await;
        let change = from_origin(|origin| organization_connection_add(&stored, enabled(connection), origin));
        self.commit(change).await.unwrap();
    }

    pub(crate) async fn assign(&self, member: &Member, role: u64) {
        let roles = [self.role(role).await];
        self.commit(from_origin(|origin| member_roles_assign(member, &roles, origin))).await.unwrap();
    }

    /// How many members, member roles and connections an organization has, and how many users have the role 1.
    async fn counts(&self, number: u64, of: &Member) -> (u64, u64, u64, u64) {
        let (store, tenant, id) = (&self.store, self.tenant, organization(number).id);
        (
            store.member_count(tenant, &id).await.unwrap(),
            store.member_role_count(tenant, of).await.unwrap(),
            store.organization_connection_count(tenant, &id, ConnectionsView::All).await.unwrap(),
            store.role_user_count(tenant, &role(1).id).await.unwrap(),
        )
    }
}

/// Two users and a connection in the organization 1; the first has the role 1 in it, and in the tenant.
async fn furnished<B: Backend>(house: &House<'_, B>) {
    for number in 1..=2 {
        house.commit(user_created(user(number), number)).await.unwrap();
    }
    house.create_organization(1).await;
    house.create_role(1).await;
    house.create_connection(1).await;
    house.join(1, &[1, 2]).await;
    house.enable(1, 1).await;
    house.assign(&member(1, 1), 1).await;
    house.commit(roles_assign([(user(1).user_id, role(1).id)])).await.unwrap();
    assert_eq!(house.counts(1, &member(1, 1)).await, (2, 1, 1, 1));
}

pub(crate) async fn what_belongs_to_something_goes_with_it<B: Backend>(backend: &B) {
    let mut house = House::open(backend).await;
    furnished(&house).await;
    let events = house.events().await.len();
    let gone = house.stored_user(1).await;
    house.commit(from_origin(|origin| user_delete(&gone, origin))).await.unwrap();
    assert_eq!(house.counts(1, &member(1, 1)).await, (1, 0, 1, 0));
    house.commit(user_created(user(1), 50)).await.unwrap();
    assert_eq!(house.counts(1, &member(1, 1)).await, (1, 0, 1, 0), "somebody new is no member");

    house.assign(&member(1, 2), 1).await;
    let stored = house.role(1).await;
    house.commit(Change::from(RoleWrite::Delete(stored.revision, stored.value.id))).await.unwrap();
    assert_eq!(house.counts(1, &member(1, 2)).await, (1, 0, 1, 0));

    house.commit(Change::from(Write::ConnectionDelete(domain::change::Revision(1), connection(1).id))).await.unwrap();
    assert_eq!(house.counts(1, &member(1, 2)).await, (1, 0, 0, 0));

    let stored = house.organization(1).await;
    house.commit(from_origin(|origin| organization_delete(&stored, origin))).await.unwrap();
    house.create_organization(1).await;
    house = house.reopen().await;
    assert_eq!(house.counts(1, &member(1, 2)).await, (0, 0, 0, 0));
    let types: Vec<_> = house.events().await[events..].iter().map(|logged| logged.event.event_type).collect();
    let expected = [
        EventType::UserDeleted,
        EventType::UserCreated,
        EventType::OrganizationMemberRoleAssigned,
        EventType::OrganizationDeleted,
        EventType::OrganizationCreated,
    ];
    assert_eq!(types, expected, "what goes along raises nothing");
}

pub(crate) async fn a_write_that_tells_a_name_checks_that_it_holds<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    furnished(&house).await;
    let stale = house.organization(1).await;
    house.rename_organization(1, "renamed").await;
    let events = house.events().await.len();
    let third = vec![user(2).user_id];
    let is_stale = |answer: Result<(), StoreError>| assert!(matches!(answer, Err(StoreError::Stale)), "{answer:?}");
    is_stale(house.commit(from_origin(|origin| members_remove(&stale, third.clone(), origin))).await);
    house.create_connection(2).await;
    is_stale(house.commit(from_origin(|origin| organization_connection_add(&stale, enabled(2), origin))).await);
    let current = house.organization(1).await;
    house.commit(from_origin(|origin| members_remove(&current, third.clone(), origin))).await.unwrap();
    is_stale(house.commit(from_origin(|origin| members_remove(&current, third, origin))).await);
    let stale_role = house.role(1).await;
    let renamed = Role { name: "renamed".into(), ..role(1) };
    house.commit(Change::from(RoleWrite::Put(Expect::At(stale_role.revision), renamed))).await.unwrap();
    house.join(1, &[2]).await;
    let assign = |role: Versioned<Role>| from_origin(|origin| member_roles_assign(&member(1, 2), &[role], origin));
    is_stale(house.commit(assign(stale_role)).await);
    house.commit(assign(house.role(1).await)).await.unwrap();
    is_stale(house.commit(assign(house.role(1).await)).await);
    assert_eq!(house.events().await.len(), events + 3, "what is refused raises nothing");
}

pub(crate) async fn slices_go_on_where_they_ended<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in 1..=5 {
        house.create_organization(number).await;
    }
    let slice = async |slice: Slice| {
        let found = house.store.organization_slice(house.tenant, slice).await.unwrap();
        found.into_iter().map(|each| (each.number, each.value.name)).collect::<Vec<_>>()
    };
    let all = slice(ALL).await;
    assert_eq!(
        all.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(),
        ["name1", "name2", "name3", "name4", "name5"]
    );
    assert_eq!(slice(Slice { limit: 2, ..ALL }).await, all[..2]);
    assert_eq!(slice(Slice { after: all[1].0, offset: 0, limit: 2 }).await, all[2..4]);
    assert_eq!(slice(Slice { offset: 3, ..ALL }).await, all[3..]);
    let stored = house.organization(2).await;
    house.commit(from_origin(|origin| organization_delete(&stored, origin))).await.unwrap();
    assert_eq!(slice(Slice { after: all[1].0, offset: 0, limit: 1 }).await, all[2..3], "a place outlives its entry");
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    assert_eq!(house.store.organization_slice(other, ALL).await.unwrap(), []);
    assert_eq!(house.store.organization_get(other, &organization(1).id).await.unwrap(), None);
    assert_eq!(house.store.member_slice(other, &organization(1).id, ALL).await.unwrap(), []);
    assert_eq!(house.store.role_page(other, None, PAGE).await.unwrap(), []);
}

pub(crate) async fn a_linked_user_is_nobody_but_stays_unique<B: Backend>(backend: &B) {
    let mut house = House::open(backend).await;
    for number in 1..=3 {
        house.commit(user_created(user(number), number)).await.unwrap();
    }
    for (primary, secondary) in [(2, 3), (1, 2)] {
        let (one, other) = (house.stored_user(primary).await, house.stored_user(secondary).await);
        house.commit(from_origin(|origin| identity_link(&one, &other, origin).1)).await.unwrap();
        let again = house.commit(from_origin(|origin| identity_link(&one, &other, origin).1)).await;
        assert!(matches!(again, Err(StoreError::Stale)));
    }
    house = house.reopen().await;
    let primary = house.stored_user(1).await;
    assert_eq!(primary.value.identities.len(), 3);
    assert_eq!(house.store.user_page(house.tenant, PAGE).await.unwrap(), std::slice::from_ref(&primary.value));
    assert_eq!(house.store.user_count(house.tenant).await.unwrap(), 1);
    assert_eq!(house.store.user_get(house.tenant, &user(2).user_id).await.unwrap(), None);
    for taken in [2, 3] {
        let refused = house.commit(from_origin(|origin| user_create(user(taken), origin))).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    let local_id = primary.value.identities[2].user_id.clone();
    let unlinked = from_origin(|origin| identity_unlink(&primary, "auth0", &local_id, origin)).unwrap().1;
    house.commit(unlinked.clone()).await.unwrap();
    assert!(matches!(house.commit(unlinked).await, Err(StoreError::Stale)));
    assert_eq!(house.stored_user(3).await.value.email, user(3).email);
    let gone = house.stored_user(1).await;
    house.commit(from_origin(|origin| user_delete(&gone, origin))).await.unwrap();
    assert_eq!(house.store.user_count(house.tenant).await.unwrap(), 1);
    house.commit(from_origin(|origin| user_create(user(2), origin))).await.unwrap();
}
