//! Snapshots of groups, their members and their roles.

use domain::catalog::EventType;
use domain::change::{
    Change, Expect, GroupPatch, GroupWrite, RoleScope, RoleWrite, Versioned, Write, connection_delete, group_create,
    group_delete, group_roles_assign, group_roles_delete, group_update, organization_delete, user_delete,
};
use domain::event::Seq;
use domain::group::Group;
use domain::ids::{GroupId, StreamId};
use serde_json::Value;
use store::{Connections, Groups, Log, SnapshotStep, State};

use super::{create, since, step, stored, with_organizations, with_snapshot};
use crate::backend::{Backend, House};
use crate::organizations::{from_origin, organization, role};
use crate::samples::{at, enterprise_connection, user};

fn group(number: u128, connection: u64) -> Group {
    Group {
        id: GroupId::from_number(number),
        connection_id: enterprise_connection(connection, "", "").id,
        name: format!("name{number}"),
        external_id: Some(format!("ext{number}")),
        created_at: at(0),
        updated_at: at(0),
    }
}

async fn stored_group<B: Backend>(house: &House<'_, B>, number: u128) -> Versioned<Group> {
    house.store.group_get(house.tenant, GroupId::from_number(number)).await.unwrap().unwrap()
}

async fn create_group<B: Backend>(house: &House<'_, B>, number: u128, connection: u64, members: &[u64]) {
    let members: Vec<_> = members.iter().map(|number| user(*number).user_id).collect();
    house.commit(from_origin(|origin| group_create(group(number, connection), &members, origin))).await.unwrap();
}

async fn rename_group<B: Backend>(house: &House<'_, B>, number: u128, removed: &[u64], added: &[u64]) {
    let stored = stored_group(house, number).await;
    let users = |numbers: &[u64]| numbers.iter().map(|number| user(*number).user_id).collect();
    let external_id = Some("renamed".to_owned());
    let patch =
        GroupPatch { name: format!("renamed{number}"), external_id, added: users(added), removed: users(removed) };
    house.commit(from_origin(|origin| group_update(&stored, patch, origin)).unwrap().1).await.unwrap();
}

async fn delete_group<B: Backend>(house: &House<'_, B>, number: u128) {
    let stored = stored_group(house, number).await;
    house.commit(from_origin(|origin| group_delete(&stored, origin))).await.unwrap();
}

fn within(number: u64) -> RoleScope {
    RoleScope::Organization(organization(number).id)
}

async fn give<B: Backend>(house: &House<'_, B>, number: u128, scope: &RoleScope, role_number: u64) {
    let given = [(stored_group(house, number).await.value, role(role_number))];
    house.commit(from_origin(|origin| group_roles_assign(&given, scope, origin))).await.unwrap();
}

async fn take<B: Backend>(house: &House<'_, B>, number: u128, scope: &RoleScope, role_number: u64) {
    let taken = [(stored_group(house, number).await.value, role(role_number).id)];
    house.commit(from_origin(|origin| group_roles_delete(&taken, scope, origin))).await.unwrap();
}

/// Two connections, organizations and roles, three users.
async fn furnished<'a, B: Backend>(backend: &'a B) -> House<'a, B> {
    let house = House::open(backend).await;
    create(&house, 1..=3).await;
    for number in [1, 2] {
        let connection = enterprise_connection(number, &format!("corp{number}"), "hush");
        house.commit(Change::from(Write::ConnectionPut(Expect::Absent, connection))).await.unwrap();
        house.create_organization(number).await;
        house.create_role(number).await;
    }
    house
}

/// What an event says, in short: of a group by its number.
fn short((_, name, object): &(bool, &'static str, Value)) -> String {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let number = |id: &str| {
        let is_it = |number: &u128| GroupId::from_number(*number).to_string() == id;
        (1..9).find(is_it).map_or_else(|| id.to_owned(), |number| number.to_string())
    };
    let user = (1..9).find(|number| user(*number).user_id.as_str() == text("/member/id")).unwrap_or_default();
    let (group, role) = (number(text("/group/id")), text("/role/id"));
    match *name {
        "group.created" => format!("{} {} {}", number(text("/id")), text("/name"), text("/external_id")),
        "group.member.added" => format!("{group} has {user}"),
        "group.role.assigned" => format!("{group} is {role}"),
        "organization.group.role.assigned" => format!("{group} is {role} in {}", text("/organization/id")),
        _ => format!("{name} {}", text("/name")),
    }
}

/// What only one stream is told, in the order of the log, but for users.
async fn own<B: Backend>(house: &House<'_, B>, id: StreamId) -> Vec<String> {
    let seen = since(house, id, Seq::ZERO).await;
    seen.iter().filter(|(is_own, name, _)| *is_own && *name != "user.created").map(short).collect()
}

async fn finish<B: Backend>(house: &House<'_, B>, id: StreamId) {
    while step(house, id, 2).await == SnapshotStep::More {}
}

