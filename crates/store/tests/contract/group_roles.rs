//! The roles of groups: by themselves and in organizations, gone with either side.

use domain::change::{Expect, GroupWrite, OrganizationWrite, Revision, RoleScope, RoleWrite, Write};
use domain::group::Group;
use domain::ids::{ConnectionId, GroupId, OrganizationId, RoleId};
use domain::organization::Organization;
use domain::role::Role;
use store::{GroupRoles, State, StoreError};

use crate::backend::{Backend, House};
use crate::samples::{at, enterprise_connection};

fn role(number: u64) -> Role {
    Role { id: RoleId::from_text(format!("rol_{number}")), name: format!("role {number}"), description: None }
}

async fn put<B: Backend>(house: &House<'_, B>, write: impl Into<Write>) {
    house.commit(write.into()).await.unwrap();
}

pub(crate) async fn roles_of_groups_are_kept_where_they_were_given<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    put(&house, Write::ConnectionPut(Expect::Absent, enterprise_connection(1, "corp", "hush"))).await;
    let group = |number: u128| Group {
        id: GroupId::from_number(number),
        connection_id: ConnectionId::from_text("con_1"),
        name: format!("group {number}"),
        external_id: None,
        created_at: at(0),
        updated_at: at(0),
    };
    let organization = Organization {
        id: OrganizationId::from_text("org_1"),
        name: "acme".to_owned(),
        display_name: None,
        branding: None,
        metadata: None,
    };
    for number in [1, 2] {
        put(&house, GroupWrite::Put(Expect::Absent, group(number))).await;
    }
    for number in [1, 2, 3] {
        put(&house, RoleWrite::Put(Expect::Absent, role(number))).await;
    }
    put(&house, OrganizationWrite::Put(Expect::Absent, Box::new(organization.clone()))).await;
    let within = RoleScope::Organization(organization.id.clone());
    let assign = |group: u128, scope: &RoleScope, number| {
        GroupWrite::RoleAssign(GroupId::from_number(group), scope.clone(), role(number).id, at(1))
    };
    for (group, scope, number) in
        [(1, &RoleScope::Tenant, 2), (1, &RoleScope::Tenant, 1), (1, &within, 3), (2, &within, 1)]
    {
        put(&house, assign(group, scope, number)).await;
    }
    for refused in [
        assign(1, &RoleScope::Tenant, 1),
        assign(1, &RoleScope::Tenant, 9),
        assign(9, &RoleScope::Tenant, 1),
        assign(1, &RoleScope::Organization(OrganizationId::from_text("org_9")), 1),
        GroupWrite::RoleDelete(GroupId::from_number(2), RoleScope::Tenant, role(1).id),
    ] {
        let answer = house.commit(Write::from(refused.clone())).await;
        assert!(matches!(answer, Err(StoreError::Stale)), "{refused:?} was answered {answer:?}");
    }

    let house = house.reopen().await;
    let (store, tenant, first) = (&house.store, house.tenant, GroupId::from_number(1));
    let other = store.tenant_ensure("globex").await.unwrap().id;
    let everywhere = store.group_roles_after(tenant, first, RoleScope::Tenant, None, 9).await.unwrap();
    assert_eq!(everywhere, [role(1), role(2)]);
    let after = store.group_roles_after(tenant, first, RoleScope::Tenant, Some(&role(1).id), 9).await.unwrap();
    assert_eq!(after, [role(2)]);
    assert_eq!(store.group_roles_after(tenant, first, within.clone(), None, 9).await.unwrap(), [role(3)]);
    assert_eq!(store.group_roles_after(other, first, RoleScope::Tenant, None, 9).await.unwrap(), []);
    let asked = (vec![first, GroupId::from_number(2)], vec![role(1).id, role(3).id]);
    let mut among = store.group_roles_among(tenant, within.clone(), asked.0, asked.1).await.unwrap();
    among.sort();
    assert_eq!(among, [(first, role(3).id), (GroupId::from_number(2), role(1).id)]);
    assert_eq!(store.role_groups_after(tenant, &role(1).id, None, 9).await.unwrap(), [group(1)]);
    let of_organization = store.organization_groups_after(tenant, &organization.id, None, 9).await.unwrap();
    assert_eq!(of_organization, [group(1), group(2)]);
    let rest = store.organization_groups_after(tenant, &organization.id, Some(first), 9).await.unwrap();
    assert_eq!(rest, [group(2)]);

    put(&house, GroupWrite::RoleDelete(first, RoleScope::Tenant, role(2).id)).await;
    put(&house, RoleWrite::Delete(Revision(1), role(1).id)).await;
    assert_eq!(store.group_roles_after(tenant, first, RoleScope::Tenant, None, 9).await.unwrap(), []);
    put(&house, GroupWrite::Delete(Revision(1), first)).await;
    assert_eq!(store.organization_groups_after(tenant, &organization.id, None, 9).await.unwrap(), []);
}
