//! `headwater login` and `headwater logout`.

use std::path::PathBuf;

use clap::Args;
use domain::secret::Secret;
use reqwest::Url;

use crate::client::ManagementClient;
use crate::command::Run;
use crate::connection::{Connection, Credentials, domain_of};
use crate::exit::{Failure, WhileDoing};
use crate::profiles::keyring::{self, KeyringError};
use crate::profiles::{KeptApplication, MadeBy, Profile, ProfileFile, ProfileName, known};
use crate::session::Session;

/// What is proposed when somebody is asked: where `headwater dev` serves.
const URL_PROPOSED: &str = "http://127.0.0.1:4400";

/// Logs in to a server as an application, and keeps that as a profile.
#[derive(Args, Debug)]
#[command(after_help = "Without flags it asks, on a terminal. HEADWATER_URL, HEADWATER_CLIENT_ID and
HEADWATER_CLIENT_SECRET answer too, so that no secret has to be typed into a command line.

Examples:
  headwater login
  headwater login --url https://id.example.com --client-id … --client-secret …
  headwater login --domain id.example.com --profile production")]
pub struct LoginCommand {
    /// The server's public URL.
    #[arg(long, conflicts_with = "domain")]
    url: Option<String>,
    /// The tenant's domain: the URL without https://.
    #[arg(long)]
    domain: Option<String>,
    /// The application's client id.
    #[arg(long)]
    client_id: Option<String>,
    /// The application's client secret.
    #[arg(long)]
    client_secret: Option<String>,
    /// A file of further authorities (PEM) that the server's certificate may come from.
    #[arg(long, value_name = "FILE")]
    extra_ca: Option<PathBuf>,
    /// Keeps the secret in a file that only you can read, not in the system's keyring.
    #[arg(long)]
    insecure_storage: bool,
}

impl Run for LoginCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let file = session.profile_file()?;
        let (store_in_keyring, extra_ca) = (!self.insecure_storage, self.extra_ca(session)?);
        let (url, client_id, secret) = self.asked(session).await?;
        let name = match session.profile() {
            Some(name) => ProfileName::parse(name).map_err(|error| Failure::usage(format!("--profile: {error}")))?,
            None => ProfileName::of_domain(&domain_of(&url)),
        };
        let credentials = Credentials::Application { client_id: client_id.clone(), client_secret: secret.clone() };
        let pem = Connection::read_extra_ca(extra_ca.as_deref())?;
        let client = ManagementClient::new(Connection { url: url.clone(), credentials, extra_ca: pem })?;
        let issued = session.shown(client).issued().await.while_doing("failed to log in")?;
        let mut profile =
            Profile { url, client_id, client_secret: None, extra_ca, made_by: MadeBy::Login, token: None };
        let kept = match store_in_keyring {
            true => keyring::keep(&name, &profile, &secret).await,
            false => Err(KeyringError::NotWanted),
        };
        if kept.is_err() {
            profile.client_secret = Some(secret);
        }
        let former = keep(&file, &name, &profile)?;
        let clock = session.surroundings().clock.clone();
        KeptApplication::new(name.clone(), profile.clone(), file.clone(), clock)
            .keep_token(&issued.token, issued.lifetime);
        if let Some(former) = former.filter(|former| former.is_in_keyring() && !former.shares_secret_with(&profile)) {
            // What is left over there harms nobody.
            let _ = keyring::forget(&name, &former).await;
        }
        say_what_was_kept(session, &name, &profile, &file, kept.err());
        Ok(())
    }
}

impl LoginCommand {
    /// The server, the application and its secret: given, of the variables, or asked for.
    async fn asked(self, session: &Session) -> Result<(String, String, Secret), Failure> {
        let variable = |name| session.surroundings().variable(name).map(str::to_owned);
        let asking = session.asking();
        let of_domain =
            self.domain.map(|domain| if domain.contains("://") { domain } else { format!("https://{domain}") });
        let url = self.url.or(of_domain).or_else(|| variable("HEADWATER_URL"));
        let url = base_of(&asking.text_or(url, "--url", "URL of the server", URL_PROPOSED).await?)?;
        let id = self.client_id.or_else(|| variable("HEADWATER_CLIENT_ID"));
        let id = asking.text(id, "--client-id", "Client ID").await?;
        let secret = self.client_secret.or_else(|| variable("HEADWATER_CLIENT_SECRET"));
        let secret = asking.hidden(secret, "--client-secret", "Client secret").await?;
        Ok((url, id.trim().to_owned(), Secret::new(secret.trim())))
    }

