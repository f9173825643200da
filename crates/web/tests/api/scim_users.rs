//! `/scim/v2/connections/{id}/Users`

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::schema;
use crate::scim::{Provider, scim, scim_error, types};
use crate::server::Reply;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn jane() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "Jane@corp.example", "externalId": "00u1", "active": "True", "password": "zebra crossing",
        "name": {"givenName": "Jane", "familyName": "Doe"}, "displayName": "Jane Doe",
        "emails": [{"value": "Jane@corp.example", "type": "work", "primary": true}],
        ENTERPRISE: {"department": "R&D"},
    })
}

fn patch(operations: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

fn path_of(resource: &Value) -> String {
    format!("Users/{}", resource["id"].as_str().unwrap())
}

/// The user that a resource is, as the Management API answers it.
async fn user(provider: &Provider, user_id: &str) -> Reply {
    provider.server.call("GET", &format!("/api/v2/users/{}", user_id.replace('|', "%7C"))).await
}

#[tokio::test]
async fn a_scim_user_post_raises_user_created() {
    let provider = Provider::start("okta").await;
    let before = provider.server.event_bodies().await.len();
    let reply = provider.call_with("POST", "Users", &jane()).await;
    assert_eq!(reply.header("etag"), Some("W/\"1\""));
    let location = reply.header("location").unwrap().to_owned();
    let made = scim(reply, 201);
    let id = made["id"].as_str().unwrap();
    let at = "2026-01-16T08:50:33.955Z";
    let expected = json!({
        "schemas": [USER, ENTERPRISE], "id": id,
        "userName": "Jane@corp.example", "externalId": "00u1", "active": true,
        "name": {"givenName": "Jane", "familyName": "Doe"}, "displayName": "Jane Doe",
        "emails": [{"value": "Jane@corp.example", "type": "work", "primary": true}],
        ENTERPRISE: {"department": "R&D"},
        "meta": {"resourceType": "User", "created": at, "lastModified": at, "version": "W/\"1\"", "location": location},
    });
    assert_eq!(made, expected);
    assert_eq!(location, format!("https://acme.example:8443/scim/v2/connections/{}/Users/{id}", provider.connection));
    assert_eq!(provider.get(&path_of(&made)).await, expected);

    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["user.created"]);
    let found = user(&provider, "okta|corp|00u1").await.expect(200);
    assert_eq!(events[0]["data"]["object"], found);
    assert_eq!(
        found["identities"],
        json!([{"connection": "corp", "user_id": "corp|00u1", "provider": "okta", "isSocial": false}])
    );
    for (member, value) in [
        ("email", json!("jane@corp.example")),
        ("username", json!("Jane@corp.example")),
        ("name", json!("Jane Doe")),
        ("given_name", json!("Jane")),
        ("family_name", json!("Doe")),
        ("blocked", json!(false)),
        ("app_metadata", json!({"external_id": "00u1"})),
    ] {
        assert_eq!(found[member], value, "{member}");
    }
    let context = &events[0]["data"]["context"];
    assert_eq!(context.get("client"), None, "a provider is no application");
    assert_eq!(context["request"]["user_agent"], "provider/1");
    assert!(!made.to_string().contains("zebra") && !events[0].to_string().contains("zebra"));
    schema::check(&events);
}

