//! What SCIM keeps: configurations, tokens, users who go with the user that they are, groups and members.

use std::time::Duration;

use domain::change::{Change, Expect, GroupWrite, Origin, Revision, ScimWrite, Write, scim_user_create, user_delete};
use domain::clock::Timestamp;
use domain::connection::Connection;
use domain::event::Source;
use domain::group::Group;
use domain::ids::GroupId;
use domain::scim::{
    ScimConfiguration, ScimMapping, ScimPath, ScimToken, ScimTokenHash, ScimTokenId, ScimUser, ScimUserId,
};
use serde_json::json;
use store::{Conflict, GroupFilter, Groups, Page, Scim, ScimUserFilter, State, StoreError};

use crate::backend::{Backend, Counting, House};
use crate::samples::{TENANT, at, enterprise_connection};

const ALL: Page = Page { offset: 0, limit: 50 };

fn configuration(connection: &Connection) -> ScimConfiguration {
    ScimConfiguration {
        connection_id: connection.id.clone(),
        user_id_attribute: ScimPath::parse("externalId").unwrap(),
        mapping: ScimMapping::default(),
        created_at: at(0),
        updated_at: at(0),
    }
}

fn token(number: u8, connection: &Connection) -> ScimToken {
    ScimToken {
        id: ScimTokenId::from_text(format!("tok_{number}")),
        connection_id: connection.id.clone(),
        hash: ScimTokenHash([number; 32]),
        scopes: vec!["get:users".to_owned()],
        created_at: at(number.into()),
        valid_until: Some(at(0).plus(Duration::from_secs(900))),
        last_used_at: None,
    }
}

/// A new user of the connection, and the change that makes it.
fn user(connection: &Connection, name: &str, now: Timestamp) -> (ScimUser, Change) {
    let document = json!({"userName": name, "externalId": format!("ext-{name}"),
        "emails": [{"value": format!("{name}@X.com")}]});
    let document = document.as_object().unwrap().clone();
    let entropy = Counting::default();
    let made = ScimUser::new(connection, &configuration(connection), document, now, &entropy);
    let (scim_user, user) = made.unwrap();
    let source = Source::new(TENANT, "acme.example");
    let origin = Origin { source: &source, now, entropy: &entropy, client: None, request: None };
    let change = scim_user_create(scim_user.clone(), user, &origin);
    (scim_user, change)
}

fn group(number: u128, connection: &Connection, name: &str) -> Group {
    Group {
        id: GroupId::from_number(number),
        connection_id: connection.id.clone(),
        name: name.to_owned(),
        external_id: Some(format!("ext-{name}")),
        created_at: at(0),
        updated_at: at(0),
    }
}

/// A house with a connection that is provisioned.
async fn open<B: Backend>(backend: &B) -> (House<'_, B>, Connection) {
    let house = House::open(backend).await;
    let connection = enterprise_connection(1, "corp", "hush");
    house.commit(Write::ConnectionPut(Expect::Absent, connection.clone())).await.unwrap();
    let write = ScimWrite::ConfigurationPut(Expect::Absent, Box::new(configuration(&connection)));
    house.commit(write).await.unwrap();
    (house, connection)
}

/// Deletes a user by its SCIM resource.
async fn delete<B: Backend>(house: &House<'_, B>, scim_user: &ScimUser) {
    let stored = house.store.user_get(house.tenant, &scim_user.user_id).await.unwrap().unwrap();
    let source = Source::new(TENANT, "acme.example");
    let entropy = Counting::default();
    let origin = Origin { source: &source, now: at(9), entropy: &entropy, client: None, request: None };
    house.commit(user_delete(&stored, &origin)).await.unwrap();
}

