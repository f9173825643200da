//! `GET /api/v2/client-grants`

use domain::ids::ClientId;
use store::{Page, StoreError};

use crate::call::{Authenticated, Call};
use crate::error::Answer;
use crate::wire::client_grant::GrantAnswer;
use crate::wire::listing;
use crate::wire::query::{Cursor, next_of};

/// How many grants have been listed: the list only grows at its end.
struct Listed(u32);

impl Cursor for Listed {
    fn to_text(&self) -> String {
        self.0.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// Which grants are meant.
struct Filter {
    client_id: Option<ClientId>,
    audience: Option<String>,
}

impl Filter {
    async fn page(&self, call: &Call, page: Page) -> Result<Vec<GrantAnswer>, StoreError> {
        let (client_id, audience) = (self.client_id.as_ref(), self.audience.as_deref());
        let grants = call.state().grant_page(call.tenant(), client_id, audience, page).await?;
        Ok(grants.into_iter().map(GrantAnswer::from).collect())
    }

    async fn count(&self, call: &Call) -> Result<u64, StoreError> {
        call.state().grant_count(call.tenant(), self.client_id.as_ref(), self.audience.as_deref()).await
    }
}

/// Answers a page of grants, oldest first, by number or by checkpoint.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:client_grants"])?;
    let query = call.query();
    query.refuse(&["subject_type", "allow_any_organization"])?;
    let filter = Filter {
        client_id: query.text("client_id").map(ClientId::from_text),
        audience: query.text("audience").map(str::to_owned),
    };
    if query.wants_checkpoint() {
        let checkpoint = query.checkpoint::<Listed>()?;
        let offset = checkpoint.after.map_or(0, |listed| listed.0);
        let mut grants = filter.page(&call, Page { offset, limit: checkpoint.take + 1 }).await?;
        let next =
            (grants.len() > checkpoint.take as usize).then(|| next_of(&Listed(offset.saturating_add(checkpoint.take))));
        grants.truncate(checkpoint.take as usize);
        return Ok(listing::by_checkpoint("client_grants", &grants, next));
    }
    let offset = query.offset()?;
    let grants = filter.page(&call, offset.page).await?;
    let total = if offset.include_totals { Some(filter.count(&call).await?) } else { None };
    Ok(listing::by_offset("client_grants", offset.page, total, &grants))
}
