//! APIs (management-api.md 6.8). There is one: the Management API.

use std::fmt::Write;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use domain::account::MANAGEMENT_API_NAME;
use domain::scope::SCOPES;
use serde::Serialize;

use crate::settings::PublicUrl;

/// Half of the id's 24 hexadecimal digits.
const ID_BYTES: usize = 12;

/// An API as it is answered.
#[derive(Debug, Serialize)]
pub(crate) struct ResourceServer {
    /// 24 hexadecimal digits.
    pub id: String,
    name: &'static str,
    /// The audience of its tokens.
    pub identifier: String,
    is_system: bool,
    signing_alg: &'static str,
    token_lifetime: u64,
    scopes: Vec<Scope>,
}

#[derive(Debug, Serialize)]
struct Scope {
    value: &'static str,
    description: &'static str,
}

impl ResourceServer {
    /// The Management API. Its id follows from its identifier, so it is the same on every node.
    pub(crate) fn management_api(public_url: &PublicUrl, token_lifetime: Duration) -> Self {
        let identifier = public_url.audience().to_owned();
        let mut id = String::with_capacity(2 * ID_BYTES);
        for byte in &digest(&SHA256, identifier.as_bytes()).as_ref()[..ID_BYTES] {
            write!(id, "{byte:02x}").expect("writing to a string cannot fail");
        }
        Self {
            id,
            name: MANAGEMENT_API_NAME,
            identifier,
            is_system: true,
            signing_alg: "RS256",
            token_lifetime: token_lifetime.as_secs(),
            scopes: SCOPES.iter().map(|(value, description)| Scope { value, description }).collect(),
        }
    }
}
