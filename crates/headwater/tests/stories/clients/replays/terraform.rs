//! The Terraform provider keeping `auth0_event_stream`: create, read, plan, update, destroy.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::GoClient;

const USER_AGENT: &str =
    "Terraform-Provider-Auth0/1.51.0 (Go-Auth0-SDK/1.30.0; Terraform-SDK/2.38.1; Terraform/1.13.0)";

/// What the configuration says, which is what the state must say after a read, but for secrets.
#[derive(Clone)]
struct Configured {
    name: &'static str,
    subscriptions: &'static [&'static str],
    status: Option<&'static str>,
    endpoint: &'static str,
    authorization: Value,
    /// What of the authorization is never answered: it stays in the state as it was configured.
    secret: Option<(&'static str, &'static str)>,
}

impl Configured {
    fn sent(&self) -> Value {
        let mut authorization = self.authorization.clone();
        if let Some((name, secret)) = self.secret {
            authorization[name] = json!(secret);
        }
        let subscriptions: Vec<_> = self.subscriptions.iter().map(|name| json!({ "event_type": name })).collect();
        let configuration = json!({"webhook_endpoint": self.endpoint, "webhook_authorization": authorization});
        let mut body = json!({
            "name": self.name,
            "subscriptions": subscriptions,
            "destination": {"type": "webhook", "configuration": configuration},
        });
        if let Some(status) = self.status {
            body["status"] = json!(status);
        }
        body
    }

    /// `terraform plan`: reads, and finds nothing to change in any attribute that it keeps.
    async fn plan(&self, terraform: &GoClient, path: &str) -> Value {
        let read = terraform.get(path).await;
        assert_eq!(read["name"], self.name);
        let names = |list: &Value| -> BTreeSet<String> {
            list.as_array().unwrap().iter().map(|each| each["event_type"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&read["subscriptions"]), self.subscriptions.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(read["status"], self.status.unwrap_or("enabled"));
        assert_eq!(read["destination"]["type"], "webhook");
        let configuration = &read["destination"]["configuration"];
        assert_eq!(configuration["webhook_endpoint"], self.endpoint);
        assert_eq!(configuration["webhook_authorization"], self.authorization, "all of it, but no secret");
        for computed in ["id", "created_at", "updated_at"] {
            assert!(read[computed].is_string(), "{computed}");
        }
        read
    }
}

/// `terraform apply` of a resource that is not there: makes it, and reads it.
async fn create(terraform: &GoClient, configured: &Configured) -> String {
    let made = terraform.expect(201, "POST", "event-streams", Some(&configured.sent())).await;
    let path = format!("event-streams/{}", made["id"].as_str().unwrap());
    assert_eq!(configured.plan(terraform, &path).await, made);
    path
}

/// `terraform apply` of a change: name, all subscriptions, the status if it is configured, and the whole destination.
async fn update(terraform: &GoClient, path: &str, configured: &Configured) {
    // It refreshes its state before it changes anything.
    terraform.get(path).await;
    let changed = terraform.expect(200, "PATCH", path, Some(&configured.sent())).await;
    assert_eq!(configured.plan(terraform, path).await, changed);
}

fn bearer() -> Configured {
    Configured {
        name: "terraform",
        subscriptions: &["user.created", "user.updated"],
        status: None,
        endpoint: "http://127.0.0.1:9/in",
        authorization: json!({"method": "bearer"}),
        secret: Some(("token", "t")),
    }
}

async fn log_in() -> GoClient {
    GoClient::log_in("Terraform-Provider-Auth0", USER_AGENT, &[]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_of_terraform_keeping_an_event_stream() {
    let terraform = log_in().await;
    let first = bearer();
    let path = create(&terraform, &first).await;
    first.plan(&terraform, &path).await;
    let renamed = Configured { name: "renamed", subscriptions: &["organization.created", "user.created"], ..first };
    update(&terraform, &path, &renamed).await;
    let disabled = Configured { status: Some("disabled"), endpoint: "http://127.0.0.1:9/other", ..renamed };
    update(&terraform, &path, &disabled).await;
    let basic = Configured {
        authorization: json!({"method": "basic", "username": "u"}),
        secret: Some(("password", "p")),
        ..disabled
    };
    update(&terraform, &path, &basic).await;
    let header = Configured {
        authorization: json!({"method": "custom_header", "header_key": "X-Key"}),
        secret: Some(("header_value", "v")),
        ..basic
    };
    update(&terraform, &path, &header).await;
    header.plan(&terraform, &path).await;
    terraform.expect(204, "DELETE", &path, None).await;
    // What is gone drops out of the state; what is deleted twice is done.
    terraform.expect(404, "GET", &path, None).await;
    let again = terraform.call("DELETE", &path, None).await;
    assert!(matches!(again.status, 204 | 404), "{again:?}");
}

/// `token_wo` and its like are sent when the resource is made, and then only when their version changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_of_terraform_with_write_only_secrets() {
    let terraform = log_in().await;
    for (authorization, secret) in [
        (json!({"method": "bearer"}), ("token", "t")),
        (json!({"method": "basic", "username": "u"}), ("password", "p")),
        (json!({"method": "custom_header", "header_key": "X-Key"}), ("header_value", "v")),
    ] {
        let made = Configured { authorization, secret: Some(secret), ..bearer() };
        let path = create(&terraform, &made).await;
        let unrelated = Configured { name: "other", secret: None, ..made };
        update(&terraform, &path, &unrelated).await;
        let renewed = Configured { secret: Some((secret.0, "new")), ..unrelated };
        update(&terraform, &path, &renewed).await;
        terraform.expect(204, "DELETE", &path, None).await;
    }
}

/// What forces a replacement: the old one goes, the new one is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_of_terraform_replacing_an_event_stream() {
    let terraform = log_in().await;
    let configured = bearer();
    let old = create(&terraform, &configured).await;
    terraform.expect(204, "DELETE", &old, None).await;
    let new = create(&terraform, &configured).await;
    assert_ne!(old, new, "the name is free again, and the id is another");
    // The data source shows a malformed id's answer as it is.
    let refused = terraform.expect(400, "GET", "event-streams/wrong", None).await;
    assert!(refused["message"].as_str().unwrap().starts_with("Path validation error: "), "{refused}");
}
