//! `headwater doctor`: is everything there that `serve` needs with this configuration?

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use domain::account::DEFAULT_TENANT;
use domain::clock::{Clock, Entropy, Timestamp};
use domain::destination::Destination;
use domain::ids::TenantId;
use store::sqlite::SqliteStore;
use store::{State, StoreError, TenantKeys};

use super::serve::ServeCommand;
use crate::clock::SystemClock;
use crate::config::{Config, unknown_variables};
use crate::entropy::SystemEntropy;
use crate::environment::Environment;
use crate::lifecycle;
use crate::terminal::{Style, Terminal};
use crate::tls;

/// This program is newer than this: a clock that says otherwise is wrong, and its tokens would be too.
const CLOCK_MIN: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// Streams are looked at in pages of this many.
const PAGE: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// What the doctor says, line by line.
struct Diagnosis {
    terminal: Terminal,
    failed: bool,
}

impl Diagnosis {
    fn say(&mut self, verdict: Verdict, subject: &str, finding: &str) {
        let (word, style) = match verdict {
            Verdict::Ok => ("ok  ", Style::Good),
            Verdict::Warn => ("warn", Style::Warning),
            Verdict::Fail => ("fail", Style::Bad),
        };
        self.failed |= verdict == Verdict::Fail;
        self.terminal.line(&format!("{} {subject}: {finding}", self.terminal.styled(style, word)));
    }

