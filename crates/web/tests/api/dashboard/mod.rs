//! The dashboard's pages through the router, on a real store.

pub(crate) mod browser;
mod every_page;
mod signing_in;
