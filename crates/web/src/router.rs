//! What is served, endpoint by endpoint: one table, which the router is made of and which tests walk. The dashboard has a
//! table of its own, `dashboard/pages.rs`.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::management::{
    actions, client_grants, clients, connections, deliveries, event_streams, event_types, events, group_roles, groups,
    organization_groups, organizations, redeliveries, resource_servers, role_groups, roles, scim_configuration, users,
};
use crate::state::App;
use crate::{dashboard, error, health, openapi, pull, rate_limit, scim, tokens};

/// A method of a path that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The method's name.
    pub method: &'static str,
    /// The path, with what varies in braces: `/api/v2/users/{id}`.
    pub path: &'static str,
}

/// An endpoint and what answers it.
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    pub(crate) handler: MethodRouter<Arc<App>>,
}

/// Every endpoint of the API that is served, in the order of the table.
pub fn endpoints() -> Vec<Endpoint> {
    routes().into_iter().map(|route| route.endpoint).collect()
}

/// Everything that is served.
pub fn router(app: impl Into<Arc<App>>) -> Router {
    let app = app.into();
    let served =
        routes().into_iter().fold(Router::new(), |router, route| router.route(route.endpoint.path, route.handler));
    served
        .merge(dashboard::router(&app))
        .fallback(dashboard::path_unknown)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), rate_limit::limit))
        .with_state(app)
}

fn route<H, T>(filter: MethodFilter, method: &'static str, path: &'static str, handler: H) -> Route
where
    H: Handler<T, Arc<App>>,
    T: 'static,
{
    Route { endpoint: Endpoint { method, path }, handler: on(filter, handler) }
}

pub(crate) fn get<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(MethodFilter::GET, "GET", path, handler)
}

pub(crate) fn post<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(MethodFilter::POST, "POST", path, handler)
}

fn put<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    route(MethodFilter::PUT, "PUT", path, handler)
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
        get("/api/v2/openapi.json", openapi::describe),
    ];
    routes.extend(entities());
    routes.extend(connection_endpoints());
    routes.extend(group_endpoints());
    routes.extend(scim_endpoints());
    routes.extend(role_endpoints());
    routes.extend(organization_endpoints());
    routes.extend(event_endpoints());
    routes.extend(action_endpoints());
    routes
}

/// Roles, and who has them in the tenant.
fn role_endpoints() -> Vec<Route> {
    vec![
        get("/api/v2/roles", roles::list::list),
        post("/api/v2/roles", roles::create::create),
        get("/api/v2/roles/{id}", roles::get::get),
        patch("/api/v2/roles/{id}", roles::update::update),
        delete("/api/v2/roles/{id}", roles::delete::delete),
        get("/api/v2/roles/{id}/users", roles::list_users::list_users),
        post("/api/v2/roles/{id}/users", roles::assign::assign),
        get("/api/v2/users/{id}/organizations", users::organizations::list),
        get("/api/v2/users/{id}/roles", users::roles::list::list),
        post("/api/v2/users/{id}/roles", users::roles::assign::assign),
        delete("/api/v2/users/{id}/roles", users::roles::remove::remove),
    ]
}

/// Organizations, and what is in them.
fn organization_endpoints() -> Vec<Route> {
    use organizations::{connections, member_roles, members};
    vec![
        get("/api/v2/organizations", organizations::list::list),
        post("/api/v2/organizations", organizations::create::create),
        get("/api/v2/organizations/name/{name}", organizations::get::get_by_name),
        get("/api/v2/organizations/{id}", organizations::get::get),
        patch("/api/v2/organizations/{id}", organizations::update::update),
        delete("/api/v2/organizations/{id}", organizations::delete::delete),
        get("/api/v2/organizations/{id}/enabled_connections", connections::list::list),
        post("/api/v2/organizations/{id}/enabled_connections", connections::add::add),
        get("/api/v2/organizations/{id}/enabled_connections/{connection_id}", connections::get::get),
        patch("/api/v2/organizations/{id}/enabled_connections/{connection_id}", connections::update::update),
        delete("/api/v2/organizations/{id}/enabled_connections/{connection_id}", connections::remove::remove),
        get("/api/v2/organizations/{id}/connections", connections::list::list_early),
        post("/api/v2/organizations/{id}/connections", connections::add::add_early),
        get("/api/v2/organizations/{id}/connections/{connection_id}", connections::get::get_early),
        patch("/api/v2/organizations/{id}/connections/{connection_id}", connections::update::update_early),
        delete("/api/v2/organizations/{id}/connections/{connection_id}", connections::remove::remove_early),
        get("/api/v2/organizations/{id}/members", members::list::list),
        post("/api/v2/organizations/{id}/members", members::add::add),
        delete("/api/v2/organizations/{id}/members", members::remove::remove),
        get("/api/v2/organizations/{id}/members/{user_id}/roles", member_roles::list::list),
        post("/api/v2/organizations/{id}/members/{user_id}/roles", member_roles::assign::assign),
        delete("/api/v2/organizations/{id}/members/{user_id}/roles", member_roles::remove::remove),
    ]
}

