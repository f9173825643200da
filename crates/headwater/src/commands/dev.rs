//! `headwater dev`: a server for one developer.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use cli::profiles::{MadeBy, Profile, ProfileFile, ProfileName};
use domain::clock::Clock;
use domain::ids::random_text;
use domain::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::certs::{DAYS, LOCAL_NAMES, days, trust_lines};
use crate::clock::SystemClock;
use crate::config::{Application, Config};
use crate::entropy::SystemEntropy;
use crate::environment::Environment;
use crate::lifecycle::{Server, run_until_stopped};
use crate::receiver::Receiver;
use crate::terminal::{Style, Terminal};
use crate::tls::PrivateCertificates;

const APPLICATION_FILE: &str = "application.json";
const RECEIVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4401);
/// The networks of this machine alone.
pub(super) const LOOPBACK: &str = "127.0.0.0/8,::1/128";

/// A server for one developer, with a receiver that prints what arrives.
#[derive(Args)]
pub(crate) struct DevCommand {
    /// Address and port of the server [default: 127.0.0.1:4400].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Address and port of the receiver.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = RECEIVER)]
    receiver: SocketAddr,
    /// The folder for the store, the keys, the application and certificates.
    #[arg(long, value_name = "FOLDER", default_value = ".headwater")]
    data_dir: PathBuf,
    /// Serve HTTPS with a certificate of a private CA, both made here: official clients speak HTTPS only.
    #[arg(long)]
    tls: bool,
}

/// The application as it is kept, so that a restart prints the same.
#[derive(Serialize, Deserialize)]
struct KeptApplication {
    client_id: String,
    client_secret: String,
}

impl DevCommand {
    pub(super) async fn run(self, environment: &Environment) -> Result<()> {
        let terminal = Terminal::new(environment);
        let mut config = self.config(environment)?;
        let application = application(&self.data_dir)?;
        config.bootstrap = Some(application.clone());
        let ca = if self.tls { Some(self.certificates(&mut config)?) } else { None };
        let mut receiver = Receiver::start(self.receiver).await.context("choose another address with --receiver")?;
        let receiver_url = receiver.url();
        let server = Server::start(&config).await?;
        let url = server.public_url().as_str();
        let kept = keep_profile(environment, url, &application, ca.as_deref());
        announce(terminal, url, &application, &receiver_url, ca.as_deref(), &kept);
        let printing = async move {
            while let Some(request) = receiver.next().await {
                terminal.heading("received");
                terminal.request(&request);
            }
        };
        run_until_stopped(server, printing).await
    }

    fn config(&self, environment: &Environment) -> Result<Config> {
        let mut flags = vec![
            ("data_dir".to_owned(), self.data_dir.display().to_string()),
            ("allow_http".to_owned(), "true".to_owned()),
            ("allow_destinations".to_owned(), LOOPBACK.to_owned()),
        ];
        flags.extend(self.listen.clone().map(|address| ("listen".to_owned(), address)));
        Ok(Config::load(None, environment, &flags)?)
    }

    /// Makes what is needed for HTTPS, unless it is there; answers the authority that clients have to trust.
    fn certificates(&self, config: &mut Config) -> Result<PathBuf> {
        let certificates = PrivateCertificates::in_folder(&self.data_dir.join("tls"));
        if certificates.existing().len() < 3 {
            let names: Vec<String> = LOCAL_NAMES.iter().map(ToString::to_string).collect();
            certificates.make(&names, SystemClock::new().now().wall, days(DAYS))?;
        }
        config.tls = Some(certificates.files());
        Ok(certificates.ca())
    }
}

/// The application that is kept in the folder, made at first start.
fn application(folder: &Path) -> Result<Application> {
    let path = folder.join(APPLICATION_FILE);
    let kept = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is damaged; remove it and a new application is made", path.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made = KeptApplication {
                client_id: random_text(&SystemEntropy, 32),
                client_secret: random_text(&SystemEntropy, 48),
            };
            keep(folder, &path, &made).with_context(|| {
                format!("the data folder {} cannot be written; choose another with --data-dir", folder.display())
            })?;
            made
        }
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    Ok(Application { client_id: kept.client_id, client_secret: Secret::new(kept.client_secret) })
}

fn keep(folder: &Path, path: &Path, application: &KeptApplication) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    // Files of this kind are made with mode 0600.
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&file, application)?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// What became of the profile that makes the client find this server by itself.
enum KeptProfile {
    /// Commands use it unless they are told otherwise.
    Default,
    /// Somebody has logged in elsewhere: it has to be named.
    BesideAnother,
    /// It could not be kept, and why.
    Not(String),
}

