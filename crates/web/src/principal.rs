//! Who calls, and what it may do.

use domain::clock::Timestamp;
use domain::ids::ClientId;

/// The application that calls, and what it may do.
#[derive(Debug)]
pub(crate) struct Principal {
    /// The application.
    pub client_id: ClientId,
    /// Its permissions.
    pub scopes: Box<[Box<str>]>,
    /// Until when this holds.
    pub expires_at: Timestamp,
}

impl Principal {
    /// Whether one of `any_of` was granted.
    pub(crate) fn has_any(&self, any_of: &[&str]) -> bool {
        self.scopes.iter().any(|scope| any_of.contains(&&**scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_scopes_suffices() {
        let scopes = ["read:users".into()].into();
        let expires_at = Timestamp::from_millis(1);
        let principal = Principal { client_id: ClientId::from_text("c"), scopes, expires_at };
        assert!(principal.has_any(&["read:event_streams", "read:users"]));
        assert!(!principal.has_any(&["read:user"]));
    }
}
