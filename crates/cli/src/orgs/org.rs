//! An organization as commands show one.

use crate::document::Document;
use crate::entity::Entity;

/// How organizations are spoken of.
pub(super) const ORGS: Entity = Entity {
    one: "organization",
    many: "organizations",
    path: "organizations",
    id: "id",
    name: "name",
    hint: "Use 'headwater orgs create' to add one",
};

/// The rows of an organization.
pub(super) fn rows(org: &Document) -> Vec<(&'static str, String)> {
    let text = |member| org.member(member).to_owned();
    let (branding, colors) = (org.part("branding"), org.part("branding").part("colors"));
    let metadata = org.part("metadata");
    vec![
        ("ID", text("id")),
        ("NAME", text("name")),
        ("DISPLAY NAME", text("display_name")),
        ("LOGO URL", branding.member("logo_url").to_owned()),
        ("ACCENT COLOR", colors.member("primary").to_owned()),
        ("BACKGROUND COLOR", colors.member("page_background").to_owned()),
        ("METADATA", if metadata.value().is_null() { String::new() } else { metadata.text().to_owned() }),
    ]
}
