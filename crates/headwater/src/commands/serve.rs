//! `headwater serve`: the server for production.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::config::{Config, ConfigError, unknown_variables};
use crate::environment::Environment;
use crate::lifecycle::{Server, run_until_stopped};
use crate::terminal::Terminal;

/// The command line of a configured server.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeCommand {
    /// A TOML file; `--print-defaults` shows what it may hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port [default: 127.0.0.1:4400].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// How clients reach the server [default: http:// + listen].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The folder of the embedded store and the keys [default: ./data].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Serve HTTPS with this certificate chain (PEM).
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The private key of the certificate (PEM).
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Any key of the configuration; may be repeated. Secrets belong into the environment or a file.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
    /// Prints the configuration with its defaults, commented, and ends.
    #[arg(long)]
    print_defaults: bool,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl ServeCommand {
    /// The configuration that the command line, the environment and the file amount to.
    pub(super) fn config(&self, environment: &Environment) -> Result<Config, ConfigError> {
        let named = [
            ("listen", &self.listen),
            ("public_url", &self.public_url),
            ("data_dir", &self.data_dir),
            ("tls_cert", &self.tls_cert),
            ("tls_key", &self.tls_key),
        ];
        let named = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
        let flags: Vec<_> = self.set.iter().cloned().chain(named).collect();
        Config::load(self.config.as_deref(), environment, &flags)
    }

    pub(super) async fn run(self, environment: &Environment) -> Result<()> {
        let terminal = Terminal::new(environment);
        if self.print_defaults {
            terminal.line(crate::config::DEFAULTS.trim_end());
            return Ok(());
        }
        let config = self.config(environment)?;
        for (name, nearest) in unknown_variables(environment) {
            tracing::warn!("{name} means nothing; did you mean {nearest}?");
        }
        let server = Server::start(&config).await?;
        terminal.line(&format!("headwater listens on {} as {}", server.address(), server.public_url().as_str()));
        run_until_stopped(server, std::future::pending()).await
    }
}
