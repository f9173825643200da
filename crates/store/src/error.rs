//! What can go wrong in a store, as far as a caller decides differently.

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// An entity was changed by somebody else meanwhile: read it again and compute the change anew.
    #[error("the entity was changed by another request meanwhile")]
    Stale,
    /// Something that must be unique is taken.
    #[error("{0}")]
    Conflict(Conflict),
    /// A place in the log that nobody can go to.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The store cannot be reached or cannot write now (disk full, locked, gone).
    #[error("the store cannot {doing}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Stored data cannot be understood.
    #[error("corrupt data in {table}.{column} of row {row}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What identifies the row.
        row: String,
    },
    /// The database file is not what was written.
    #[error(
        "the database {file} is damaged ({finding}); stop headwater, keep a copy of the data folder, and restore \
         it from a backup"
    )]
    Damaged {
        /// The file.
        file: String,
        /// What was found.
        finding: String,
    },
    /// The data folder is used by another process.
    #[error("the data folder {folder} is in use by another headwater process; stop it or choose another folder")]
    InUse {
        /// The folder.
        folder: String,
    },
    /// The store was written by a newer version.
    #[error("the store is at version {found}, but this program knows versions up to {known}; use a newer headwater")]
    Newer {
        /// The store's version.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// Secrets in the store cannot be opened with the master key that was given.
    #[error("the master key does not open the secrets in this store; give the key that it was made with")]
    WrongMasterKey,
}

/// Why nobody can go to a place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The log has forgotten events there.
    #[error("the log does not go back that far")]
    Expired,
    /// The log has not come so far.
    #[error("the log does not reach that far")]
    Ahead,
}

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// An operator of the dashboard with this address exists.
    #[error("the operator already exists")]
    Operator,
    /// The tenant has as many operators as it may have.
    #[error("the tenant has as many operators as it may have; remove one first")]
    TooManyOperators,
    /// A user with this id, e-mail address, username or phone number exists in the connection.
    #[error("the user already exists")]
    User,
    /// A stream with this name exists.
    #[error("the event stream name is already in use")]
    StreamName,
    /// The tenant has as many event streams as it may have.
    #[error("the maximum number of event streams is reached")]
    StreamsFull,
    /// The application has a grant for this API already.
    #[error("the client grant already exists")]
    Grant,
    /// An application with this id exists.
    #[error("the application already exists")]
    Client,
    /// An action with this id exists.
    #[error("the action already exists")]
    Action,
    /// The tenant has as many actions as it may have.
    #[error("no more actions can be created")]
    ActionsFull,
    /// There is no such action for a stream to deliver to.
    #[error("the action of the event stream does not exist")]
    ActionUnknown,
    /// No version of the action runs.
    #[error("the action of the event stream is not deployed")]
    ActionUndeployed,
    /// A connection with this name exists.
    #[error("the connection name is already in use")]
    ConnectionName,
    /// A type of events with this name is registered.
    #[error("the event type is already registered")]
    TypeName,
    /// The tenant has as many registered types of events as it may have.
    #[error("no more event types can be registered")]
    TypesFull,
    /// A stream subscribes to the registered type.
    #[error("an event stream subscribes to the event type")]
    TypeSubscribed,
    /// The connection is provisioned with SCIM already.
    #[error("the connection has a SCIM configuration already")]
    ScimConfiguration,
    /// A SCIM user with this name exists in the connection.
    #[error("the SCIM user already exists")]
    ScimUser,
    /// A group with this name exists in the connection.
    #[error("the group name is already in use")]
    Group,
    /// An API with this identifier exists.
    #[error("the API's identifier is already in use")]
    ResourceServer,
    /// A role with this id exists.
    #[error("the role already exists")]
    Role,
    /// An organization with this name exists.
    #[error("the organization name is already in use")]
    OrganizationName,
    /// The organization has the connection already.
    #[error("the connection is already enabled for the organization")]
    OrganizationConnection,
}
