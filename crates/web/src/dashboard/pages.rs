//! What the dashboard serves, page by page: one table, which the router is made of and which tests walk. None of it is
//! part of the API: it is in no description, and changes when people are served better by that.

use std::sync::Arc;

use axum::Router;
use axum::middleware;

use super::{assets, home, preferences, serving, sign_in};
use crate::router::{Endpoint, Route, get, post};
use crate::state::App;

/// Every page and every form of the dashboard, in the order of the table.
pub fn pages() -> Vec<Endpoint> {
    routes().into_iter().map(|route| route.endpoint).collect()
}

/// The dashboard.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let served =
        routes().into_iter().fold(Router::new(), |router, route| router.route(route.endpoint.path, route.handler));
    served
        .method_not_allowed_fallback(super::error::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(app), serving::serve))
        .merge(assets::router())
}

fn routes() -> Vec<Route> {
    let mut routes = vec![get("/", home::home), post("/preferences", preferences::set)];
    routes.extend(sign_in_pages());
    routes
}

/// Coming and going.
fn sign_in_pages() -> Vec<Route> {
    vec![
        get("/sign-in", sign_in::page::page),
        post("/sign-in", sign_in::password::sign_in),
        get("/sign-in/{token}", sign_in::link::page),
        post("/sign-in/{token}", sign_in::link::sign_in),
        post("/sign-out", sign_in::sign_out::sign_out),
    ]
}
