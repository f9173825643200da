//! `GET /api/v2/organizations/{id}/members`

use domain::change::Member;
use serde_json::{Value, json};
use store::{Numbered, Page};

use crate::call::{Authenticated, Call};
use crate::error::{Answer, ApiError};
use crate::management::organizations::{organization_id, stored};
use crate::wire::paging::Paging;
use crate::wire::query::PAGE_MAX;
use crate::wire::role::UserSummary;

const ROLES: &str = "roles";

/// Answers a page of members, by number or by checkpoint, in the order in which they joined. Their roles are answered
/// if `fields` names them.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:organization_members"])?;
    let id = organization_id(&call)?;
    let query = call.query();
    let paging = Paging::read(&query)?;
    let selection = query.selection()?;
    stored(&call, &id).await?;
    let found = call.state().member_slice(call.tenant(), &id, paging.slice()).await?;
    let total = match paging.wants_total() {
        true => Some(call.state().member_count(call.tenant(), &id).await?),
        false => None,
    };
    let wants_roles = selection.as_ref().is_some_and(|selection| selection.names(ROLES));
    let mut members = Vec::with_capacity(found.len());
    for Numbered { number, value: user } in found {
        let member = Member { organization: id.clone(), user: user.user_id.clone() };
        let mut object = UserSummary::from(user).into_object();
        if wants_roles {
            object.insert(ROLES.to_owned(), roles(&call, &member).await?);
        }
        if let Some(selection) = &selection {
            selection.apply(&mut object);
        }
        members.push(Numbered { number, value: object });
    }
    Ok(paging.answer("members", members, total, |member| member))
}

async fn roles(call: &Call, member: &Member) -> Result<Value, ApiError> {
    let first = Page { offset: 0, limit: PAGE_MAX };
    let roles = call.state().member_role_page(call.tenant(), member, first).await?;
    Ok(roles.into_iter().map(|role| json!({"id": role.id, "name": role.name})).collect())
}
