//! `/api/v2/actions`

use std::time::Duration;

use serde_json::{Value, json};
use web::Settings;

use crate::runner::{BROKEN, BROKEN_REASON, LATER, RUNS, THROWS, UNCHECKED};
use crate::server::{Server, error, error_with_code, invalid_body, settings};

const PATH: &str = "/api/v2/actions/actions";
const NOBODY: &str = "/api/v2/actions/actions/00000000-0000-4000-8000-000000000000";
const NOW: &str = "2026-01-16T08:50:33.955Z";

fn body(changes: Value) -> Value {
    let mut body = json!({"name": "Test Action", "supported_triggers": [{"id": "event-stream", "version": "v1"}],
        "code": RUNS, "runtime": "node22"});
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

async fn create(server: &Server, changes: Value) -> Value {
    server.call_with("POST", PATH, &body(changes)).await.expect(201)
}

fn path_of(action: &Value) -> String {
    format!("{PATH}/{}", action["id"].as_str().unwrap())
}

async fn deploy(server: &Server, path: &str) -> Value {
    server.call("POST", &format!("{path}/deploy")).await.expect(200)
}

#[tokio::test]
async fn post_get_patch_and_delete_actions_actions_keep_an_action() {
    let server = Server::start().await;
    let made = create(&server, json!({})).await;
    let mut expected = json!({
        "id": made["id"], "name": "Test Action", "supported_triggers": [{"id": "event-stream", "version": "v1"}],
        "created_at": NOW, "updated_at": NOW, "code": RUNS, "dependencies": [], "runtime": "node22", "status": "built",
        "secrets": [], "built_at": NOW, "all_changes_deployed": false,
    });
    assert_eq!(made, expected);
    assert_eq!(made["id"].as_str().unwrap().len(), 36);
    let path = path_of(&made);
    assert_eq!(server.call("GET", &path).await.expect(200), expected);
    server.clock.advance(Duration::from_secs(1));
    for (name, value) in [("name", json!("Renamed")), ("runtime", json!("node18"))] {
        expected[name] = value.clone();
        expected["updated_at"] = json!("2026-01-16T08:50:34.955Z");
        assert_eq!(server.call_with("PATCH", &path, &json!({ name: value })).await.expect(200), expected);
    }
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(server.call_with("PATCH", &path, &json!({})).await.expect(200), expected, "nothing changes");
    for _ in 0..2 {
        server.call("DELETE", &path).await.expect(204);
    }
    assert_eq!(server.call("GET", &path).await.expect(404), error(404, "Not Found", "That action does not exist."));
}

#[tokio::test]
async fn post_actions_actions_deploy_answers_in_the_contracts_form() {
    let server = Server::start().await;
    let made = create(&server, json!({})).await;
    let path = path_of(&made);
    let version = deploy(&server, &path).await;
    let triggers = json!([{"id": "event-stream", "version": "v1"}]);
    let mut expected = json!({
        "code": RUNS, "dependencies": [], "id": version["id"], "deployed": true, "number": 1, "built_at": NOW,
        "secrets": [], "status": "built", "created_at": NOW, "updated_at": NOW, "runtime": "node22",
        "supported_triggers": triggers,
        "action": {"id": made["id"], "name": "Test Action", "supported_triggers": triggers, "created_at": NOW,
            "updated_at": NOW, "all_changes_deployed": true},
    });
    assert_eq!(version, expected);
    let read = server.call("GET", &path).await.expect(200);
    expected.as_object_mut().unwrap().remove("action");
    assert_eq!((&read["deployed_version"], &read["all_changes_deployed"]), (&expected, &json!(true)));
    assert_eq!(
        read["current_version"],
        json!({"id": version["id"], "code": RUNS, "runtime": "node22", "status": "BUILT", "number": 1,
            "build_time": NOW, "created_at": NOW, "updated_at": NOW})
    );
}

#[tokio::test]
async fn patch_actions_actions_changes_the_draft_and_not_what_runs() {
    let server = Server::start().await;
    let made = create(&server, json!({"deploy": true, "secrets": [{"name": "KEY", "value": "one"}]})).await;
    assert_eq!((&made["deployed_version"]["number"], &made["all_changes_deployed"]), (&json!(1), &json!(true)));
    let path = path_of(&made);
    let same = json!({"secrets": [{"name": "KEY", "value": "one"}]});
    assert_eq!(server.call_with("PATCH", &path, &same).await.expect(200), made, "nothing changes");
    let renamed = server.call_with("PATCH", &path, &json!({"name": "Renamed"})).await.expect(200);
    assert_eq!(renamed["all_changes_deployed"], true, "a name does not run");
    let changed = server.call_with("PATCH", &path, &json!({"code": THROWS})).await.expect(200);
    assert_eq!((&changed["code"], &changed["deployed_version"]["code"]), (&json!(THROWS), &json!(RUNS)));
    assert_eq!(changed["all_changes_deployed"], false);
    let other = json!({"code": RUNS, "secrets": [{"name": "KEY", "value": "two"}]});
    let changed = server.call_with("PATCH", &path, &other).await.expect(200);
    assert_eq!(
        changed["all_changes_deployed"], false,
        "the deployed version has the secrets that it was deployed with"
    );
}

/// Two versions of an action: one that runs and has a secret, then one that throws and has none.
async fn two_versions(server: &Server) -> (String, Value, Value) {
    let path = path_of(&create(server, json!({"secrets": [{"name": "KEY", "value": "one"}]})).await);
    let first = deploy(server, &path).await;
    server.call_with("PATCH", &path, &json!({"code": THROWS, "secrets": []})).await.expect(200);
    let second = deploy(server, &path).await;
    (path, first, second)
}

#[tokio::test]
async fn get_actions_actions_versions_lists_them_newest_first() {
    let server = Server::start().await;
    let (path, first, second) = two_versions(&server).await;
    assert_eq!((&second["number"], &second["code"], &second["secrets"]), (&json!(2), &json!(THROWS), &json!([])));
    let versions = format!("{path}/versions");
    let list = server.call("GET", &versions).await.expect(200);
    assert_eq!((&list["total"], &list["per_page"], list.get("page")), (&json!(2), &json!(50), None));
    let found: Vec<_> = list["versions"].as_array().unwrap().iter().map(|v| (&v["id"], &v["deployed"])).collect();
    assert_eq!(found, [(&second["id"], &json!(true)), (&first["id"], &json!(false))]);
    let later = server.call("GET", &format!("{versions}?page=1&per_page=1")).await.expect(200);
    assert_eq!((&later["page"], &later["versions"][0]["id"]), (&json!(1), &first["id"]));
    let one = server.call("GET", &format!("{versions}/{}", first["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&one["id"], &one["deployed"]), (&first["id"], &json!(false)));
}

#[tokio::test]
async fn post_actions_actions_versions_deploy_makes_a_version_as_the_earlier_one_was() {
    let server = Server::start().await;
    let (path, first, _) = two_versions(&server).await;
    let back = format!("{path}/versions/{}/deploy", first["id"].as_str().unwrap());
    let third = server.call("POST", &back).await.expect(200);
    assert_eq!((&third["number"], &third["code"], &third["deployed"]), (&json!(3), &json!(RUNS), &json!(true)));
    assert_eq!(third["secrets"][0]["name"], "KEY");
    let read = server.call("GET", &path).await.expect(200);
    assert_eq!((&read["code"], &read["all_changes_deployed"]), (&json!(THROWS), &json!(false)));
    let fourth = server.call_with("POST", &back, &json!({"update_draft": true})).await.expect(200);
    assert_eq!(fourth["number"], 4);
    let read = server.call("GET", &path).await.expect(200);
    assert_eq!((&read["code"], &read["all_changes_deployed"]), (&json!(RUNS), &json!(true)));
}

#[tokio::test]
async fn secrets_are_never_answered_and_stay_when_named_without_a_value() {
    let server = Server::start().await;
    let secrets = json!([{"name": "KEY", "value": "hunter2-aaaa"}, {"name": "TOKEN", "value": "hunter2-bb"}]);
    let path = path_of(&create(&server, json!({ "secrets": secrets })).await);
    server.clock.advance(Duration::from_secs(1));
    let later = "2026-01-16T08:50:34.955Z";
    let changes = json!({"secrets": [{"name": "TOKEN", "value": "hunter2-ccc"}, {"name": "KEY", "updated_at": NOW}]});
    let changed = server.call_with("PATCH", &path, &changes).await.expect(200);
    assert_eq!(changed["secrets"], json!([{"name": "TOKEN", "updated_at": later}, {"name": "KEY", "updated_at": NOW}]));
    let run = server.call_with("POST", &format!("{path}/test"), &json!({"payload": {}})).await.expect(200);
    let console = run["payload"]["console"].as_array().unwrap();
    assert_eq!(
        (&console[1]["text"], &console[2]["text"]),
        (&json!("TOKEN: 11 characters"), &json!("KEY: 12 characters"))
    );
    deploy(&server, &path).await;
    for path in [PATH.to_owned(), path.clone(), format!("{path}/versions")] {
        assert!(!server.call("GET", &path).await.text().contains("hunter2"), "{path}");
    }
    drop((server.router, server.store));
    for entry in std::fs::read_dir(server.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "sealed at rest");
    }
}

#[tokio::test]
async fn a_new_secret_needs_a_value() {
    let server = Server::start().await;
    let fault = invalid_body(
        "'Missing required property: value' on property secrets[0] (A secret named without a value keeps the stored one).",
    );
    let without = json!({"secrets": [{"name": "KEY"}]});
    assert_eq!(server.call_with("POST", PATH, &body(without.clone())).await.expect(400), fault);
    let path = path_of(&create(&server, json!({})).await);
    assert_eq!(server.call_with("PATCH", &path, &without).await.expect(400), fault);
}

#[tokio::test]
async fn code_that_cannot_run_is_kept_and_not_deployed() {
    let server = Server::start().await;
    let made = create(&server, json!({"code": BROKEN})).await;
    assert_eq!((&made["status"], &made["headwater"]["build_error"]), (&json!("failed"), &json!(BROKEN_REASON)));
    let path = path_of(&made);
    let refused = error_with_code(
        400,
        "Bad Request",
        &format!("The action cannot be deployed, because it cannot run: {BROKEN_REASON}"),
        "action_build_failed",
    );
    assert_eq!(server.call("POST", &format!("{path}/deploy")).await.expect(400), refused);
    let mended = server.call_with("PATCH", &path, &json!({"code": RUNS})).await.expect(200);
    assert_eq!((&mended["status"], mended.get("headwater")), (&json!("built"), None));
    deploy(&server, &path).await;
    let empty = server.call_with("PATCH", &path, &json!({"code": ""})).await.expect(200);
    assert_eq!((&empty["status"], &empty["deployed_version"]["number"]), (&json!("failed"), &json!(1)));
}

#[tokio::test]
async fn what_cannot_be_deployed_at_once_is_not_created() {
    let server = Server::start().await;
    let broken = server.call_with("POST", PATH, &body(json!({"code": BROKEN, "deploy": true}))).await.expect(400);
    assert_eq!(broken["errorCode"], "action_build_failed");
    server.call_with("POST", PATH, &body(json!({"code": UNCHECKED, "deploy": true}))).await.expect(503);
    assert_eq!(server.call("GET", PATH).await.expect(200)["total"], 0);
}

#[tokio::test]
async fn code_that_was_not_looked_at_is_pending() {
    let server = Server::start().await;
    let made = create(&server, json!({"code": UNCHECKED})).await;
    assert_eq!((&made["status"], made.get("built_at")), (&json!("pending"), None));
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200), made);
    let refused = server.call("POST", &format!("{}/deploy", path_of(&made))).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    refused.expect(503);
}

#[tokio::test]
async fn what_is_pending_is_looked_at_when_it_is_asked_for_again() {
    let server = Server::start().await;
    let made = create(&server, json!({"code": LATER})).await;
    assert_eq!(made["status"], "pending");
    let read = server.call("GET", &path_of(&made)).await.expect(200);
    assert_eq!((&read["status"], &read["built_at"], &read["updated_at"]), (&json!("built"), &json!(NOW), &json!(NOW)));
    let list = server.call("GET", PATH).await.expect(200);
    assert_eq!(list["actions"], json!([read]), "it is kept");
}

#[tokio::test]
async fn post_actions_actions_test_runs_the_draft_with_the_message() {
    let server = Server::start().await;
    let path = path_of(&create(&server, json!({})).await);
    let test = format!("{path}/test");
    let message = json!({"id": "evt_1", "type": "user.created"});
    for payload in [message.clone(), json!({ "message": message }), json!({"event": {"message": message}})] {
        let run = server.call_with("POST", &test, &json!({ "payload": payload })).await.expect(200);
        let console = json!([{"level": "log", "text": message.to_string()}]);
        assert_eq!(run, json!({"payload": {"status": "success", "console": console, "duration": 1.5}}));
    }
    server.call_with("PATCH", &path, &json!({"code": THROWS})).await.expect(200);
    let run = server.call_with("POST", &test, &json!({ "payload": {} })).await.expect(200);
    assert_eq!(
        (&run["payload"]["status"], &run["payload"]["error_message"]),
        (&json!("failed"), &json!("Error: no (line 1)"))
    );
    assert_eq!(
        server.call_with("POST", &test, &json!({})).await.expect(400),
        invalid_body("'Missing required property: payload'.")
    );
}

#[tokio::test]
async fn get_actions_actions_lists_and_finds_by_what_they_are() {
    let server = Server::start().await;
    assert_eq!(server.call("GET", PATH).await.expect(200), json!({"actions": [], "total": 0, "per_page": 50}));
    let one = create(&server, json!({"name": "one", "deploy": true})).await;
    let two = create(&server, json!({"name": "two"})).await;
    for (query, expected) in [
        ("page=0&per_page=100", vec![&one, &two]),
        ("triggerId=event-stream", vec![&one, &two]),
        ("triggerId=post-login", vec![]),
        ("actionName=two", vec![&two]),
        ("actionName=tw", vec![]),
        ("deployed=true", vec![&one]),
        ("deployed=false", vec![&two]),
        ("installed=false", vec![&one, &two]),
        ("installed=true", vec![]),
    ] {
        let list = server.call("GET", &format!("{PATH}?{query}")).await.expect(200);
        assert_eq!((&list["actions"], &list["total"]), (&json!(expected), &json!(expected.len())), "{query}");
    }
    let later = server.call("GET", &format!("{PATH}?page=1&per_page=1")).await.expect(200);
    assert_eq!(later, json!({"actions": [two], "total": 2, "per_page": 1, "page": 1}));
    server.call("GET", &format!("{PATH}?include_totals=true")).await.expect(400);
    server.call("GET", &format!("{PATH}?deployed=yes")).await.expect(400);
}

#[tokio::test]
async fn get_actions_triggers_lists_the_one_trigger() {
    let server = Server::start().await;
    assert_eq!(
        server.call("GET", "/api/v2/actions/triggers").await.expect(200),
        json!({"triggers": [{"id": "event-stream", "version": "v1", "status": "CURRENT",
            "runtimes": ["node22", "node18"], "default_runtime": "node22", "compatible_triggers": []}]})
    );
}

#[tokio::test]
async fn what_cannot_be_honoured_is_refused() {
    let server = Server::start().await;
    let path = path_of(&create(&server, json!({"dependencies": [], "modules": []})).await);
    let of = |number: usize| json!({"name": format!("S{number}"), "value": "x"});
    for (changes, message) in [
        (
            json!({"dependencies": [{"name": "lodash", "version": "4.17.21"}]}),
            "'Array is too long (1), maximum 0' on property dependencies (Packages of npm are not available to actions of \
             this server; put what is needed into the code).",
        ),
        (
            json!({"modules": [{"module_id": "x"}]}),
            "'Array is too long (1), maximum 0' on property modules (Action modules are not available to actions of this \
             server; put what is needed into the code).",
        ),
        (
            json!({"supported_triggers": [{"id": "post-login", "version": "v3"}]}),
            "'No enum match for: post-login' on property supported_triggers[0].id (The trigger: event-stream, the only one \
             that this server has).",
        ),
        (
            json!({"supported_triggers": [{"id": "event-stream", "version": "v2"}]}),
            "'No enum match for: v2' on property supported_triggers[0].version (The version of the trigger: v1).",
        ),
        (
            json!({"supported_triggers": []}),
            "'Expected exactly one trigger' on property supported_triggers (The one trigger that this action supports).",
        ),
        (
            json!({"runtime": "node12"}),
            "'No enum match for: node12' on property runtime (The Node runtime: node22 or node18).",
        ),
        (
            json!({"code": "x".repeat(100_001)}),
            "'String is too long (100001 chars), maximum 100000' on property code (The source code of the action).",
        ),
        (
            json!({"secrets": (0..31).map(of).collect::<Vec<_>>()}),
            "'Array is too long (31), maximum 30' on property secrets (The list of secrets of an action; a value is never \
             answered).",
        ),
        (
            json!({"secrets": [{"name": "S", "value": "x".repeat(4097)}]}),
            "'String is too long (4097 chars), maximum 4096' on property secrets[0].value (The value of the particular \
             secret).",
        ),
        (
            json!({"secrets": [of(1), of(2), of(1)]}),
            "'Array items are not unique (indexes 0 and 2)' on property secrets (The list of secrets of an action; a value \
             is never answered).",
        ),
        (json!({"colour": "red"}), "'Additional properties not allowed: colour'."),
    ] {
        assert_eq!(server.call_with("POST", PATH, &body(changes.clone())).await.expect(400), invalid_body(message));
        assert_eq!(server.call_with("PATCH", &path, &changes).await.expect(400), invalid_body(message));
    }
    let mut nameless = body(json!({}));
    nameless.as_object_mut().unwrap().remove("name");
    assert_eq!(
        server.call_with("POST", PATH, &nameless).await.expect(400),
        invalid_body("'Missing required property: name'.")
    );
}

#[tokio::test]
async fn the_longest_code_and_secrets_fit_in() {
    let server = Server::start().await;
    let secrets: Vec<_> = (0..30).map(|n| json!({"name": format!("S{n}"), "value": "€".repeat(4096)})).collect();
    let made = create(&server, json!({"code": "€".repeat(100_000), "secrets": secrets})).await;
    deploy(&server, &path_of(&made)).await;
}

#[tokio::test]
async fn a_tenant_has_a_bounded_number_of_actions() {
    let server = Server::start_with(Settings { actions_max: 2, ..settings() }).await;
    create(&server, json!({})).await;
    let second = create(&server, json!({})).await;
    let full =
        error_with_code(409, "Conflict", "You have as many actions as there can be; delete one.", "too_many_entities");
    assert_eq!(server.call_with("POST", PATH, &body(json!({}))).await.expect(409), full);
    server.call("DELETE", &path_of(&second)).await.expect(204);
    create(&server, json!({})).await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Server::start().await;
    let action = error(404, "Not Found", "That action does not exist.");
    let version = "/versions/00000000-0000-4000-8000-000000000000";
    for (method, path) in [
        ("GET", String::new()),
        ("PATCH", String::new()),
        ("POST", "/deploy".to_owned()),
        ("POST", "/test".to_owned()),
        ("GET", "/versions".to_owned()),
        ("GET", version.to_owned()),
        ("POST", format!("{version}/deploy")),
    ] {
        let given = if path == "/test" { json!({"payload": {}}) } else { json!({}) };
        let reply = server.call_with(method, &format!("{NOBODY}{path}"), &given).await;
        assert_eq!(reply.expect(404), action, "{method} {path}");
    }
    server.call("DELETE", NOBODY).await.expect(204);
    let path = path_of(&create(&server, json!({})).await);
    let missing = error(404, "Not Found", "That version of the action does not exist.");
    assert_eq!(server.call("GET", &format!("{path}{version}")).await.expect(404), missing);
    assert_eq!(server.call("POST", &format!("{path}{version}/deploy")).await.expect(404), missing);
    let malformed = server.call("GET", &format!("{PATH}/x")).await.expect(400);
    assert_eq!(
        malformed["message"],
        "Path validation error: 'Object didn't pass validation for format uuid: x' on property id (The ID of the action)."
    );
}
