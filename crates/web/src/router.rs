//! What is served, path by path.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::management::{client_grants, clients, deliveries, event_streams, events, resource_servers, users};
use crate::state::App;
use crate::{error, health, tokens};

/// Everything that is served.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/oauth/token", post(tokens::issue::issue))
        .route("/.well-known/jwks.json", get(tokens::discovery::jwks))
        .route("/.well-known/openid-configuration", get(tokens::discovery::configuration))
        .nest("/api/v2", management())
        .fallback(error::path_unknown)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(Arc::new(app))
}

fn management() -> Router<Arc<App>> {
    Router::new()
        .route("/users", get(users::list::list).post(users::create::create))
        .route("/users/{id}", get(users::get::get).patch(users::update::update).delete(users::delete::delete))
        .route("/clients", get(clients::list::list).post(clients::create::create))
        .route("/clients/{id}", get(clients::get::get).patch(clients::update::update).delete(clients::delete::delete))
        .route("/clients/{id}/rotate-secret", post(clients::rotate_secret::rotate_secret))
        .route("/client-grants", get(client_grants::list::list).post(client_grants::create::create))
        .route(
            "/client-grants/{id}",
            get(client_grants::get::get).patch(client_grants::update::update).delete(client_grants::delete::delete),
        )
        .route("/resource-servers", get(resource_servers::list::list))
        .route("/resource-servers/{id}", get(resource_servers::get::get))
        .route("/events", post(events::publish::publish))
        .route("/event-streams", get(event_streams::list::list).post(event_streams::create::create))
        .route(
            "/event-streams/{id}",
            get(event_streams::get::get).patch(event_streams::update::update).delete(event_streams::delete::delete),
        )
        .route("/event-streams/{id}/headwater/seek", post(event_streams::seek::seek))
        .route("/event-streams/{id}/deliveries", get(deliveries::list::list))
        .route("/event-streams/{id}/deliveries/{event_id}", get(deliveries::get::get))
        .route("/event-streams/{id}/redeliver/{event_id}", post(deliveries::redeliver::redeliver))
}
