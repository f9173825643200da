//! Which server, and as whom: as flags, variables and profiles say.

use std::path::Path;

use domain::secret::Secret;
use reqwest::Url;

use crate::exit::Failure;
use crate::profiles::{By, Chosen, KeptApplication, ProfileFile, Profiles, Variables, choose};
use crate::surroundings::Surroundings;

/// Which server, and as whom.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The server's public URL.
    pub url: String,
    /// How the client proves who it is.
    pub credentials: Credentials,
    /// PEM of further authorities that the server's certificate may come from.
    pub extra_ca: Option<Vec<u8>>,
}

/// How the client proves who it is.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A token that somebody got already.
    Token(Secret),
    /// An application, which gets a token first.
    Application {
        /// Its id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
    },
    /// The application of a profile, which may have a token still.
    Kept(Box<KeptApplication>),
}

impl Connection {
    /// The one that is meant: that of the profile which is named, else of the variables, else of the default profile.
    ///
    /// # Errors
    /// If something is missing, or what was found cannot be used.
    pub fn found(profile: Option<&str>, surroundings: &Surroundings) -> Result<Self, Failure> {
        let file = surroundings.profile_file();
        let profiles = file.as_ref().map_or_else(|| Ok(Profiles::default()), ProfileFile::read)?;
        let Chosen { url, by, extra_ca } = choose(profile, &variables(surroundings), &profiles)?;
        let credentials = match by {
            By::Token(token) => Credentials::Token(token),
            By::Application { client_id, client_secret } => Credentials::Application { client_id, client_secret },
            By::Profile(name, profile) => {
                let file = file.expect("a profile was read from a file");
                Credentials::Kept(Box::new(KeptApplication::new(name, *profile, file, surroundings.clock.clone())))
            }
        };
        Ok(Self { url, credentials, extra_ca: Self::read_extra_ca(extra_ca.as_deref())? })
    }

    /// Reads the file of further authorities.
    pub(crate) fn read_extra_ca(path: Option<&Path>) -> Result<Option<Vec<u8>>, Failure> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| {
                let message = format!("the file of authorities {} cannot be read: {error}", path.display());
                Failure::usage(message).hint("it is named by the profile, or by HEADWATER_EXTRA_CA")
            })
        };
        path.map(read).transpose()
    }

    /// The domain of the server's tenant: host, and port when it is not the default.
    pub fn domain(&self) -> String {
        domain_of(&self.url)
    }
}

/// The domain of a server's tenant: host, and port when it is not the default.
pub(crate) fn domain_of(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    let domain = parsed.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    });
    domain.unwrap_or_else(|| url.to_owned())
}

/// What the environment says about the server.
fn variables(surroundings: &Surroundings) -> Variables {
    let text = |name| surroundings.variable(name).map(str::to_owned);
    Variables {
        profile: text("HEADWATER_PROFILE"),
        url: text("HEADWATER_URL"),
        client_id: text("HEADWATER_CLIENT_ID"),
        client_secret: text("HEADWATER_CLIENT_SECRET").map(Secret::new),
        token: text("HEADWATER_TOKEN").map(Secret::new),
        extra_ca: text("HEADWATER_EXTRA_CA").map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use domain::clock::{Clock, Entropy, Moment};

    use super::*;

    struct Nothing;

    impl Clock for Nothing {
        fn now(&self) -> Moment {
            Moment::default()
        }
    }

    impl Entropy for Nothing {
        fn fill(&self, _bytes: &mut [u8]) {}
    }

    fn found(variables: &[(&str, &str)]) -> Result<Connection, Failure> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let surroundings = Surroundings {
            variables,
            clock: std::sync::Arc::new(Nothing),
            entropy: Box::new(Nothing),
            time_zone: jiff::tz::TimeZone::UTC,
        };
        Connection::found(None, &surroundings)
    }

    #[test]
    fn a_token_goes_before_an_application() {
        let all = [
            ("HEADWATER_URL", "http://x"),
            ("HEADWATER_TOKEN", "t"),
            ("HEADWATER_CLIENT_ID", "a"),
            ("HEADWATER_CLIENT_SECRET", "b"),
        ];
        assert!(matches!(found(&all).unwrap().credentials, Credentials::Token(_)));
        assert!(matches!(found(&[all[0], all[2], all[3]]).unwrap().credentials, Credentials::Application { .. }));
        assert!(found(&all[..1]).unwrap_err().next_step().unwrap().contains("HEADWATER_CLIENT_ID"));
        assert!(found(&all[1..]).unwrap_err().next_step().unwrap().contains("HEADWATER_URL"));
        assert!(found(&[("HEADWATER_URL", ""), all[1]]).is_err(), "an empty one counts as not set");
    }

    #[test]
    fn the_tenants_domain_is_host_and_port() {
        let domain = |url| found(&[("HEADWATER_URL", url), ("HEADWATER_TOKEN", "t")]).unwrap().domain();
        assert_eq!(domain("http://127.0.0.1:4400"), "127.0.0.1:4400");
        assert_eq!(domain("https://id.example.com/"), "id.example.com");
    }
}