pub(crate) async fn configurations_and_tokens_are_kept_and_go_together<B: Backend>(backend: &B) {
    let (house, connection) = open(backend).await;
    for number in [2, 1] {
        house.commit(ScimWrite::TokenAdd(Box::new(token(number, &connection)))).await.unwrap();
    }
    let again = ScimWrite::ConfigurationPut(Expect::Absent, Box::new(configuration(&connection)));
    let taken = house.commit(again).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::ScimConfiguration))), "{taken:?}");
    let house = house.reopen().await;
    let (store, tenant, id) = (&house.store, house.tenant, &connection.id);
    let found = store.scim_configuration_get(tenant, id).await.unwrap().unwrap();
    assert_eq!((found.revision, &found.value), (Revision(1), &configuration(&connection)));
    assert_eq!(store.scim_tokens(tenant, id).await.unwrap(), [token(1, &connection), token(2, &connection)]);
    store.scim_token_used(tenant, &token(1, &connection).id, at(7)).await.unwrap();
    let used = store.scim_token_by_hash(tenant, ScimTokenHash([1; 32])).await.unwrap().unwrap();
    assert_eq!(used, ScimToken { last_used_at: Some(at(7)), ..token(1, &connection) });
    assert_eq!(store.scim_token_by_hash(tenant, ScimTokenHash([9; 32])).await.unwrap(), None);
    let other = store.tenant_ensure("globex").await.unwrap().id;
    assert_eq!(store.scim_token_by_hash(other, ScimTokenHash([1; 32])).await.unwrap(), None);
    assert_eq!(store.scim_configuration_get(other, id).await.unwrap(), None);
    let gone = ScimWrite::TokenDelete(id.clone(), token(2, &connection).id);
    house.commit(gone.clone()).await.unwrap();
    assert!(matches!(house.commit(gone).await, Err(StoreError::Stale)));
    house.commit(ScimWrite::ConfigurationDelete(Revision(1), id.clone())).await.unwrap();
    assert_eq!(store.scim_tokens(tenant, id).await.unwrap(), []);
    let orphan = house.commit(ScimWrite::TokenAdd(Box::new(token(3, &connection)))).await;
    assert!(matches!(orphan, Err(StoreError::Stale)), "{orphan:?}");
}

pub(crate) async fn scim_users_are_found_and_go_with_their_user<B: Backend>(backend: &B) {
    let (house, connection) = open(backend).await;
    let mut made = Vec::new();
    for (number, name) in [(1, "Jane"), (2, "jo")] {
        let (scim_user, change) = user(&connection, name, at(number));
        house.commit(change).await.unwrap();
        made.push(scim_user);
    }
    let (_, again) = user(&connection, "JANE", at(3));
    let taken = house.commit(again).await;
    assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
    let house = house.reopen().await;
    let (store, tenant, id) = (&house.store, house.tenant, &connection.id);
    let found = async |filter: ScimUserFilter| {
        let count = store.scim_user_count(tenant, id, filter.clone()).await.unwrap();
        let page = store.scim_user_page(tenant, id, filter, ALL).await.unwrap();
        assert_eq!(page.len() as u64, count);
        page.into_iter().map(|user| user.value).collect::<Vec<_>>()
    };
    let none = ScimUserFilter::default;
    assert_eq!(found(none()).await, made);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found(ScimUserFilter { user_name: text("JANE"), ..none() }).await, made[..1]);
    assert_eq!(found(ScimUserFilter { external_id: text("ext-jo"), ..none() }).await, made[1..]);
    assert_eq!(found(ScimUserFilter { email: text("JO@x.com"), ..none() }).await, made[1..]);
    assert_eq!(found(ScimUserFilter { id: Some(made[0].id.clone()), ..none() }).await, made[..1]);
    assert_eq!(found(ScimUserFilter { user_name: text("jane"), external_id: text("ext-jo"), ..none() }).await, []);
    let ids = vec![made[1].id.clone(), ScimUserId::from_text("unknown")];
    let identities = store.scim_identities(tenant, id, ids).await.unwrap();
    assert_eq!(identities.len(), 1);
    assert_eq!((&identities[0].id, &identities[0].user_id), (&made[1].id, &made[1].user_id));
    let other = store.tenant_ensure("globex").await.unwrap().id;
    assert_eq!(store.scim_user_get(other, id, &made[0].id).await.unwrap(), None);
    delete(&house, &made[0]).await;
    assert_eq!(found(none()).await, made[1..]);
}

