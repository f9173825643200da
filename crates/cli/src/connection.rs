//! Which server, and as whom: found in variables.

use domain::secret::Secret;
use reqwest::Url;

use crate::exit::Failure;
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
}

impl Connection {
    /// The one that the variables name.
    ///
    /// # Errors
    /// If something is missing.
    pub fn found(profile: Option<&str>, surroundings: &Surroundings) -> Result<Self, Failure> {
        if let Some(name) = profile {
            return Err(Failure::usage(format!("there is no profile {name}")));
        }
        let url = surroundings.variable("HEADWATER_URL").ok_or_else(|| {
            Failure::usage("HEADWATER_URL is not set: the server's public URL")
                .hint("start a server with `headwater dev`; it prints what to set")
        })?;
        Ok(Self { url: url.to_owned(), credentials: Credentials::found(surroundings)?, extra_ca: None })
    }

    /// The domain of the server's tenant: host, and port when it is not the default.
    pub fn domain(&self) -> String {
        let parsed = Url::parse(&self.url).ok();
        let domain = parsed.as_ref().and_then(|url| {
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        });
        domain.unwrap_or_else(|| self.url.clone())
    }
}

impl Credentials {
    fn found(surroundings: &Surroundings) -> Result<Self, Failure> {
        let id = surroundings.variable("HEADWATER_CLIENT_ID");
        let secret = surroundings.variable("HEADWATER_CLIENT_SECRET");
        match (surroundings.variable("HEADWATER_TOKEN"), id, secret) {
            (Some(token), ..) => Ok(Self::Token(Secret::new(token))),
            (None, Some(id), Some(secret)) => {
                Ok(Self::Application { client_id: id.to_owned(), client_secret: Secret::new(secret) })
            }
            _ => Err(Failure::usage("set HEADWATER_CLIENT_ID and HEADWATER_CLIENT_SECRET, or HEADWATER_TOKEN")),
        }
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
            clock: Box::new(Nothing),
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
        assert!(found(&all[..1]).unwrap_err().message().contains("HEADWATER_CLIENT_ID"));
        assert!(found(&all[1..]).unwrap_err().message().contains("HEADWATER_URL"));
        assert!(found(&[("HEADWATER_URL", ""), all[1]]).is_err(), "an empty one counts as not set");
    }

    #[test]
    fn the_tenants_domain_is_host_and_port() {
        let domain = |url| found(&[("HEADWATER_URL", url), ("HEADWATER_TOKEN", "t")]).unwrap().domain();
        assert_eq!(domain("http://127.0.0.1:4400"), "127.0.0.1:4400");
        assert_eq!(domain("https://id.example.com/"), "id.example.com");
    }
}
