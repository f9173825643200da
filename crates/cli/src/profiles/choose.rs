//! Which server a command means, and as whom: `--profile`, then the variables, then the default profile.

use std::path::PathBuf;

use domain::secret::Secret;

use super::{Profile, ProfileName, Profiles};

/// What the environment says; the binary reads it.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    /// `HEADWATER_PROFILE`
    pub profile: Option<String>,
    /// `HEADWATER_URL`
    pub url: Option<String>,
    /// `HEADWATER_CLIENT_ID`
    pub client_id: Option<String>,
    /// `HEADWATER_CLIENT_SECRET`
    pub client_secret: Option<Secret>,
    /// `HEADWATER_TOKEN`
    pub token: Option<Secret>,
    /// `HEADWATER_EXTRA_CA`
    pub extra_ca: Option<PathBuf>,
}

/// The server, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The server's URL.
    pub url: String,
    /// As whom.
    pub by: By,
    /// A file of further authorities.
    pub extra_ca: Option<PathBuf>,
}

/// How a command proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// With a token of the variables.
    Token(Secret),
    /// As the application of the variables.
    Application {
        /// Its id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
    },
    /// As the application of a profile.
    Profile(ProfileName, Box<Profile>),
}

/// Why there is no server to call.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoServer {
    /// Nothing names one.
    #[error("no server is known")]
    Unknown,
    /// Several are known, and nobody says which one.
    #[error("none of the profiles is the default")]
    NoDefault,
    /// There is no such profile.
    #[error("there is no profile {name}")]
    NoProfile {
        /// What was asked for.
        name: String,
        /// Those that there are, in words.
        known: String,
    },
    /// A server is named, but not as whom.
    #[error("HEADWATER_URL is {0}, and nothing says as whom to call it")]
    NoCredentials(String),
    /// One variable without the other.
    #[error("only one of HEADWATER_CLIENT_ID and HEADWATER_CLIENT_SECRET is set")]
    HalfAnApplication,
}

impl NoServer {
    /// What to do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::Unknown => {
                "start one with `headwater dev`, log in to one with `headwater login`, or set HEADWATER_URL".into()
            }
            Self::NoDefault => "choose one with `headwater profiles use`, or name one with --profile".into(),
            Self::NoProfile { known, .. } => known.clone(),
            Self::NoCredentials(url) => format!(
                "set HEADWATER_CLIENT_ID and HEADWATER_CLIENT_SECRET, or HEADWATER_TOKEN, or log in there: headwater login --url {url}"
            ),
            Self::HalfAnApplication => "they go together: set both of them, or none".into(),
        }
    }
}

/// Chooses among what is there.
///
/// # Errors
/// [`NoServer`]
pub fn choose(flag: Option<&str>, variables: &Variables, profiles: &Profiles) -> Result<Chosen, NoServer> {
    let mut chosen = match flag {
        Some(name) => of_profile(known(name, profiles)?),
        None => of_variables(variables, profiles)?,
    };
    if let Some(file) = &variables.extra_ca {
        chosen.extra_ca = Some(file.clone());
    }
    Ok(chosen)
}

fn of_variables(variables: &Variables, profiles: &Profiles) -> Result<Chosen, NoServer> {
    let profile = match &variables.profile {
        Some(name) => Some(known(name, profiles)?),
        None => profiles.default_profile(),
    };
    let credentials = match (&variables.token, &variables.client_id, &variables.client_secret) {
        (Some(token), ..) => Some(By::Token(token.clone())),
        (None, Some(id), Some(secret)) => {
            Some(By::Application { client_id: id.clone(), client_secret: secret.clone() })
        }
        (None, None, None) => None,
        (None, ..) => return Err(NoServer::HalfAnApplication),
    };
    let Some(url) = variables.url.as_deref().map(|url| url.trim_end_matches('/')) else {
        let profile = profile.ok_or_else(|| without_default(profiles))?;
        let of_profile = of_profile(profile);
        return Ok(Chosen { by: credentials.unwrap_or_else(|| of_profile.by.clone()), ..of_profile });
    };
    if let Some(by) = credentials {
        return Ok(Chosen { url: url.to_owned(), by, extra_ca: None });
    }
    // A secret goes only to the server that it was given for.
    let there = |(_, profile): &(&ProfileName, &Profile)| profile.url == url;
    let known = profile.filter(there).or_else(|| profiles.iter().find(there));
    known.map(of_profile).ok_or_else(|| NoServer::NoCredentials(url.to_owned()))
}

/// The profile of that name.
pub(crate) fn known<'a>(name: &str, profiles: &'a Profiles) -> Result<(&'a ProfileName, &'a Profile), NoServer> {
    let found = profiles.iter().find(|(each, _)| each.as_str() == name);
    found.ok_or_else(|| NoServer::NoProfile { name: name.to_owned(), known: in_words(profiles) })
}