/// What events are about, and who may call.
fn entities() -> Vec<Route> {
    vec![
        get("/api/v2/users", users::list::list),
        post("/api/v2/users", users::create::create),
        get("/api/v2/users-by-email", users::by_email::by_email),
        get("/api/v2/users/{id}", users::get::get),
        patch("/api/v2/users/{id}", users::update::update),
        delete("/api/v2/users/{id}", users::delete::delete),
        post("/api/v2/users/{id}/identities", users::identities::link::link),
        delete("/api/v2/users/{id}/identities/{provider}/{user_id}", users::identities::unlink::unlink),
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
        post("/api/v2/resource-servers", resource_servers::create::create),
        get("/api/v2/resource-servers/{id}", resource_servers::get::get),
        patch("/api/v2/resource-servers/{id}", resource_servers::update::update),
        delete("/api/v2/resource-servers/{id}", resource_servers::delete::delete),
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
        get("/api/v2/connections/{id}/scim-configuration", scim_configuration::get::get),
        post("/api/v2/connections/{id}/scim-configuration", scim_configuration::create::create),
        patch("/api/v2/connections/{id}/scim-configuration", scim_configuration::update::update),
        delete("/api/v2/connections/{id}/scim-configuration", scim_configuration::delete::delete),
        get(
            "/api/v2/connections/{id}/scim-configuration/default-mapping",
            scim_configuration::default_mapping::default_mapping,
        ),
        get("/api/v2/connections/{id}/scim-configuration/tokens", scim_configuration::list_tokens::list_tokens),
        post("/api/v2/connections/{id}/scim-configuration/tokens", scim_configuration::create_token::create_token),
        delete(
            "/api/v2/connections/{id}/scim-configuration/tokens/{token_id}",
            scim_configuration::delete_token::delete_token,
        ),
    ]
}

/// Groups, which are made and filled by SCIM, and their roles.
fn group_endpoints() -> Vec<Route> {
    vec![
        get("/api/v2/groups", groups::list::list),
        get("/api/v2/groups/{id}", groups::get::get),
        delete("/api/v2/groups/{id}", groups::delete::delete),
        get("/api/v2/groups/{id}/members", groups::list_members::list_members),
        get("/api/v2/groups/{id}/roles", group_roles::list::list),
        post("/api/v2/groups/{id}/roles", group_roles::assign::assign),
        delete("/api/v2/groups/{id}/roles", group_roles::remove::remove),
        get("/api/v2/roles/{id}/groups", role_groups::list::list),
        post("/api/v2/roles/{id}/groups", role_groups::assign::assign),
        delete("/api/v2/roles/{id}/groups", role_groups::remove::remove),
        get("/api/v2/organizations/{id}/groups", organization_groups::list),
        get("/api/v2/organizations/{id}/groups/{group_id}/roles", group_roles::list::list_in_organization),
        post("/api/v2/organizations/{id}/groups/{group_id}/roles", group_roles::assign::assign_in_organization),
        delete("/api/v2/organizations/{id}/groups/{group_id}/roles", group_roles::remove::remove_in_organization),
    ]
}

