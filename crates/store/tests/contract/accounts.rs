//! Tenants, applications, grants, users in pages, signing keys.

use domain::change::{Expect, ResourceServerWrite, Revision, Write};
use domain::ids::ResourceServerId;
use domain::resource_server::ResourceServer;
use domain::secret::Secret;
use store::{Page, Retire, SigningKey, State, TenantKeys};

use crate::backend::{Backend, House};
use crate::samples::{at, client, grant, user, user_created};

pub(crate) async fn a_tenant_is_made_once<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let first = house.store.tenant_ensure("globex").await.unwrap();
    assert_eq!(first.name, "globex");
    let house = house.reopen().await;
    assert_eq!(house.store.tenant_ensure("globex").await.unwrap(), first);
    assert_ne!(first.id, house.tenant);
}

pub(crate) async fn users_are_paged_oldest_first<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    // Created in another order than their ids have.
    for number in [3, 1, 4, 2, 5] {
        house.commit(user_created(user(number), number)).await.unwrap();
    }
    house.commit(Write::UserDelete(Revision(1), user(4).user_id)).await.unwrap();
    let page = async |offset, limit| house.store.user_page(house.tenant, Page { offset, limit }).await.unwrap();
    assert_eq!(page(0, 3).await, [user(3), user(1), user(2)]);
    assert_eq!(page(3, 3).await, [user(5)]);
    assert_eq!(page(9, 3).await, []);
    assert_eq!(page(0, 0).await, []);
    assert_eq!(house.store.user_count(house.tenant).await.unwrap(), 4);
}

pub(crate) async fn applications_and_grants_are_kept_and_listed<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    // As they were before secrets were kept.
    let mut hashed = client(3);
    hashed.secret.kept = None;
    for client in [client(1), client(2), hashed.clone()] {
        house.commit(Write::ClientPut(Expect::Absent, client)).await.unwrap();
    }
    for (number, of, audience) in [(1, 1, "api"), (2, 1, "other"), (3, 2, "api")] {
        house.commit(Write::GrantPut(Expect::Absent, grant(number, of, audience))).await.unwrap();
    }
    let mut renamed = client(2);
    renamed.settings.insert("name".to_owned(), "renamed".into());
    house.commit(Write::ClientPut(Expect::At(Revision(1)), renamed.clone())).await.unwrap();
    let mut narrower = grant(3, 2, "api");
    narrower.scope.truncate(1);
    house.commit(Write::GrantPut(Expect::At(Revision(1)), narrower.clone())).await.unwrap();

    let house = house.reopen().await;
    let (store, tenant) = (&house.store, house.tenant);
    let all = Page { offset: 0, limit: 50 };
    assert_eq!(store.client_page(tenant, all).await.unwrap(), [client(1), renamed.clone(), hashed.clone()]);
    assert_eq!(store.client_page(tenant, Page { offset: 1, limit: 1 }).await.unwrap(), [renamed]);
    assert_eq!(store.client_get(tenant, &hashed.id).await.unwrap().unwrap().value, hashed);
    house.commit(Write::ClientPut(Expect::At(Revision(1)), client(3))).await.unwrap();
    assert_eq!(store.client_get(tenant, &hashed.id).await.unwrap().unwrap().value, client(3));
    assert_eq!(store.client_count(tenant).await.unwrap(), 3);
    let read = store.grant_get(tenant, &narrower.id).await.unwrap().unwrap();
    assert_eq!((read.revision, &read.value), (Revision(2), &narrower));
    let (one, two) = (client(1).id, client(2).id);
    let cases = [
        (None, None, vec![grant(1, 1, "api"), grant(2, 1, "other"), narrower.clone()]),
        (Some(&one), None, vec![grant(1, 1, "api"), grant(2, 1, "other")]),
        (None, Some("api"), vec![grant(1, 1, "api"), narrower.clone()]),
        (Some(&two), Some("api"), vec![narrower]),
        (Some(&two), Some("other"), vec![]),
    ];
    for (client, audience, expected) in cases {
        assert_eq!(store.grant_page(tenant, client, audience, all).await.unwrap(), expected);
        let count = store.grant_count(tenant, client, audience).await.unwrap();
        assert_eq!(count, u64::try_from(expected.len()).unwrap());
    }
}

pub(crate) async fn the_signing_key_added_last_is_the_newest<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let key = |name: &str, millis| SigningKey {
        key_id: name.to_owned(),
        private_key: Secret::new(format!("private key of {name}")),
        created_at: at(millis),
        retires_at: None,
    };
    // Two in the same millisecond, and one after the clock was set back.
    for key in [key("b", 5), key("c", 9), key("a", 9), key("d", 1)] {
        house.store.signing_key_add(house.tenant, key, Retire::WhenExpired).await.unwrap();
    }
    let house = house.reopen().await;
    let keys = house.store.signing_keys(house.tenant).await.unwrap();
    let shown: Vec<_> = keys.iter().map(|key| (key.key_id.as_str(), key.private_key.expose())).collect();
    let expected = ["d", "a", "c", "b"].map(|name| (name, format!("private key of {name}")));
    assert!(shown.iter().copied().eq(expected.iter().map(|(name, text)| (*name, text.as_str()))), "{keys:?}");
    assert_eq!(keys[0].created_at, at(1));
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    assert!(house.store.signing_keys(other).await.unwrap().is_empty(), "each tenant has its own");
}

pub(crate) async fn a_signing_key_goes_when_its_last_token_has_expired<B: Backend>(backend: &B) {
    /// A key stays a little longer than its tokens.
    const LATER: i64 = 5 * 60 * 1000;
    let house = House::open(backend).await;
    let store = &house.store;
    let add = async |name: &str, millis, retire| {
        let private_key = Secret::new(format!("private key of {name}"));
        let key = SigningKey { key_id: name.to_owned(), private_key, created_at: at(millis), retires_at: None };
        store.signing_key_add(house.tenant, key, retire).await.unwrap();
    };
    let keys = async || {
        let keys = store.signing_keys(house.tenant).await.unwrap();
        keys.into_iter().map(|key| (key.key_id, key.retires_at)).collect::<Vec<_>>()
    };
    add("a", 0, Retire::WhenExpired).await;
    for seconds in [50, 20] {
        store.token_lifetime_note(house.tenant, seconds).await.unwrap();
    }
    // Tokens of an API may hold for longer, although that was changed since.
    for (expect, lifetime) in [(Expect::Absent, 90), (Expect::At(Revision(1)), 30)] {
        let id = ResourceServerId::from_text("r1");
        let server = ResourceServer::new(id, "https://api.example".to_owned(), lifetime);
        house.commit(Write::ResourceServer(ResourceServerWrite::Put(expect, Box::new(server)))).await.unwrap();
    }
    add("b", 1000, Retire::WhenExpired).await;
    let ends = 1000 + 90_000 + LATER;
    assert_eq!(keys().await, [("b".to_owned(), None), ("a".to_owned(), Some(at(ends)))]);
    let expire = async |millis| store.signing_keys_expire(house.tenant, at(millis)).await.unwrap();
    assert_eq!(expire(ends - 1).await, 0);
    assert_eq!(expire(ends).await, 1);
    assert_eq!(keys().await, [("b".to_owned(), None)]);
    // The next one knows for how long tokens may hold, too.
    add("c", 2000, Retire::WhenExpired).await;
    assert_eq!(keys().await[1], ("b".to_owned(), Some(at(2000 + 90_000 + LATER))));
    add("d", 3000, Retire::AtOnce).await;
    assert_eq!(keys().await, [("d".to_owned(), None)]);
}
