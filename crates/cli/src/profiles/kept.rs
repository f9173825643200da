//! An application as a profile keeps it: its secret is looked up when it is needed, its token is kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::secret::Secret;

use super::keyring::{self, KeyringError};
use super::{KeptToken, Profile, ProfileFile, ProfileName};

/// How much earlier a token is renewed than it expires, for slow clocks and slow calls.
const TOKEN_SLACK: Duration = Duration::from_secs(60);
/// Of a token that is short-lived itself, the part of its life that is given up.
const TOKEN_SLACK_PART: u32 = 10;

/// The application of a profile.
#[derive(Clone)]
pub struct KeptApplication {
    name: ProfileName,
    profile: Profile,
    file: ProfileFile,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for KeptApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptApplication").field("name", &self.name).field("profile", &self.profile).finish()
    }
}

impl KeptApplication {
    /// The application of a profile that was read from a file.
    pub fn new(name: ProfileName, profile: Profile, file: ProfileFile, clock: Arc<dyn Clock>) -> Self {
        Self { name, profile, file, clock }
    }

    /// Its id.
    pub fn client_id(&self) -> &str {
        &self.profile.client_id
    }

    /// Its secret.
    ///
    /// # Errors
    /// A text that says what to do, if the keyring does not have it any more.
    pub async fn secret(&self) -> Result<Secret, String> {
        if let Some(secret) = &self.profile.client_secret {
            return Ok(secret.clone());
        }
        keyring::get(&self.name, &self.profile).await.map_err(|error: KeyringError| {
            format!("{error}; log in again: headwater login --profile {} --url {}", self.name, self.profile.url)
        })
    }

    /// The token of a command before, if it may still be used.
    pub fn token(&self) -> Option<Secret> {
        let kept = self.profile.token.as_ref()?;
        (self.clock.now().wall < kept.expires_at).then(|| kept.access_token.clone())
    }

    /// Keeps a token for the next commands. Where it cannot be kept, they get their own.
    pub fn keep_token(&self, token: &Secret, lifetime: Duration) {
        let slack = TOKEN_SLACK.min(lifetime / TOKEN_SLACK_PART);
        let expires_at = self.clock.now().wall.plus(lifetime.saturating_sub(slack));
        let token = KeptToken { access_token: token.clone(), expires_at };
        let Profile { url, client_id, .. } = &self.profile;
        let _ = self.file.change(|profiles| profiles.keep_token(&self.name, url, client_id, Some(token)));
    }
}

#[cfg(test)]
mod tests {
    use domain::clock::{Moment, Timestamp};

    use super::super::MadeBy;
    use super::*;

    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Moment {
            Moment { wall: Timestamp::from_millis(self.0 * 1000), steady: Duration::ZERO }
        }
    }

    fn at(seconds: i64, file: &ProfileFile) -> KeptApplication {
        let profile = file.read().unwrap().get(&ProfileName::dev()).unwrap().clone();
        KeptApplication::new(ProfileName::dev(), profile, file.clone(), Arc::new(At(seconds)))
    }

    #[test]
    fn a_token_is_used_until_shortly_before_it_expires() {
        let folder = tempfile::tempdir().unwrap();
        let file = ProfileFile::in_folder(folder.path());
        let profile = Profile {
            url: "http://x".into(),
            client_id: "id".into(),
            client_secret: Some(Secret::new("secret")),
            extra_ca: None,
            made_by: MadeBy::Login,
            token: None,
        };
        file.change(|profiles| profiles.log_in(ProfileName::dev(), profile)).unwrap();
        assert_eq!(at(0, &file).token(), None);
        let token = Secret::new("t0ken");
        at(0, &file).keep_token(&token, Duration::from_secs(86_400));
        assert_eq!(at(86_339, &file).token(), Some(token.clone()));
        assert_eq!(at(86_340, &file).token(), None);
        at(0, &file).keep_token(&token, Duration::from_secs(10));
        assert_eq!(at(8, &file).token(), Some(token));
        assert_eq!(at(9, &file).token(), None);
    }
}
