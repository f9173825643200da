//! A browser, as far as pages without scripts need one: it keeps cookies, says where its forms come from, and sends the
//! hidden field of the form's page along.

use std::cell::RefCell;
use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE, USER_AGENT};
use axum::http::request::Builder;
use domain::clock::Clock;
use domain::ids::OperatorId;
use domain::operator::{Operator, OperatorEmail, OperatorRole};
use store::{Operators, State};

use crate::server::{Reply, Server, SystemEntropy};

/// Where the pages of the server under test come from.
pub(crate) const SITE: &str = "https://acme.example:8443";

pub(crate) struct Browser<'s> {
    server: &'s Server,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl<'s> Browser<'s> {
    /// A browser that has seen nothing yet.
    pub(crate) fn new(server: &'s Server) -> Self {
        Self { server, cookies: RefCell::default() }
    }

    /// The browser of a new operator with this role, who is signed in.
    pub(crate) async fn signed_in(server: &'s Server, role: OperatorRole) -> Self {
        let browser = Self::new(server);
        let operator = operator(server, &format!("{role}-{}@acme.example", random()), role).await;
        let link = link_for(server, &operator).await;
        let answer = browser.post(&link, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some("/")), "{}", answer.text());
        browser
    }

    fn request(&self, method: &str, path: &str) -> Builder {
        let cookies: Vec<_> = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().method(method).uri(path).header(HOST, "acme.example:8443");
        let request = request.header(ACCEPT, "text/html,*/*;q=0.8").header(USER_AGENT, "Browser/1");
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) }
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let reply = self.server.send(request).await;
        for line in reply.headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        reply
    }

    /// Opens a page.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Opens a page that has to be there, and answers its HTML.
    pub(crate) async fn page(&self, path: &str) -> String {
        let reply = self.get(path).await;
        assert_eq!(reply.status.as_u16(), 200, "{path}: {}", reply.text());
        reply.text().to_owned()
    }

    /// What the forms of the session carry; nothing, if nobody is signed in.
    pub(crate) async fn form_token(&self) -> String {
        let home = self.get("/").await;
        let found = home.text().split_once(r#"name="form_token" value=""#).map(|(_, rest)| rest.split('"').next());
        found.flatten().unwrap_or_default().to_owned()
    }

    /// Sends a form as a page of the server would.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.form_token().await;
        let fields: Vec<_> = fields.iter().copied().chain(std::iter::once(("form_token", token.as_str()))).collect();
        self.post_from(path, &fields, Some(SITE)).await
    }

    /// Sends a form exactly so, from a page of `origin`.
    pub(crate) async fn post_from(&self, path: &str, fields: &[(&str, &str)], origin: Option<&str>) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = self.request("POST", path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// A cookie that it keeps.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    /// Gives it a cookie.
    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
}

fn random() -> String {
    domain::ids::random_text(&SystemEntropy, 8)
}

/// A new operator.
pub(crate) async fn operator(server: &Server, email: &str, role: OperatorRole) -> Operator {
    let operator = Operator {
        id: OperatorId::generate(&SystemEntropy),
        email: OperatorEmail::parse(email).unwrap(),
        role,
        is_provisioned: false,
        created_at: server.clock.now().wall,
        signed_in_at: None,
    };
    let tenant = server.store.tenant_ensure("default").await.unwrap().id;
    server.store.operator_add(tenant, operator.clone(), None).await.unwrap();
    operator
}

/// The path of a link that signs an operator in once.
pub(crate) async fn link_for(server: &Server, operator: &Operator) -> String {
    let token = domain::ids::random_text(&SystemEntropy, 43);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    let now = server.clock.now().wall;
    let ends_at = now.plus(std::time::Duration::from_secs(600));
    server.store.sign_in_link_add(&operator.id, digest.as_ref().try_into().unwrap(), now, ends_at).await.unwrap();
    format!("/sign-in/{token}")
}