pub(crate) async fn groups_and_members_are_kept_and_listed<B: Backend>(backend: &B) {
    let (house, connection) = open(backend).await;
    let mut users = Vec::new();
    for (number, name) in [(1, "a"), (2, "b"), (3, "c")] {
        let (scim_user, change) = user(&connection, name, at(number));
        house.commit(change).await.unwrap();
        users.push(scim_user);
    }
    for (number, name) in [(2, "Support"), (1, "Admins"), (3, "Sales")] {
        house.commit(Write::from(GroupWrite::Put(Expect::Absent, group(number, &connection, name)))).await.unwrap();
    }
    let taken = house.commit(Write::from(GroupWrite::Put(Expect::Absent, group(4, &connection, "ADMINS")))).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::Group))), "{taken:?}");
    let first = GroupId::from_number(1);
    for user in &users {
        house.commit(Write::from(GroupWrite::MemberAdd(first, user.user_id.clone(), at(5)))).await.unwrap();
    }
    let twice = house.commit(Write::from(GroupWrite::MemberAdd(first, users[0].user_id.clone(), at(6)))).await;
    assert!(matches!(twice, Err(StoreError::Stale)), "{twice:?}");

    let house = house.reopen().await;
    let (store, tenant) = (&house.store, house.tenant);
    let names = |groups: Vec<Group>| groups.into_iter().map(|group| group.name).collect::<Vec<_>>();
    let all = GroupFilter::default;
    let after = store.groups_after(tenant, all(), None, 2).await.unwrap();
    assert_eq!(names(after), ["Admins", "Support"]);
    assert_eq!(names(store.groups_after(tenant, all(), Some(GroupId::from_number(2)), 9).await.unwrap()), ["Sales"]);
    for (filter, expected) in [
        (GroupFilter { name: Some("SALES".to_owned()), ..all() }, vec!["Sales"]),
        (GroupFilter { external_id: Some("ext-Sales".to_owned()), ..all() }, vec!["Sales"]),
        (GroupFilter { search: Some("EXT-S".to_owned()), ..all() }, vec!["Support", "Sales"]),
        (GroupFilter { connection: Some(connection.id.clone()), ..all() }, vec!["Admins", "Support", "Sales"]),
    ] {
        assert_eq!(store.group_count(tenant, filter.clone()).await.unwrap(), expected.len() as u64);
        let page = store.group_page(tenant, filter, ALL).await.unwrap();
        assert_eq!(names(page.into_iter().map(|group| group.value).collect()), expected);
    }
    let members = store.group_members_after(tenant, first, Some(&users[0].user_id), 9).await.unwrap();
    let ids: Vec<_> = members.iter().map(|member| &member.user_id).collect();
    assert_eq!(ids, [&users[1].user_id, &users[2].user_id]);
    assert_eq!(members[0].added_at, at(5));
    assert_eq!(store.group_scim_members(tenant, first).await.unwrap().len(), 3);
    house.commit(Write::from(GroupWrite::MemberDelete(first, users[1].user_id.clone()))).await.unwrap();
    let gone = house.commit(Write::from(GroupWrite::MemberDelete(first, users[1].user_id.clone()))).await;
    assert!(matches!(gone, Err(StoreError::Stale)), "{gone:?}");
    let asked: Vec<_> = users.iter().map(|user| user.user_id.clone()).collect();
    let among = store.group_members_among(tenant, first, asked.clone()).await.unwrap();
    assert_eq!(among.len(), 2);
    delete(&house, &users[2]).await;
    assert_eq!(store.group_members_among(tenant, first, asked).await.unwrap(), [users[0].user_id.clone()]);
    let other = store.tenant_ensure("globex").await.unwrap().id;
    assert_eq!(store.group_get(other, first).await.unwrap(), None);
    assert_eq!(store.group_members_after(other, first, None, 9).await.unwrap(), []);
    house.commit(Write::ConnectionDelete(Revision(1), connection.id)).await.unwrap();
    assert_eq!(store.group_get(tenant, first).await.unwrap(), None);
    assert!(store.user_get(tenant, &users[0].user_id).await.unwrap().is_some(), "users stay");
}
