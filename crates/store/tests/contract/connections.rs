//! Connections: whole, in lists, narrowed.

use domain::change::{Expect, Revision, Write};
use domain::connection::{Connection, Strategy};
use domain::ids::ConnectionId;
use store::{ConnectionFilter, ConnectionPlace, Connections, Page, State};

use crate::backend::{Backend, House};
use crate::samples::{connection, enterprise_connection};

const ALL: Page = Page { offset: 0, limit: 50 };

fn names(connections: &[Connection]) -> Vec<&str> {
    connections.iter().map(|connection| connection.name.as_str()).collect()
}

pub(crate) async fn a_connection_is_kept_whole<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut corp = enterprise_connection(1, "corp", "hush");
    house.commit(Write::ConnectionPut(Expect::Absent, corp.clone())).await.unwrap();
    corp.settings.realms = vec!["a".to_owned(), "b".to_owned()];
    corp.settings.show_as_button = Some(false);
    corp.settings.authentication.active = false;
    corp.settings.connected_accounts.cross_app_access = Some(true);
    corp.enabled_clients.clear();
    // It is read before it changes, so that what is remembered of it must be forgotten.
    assert!(house.store.connection_by_name(house.tenant, "corp").await.unwrap().is_some());
    house.commit(Write::ConnectionPut(Expect::At(Revision(1)), corp.clone())).await.unwrap();
    let found = house.store.connection_by_name(house.tenant, "corp").await.unwrap().unwrap();
    assert_eq!((found.revision, &found.value), (Revision(2), &corp));
    let house = house.reopen().await;
    let found = house.store.connection_get(house.tenant, &corp.id).await.unwrap().unwrap();
    assert_eq!((found.revision, found.value), (Revision(2), corp.clone()));
    house.commit(Write::ConnectionDelete(Revision(2), corp.id.clone())).await.unwrap();
    assert_eq!(house.store.connection_get(house.tenant, &corp.id).await.unwrap(), None);
    assert_eq!(house.store.connection_by_name(house.tenant, "corp").await.unwrap(), None);
}

pub(crate) async fn connections_are_listed_oldest_first_in_two_ways<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for (number, name) in [(3, "c"), (1, "a"), (2, "b"), (4, "d")] {
        house.commit(Write::ConnectionPut(Expect::Absent, connection(number, name))).await.unwrap();
    }
    let (store, tenant, all) = (&house.store, house.tenant, ConnectionFilter::default());
    let page = store.connection_page(tenant, all.clone(), Page { offset: 1, limit: 2 }).await.unwrap();
    assert_eq!(names(&page), ["b", "c"]);
    assert_eq!(store.connection_count(tenant, all.clone()).await.unwrap(), 4);
    let place =
        |connection: &Connection| ConnectionPlace { created_at: connection.created_at, id: connection.id.clone() };
    let first = store.connections_after(tenant, all.clone(), None, 2).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    // Its place stays when it has gone.
    house.commit(Write::ConnectionDelete(Revision(1), first[1].id.clone())).await.unwrap();
    let rest = store.connections_after(tenant, all.clone(), Some(place(&first[1])), 9).await.unwrap();
    assert_eq!(names(&rest), ["c", "d"]);
    let other = store.tenant_ensure("globex").await.unwrap().id;
    assert_eq!(store.connections_after(other, all.clone(), None, 9).await.unwrap(), []);
    assert_eq!(store.connection_get(other, &ConnectionId::from_text("con_1")).await.unwrap(), None);
    assert_eq!(store.connection_count(other, all).await.unwrap(), 0);
}

pub(crate) async fn a_filter_narrows_the_list<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut mail = connection(3, "mail");
    mail.strategy = Strategy::from_name("email").unwrap();
    for each in [connection(1, "db"), enterprise_connection(2, "corp", "hush"), mail] {
        house.commit(Write::ConnectionPut(Expect::Absent, each)).await.unwrap();
    }
    let strategies = |names: &[&str]| Some(names.iter().map(|name| Strategy::from_name(name).unwrap()).collect());
    let cases = [
        (None, None, vec!["db", "corp", "mail"]),
        (strategies(&["auth0", "email"]), None, vec!["db", "mail"]),
        (strategies(&["sms"]), None, vec![]),
        (None, Some("corp".to_owned()), vec!["corp"]),
        (strategies(&["auth0"]), Some("corp".to_owned()), vec![]),
    ];
    for (strategies, name, expected) in cases {
        let filter = ConnectionFilter { strategies, name, ..ConnectionFilter::default() };
        let page = house.store.connection_page(house.tenant, filter.clone(), ALL).await.unwrap();
        assert_eq!(names(&page), expected);
        let after = house.store.connections_after(house.tenant, filter.clone(), None, 9).await.unwrap();
        assert_eq!(names(&after), expected);
        assert_eq!(house.store.connection_count(house.tenant, filter).await.unwrap(), expected.len() as u64);
    }
}
