//! `GET /api/v2/users-by-email`

use axum::http::StatusCode;

use super::selected;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::query::QueryReader;
use crate::wire::reader::Field;

const EMAIL: Field = Field::new("email", "Email address to search for.");

/// Answers every user with an e-mail address, whatever their connection; case does not matter.
pub(crate) async fn by_email(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:users"])?;
    let query = call.query();
    let selection = query.selection()?;
    let email = query.text(EMAIL.name).filter(|email| !email.is_empty());
    let email = email.ok_or_else(|| QueryReader::fault(EMAIL, "Missing required property: email"))?;
    let users = call.state().users_by_email(call.tenant(), &email.to_lowercase()).await?;
    match selection {
        None => Ok(answer::json(StatusCode::OK, &users)),
        Some(selection) => {
            let users = users.iter().map(|user| selected(user, &selection)).collect::<Result<Vec<_>, _>>()?;
            Ok(answer::json(StatusCode::OK, &users))
        }
    }
}
