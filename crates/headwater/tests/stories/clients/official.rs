//! Official clients, unmodified, over HTTPS with a certificate from `headwater certs`. What each of them does is in
//! the repository's folder `clients`; each ends with 0 when everything was as it should be.

use std::path::Path;
use std::process::Command;

use super::secure::SecureServer;
use super::{assert_success, is_prepared_for};
use crate::record;
use crate::server::{CLIENT_ID, CLIENT_SECRET, repository, variable};

impl SecureServer {
    /// Has a client play its part against this server.
    fn play(&self, program: &str, client: &str, words: &[&str]) {
        self.play_with(program, client, words, &[]);
    }

    fn play_with(&self, program: &str, client: &str, words: &[&str], given: &[(&str, &str)]) {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(repository().join("clients").join(client))
            .env("NODE_EXTRA_CA_CERTS", &self.authority)
            .env("SSL_CERT_FILE", &self.authority)
            .env("HEADWATER_DOMAIN", &self.domain)
            .env("HEADWATER_CLIENT_ID", CLIENT_ID)
            .env("HEADWATER_CLIENT_SECRET", CLIENT_SECRET)
            .envs(given.iter().copied());
        assert_success(command, client);
        record::note(&["client"]);
    }
}

/// Has Node.js play a script, where `cargo xtask test` says that it can.
fn node_plays(client: &str, script: &str) {
    if is_prepared_for("NODE") {
        SecureServer::start().play("node", client, &[script]);
    }
}

/// Has Python play a script, where `cargo xtask test` says that it can.
fn python_plays(script: &str) {
    if let Some(python) = variable("HEADWATER_TEST_PYTHON").filter(|_| is_prepared_for("PYTHON")) {
        SecureServer::start().play(&python, "python", &[script]);
    }
}

#[test]
fn the_node_sdk_plays_the_main_job() {
    node_plays("node", "main_job.mjs");
}

#[test]
fn the_node_sdk_uses_every_event_stream_operation() {
    node_plays("node", "event_streams.mjs");
}

#[test]
fn the_python_sdk_uses_every_event_stream_operation() {
    python_plays("event_streams.py");
}

#[test]
fn the_node_sdk_subscribes_to_events() {
    node_plays("node", "subscribe.mjs");
}

#[test]
fn the_python_sdk_subscribes_to_events() {
    python_plays("subscribe.py");
}

#[test]
fn the_python_sdk_plays_the_main_job() {
    python_plays("main_job.py");
}

#[test]
fn the_node_sdk_deploys_an_action_and_sees_its_effect() {
    node_plays("node", "actions.mjs");
}

#[test]
fn a_stream_runs_the_version_that_the_node_sdk_has_deployed() {
    node_plays("node", "action_versions.mjs");
}

#[test]
fn npms_jose_opens_what_was_encrypted() {
    node_plays("node", "encryption.mjs");
}

#[test]
fn jwcrypto_of_python_opens_what_was_encrypted() {
    python_plays("encryption.py");
}

#[test]
fn npms_standardwebhooks_checks_what_was_signed() {
    node_plays("node", "signing.mjs");
}

#[test]
fn standardwebhooks_of_python_checks_what_was_signed() {
    python_plays("signing.py");
}

#[test]
fn the_deploy_tool_exports_and_imports_event_streams() {
    node_plays("deploy-cli", "play.mjs");
}

#[test]
fn the_deploy_tool_moves_a_tenant_as_it_was_exported() {
    node_plays("deploy-cli", "move.mjs");
}

#[test]
fn the_auth0_cli_uses_every_event_streams_subcommand() {
    if let Some(program) = variable("HEADWATER_TEST_AUTH0_CLI").filter(|_| is_prepared_for("AUTH0_CLI")) {
        let given = [("AUTH0", program.as_str()), ("RECEIVER_URL", "http://127.0.0.1:9/webhook")];
        SecureServer::start().play_with("sh", "auth0-cli", &["play.sh"], &given);
    }
}

#[test]
fn the_terraform_provider_keeps_an_event_stream() {
    if let Some(program) =
        variable("HEADWATER_TEST_TERRAFORM_PROVIDER").filter(|_| is_prepared_for("TERRAFORM_PROVIDER"))
    {
        let folder = Path::new(&program).parent().unwrap().display().to_string();
        SecureServer::start().play_with("sh", "terraform", &["play.sh"], &[("PROVIDER", &folder)]);
    }
}