pub(crate) async fn groups_are_told_of_before_what_is_in_them_and_before_any_change<B: Backend>(backend: &B) {
    let mut house = furnished(backend).await;
    for number in 1..=5 {
        create_group(&house, number, 1, &[1, 2]).await;
    }
    for number in 1..=3 {
        give(&house, number, &RoleScope::Tenant, 1).await;
        give(&house, number, &within(1), 1).await;
    }
    delete_group(&house, 5).await;
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    let foreign = Write::ConnectionPut(Expect::Absent, enterprise_connection(7, "corp", "hush"));
    house.store.change_commit(other, foreign.into()).await.unwrap();
    let foreign = Write::from(GroupWrite::Put(Expect::Absent, group(7, 7)));
    house.store.change_commit(other, foreign.into()).await.unwrap();
    let (all, mut members) = (with_organizations(1), with_organizations(2));
    members.subscriptions = vec![EventType::GroupMemberAdded];
    house.commit(with_snapshot(&all)).await.unwrap();
    house.commit(with_snapshot(&members)).await.unwrap();
    let start = house.end();

    // Before their turn.
    rename_group(&house, 1, &[1], &[3]).await;
    take(&house, 2, &RoleScope::Tenant, 1).await;
    take(&house, 2, &within(1), 1).await;
    delete_group(&house, 3).await;
    give(&house, 4, &within(2), 2).await;
    create_group(&house, 6, 2, &[2]).await;
    let before = [
        "connection.created corp1",
        "1 name1 ext1",
        "1 has 1",
        "2 name2 ext2",
        "2 is rol_1",
        "organization.created name1",
        "2 is rol_1 in org_1",
        "3 name3 ext3",
        "4 name4 ext4",
        "organization.created name2",
        "connection.created corp2",
    ];
    assert_eq!(own(&house, all.id).await, before, "as they were");
    house = house.reopen().await;
    assert_eq!(step(&house, all.id, 2).await, SnapshotStep::More);
    rename_group(&house, 4, &[], &[3]).await;
    finish(&house, all.id).await;
    finish(&house, members.id).await;
    assert_eq!(house.store.snapshot_streams().await.unwrap(), []);
    rename_group(&house, 2, &[1], &[]).await;
    let has = ["1 has 2", "2 has 1", "2 has 2", "4 has 1", "4 has 2"];
    let roles = ["1 is rol_1", "1 is rol_1 in org_1"];
    let expected: Vec<&str> = before.into_iter().chain(has).chain(roles).collect();
    assert_eq!(own(&house, all.id).await, expected, "each once");
    let expected: Vec<&str> = std::iter::once("1 has 1").chain(has).collect();
    assert_eq!(own(&house, members.id).await, expected, "only what it subscribes to");
    let seen = since(&house, all.id, start).await;
    let place = |name: &str| seen.iter().position(|event| !event.0 && event.1 == name).unwrap();
    let told = |what: &str| seen.iter().position(|event| event.0 && short(event) == what).unwrap();
    assert!(told("1 name1 ext1") < place("group.updated") && told("1 has 1") < place("group.member.deleted"));
    assert!(told("2 is rol_1") < place("group.role.deleted"));
    assert!(told("2 is rol_1 in org_1") < place("organization.group.role.deleted"));
    assert!(told("3 name3 ext3") < place("group.deleted"));
}

pub(crate) async fn what_goes_with_what_a_group_is_of_is_told_of_no_more<B: Backend>(backend: &B) {
    let house = furnished(backend).await;
    create_group(&house, 1, 1, &[1, 2]).await;
    for number in [2, 3] {
        create_group(&house, number, 2, &[1, 2]).await;
        for (scope, role) in [(RoleScope::Tenant, 1), (RoleScope::Tenant, 2), (within(1), 2), (within(2), 2)] {
            give(&house, number, &scope, role).await;
        }
    }
    let stream = with_organizations(1);
    house.commit(with_snapshot(&stream)).await.unwrap();
    let gone = house.store.connection_get(house.tenant, &group(1, 1).connection_id).await.unwrap().unwrap();
    house.commit(from_origin(|origin| connection_delete(&gone, origin))).await.unwrap();
    let gone = house.organization(1).await;
    house.commit(from_origin(|origin| organization_delete(&gone, origin))).await.unwrap();
    let gone = house.role(1).await;
    house.commit(Write::from(RoleWrite::Delete(gone.revision, gone.value.id))).await.unwrap();
    let gone = stored(&house, 1).await;
    house.commit(from_origin(|origin| user_delete(&gone, origin))).await.unwrap();
    delete_group(&house, 3).await;
    finish(&house, stream.id).await;
    assert_eq!(house.store.snapshot_streams().await.unwrap(), []);
    let expected = [
        "connection.created corp1",
        "organization.created name1",
        "connection.created corp2",
        "3 name3 ext3",
        "2 name2 ext2",
        "2 has 2",
        "organization.created name2",
        "2 is rol_2",
        "2 is rol_2 in org_2",
    ];
    assert_eq!(own(&house, stream.id).await, expected);
}
