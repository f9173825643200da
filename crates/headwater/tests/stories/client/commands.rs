//! What all commands share: exit codes, global flags, where things are written.

use super::Client;
use crate::server::{Server, free_port};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_codes_tell_what_went_wrong() {
    let server = Server::start().await;
    let client = Client::of(&server);
    assert_eq!(client.run(&["events", "list"]).code, 0);
    let refused = client.run(&["events", "show", "est_1111111111111111111111"]);
    let says = "failed to read event stream with ID \"est_1111111111111111111111\": 404 Not Found: The requested stream does not exist.";
    assert_eq!((refused.code, refused.stderr.as_str()), (1, format!("error: {says}\n").as_str()));
    for words in [&["events", "list", "--no-such-flag"][..], &["events", "nothing"], &["events", "show"], &["nothing"]]
    {
        let wrong = client.run(words);
        assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""), "{words:?}: {}", wrong.stderr);
    }
    let mut nobody_there = Client::of(&server);
    nobody_there.set("HEADWATER_URL", &format!("http://127.0.0.1:{}", free_port()));
    let unreachable = nobody_there.run(&["events", "list"]);
    assert_eq!(unreachable.code, 3);
    assert!(unreachable.stderr.contains("cannot be reached") && unreachable.stderr.contains("hint: "));
    let unset = Client::without_server().run(&["events", "list"]);
    assert_eq!(unset.code, 2);
    assert!(unset.stderr.contains("HEADWATER_URL"), "{}", unset.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats_exclude_each_other() {
    let client = Client::without_server();
    for pair in [["--json", "--json-compact"], ["--json", "--csv"], ["--json-compact", "--csv"]] {
        let ended = client.run(&["events", "list", pair[0], pair[1]]);
        assert_eq!(ended.code, 2, "{pair:?}");
        assert!(ended.stderr.contains("cannot be used with"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_takes_its_body_from_a_pipe() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let body = Server::user_body("piped").to_string();
    let made = client.run_with_input(&["api", "post", "users"], &body);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stdout.contains("\"piped@example.com\""), "{}", made.stdout);
    let wrong = client.run_with_input(&["api", "post", "users"], "{");
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("--data: expected JSON"), "{}", wrong.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debug_shows_the_calls_and_no_secret() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let ended = client.run(&["events", "list", "--json", "--debug"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "[]\n"));
    assert!(ended.stderr.contains(&format!("POST {}/oauth/token -> 200 OK", server.url)), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("GET {}/api/v2/event-streams?take=100 -> 200 OK", server.url)));
    assert!(!ended.stderr.contains(crate::server::CLIENT_SECRET) && !ended.stderr.contains("eyJ"));
    assert!(!ended.stderr.contains('\x1b'), "no colours without a terminal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agent_mode_is_json_without_questions() {
    let server = Server::start().await;
    let mut client = Client::of(&server);
    assert_eq!(client.run(&["events", "list", "--agent-mode"]).stdout, "[]\n");
    client.set("AUTH0_AGENT_MODE", "1");
    assert_eq!(client.run(&["--help"]).code, 0);
    assert_eq!(client.run(&["event-streams", "ls"]).stdout, "[]\n");
    let ended = client.run(&["events", "show"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("agent mode"), "{}", ended.stderr);
}