/// The profiles that there are, for those who asked for another one.
fn in_words(profiles: &Profiles) -> String {
    let names: Vec<&str> = profiles.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        "there is none yet: log in with `headwater login`".into()
    } else {
        format!("there are: {}", names.join(", "))
    }
}

fn of_profile((name, profile): (&ProfileName, &Profile)) -> Chosen {
    Chosen {
        url: profile.url.clone(),
        by: By::Profile(name.clone(), Box::new(profile.clone())),
        extra_ca: profile.extra_ca.clone(),
    }
}

fn without_default(profiles: &Profiles) -> NoServer {
    if profiles.iter().next().is_some() { NoServer::NoDefault } else { NoServer::Unknown }
}

#[cfg(test)]
mod tests {
    use super::super::MadeBy;
    use super::*;

    fn profiles() -> Profiles {
        let mut profiles = Profiles::default();
        for name in ["acme", "beta"] {
            let profile = Profile {
                url: format!("https://{name}"),
                client_id: name.into(),
                client_secret: None,
                extra_ca: Some(format!("/{name}.pem").into()),
                made_by: MadeBy::Login,
                token: None,
            };
            profiles.log_in(ProfileName::parse(name).unwrap(), profile);
        }
        profiles
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn profile_of(chosen: &Chosen) -> &str {
        match &chosen.by {
            By::Profile(name, _) => name.as_str(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_default_profile_unless_another_is_named() {
        let profiles = profiles();
        let none = Variables::default();
        assert_eq!(profile_of(&choose(None, &none, &profiles).unwrap()), "beta");
        assert_eq!(profile_of(&choose(Some("acme"), &none, &profiles).unwrap()), "acme");
        let variables = Variables { profile: text("acme"), ..Variables::default() };
        assert_eq!(profile_of(&choose(None, &variables, &profiles).unwrap()), "acme");
        let error = choose(Some("gamma"), &none, &profiles).unwrap_err();
        assert!(error.next_step().ends_with("acme, beta"), "{}", error.next_step());
    }

    #[test]
    fn variables_go_before_the_default_profile_and_the_flag_before_them() {
        let all = Variables {
            url: text("http://x/"),
            client_id: text("id"),
            client_secret: Some(Secret::new("secret")),
            ..Variables::default()
        };
        let chosen = choose(None, &all, &profiles()).unwrap();
        assert_eq!((chosen.url.as_str(), &chosen.extra_ca), ("http://x", &None));
        assert!(matches!(chosen.by, By::Application { .. }));
        let with_token = Variables { token: Some(Secret::new("t")), ..all.clone() };
        assert!(matches!(choose(None, &with_token, &profiles()).unwrap().by, By::Token(_)));
        assert_eq!(profile_of(&choose(Some("acme"), &with_token, &profiles()).unwrap()), "acme");
    }

    #[test]
    fn what_the_variables_leave_out_comes_from_the_profile() {
        let token = Variables { token: Some(Secret::new("t")), ..Variables::default() };
        let chosen = choose(None, &token, &profiles()).unwrap();
        assert_eq!(chosen.url, "https://beta");
        assert!(matches!(chosen.by, By::Token(_)));
        let ca = Variables { extra_ca: Some("/other.pem".into()), ..Variables::default() };
        assert_eq!(choose(None, &ca, &profiles()).unwrap().extra_ca, Some("/other.pem".into()));
    }

    #[test]
    fn a_secret_goes_only_to_the_server_that_it_was_given_for() {
        let url = |url: &str| Variables { url: text(url), ..Variables::default() };
        assert_eq!(profile_of(&choose(None, &url("https://acme"), &profiles()).unwrap()), "acme");
        let error = choose(None, &url("https://elsewhere"), &profiles()).unwrap_err();
        assert_eq!(error, NoServer::NoCredentials("https://elsewhere".into()));
    }

    #[test]
    fn what_is_missing_is_said() {
        let none = Variables::default();
        assert_eq!(choose(None, &none, &Profiles::default()).unwrap_err(), NoServer::Unknown);
        let half = Variables { client_id: text("id"), url: text("http://x"), ..Variables::default() };
        assert_eq!(choose(None, &half, &Profiles::default()).unwrap_err(), NoServer::HalfAnApplication);
        let mut undecided = profiles();
        undecided.log_in(ProfileName::dev(), undecided.default_profile().unwrap().1.clone());
        undecided.remove(&ProfileName::dev());
        assert_eq!(choose(None, &none, &undecided).unwrap_err(), NoServer::NoDefault);
    }
}
