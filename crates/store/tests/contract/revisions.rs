//! Two clients that change an entity at once cannot silently overwrite each other.

use std::sync::Arc;

use domain::change::{Change, Expect, Revision, Versioned, Write};
use domain::ids::GrantId;
use domain::user::User;
use store::{Conflict, Connections, State, StoreError};
use tokio::task::JoinSet;

use crate::backend::{Backend, House, bounded};
use crate::samples::{self, client, grant, user, user_created, user_renamed};

async fn stored_user<B: Backend>(house: &House<'_, B>, number: u64) -> Versioned<User> {
    house.store.user_get(house.tenant, &user(number).user_id).await.unwrap().unwrap()
}

fn is_stale(answer: &Result<(), StoreError>) -> bool {
    matches!(answer, Err(StoreError::Stale))
}

pub(crate) async fn of_two_updates_of_a_revision_one_wins<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.commit(user_created(user(1), 1)).await.unwrap();
    for round in 0..10 {
        let stored = stored_user(&house, 1).await;
        let mut tasks = JoinSet::new();
        for side in 0..2_u64 {
            let change = user_renamed(&stored, &format!("{round}-{side}"), 10 + round * 2 + side);
            let (store, tenant) = (Arc::clone(&house.store), house.tenant);
            tasks.spawn(async move { (side, store.change_commit(tenant, change).await) });
        }
        let answers = bounded(tasks.join_all()).await;
        assert_eq!(answers.iter().filter(|(_, answer)| is_stale(answer)).count(), 1, "{answers:?}");
        let (winner, _) = answers.iter().find(|(_, answer)| answer.is_ok()).unwrap();
        let now = stored_user(&house, 1).await;
        assert_eq!(now.revision, Revision(stored.revision.0 + 1));
        assert_eq!(now.value.nickname, Some(format!("{round}-{winner}")));
    }
    assert_eq!(house.seqs().await.len(), 11);
}

pub(crate) async fn a_deletion_names_its_revision_too<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let stream = house.stream(1).await;
    let connection = samples::connection(1, "db");
    house.commit(user_created(user(1), 1)).await.unwrap();
    house.commit(Write::ClientPut(Expect::Absent, client(1))).await.unwrap();
    house.commit(Write::GrantPut(Expect::Absent, grant(1, 1, "api"))).await.unwrap();
    house.commit(Write::ConnectionPut(Expect::Absent, connection.clone())).await.unwrap();
    let deletions = |revision| {
        let revision = Revision(revision);
        [
            Write::UserDelete(revision, user(1).user_id),
            Write::GrantDelete(revision, GrantId::from_text("cgr_1")),
            Write::ClientDelete(revision, client(1).id),
            Write::ConnectionDelete(revision, connection.id.clone()),
            Write::StreamDelete(revision, stream.id),
        ]
    };
    for deletion in deletions(2) {
        let change = Change { writes: vec![deletion.clone()], events: vec![samples::event(9)] };
        assert!(is_stale(&house.commit(change).await), "{deletion:?}");
    }
    assert_eq!(house.seqs().await, [1]);
    assert_eq!(stored_user(&house, 1).await.value, user(1));
    assert_eq!(house.restored(stream.id).await.position.frontier.0, 1);
    for deletion in deletions(1) {
        house.commit(deletion.clone()).await.unwrap();
        assert!(is_stale(&house.commit(deletion).await), "it is gone already");
    }
    assert_eq!(house.store.user_get(house.tenant, &user(1).user_id).await.unwrap(), None);
    assert_eq!(house.store.client_get(house.tenant, &client(1).id).await.unwrap(), None);
    assert_eq!(house.store.grant_get(house.tenant, &GrantId::from_text("cgr_1")).await.unwrap(), None);
    assert_eq!(house.store.connection_by_name(house.tenant, "db").await.unwrap(), None);
    assert_eq!(house.store.stream_get(house.tenant, stream.id).await.unwrap(), None);
}

pub(crate) async fn an_application_takes_its_grants_with_it<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in [1, 2] {
        house.commit(Write::ClientPut(Expect::Absent, client(number))).await.unwrap();
        house.commit(Write::GrantPut(Expect::Absent, grant(number, number, "api"))).await.unwrap();
    }
    house.commit(Write::GrantPut(Expect::Absent, grant(3, 1, "other api"))).await.unwrap();
    let stale = house.commit(Write::ClientDelete(Revision(7), client(1).id)).await;
    assert!(is_stale(&stale));
    assert_eq!(house.store.grant_count(house.tenant, None, None).await.unwrap(), 3);
    house.commit(Write::ClientDelete(Revision(1), client(1).id)).await.unwrap();
    assert_eq!(house.store.grant_count(house.tenant, Some(&client(1).id), None).await.unwrap(), 0);
    assert_eq!(house.store.grant_get(house.tenant, &grant(3, 1, "").id).await.unwrap(), None);
    assert_eq!(house.store.grant_count(house.tenant, None, None).await.unwrap(), 1);
}

pub(crate) async fn another_tenant_reaches_nothing<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    assert_ne!(other, house.tenant);
    house.commit(user_created(user(1), 1)).await.unwrap();
    let stream = house.stream(1).await;
    let (stored, revision) = (stored_user(&house, 1).await, Revision(1));
    let attempts = [
        user_renamed(&stored, "stolen", 2),
        Write::UserDelete(revision, user(1).user_id).into(),
        samples::changed(1, &stream),
        Write::StreamDelete(revision, stream.id).into(),
    ];
    for change in attempts {
        assert!(is_stale(&house.store.change_commit(other, change).await));
    }
    assert_eq!(house.store.user_get(other, &user(1).user_id).await.unwrap(), None);
    assert_eq!(house.store.stream_get(other, stream.id).await.unwrap(), None);
    assert_eq!(house.store.stream_page(other, None, 9).await.unwrap(), []);
    assert_eq!(house.store.user_count(other).await.unwrap(), 0);
    assert_eq!(stored_user(&house, 1).await, stored);
    // The same address and name are free in a tenant of its own.
    house.store.change_commit(other, user_created(user(1), 3)).await.unwrap();
    let mut named = samples::stream(2);
    named.name = stream.name;
    house.store.change_commit(other, samples::created(&named)).await.unwrap();
    let tenants: Vec<_> = house.events().await.iter().map(|logged| logged.tenant).collect();
    assert_eq!(tenants, [house.tenant, other]);
}

pub(crate) async fn what_is_unique_is_refused_by_name<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let connection = |number| samples::connection(number, "db");
    let first = [
        Write::ClientPut(Expect::Absent, client(1)),
        Write::GrantPut(Expect::Absent, grant(1, 1, "api")),
        Write::ConnectionPut(Expect::Absent, connection(1)),
    ];
    for write in first {
        house.commit(write).await.unwrap();
    }
    let taken = [
        (Write::ClientPut(Expect::Absent, client(1)), Conflict::Client),
        (Write::GrantPut(Expect::Absent, grant(2, 1, "api")), Conflict::Grant),
        (Write::ConnectionPut(Expect::Absent, connection(2)), Conflict::ConnectionName),
    ];
    for (write, conflict) in taken {
        match house.commit(write).await {
            Err(StoreError::Conflict(found)) => assert_eq!(found, conflict),
            other => panic!("{conflict:?} was answered {other:?}"),
        }
    }
    let found = house.store.connection_by_name(house.tenant, "db").await.unwrap().unwrap();
    assert_eq!((found.revision, found.value), (Revision(1), connection(1)));
}
