//! The dashboard: pages for people, rendered here, over the same store verbs and operations as the API.
//!
//! Read `pages.rs` first for what is served; then `serving.rs`, around every page; then any page. What pages are made of
//! are files of their own: who is signed in (`operator.rs`), what they change (`act.rs`), what they typed (`form.rs`), and
//! how things are written (`times.rs`, `amounts.rs`, `code.rs`, `pager.rs`). `docs/dashboard-design.md` has the rules.

// What pages are made of is here before the pages that use it.
#![allow(dead_code)]

mod act;
mod amounts;
mod assets;
mod code;
mod cookies;
mod error;
mod faults;
mod form;
mod home;
mod layout;
mod live;
mod operator;
mod origin;
mod pager;
mod pages;
mod passwords;
mod preferences;
mod serving;
mod sessions;
mod sign_in;
mod times;
mod toast;
mod visitor;

pub(crate) use error::path_unknown;
pub(crate) use live::LIVE_MAX;
pub use pages::pages;
pub(crate) use pages::router;
pub(crate) use passwords::Passwords;
pub use passwords::{PasswordError, password_hash};
pub(crate) use sign_in::tries::Tries;
pub(crate) use visitor::Visitor;
