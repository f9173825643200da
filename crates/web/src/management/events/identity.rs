//! What a published event is known by: the same `source` and `id` always give the same.

use aws_lc_rs::digest::{SHA256, digest};
use domain::ids::{EventId, TenantId};
use domain::publish::PublishKey;

/// The key by which an event is found again, and the id by which receivers know it: the producer's own where
/// it has the contract's form, otherwise one that is derived from the key.
pub(super) fn identify(tenant: TenantId, source: &str, id: &str) -> (PublishKey, EventId) {
    let mut text = Vec::with_capacity(8 + source.len() + id.len());
    text.extend(tenant.0.to_be_bytes());
    // The length tells where the source ends, so that no other pair makes the same text.
    text.extend((source.len() as u64).to_be_bytes());
    text.extend(source.as_bytes());
    text.extend(id.as_bytes());
    let digest = digest(&SHA256, &text);
    let half = digest.as_ref().first_chunk().expect("a SHA-256 digest has 32 bytes");
    let number = u128::from_be_bytes(*half);
    (PublishKey::from_number(number), EventId::parse(id).unwrap_or_else(|_| EventId::from_number(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId(1);

    #[test]
    fn the_same_event_has_the_same_identity() {
        let (key, id) = identify(TENANT, "urn:crm", "42");
        assert_eq!(identify(TENANT, "urn:crm", "42"), (key, id));
        // Receivers have seen these ids: they must not change from version to version.
        assert_eq!(id.to_string(), "evt_KrtvNPo2a4JRvwAuExNRzn");
        for (tenant, source, other) in [
            (TenantId(2), "urn:crm", "42"),
            (TENANT, "urn:crm4", "2"),
            (TENANT, "urn:cr", "m42"),
            (TENANT, "42", "urn:crm"),
        ] {
            let found = identify(tenant, source, other);
            assert!(found.0 != key && found.1 != id, "{tenant:?} {source} {other}");
        }
    }

    #[test]
    fn an_id_in_the_contracts_form_is_kept_and_told_apart_by_source() {
        let own = "evt_q273LFcsfrNovuzswy8qBz";
        let (key, id) = identify(TENANT, "urn:a", own);
        assert_eq!(id.to_string(), own);
        let (other_key, same_id) = identify(TENANT, "urn:b", own);
        assert!(other_key != key && same_id == id);
        assert_ne!(identify(TENANT, "urn:a", "evt_q273LFcsfrNovuzswy8qB0").1, id);
    }
}
