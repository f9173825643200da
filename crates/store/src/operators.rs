//! Operators of the dashboard, where they are signed in, and links that sign in once.

use async_trait::async_trait;
use domain::account::SecretHash;
use domain::clock::Timestamp;
use domain::ids::{OperatorId, SessionId, TenantId};
use domain::operator::{Operator, OperatorEmail, OperatorRole, OperatorSession};

use crate::StoreError;

/// How many bytes the digest of a token has.
pub const TOKEN_DIGEST_BYTES: usize = 32;
/// How many operators a tenant has at most.
pub const OPERATORS_MAX: u32 = 1000;

/// What is kept of a token that a browser holds.
pub type TokenDigest = [u8; TOKEN_DIGEST_BYTES];

/// What came of a change of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorChange {
    /// It is done.
    Done,
    /// There is no such operator.
    Missing,
    /// It would leave the tenant without an owner.
    LastOwner,
}

/// Operators, who sign in by their address.
#[async_trait]
pub trait Operators: Send + Sync {
    /// Adds an operator.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the tenant has one with this address, or [`OPERATORS_MAX`] of them.
    async fn operator_add(
        &self,
        tenant: TenantId,
        operator: Operator,
        password: Option<SecretHash>,
    ) -> Result<(), StoreError>;
    /// All operators, by address.
    async fn operators(&self, tenant: TenantId) -> Result<Vec<Operator>, StoreError>;
    /// An operator.
    async fn operator_get(&self, tenant: TenantId, id: &OperatorId) -> Result<Option<Operator>, StoreError>;
    /// The operator with this address, and the hash of their password.
    async fn operator_by_email(
        &self,
        tenant: TenantId,
        email: &OperatorEmail,
    ) -> Result<Option<(Operator, Option<SecretHash>)>, StoreError>;
    /// Gives an operator another role.
    async fn operator_set_role(
        &self,
        tenant: TenantId,
        id: &OperatorId,
        role: OperatorRole,
    ) -> Result<OperatorChange, StoreError>;
    /// Gives an operator another password, and ends their sessions.
    async fn operator_set_password(
        &self,
        tenant: TenantId,
        id: &OperatorId,
        password: SecretHash,
    ) -> Result<OperatorChange, StoreError>;
    /// Removes an operator, with their sessions. What they did stays in the audit log.
    async fn operator_remove(&self, tenant: TenantId, id: &OperatorId) -> Result<OperatorChange, StoreError>;

    /// Keeps a link that signs the operator in once, until `ends_at`. Links that have ended are forgotten.
    async fn sign_in_link_add(
        &self,
        operator: &OperatorId,
        token: TokenDigest,
        now: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Whom a link would sign in, without using it up.
    async fn sign_in_link_peek(
        &self,
        tenant: TenantId,
        token: TokenDigest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError>;
    /// Uses a link up; of several at once, one gets the operator.
    async fn sign_in_link_take(
        &self,
        tenant: TenantId,
        token: TokenDigest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError>;
}

/// Where operators are signed in.
#[async_trait]
pub trait OperatorSessions: Send + Sync {
    /// Begins a session, and notes that its operator signed in. Sessions that have ended are forgotten.
    async fn session_begin(&self, session: OperatorSession, token: TokenDigest) -> Result<(), StoreError>;
    /// The session that a token opens, and whose it is.
    async fn session_get(
        &self,
        tenant: TenantId,
        token: TokenDigest,
    ) -> Result<Option<(OperatorSession, Operator)>, StoreError>;
    /// Notes that a session is used.
    async fn session_seen(&self, id: &SessionId, at: Timestamp) -> Result<(), StoreError>;
    /// The sessions of an operator that have not ended, newest first.
    async fn sessions(
        &self,
        tenant: TenantId,
        operator: &OperatorId,
        now: Timestamp,
    ) -> Result<Vec<OperatorSession>, StoreError>;
    /// Ends a session of an operator; whether there was one.
    async fn session_end(&self, tenant: TenantId, operator: &OperatorId, id: &SessionId) -> Result<bool, StoreError>;
    /// Ends all sessions of an operator but `except`; answers how many.
    async fn sessions_end(
        &self,
        tenant: TenantId,
        operator: &OperatorId,
        except: Option<&SessionId>,
    ) -> Result<u32, StoreError>;
}
