//! What is around every page: the head, the sidebar with the map, the account. Templates extend `dashboard/layout.html`,
//! which needs a member `layout`; pages for people who are not signed in extend `dashboard/gate.html`.

use askama::Template;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::amounts::amount;
use super::assets;
use super::error::PageAnswer;
use super::operator::Operator;
use super::preferences::Theme;
use super::toast::Toast;
use super::visitor::{SignedIn, Visitor};
use crate::error::ApiError;

/// A place of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Streams,
    Events,
    Users,
    Organizations,
    Groups,
    Connections,
    Roles,
    Applications,
    Actions,
    Catalogue,
    AuditLog,
    Operators,
    Settings,
    /// A page that is in no section.
    Elsewhere,
}

impl Section {
    /// Address, icon, label.
    pub(crate) const fn link(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Streams | Self::Elsewhere => ("/", "streams", "Streams"),
            Self::Events => ("/events", "events", "Events"),
            Self::Users => ("/users", "user", "Users"),
            Self::Organizations => ("/organizations", "org", "Organizations"),
            Self::Groups => ("/groups", "group", "Groups"),
            Self::Connections => ("/connections", "conn", "Connections"),
            Self::Roles => ("/roles", "key", "Roles"),
            Self::Applications => ("/applications", "app", "Applications"),
            Self::Actions => ("/actions", "action", "Actions"),
            Self::Catalogue => ("/catalogue", "book", "Event catalogue"),
            Self::AuditLog => ("/audit-log", "audit", "Audit log"),
            Self::Operators => ("/operators", "shield", "Operators"),
            Self::Settings => ("/settings", "settings", "Settings"),
        }
    }
}

/// The map: heading, sections.
const MAP: [(&str, &[Section]); 4] = [
    ("", &[Section::Streams, Section::Events]),
    ("Directory", &[Section::Users, Section::Organizations, Section::Groups, Section::Connections, Section::Roles]),
    ("Build", &[Section::Applications, Section::Actions, Section::Catalogue]),
    ("Workspace", &[Section::AuditLog, Section::Operators, Section::Settings]),
];

/// A link of the sidebar.
#[derive(Clone, Debug)]
pub(crate) struct NavLink {
    pub(crate) href: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) label: &'static str,
    pub(crate) is_current: bool,
}

/// What is around a page of somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) assets: String,
    pub(crate) theme: Theme,
    pub(crate) tenant: String,
    pub(crate) domain: String,
    pub(crate) nav: Vec<(&'static str, Vec<NavLink>)>,
    pub(crate) email: String,
    pub(crate) role: &'static str,
    pub(crate) initials: String,
    /// Every form that changes something carries it: `{% call field::token(layout) %}{% endcall %}`.
    pub(crate) form_token: String,
    /// The name of the zone in which times are shown.
    pub(crate) zone: String,
    pub(crate) toast: Option<Toast>,
    /// How far the log has come.
    pub(crate) log: String,
}

impl Layout {
    pub(super) fn of_operator(operator: &Operator, section: Section) -> Self {
        Self::new(operator, operator.person(), operator.form_token(), section)
    }

    /// `None` if nobody is signed in.
    pub(super) fn of_visitor(visitor: &Visitor, section: Section) -> Option<Self> {
        let SignedIn { operator, form_token, .. } = visitor.signed_in.as_ref()?;
        Some(Self::new(visitor, operator, form_token, section))
    }

    fn new(visitor: &Visitor, person: &domain::operator::Operator, form_token: &str, section: Section) -> Self {
        let link = |each: &Section| {
            let (href, icon, label) = each.link();
            NavLink { href, icon, label, is_current: *each == section }
        };
        let email = person.email.to_string();
        Self {
            assets: assets::folder(),
            theme: visitor.theme,
            tenant: visitor.served.tenant.name.clone(),
            domain: visitor.served.public_url.domain().to_owned(),
            nav: MAP.iter().map(|(heading, sections)| (*heading, sections.iter().map(link).collect())).collect(),
            role: person.role.as_str(),
            initials: email
                .chars()
                .filter(|letter| letter.is_alphanumeric())
                .take(2)
                .collect::<String>()
                .to_uppercase(),
            email,
            form_token: form_token.to_owned(),
            zone: visitor.zone.name().to_owned(),
            toast: visitor.toast.clone(),
            log: log_of(visitor),
        }
    }
}

/// What the foot of the sidebar says of the log.
fn log_of(visitor: &Visitor) -> String {
    match visitor.app.state.wake().borrow().log.0 {
        0 | 1 => "Log is empty".to_owned(),
        next => format!("Log at {}", amount(next - 1)),
    }
}

/// What is around a page of somebody who is not signed in.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) assets: String,
    pub(crate) theme: Theme,
    pub(crate) tenant: String,
    pub(crate) domain: String,
    pub(crate) toast: Option<Toast>,
}

impl Gate {
    pub(super) fn of(visitor: &Visitor) -> Self {
        Self {
            assets: assets::folder(),
            theme: visitor.theme,
            tenant: visitor.served.tenant.name.clone(),
            domain: visitor.served.public_url.domain().to_owned(),
            toast: visitor.toast.clone(),
        }
    }

    /// Nothing is known of who looks.
    pub(super) fn bare() -> Self {
        let nothing = String::new;
        Self { assets: assets::folder(), theme: Theme::System, tenant: nothing(), domain: nothing(), toast: None }
    }
}

/// A page.
pub(crate) fn page<T: Template>(template: &T) -> PageAnswer {
    Ok(page_with(StatusCode::OK, template))
}

/// A page with another status.
pub(crate) fn page_with<T: Template>(status: StatusCode, template: &T) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            let error = ApiError::Internal("a page cannot be rendered", error.into());
            error.log();
            let mut response = Response::new(Body::from("This page cannot be rendered."));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return response;
        }
    };
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
