//! Operators: the people who use the dashboard of a tenant, what they may do, and how long they stay signed in.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{OperatorId, SessionId};
use crate::scope::SCOPES;

/// The longest address of an operator, in bytes.
const EMAIL_BYTES_MAX: usize = 254;
/// The shortest password of an operator, in characters.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The longest password of an operator, in bytes: what is longer only keeps the server busy.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// What an operator may do. Each may do what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperatorRole {
    /// Sees everything but secrets, and changes nothing.
    Viewer,
    /// Changes what the Management API can change.
    Operator,
    /// Decides who the operators are.
    Owner,
}

impl OperatorRole {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Owner];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }

    /// The role that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// What it allows, for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Viewer => "Sees everything but secrets, and changes nothing.",
            Self::Operator => "Changes streams, applications and the directory.",
            Self::Owner => "Does everything, and decides who the operators are.",
        }
    }

    /// The scopes of the Management API that it has.
    pub fn scopes(self) -> impl Iterator<Item = &'static str> {
        SCOPES.iter().map(|(name, _)| *name).filter(move |name| self >= Self::Operator || reads(name))
    }
}

impl fmt::Display for OperatorRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a scope lets look, without showing secrets.
pub fn reads(scope: &str) -> bool {
    scope.starts_with("read:") && scope != "read:client_keys"
}

/// The address by which an operator signs in, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorEmail(String);

/// A text that is not an email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an email address such as ops@example.com")]
pub struct MalformedEmail;

impl OperatorEmail {
    /// Reads an address.
    ///
    /// # Errors
    /// [`MalformedEmail`] if it has no `@` in the middle, or something that no address has.
    pub fn parse(text: &str) -> Result<Self, MalformedEmail> {
        let text = text.trim().to_lowercase();
        let (name, domain) = text.rsplit_once('@').ok_or(MalformedEmail)?;
        let is_odd = |c: char| c.is_whitespace() || c.is_control();
        if name.is_empty() || domain.is_empty() || text.len() > EMAIL_BYTES_MAX || text.contains(is_odd) {
            return Err(MalformedEmail);
        }
        Ok(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for OperatorEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody who may use the dashboard of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// By which they sign in.
    pub email: OperatorEmail,
    /// What they may do.
    pub role: OperatorRole,
    /// Whether an identity provider brought them, which then says their role.
    pub is_provisioned: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// When they signed in last.
    pub signed_in_at: Option<Timestamp>,
}

/// How somebody signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInMethod {
    /// With a password.
    Password,
    /// By a link that works once.
    Link,
    /// Through an identity provider.
    OpenId,
}

impl SignInMethod {
    const ALL: [Self; 3] = [Self::Password, Self::Link, Self::OpenId];

    /// As it is kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::OpenId => "openid",
        }
    }

    /// The method that is kept so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// For people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Password => "with a password",
            Self::Link => "by a link that worked once",
            Self::OpenId => "through the identity provider",
        }
    }
}

/// Somebody signed in, on one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorSession {
    /// Its id, which opens nothing.
    pub id: SessionId,
    /// Who.
    pub operator: OperatorId,
    /// How they signed in.
    pub method: SignInMethod,
    /// Since when.
    pub began_at: Timestamp,
    /// When it was used last, about.
    pub seen_at: Timestamp,
    /// When it ends, whether it is used or not.
    pub ends_at: Timestamp,
    /// From which address they signed in.
    pub address: String,
    /// With which browser, as it says.
    pub user_agent: String,
}

/// How long operators stay signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// So long after they were seen last.
    pub idle: Duration,
    /// So long after they signed in.
    pub absolute: Duration,
}

impl SessionLimits {
    /// A session is noted as seen again after this part of what it may be idle, so that not each page is a write.
    const NOTED_PARTS: u32 = 20;

    /// Whether a session still holds.
    pub fn hold(self, session: &OperatorSession, now: Timestamp) -> bool {
        now < session.ends_at && now.since(session.seen_at) < self.idle && now.since(session.began_at) < self.absolute
    }

    /// Whether it is time to note that a session is used.
    pub fn note(self, session: &OperatorSession, now: Timestamp) -> bool {
        now.since(session.seen_at) >= self.idle / Self::NOTED_PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(began_at: i64, seen_at: i64) -> OperatorSession {
        OperatorSession {
            id: SessionId::from_text("ses_1"),
            operator: OperatorId::from_text("opr_1"),
            method: SignInMethod::Password,
            began_at: Timestamp::from_millis(began_at),
            seen_at: Timestamp::from_millis(seen_at),
            ends_at: Timestamp::from_millis(began_at + 100_000),
            address: String::new(),
            user_agent: String::new(),
        }
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
        let limits = SessionLimits { idle: Duration::from_secs(20), absolute: Duration::from_secs(100) };
        let at = Timestamp::from_millis;
        assert!(limits.hold(&session(0, 0), at(19_999)) && !limits.hold(&session(0, 0), at(20_000)));
        assert!(limits.hold(&session(0, 95_000), at(99_999)) && !limits.hold(&session(0, 95_000), at(100_000)));
        assert!(!limits.note(&session(0, 0), at(999)) && limits.note(&session(0, 0), at(1_000)));
        let shorter = SessionLimits { absolute: Duration::from_secs(10), ..limits };
        assert!(!shorter.hold(&session(0, 9_000), at(10_000)), "a shorter limit holds for sessions that there are");
    }

    #[test]
    fn a_viewer_looks_and_sees_no_secrets() {
        let scopes: Vec<_> = OperatorRole::Viewer.scopes().collect();
        assert!(scopes.contains(&"read:users") && !scopes.contains(&"read:client_keys"));
        assert!(scopes.iter().all(|scope| scope.starts_with("read:")));
        assert_eq!(OperatorRole::Operator.scopes().count(), SCOPES.len());
        assert!(OperatorRole::Owner > OperatorRole::Operator && OperatorRole::Operator > OperatorRole::Viewer);
    }

    #[test]
    fn addresses_are_compared_in_lower_case() {
        assert_eq!(
            OperatorEmail::parse(" Ops@Acme.Example ").map(|email| email.to_string()).unwrap(),
            "ops@acme.example"
        );
        for odd in ["", "ops", "@x", "ops@", "o ps@x", "ops@x\u{7}"] {
            assert_eq!(OperatorEmail::parse(odd), Err(MalformedEmail), "{odd}");
        }
    }
}
