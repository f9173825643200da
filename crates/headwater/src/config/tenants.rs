//! `[[tenants]]`: the tenants besides the default one. They are said in the file only: a list of tables is too much
//! for a variable.

use domain::account::{DEFAULT_TENANT, TenantName};
use domain::secret::Secret;
use toml::{Table, Value};
use web::PublicUrl;

use super::layers::nearest;
use super::{Application, ConfigError};

/// The key of the list.
pub(super) const KEY: &str = "tenants";

const NAME: &str = "name";
const DOMAIN: &str = "domain";
const CLIENT_ID: &str = "bootstrap_client_id";
const CLIENT_SECRET: &str = "bootstrap_client_secret";
/// The keys of one.
const KEYS: [&str; 4] = [NAME, DOMAIN, CLIENT_ID, CLIENT_SECRET];

/// A tenant besides the default one.
#[derive(Clone, Debug)]
pub(crate) struct ConfiguredTenant {
    pub(crate) name: TenantName,
    /// The host by which it is found, and the port where it is not the scheme's own.
    pub(crate) domain: String,
    pub(crate) bootstrap: Option<Application>,
}

/// Reads the list that was found at `place`.
pub(super) fn read(list: &Value, place: &str) -> Result<Vec<ConfiguredTenant>, ConfigError> {
    let tables = list.as_array().and_then(|list| list.iter().map(Value::as_table).collect::<Option<Vec<_>>>());
    let unexpected = || ConfigError::Unexpected {
        setting: format!("{KEY} in {place}"),
        expected: "a [[tenants]] table for each tenant".to_owned(),
        found: "something else".to_owned(),
    };
    let mut tenants: Vec<ConfiguredTenant> = Vec::new();
    for (index, table) in tables.ok_or_else(unexpected)?.into_iter().enumerate() {
        let entry = Entry { table, place: format!("{KEY}[{index}]"), file: place };
        let tenant = entry.read()?;
        if tenants.iter().any(|earlier| earlier.name == tenant.name) {
            return Err(entry.unexpected(NAME, "a name that no other tenant has"));
        }
        tenants.push(tenant);
    }
    Ok(tenants)
}

struct Entry<'a> {
    table: &'a Table,
    place: String,
    file: &'a str,
}

impl Entry<'_> {
    fn read(&self) -> Result<ConfiguredTenant, ConfigError> {
        if let Some(unknown) = self.table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(ConfigError::UnknownKey {
                key: format!("{}.{unknown}", self.place),
                place: self.file.to_owned(),
                nearest: nearest(unknown, KEYS.into_iter()).unwrap_or(NAME).to_owned(),
            });
        }
        let name = TenantName::parse(self.text(NAME)?.unwrap_or_default())
            .map_err(|error| self.unexpected(NAME, &error.to_string()))?;
        if name.as_str() == DEFAULT_TENANT {
            return Err(self.unexpected(NAME, "another name: the default tenant is there by itself"));
        }
        let domain = self.text(DOMAIN)?.unwrap_or_default();
        if PublicUrl::parse(&format!("https://{domain}")).is_err() {
            return Err(self.unexpected(DOMAIN, "a host, and perhaps a port, such as acme.example.com"));
        }
        let bootstrap = match (self.text(CLIENT_ID)?, self.text(CLIENT_SECRET)?) {
            (None, None) => None,
            (Some(id), Some(secret)) => {
                Some(Application { client_id: id.to_owned(), client_secret: Secret::new(secret) })
            }
            (Some(_), None) => return Err(self.half(CLIENT_ID, CLIENT_SECRET)),
            (None, Some(_)) => return Err(self.half(CLIENT_SECRET, CLIENT_ID)),
        };
        Ok(ConfiguredTenant { name, domain: domain.to_owned(), bootstrap })
    }

    fn text(&self, key: &'static str) -> Result<Option<&str>, ConfigError> {
        match self.table.get(key) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| self.unexpected(key, "a text")),
        }
    }

    fn setting(&self, key: &str) -> String {
        format!("{}.{key} in {}", self.place, self.file)
    }

    fn half(&self, given: &str, missing: &'static str) -> ConfigError {
        ConfigError::Half { given: self.setting(given), missing }
    }

    fn unexpected(&self, key: &str, expected: &str) -> ConfigError {
        let found = match self.table.get(key) {
            None => "nothing".to_owned(),
            Some(Value::String(text)) if key != CLIENT_SECRET => format!("{text:?}"),
            Some(_) => "something else".to_owned(),
        };
        ConfigError::Unexpected { setting: self.setting(key), expected: expected.to_owned(), found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(text: &str) -> Result<Vec<ConfiguredTenant>, String> {
        let table: Table = text.parse().unwrap();
        read(&table[KEY], "x.toml").map_err(|error| error.to_string())
    }

    #[test]
    fn tenants_have_a_name_a_domain_and_perhaps_an_application() {
        let found = tenants(
            "[[tenants]]\nname = \"acme\"\ndomain = \"acme.example:8443\"\n[[tenants]]\nname = \"globex\"\n\
             domain = \"globex.example\"\nbootstrap_client_id = \"a\"\nbootstrap_client_secret = \"s3cret\"",
        )
        .unwrap();
        assert_eq!((found[0].name.as_str(), found[0].domain.as_str()), ("acme", "acme.example:8443"));
        assert!(found[0].bootstrap.is_none() && found[1].bootstrap.as_ref().unwrap().client_id == "a");
        assert!(!format!("{found:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let one =
            |more: &str| tenants(&format!("[[tenants]]\nname = \"acme\"\ndomain = \"a.example\"\n{more}")).unwrap_err();
        assert_eq!(one("domian = \"x\""), "unknown key tenants[0].domian in x.toml; did you mean domain?");
        assert_eq!(
            one("bootstrap_client_secret = \"s3cret\""),
            "tenants[0].bootstrap_client_secret in x.toml is given without bootstrap_client_id; give both or neither"
        );
        assert!(!one("bootstrap_client_id = 7").contains('7'));
        let second = one("[[tenants]]\nname = \"acme\"\ndomain = \"b.example\"");
        assert_eq!(second, "tenants[1].name in x.toml: expected a name that no other tenant has, found \"acme\"");
        for (text, start) in [
            ("tenants = \"acme\"", "tenants in x.toml: expected a [[tenants]] table"),
            ("[[tenants]]\ndomain = \"a.example\"", "tenants[0].name in x.toml: expected 3 to 63 lower-case"),
            ("[[tenants]]\nname = \"default\"\ndomain = \"a\"", "tenants[0].name in x.toml: expected another name"),
            ("[[tenants]]\nname = \"acme\"", "tenants[0].domain in x.toml: expected a host"),
            ("[[tenants]]\nname = \"acme\"\ndomain = \"a/b\"", "tenants[0].domain in x.toml: expected a host"),
        ] {
            let error = tenants(text).unwrap_err();
            assert!(error.starts_with(start), "{error}");
        }
    }
}
