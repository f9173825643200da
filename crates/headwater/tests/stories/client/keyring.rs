//! The system's keyring: where there is one, where there is none, and where it never answers.

use std::process::Command;

use super::Client;
use crate::server::{CLIENT_ID, CLIENT_SECRET, Server, variable};

fn is_installed(program: &str) -> bool {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The words of a shell that runs in a session with a keyring of its own, unlocked.
const SESSION: &str = r#"printf unlocked | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
headwater() { "$PROGRAM" "$@"; }
"#;

/// Runs commands one after another in such a session.
fn in_a_session(client: &Client, words: &str) -> std::process::Output {
    let runtime = client.home().join("runtime");
    std::fs::create_dir_all(&runtime).unwrap();
    let mut session = Command::new("dbus-run-session");
    session.args(["--", "sh", "-eu", "-c", &format!("{SESSION}{words}")]);
    session.envs(client.variables()).env_remove("DBUS_SESSION_BUS_ADDRESS");
    session.env("XDG_RUNTIME_DIR", &runtime).env("XDG_DATA_HOME", client.home().join("data"));
    session.env("PROGRAM", env!("CARGO_BIN_EXE_headwater"));
    session.stdin(std::process::Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyring_keeps_the_secret_and_the_file_does_not() {
    if !is_installed("gnome-keyring-daemon") || !is_installed("dbus-run-session") {
        println!("skipped: dbus-run-session and gnome-keyring-daemon are not installed");
        return;
    }
    let server = Server::start().await;
    let mut client = Client::without_server();
    client.set("U", &server.url);
    client.set("S", CLIENT_SECRET);
    let words = format!(
        "headwater login --url \"$U\" --client-id {CLIENT_ID} --client-secret \"$S\"
         headwater profiles show
         cp \"$XDG_CONFIG_HOME/headwater/profiles.json\" \"$HOME/kept\"
         # Without the kept token the secret has to be looked up.
         sed -i '/\"token\"/,/}}/d; s/\"made_by\": \"login\",/\"made_by\": \"login\"/' \"$XDG_CONFIG_HOME/headwater/profiles.json\"
         headwater events list --json --debug
         headwater logout
         headwater login --url \"$U\" --client-id {CLIENT_ID} --client-secret \"$S\" --insecure-storage"
    );
    let output = in_a_session(&client, &words);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("The secret is in the system's keyring."), "{stderr}");
    assert!(stdout.contains("in the system's keyring"), "{stdout}");
    assert!(stdout.ends_with("[]\n") && stderr.contains("/oauth/token -> 200 OK"), "{stdout}{stderr}");
    let kept = std::fs::read_to_string(client.home().join("kept")).unwrap();
    assert!(!kept.contains(CLIENT_SECRET), "{kept}");
    assert!(stderr.ends_with("profiles.json, which only you can read.\n"), "{stderr}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keyring_that_never_answers_holds_nobody_up_for_ever() {
    let server = Server::start().await;
    let mut client = Client::of(&server);
    let socket = client.home().join("bus");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    client.set("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", socket.display()));
    let ended = client.run(&["login"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("the system's keyring has not answered within"), "{}", ended.stderr);
    let kept = std::fs::read_to_string(client.home().join("config/headwater/profiles.json")).unwrap();
    assert!(kept.contains(CLIENT_SECRET));
}
