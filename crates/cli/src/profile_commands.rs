//! `headwater profiles`: what has been logged in to.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::asking::Choice;
use crate::command::Run;
use crate::document::Document;
use crate::exit::Failure;
use crate::login::forget;
use crate::output::{ListFormat, Listing, SingleFormat};
use crate::profiles::{MadeBy, Profile, ProfileFile, ProfileName, Profiles, known};
use crate::session::Session;

const EMPTY_HINT: &str = "Use 'headwater login' to add one";

/// Profiles: the servers that have been logged in to.
#[derive(Args, Debug)]
pub struct ProfilesCommand {
    #[command(subcommand)]
    operation: Operation,
}

#[derive(Subcommand, Debug)]
enum Operation {
    /// Lists the profiles.
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        format: ListFormat,
    },
    /// Makes a profile the default.
    Use {
        /// The profile's name.
        name: Option<String>,
    },
    /// Shows a profile, without its secret.
    Show {
        /// The profile's name; without it the default one.
        name: Option<String>,
        #[command(flatten)]
        format: SingleFormat,
    },
    /// Forgets profiles, with their secrets.
    #[command(visible_alias = "rm")]
    Remove {
        /// The profiles' names.
        names: Vec<String>,
        /// Removes without asking.
        #[arg(long)]
        force: bool,
    },
}

impl Run for ProfilesCommand {
    async fn run(self, session: &Session) -> Result<(), Failure> {
        let file = session.profile_file()?;
        let profiles = file.read()?;
        match self.operation {
            Operation::List { format } => list(session, format, &profiles),
            Operation::Use { name } => {
                let name = picked(session, &profiles, name).await?;
                file.change(|profiles| profiles.make_default(&name))?;
                session.messages().info(&format!("Default profile switched to: {name}"));
                Ok(())
            }
            Operation::Show { name, format } => {
                let default = profiles.default_profile().map(|(name, _)| name.to_string());
                let given = name.or_else(|| session.profile().map(str::to_owned)).or(default);
                let name = picked(session, &profiles, given).await?;
                let profile = profiles.get(&name).expect("a name that was picked is known");
                show(session, format, &file, &Shown::of(&profiles, &name, profile), profile)
            }
            Operation::Remove { names, force } => remove(session, &file, &profiles, names, force).await,
        }
    }
}

/// A profile as it is shown.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    name: &'a ProfileName,
    active: bool,
    url: &'a str,
    client_id: &'a str,
    secret: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_ca: Option<String>,
    made_by: MadeBy,
}

impl<'a> Shown<'a> {
    fn of(profiles: &Profiles, name: &'a ProfileName, profile: &'a Profile) -> Self {
        Self {
            name,
            active: profiles.default_profile().is_some_and(|(default, _)| default == name),
            url: &profile.url,
            client_id: &profile.client_id,
            secret: if profile.is_in_keyring() { "keyring" } else { "file" },
            extra_ca: profile.extra_ca.as_ref().map(|path| path.display().to_string()),
            made_by: profile.made_by,
        }
    }

    fn document(&self) -> Document {
        let text = serde_json::to_string(self).expect("texts and flags can be written as JSON");
        Document::parse(&text).expect("what was written as JSON is JSON")
    }
}

fn list(session: &Session, format: ListFormat, profiles: &Profiles) -> Result<(), Failure> {
    let shown: Vec<Shown<'_>> = profiles.iter().map(|(name, profile)| Shown::of(profiles, name, profile)).collect();
    let documents: Vec<Document> = shown.iter().map(Shown::document).collect();
    let cells = |each: &Shown<'_>| {
        let active = if each.active { "✓" } else { "" };
        [active, each.name.as_str(), each.url, each.client_id].map(str::to_owned).to_vec()
    };
    let listing = Listing {
        resource: "profiles",
        hint: EMPTY_HINT,
        columns: &["Active", "Name", "URL", "Client ID"],
        rows: shown.iter().map(cells).collect(),
        documents: &documents,
    };
    session.show_list(format.format(session), &listing)
}

fn show(
    session: &Session,
    format: SingleFormat,
    file: &ProfileFile,
    shown: &Shown<'_>,
    profile: &Profile,
) -> Result<(), Failure> {
    let now = session.surroundings().clock.now().wall;
    let token = profile.token.as_ref().filter(|token| now < token.expires_at);
    let secret = if profile.is_in_keyring() {
        "in the system's keyring".to_owned()
    } else {
        format!("in {}", file.path().display())
    };
    let rows = [
        ("NAME", shown.name.to_string()),
        ("ACTIVE", if shown.active { "✓".to_owned() } else { String::new() }),
        ("URL", shown.url.to_owned()),
        ("CLIENT ID", shown.client_id.to_owned()),
        ("CLIENT SECRET", secret),
        ("EXTRA CA", shown.extra_ca.clone().unwrap_or_default()),
        ("TOKEN", token.map_or("none".to_owned(), |token| format!("until {}", token.expires_at))),
    ];
    session.show_one(format.format(session), "profile", &rows, &shown.document())
}

async fn remove(
    session: &Session,
    file: &ProfileFile,
    profiles: &Profiles,
    names: Vec<String>,
    force: bool,
) -> Result<(), Failure> {
    let choices = if session.asking().is_possible() && names.is_empty() { choices(profiles)? } else { Vec::new() };
    let names = session.asking().choices(names, "the name of a profile", "Profiles", choices).await?;
    let names: Vec<ProfileName> =
        names.iter().map(|name| Ok(known(name, profiles)?.0.clone())).collect::<Result<_, Failure>>()?;
    if !session.asking().is_meant(force).await? {
        return Ok(());
    }
    for name in &names {
        forget(session, file, name).await?;
        session.messages().info(&format!("Removed: {name}"));
    }
    Ok(())
}

/// The profile that was named, or one that is picked.
async fn picked(session: &Session, profiles: &Profiles, given: Option<String>) -> Result<ProfileName, Failure> {
    let choices = if session.asking().is_possible() && given.is_none() { choices(profiles)? } else { Vec::new() };
    let name = session.asking().choice(given, "the name of a profile", "Profile", choices).await?;
    Ok(known(&name, profiles)?.0.clone())
}

fn choices(profiles: &Profiles) -> Result<Vec<Choice>, Failure> {
    let choices: Vec<Choice> = profiles
        .iter()
        .map(|(name, profile)| Choice { value: name.to_string(), label: format!("{name} ({})", profile.url) })
        .collect();
    if choices.is_empty() { Err(Failure::refused(format!("No profiles available. {EMPTY_HINT}"))) } else { Ok(choices) }
}
