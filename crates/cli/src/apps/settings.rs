//! What creating and changing an application have in common: the flags for its settings.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::exit::Failure;

/// How an application proves who it is when it gets a token.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum AuthMethod {
    #[value(name = "None", alias = "none")]
    None,
    #[value(name = "Post", alias = "post")]
    Post,
    #[value(name = "Basic", alias = "basic")]
    Basic,
}

impl AuthMethod {
    const fn method(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Post => "client_secret_post",
            Self::Basic => "client_secret_basic",
        }
    }
}

/// The settings that may be given as flags.
#[derive(Args, Debug)]
pub(super) struct Settings {
    /// The application's name.
    #[arg(short, long)]
    pub(super) name: Option<String>,
    /// What it is for.
    #[arg(short, long)]
    pub(super) description: Option<String>,
    /// How it proves who it is when it gets a token.
    #[arg(short, long, ignore_case = true)]
    auth_method: Option<AuthMethod>,
    /// What it may get tokens by: credentials, code, implicit, refresh-token, or as the API calls them.
    #[arg(short, long, value_delimiter = ',')]
    grants: Vec<String>,
    /// Where browsers may be sent back to.
    #[arg(short, long, value_delimiter = ',', value_name = "URL")]
    callbacks: Vec<String>,
    /// From where it may be called by scripts.
    #[arg(short, long, value_delimiter = ',', value_name = "URL")]
    origins: Vec<String>,
    /// From where web messages may come.
    #[arg(short, long, value_delimiter = ',', value_name = "URL")]
    web_origins: Vec<String>,
    /// Where browsers may be sent to after logging out.
    #[arg(short, long, value_delimiter = ',', value_name = "URL")]
    logout_urls: Vec<String>,
    /// Metadata of your own; may be repeated.
    #[arg(long, value_delimiter = ',', value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

impl Settings {
    /// The settings that were given, as the API calls them.
    pub(super) fn members(&self) -> Result<Map<String, Value>, Failure> {
        let mut members = Map::new();
        for (name, text) in [("name", &self.name), ("description", &self.description)] {
            members.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
        }
        if let Some(method) = self.auth_method {
            members.insert("token_endpoint_auth_method".into(), json!(method.method()));
        }
        let grants: Vec<&str> = self.grants.iter().map(|grant| grant_type(grant)).collect();
        let lists = [
            ("grant_types", json!(grants)),
            ("callbacks", json!(self.callbacks)),
            ("allowed_origins", json!(self.origins)),
            ("web_origins", json!(self.web_origins)),
            ("allowed_logout_urls", json!(self.logout_urls)),
        ];
        let given = lists.into_iter().filter(|(_, list)| list.as_array().is_some_and(|list| !list.is_empty()));
        members.extend(given.map(|(name, list)| (name.to_owned(), list)));
        let metadata = self.metadata.iter().map(|pair| match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), json!(value))),
            _ => Err(Failure::usage(format!("--metadata: expected KEY=VALUE, found {pair}"))),
        });
        let metadata = metadata.collect::<Result<Map<String, Value>, Failure>>()?;
        if !metadata.is_empty() {
            members.insert("client_metadata".into(), Value::Object(metadata));
        }
        Ok(members)
    }
}

/// The grant type as the API calls it.
fn grant_type(word: &str) -> &str {
    match word {
        "credentials" => "client_credentials",
        "code" => "authorization_code",
        "refresh-token" => "refresh_token",
        "device-code" => "urn:ietf:params:oauth:grant-type:device_code",
        other => other,
    }
}

/// Scopes as they are typed: with spaces or commas between them.
pub(super) fn scopes(text: &str) -> Vec<String> {
    text.split([' ', ',', '\n', '\t']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn members(words: &[&str]) -> Result<Map<String, Value>, Failure> {
        Line::parse_from(std::iter::once(&"x").chain(words)).settings.members()
    }

    #[test]
    fn flags_become_members() {
        assert!(members(&[]).unwrap().is_empty());
        let given = members(&["-n", "a", "-a", "basic", "-g", "credentials,code", "--metadata", "k=v=w,l=", "-l", "x"]);
        assert_eq!(
            Value::Object(given.unwrap()),
            json!({
                "name": "a", "token_endpoint_auth_method": "client_secret_basic",
                "grant_types": ["client_credentials", "authorization_code"],
                "client_metadata": {"k": "v=w", "l": ""}, "allowed_logout_urls": ["x"],
            })
        );
        assert!(members(&["--metadata", "k"]).unwrap_err().message().contains("KEY=VALUE"));
    }

    #[test]
    fn scopes_are_parted_by_spaces_or_commas() {
        assert_eq!(scopes(" read:users,create:users  read:events\n"), ["read:users", "create:users", "read:events"]);
        assert!(scopes(" ").is_empty());
    }
}
