//! `GET /api/v2/headwater/event-types`

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::listing;
use crate::wire::query::next_of;
use crate::wire::registered_type::{TypeAnswer, TypePlace};

/// Answers a page of the event types beside the catalogue's, by name.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_types"])?;
    let checkpoint = call.query().checkpoint::<TypePlace>()?;
    let types = call.event_types().await?;
    let all = types.beside();
    let mut following =
        all.iter().filter(|each| checkpoint.after.as_ref().is_none_or(|TypePlace(after)| each.name() > after.as_str()));
    let page: Vec<_> = following.by_ref().take(checkpoint.take as usize).collect();
    let next = following.next().and(page.last()).map(|last| next_of(&TypePlace(last.name().to_owned())));
    let page: Vec<_> = page.into_iter().map(TypeAnswer::from).collect();
    Ok(listing::by_checkpoint("eventTypes", &page, next))
}