    /// The file of authorities, wherever the next command is run.
    fn extra_ca(&self, session: &Session) -> Result<Option<PathBuf>, Failure> {
        let of_variable = || session.surroundings().variable("HEADWATER_EXTRA_CA").map(PathBuf::from);
        let Some(path) = self.extra_ca.clone().or_else(of_variable) else { return Ok(None) };
        std::path::absolute(&path).map(Some).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    }
}

/// Keeps a profile, and answers the one that was there before.
fn keep(file: &ProfileFile, name: &ProfileName, profile: &Profile) -> Result<Option<Profile>, Failure> {
    let change = file.change(|profiles| {
        let former = profiles.get(name).cloned();
        profiles.log_in(name.clone(), profile.clone());
        former
    });
    change.map_err(|error| Failure::refused(format!("the login cannot be kept: {error}")))
}

fn say_what_was_kept(
    session: &Session,
    name: &ProfileName,
    profile: &Profile,
    file: &ProfileFile,
    not_in_keyring: Option<KeyringError>,
) {
    let messages = session.messages();
    messages.info("Successfully logged in.");
    messages.info(&format!("Tenant: {}", domain_of(&profile.url)));
    messages.info(&format!("Profile: {name}, which is the default now"));
    match not_in_keyring {
        None => messages.info("The secret is in the system's keyring."),
        Some(KeyringError::NotWanted) => {
            messages.info(&format!("The secret is in {}, which only you can read.", file.path().display()));
        }
        Some(reason) => {
            let path = file.path();
            messages.info(&format!("The secret is in {}, which only you can read: {reason}.", path.display()));
        }
    }
}

/// The URL without path and slash, checked.
fn base_of(text: &str) -> Result<String, Failure> {
    let expected = || Failure::usage(format!("expected a URL like https://id.example.com, found {text}"));
    let url = Url::parse(text.trim()).map_err(|_| expected())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(expected());
    }
    Ok(url.origin().ascii_serialization())
}

/// Forgets a profile, with its secret and its token.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  headwater logout
  headwater logout production")]
pub struct LogoutCommand {
    /// The profile; without it the default one, or the one of --profile.
    name: Option<String>,
}

impl Run for LogoutCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let file = session.profile_file()?;
        let profiles = file.read()?;
        let named = self.name.as_deref().or(session.profile());
        let name = match named {
            Some(name) => known(name, &profiles)?.0.clone(),
            None => match profiles.default_profile() {
                Some((name, _)) => name.clone(),
                None => return Err(Failure::usage("no profile is the default: there is nothing to log out of")),
            },
        };
        forget(session, &file, &name).await?;
        session.messages().info(&format!("Successfully logged out of {name}."));
        if let Some((name, _)) = file.read()?.default_profile() {
            session.messages().info(&format!("The default profile is {name}."));
        }
        Ok(())
    }
}

/// Forgets a profile and its secret.
pub(crate) async fn forget(session: &Session, file: &ProfileFile, name: &ProfileName) -> Result<(), Failure> {
    let Some(removed) = file.change(|profiles| profiles.remove(name))? else { return Ok(()) };
    if removed.is_in_keyring()
        && let Err(error) = keyring::forget(name, &removed).await
    {
        session.messages().warning(&format!("The secret of {name} is still in the system's keyring: {error}."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_without_its_path() {
        assert_eq!(base_of("https://id.example.com/").unwrap(), "https://id.example.com");
        assert_eq!(base_of(" http://127.0.0.1:4400/api/v2/ ").unwrap(), "http://127.0.0.1:4400");
        assert_eq!(base_of("https://[::1]:443").unwrap(), "https://[::1]");
        for bad in ["id.example.com", "ftp://x", "http://"] {
            assert_eq!(base_of(bad).unwrap_err().exit().code(), 2, "{bad}");
        }
    }
}