#[tokio::test]
async fn a_scim_user_patch_as_entra_id_sends_it_raises_user_updated() {
    let provider = Provider::start("waad").await;
    let made = scim(provider.call_with("POST", "Users", &jane()).await, 201);
    let before = provider.server.event_bodies().await.len();
    let operations = json!([
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": "nickName", "value": "jd"},
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "jane.doe@corp.example"},
        {"op": "Remove", "path": "displayName"},
        {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": {"value": "00u9"}},
    ]);
    let reply = provider.call_with("PATCH", &path_of(&made), &patch(operations)).await;
    assert_eq!(reply.header("etag"), Some("W/\"2\""));
    let changed = scim(reply, 200);
    assert_eq!(changed["active"], false);
    assert_eq!(changed[ENTERPRISE], json!({"department": "R&D", "manager": {"value": "00u9"}}));
    assert_eq!(provider.get(&path_of(&made)).await, changed);
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["user.updated"]);
    let (object, previous) = (&events[0]["data"]["object"], &events[0]["data"]["previous_object"]);
    assert_eq!((&object["blocked"], &previous["blocked"]), (&json!(true), &json!(false)));
    assert_eq!((&object["nickname"], &object["email"]), (&json!("jd"), &json!("jane.doe@corp.example")));
    assert_eq!((&object["name"], &previous["name"]), (&json!("jane.doe@corp.example"), &json!("Jane Doe")));
    schema::check(&events);
    // What the mapping does not look at changes the resource, but not the user.
    let operations = json!([{"op": "Replace", "path": "title", "value": "Dr"}]);
    let titled = scim(provider.call_with("PATCH", &path_of(&made), &patch(operations.clone())).await, 200);
    assert_eq!((&titled["title"], &titled["meta"]["version"]), (&json!("Dr"), &json!("W/\"3\"")));
    // And what changes nothing is no change.
    let again = scim(provider.call_with("PATCH", &path_of(&made), &patch(operations)).await, 200);
    assert_eq!(again, titled);
    assert_eq!(provider.events_from(before).await.len(), 1);
}

#[tokio::test]
async fn a_scim_user_patch_as_okta_sends_it_raises_user_updated() {
    let provider = Provider::start("okta").await;
    let made = scim(provider.call_with("POST", "Users", &jane()).await, 201);
    let before = provider.server.event_bodies().await.len();
    let operations = json!([{"op": "replace", "value": {"id": made["id"], "active": false}}]);
    let changed = scim(provider.call_with("PATCH", &path_of(&made), &patch(operations)).await, 200);
    assert_eq!((&changed["active"], &changed["id"]), (&json!(false), &made["id"]));
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["user.updated"]);
    assert_eq!(events[0]["data"]["object"]["blocked"], true);
    schema::check(&events);
}

#[tokio::test]
async fn a_scim_user_put_raises_user_updated() {
    let provider = Provider::start("samlp").await;
    let made = scim(provider.call_with("POST", "Users", &jane()).await, 201);
    let before = provider.server.event_bodies().await.len();
    let body = json!({"schemas": [USER], "id": "x", "userName": "jo@corp.example", "active": true});
    let replaced = scim(provider.call_with("PUT", &path_of(&made), &body).await, 200);
    assert_eq!((&replaced["id"], &replaced["userName"]), (&made["id"], &json!("jo@corp.example")));
    assert_eq!(replaced.get("name"), None);
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["user.updated"]);
    let object = &events[0]["data"]["object"];
    // The id stays as it was made, although the attribute that made it has changed.
    assert_eq!(object["user_id"], "samlp|corp|Jane@corp.example");
    assert_eq!((&object["username"], object.get("email")), (&json!("jo@corp.example"), None));
    assert_eq!(object.get("given_name"), None);
    schema::check(&events);
}

#[tokio::test]
async fn a_scim_user_delete_raises_user_deleted() {
    let provider = Provider::start("okta").await;
    let made = provider.user("jane").await;
    let before = provider.server.event_bodies().await.len();
    let gone = provider.call("DELETE", &path_of(&made)).await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
    for method in ["GET", "DELETE"] {
        scim_error(provider.call(method, &path_of(&made)).await, 404, None);
    }
    user(&provider, "okta|corp|ext-jane").await.expect(404);
    let events = provider.events_from(before).await;
    assert_eq!(types(&events), ["user.deleted"]);
    assert_eq!(events[0]["data"]["object"]["deleted_at"], "2026-01-16T08:50:33.955Z");
    schema::check(&events);
    provider.user("jane").await;
}