    fn exit_code(&self) -> ExitCode {
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

pub(super) async fn run(command: &ServeCommand, environment: &Environment) -> ExitCode {
    let mut diagnosis = Diagnosis { terminal: Terminal::new(environment), failed: false };
    for (name, nearest) in unknown_variables(environment) {
        diagnosis.say(Verdict::Warn, "environment", &format!("{name} means nothing; did you mean {nearest}?"));
    }
    let config = match command.config(environment) {
        Ok(config) => config,
        Err(error) => {
            diagnosis.say(Verdict::Fail, "configuration", &error.to_string());
            return diagnosis.exit_code();
        }
    };
    diagnosis.say(Verdict::Ok, "configuration", "understood");
    clock(&mut diagnosis);
    tls_files(&mut diagnosis, &config);
    extra_roots(&mut diagnosis, &config);
    let folder_usable = data_folder(&mut diagnosis, &config.data_dir);
    let in_use = if folder_usable { store(&mut diagnosis, &config).await } else { false };
    port(&mut diagnosis, &config, in_use).await;
    diagnosis.exit_code()
}

fn clock(diagnosis: &mut Diagnosis) {
    let now = SystemClock::new().now().wall;
    if now < CLOCK_MIN {
        diagnosis.say(Verdict::Fail, "clock", &format!("it says {now}; set it, or tokens will not be valid"));
    } else {
        diagnosis.say(Verdict::Ok, "clock", &now.to_string());
    }
}

fn tls_files(diagnosis: &mut Diagnosis, config: &Config) {
    match config.tls.as_ref().map(tls::server_config) {
        Some(Ok(_)) => diagnosis.say(Verdict::Ok, "TLS", "certificate and key can be served"),
        Some(Err(error)) => diagnosis.say(Verdict::Fail, "TLS", &format!("{error:#}")),
        None if config.public_url.as_ref().is_some_and(|url| url.as_str().starts_with("https:")) => {
            diagnosis.say(Verdict::Ok, "TLS", "not served here; the public URL is https, so a proxy in front has to");
        }
        None => diagnosis.say(
            Verdict::Warn,
            "TLS",
            "plain HTTP; official clients speak HTTPS only: set tls_cert and tls_key (`headwater certs` makes a pair)",
        ),
    }
}

fn extra_roots(diagnosis: &mut Diagnosis, config: &Config) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    match lifecycle::outbound(config, &clock) {
        Ok(_) if config.extra_ca.is_some() => diagnosis.say(Verdict::Ok, "extra roots", "can be used"),
        Ok(_) => {}
        Err(error) => diagnosis.say(Verdict::Fail, "extra roots", &format!("{error:#}")),
    }
}

/// Whether the folder exists, or can be made, and can be written.
fn data_folder(diagnosis: &mut Diagnosis, folder: &Path) -> bool {
    if !folder.exists() {
        let parent = folder.ancestors().skip(1).find(|each| each.is_dir() || each.as_os_str().is_empty());
        let parent = parent.filter(|each| !each.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return match write_probe(parent) {
            Ok(()) => {
                diagnosis.say(Verdict::Ok, "data folder", &format!("{} will be made at first start", folder.display()));
                true
            }
            Err(error) => {
                let finding =
                    format!("{} cannot be made: {error}; choose another (HEADWATER_DATA_DIR)", folder.display());
                diagnosis.say(Verdict::Fail, "data folder", &finding);
                false
            }
        };
    }
    match write_probe(folder) {
        Ok(()) => {
            diagnosis.say(Verdict::Ok, "data folder", &format!("{} can be written", folder.display()));
            true
        }
        Err(error) => {
            let finding = format!("{} cannot be written: {error}; make it writable", folder.display());
            diagnosis.say(Verdict::Fail, "data folder", &finding);
            false
        }
    }
}

fn write_probe(folder: &Path) -> std::io::Result<()> {
    tempfile::NamedTempFile::new_in(folder)?.write_all(b"headwater doctor")
}

/// Looks into the store, if there is one; true if another process is using it.
async fn store(diagnosis: &mut Diagnosis, config: &Config) -> bool {
    if !config.master_key.is_made() {
        diagnosis.say(Verdict::Ok, "master key", "will be made at first start");
        return false;
    }
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    match config.master_key.load(&*entropy) {
        Ok(keys) if keys.previous.is_empty() => diagnosis.say(Verdict::Ok, "master key", "found"),
        Ok(_) => {
            let finding = "found, and former ones, as long as something is sealed with them; `headwater keys rotate` \
                           or the next start brings that to its end";
            diagnosis.say(Verdict::Ok, "master key", finding);
        }
        Err(error) => {
            diagnosis.say(Verdict::Fail, "master key", &error.to_string());
            return false;
        }
    }
    if !config.data_dir.join("headwater.db").exists() {
        diagnosis.say(Verdict::Ok, "store", "will be made at first start");
        return false;
    }
    match lifecycle::open_store(config, &entropy) {
        Ok((store, _)) => {
            diagnosis.say(Verdict::Ok, "store", "can be opened");
            inside(diagnosis, config, &store).await;
            false
        }
        Err(error) => {
            let in_use = matches!(error.downcast_ref::<StoreError>(), Some(StoreError::InUse { .. }));
            if in_use {
                let finding = "in use by a running server; stop it to have the signing keys and streams checked too";
                diagnosis.say(Verdict::Warn, "store", finding);
            } else {
                diagnosis.say(Verdict::Fail, "store", &format!("{error:#}"));
            }
            in_use
        }
    }
}

/// Whether the file is sound, and what the store holds: signing keys, and streams whose destinations can be reached as configured.
async fn inside(diagnosis: &mut Diagnosis, config: &Config, store: &SqliteStore) {
    match store.verify().await {
        Ok(()) => diagnosis.say(Verdict::Ok, "store", "sound"),
        Err(error) => diagnosis.say(Verdict::Fail, "store", &error.to_string()),
    }
    let others = config.tenants.iter().map(|each| each.name.as_str());
    for name in std::iter::once(DEFAULT_TENANT).chain(others) {
        let result = async {
            let tenant = store.tenant_ensure(name).await?.id;
            let keys = match store.signing_keys(tenant).await?.len() {
                0 => "will be made at the next start".to_owned(),
                count => format!("{count} in the store"),
            };
            diagnosis.say(Verdict::Ok, &format!("signing keys of {name}"), &keys);
            streams(diagnosis, config, store, name, tenant).await
        };
        if let Err(error) = result.await {
            diagnosis.say(Verdict::Fail, &format!("tenant {name}"), &error.to_string());
        }
    }
}

async fn streams(
    diagnosis: &mut Diagnosis,
    config: &Config,
    store: &SqliteStore,
    name: &str,
    tenant: TenantId,
) -> Result<(), StoreError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let outbound = match lifecycle::outbound(config, &clock) {
        Ok(outbound) => outbound,
        Err(error) => {
            diagnosis.say(Verdict::Fail, "destinations", &format!("{error:#}"));
            return Ok(());
        }
    };
    let (mut after, mut count) = (None, 0_usize);
    loop {
        let page = store.stream_page(tenant, after, PAGE).await?;
        for stream in &page {
            // Of the others, nothing can be told from here.
            let Destination::Webhook(webhook) = &stream.destination else { continue };
            let url = webhook.endpoint.url();
            if url.scheme() == "http" && !config.allow_http {
                let finding = "its endpoint is http://, which new streams may not have (HEADWATER_ALLOW_HTTP)";
                diagnosis.say(Verdict::Warn, &format!("stream {}", stream.id), finding);
            }
            if let Err(problem) = outbound.check(url, &stream.options.delivery.transport).await {
                diagnosis.say(Verdict::Warn, &format!("stream {}", stream.id), &problem.to_string());
            }
        }
        count += page.len();
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.id),
            _ => break,
        }
    }
    diagnosis.say(Verdict::Ok, &format!("streams of {name}"), &format!("{count} looked at"));
    Ok(())
}

async fn port(diagnosis: &mut Diagnosis, config: &Config, in_use: bool) {
    match lifecycle::listen(config.listen).await {
        Ok(_) => diagnosis.say(Verdict::Ok, "port", &format!("{} is free", config.listen)),
        Err(_) if in_use => {
            diagnosis.say(Verdict::Ok, "port", &format!("{} is taken, and a server is running", config.listen))
        }
        Err(error) => diagnosis.say(Verdict::Fail, "port", &format!("{error:#}")),
    }
}
