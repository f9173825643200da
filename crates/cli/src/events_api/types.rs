//! Which names are event types.

use domain::catalog::EventType;
use reqwest::Method;

use crate::exit::Failure;
use crate::session::Session;

/// The names of the catalogue's types.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    EventType::ALL.iter().filter_map(|event_type| event_type.name())
}

/// Looks whether names are event types: of the catalogue, of the server, or registered by the tenant.
///
/// # Errors
/// With the first that is none.
pub(crate) async fn check(session: &Session, flag: &str, names: &[String]) -> Result<(), Failure> {
    for name in names.iter().filter(|name| EventType::from_name(name).is_none()) {
        if !is_registered(session, name).await? {
            return Err(Failure::refused(format!("invalid {flag} value \"{name}\""))
                .hint("`headwater events subscribe --list-event-types` lists them"));
        }
    }
    Ok(())
}

async fn is_registered(session: &Session, name: &str) -> Result<bool, Failure> {
    let could_be = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if name.is_empty() || !name.bytes().all(could_be) {
        return Ok(false);
    }
    let path = format!("headwater/event-types/{name}");
    let reply = session.client().await?.call(Method::GET, &path, None).await?;
    // Whoever may not look at registered types hears from the Events API what is none.
    Ok(!matches!(reply.status, 400 | 404))
}
