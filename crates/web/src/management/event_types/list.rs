//! `GET /api/v2/headwater/event-types`

use domain::registered_type::TypeName;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::listing;
use crate::wire::query::next_of;
use crate::wire::registered_type::TypeAnswer;

/// Answers a page of registered event types, by name.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_types"])?;
    let checkpoint = call.query().checkpoint::<TypeName>()?;
    let types = call.event_types().await?;
    let mut following =
        types.all_registered().filter(|each| checkpoint.after.as_ref().is_none_or(|after| each.name > *after));
    let page: Vec<_> = following.by_ref().take(checkpoint.take as usize).collect();
    let next = following.next().and(page.last()).map(|last| next_of(&last.name));
    let page: Vec<_> = page.into_iter().map(TypeAnswer::from).collect();
    Ok(listing::by_checkpoint("eventTypes", &page, next))
}
