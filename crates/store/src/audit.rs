//! What operators did, in order.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ids::TenantId;

use crate::StoreError;

/// The number of an entry of the audit log; later ones are higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditNumber(pub u64);

/// Something that an operator is about to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditAct {
    /// When.
    pub at: Timestamp,
    /// Who: an address, or what else acts.
    pub operator: String,
    /// What, in a few words: "Create user".
    pub act: String,
    /// On what: an id, a name, an address.
    pub subject: String,
    /// From which address of the network.
    pub address: String,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number.
    pub number: AuditNumber,
    /// What was to be done.
    pub act: AuditAct,
    /// What came of it: "Done", or why not. `None`: the server ended before it was known, or it is being done.
    pub outcome: Option<String>,
}

/// Which entries are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditPlace {
    /// The newest ones.
    Newest,
    /// The ones before this entry.
    Before(AuditNumber),
    /// The ones after this entry.
    After(AuditNumber),
}

/// The audit log: an entry is written before what it tells of is done, so that nothing is done without one.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Writes an entry.
    async fn audit_begin(&self, tenant: TenantId, act: AuditAct) -> Result<AuditNumber, StoreError>;
    /// Says what came of it.
    async fn audit_end(&self, tenant: TenantId, number: AuditNumber, outcome: String) -> Result<(), StoreError>;
    /// At most `take` entries next to a place, newest first.
    async fn audit_page(&self, tenant: TenantId, place: AuditPlace, take: u32) -> Result<Vec<AuditEntry>, StoreError>;
    /// Removes at most `most` entries from before `before`; answers how many there were.
    async fn audit_forget(&self, before: Timestamp, most: u32) -> Result<u32, StoreError>;
}