/// Leaves a profile behind. It stays when the server ends: the next one replaces it.
fn keep_profile(environment: &Environment, url: &str, application: &Application, ca: Option<&Path>) -> KeptProfile {
    let Some(folder) = cli::profiles::folder(|name| environment.get(name)) else {
        return KeptProfile::Not("neither HOME nor HEADWATER_CONFIG_DIR is set".into());
    };
    let profile = Profile {
        url: url.trim_end_matches('/').to_owned(),
        client_id: application.client_id.clone(),
        client_secret: Some(application.client_secret.clone()),
        extra_ca: ca.map(|ca| std::path::absolute(ca).unwrap_or_else(|_| ca.to_owned())),
        made_by: MadeBy::Dev,
        token: None,
    };
    match ProfileFile::in_folder(folder).change(|profiles| profiles.keep_dev(profile)) {
        Ok(true) => KeptProfile::Default,
        Ok(false) => KeptProfile::BesideAnother,
        Err(error) => KeptProfile::Not(error.to_string()),
    }
}

fn announce(
    terminal: Terminal,
    url: &str,
    application: &Application,
    receiver_url: &str,
    ca: Option<&Path>,
    kept: &KeptProfile,
) {
    let title = "Headwater for one developer; Ctrl-C stops it. For other programs, in another terminal:";
    terminal.line(&terminal.styled(Style::Heading, title));
    terminal.line("");
    terminal.line(&format!("export HEADWATER_URL={url}"));
    terminal.line(&format!("export HEADWATER_CLIENT_ID={}", application.client_id));
    terminal.line(&format!("export HEADWATER_CLIENT_SECRET={}", application.client_secret.expose()));
    terminal.line(&format!("export RECEIVER_URL={receiver_url}"));
    for line in ca.map(trust_lines).unwrap_or_default() {
        terminal.line(&line);
    }
    let program = std::env::args().next().unwrap_or_else(|| "headwater".into());
    terminal.heading("Three commands to try");
    for command in commands_to_try(&program, receiver_url, kept) {
        terminal.line(&command);
    }
    terminal.line("");
    let name = ProfileName::dev();
    let about_profile = match kept {
        KeptProfile::Default => format!("They find this server by the profile {name}, without the lines above."),
        KeptProfile::BesideAnother => {
            format!("They find this server by the profile {name}; the default profile is another one.")
        }
        KeptProfile::Not(reason) => format!("They need the lines above, because no profile could be kept: {reason}"),
    };
    terminal.line(&terminal.styled(Style::Quiet, &about_profile));
    terminal.line(&terminal.styled(Style::Quiet, "What the receiver gets is printed here."));
}

/// A stream to the receiver, a user who raises an event, and a look at the stream.
fn commands_to_try(program: &str, receiver_url: &str, kept: &KeptProfile) -> [String; 3] {
    let authorization = json!({"method": "bearer", "token": "a-token-for-the-receiver"});
    let configuration = json!({"webhook_endpoint": receiver_url, "webhook_authorization": authorization});
    let destination = json!({"type": "webhook", "configuration": configuration});
    let subscriptions = json!([{"event_type": "user.created"}]);
    let stream = json!({"name": "first", "subscriptions": subscriptions, "destination": destination});
    let stream = format!("api post event-streams -d '{stream}'");
    let user = "users create -e jane@example.com -p correct-Horse-7-battery -c Username-Password-Authentication";
    let profile = match kept {
        KeptProfile::BesideAnother => format!(" --profile {}", ProfileName::dev()),
        KeptProfile::Default | KeptProfile::Not(_) => String::new(),
    };
    [&stream, user, "events list"].map(|command| format!("{program} {command}{profile}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_finds_the_same_application() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join(".headwater");
        let first = application(&data).unwrap();
        let again = application(&data).unwrap();
        assert_eq!(first.client_id, again.client_id);
        assert_eq!(first.client_secret, again.client_secret);
        std::fs::write(data.join(APPLICATION_FILE), b"{").unwrap();
        assert!(format!("{:#}", application(&data).unwrap_err()).contains("is damaged"));
    }
    #[test]
    fn the_profile_is_kept_where_there_is_a_home() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display().to_string();
        let application = Application { client_id: "id".into(), client_secret: Secret::new("secret") };
        let with_home = Environment::of(&[("HEADWATER_CONFIG_DIR", &home)]);
        let keep = |environment| keep_profile(environment, "http://127.0.0.1:4400/", &application, None);
        assert!(matches!(keep(&with_home), KeptProfile::Default));
        let file = ProfileFile::in_folder(folder.path());
        assert_eq!(file.read().unwrap().default_profile().unwrap().1.url, "http://127.0.0.1:4400");
        let mut elsewhere = file.read().unwrap().default_profile().unwrap().1.clone();
        elsewhere.made_by = MadeBy::Login;
        file.change(|profiles| profiles.log_in(ProfileName::of_domain("acme.example.com"), elsewhere)).unwrap();
        let beside = keep(&with_home);
        assert!(commands_to_try("headwater", "http://x/", &beside)[2].ends_with("events list --profile dev"));
        assert!(matches!(keep(&Environment::default()), KeptProfile::Not(_)));
    }
}
