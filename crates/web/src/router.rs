//! What is served, endpoint by endpoint: one table, which the router is made of and which tests walk.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::management::{
    actions, client_grants, clients, connections, deliveries, event_streams, event_types, events, resource_servers,
    users,
};
use crate::state::App;
use crate::{error, health, tokens};

/// A method of a path that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The method's name.
    pub method: &'static str,
    /// The path, with what varies in braces: `/api/v2/users/{id}`.
    pub path: &'static str,
}

/// An endpoint and what answers it.
struct Route {
    endpoint: Endpoint,
    handler: MethodRouter<Arc<App>>,
}

/// Every endpoint that is served, in the order of the table.
pub fn endpoints() -> Vec<Endpoint> {
    routes().into_iter().map(|route| route.endpoint).collect()
}

/// Everything that is served.
pub fn router(app: App) -> Router {
    let served =
        routes().into_iter().fold(Router::new(), |router, route| router.route(route.endpoint.path, route.handler));
    served
        .fallback(error::path_unknown)
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(Arc::new(app))
}

fn route<H, T>(filter: MethodFilter, method: &'static str, path: &'static str, handler: H) -> Route
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    Route { endpoint: Endpoint { method, path }, handler: on(filter, handler) }
}

fn get<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(MethodFilter::GET, "GET", path, handler)
}

fn post<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(MethodFilter::POST, "POST", path, handler)
}

fn patch<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(MethodFilter::PATCH, "PATCH", path, handler)
}

fn delete<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(MethodFilter::DELETE, "DELETE", path, handler)
}

fn routes() -> Vec<Route> {
    let mut routes = vec![
        get("/healthz", health::alive),
        get("/readyz", health::ready),
        post("/oauth/token", tokens::issue::issue),
        get("/.well-known/jwks.json", tokens::discovery::jwks),
        get("/.well-known/openid-configuration", tokens::discovery::configuration),
    ];
    routes.extend(entities());
    routes.extend(connection_endpoints());
    routes.extend(event_endpoints());
    routes
}

/// What events are about, and who may call.
fn entities() -> Vec<Route> {
    vec![
        get("/api/v2/users", users::list::list),
        post("/api/v2/users", users::create::create),
        get("/api/v2/users/{id}", users::get::get),
        patch("/api/v2/users/{id}", users::update::update),
        delete("/api/v2/users/{id}", users::delete::delete),
        get("/api/v2/clients", clients::list::list),
        post("/api/v2/clients", clients::create::create),
        get("/api/v2/clients/{id}", clients::get::get),
        patch("/api/v2/clients/{id}", clients::update::update),
        delete("/api/v2/clients/{id}", clients::delete::delete),
        post("/api/v2/clients/{id}/rotate-secret", clients::rotate_secret::rotate_secret),
        get("/api/v2/client-grants", client_grants::list::list),
        post("/api/v2/client-grants", client_grants::create::create),
        get("/api/v2/client-grants/{id}", client_grants::get::get),
        patch("/api/v2/client-grants/{id}", client_grants::update::update),
        delete("/api/v2/client-grants/{id}", client_grants::delete::delete),
        get("/api/v2/resource-servers", resource_servers::list::list),
        get("/api/v2/resource-servers/{id}", resource_servers::get::get),
        get("/api/v2/actions/actions", actions::list::list),
    ]
}

/// Connections and what belongs to them.
fn connection_endpoints() -> Vec<Route> {
    vec![
        get("/api/v2/connections", connections::list::list),
        post("/api/v2/connections", connections::create::create),
        get("/api/v2/connections/{id}", connections::get::get),
        patch("/api/v2/connections/{id}", connections::update::update),
        delete("/api/v2/connections/{id}", connections::delete::delete),
        get("/api/v2/connections/{id}/clients", connections::list_clients::list_clients),
        patch("/api/v2/connections/{id}/clients", connections::update_clients::update_clients),
    ]
}

/// Events, the streams that deliver them, and what could not be delivered.
fn event_endpoints() -> Vec<Route> {
    vec![
        get("/api/v2/headwater/event-types", event_types::list::list),
        post("/api/v2/headwater/event-types", event_types::create::create),
        get("/api/v2/headwater/event-types/{name}", event_types::get::get),
        patch("/api/v2/headwater/event-types/{name}", event_types::update::update),
        delete("/api/v2/headwater/event-types/{name}", event_types::delete::delete),
        post("/api/v2/events", events::publish::publish),
        get("/api/v2/event-streams", event_streams::list::list),
        post("/api/v2/event-streams", event_streams::create::create),
        get("/api/v2/event-streams/{id}", event_streams::get::get),
        patch("/api/v2/event-streams/{id}", event_streams::update::update),
        delete("/api/v2/event-streams/{id}", event_streams::delete::delete),
        post("/api/v2/event-streams/{id}/headwater/seek", event_streams::seek::seek),
        get("/api/v2/event-streams/{id}/deliveries", deliveries::list::list),
        get("/api/v2/event-streams/{id}/deliveries/{event_id}", deliveries::get::get),
        post("/api/v2/event-streams/{id}/redeliver/{event_id}", deliveries::redeliver::redeliver),
    ]
}
