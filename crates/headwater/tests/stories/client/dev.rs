//! `headwater dev` leaves a profile: the next command in another terminal just works.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::{Client, json_of};
use crate::server::{binary, free_port};

/// A dev server of a person with a home, until it has said all that it says at its start.
struct Dev {
    child: Child,
    said: Vec<String>,
    _output: BufReader<ChildStdout>,
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dev {
    fn start(client: &Client, more: &[&str]) -> Self {
        let mut command: Command = binary();
        command.arg("dev").args(["--listen", &format!("127.0.0.1:{}", free_port())]);
        command.args(["--receiver", &format!("127.0.0.1:{}", free_port())]).args(more);
        command.envs(client.variables()).current_dir(client.home());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut said = Vec::new();
        while !said.last().is_some_and(|line: &String| line.contains("What the receiver gets")) {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "dev ended: {said:?}");
            said.push(line.trim_end().to_owned());
        }
        Self { child, said, _output: output }
    }

    /// The commands that it proposes, as a shell would take them.
    fn commands(&self) -> Vec<&str> {
        let heading = self.said.iter().position(|line| line == "Three commands to try").unwrap();
        self.said[heading + 1..heading + 4].iter().map(String::as_str).collect()
    }
}

#[test]
fn the_three_commands_work_in_another_terminal() {
    let client = Client::without_server();
    let dev = Dev::start(&client, &[]);
    for command in dev.commands() {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-eu", "-c", command]).env_clear().envs(client.variables());
        let output = shell.current_dir(client.home()).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let streams = json_of(&client.done(&["events", "list", "--json"]));
    assert_eq!(streams[0]["name"], "first");
    let profiles = json_of(&client.done(&["profiles", "list", "--json"]));
    assert_eq!((&profiles[0]["name"], &profiles[0]["active"]), (&"dev".into(), &true.into()));
    drop(dev);
    let ended = client.run(&["events", "list"]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("`headwater dev`"), "{}", ended.stderr);
}

#[test]
fn a_server_with_its_own_authority_is_trusted_by_the_profile() {
    let client = Client::without_server();
    let _dev = Dev::start(&client, &["--tls"]);
    assert_eq!(client.done(&["events", "list", "--json"]), "[]\n");
    let profile = json_of(&client.done(&["profiles", "show", "--json"]));
    assert!(profile["url"].as_str().unwrap().starts_with("https://"), "{profile}");
    assert!(profile["extra_ca"].as_str().unwrap().ends_with("ca.pem"), "{profile}");
}

#[test]
fn what_somebody_has_chosen_stays_the_default() {
    let client = Client::without_server();
    let first = Dev::start(&client, &[]);
    let url = json_of(&client.done(&["profiles", "show", "--json"]))["url"].as_str().unwrap().to_owned();
    let kept = std::fs::read_to_string(client.home().join("config/headwater/profiles.json")).unwrap();
    let secret = json_of(&kept)["profiles"]["dev"]["client_secret"].as_str().unwrap().to_owned();
    let id = json_of(&kept)["profiles"]["dev"]["client_id"].as_str().unwrap().to_owned();
    let login = ["login", "--url", &url, "--client-id", &id, "--client-secret", &secret, "--profile", "chosen"];
    assert_eq!(client.run(&login).code, 0);
    drop(first);
    let second = Dev::start(&client, &["--data-dir", "another"]);
    assert!(second.commands()[2].ends_with("events list --profile dev"), "{:?}", second.said);
    assert_eq!(client.run(&["events", "list"]).code, 3, "the chosen server is gone");
    assert_eq!(client.done(&["events", "list", "--json", "--profile", "dev"]), "[]\n");
}
