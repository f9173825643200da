//! What commands on users, applications and organizations have in common: reading one, listing them, picking one,
//! deleting several.

use reqwest::Method;

use crate::asking::Choice;
use crate::client::ManagementClient;
use crate::document::Document;
use crate::exit::{Failure, WhileDoing};
use crate::path::segment;
use crate::session::Session;

/// How many are asked for at once.
const PAGE_SIZE: usize = 100;

/// Something that the API lists by the number of the page, and how it is spoken of.
#[derive(Debug)]
pub(crate) struct Entity {
    /// One of them: `application`.
    pub(crate) one: &'static str,
    /// Several: `applications`.
    pub(crate) many: &'static str,
    /// Its path, which is the member of the lists too: `clients`.
    pub(crate) path: &'static str,
    /// The member that is its id.
    pub(crate) id: &'static str,
    /// The member that people know it by.
    pub(crate) name: &'static str,
    /// What to do when there is none.
    pub(crate) hint: &'static str,
}

impl Entity {
    /// The path of one; an id from the command line cannot leave it.
    pub(crate) fn path_of(&self, id: &str) -> String {
        format!("{}/{}", self.path, segment(id))
    }

    /// Reads one.
    pub(crate) async fn read(&self, session: &Session, id: &str) -> Result<Document, Failure> {
        let client = session.client().await?;
        let read = client.document(Method::GET, &self.path_of(id), &[], None).await;
        read.while_doing(&format!("failed to read {} with ID {id:?}", self.one))
    }

    /// Creates one.
    pub(crate) async fn create(&self, session: &Session, body: &serde_json::Value) -> Result<Document, Failure> {
        let created = session.client().await?.document(Method::POST, self.path, &[], Some(body)).await;
        created.while_doing(&format!("failed to create {}", self.one))
    }

    /// Changes one.
    pub(crate) async fn update(
        &self,
        session: &Session,
        id: &str,
        changes: &serde_json::Value,
    ) -> Result<Document, Failure> {
        let client = session.client().await?;
        let updated = client.document(Method::PATCH, &self.path_of(id), &[], Some(changes)).await;
        updated.while_doing(&format!("failed to update {} with ID {id:?}", self.one))
    }

    /// The first `number` of them.
    pub(crate) async fn list(
        &self,
        session: &Session,
        query: &[(String, String)],
        number: usize,
    ) -> Result<Vec<Document>, Failure> {
        let listed = pages(session.client().await?, self.path, self.path, query, number).await;
        listed.map_err(|failure| failure.while_doing(&format!("failed to list {}", self.many)))
    }

    /// The id that was given, or that of one which is picked.
    pub(crate) async fn id(&self, session: &Session, given: Option<String>) -> Result<String, Failure> {
        let flag = format!("the id of the {}", self.one);
        if given.is_some() || !session.asking().is_possible() {
            return session.asking().text(given, &flag, self.one).await;
        }
        let choices = self.choices(session).await?;
        session.asking().choice(None, &flag, &capitalised(self.one), choices).await
    }

    /// The ids that were given, or those of the ones which are marked.
    pub(crate) async fn ids(&self, session: &Session, given: Vec<String>) -> Result<Vec<String>, Failure> {
        let flag = format!("the id of the {}", self.one);
        if !given.is_empty() || !session.asking().is_possible() {
            return session.asking().choices(given, &flag, self.many, Vec::new()).await;
        }
        let choices = self.choices(session).await?;
        session.asking().choices(Vec::new(), &flag, &capitalised(self.many), choices).await
    }

    async fn choices(&self, session: &Session) -> Result<Vec<Choice>, Failure> {
        let listed = self.list(session, &[], PAGE_SIZE).await?;
        if listed.is_empty() {
            return Err(Failure::refused(format!("No {} available. {}", self.many, self.hint)));
        }
        Ok(listed.iter().map(|each| Choice::named(each, self.id, self.name)).collect())
    }

    /// Deletes several, after asking; `query` follows each path.
    pub(crate) async fn delete(
        &self,
        session: &Session,
        given: Vec<String>,
        force: bool,
        query: &[(String, String)],
    ) -> Result<(), Failure> {
        let ids = self.ids(session, given).await?;
        if !session.asking().is_meant(force).await? {
            return Ok(());
        }
        let client = session.client().await?;
        let bar = session.bar(&format!("Deleting {}(s)", self.one), ids.len());
        for id in &ids {
            let deleted = client.document(Method::DELETE, &self.path_of(id), query, None).await;
            deleted.while_doing(&format!("failed to delete {} with ID {id:?}", self.one))?;
            bar.step();
        }
        Ok(())
    }
}

/// The first `number` of a list that is answered page by page; `plural` is the list's member of the answer.
pub(crate) async fn pages(
    client: &ManagementClient,
    path: &str,
    plural: &str,
    query: &[(String, String)],
    number: usize,
) -> Result<Vec<Document>, Failure> {
    let mut found: Vec<Document> = Vec::new();
    let size = number.clamp(1, PAGE_SIZE);
    for page in 0_usize.. {
        let mut query = query.to_vec();
        query.extend(pair("page", page));
        query.extend(pair("per_page", size));
        query.extend(pair("include_totals", true));
        let answer = client.document(Method::GET, path, &query, None).await?;
        let elements = answer.part(plural).elements()?;
        let was_full = elements.len() == size;
        found.extend(elements);
        if !was_full || found.len() >= number {
            break;
        }
    }
    found.truncate(number);
    Ok(found)
}

/// A parameter of a query.
pub(crate) fn pair(name: &str, value: impl ToString) -> [(String, String); 1] {
    [(name.to_owned(), value.to_string())]
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
