//! What creating and changing an organization have in common: the flags for its settings.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::exit::Failure;

/// The settings that may be given as flags.
#[derive(Args, Debug)]
pub(super) struct Settings {
    /// The name for people.
    #[arg(short, long = "display", value_name = "NAME")]
    pub(super) display_name: Option<String>,
    /// Where its logo is.
    #[arg(short, long, value_name = "URL")]
    logo: Option<String>,
    /// Its accent colour, such as #0059d6.
    #[arg(short, long, value_name = "COLOR")]
    accent: Option<String>,
    /// Its background colour.
    #[arg(short, long, value_name = "COLOR")]
    background: Option<String>,
    /// Metadata of your own; may be repeated.
    #[arg(short, long, value_delimiter = ',', value_name = "KEY=VALUE")]
    metadata: Vec<String>,
}

impl Settings {
    /// The settings that were given, as the API calls them; those beside them are kept as `former` has them.
    pub(super) fn members(&self, former: &Value) -> Result<Map<String, Value>, Failure> {
        let mut members = Map::new();
        members.extend(self.display_name.as_ref().map(|name| ("display_name".to_owned(), json!(name))));
        let mut branding = former["branding"].as_object().cloned().unwrap_or_default();
        let mut colors = branding.get("colors").and_then(Value::as_object).cloned().unwrap_or_default();
        colors.extend(self.accent.as_ref().map(|color| ("primary".to_owned(), json!(color))));
        colors.extend(self.background.as_ref().map(|color| ("page_background".to_owned(), json!(color))));
        branding.extend(self.logo.as_ref().map(|url| ("logo_url".to_owned(), json!(url))));
        if !colors.is_empty() {
            branding.insert("colors".into(), Value::Object(colors));
        }
        if self.logo.is_some() || self.accent.is_some() || self.background.is_some() {
            members.insert("branding".into(), Value::Object(branding));
        }
        if !self.metadata.is_empty() {
            members.insert("metadata".into(), Value::Object(self.metadata()?));
        }
        Ok(members)
    }

    fn metadata(&self) -> Result<Map<String, Value>, Failure> {
        let pairs = self.metadata.iter().map(|pair| match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), json!(value))),
            _ => Err(Failure::usage(format!("--metadata: expected KEY=VALUE, found {pair}"))),
        });
        pairs.collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn members(words: &[&str], former: &Value) -> Value {
        Value::Object(Line::parse_from(std::iter::once(&"x").chain(words)).settings.members(former).unwrap())
    }

    #[test]
    fn a_colour_does_not_take_away_the_other_one() {
        let former = json!({"branding": {"logo_url": "l", "colors": {"primary": "#1", "page_background": "#2"}}});
        let expected = json!({"branding": {"logo_url": "l", "colors": {"primary": "#3", "page_background": "#2"}}});
        assert_eq!(members(&["-a", "#3"], &former), expected);
        assert_eq!(
            members(&["-d", "Acme", "-m", "k=v,l=w"], &former),
            json!({
                "display_name": "Acme", "metadata": {"k": "v", "l": "w"}
            })
        );
        assert_eq!(members(&[], &Value::Null), json!({}));
    }
}