#[tokio::test]
async fn a_user_whom_the_management_api_deletes_is_gone_for_the_provider_too() {
    let provider = Provider::start("okta").await;
    let made = provider.user("jane").await;
    provider.server.call("DELETE", "/api/v2/users/okta%7Ccorp%7Cext-jane").await.expect(204);
    scim_error(provider.call("GET", &path_of(&made)).await, 404, None);
    assert_eq!(provider.get("Users").await["totalResults"], 0);
}

#[tokio::test]
async fn get_scim_users_lists_and_finds() {
    let provider = Provider::start("okta").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(provider.user(name).await["id"].clone());
        provider.server.clock.advance(std::time::Duration::from_millis(1));
    }
    let all = provider.get("Users").await;
    assert_eq!(all["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    let counts = |list: &Value| ["totalResults", "startIndex", "itemsPerPage"].map(|name| list[name].as_u64().unwrap());
    let found = |list: &Value| -> Vec<Value> {
        list["Resources"].as_array().unwrap().iter().map(|user| user["id"].clone()).collect()
    };
    assert_eq!((counts(&all), found(&all)), ([3, 1, 3], ids.clone()));
    let page = provider.get("Users?startIndex=2&count=1").await;
    assert_eq!((counts(&page), found(&page)), ([3, 2, 1], vec![ids[1].clone()]));
    assert_eq!(counts(&provider.get("Users?count=0").await), [3, 1, 0]);
    assert_eq!(counts(&provider.get("Users?startIndex=-5&count=2").await), [3, 1, 2]);
    let id = ids[1].as_str().unwrap();
    for (filter, expected) in [
        ("userName eq \"B@CORP.example\"".to_owned(), vec![ids[1].clone()]),
        ("externalId eq \"ext-b\"".to_owned(), vec![ids[1].clone()]),
        ("emails eq \"B@corp.example\"".to_owned(), vec![ids[1].clone()]),
        ("emails.value eq \"b@corp.example\"".to_owned(), vec![ids[1].clone()]),
        ("emails[type eq \"work\"].value eq \"b@corp.example\"".to_owned(), vec![ids[1].clone()]),
        (format!("id eq \"{id}\" and userName eq \"b@corp.example\""), vec![ids[1].clone()]),
        ("userName eq \"b@corp.example\" and externalId eq \"ext-a\"".to_owned(), vec![]),
        ("userName eq \"nobody\"".to_owned(), vec![]),
    ] {
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let list = provider.get(&format!("Users?filter={query}")).await;
        assert_eq!(found(&list), expected, "{filter}");
        assert_eq!(counts(&list)[0], expected.len() as u64);
    }
    for filter in ["userName", "userName%20co%205", "active%20gt%20true", "userName%20is%20%22x%22"] {
        scim_error(provider.call("GET", &format!("Users?filter={filter}")).await, 400, Some("invalidFilter"));
    }
    scim_error(provider.call("GET", "Users?count=x").await, 400, Some("invalidValue"));
    let only = provider.get(&format!("Users/{id}?attributes=userName,emails.value")).await;
    let names: Vec<&String> = only.as_object().unwrap().keys().collect();
    assert_eq!(names, ["emails", "id", "meta", "schemas", "userName"]);
    let without = provider.get(&format!("Users/{id}?excludedAttributes=emails,active")).await;
    assert_eq!((without.get("emails"), &without["externalId"]), (None, &json!("ext-b")));
}

#[tokio::test]
async fn what_is_taken_is_refused_by_uniqueness() {
    let provider = Provider::start("okta").await;
    provider.user("jane").await;
    let before = provider.server.event_bodies().await.len();
    let mut body = json!({"userName": "JANE@corp.example", "externalId": "other"});
    scim_error(provider.call_with("POST", "Users", &body).await, 409, Some("uniqueness"));
    body = json!({"userName": "other", "externalId": "ext-jane"});
    scim_error(provider.call_with("POST", "Users", &body).await, 409, Some("uniqueness"));
    let other = provider.user("other").await;
    let rename = patch(json!([{"op": "replace", "path": "userName", "value": "jane@corp.example"}]));
    scim_error(provider.call_with("PATCH", &path_of(&other), &rename).await, 409, Some("uniqueness"));
    assert_eq!(types(&provider.events_from(before).await), ["user.created"]);
}

#[tokio::test]
async fn scim_faults_say_what_was_expected() {
    let provider = Provider::start("okta").await;
    let made = provider.user("jane").await;
    for (body, scim_type, detail) in [
        (json!([]), "invalidSyntax", "expected a JSON object"),
        (json!({"externalId": "1"}), "invalidValue", "userName is required: a text that is not empty"),
        (json!({"userName": "a", "externalId": 1}), "invalidValue", "externalId must be a text"),
        (
            json!({"userName": "a"}),
            "invalidValue",
            "externalId is required, because it makes the user's id: 1 to 255 characters without spaces",
        ),
        (
            json!({"userName": "a", "externalId": "1", "active": "maybe"}),
            "invalidValue",
            "active must be true or false",
        ),
        (
            json!({"userName": "a", "externalId": "1", "emails": "x"}),
            "invalidValue",
            "emails must be a list of objects",
        ),
    ] {
        let said = scim_error(provider.call_with("POST", "Users", &body).await, 400, Some(scim_type));
        assert_eq!(said, detail);
    }
    for (body, scim_type) in [
        (json!({"Operations": []}), "invalidSyntax"),
        (json!({"Operations": [{"op": "move"}]}), "invalidSyntax"),
        (patch(json!([{"op": "replace", "path": "a b", "value": 1}])), "invalidPath"),
        (patch(json!([{"op": "replace", "path": "title"}])), "invalidValue"),
        (patch(json!([{"op": "remove"}])), "noTarget"),
        (patch(json!([{"op": "remove", "path": "userName"}])), "invalidValue"),
    ] {
        scim_error(provider.call_with("PATCH", &path_of(&made), &body).await, 400, Some(scim_type));
    }
    let request = Request::builder()
        .method("POST")
        .uri(format!("/scim/v2/connections/{}/Users", provider.connection))
        .header("authorization", "Bearer nothing")
        .body(Body::from("{"))
        .unwrap();
    scim_error(provider.server.send(request).await, 401, None);
}

#[tokio::test]
async fn versions_guard_against_overwriting() {
    let provider = Provider::start("okta").await;
    let made = provider.user("jane").await;
    let token = provider.token_with(&["get:users", "put:users", "delete:users"]).await;
    let send = async |method: &str, header: &str, version: &str| {
        let request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2/connections/{}/{}", provider.connection, path_of(&made)))
            .header("authorization", format!("Bearer {token}"))
            .header(header, version)
            .body(Body::from(json!({"userName": "jo@corp.example"}).to_string()));
        provider.server.send(request.unwrap()).await
    };
    assert_eq!(send("GET", "if-none-match", "W/\"1\"").await.status.as_u16(), 304);
    assert_eq!(send("GET", "if-none-match", "W/\"2\"").await.status.as_u16(), 200);
    scim_error(send("PUT", "if-match", "W/\"9\"").await, 412, None);
    scim(send("PUT", "if-match", "W/\"1\"").await, 200);
    scim_error(send("DELETE", "if-match", "W/\"1\"").await, 412, None);
    assert_eq!(send("DELETE", "if-match", "\"x\", W/\"2\"").await.status.as_u16(), 204);
}

#[tokio::test]
async fn a_mapping_of_ones_own_decides_what_a_user_is() {
    let provider = Provider::start("oidc").await;
    let body = json!({"user_id_attribute": "emails[type eq \"work\"].value", "mapping": [
        {"auth0": "name", "scim": "name.formatted"},
        {"auth0": "app_metadata.department", "scim": format!("{ENTERPRISE}:department")},
        {"auth0": "user_metadata.title", "scim": "title"},
        {"auth0": "phone_number", "scim": "phoneNumbers[type eq \"mobile\"].value"},
    ]});
    provider.server.call_with("PATCH", &provider.configuration(), &body).await.expect(200);
    let before = provider.server.event_bodies().await.len();
    let mut resource = jane();
    resource["name"]["formatted"] = json!("Dr. Jane Doe");
    resource["title"] = json!("Dr.");
    resource["phoneNumbers"] = json!([{"type": "mobile", "value": "tel:+1-201-555-0123"}]);
    scim(provider.call_with("POST", "Users", &resource).await, 201);
    let events = provider.events_from(before).await;
    let object = &events[0]["data"]["object"];
    assert_eq!(object["user_id"], "oidc|corp|Jane@corp.example");
    assert_eq!(object["name"], "Dr. Jane Doe");
    assert_eq!(object["app_metadata"], json!({"department": "R&D"}));
    assert_eq!(object["user_metadata"], json!({"title": "Dr."}));
    assert_eq!(object["phone_number"], "+12015550123");
    assert_eq!((object.get("email"), object.get("blocked")), (None, None));
    schema::check(&events);
}

#[tokio::test]
async fn get_scim_users_filters_by_whatever_is_asked_and_sorts() {
    let provider = Provider::start("okta").await;
    for (name, family) in [("jane", "Doe"), ("jo", "Roe"), ("max", "Abt")] {
        let body = json!({"schemas": [USER], "userName": format!("{name}@corp.example"), "externalId": name,
            "name": {"familyName": family}, "active": name != "jo",
            "emails": [{"value": format!("{name}@corp.example"), "type": "work"}, {"value": format!("{name}@x.example")}]});
        scim(provider.call_with("POST", "Users", &body).await, 201);
        provider.server.clock.advance(std::time::Duration::from_millis(1));
    }
    let names = async |query: &str| {
        let list = provider.get(&format!("Users?{query}&attributes=userName")).await;
        let users = list["Resources"].as_array().unwrap().iter();
        assert!(users.clone().all(|user| user.get("emails").is_none()), "what a filter needs is not answered for that");
        let name = |user: &Value| user["userName"].as_str().unwrap().split('@').next().unwrap().to_owned();
        (users.map(name).collect::<Vec<_>>().join(" "), list["totalResults"].as_u64().unwrap())
    };
    let encode = |filter: &str| form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
    for (filter, expected) in [
        ("userName sw \"j\"", "jane jo"),
        ("name.familyName ew \"OE\" and active eq true", "jane"),
        ("not (active eq true) or name.familyName co \"b\"", "jo max"),
        ("emails[type eq \"work\" and value co \"max\"]", "max"),
        ("emails.value eq \"jo@x.example\" and userName pr", "jo"),
        ("userName ne \"jo@corp.example\"", "jane max"),
        ("externalId eq \"max\" and name.familyName gt \"B\"", ""),
        ("meta.created gt \"2026-01-16T08:50:33.955Z\"", "jo max"),
        ("title eq \"x\"", ""),
    ] {
        assert_eq!(names(&format!("filter={}", encode(filter))).await.0, expected, "{filter}");
    }
    assert_eq!(names("sortBy=name.familyName").await, ("max jane jo".to_owned(), 3));
    assert_eq!(names("sortBy=name.familyName&sortOrder=descending&startIndex=2&count=1").await, ("jane".to_owned(), 3));
    let filter = encode("userName sw \"j\"");
    assert_eq!(
        names(&format!("filter={filter}&sortBy=userName&sortOrder=descending")).await,
        ("jo jane".to_owned(), 2)
    );
    scim_error(provider.call("GET", "Users?sortBy=userName&sortOrder=up").await, 400, Some("invalidValue"));
    scim_error(provider.call("GET", "Users?sortBy=a%20b").await, 400, Some("invalidPath"));
}
