//! What a first start makes, and what later ones change.

use domain::change::{Expect, Write};
use domain::connection::DATABASE_CONNECTION;
use domain::ids::ClientId;
use domain::scope::SCOPES;
use serde_json::json;
use store::{Connections, Page, State, TenantKeys};
use web::{App, BootstrapError, LoadError};

use crate::server::{
    AUDIENCE, CLIENT_ID, CLIENT_SECRET, Server, SystemEntropy, application, load, open_store, settings,
};

const ALL: Page = Page { offset: 0, limit: 100 };

#[tokio::test]
async fn a_first_start_makes_everything_and_a_second_one_nothing() {
    let server = Server::start().await;
    let tenant = server.store.tenant_ensure("default").await.unwrap();
    let connection = server.store.connection_by_name(tenant.id, DATABASE_CONNECTION).await.unwrap().unwrap();
    assert!(connection.value.id.as_str().starts_with("con_") && connection.value.is_database());
    assert_eq!(connection.value.enabled_clients.iter().map(|id| id.as_str()).collect::<Vec<_>>(), [CLIENT_ID]);
    let grants = server.store.grant_page(tenant.id, None, None, ALL).await.unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].audience, AUDIENCE);
    assert_eq!(grants[0].scope, SCOPES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let keys = server.store.signing_keys(tenant.id).await.unwrap();
    assert_eq!(keys.len(), 1);

    drop(load(&server.store, &server.clock, CLIENT_SECRET, settings()).await);
    let again = server.store.connection_by_name(tenant.id, DATABASE_CONNECTION).await.unwrap().unwrap();
    assert_eq!(again, connection);
    assert_eq!(server.store.grant_page(tenant.id, None, None, ALL).await.unwrap(), grants);
    assert_eq!(server.store.client_count(tenant.id).await.unwrap(), 1);
    assert_eq!(server.store.signing_keys(tenant.id).await.unwrap()[0].key_id, keys[0].key_id);
}

#[tokio::test]
async fn a_restart_keeps_keys_and_takes_up_a_new_secret_and_missing_scopes() {
    let server = Server::start().await;
    let grants = server.call("GET", "/api/v2/client-grants").await.expect(200);
    let grant = format!("/api/v2/client-grants/{}", grants[0]["id"].as_str().unwrap());
    server.call_with("PATCH", &grant, &json!({"scope": ["read:client_grants"]})).await.expect(200);

    let Server { router, store, clock, token, folder } = server;
    // The router holds the store open too.
    drop((router, store));
    let store = open_store(&folder);
    let router = load(&store, &clock, "another secret", settings()).await;
    let server = Server { router, store, clock, token, folder };

    assert_eq!(server.call("GET", &grant).await.expect(200)["scope"].as_array().unwrap().len(), SCOPES.len());
    let old = json!({"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        "audience": AUDIENCE});
    server.ask_token(&old).await.expect(401);
    server.token_of(CLIENT_ID, "another secret").await;
    let read = server.call("GET", &format!("/api/v2/clients/{CLIENT_ID}")).await.expect(200);
    assert_eq!(read["client_secret"], "another secret");
}

#[tokio::test]
async fn a_start_keeps_the_secret_of_which_there_was_only_a_hash() {
    let server = Server::start().await;
    let (tenant, id) = (server.store.tenant_ensure("default").await.unwrap().id, ClientId::from_text(CLIENT_ID));
    let stored = async || server.store.client_get(tenant, &id).await.unwrap().unwrap();
    let mut hashed = stored().await;
    assert_eq!(hashed.value.secret.kept.take().unwrap().expose(), CLIENT_SECRET);
    let write = Write::ClientPut(Expect::At(hashed.revision), hashed.value);
    server.store.change_commit(tenant, write.into()).await.unwrap();
    assert_eq!(stored().await.value.secret.kept, None);
    drop(load(&server.store, &server.clock, CLIENT_SECRET, settings()).await);
    let taken_up = stored().await;
    assert_eq!(taken_up.value.secret.kept.as_ref().unwrap().expose(), CLIENT_SECRET);
    drop(load(&server.store, &server.clock, CLIENT_SECRET, settings()).await);
    assert_eq!(stored().await, taken_up);
}

#[tokio::test]
async fn without_a_first_start_there_is_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(&folder);
    let clock = Server::start().await.clock;
    let loaded = App::load(
        store,
        std::sync::Arc::new(crate::runner::ToldByCode::default()),
        clock,
        std::sync::Arc::new(SystemEntropy),
        settings(),
    )
    .await;
    assert!(matches!(loaded, Err(LoadError::Keys(_))));
}

#[tokio::test]
async fn an_application_that_nobody_could_name_is_refused() {
    let server = Server::start().await;
    for (id, secret) in [("", "s"), ("a b", "s"), ("a", ""), (&*"x".repeat(65), "s")] {
        let mut given = application(secret).unwrap();
        given.client_id = id.to_owned();
        let made = web::bootstrap(&*server.store, &*server.clock, &SystemEntropy, &settings(), Some(given)).await;
        assert!(matches!(made, Err(BootstrapError::Application)));
    }
}
