//! Who calls, and what it may do.

use domain::clock::Timestamp;
use domain::ids::ClientId;
use domain::operator::OperatorEmail;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// An application, with its token.
    Application(ClientId),
    /// An operator, in the dashboard.
    Operator(OperatorEmail),
}

/// Who calls, and what it may do.
#[derive(Debug)]
pub(crate) struct Principal {
    /// Who.
    pub caller: Caller,
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
        let principal = Principal { caller: Caller::Application(ClientId::from_text("c")), scopes, expires_at };
        assert!(principal.has_any(&["read:event_streams", "read:users"]));
        assert!(!principal.has_any(&["read:user"]));
    }
}
