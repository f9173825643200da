//! How a caller looks for users (management-api.md 6.1).

use domain::user_search::{UserQuery, UserSearch, UserSort};

use super::query::QueryReader;
use super::reader::{Field, Invalid};

const Q: Field = Field::new("q", "Query in Lucene query string syntax.");
const SEARCH_ENGINE: Field = Field::new("search_engine", "The version of the search engine; v3 is the one there is.");
const SORT: Field = Field::new("sort", "Field to sort by, and the order: field:1 or field:-1.");
const CONNECTION: Field = Field::new("connection", "Connection filter.");
const PRIMARY_ORDER: Field = Field::new("primary_order", "Whether results come in the order of creation.");

/// The longest query, in characters.
const Q_CHARS_MAX: usize = 2048;

/// Reads what is looked for. `primary_order` asks for the order that there is without `sort`.
pub(crate) fn read(query: &QueryReader) -> Result<UserSearch, Invalid> {
    query.flag(PRIMARY_ORDER)?;
    if let Some(other) = query.text(SEARCH_ENGINE.name).filter(|engine| !matches!(*engine, "v3" | "")) {
        return Err(QueryReader::fault(SEARCH_ENGINE, &format!("No enum match for: {other}")));
    }
    Ok(UserSearch {
        query: query.text(Q.name).filter(|text| !text.trim().is_empty()).map(read_query).transpose()?,
        connection: query.text(CONNECTION.name).filter(|name| !name.is_empty()).map(str::to_owned),
        sort: query.text(SORT.name).filter(|text| !text.is_empty()).map(read_sort).transpose()?,
    })
}

fn read_query(text: &str) -> Result<UserQuery, Invalid> {
    let chars = text.chars().count();
    if chars > Q_CHARS_MAX {
        let reason = format!("String is too long ({chars} chars), maximum {Q_CHARS_MAX}");
        return Err(QueryReader::fault(Q, &reason));
    }
    UserQuery::parse(text).map_err(|fault| QueryReader::fault(Q, &fault.to_string()))
}

fn read_sort(text: &str) -> Result<UserSort, Invalid> {
    UserSort::parse(text)
        .ok_or_else(|| QueryReader::fault(SORT, &format!("Object didn't pass validation for format sort: {text}")))
}
