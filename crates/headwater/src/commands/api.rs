//! `headwater api`: the client's settings come from the environment.

use std::process::ExitCode;

use cli::api::ApiCommand;
use cli::{Connection, Credentials, Exit};
use domain::secret::Secret;

use crate::environment::Environment;

pub(super) async fn run(command: ApiCommand, environment: &Environment) -> ExitCode {
    let exit = match connection(environment) {
        Ok(connection) => command.run(connection).await,
        Err(missing) => {
            eprintln!("error: {missing}");
            Exit::Usage
        }
    };
    ExitCode::from(exit.code())
}

fn connection(environment: &Environment) -> Result<Connection, String> {
    let url = environment.get("HEADWATER_URL").ok_or("HEADWATER_URL is not set: the server's public URL")?;
    let id = environment.get("HEADWATER_CLIENT_ID");
    let secret = environment.get("HEADWATER_CLIENT_SECRET");
    let credentials = match (environment.get("HEADWATER_TOKEN"), id, secret) {
        (Some(token), ..) => Credentials::Token(Secret::new(token)),
        (None, Some(id), Some(secret)) => {
            Credentials::Application { client_id: id.to_owned(), client_secret: Secret::new(secret) }
        }
        _ => return Err("set HEADWATER_CLIENT_ID and HEADWATER_CLIENT_SECRET, or HEADWATER_TOKEN".into()),
    };
    Ok(Connection { url: url.to_owned(), credentials, extra_ca: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_before_an_application() {
        let all = [
            ("HEADWATER_URL", "http://x"),
            ("HEADWATER_TOKEN", "t"),
            ("HEADWATER_CLIENT_ID", "a"),
            ("HEADWATER_CLIENT_SECRET", "b"),
        ];
        assert!(matches!(connection(&Environment::of(&all)).unwrap().credentials, Credentials::Token(_)));
        let application = Environment::of(&[all[0], all[2], all[3]]);
        assert!(matches!(connection(&application).unwrap().credentials, Credentials::Application { .. }));
        assert!(connection(&Environment::of(&all[..1])).unwrap_err().contains("HEADWATER_CLIENT_ID"));
        assert!(connection(&Environment::of(&all[1..])).unwrap_err().contains("HEADWATER_URL"));
    }
}
