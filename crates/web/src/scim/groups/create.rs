//! `POST …/Groups`

use axum::http::StatusCode;
use domain::change::{Revision, Versioned, group_create};
use domain::group::Group;
use domain::ids::GroupId;
use domain::scim::GroupChanges;

use super::{answered, joining};
use crate::payload::Payload;
use crate::scim::call::ScimCaller;
use crate::scim::error::ScimAnswer;
use crate::scim::request;

/// Creates a group of the connection, which raises `group.created`, and `group.member.added` for each member.
pub(crate) async fn create(caller: ScimCaller, payload: Payload) -> ScimAnswer {
    let call = caller.authorise("post:groups")?;
    let changes = GroupChanges::of_document(&request::document(payload).await?)?;
    let members = joining(&call, &changes.members.joining).await?;
    let origin = call.origin();
    let group = Group {
        id: GroupId::generate(origin.now, origin.entropy),
        connection_id: call.connection.id.clone(),
        name: changes.name.unwrap_or_default(),
        external_id: changes.external_id.flatten(),
        created_at: origin.now,
        updated_at: origin.now,
    };
    let created = Versioned { revision: Revision(1), value: group.clone() };
    call.state().change_commit(call.tenant(), group_create(group, &members, &origin)).await?;
    answered(&call, StatusCode::CREATED, &created).await
}