/// SCIM, for the identity provider of a connection.
fn scim_endpoints() -> Vec<Route> {
    vec![
        get("/scim/v2/connections/{connection_id}/Users", scim::users::list::list),
        post("/scim/v2/connections/{connection_id}/Users", scim::users::create::create),
        get("/scim/v2/connections/{connection_id}/Users/{id}", scim::users::get::get),
        put("/scim/v2/connections/{connection_id}/Users/{id}", scim::users::replace::replace),
        patch("/scim/v2/connections/{connection_id}/Users/{id}", scim::users::patch::patch),
        delete("/scim/v2/connections/{connection_id}/Users/{id}", scim::users::delete::delete),
        get("/scim/v2/connections/{connection_id}/Groups", scim::groups::list::list),
        post("/scim/v2/connections/{connection_id}/Groups", scim::groups::create::create),
        get("/scim/v2/connections/{connection_id}/Groups/{id}", scim::groups::get::get),
        put("/scim/v2/connections/{connection_id}/Groups/{id}", scim::groups::replace::replace),
        patch("/scim/v2/connections/{connection_id}/Groups/{id}", scim::groups::patch::patch),
        delete("/scim/v2/connections/{connection_id}/Groups/{id}", scim::groups::delete::delete),
        get("/scim/v2/connections/{connection_id}/Me", scim::me::me),
        get("/scim/v2/connections/{connection_id}/ServiceProviderConfig", scim::discovery::service_provider_config),
        get("/scim/v2/connections/{connection_id}/ResourceTypes", scim::discovery::resource_types),
        get("/scim/v2/connections/{connection_id}/ResourceTypes/{id}", scim::discovery::one_resource_type),
        get("/scim/v2/connections/{connection_id}/Schemas", scim::discovery::schemas),
        get("/scim/v2/connections/{connection_id}/Schemas/{id}", scim::discovery::one_schema),
    ]
}

/// Actions, which streams can have as their destination.
fn action_endpoints() -> Vec<Route> {
    use actions::versions;
    vec![
        get("/api/v2/actions/actions", actions::list::list),
        post("/api/v2/actions/actions", actions::create::create),
        get("/api/v2/actions/actions/{id}", actions::get::get),
        patch("/api/v2/actions/actions/{id}", actions::update::update),
        delete("/api/v2/actions/actions/{id}", actions::delete::delete),
        post("/api/v2/actions/actions/{id}/deploy", actions::deploy::deploy),
        post("/api/v2/actions/actions/{id}/test", actions::test::test),
        get("/api/v2/actions/actions/{id}/versions", versions::list::list),
        get("/api/v2/actions/actions/{id}/versions/{version_id}", versions::get::get),
        post("/api/v2/actions/actions/{id}/versions/{version_id}/deploy", versions::deploy::deploy),
        get("/api/v2/actions/triggers", actions::list_triggers::list_triggers),
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
        get("/api/v2/events", pull::subscribe::subscribe),
        post("/api/v2/events", events::publish::publish),
        get("/api/v2/event-streams", event_streams::list::list),
        post("/api/v2/event-streams", event_streams::create::create),
        get("/api/v2/event-streams/{id}", event_streams::get::get),
        patch("/api/v2/event-streams/{id}", event_streams::update::update),
        delete("/api/v2/event-streams/{id}", event_streams::delete::delete),
        post("/api/v2/headwater/dry-run", event_streams::dry_run::dry_run),
        post("/api/v2/event-streams/{id}/headwater/dry-run", event_streams::dry_run::dry_run_of_stream),
        post("/api/v2/event-streams/{id}/headwater/seek", event_streams::seek::seek),
        get("/api/v2/event-streams/{id}/stats", event_streams::stats::stats),
        post("/api/v2/event-streams/{id}/test", event_streams::test::test),
        get("/api/v2/event-streams/{id}/deliveries", deliveries::list::list),
        get("/api/v2/event-streams/{id}/deliveries/{event_id}", deliveries::get::get),
        post("/api/v2/event-streams/{id}/redeliver", deliveries::redeliver_many::redeliver_many),
        get("/api/v2/event-streams/{id}/headwater/redeliveries", redeliveries::list::list),
        get("/api/v2/event-streams/{id}/headwater/redeliveries/{redelivery_id}", redeliveries::get::get),
        patch("/api/v2/event-streams/{id}/headwater/redeliveries/{redelivery_id}", redeliveries::update::update),
        post("/api/v2/event-streams/{id}/redeliver/{event_id}", deliveries::redeliver::redeliver),
    ]
}
